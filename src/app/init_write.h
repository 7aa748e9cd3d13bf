/* Writing: from what was found to a config with comments. Decides ids and labels; reads nothing. */
#ifndef STRATOBENCH_INIT_WRITE_H
#define STRATOBENCH_INIT_WRITE_H

#include "init_find.h"

struct init_backend {
    char *id, *label; /* no two alike */
    const struct init_server *server;
    const struct sb_llama_device *device; /* NULL = the CPU, unless `unknown` */
    bool unknown;                         /* the build cannot list its devices */
};
struct init_entry { /* a [model] */
    char *id, *label;
    const struct init_model *model;
    char **refused; /* one a backend: why it cannot run there, or NULL */
};
struct init_plan {
    const struct init_found *found;
    struct init_backend *backends; /* a server's devices in its order; the CPU last */
    size_t n_backends;
    struct init_entry *models;
    size_t n_models;
    int ctx;            /* 0 = the default */
    struct sb_strv env; /* "NAME=value" of ours that decide which devices there are */
};

/* `found` must outlive the plan. */
void init_plan_make(const struct init_found *found, const char *const *envp, struct init_plan *ret);
void init_plan_release(struct init_plan *p);
/* `name`: how the comments call the file. */
void init_write(const struct init_plan *p, const char *name, struct sb_buf *ret);

#endif
