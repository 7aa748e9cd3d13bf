/* What a server says of itself: /health, /props, /v1/models. */
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

enum { MAX_HEALTH_BYTES = 1 << 20, MAX_TEXT_BYTES = 1000 };

long sb_llama_health(const struct sb_endpoint *at, double timeout_s) {
    struct sb_http_reply reply = {.body = SB_BUF_INIT(MAX_HEALTH_BYTES)};
    struct sb_http_request req = {.path = "/health", .keyless = true};
    struct sb_http_watch watch = {timeout_s, at->child_fd, at->signal_fd};
    bool whole = sb_http_request(at->http, &req, &watch, &reply) == SB_HTTP_OK;
    sb_buf_release(&reply.body);
    return whole ? reply.status : 0;
}

static const cJSON *member(const cJSON *object, const char *key) {
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* What goes into results and onto screens. NULL = none. */
static char *text_at(const cJSON *object, const char *key) {
    const char *text = cJSON_GetStringValue(member(object, key));
    struct sb_buf clean = SB_BUF_INIT(MAX_TEXT_BYTES);
    if (!text)
        return NULL;
    sb_buf_add_printable(&clean, text, strlen(text));
    return sb_buf_detach(&clean);
}

/* -1 = none. */
static long long count_at(const cJSON *object, const char *key) {
    const cJSON *v = member(object, key);
    bool told = cJSON_IsNumber(v) && v->valuedouble >= 0 && v->valuedouble < 1e15;
    return told ? (long long)v->valuedouble : -1;
}

/* ---- /props ------------------------------------------------------------------------------ */

/* A name as the value of a parameter. */
static void add_encoded(struct sb_buf *b, const char *text) {
    for (const unsigned char *s = (const unsigned char *)text; *s; s++)
        if (isalnum(*s) || strchr("-._~/:", *s))
            sb_buf_add(b, (const char *)s, 1);
        else
            sb_buf_addf(b, "%%%02X", *s);
}

int sb_llama_props(const struct sb_endpoint *at, struct sb_llama_props *ret,
                   struct sb_llama_failure *f) {
    struct sb_buf path = SB_BUF_INIT(1 << 16);
    sb_buf_adds(&path, "/props");
    if (at->model) {
        sb_buf_adds(&path, "?model=");
        add_encoded(&path, at->model);
    }
    cJSON *props = llama_ask(at, sb_buf_str(&path), f);
    sb_buf_release(&path);
    if (!props)
        return -1;
    const char *role = cJSON_GetStringValue(member(props, "role"));
    long long n_ctx = count_at(member(props, "default_generation_settings"), "n_ctx");
    const cJSON *vision = member(member(props, "modalities"), "vision");
    *ret = (struct sb_llama_props){.vision = cJSON_IsBool(vision) ? cJSON_IsTrue(vision) : -1,
                                   .media_marker = text_at(props, "media_marker"),
                                   .router = role && strcmp(role, "router") == 0,
                                   .asleep = cJSON_IsTrue(member(props, "is_sleeping")),
                                   .alias = text_at(props, "model_alias"),
                                   .model_path = text_at(props, "model_path"),
                                   .build = text_at(props, "build_info"),
                                   .n_ctx = n_ctx < INT_MAX ? n_ctx : -1,
                                   .slots = count_at(props, "total_slots")};
    cJSON_Delete(props);
    return 0;
}

void sb_llama_props_release(struct sb_llama_props *p) {
    free(p->alias);
    free(p->model_path);
    free(p->build);
    free(p->media_marker);
    *p = (struct sb_llama_props){0};
}

/* ---- /v1/models -------------------------------------------------------------------------- */

static struct sb_llama_model read_model(const cJSON *entry) {
    const cJSON *meta = member(entry, "meta"), *aliases = member(entry, "aliases");
    struct sb_llama_model m = {.name = text_at(entry, "id"),
                               .quantization = text_at(meta, "ftype"),
                               .owner = text_at(entry, "owned_by"),
                               .n_params = count_at(meta, "n_params"),
                               .bytes = count_at(meta, "size")};
    for (const cJSON *a = cJSON_IsArray(aliases) ? aliases->child : NULL; a; a = a->next)
        if (cJSON_IsString(a))
            sb_strv_add(&m.aliases, a->valuestring);
    return m;
}

int sb_llama_models(const struct sb_endpoint *at, struct sb_llama_models *ret,
                    struct sb_llama_failure *f) {
    cJSON *reply = llama_ask(at, "/v1/models", f);
    if (!reply)
        return -1;
    const cJSON *data = member(reply, "data");
    *ret = (struct sb_llama_models){0};
    for (const cJSON *m = cJSON_IsArray(data) ? data->child : NULL; m; m = m->next) {
        if (!cJSON_IsString(member(m, "id")))
            continue;
        ret->item = sb_grow(ret->item, ret->n, sizeof *ret->item);
        ret->item[ret->n++] = read_model(m);
    }
    cJSON_Delete(reply);
    return 0;
}

void sb_llama_models_release(struct sb_llama_models *m) {
    for (size_t i = 0; i < m->n; i++) {
        free(m->item[i].name);
        free(m->item[i].quantization);
        free(m->item[i].owner);
        sb_strv_release(&m->item[i].aliases);
    }
    free(m->item);
    *m = (struct sb_llama_models){0};
}

const struct sb_llama_model *sb_llama_model_named(const struct sb_llama_models *m,
                                                  const char *name) {
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->item[i].name, name) == 0 || sb_strv_has(&m->item[i].aliases, name))
            return &m->item[i];
    return NULL;
}
