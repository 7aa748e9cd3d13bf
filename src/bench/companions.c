/* The files beside a model: its draft model, its projector. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

const char *sb_bench_gguf_reason(enum sb_gguf_status s) {
    static const char *const reasons[] = {
        [SB_GGUF_MISSING] = "model file missing",
        [SB_GGUF_NOT_GGUF] = "not a GGUF file",
        [SB_GGUF_MALFORMED] = "malformed GGUF header",
        [SB_GGUF_TRUNCATED] = "model file truncated",
        [SB_GGUF_NO_SHARD] = "shard missing",
        [SB_GGUF_NOT_FIRST] = "not the first shard",
        [SB_GGUF_RENAMED] = "shard renamed",
        [SB_GGUF_FORBIDDEN] = "model file may not be read",
    };
    return reasons[s];
}

/* Reads it the first time that a cell asks. False after a fault. */
static bool read_file(const char *path, const char *key, const char *place, struct sb_gguf *g,
                      struct sb_preflight_cell *p) {
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    enum sb_gguf_status s = g->header_sha256[0] ? SB_GGUF_OK : sb_gguf_read(path, g, &error);
    if (s != SB_GGUF_OK)
        sb_preflight_fault(p, true, sb_asprintf("%s: %s", key, sb_bench_gguf_reason(s)),
                           sb_asprintf("%s: %s", place, sb_buf_str(&error)));
    sb_buf_release(&error);
    return s == SB_GGUF_OK;
}

void sb_check_draft(const struct sb_config *c, struct sb_preflight *pf,
                    struct sb_preflight_cell *p) {
    const struct sb_backend *b = p->plan->backend;
    struct sb_gguf *g = &pf->drafts[b - c->backends];
    if (!b->draft)
        return;
    char *place = sb_asprintf("%s:%d", c->file, sb_backend_line(b, "draft"));
    if (read_file(b->draft, "draft", place, g, p))
        p->draft = g;
    free(place);
}

void sb_check_mmproj(const struct sb_config *c, struct sb_preflight *pf,
                     struct sb_preflight_cell *p) {
    const struct sb_model *m = p->plan->model;
    struct sb_gguf *g = &pf->mmprojs[m - c->models];
    if (!m->mmproj)
        return;
    char *place = sb_asprintf("%s:%d", c->file, m->mmproj_line);
    bool read = read_file(m->mmproj, "mmproj", place, g, p);
    if (read && strcmp(g->architecture, "clip") == 0)
        p->mmproj = g;
    else if (read)
        sb_preflight_fault(p, true, sb_strdup("mmproj: not a projector"),
                           sb_asprintf("%s: %s is a model of the architecture '%s', a projector "
                                       "is 'clip'",
                                       place, m->mmproj, g->architecture));
    free(place);
}
