/* Llama: llama-server's own protocol. The only room that knows it.
 *
 * What a binary is and understands, its command line, what its log proves, and what it is asked
 * over HTTP. Who started the server, and how it is stopped, is the server room's. */
#ifndef STRATOBENCH_LLAMA_H
#define STRATOBENCH_LLAMA_H

#include "stratobench/base.h"
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
    struct sb_strv command; /* the program, and what precedes llama-server's own options */
    struct sb_strv env;     /* "NAME=value", over ours: the environment it was asked in */
    char *version;          /* what stands after "version: ", or NULL */
    struct sb_llama_option *options;
    size_t n_options;
    struct sb_strv helps; /* the description of each entry, lines joined by blanks */
    struct sb_llama_device *devices;
    size_t n_devices;
    bool devices_known; /* this build has --list-devices */
    char *complaint;    /* what it said on stderr meanwhile of what failed, one line; or NULL */
};

/* Who is asked, and how. Borrowed. */
struct sb_llama_asked {
    const struct sb_strv *command; /* at least one word */
    const struct sb_strv *env;     /* "NAME=value", over ours */
    const struct sb_strv *last;    /* run after each question (sys.h); may be NULL */
    int signal_fd;
};
/* Asks the binary: --version, --help, --list-devices, in the environment it will run in. Command and
 * env are copied. 0, or -errno with one line in `error`. */
int sb_llama_probe(const struct sb_llama_asked *a, struct sb_llama_build *ret,
                   struct sb_buf *error);
void sb_llama_build_release(struct sb_llama_build *b);
/* What is known to be computed wrongly by that build on that device, or NULL. Static. */
const char *sb_llama_known_wrong(const char *version, const struct sb_llama_device *device);
/* The option with that spelling, or NULL when this build does not know it. */
const struct sb_llama_option *sb_llama_option(const struct sb_llama_build *b, const char *name);
/* The parsers behind it; any bytes are fine. */
void sb_llama_parse_help(const char *text, size_t len, struct sb_llama_build *b);
void sb_llama_parse_version(const char *text, size_t len, struct sb_llama_build *b);
void sb_llama_parse_devices(const char *text, size_t len, struct sb_llama_build *b);

/* ---- the command line -------------------------------------------------------------------- */

/* What a server is asked to be. NULL and 0 are "not stated": left to the server. Borrowed. */
struct sb_llama_launch {
    const char *model_path;
    int ctx;                /* of each slot */
    int slots;              /* requests at once; 0 = one */
    const char *device;     /* "Vulkan0"; "none" = CPU only */
    const char *gpu_layers; /* "all", "auto" or a number */
    const char *flash_attn; /* "on", "off", "auto" */
    const char *mmap;       /* "on", "off" */
    const char *cache_type; /* "f16", "q8_0", ...: K and V */
    int ubatch, batch, threads;
    const char *spec;           /* speculative decoding, "draft-mtp 3": as the config spells it */
    const char *draft;          /* the draft model's file */
    const char *mmproj;         /* the projector's file: the server then sees pictures */
    const struct sb_strv *args; /* passed verbatim, last; may be NULL */
    int port;
    const char *alias; /* random: how we know our own child */
    bool env_is_lost;  /* on the way to the server: what it must know goes on the command line */
};
/* The exact argv, spelled as this build wants it. 0, or, with a line "KEY: why" for each key at
 * fault, what the first is: -ENOTSUP, this build cannot express it; -EINVAL, args that are not the
 * config's to choose. */
int sb_llama_argv(const struct sb_llama_build *b, const struct sb_llama_launch *l,
                  struct sb_strv *ret, struct sb_buf *error);
/* Do these words hold that option, in any spelling that the build has for it? */
bool sb_llama_sets(const struct sb_llama_build *b, const struct sb_strv *args, const char *name);
/* How many layers a command line asks to have on a GPU: INT_MAX = all, -1 = left to the server. */
int sb_llama_layers_asked(const struct sb_llama_build *b, const struct sb_strv *argv);
/* How a command line drafts ahead (speculative decoding). */
enum sb_llama_drafting {
    SB_DRAFTS_NOTHING,
    SB_DRAFTS_FROM_TEXT, /* what was said before, which may hold nothing to draft */
    SB_DRAFTS_BY_MODEL,  /* another model, or layers of this one: there is always something */
};
enum sb_llama_drafting sb_llama_drafting(const struct sb_llama_build *b,
                                         const struct sb_strv *argv);
/* Does this build take that option from this variable as well? */
bool sb_llama_takes_env(const struct sb_llama_build *b, const char *option, const char *variable);
/* Our environment, scrubbed of LLAMA_*, with `over` over it, and `own` over that ("NAME=value"; NULL =
 * none): in the environment no other user can read it, on the command line everybody could. */
void sb_llama_env(const struct sb_strv *over, const char *const *ours, const struct sb_strv *own,
                  struct sb_strv *ret);

/* ---- the client: what a server that answers is asked ---------------------------------------- */

struct sb_endpoint {
    struct sb_http *http; /* its address and our key */
    int child_fd;         /* readable once the server has ended, or -1: nobody would know */
    int signal_fd;
    const char *model; /* what is asked for, by name; NULL = the one that it has */
    bool openai;       /* it has no /completion, but OpenAI's /v1/completions */
};

/* Why something did not work: what the row says and what the JSON keeps. */
struct sb_llama_failure {
    int interrupted;     /* a signal of ours, taken off signal_fd: not the server's fault */
    bool invalid;        /* it ran, but not what was asked: INVALID, not ERROR */
    bool port_lost;      /* another took the port: to be tried again on another (server.h) */
    bool gone;           /* its connection broke: whoever started it may know why */
    long http_status;    /* of a reply that is no 200; 0 = that was not it */
    struct sb_exit exit; /* how the server ended, if it did (server.h fills it in) */
    char *reason;        /* short: "server died", "HTTP 500" */
    char *detail;        /* what was said of it, lines; may be NULL */
};
void sb_llama_failure_release(struct sb_llama_failure *f);

/* The HTTP status of /health, 200 when it is ready; 0 when nothing answered. Sends no key. */
long sb_llama_health(const struct sb_endpoint *at, double timeout_s);

struct sb_llama_props { /* /props; absent is NULL, -1 */
    bool router;        /* a server without a model that starts others */
    bool asleep;        /* it has unloaded its model until the next request */
    char *alias;        /* of its model; older builds do not tell it here */
    char *model_path;
    char *build;        /* "b11669-Debian" */
    long long n_ctx;    /* of a slot */
    long long slots;    /* how many there are */
    int vision;         /* takes pictures: 1, 0; -1: not said */
    char *media_marker; /* what stands in a prompt for a picture; NULL: not said */
};
/* Of the model that is asked for, which a router then loads. */
int sb_llama_props(const struct sb_endpoint *at, struct sb_llama_props *ret,
                   struct sb_llama_failure *f);
void sb_llama_props_release(struct sb_llama_props *p);

struct sb_llama_model { /* absent is NULL, -1 */
    char *name;         /* an alias if it was given one */
    struct sb_strv aliases;
    char *quantization;
    char *owner;               /* whose server it is, "llamacpp", "vllm" */
    long long n_params, bytes; /* of its tensors */
};
struct sb_llama_models {
    struct sb_llama_model *item;
    size_t n;
};
/* The models that it has, loaded or not. Any server that speaks OpenAI's protocol tells their names. */
int sb_llama_models(const struct sb_endpoint *at, struct sb_llama_models *ret,
                    struct sb_llama_failure *f);
void sb_llama_models_release(struct sb_llama_models *m);
/* The one of that name or alias, or NULL. */
const struct sb_llama_model *sb_llama_model_named(const struct sb_llama_models *m,
                                                  const char *name);

struct sb_llama_tokens {
    int *ids;            /* the caller frees */
    size_t n, n_special; /* the first n_special are no text: BOS, as the model wants it */
};
int sb_llama_tokenize(const struct sb_endpoint *at, const char *text, size_t len, double timeout_s,
                      struct sb_llama_tokens *ret, struct sb_llama_failure *f);

struct sb_llama_completion {
    const int *tokens; /* the prompt, or NULL and */
    size_t n_tokens;
    const char *text;    /* the prompt as a text, in which a marker stands for */
    const char *picture; /* the picture, in base64 */
    int n_predict;
    int seed;
    int slot; /* the slot that is to take it, from 1; 0 = any */
    bool
        force; /* make the sampler take `forced`: its raw probability is then told, whatever it is */
    int forced;
    int n_probs; /* with each generated token the most likely candidates, so many; 0 = none */
    bool cache_prompt;
    bool ignore_eos;
    bool return_tokens; /* the reply names what was generated */
    bool timed;         /* tell when each token came: as a stream, on the client's clock */
};

struct sb_llama_moment {
    long long n; /* so many tokens were generated, */
    double ms;   /* so long after the request was sent */
};

struct sb_llama_candidate {
    int id;
    double logprob;
};
struct sb_llama_position { /* a generated token */
    struct sb_llama_candidate chosen;
    struct sb_llama_candidate *top; /* most likely first */
    size_t n_top;
    char *text, *top_text; /* of the chosen one and of the most likely, printable; may be NULL */
};
struct sb_llama_reply { /* NaN / -1 where it had none */
    long long prompt_n, cache_n, predicted_n, draft_n, draft_n_accepted;
    double prompt_ms, predicted_ms, prompt_per_second, predicted_per_second;
    char *stop_type;
    int truncated; /* 1, 0, or -1: not said */
    double wall_ms;
    struct sb_llama_position *positions; /* when n_probs were asked for */
    size_t n_positions;
    int *tokens; /* generated, when they were asked for */
    size_t n_tokens;
    /* When it was `timed`: both grow from one to the next; the first is the first token, whose time
     * has any waiting for a slot in it, the last the whole. A token that is told of late, since it is
     * half a character, has none. */
    struct sb_llama_moment *moments;
    size_t n_moments;
    size_t n_events, n_pieces; /* of a stream: that told of tokens, and moments in which any came */
};
void sb_llama_reply_release(struct sb_llama_reply *r);

/* One /completion. 0 whatever the figures are (judging them is the bench's), -1 and *failure
 * when there is no reply to judge. */
int sb_llama_complete(const struct sb_endpoint *at, const struct sb_llama_completion *c,
                      double timeout_s, struct sb_llama_reply *ret,
                      struct sb_llama_failure *failure);
/* n of them, sent at once. -1 with the failure of the first that failed ("slot 3 of 8: HTTP 500");
 * then rets is empty. */
int sb_llama_complete_all(const struct sb_endpoint *at, const struct sb_llama_completion *c,
                          size_t n, double timeout_s, struct sb_llama_reply *rets,
                          struct sb_llama_failure *failure);
/* One /v1/completions of a text, streamed: the tokens are those that the server counts, the times those
 * of our clock. prompt_ms is from the request sent to the first event, predicted_ms from that to the
 * last. */
struct sb_llama_text {
    const char *prompt;
    int n_predict;
    int seed;
};
int sb_llama_openai(const struct sb_endpoint *at, const struct sb_llama_text *t, double timeout_s,
                    struct sb_llama_reply *ret, struct sb_llama_failure *failure);
/* The parser behind it, of a reply that came so: 0, or -1 with one line in `error`. */
int sb_llama_parse_openai(const struct sb_http_reply *reply, struct sb_llama_reply *ret,
                          struct sb_buf *error);
/* The parser behind /completion: likewise. */
int sb_llama_parse_completion(const char *text, size_t len, struct sb_llama_reply *ret,
                              struct sb_buf *error);
/* The same for a stream and the times at which it came. *ret_status: of an error in it that stands
 * for a failed reply, as HTTP would say it; else 0. */
int sb_llama_parse_stream(const struct sb_http_reply *reply, struct sb_llama_reply *ret,
                          long *ret_status, struct sb_buf *error);

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

/* How long the picture of each request took to encode, in ms, in the order made: what the log says,
 * or, where it names no time, by the log's own clock from the line that begins it to the one that
 * goes on. A request without a picture is none of them. The caller frees *ret_ms (NULL when there are
 * none). -1: no such file. */
int sb_llama_encode_times(const char *log_path, double **ret_ms, size_t *ret_n);

#endif
