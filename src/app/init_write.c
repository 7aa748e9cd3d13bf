#include "init_write.h"

#include <stdlib.h>
#include <string.h>

#include "init_files.h"

/* A comment; what comes from outside stays on its line. */
static void remark(struct sb_buf *b, const char *fmt, ...) SB_PRINTF(2, 3);
static void remark(struct sb_buf *b, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    char *text = sb_vasprintf(fmt, ap);
    va_end(ap);
    for (char *s = text; *s; s++)
        if (*s == '\n' || *s == '\t')
            *s = ' ';
    sb_buf_adds(b, "# ");
    sb_buf_add_printable(b, text, strlen(text));
    sb_buf_adds(b, "\n");
    free(text);
}

static void key(struct sb_buf *b, const char *before, const char *name, const char *value) {
    sb_buf_addf(b, "%s%-10s = ", before, name);
    init_add_value(b, value);
    sb_buf_adds(b, "\n");
}

static void write_bench(const struct init_plan *p, struct sb_buf *b) {
    sb_buf_adds(b, "\n[bench]\n"
                   "launches   = 3   # server starts a cell; no verdict without at least 2\n");
    if (p->ctx)
        sb_buf_addf(b, "ctx        = %d   # what the smallest model was made for\n", p->ctx);
    sb_buf_adds(b, "# title    = Inference Backend Benchmark Results\n"
                   "# hardware = what the document says of this machine; looked up unless given\n"
                   "# prompt   = my-prompt.txt    # about 600 tokens are built in\n"
                   "# depths   = 0 4096           # measure with that much in the context, too\n"
                   "# slots    = 1 4              # and that many requests at once\n");
}

static void write_backend(const struct init_plan *p, const struct init_backend *k,
                          struct sb_buf *b) {
    sb_buf_addf(b, "\n[backend %s]\n", k->id);
    key(b, "", "label", k->label);
    key(b, "", "server", k->server->path);
    if (k->server->build.version)
        remark(b, "version: %s", k->server->build.version);
    if (k->device) {
        remark(b, "%s: %s, %lld MiB", k->device->name, k->device->description,
               k->device->total_mib);
        key(b, "", "device", k->device->name);
        key(b, "", "gpu_layers", "all");
        if (strncmp(k->device->name, "ROCm", 4) == 0)
            sb_buf_adds(b, "mmap       = off   # with mmap ROCm is slow to load large models\n");
        sb_buf_adds(b, "# flash_attn = on\n# cache_type = q8_0\n");
    } else if (k->unknown) {
        remark(b, "this build cannot list its devices: say which one is meant");
        sb_buf_adds(b, "# device     = none\n# gpu_layers = all\n");
    } else {
        key(b, "", "device", "none");
        sb_buf_adds(b, "# threads  = 16   # else as many as llama-server thinks best\n");
    }
    for (size_t i = 0; i < p->env.n && k->device; i++)
        key(b, "", "env", p->env.item[i]);
}

static bool runs_nowhere(const struct init_plan *p, const struct init_entry *e) {
    for (size_t i = 0; i < p->n_backends; i++)
        if (!e->refused[i])
            return false;
    return true;
}

static void write_model(const struct init_plan *p, const struct init_entry *e, struct sb_buf *b) {
    bool nowhere = runs_nowhere(p, e), everywhere = true;
    const char *before = nowhere ? "# " : "";
    char *params = sb_format_params(e->model->gguf.total_params);
    char *size = sb_format_bytes(e->model->gguf.file_bytes);
    sb_buf_adds(b, "\n");
    for (size_t i = 0; i < p->n_backends; i++)
        if (e->refused[i]) {
            remark(b, "not on %s: %s", p->backends[i].id, e->refused[i]);
            everywhere = false;
        }
    sb_buf_addf(b, "%s[model %s]\n", before, e->id);
    key(b, before, "label", e->label);
    key(b, before, "path", e->model->path);
    remark(b, "%s parameters, %s, %s in %u file%s", params, e->model->gguf.quantization, size,
           e->model->gguf.n_shards, e->model->gguf.n_shards == 1 ? "" : "s");
    if (!everywhere && !nowhere) {
        sb_buf_adds(b, "backends   =");
        for (size_t i = 0; i < p->n_backends; i++)
            if (!e->refused[i])
                sb_buf_addf(b, " %s", p->backends[i].id);
        sb_buf_adds(b, "\n");
    }
    free(params);
    free(size);
}

void init_write(const struct init_plan *p, const char *name, struct sb_buf *ret) {
    const struct init_found *f = p->found;
    remark(ret, "Written by stratobench init from what this machine has.");
    remark(ret, "Next: stratobench check %s", name);
    remark(ret, "then: stratobench run %s", name);
    write_bench(p, ret);
    for (size_t i = 0; i < p->n_backends; i++)
        write_backend(p, &p->backends[i], ret);
    for (size_t i = 0; i < p->n_models; i++)
        write_model(p, &p->models[i], ret);
    if (f->left_out.n + f->containers.n)
        sb_buf_adds(ret, "\n");
    for (size_t i = 0; i < f->left_out.n; i++)
        remark(ret, "left out: %s", f->left_out.item[i]);
    for (size_t i = 0; i < f->containers.n; i++)
        remark(ret, "not asked, a container that may hold a server: %s", f->containers.item[i]);
}
