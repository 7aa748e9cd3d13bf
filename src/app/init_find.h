/* Finding: what this machine has to measure with: llama-servers, and the models they can serve. */
#ifndef STRATOBENCH_INIT_FIND_H
#define STRATOBENCH_INIT_FIND_H

#include "stratobench/gguf.h"
#include "stratobench/llama.h"

struct init_server {
    char *path; /* absolute */
    struct sb_llama_build build;
};
struct init_model {
    char *path; /* absolute; of several shards the first */
    struct sb_gguf gguf;
};

struct init_found {
    struct init_server *servers; /* PATH first, then by place and name; each binary once */
    size_t n_servers;
    struct init_model *models; /* the smallest first */
    size_t n_models;
    struct sb_strv left_out;   /* "FILE: why", servers and models alike */
    struct sb_strv containers; /* "NAME (IMAGE)", where a server may be that was not asked */
    struct sb_strv looked_for_servers, looked_for_models; /* where, as a person would say it */
};

/* Asks every llama-server on PATH and in the usual places what it is, and reads the header of every
 * GGUF file below `folder` (NULL: the current folder and the usual ones). HOME, PATH, MODELS,
 * HF_HOME and LLAMA_CACHE say where that is; STRATOBENCH_ROOT is put before /opt and /usr/local, so
 * that a test can show a tree of its own. */
void init_find(const char *folder, struct init_found *ret);
void init_found_release(struct init_found *f);

#endif
