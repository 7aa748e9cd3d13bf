/* What the kinds of server share. */
#ifndef STRATOBENCH_SERVER_INTERNAL_H
#define STRATOBENCH_SERVER_INTERNAL_H

#include "stratobench/server.h"

struct sb_server_ops { /* as in server.h; `free` stops if needed */
    bool ours;
    int (*start)(struct sb_server *s, struct sb_llama_failure *f); /* until it runs */
    int (*ready)(struct sb_server *s, double *ret_load_s, struct sb_llama_failure *f);
    int (*proof)(const struct sb_server *s, struct sb_llama_proof *ret);
    void (*explain)(struct sb_server *s, struct sb_llama_failure *f);
    void (*add_files)(const struct sb_server *s, struct sb_files *files);
    double (*cpu_s)(const struct sb_server *s);
    double (*stop)(struct sb_server *s);
    const struct sb_exit *(*exit)(struct sb_server *s);
    void (*free)(struct sb_server *s);
};

/* The first member of each kind. */
struct sb_server {
    const struct sb_server_ops *ops;
    const struct sb_server_spec *spec;
    struct sb_endpoint at;
    struct sb_strv argv;
    struct sb_llama_props props;
};

struct sb_server *server_child(const struct sb_server_spec *spec);
struct sb_server *server_remote(const struct sb_server_spec *spec);

#endif
