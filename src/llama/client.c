/* What a llama-server that answers is asked: /health, /props, /v1/models, /tokenize. */
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

/* GET, or POST when there is a body, for a JSON object. NULL and *f on failure; the caller deletes
 * it. */
static cJSON *ask(const struct sb_endpoint *at, const char *path, const char *body,
                  double timeout_s, size_t limit, struct sb_llama_failure *f) {
    struct sb_http_reply reply = {.body = SB_BUF_INIT(limit)};
    struct sb_http_request req = {.path = path, .body = body, .body_len = body ? strlen(body) : 0};
    struct sb_http_watch watch = {timeout_s, at->child_fd, at->signal_fd};
    sb_http_request(at->http, &req, &watch, &reply);
    cJSON *json = NULL;
    if (llama_check_reply(at, path, timeout_s, &reply, f) == 0) {
        json = cJSON_Parse(sb_buf_str(&reply.body));
        if (!cJSON_IsObject(json)) {
            cJSON_Delete(json);
            json = NULL;
            llama_fail(f, sb_asprintf("bad reply to %s: no JSON object", path), NULL);
        }
    }
    sb_buf_release(&reply.body);
    return json;
}

long sb_llama_health(const struct sb_endpoint *at, double timeout_s) {
    struct sb_http_reply reply = {.body = SB_BUF_INIT(MAX_SMALL_REPLY_BYTES)};
    struct sb_http_request req = {.path = "/health", .keyless = true};
    struct sb_http_watch watch = {timeout_s, at->child_fd, at->signal_fd};
    bool whole = sb_http_request(at->http, &req, &watch, &reply) == SB_HTTP_OK;
    sb_buf_release(&reply.body);
    return whole ? reply.status : 0;
}

static const char *string_at(const cJSON *object, const char *key) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

int sb_llama_props(const struct sb_endpoint *at, struct sb_llama_props *ret,
                   struct sb_llama_failure *f) {
    cJSON *props = ask(at, "/props", NULL, ASK_TIMEOUT_S, MAX_SMALL_REPLY_BYTES, f);
    if (!props)
        return -1;
    const char *role = string_at(props, "role");
    const cJSON *settings = cJSON_GetObjectItemCaseSensitive(props, "default_generation_settings");
    const cJSON *n_ctx = cJSON_GetObjectItemCaseSensitive(settings, "n_ctx");
    bool told = cJSON_IsNumber(n_ctx) && n_ctx->valuedouble >= 0 && n_ctx->valuedouble < INT_MAX;
    *ret = (struct sb_llama_props){.router = role && strcmp(role, "router") == 0,
                                   .model_path = sb_strdup(string_at(props, "model_path")),
                                   .n_ctx = told ? (long long)n_ctx->valuedouble : -1};
    cJSON_Delete(props);
    return 0;
}

void sb_llama_props_release(struct sb_llama_props *p) {
    free(p->model_path);
    *p = (struct sb_llama_props){0};
}

int sb_llama_model_name(const struct sb_endpoint *at, char **ret, struct sb_llama_failure *f) {
    cJSON *models = ask(at, "/v1/models", NULL, ASK_TIMEOUT_S, MAX_SMALL_REPLY_BYTES, f);
    if (!models)
        return -1;
    const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(models, "data"), 0);
    *ret = sb_strdup(string_at(first, "id"));
    cJSON_Delete(models);
    return 0;
}

/* ---- tokenize ---------------------------------------------------------------------------- */

static char *tokenize_body(const char *text, size_t len, bool add_special) {
    char *content = sb_strndup(text, len);
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "content", content);
    cJSON_AddBoolToObject(body, "add_special", add_special);
    char *json = cJSON_PrintUnformatted(body);
    cJSON_Delete(body);
    free(content);
    return json;
}

int sb_llama_tokenize(const struct sb_endpoint *at, const char *text, size_t len, bool add_special,
                      double timeout_s, int **ret, size_t *ret_n, struct sb_llama_failure *f) {
    char *body = tokenize_body(text, len, add_special);
    cJSON *reply = ask(at, "/tokenize", body, timeout_s, MAX_TOKENS_BYTES, f);
    free(body);
    if (!reply)
        return -1;
    const cJSON *tokens = cJSON_GetObjectItemCaseSensitive(reply, "tokens");
    const cJSON *t = cJSON_IsArray(tokens) ? tokens->child : NULL; /* an object has one, too */
    size_t n = t ? (size_t)cJSON_GetArraySize(tokens) : 0;
    int *ids = sb_alloc(n, sizeof *ids);
    bool good = n > 0;
    for (size_t i = 0; good && t; t = t->next) {
        good = cJSON_IsNumber(t) && t->valuedouble >= 0 && t->valuedouble < INT_MAX;
        ids[i++] = good ? (int)t->valuedouble : 0;
    }
    cJSON_Delete(reply);
    if (!good) {
        free(ids);
        return llama_fail(f, sb_strdup("bad reply to /tokenize: no token ids"), NULL);
    }
    *ret = ids;
    *ret_n = n;
    return 0;
}
