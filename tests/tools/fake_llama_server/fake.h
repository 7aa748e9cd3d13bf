/* The parts of fake_llama_server. */
#ifndef FAKE_H
#define FAKE_H

#include <cjson/cJSON.h>

#include "stratobench/base.h"

/* ---- modes.c: the misbehaviours ----------------------------------------------------------- */

/* The argument of a mode that is on ("" without one), else NULL. */
const char *mode(const char *name);
/* A mode whose argument, "ubatch=512", is how the server was started. */
bool mode_at(const char *name);
long mode_number(const char *argument, long otherwise);
_Noreturn void die_by_signal(const char *argument, int otherwise);
/* Exits when FAKE_MODE names none of them: a misspelt mode must not make a test pass. */
void check_modes(void);
/* The n-th of a comma-separated list of numbers in the environment, or its last. */
double nth_number(const char *variable, double otherwise, int n);

/* ---- options.c: the command line ---------------------------------------------------------- */

enum { OLD = 1, FEB = 2, NEW = 4, ALL = 7 }; /* builds */

struct args {
    unsigned build;
    const char *model, *alias, *device, *gpu_layers, *api_key_file, *host, *ctx, *port, *verbosity,
        *slots, *mmproj, *ubatch, *threads, *ignored;
};
/* Exits when it says so (--help) or cannot be understood. */
struct args parse_args(char **argv);
/* Names of its devices, comma-separated. */
const char *devices(void);

/* ---- completion.c ------------------------------------------------------------------------- */

struct tokens {
    int *id;
    size_t n;
};
/* One for each word with the blanks before it, the same one for the same word. */
void tokenize(const char *text, bool add_special, struct tokens *ret);
#define MEDIA_MARKER "<__media__>" /* what stands in a prompt for a picture */
void begin_completions(void);      /* once, before the first */
void complete(int client, const cJSON *request);

/* ---- others.c: what servers of others do ---------------------------------------------------- */

/* True when it has answered already. `headers` as they came. */
bool answer_as_others(int client, const char *line, const char *headers, const cJSON *request);
bool is_asleep(void);
void complete_as_openai(int client, const cJSON *request);
void add_models_of_router(cJSON *data);

struct run { /* one completion */
    int prompt_n, cache_n, predicted_n;
    double prompt_ms, predicted_ms;
    bool truncated, eos;
};
cJSON *describe_timings(const struct run *r);

/* ---- stream.c ----------------------------------------------------------------------------- */

/* Generates, an event a token, and ends with `last`, the reply. */
void stream(int client, const struct run *r, const char *last);

/* ---- log.c -------------------------------------------------------------------------------- */

void begin_log(void);                           /* at the start, for the times in its lines */
SB_PRINTF(1, 2) void say(const char *fmt, ...); /* one line */
void misuse_log(void);                          /* as a mode wants it */
void log_buffers(void);                         /* where the weights are */

/* ---- fake_llama_server.c ------------------------------------------------------------------ */

extern struct args args;
int context_size(void); /* of a slot */

/* Waits so long (for ever: < 0), or until the client has gone: false. */
bool nap(int client, double ms);
void send_all(int client, const char *data, size_t len);
void send_head(int client, const char *status, const char *type, size_t length);
void reply(int client, const char *status, const char *type, const char *body);
void reply_error(int client, const char *status, const char *type, const char *message);

/* The argument of a mode for replies, if it is on for this completion. */
const char *reply_mode(const char *name);
/* Adds what a server says when n_probs are asked for, of the token after the prompt; forced: the one
 * that is sampled, -1 = none. batch: the most tokens of the prompt that came at once. */
void add_probabilities(cJSON *reply, int forced, struct tokens prompt, int batch);

#endif
