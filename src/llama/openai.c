/* /v1/completions, streamed: what a server without /completion is measured by, with our own clock. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

enum { LEAST_REPLY_BYTES = 1 << 20, EVENT_BYTES = 2048 };

/* What no server of this protocol needs to know it ignores: ignore_eos is of vLLM and llama.cpp,
 * cache_prompt of the latter. */
static char *stream_body(const struct sb_endpoint *at, const struct sb_llama_text *t) {
    cJSON *body = cJSON_CreateObject();
    if (at->model)
        cJSON_AddStringToObject(body, "model", at->model);
    cJSON_AddStringToObject(body, "prompt", t->prompt);
    cJSON_AddNumberToObject(body, "max_tokens", t->n_predict);
    cJSON_AddNumberToObject(body, "temperature", 0);
    cJSON_AddNumberToObject(body, "seed", t->seed);
    cJSON_AddBoolToObject(body, "ignore_eos", true);
    cJSON_AddBoolToObject(body, "cache_prompt", false);
    cJSON_AddBoolToObject(body, "stream", true);
    cJSON_AddBoolToObject(cJSON_AddObjectToObject(body, "stream_options"), "include_usage", true);
    char *json = cJSON_PrintUnformatted(body);
    cJSON_Delete(body);
    return json;
}

/* ---- the reply --------------------------------------------------------------------------- */

/* What lay there already is read faster than this. */
static const double AT_ONCE_MS = 0.1;

struct stream {
    const struct sb_http_reply *reply;
    size_t stamp; /* by which the event at hand was there */
    double first_ms, last_ms;
    struct sb_llama_reply *told;
    struct sb_buf *error;
};

static const cJSON *member(const cJSON *object, const char *key) {
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static long long count_at(const cJSON *object, const char *key) {
    const cJSON *v = member(object, key);
    bool told = cJSON_IsNumber(v) && v->valuedouble >= 0 && v->valuedouble < 1e15 &&
                v->valuedouble == floor(v->valuedouble);
    return told ? (long long)v->valuedouble : -1;
}

/* Cached tokens cost no time, and are no part of what was processed. */
static void take_usage(struct stream *s, const cJSON *usage) {
    struct sb_llama_reply *r = s->told;
    long long prompt = count_at(usage, "prompt_tokens"),
              cached = count_at(member(usage, "prompt_tokens_details"), "cached_tokens");
    if (!cJSON_IsObject(usage))
        return;
    r->predicted_n = count_at(usage, "completion_tokens");
    r->cache_n = cached;
    r->prompt_n = cached > 0 && prompt >= cached ? prompt - cached : prompt;
}

static void take_choice(struct stream *s, const cJSON *choice) {
    struct sb_llama_reply *r = s->told;
    double at_ms = s->reply->stamps[s->stamp].ms;
    const char *finish = cJSON_GetStringValue(member(choice, "finish_reason"));
    if (r->n_events++ == 0)
        s->first_ms = at_ms;
    if (r->n_events == 1 || at_ms > s->last_ms + AT_ONCE_MS)
        r->n_pieces++;
    s->last_ms = at_ms;
    if (finish && !r->stop_type) {
        struct sb_buf clean = SB_BUF_INIT(32);
        sb_buf_add_printable(&clean, finish, strlen(finish));
        r->stop_type = strcmp(finish, "length") == 0 ? sb_strdup("limit") : sb_buf_detach(&clean);
        sb_buf_release(&clean);
    }
}

/* 0, or -1: it tells of an error, or is none. */
static int take_event(struct stream *s, const char *text, size_t len) {
    if (len == 6 && memcmp(text, "[DONE]", 6) == 0)
        return 0;
    cJSON *json = cJSON_ParseWithLength(text, len);
    const cJSON *choices = member(json, "choices"), *failure = member(json, "error");
    const char *message = cJSON_GetStringValue(member(failure, "message"));
    int rc = cJSON_IsObject(json) && !failure ? 0 : -1;
    if (rc < 0 && failure)
        sb_buf_add_printable(s->error, message ? message : "an error",
                             message ? strlen(message) : 8);
    else if (rc < 0)
        sb_buf_adds(s->error, "an event that is no JSON object");
    else if (cJSON_IsArray(choices) && choices->child)
        take_choice(s, choices->child);
    if (rc == 0)
        take_usage(s, member(json, "usage"));
    cJSON_Delete(json);
    return rc;
}

/* Lines "data: {...}"; other fields and comments, which keep a connection alive, say nothing. */
static int take_lines(struct stream *s) {
    const struct sb_buf *body = &s->reply->body;
    static const char field[] = "data:";
    for (size_t at = 0, n; at < body->len; at += n + 1) {
        const char *line = body->data + at, *end = memchr(line, '\n', body->len - at);
        n = end ? (size_t)(end - line) : body->len - at;
        size_t len = n > 0 && line[n - 1] == '\r' ? n - 1 : n, skip = sizeof field - 1;
        while (s->reply->stamps[s->stamp].bytes < at + n)
            s->stamp++;
        if (len < skip || memcmp(line, field, skip) != 0)
            continue;
        skip += len > skip && line[skip] == ' ';
        if (take_event(s, line + skip, len - skip) < 0)
            return -1;
    }
    return 0;
}

int sb_llama_parse_openai(const struct sb_http_reply *reply, struct sb_llama_reply *ret,
                          struct sb_buf *error) {
    double nan = (double)NAN;
    struct sb_llama_reply r = {.prompt_n = -1,
                               .cache_n = -1,
                               .predicted_n = -1,
                               .draft_n = -1,
                               .draft_n_accepted = -1,
                               .truncated = -1,
                               .prompt_ms = nan,
                               .predicted_ms = nan,
                               .prompt_per_second = nan,
                               .predicted_per_second = nan,
                               .wall_ms = reply->wall_ms};
    struct stream s = {.reply = reply, .told = &r, .error = error};
    int rc = reply->n_stamps ? take_lines(&s) : 0;
    if (rc == 0 && r.n_events == 0) {
        sb_buf_adds(error, "no stream of tokens");
        rc = -1;
    }
    if (rc < 0) {
        sb_llama_reply_release(&r);
        return -1;
    }
    r.prompt_ms = s.first_ms - reply->sent_ms;
    r.predicted_ms = s.last_ms - s.first_ms;
    *ret = r;
    return 0;
}

/* ---- both -------------------------------------------------------------------------------- */

int sb_llama_openai(const struct sb_endpoint *at, const struct sb_llama_text *t, double timeout_s,
                    struct sb_llama_reply *ret, struct sb_llama_failure *failure) {
    char *body = stream_body(at, t);
    struct sb_http_request request = {
        .path = "/v1/completions", .body = body, .body_len = strlen(body), .stamped = true};
    size_t most = LEAST_REPLY_BYTES + (size_t)t->n_predict * EVENT_BYTES;
    struct sb_http_reply reply = {.body = SB_BUF_INIT(most)};
    struct sb_http_watch watch = {timeout_s, at->child_fd, at->signal_fd};
    struct sb_buf error = SB_BUF_INIT(200);
    sb_http_request(at->http, &request, &watch, &reply);
    int rc = llama_check_reply(at, "run", timeout_s, &reply, failure);
    if (rc == 0 && sb_llama_parse_openai(&reply, ret, &error) < 0)
        rc = llama_fail(failure, sb_asprintf("bad reply: %s", sb_buf_str(&error)), NULL);
    sb_buf_release(&error);
    sb_buf_release(&reply.body);
    free(reply.stamps);
    free(body);
    return rc;
}
