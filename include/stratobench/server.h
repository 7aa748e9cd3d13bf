/* Server: one llama-server to measure: started, proved, asked at its endpoint, stopped.
 *
 * Each way to have one (a child process, one that runs already) is a file of its own behind this; llama.h knows what
 * it speaks, the bench what to measure of it. */
#ifndef STRATOBENCH_SERVER_H
#define STRATOBENCH_SERVER_H

#include "stratobench/llama.h"

struct sb_server;

/* Where a server runs that is not ours. Borrowed. */
struct sb_server_address {
    struct sb_http_server server;
    const char *model;  /* what it calls the model that is asked for */
    long long n_params; /* that this model has, -1 = not known */
};

/* What every kind is told. Borrowed: it outlives the server. */
struct sb_server_spec {
    const struct sb_server_address
        *address; /* NULL = it is a child; else the next three do not matter */
    const struct sb_llama_build *build;
    struct sb_llama_launch launch; /* port and alias are chosen by the server */
    const char *log_path;
    double load_timeout_s;
    int signal_fd;
    void (*tick)(void *arg); /* called about once a second while it loads; may be NULL */
    void *tick_arg;
};

/* One of two kinds.
 * A child process of ours on a free loopback port, under a random alias and API key. Its command may
 * go through a tool that makes a container for it (podman run, docker run): that is named, and removed
 * at the end, also when we are killed.
 * Or one that others run: nothing is started, nothing stopped, and nothing sent that changes it, but
 * that a router loads, and a sleeping server loads again, the model that it is asked for. */
struct sb_server *sb_server_new(const struct sb_server_spec *spec);

/* Starts it and waits for the first 200 of /health, then checks that it is ours, holds the model
 * asked for, and has the context asked for. 0, or -1 and *f: it is to be freed then. *ret_load_s:
 * from the start to the 200, NaN when we were held up meanwhile; also set when a check failed after
 * it; untouched otherwise, and of one that others run, whose context is what it is. */
int sb_server_start(struct sb_server *s, double *ret_load_s, struct sb_llama_failure *f);
/* Where it answers; valid until it is freed. */
const struct sb_endpoint *sb_server_endpoint(const struct sb_server *s);
/* Was it started by us, on this machine? Else nothing here tells how it does: no sensor, no clock but
 * its own, no file. */
bool sb_server_is_ours(const struct sb_server *s);
/* What one that others run said of itself when it was started: absent of a child. */
const struct sb_llama_props *sb_server_props(const struct sb_server *s);
/* The command line it was started with; none of one that others run. */
const struct sb_strv *sb_server_argv(const struct sb_server *s);
/* Which device holds the weights. -1: nothing tells. */
int sb_server_proof(const struct sb_server *s, struct sb_llama_proof *ret);
/* How long pictures took to encode, as sb_llama_encode_times. -1: nothing tells. */
int sb_server_encode_times(const struct sb_server *s, double **ret_ms, size_t *ret_n);
/* Adds to a failure of a request what is known of the server: how it ended and why, the last lines
 * of its log. */
void sb_server_explain(struct sb_server *s, struct sb_llama_failure *f);
/* Adds the files that it runs from: program and libraries, as far as they are on this machine. */
void sb_server_add_files(const struct sb_server *s, struct sb_files *files);
/* CPU time that it has taken; NaN unknown. */
double sb_server_cpu_s(const struct sb_server *s);
/* Ends it: TERM, 10 s, KILL. Seconds from TERM to reaped. */
double sb_server_stop(struct sb_server *s);
/* How it ended, once it has, and the peak memory of the process that served. */
const struct sb_exit *sb_server_exit(struct sb_server *s);
void sb_server_free(struct sb_server *s); /* stops if needed; NULL is fine */

/* ---- one that others run --------------------------------------------------------------------- */

/* What it says of itself; nothing that it is asked wakes or loads a model. */
struct sb_server_look {
    bool openai; /* no llama-server: it has no /props, and will have no /completion */
    struct sb_llama_props props;
    struct sb_llama_models models;
};
/* 0, or -1 and *f. address.model does not matter. */
int sb_server_look(const struct sb_server_address *a, int signal_fd, struct sb_server_look *ret,
                   struct sb_llama_failure *f);
void sb_server_look_release(struct sb_server_look *l);

/* ---- the command ---------------------------------------------------------------------------- */

/* Does it make a container for the server? */
bool sb_server_makes_container(const struct sb_strv *command);
/* Gives it that name and lets our key, the alias and the variables of `env` through. Leaves alone
 * what makes none. In place. */
void sb_server_name_container(struct sb_strv *argv, const struct sb_strv *env, const char *name);
/* The command line that removes that container, whatever it does; nothing where there is none. */
void sb_server_removal(const struct sb_strv *command, const char *name, struct sb_strv *ret);
/* Asks what the command starts (llama.h), through what it goes through. *ret_image: the image of a
 * container, "NAME@sha256:...", else NULL; the caller frees. 0, or with one line in `error`: -EINVAL,
 * the command cannot be measured whatever it starts; -ENODEV, no container is made of that image;
 * -errno of sb_llama_probe. */
int sb_server_probe(const struct sb_strv *command, const struct sb_strv *env, int signal_fd,
                    struct sb_llama_build *ret, char **ret_image, struct sb_buf *error);

#endif
