/* /completion: the request, and what is believed of the reply. */
#include <cjson/cJSON.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

enum {
    MAX_REPLY_BYTES = 16 << 20,
    MAX_TOKEN_BYTES = 64,
    MAX_EVENT_BYTES = 4096,
    FORCING_BIAS = 10000
};

/* ---- the request ------------------------------------------------------------------------- */

static void add_prompt(struct sb_buf *b, const struct sb_llama_completion *c) {
    if (c->picture) {
        sb_buf_adds(b, "{\"prompt_string\":");
        sb_buf_add_json(b, c->text);
        sb_buf_adds(b, ",\"multimodal_data\":[\"");
        sb_buf_adds(b, c->picture);
        sb_buf_adds(b, "\"]}");
        return;
    }
    sb_buf_adds(b, "[");
    for (size_t i = 0; i < c->n_tokens; i++) {
        sb_buf_adds(b, i ? "," : "");
        sb_buf_add_integer(b, c->tokens[i]);
    }
    sb_buf_adds(b, "]");
}

/* The reply would echo the whole prompt: response_fields trims it (older builds ignore that). */
static char *completion_body(const struct sb_endpoint *at, const struct sb_llama_completion *c,
                             size_t *ret_len) {
    struct sb_buf b = SB_BUF_INIT(SIZE_MAX / 4);
    sb_buf_adds(&b, "{");
    if (at->model) {
        sb_buf_adds(&b, "\"model\":");
        sb_buf_add_json(&b, at->model);
        sb_buf_adds(&b, ",");
    }
    sb_buf_addf(&b, "\"n_predict\":%d,\"temperature\":0,\"seed\":%d,\"stream\":%s", c->n_predict,
                c->seed, c->timed ? "true,\"timings_per_token\":true" : "false");
    sb_buf_addf(&b, ",\"cache_prompt\":%s,\"ignore_eos\":%s", c->cache_prompt ? "true" : "false",
                c->ignore_eos ? "true" : "false");
    if (c->slot > 0)
        sb_buf_addf(&b, ",\"id_slot\":%d", c->slot - 1);
    if (c->n_probs > 0)
        sb_buf_addf(&b, ",\"n_probs\":%d", c->n_probs);
    /* Probabilities are told of the raw logits, before this bias, and of the sampled token even
     * where it is not among the most likely. */
    if (c->force)
        sb_buf_addf(&b, ",\"logit_bias\":[[%d,%d]]", c->forced, FORCING_BIAS);
    if (c->return_tokens)
        sb_buf_adds(&b, ",\"return_tokens\":true");
    sb_buf_adds(&b, ",\"response_fields\":[\"timings\",\"stop_type\",\"truncated\","
                    "\"tokens_evaluated\",\"tokens_predicted\"");
    if (c->n_probs > 0)
        sb_buf_adds(&b, ",\"completion_probabilities\"");
    if (c->return_tokens)
        sb_buf_adds(&b, ",\"tokens\"");
    sb_buf_adds(&b, "],\"prompt\":");
    add_prompt(&b, c);
    sb_buf_adds(&b, "}");
    *ret_len = b.len;
    return sb_buf_detach(&b);
}

/* ---- the reply --------------------------------------------------------------------------- */

static double number_at(const cJSON *object, const char *key) {
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(v) && isfinite(v->valuedouble) ? v->valuedouble : (double)NAN;
}

static long long count_at(const cJSON *object, const char *key) {
    double v = number_at(object, key);
    return v >= 0 && v < 1e15 ? (long long)v : -1;
}

/* What no sane server sends: the reply is then not believed at all. NULL = nothing of it. */
static const char *nonsense(const cJSON *object) {
    for (const cJSON *a = object->child; a; a = a->next) {
        size_t n = strlen(a->string);
        bool count = n > 2 && strcmp(a->string + n - 2, "_n") == 0;
        if (count && cJSON_IsNumber(a) && a->valuedouble != floor(a->valuedouble))
            return "a count that is no whole number";
        for (const cJSON *b = a->next; b; b = b->next)
            if (strcmp(a->string, b->string) == 0)
                return "a key twice";
    }
    return NULL;
}

/* The object and its "timings", or why the text is no reply to a completion. */
static const char *parse_object(const char *text, size_t len, cJSON **ret, const cJSON **ret_t) {
    const char *end = NULL;
    *ret = cJSON_ParseWithLengthOpts(text, len, &end, 0);
    if (!*ret)
        return "not JSON";
    while (end < text + len && strchr(" \t\r\n", *end) && *end)
        end++;
    if (end < text + len)
        return "bytes behind the JSON";
    if (!cJSON_IsObject(*ret))
        return "not an object";
    *ret_t = cJSON_GetObjectItemCaseSensitive(*ret, "timings");
    if (!cJSON_IsObject(*ret_t))
        return "no timings";
    const char *why = nonsense(*ret);
    return why ? why : nonsense(*ret_t);
}

static struct sb_llama_candidate candidate(const cJSON *object) {
    long long id = count_at(object, "id");
    return (struct sb_llama_candidate){.id = id < INT_MAX ? (int)id : -1,
                                       .logprob = number_at(object, "logprob")};
}

static char *printable(const cJSON *object, const char *key) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    struct sb_buf clean = SB_BUF_INIT(MAX_TOKEN_BYTES);
    if (!text)
        return NULL;
    sb_buf_add_printable(&clean, text, strlen(text));
    return sb_buf_detach(&clean);
}

static void parse_positions(const cJSON *list, struct sb_llama_reply *r) {
    if (!cJSON_IsArray(list))
        return;
    r->positions = sb_alloc((size_t)cJSON_GetArraySize(list), sizeof *r->positions);
    for (const cJSON *at = list->child; at; at = at->next) {
        struct sb_llama_position *p = &r->positions[r->n_positions++];
        const cJSON *top = cJSON_GetObjectItemCaseSensitive(at, "top_logprobs");
        p->chosen = candidate(at);
        p->text = printable(at, "token");
        if (!cJSON_IsArray(top))
            continue;
        p->top_text = printable(top->child, "token");
        p->top = sb_alloc((size_t)cJSON_GetArraySize(top), sizeof *p->top);
        for (const cJSON *t = top->child; t; t = t->next)
            p->top[p->n_top++] = candidate(t);
    }
}

/* All of them, or none when one is odd. */
static void parse_tokens(const cJSON *list, struct sb_llama_reply *r) {
    if (!cJSON_IsArray(list))
        return;
    r->tokens = sb_alloc((size_t)cJSON_GetArraySize(list), sizeof *r->tokens);
    for (const cJSON *at = list->child; at; at = at->next) {
        double id = cJSON_IsNumber(at) ? at->valuedouble : -1;
        if (!(id >= 0 && id < INT_MAX)) {
            r->n_tokens = 0;
            return;
        }
        r->tokens[r->n_tokens++] = (int)id;
    }
}

int sb_llama_parse_completion(const char *text, size_t len, struct sb_llama_reply *ret,
                              struct sb_buf *error) {
    cJSON *json;
    const cJSON *t;
    const char *why = parse_object(text, len, &json, &t);
    if (why) {
        sb_buf_adds(error, why);
        cJSON_Delete(json);
        return -1;
    }
    *ret = (struct sb_llama_reply){
        .prompt_n = count_at(t, "prompt_n"),
        .cache_n = count_at(t, "cache_n"),
        .predicted_n = count_at(t, "predicted_n"),
        .draft_n = count_at(t, "draft_n"),
        .draft_n_accepted = count_at(t, "draft_n_accepted"),
        .prompt_ms = number_at(t, "prompt_ms"),
        .predicted_ms = number_at(t, "predicted_ms"),
        .prompt_per_second = number_at(t, "prompt_per_second"),
        .predicted_per_second = number_at(t, "predicted_per_second"),
        .truncated = -1,
        .wall_ms = (double)NAN,
    };
    /* Builds of 2025 have no cache_n; there tokens_evaluated counts the cached ones as well. */
    long long evaluated = count_at(json, "tokens_evaluated");
    if (ret->cache_n < 0 && evaluated >= 0 && ret->prompt_n >= 0 && evaluated >= ret->prompt_n)
        ret->cache_n = evaluated - ret->prompt_n;
    if (evaluated >= 0 && ret->prompt_n >= 0 && evaluated != ret->cache_n + ret->prompt_n) {
        sb_buf_addf(error, "%lld tokens evaluated are not %lld cached and %lld processed",
                    evaluated, ret->cache_n, ret->prompt_n);
        cJSON_Delete(json);
        return -1;
    }
    const cJSON *truncated = cJSON_GetObjectItemCaseSensitive(json, "truncated");
    if (cJSON_IsBool(truncated))
        ret->truncated = cJSON_IsTrue(truncated);
    const char *stop = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "stop_type"));
    if (stop) {
        struct sb_buf clean = SB_BUF_INIT(32);
        sb_buf_add_printable(&clean, stop, strlen(stop));
        ret->stop_type = sb_buf_detach(&clean);
    }
    parse_positions(cJSON_GetObjectItemCaseSensitive(json, "completion_probabilities"), ret);
    parse_tokens(cJSON_GetObjectItemCaseSensitive(json, "tokens"), ret);
    cJSON_Delete(json);
    return 0;
}

void sb_llama_reply_release(struct sb_llama_reply *r) {
    free(r->stop_type);
    for (size_t i = 0; i < r->n_positions; i++) {
        free(r->positions[i].top);
        free(r->positions[i].text);
        free(r->positions[i].top_text);
    }
    free(r->positions);
    free(r->tokens);
    free(r->moments);
    *r = (struct sb_llama_reply){0};
}

/* ---- both -------------------------------------------------------------------------------- */

static int read_reply(const struct sb_endpoint *at, double timeout_s, bool timed,
                      const struct sb_http_reply *reply, struct sb_llama_reply *ret,
                      struct sb_llama_failure *failure) {
    struct sb_buf error = SB_BUF_INIT(200);
    long status = 0;
    if (llama_check_reply(at, "run", timeout_s, reply, failure) < 0)
        return -1;
    int rc =
        timed ? sb_llama_parse_stream(reply, ret, &status, &error)
              : sb_llama_parse_completion(sb_buf_str(&reply->body), reply->body.len, ret, &error);
    if (status) {
        llama_fail(failure, sb_asprintf("HTTP %ld", status), sb_buf_str(&error));
        failure->http_status = status;
    } else if (rc < 0) {
        llama_fail(failure, sb_asprintf("bad reply: %s", sb_buf_str(&error)), NULL);
    } else {
        ret->wall_ms = reply->wall_ms;
    }
    sb_buf_release(&error);
    return rc;
}

/* Whose failure it is, where it is that of one request and not of the server. */
static void name_slot(struct sb_llama_failure *f, const struct sb_llama_completion *c, size_t i,
                      size_t n) {
    if (n == 1 || f->interrupted)
        return;
    char *reason =
        sb_asprintf("slot %d of %zu: %s", c->slot > 0 ? c->slot : (int)i + 1, n, f->reason);
    free(f->reason);
    f->reason = reason;
}

int sb_llama_complete_all(const struct sb_endpoint *at, const struct sb_llama_completion *c,
                          size_t n, double timeout_s, struct sb_llama_reply *rets,
                          struct sb_llama_failure *failure) {
    struct sb_http_request *requests = sb_alloc(n, sizeof *requests);
    struct sb_http_reply *replies = sb_alloc(n, sizeof *replies);
    char **bodies = sb_alloc(n, sizeof *bodies);
    for (size_t i = 0; i < n; i++) {
        requests[i].path = "/completion";
        requests[i].body = bodies[i] = completion_body(at, &c[i], &requests[i].body_len);
        requests[i].stamped = c[i].timed;
        replies[i].body.limit = MAX_REPLY_BYTES;
        if (c[i].timed && c[i].n_predict > 0)
            replies[i].body.limit += (size_t)c[i].n_predict * MAX_EVENT_BYTES;
        rets[i] = (struct sb_llama_reply){0};
    }
    struct sb_http_watch watch = {timeout_s, at->child_fd, at->signal_fd};
    sb_http_request_all(at->http, requests, n, &watch, replies);
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = read_reply(at, timeout_s, c[i].timed, &replies[i], &rets[i], failure);
        if (rc < 0)
            name_slot(failure, &c[i], i, n);
    }
    for (size_t i = 0; i < n; i++) {
        if (rc < 0)
            sb_llama_reply_release(&rets[i]);
        sb_buf_release(&replies[i].body);
        free(replies[i].stamps);
        free(bodies[i]);
    }
    free(requests);
    free(replies);
    free(bodies);
    return rc;
}

int sb_llama_complete(const struct sb_endpoint *at, const struct sb_llama_completion *c,
                      double timeout_s, struct sb_llama_reply *ret,
                      struct sb_llama_failure *failure) {
    return sb_llama_complete_all(at, c, 1, timeout_s, ret, failure);
}
