/* Questions to a server: what its replies are worth, and /tokenize. */
#include "client.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_TOKENS_BYTES = 16 << 20,
    MAX_SMALL_REPLY_BYTES = 1 << 20,
    ASK_TIMEOUT_S = 30,
};

/* ---- failures ---------------------------------------------------------------------------- */

void sb_llama_failure_release(struct sb_llama_failure *f) {
    free(f->reason);
    free(f->detail);
    *f = (struct sb_llama_failure){0};
}

int llama_fail(struct sb_llama_failure *f, char *reason, const char *detail) {
    f->reason = reason;
    f->detail = detail && *detail ? sb_strdup(detail) : NULL;
    return -1;
}

static char *error_message(const char *body) {
    cJSON *json = cJSON_Parse(body);
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(json, "error");
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(error, "message"));
    struct sb_buf clean = SB_BUF_INIT(1000);
    if (text)
        sb_buf_add_printable(&clean, text, strlen(text));
    cJSON_Delete(json);
    return sb_buf_detach(&clean);
}

int llama_check_reply(const struct sb_endpoint *at, const char *what, double timeout_s,
                      const struct sb_http_reply *reply, struct sb_llama_failure *f) {
    switch (reply->result) {
    case SB_HTTP_OK: break;
    case SB_HTTP_SIGNAL:
        /* Taken, so that stopping the server in order is cut short only by the next one. */
        f->interrupted = sb_signals_take(at->signal_fd);
        return llama_fail(f, sb_strdup("interrupted"), NULL);
    case SB_HTTP_TIMEOUT:
        return llama_fail(f, sb_asprintf("%s timed out after %.0f s", what, timeout_s), NULL);
    case SB_HTTP_TOO_BIG:
        return llama_fail(f, sb_asprintf("bad reply: over %zu MiB", reply->body.limit >> 20), NULL);
    case SB_HTTP_CHILD_EXITED:
    case SB_HTTP_REFUSED:
    case SB_HTTP_CLOSED:
        f->gone = true;
        return llama_fail(f, sb_strdup("connection lost"), reply->error);
    case SB_HTTP_UNTRUSTED:
        return llama_fail(f, sb_strdup("certificate not trusted"), reply->error);
    case SB_HTTP_NO_HTTP: return llama_fail(f, sb_strdup("bad reply: not HTTP"), reply->error);
    }
    if (reply->status == 200)
        return 0;
    f->http_status = reply->status;
    char *message = error_message(sb_buf_str(&reply->body));
    llama_fail(f, sb_asprintf("HTTP %ld", reply->status), message);
    free(message);
    return -1;
}

/* ---- small questions --------------------------------------------------------------------- */

struct question {
    const char *path, *body; /* GET, or POST when there is a body */
    double timeout_s;
    size_t limit; /* most bytes of the reply */
};

static cJSON *object_of(const struct sb_endpoint *at, const struct question *q,
                        const struct sb_http_reply *reply, struct sb_llama_failure *f) {
    if (llama_check_reply(at, q->path, q->timeout_s, reply, f) < 0)
        return NULL;
    cJSON *json = cJSON_Parse(sb_buf_str(&reply->body));
    if (cJSON_IsObject(json))
        return json;
    cJSON_Delete(json);
    llama_fail(f, sb_asprintf("bad reply to %s: no JSON object", q->path), NULL);
    return NULL;
}

/* Two questions at once, each for a JSON object that the caller deletes; -1 and *f when one of them has
 * no answer. `b` NULL = there is no second. */
static int ask_both(const struct sb_endpoint *at, const struct question *a,
                    const struct question *b, cJSON **rets, struct sb_llama_failure *f) {
    const struct question *asked[] = {a, b};
    size_t n = b ? 2 : 1;
    struct sb_http_request requests[2] = {0};
    struct sb_http_reply replies[2] = {0};
    for (size_t i = 0; i < n; i++) {
        requests[i].path = asked[i]->path;
        requests[i].body = asked[i]->body;
        requests[i].body_len = asked[i]->body ? strlen(asked[i]->body) : 0;
        replies[i].body.limit = asked[i]->limit;
    }
    struct sb_http_watch watch = {a->timeout_s, at->child_fd, at->signal_fd};
    sb_http_request_all(at->http, requests, n, &watch, replies);
    bool whole = true;
    for (size_t i = 0; i < n; i++) {
        rets[i] = whole ? object_of(at, asked[i], &replies[i], f) : NULL;
        whole &= rets[i] != NULL;
        sb_buf_release(&replies[i].body);
    }
    for (size_t i = 0; i < n && !whole; i++)
        cJSON_Delete(rets[i]);
    return whole ? 0 : -1;
}

cJSON *llama_ask(const struct sb_endpoint *at, const char *path, struct sb_llama_failure *f) {
    struct question q = {path, NULL, ASK_TIMEOUT_S, MAX_SMALL_REPLY_BYTES};
    cJSON *reply;
    return ask_both(at, &q, NULL, &reply, f) < 0 ? NULL : reply;
}

/* ---- tokenize ---------------------------------------------------------------------------- */

static char *tokenize_body(const struct sb_endpoint *at, const char *text, size_t len,
                           bool add_special) {
    char *content = sb_strndup(text, len);
    cJSON *body = cJSON_CreateObject();
    if (at->model)
        cJSON_AddStringToObject(body, "model", at->model);
    cJSON_AddStringToObject(body, "content", content);
    cJSON_AddBoolToObject(body, "add_special", add_special);
    char *json = cJSON_PrintUnformatted(body);
    cJSON_Delete(body);
    free(content);
    return json;
}

/* Of a reply; NULL and *f when it holds none. */
static int *ids_of(const cJSON *reply, size_t *ret_n, struct sb_llama_failure *f) {
    const cJSON *tokens = cJSON_GetObjectItemCaseSensitive(reply, "tokens");
    const cJSON *t = cJSON_IsArray(tokens) ? tokens->child : NULL; /* an object has one, too */
    size_t n = t ? (size_t)cJSON_GetArraySize(tokens) : 0;
    int *ids = sb_alloc(n, sizeof *ids);
    bool good = n > 0;
    for (size_t i = 0; good && t; t = t->next) {
        good = cJSON_IsNumber(t) && t->valuedouble >= 0 && t->valuedouble < INT_MAX;
        ids[i++] = good ? (int)t->valuedouble : 0;
    }
    *ret_n = n;
    if (good)
        return ids;
    free(ids);
    llama_fail(f, sb_strdup("bad reply to /tokenize: no token ids"), NULL);
    return NULL;
}

/* Token arrays get no BOS from the server, strings do: what `add_special` puts in front is what
 * this model wants. */
int sb_llama_tokenize(const struct sb_endpoint *at, const char *text, size_t len, double timeout_s,
                      struct sb_llama_tokens *ret, struct sb_llama_failure *f) {
    char *special = tokenize_body(at, text, len, true),
         *plain = tokenize_body(at, text, len, false);
    cJSON *replies[2];
    int rc =
        ask_both(at, &(struct question){"/tokenize", special, timeout_s, MAX_TOKENS_BYTES},
                 &(struct question){"/tokenize", plain, timeout_s, MAX_TOKENS_BYTES}, replies, f);
    free(special);
    free(plain);
    if (rc < 0)
        return -1;
    struct sb_llama_tokens t = {0};
    size_t n_content = 0;
    t.ids = ids_of(replies[0], &t.n, f);
    int *content = t.ids ? ids_of(replies[1], &n_content, f) : NULL;
    cJSON_Delete(replies[0]);
    cJSON_Delete(replies[1]);
    if (!content) {
        free(t.ids);
        return -1;
    }
    while (t.n_special < t.n && t.ids[t.n_special] != content[0])
        t.n_special++;
    t.n_special = t.n_special == t.n ? 0 : t.n_special;
    free(content);
    *ret = t;
    return 0;
}
