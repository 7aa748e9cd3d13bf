/* What a cell is: what the results file says of it before anything was measured. */
#include "internal.h"

#include <math.h>
#include <sha256.h>
#include <stdlib.h>
#include <string.h>

/* The condition as it may be published. Of a secret also 16 bits of its hash: enough to notice
 * another one, too few to tell by them which it is. */
static void add_condition(struct sb_strv *v, const char *key, const char *text, char *shown) {
    char hex[SHA256_DIGEST_STRING_LENGTH];
    if (strcmp(text, shown) == 0)
        sb_strv_take(v, sb_asprintf("%s=%s", key, text));
    else
        sb_strv_take(v, sb_asprintf("%s=%s #%.4s", key, shown,
                                    SHA256Data((const uint8_t *)text, strlen(text), hex)));
    free(shown);
}

/* What makes two cells comparable: the model's bytes, what was asked of it and how. Spelled as the
 * config spells it, since two builds may spell the same option differently. The server's version
 * is left out: comparing builds is the point. */
static void fingerprint(const struct sb_config *c, const struct sb_preflight_cell *p,
                        struct sb_cell *ret) {
    const struct sb_backend *b = p->plan->backend;
    struct sb_strv *v = &ret->fingerprint_of;
    const struct {
        const char *key, *value;
    } given[] = {{"device", b->device},         {"gpu_layers", b->gpu_layers},
                 {"flash_attn", b->flash_attn}, {"mmap", b->mmap},
                 {"cache_type", b->cache_type}, {"spec", b->spec}};
    if (p->gguf) {
        sb_strv_take(v, sb_asprintf("model_bytes=%llu", (unsigned long long)p->gguf->file_bytes));
        sb_strv_take(v, sb_asprintf("model_header=%s", p->gguf->header_sha256));
    }
    if (p->draft)
        sb_strv_take(v, sb_asprintf("draft=%s", p->draft->header_sha256));
    if (p->mmproj)
        sb_strv_take(v, sb_asprintf("mmproj=%s", p->mmproj->header_sha256));
    const struct sb_image *image = sb_model_image(c, p->plan->model);
    if (image)
        sb_strv_take(v, sb_asprintf("image=%s", image->sha256));
    sb_protocol_fingerprint(&c->bench, v);
    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        if (given[i].value)
            sb_strv_take(v, sb_asprintf("%s=%s", given[i].key, given[i].value));
    if (p->served) {
        sb_strv_take(v, sb_asprintf("url=%s", b->url));
        sb_strv_take(v, sb_asprintf("model=%s", p->served->name));
    }
    const struct {
        const char *key;
        int value;
    } numbers[] = {{"threads", b->threads}, {"ubatch", b->ubatch}, {"batch", b->batch}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].value > 0)
            sb_strv_take(v, sb_asprintf("%s=%d", numbers[i].key, numbers[i].value));
    struct sb_strv args = {0};
    sb_strv_copy(&args, &b->args);
    sb_argv_hide_secrets(&args);
    for (size_t i = 0; i < b->args.n; i++)
        add_condition(v, "arg", b->args.item[i], sb_strdup(args.item[i]));
    for (size_t i = 0; i < b->env.n; i++)
        add_condition(v, "env", b->env.item[i], sb_env_shown(b->env.item[i]));
    sb_strv_release(&args);
    sb_cell_seal(ret);
}

static char *shown(const char *configured, char *measured) {
    if (!configured)
        return measured;
    free(measured);
    return sb_strdup(configured);
}

void sb_preflight_describe(const struct sb_config *c, const struct sb_preflight_cell *p,
                           struct sb_cell *ret) {
    const struct sb_model *m = p->plan->model;
    const struct sb_backend *b = p->plan->backend;
    const struct sb_gguf *g = p->gguf;
    ret->model.id = sb_strdup(m->id);
    ret->model.label = sb_strdup(p->label);
    ret->model.path = sb_strdup(m->path);
    const struct sb_image *image = sb_model_image(c, m);
    ret->model.mmproj = b->url ? NULL : sb_strdup(m->mmproj);
    ret->model.image = image ? sb_strdup(image->path) : NULL;
    ret->model.image_sha256 = image ? sb_strdup(image->sha256) : NULL;
    ret->model.notes = m->notes && *m->notes ? sb_strdup(m->notes) : NULL;
    ret->model.quantization = shown(m->quantization, g ? sb_strdup(g->quantization) : NULL);
    ret->model.file_size = shown(m->file_size, g ? sb_format_bytes(g->file_bytes) : NULL);
    ret->model.total_params = shown(m->total_params, g ? sb_format_params(g->total_params) : NULL);
    ret->model.active_params =
        shown(m->active_params, g ? sb_format_params(g->active_params) : NULL);
    if (g) {
        ret->model.file_bytes = (long long)g->file_bytes;
        ret->model.bytes_per_token = (long long)g->bytes_per_token;
    }
    ret->backend.id = sb_strdup(b->id);
    ret->backend.label = sb_strdup(b->label);
    ret->backend.notes = sb_strdup(b->notes);
    ret->backend.device = sb_strdup(b->device);
    sb_strv_copy(&ret->backend.argv, &p->argv);
    sb_strv_copy(&ret->backend.env, &p->env);
    if (p->build) {
        ret->backend.server_version = sb_strdup(p->build->version);
        ret->backend.server_build = sb_strdup(p->stamp);
        ret->backend.image = sb_strdup(p->image);
        const struct sb_llama_device *d = b->device ? sb_find_device(p->build, b->device) : NULL;
        ret->backend.device_name = d ? sb_strdup(d->description) : NULL;
    }
    if (b->url)
        sb_remote_describe(p, ret);
    fingerprint(c, p, ret);
    sb_protocol_repetition(&c->bench, &ret->repetition);
    const struct sb_tunes *tunes = sb_backend_tunes(c, b);
    for (size_t i = 0; i < tunes->n; i++) {
        char *text = sb_tune_text(&tunes->item[i]);
        sb_strv_take(&ret->repetition, sb_asprintf("tune=%s", text));
        free(text);
    }
}
