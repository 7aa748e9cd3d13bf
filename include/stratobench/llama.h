/* Llama: llama-server's own protocol. The only module that knows it.
 *
 * argv, readiness, identity, device proof, tokenizing, completion -> timings. What the server
 * really does, build by build, stands in the comments of llama.c where it decides something. */
#ifndef STRATOBENCH_LLAMA_H
#define STRATOBENCH_LLAMA_H

#include "stratobench/base.h"
#include "stratobench/config.h"
#include "stratobench/sys.h"

/* ---- the build: what this binary is and understands -------------------------------------- */

struct sb_llama_device {
    char *name;        /* "Vulkan0" */
    char *description; /* "llvmpipe (LLVM 21.1.8, 256 bits)" */
    long long total_mib, free_mib;
};

struct sb_llama_option { /* one spelling; an entry of --help has several */
    char *name;          /* "-fa", "--flash-attn" */
    char *value;         /* what it takes, "[on|off|auto]", "N"; "" = a bare switch */
    size_t entry;        /* index into helps: spellings of one entry share it */
};

struct sb_llama_build {
    char *server;  /* as configured */
    char *version; /* what stands after "version: ", or NULL */
    struct sb_llama_option *options;
    size_t n_options;
    struct sb_strv helps; /* the description of each entry, lines joined by blanks */
    struct sb_llama_device *devices;
    size_t n_devices;
    bool devices_known; /* this build has --list-devices */
};

/* Asks the binary: --version, --help, --list-devices, in the environment it will run in.
 * 0, or -errno with one line in `error`. */
int sb_llama_probe(const struct sb_backend *b, int signal_fd, struct sb_llama_build *ret,
                   struct sb_buf *error);
void sb_llama_build_release(struct sb_llama_build *b);
/* The option with that spelling, or NULL when this build does not know it. */
const struct sb_llama_option *sb_llama_option(const struct sb_llama_build *b, const char *name);
/* The parsers behind it; any bytes are fine. */
void sb_llama_parse_help(const char *text, size_t len, struct sb_llama_build *b);
void sb_llama_parse_version(const char *text, size_t len, struct sb_llama_build *b);
void sb_llama_parse_devices(const char *text, size_t len, struct sb_llama_build *b);

/* ---- the command line -------------------------------------------------------------------- */

struct sb_llama_launch {
    const struct sb_backend *backend;
    const struct sb_model *model;
    int ctx;
    int port;
    const char *alias; /* random: how we know our own child */
};
/* The exact argv, spelled as this build wants it; the backend's own args come last. 0, or
 * with one line -ENOTSUP: a key that this build cannot express, -EINVAL: args that are not the
 * config's to choose. */
int sb_llama_argv(const struct sb_llama_build *b, const struct sb_llama_launch *l,
                  struct sb_strv *ret, struct sb_buf *error);
/* How many layers a command line asks to have on a GPU: INT_MAX = all, -1 = left to the server. */
int sb_llama_layers_asked(const struct sb_llama_build *b, const struct sb_strv *argv);
/* Our environment, scrubbed of LLAMA_*, with the backend's env over it, and the API key (NULL =
 * none): in the environment no other user can read it, on the command line everybody could. */
void sb_llama_env(const struct sb_backend *b, const char *const *ours, const char *api_key,
                  struct sb_strv *ret);

/* ---- the server -------------------------------------------------------------------------- */

/* Why something did not work: what the row says and what the JSON keeps. */
struct sb_llama_failure {
    int interrupted;     /* a signal of ours, taken off signal_fd: not the server's fault */
    bool invalid;        /* it ran, but not what was asked: INVALID, not ERROR */
    struct sb_exit exit; /* how the server ended, if it did */
    char *reason;        /* "server died", "load timed out after 900 s" */
    char *detail;        /* exit code or signal, and the log's last lines; may be NULL */
};
void sb_llama_failure_release(struct sb_llama_failure *f);

struct sb_llama; /* one launched server */

/* Spawns on a free loopback port, under a random alias and API key (both are chosen here; port
 * and alias of the launch are ignored), and waits for the first 200 of /health, then checks that it
 * is ours, holds the model asked for, and has the context asked for. 0 and *ret, or -1 and *failure
 * (the process is gone by then). ret_load_s: spawn to 200; also set when an identity check failed
 * after it. */
int sb_llama_start(const struct sb_llama_build *b, const struct sb_llama_launch *l,
                   const char *log_path, double timeout_s, int signal_fd, struct sb_llama **ret,
                   double *ret_load_s, struct sb_llama_failure *failure);
const struct sb_strv *sb_llama_used_argv(const struct sb_llama *s);
struct sb_proc *sb_llama_proc(struct sb_llama *s);
/* TERM, 10 s, KILL, reaps. Seconds from TERM to reaped. */
double sb_llama_stop(struct sb_llama *s);
void sb_llama_free(struct sb_llama *s); /* stops if needed; NULL is fine */

/* The prompt as token ids, BOS as the model wants it. The caller frees *ret. */
int sb_llama_tokenize(struct sb_llama *s, const char *text, size_t len, bool add_special,
                      double timeout_s, int **ret, size_t *ret_n, struct sb_llama_failure *f);

struct sb_llama_timings { /* NaN / -1 where the reply had none */
    long long prompt_n, cache_n, predicted_n, draft_n, draft_n_accepted;
    double prompt_ms, predicted_ms, prompt_per_second, predicted_per_second;
    char *stop_type;
    int truncated; /* 1, 0, or -1: not said */
    double wall_ms;
};
void sb_llama_timings_release(struct sb_llama_timings *t);

struct sb_llama_completion {
    const int *tokens;
    size_t n_tokens;
    int n_predict;
    bool cache_prompt;
    bool ignore_eos;
    double timeout_s;
};
/* One /completion. 0 whatever the figures are (judging them is the bench module's), -1 and
 * *failure when there is no reply to judge. */
int sb_llama_complete(struct sb_llama *s, const struct sb_llama_completion *c,
                      struct sb_llama_timings *ret, struct sb_llama_failure *failure);
/* The parser behind it: 0, or -1 with one line in `error`. */
int sb_llama_parse_completion(const char *text, size_t len, struct sb_llama_timings *ret,
                              struct sb_buf *error);

/* ---- the proof --------------------------------------------------------------------------- */

struct sb_llama_buffer {
    char *device; /* "Vulkan0", "CPU", "CPU_Mapped", "Vulkan_Host" */
    double mib;   /* of weights */
};
struct sb_llama_proof {
    struct sb_llama_buffer *weights; /* by device, summed */
    size_t n_weights;
    struct sb_strv compute; /* devices that hold a compute or KV buffer > 0 */
    int offloaded, layers;  /* "offloaded 4/25 layers to GPU"; -1 = not said */
};
void sb_llama_parse_log(const char *text, size_t len, struct sb_llama_proof *ret);
int sb_llama_parse_log_file(const char *path, struct sb_llama_proof *ret); /* -1: no such file */
void sb_llama_proof_release(struct sb_llama_proof *p);

#endif
