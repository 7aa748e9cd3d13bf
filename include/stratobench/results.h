/* Results: the JSON document "stratobench/1": load, save, resume.
 *
 * In memory as on disk: one struct a JSON object, one member a key, units in the names. What
 * was not measured is NaN (double), -1 (counts and bytes) or NULL (strings), and absent in
 * the file: never 0. Reports are made from this alone. */
#ifndef STRATOBENCH_RESULTS_H
#define STRATOBENCH_RESULTS_H

#include "stratobench/base.h"
#include "stratobench/base_facts.h"
#include "stratobench/results_protocol.h"
#include "stratobench/stats.h"

#define SB_SCHEMA "stratobench/1"
enum { SB_RESULTS_MAX_BYTES = 256 << 20, SB_RESULTS_MAX_DEPTH = 32 };

enum sb_status { SB_PENDING, SB_OK, SB_INVALID, SB_FAILED, SB_SKIPPED };
const char *sb_status_name(enum sb_status s); /* "pending", "ok", ..., as the file has it */
const char *sb_status_word(enum sb_status s); /* "PENDING", "ERROR", ..., as people read it */

/* Where a figure was taken; prompt and depth are absent in a run of the file when 0, slots when 1.
 */
struct sb_at {
    int prompt; /* index into bench.prompts */
    int depth;  /* tokens already in the context */
    int slots;  /* requests at once */
};
bool sb_at_same(struct sb_at a, struct sb_at b);
int sb_at_order(struct sb_at a, struct sb_at b); /* as strcmp: by prompt, depth, slots */
/* All the places that are measured, in their order: prompts, in each depths, in each slots. */
size_t sb_protocol_n_places(const struct sb_protocol *p);
struct sb_at sb_protocol_place(const struct sb_protocol *p, size_t i);
int sb_protocol_most_slots(const struct sb_protocol *p);

/* What is measured of a backend, the throughput first: these two have a value a run. */
enum sb_metric { SB_PP, SB_TG, SB_LOAD, SB_WORKLOAD, SB_METRICS };
const char *sb_metric_name(enum sb_metric m); /* "PP", "TG", "Load", "Workload" */

struct sb_slot_run { /* one request of those that were made at once */
    long long prompt_n, cache_n, predicted_n, draft_n, draft_n_accepted;
    double prompt_ms, predicted_ms; /* the server's clock, from its start on this prompt: waiting
                                       for a turn is in neither */
    double ttft_ms;    /* from sending all of them to its first token: waiting is in it */
    double wall_ms;    /* to its end */
    double together_n; /* of its tokens, those that came while all generated (sb_run_overlap) */
};

/* One /completion, in the order made; or, at several slots, so many made at once. What is said of
 * several is said of all together: counts are sums, wall_ms is that of the last to end, and
 *   prompt_ms     from the server's start on the first prompt to the last one's first token,
 *   predicted_ms  from then to the first one's last token: while all of them generate,
 *   pp_tps        all prompt tokens / prompt_ms,
 *   tg_tps        all tokens that came within predicted_ms / predicted_ms.
 * Of one request this is what its own timings give. No time is in both, so that P/PP + G/TG is the
 * time that the requests take, divided by their number; and a backend that is slow with prompts
 * does not look slow in TG while one slot generates and the others still read. It is what
 * llama-batched-bench calls S_PP and S_TG; llama-benchy's total TG counts from the first one's first
 * token to the last one's end, so prompts are in it. */
struct sb_run {
    int launch; /* from 1 */
    struct sb_at at;
    int turn; /* of a conversation, from 1; 0 = it is of none */
    bool warmup;
    long long prompt_n, cache_n;
    double prompt_ms;
    long long predicted_n;
    double predicted_ms;
    double pp_tps, tg_tps;    /* tok/s, computed from the raw fields (method.md, One run) */
    double wall_ms;           /* the client's clock around the request */
    struct sb_slot_run *each; /* at.slots > 1: each of them */
    size_t n_each;
    double prompt_per_second, predicted_per_second; /* as this build printed them */
    long long draft_n, draft_n_accepted;
    long long image_n;      /* of prompt_n those of a picture: all but the text's */
    double image_encode_ms; /* within prompt_ms, by the server's log */
    char *stop_type;
    bool valid;
    char *reason; /* why not */
};

struct sb_launch {            /* one server process */
    int launch;               /* from 1 */
    char *started_at;         /* RFC 3339 UTC; NULL in older files */
    char *host;               /* which machine: sb_host_id; NULL in older files: the file's host */
    char *node, *pod, *image; /* where in a cluster; NULL outside of one */
    double load_s;            /* spawn to the first 200 of /health */
    double cached_share;      /* of the model's bytes in the page cache at launch, 0..1 */
    double wall_s;            /* spawn to reaped */
    double stop_s;            /* TERM to reaped */
    double overhead_s;        /* wall_s - load_s - completions - stop_s: what the harness added */
    long long peak_rss_bytes, peak_vram_bytes, peak_gtt_bytes;
    double other_cores;       /* that other processes took while runs were measured */
    long long cores;          /* that the machine has */
    long long failed_replies; /* HTTP 500 after the work, asked again with another nonce */
    double temperature_start_c, temperature_max_c, power_w;
    double energy_j; /* over the measured runs, by counters: of the GPUs, or the CPU packages */
    double energy_tok_per_j;
};

struct sb_answer_position { /* a token of the given text, and what was expected in its place */
    int token;
    char *text;     /* of the token, as far as it can be printed */
    double logprob; /* natural logarithm of the probability it was given; NaN = not told */
    int *top;       /* the most likely candidates, most likely first */
    size_t n_top;
    double *top_logprobs; /* as many, unless the file is odd; NaN where the server said none */
    size_t n_top_logprobs;
    char *expected; /* text of top[0] */
};

/* What a server computed on a given text, token by token, behind the same context (answers.md).
 * Kept raw: what it says is judged when it is shown. */
struct sb_answer {
    int launch; /* from 1 */
    struct sb_at at;
    bool pieces;         /* the context came in small pieces, not as one batch */
    long long context_n; /* tokens before the first position */
    double wall_s;       /* what asking for it took */
    char *reason;        /* why there are no positions; NULL = there are */
    struct sb_answer_position *positions;
    size_t n_positions;
};

struct sb_point { /* figures at one place; the first point is the cell's own pp_tps, tg_tps */
    struct sb_at at;
    struct sb_summary pp_tps, tg_tps;
};
const struct sb_summary *sb_point_summary(const struct sb_point *p,
                                          enum sb_metric m); /* PP or TG */

struct sb_device_share { /* where the weights were seen */
    char *device;
    double mib;
};

struct sb_try; /* results_tune.h */

struct sb_cell {
    int order; /* its place in the matrix of the whole config, from 0; -1 unknown */
    struct {
        char *id, *label, *path, *quantization, *file_size, *total_params, *active_params;
        long long file_bytes;
        char *mmproj; /* its projector's file, NULL: text only */
        char *image,
            *image_sha256; /* the picture that its prompts hold: the file, never its bytes */
        long long bytes_per_token; /* weights read for one token, from the GGUF */
        char *notes;
    } model;
    struct {
        char *id, *label, *notes;
        struct sb_strv argv;
        struct sb_strv env; /* "NAME=value"; an object in the file */
        char *server_version;
        char *server_build; /* its files: how many, bytes, when the newest was made */
        char *url;     /* of a server that others run: neither login nor key; NULL = it was ours */
        char *address; /* which machine that is, as far as the URL tells: sb_url_address */
        char *clock;   /* "client": times are of ours, NULL: of the server's own */
        struct sb_fact
            *served;  /* what that server says of itself, a group: model, ctx, slots; or NULL */
        char *image;  /* of a container, "NAME@sha256:..."; NULL when it ran in none */
        char *device; /* as configured, NULL when not */
        char *device_name;                   /* what --list-devices calls it: name and driver */
        struct sb_device_share *device_seen; /* an object in the file: device -> MiB */
        size_t n_device_seen;
    } backend;
    char *fingerprint;             /* sha256 of fingerprint_of, one line each */
    struct sb_strv fingerprint_of; /* "n_predict=128", ...: what makes two cells comparable */
    struct sb_strv repetition;     /* "runs=3", ...: how often it was measured */
    char *kept; /* why a result of earlier settings stands, or was not looked at again; NULL */
    enum sb_status status;
    char *reason;           /* short, what the table prints; NULL when ok */
    char *detail;           /* exit code or signal, and the last lines of the log */
    struct sb_strv flags;   /* "WARMUP", ... */
    struct sb_strv remarks; /* facts that the Notes column adds: "4/25 layers on CPU" */
    char *measured_at;      /* RFC 3339 UTC, when the cell ended */
    double load_s;          /* of the first launch that loaded; see launches for all */
    double bandwidth_gb_s;  /* stated or measured, for the share of the limit */
    double tg_limit_share;  /* TG / (bandwidth / bytes per token), 0..1 */
    struct sb_try *tried; /* "tune" in the file: values of settings, before anything is measured */
    size_t n_tried;
    struct sb_launch *launches;
    size_t n_launches;
    struct sb_run *runs;
    size_t n_runs;
    struct sb_answer *answers;
    size_t n_answers;
    struct sb_run *turns; /* of conversations, in the order made: each begins with a turn 1 */
    size_t n_turns;
    struct sb_summary pp_tps, tg_tps; /* n = 0 when there is none */
    struct sb_point *points;          /* only when there is more than one */
    size_t n_points;
};

struct sb_results {
    struct sb_protocol bench;
    /* Of the file's "bench", too: what came of it. */
    char *chart;                   /* file name of the chart beside the document, or NULL */
    char *started_at, *updated_at; /* RFC 3339 UTC */
    char *generator;               /* "stratobench 1.0.0" */
    struct sb_fact *host;          /* a group, kept verbatim; host.h says what is in it; or NULL */
    struct sb_fact *hosts; /* machines that launches name: their id -> a group like host; or NULL */
    struct sb_cell *cells;
    size_t n_cells;
};

/* Hosts: a launch belongs to the machine that made it, also when the rest of a file was measured by
 * another. Only what one machine measured is compared. */

/* What a machine is known by, a hash of its CPU, memory, GPUs, kernel, drivers and, in a cluster,
 * node; not of what it is called in `hardware`, nor of how busy it was. Of one that nobody looked
 * at its address. NULL when the object does not say. The caller frees. */
char *sb_host_id(const struct sb_fact *host);
/* Adds "memory: 64 GiB → 128 GiB", ..., where two are not the same box. Kernels and drivers may
 * differ: that is what a comparison is made for. False when one has no id. */
bool sb_host_diff(const struct sb_fact *a, const struct sb_fact *b, struct sb_strv *ret);
/* Adds "mesa-vulkan-drivers: 25.0.1 → 25.2.0": what else of a machine both name and is not the same
 * (kernel, software, settings). Text from outside. */
void sb_host_changes(const struct sb_fact *a, const struct sb_fact *b, struct sb_strv *ret);
/* The machine that measured the cell: the address of a server that others run, else of its last
 * launch, else of the last value that was tried, else `file_id`, the file's. */
const char *sb_cell_host_id(const struct sb_cell *c, const char *file_id);
/* Of hosts, else (id NULL or not there) the file's. */
const struct sb_fact *sb_host_of(const struct sb_results *r, const char *id);
/* Puts the machine of a cell whose server others run into hosts, once. `hardware` is what the config
 * says of it, or NULL. */
void sb_results_add_address(struct sb_results *r, const struct sb_cell *c, const char *hardware);
/* Every launch that names no machine is the file's from now on, and hosts has all. */
void sb_results_settle_hosts(struct sb_results *r);
/* What the document says of the machine; "" when it is not known. */
const char *sb_results_hardware(const struct sb_results *r);
/* The same text, and the same CPU where both name one. */
bool sb_same_hardware(const struct sb_results *a, const struct sb_results *b);

/* Identity: a cell is one model and one backend, each known by its id, or its label where it has no
 * id. Resume, merge, compare and rank all go by this. */
bool sb_cell_same(const struct sb_cell *a, const struct sb_cell *b);
bool sb_same_model(const struct sb_cell *a, const struct sb_cell *b);
int sb_cell_order(const struct sb_cell *a, const struct sb_cell *b); /* as strcmp; 0 = the same */
const char *sb_model_key(const struct sb_cell *c);                   /* the id, else the label */
char *sb_cell_key(const struct sb_cell *c);         /* equal for the same cell; the caller frees */
const char *sb_cell_clock(const struct sb_cell *c); /* whose times these are: "server", "client" */
/* The label, else the id, else "". */
const char *sb_model_label(const struct sb_cell *c);
const char *sb_backend_label(const struct sb_cell *c);

/* Reads a results file. 0, or -EINVAL/-errno with one line in `error`: "FILE: cells[3].runs[1].
 * prompt_ms: expected a number", "FILE:12:5: not valid JSON". An unknown schema version is refused
 * by name. Unknown keys are ignored, null is as good as absent. *ret is released on failure.
 *
 * Required: schema; bench.title, runs, n_predict, ctx; cells; of a cell model.id, backend.id and
 * status; of a run valid. A label that is absent becomes the id. A valid measured run must have
 * pp_tps and tg_tps or the raw fields that give them, an ok cell at least one such run. The
 * figures of an ok cell are computed from its runs: a file that says others is refused, and so is
 * one that holds a cell twice. Flags are computed where it has no pp_tps or tg_tps. */
int sb_results_load(const char *path, struct sb_results *ret, struct sb_buf *error);
int sb_results_parse(const char *name, const char *text, size_t len, struct sb_results *ret,
                     struct sb_buf *error);
/* Pretty-printed JSON, runs one a line; the caller frees. Loading it again gives the same document
 * (but that malformed UTF-8 has become U+FFFD). NULL when it exceeds SB_RESULTS_MAX_BYTES. */
char *sb_results_print(const struct sb_results *r);
/* Temporary file `path`.tmp, fsync, rename, fsync of the folder: complete and valid at every
 * moment. On failure the old file is untouched and no temporary file is left; 0, or -errno with
 * one line in `error`. What a killed save left is removed by the next one, so that a path must
 * have one writer at a time. */
int sb_results_save(const struct sb_results *r, const char *path, struct sb_buf *error);
void sb_results_release(struct sb_results *r);

/* Results, a cell, a run or a launch whose every figure is "not measured" and whose settings are
 * the defaults (bench.warmup -1 = "auto", launches 1, max_runs 10). */
struct sb_results sb_results_empty(void);
struct sb_cell sb_cell_empty(void);
struct sb_run sb_run_empty(void);
struct sb_launch sb_launch_empty(void);
/* Did others take so much of it that the figures are doubtful: a quarter of a core, and 5 % of all?
 */
bool sb_launch_was_busy(const struct sb_launch *l);
struct sb_run *sb_cell_add_run(struct sb_cell *c, struct sb_run run); /* takes its strings */
struct sb_run *sb_cell_add_turn(struct sb_cell *c, struct sb_run turn);
/* Forgets all but the first n. */
void sb_cell_drop_turns(struct sb_cell *c, size_t n);
struct sb_launch *sb_cell_add_launch(struct sb_cell *c, struct sb_launch l);
struct sb_answer sb_answer_empty(void);
struct sb_answer *sb_cell_add_answer(struct sb_cell *c, struct sb_answer a); /* takes all of it */
void sb_answer_release(struct sb_answer *a);
/* The answer of a launch at a place, whole or in pieces, with positions; NULL = none.
 * launch 0 = the first that has one. */
const struct sb_answer *sb_cell_answer(const struct sb_cell *c, struct sb_at at, bool pieces,
                                       int launch);
void sb_cell_release(struct sb_cell *c);
/* Sets the fingerprint from fingerprint_of, once that is complete. */
void sb_cell_seal(struct sb_cell *c);
/* A launch is recorded when it has ended: drops the runs, turns and answers of one that has not. Returns
 * the number of the last launch that is done, 0 when none is. */
int sb_cell_drop_unfinished(struct sb_cell *c);

struct sb_slot_run sb_slot_run_empty(void);
/* When the requests of a run overlapped, in ms since they were sent; NaN where it is not known. */
struct sb_overlap {
    double began_ms;     /* the server began with the first prompt */
    double all_ms;       /* the last one's first token: from here on all generate, */
    double first_end_ms; /* until the first one's last token; earlier than all_ms: they never did */
};
struct sb_overlap sb_run_overlap(const struct sb_run *r);
/* Sets pp_tps and tg_tps from the raw fields: prompt_n*1000/prompt_ms and
 * (predicted_n-1)*1000/predicted_ms; NaN where these do not give a finite positive number. Of several
 * requests first the sums and times over all of them. */
void sb_run_speeds(struct sb_run *r);

/* Computes from the valid, measured runs: points, pp_tps, tg_tps, flags (the statistical ones;
 * NOT_STEADY is kept if there). Does not touch status. */
void sb_cell_summarize(struct sb_cell *c);
/* A run that is valid and measured: only these make figures. */
bool sb_run_counts(const struct sb_run *r);
/* Where the cell's own pp_tps and tg_tps were taken. */
struct sb_at sb_cell_first_at(const struct sb_cell *c);
/* The valid measured values of PP or TG at one place, in order; the caller frees.
 * launch 0 = all launches. */
double *sb_cell_values(const struct sb_cell *c, enum sb_metric m, struct sb_at at, int launch,
                       size_t *ret_n);
/* The mean of each launch, in order: the sample of every comparison. The caller frees. */
double *sb_cell_launch_means(const struct sb_cell *c, enum sb_metric m, struct sb_at at,
                             size_t *ret_n);

/* Run k of every launch, as it stands to the mean of its launch: averaged, in tok/s. Of a single
 * launch its values; the fewest runs that a launch has. The caller frees. */
double *sb_cell_run_means(const struct sb_cell *c, enum sb_metric m, struct sb_at at,
                          size_t *ret_n);
/* NOT_STEADY: was the launch still getting faster there when measuring began? In PP or TG the last
 * warm-up was faster than the one before, and every measured run than the last, by more than the
 * share within which two warm-ups count as equal; and no less than half of what the runs vary by.
 * That two warm-ups differ is mostly noise: on 22 clean cells of a busy machine that flagged 22,
 * this 4. */
bool sb_cell_still_warming(const struct sb_cell *c, struct sb_at at, int launch);

/* The statistical flags (bits of sb_flag) of one metric at one point: WARMUP and DRIFT are trends
 * that the launches share. A trend in any one of three launches is mostly chance: at 3 % between
 * runs that flagged 66 of 100 clean cells, simulated, and this 14. */
unsigned sb_cell_flags(const struct sb_cell *c, enum sb_metric m, const struct sb_point *p);

#endif
