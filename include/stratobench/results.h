/* Results: the JSON document "stratobench/1": load, save, resume.
 *
 * In memory as on disk: one struct a JSON object, one member a key, units in the names. What
 * was not measured is NaN (double), -1 (counts and bytes) or NULL (strings), and absent in
 * the file: never 0. Reports are made from this alone. */
#ifndef STRATOBENCH_RESULTS_H
#define STRATOBENCH_RESULTS_H

#include "stratobench/base.h"
#include "stratobench/stats.h"
#include <cjson/cJSON.h>

#define SB_SCHEMA "stratobench/1"
enum { SB_RESULTS_MAX_BYTES = 256 << 20, SB_RESULTS_MAX_DEPTH = 32 };

/* ---- the protocol: what a measurement is made of ----------------------------------------- */

#define SB_WARMUP_AUTO   (-1)
#define SB_LAUNCHES_AUTO (-1)

struct sb_prompt_ref {
    char *file, *label, *sha256;
};

/* Where the document says which backend to take; "on" is how early configs ask for the bottom. */
enum sb_summary_place { SB_SUMMARY_OFF, SB_SUMMARY_BOTTOM, SB_SUMMARY_TOP, SB_SUMMARY_ON };

/* [bench] of a config and "bench" of results: the same settings in both. */
struct sb_protocol {
    char *title;
    int runs, warmup /* SB_WARMUP_AUTO */, launches /* SB_LAUNCHES_AUTO */, n_predict, ctx;
    bool table; /* "layout": "table" or "sections" */
    struct sb_strv header;
    struct sb_prompt_ref *prompts; /* "prompt": the first; "prompts": all, when several */
    size_t n_prompts;
    int *depths;
    size_t n_depths;
    double until; /* share; NaN = fixed number of runs */
    int max_runs;
    enum sb_summary_place summary; /* which backend to take */
    bool load_cold;
};

/* What a setting decides, and so who notices when it differs. Merge, rank and compare name both
 * kinds; only a different condition makes cells not comparable. */
enum sb_role {
    SB_DISPLAY,    /* how it is shown: nobody */
    SB_CONDITION,  /* what is measured: part of a cell's fingerprint */
    SB_REPETITION, /* how often: --resume measures again */
};

enum sb_setting_type {                    /* of the member */
                       SB_SETTING_TEXT,   /* char * */
                       SB_SETTING_LINES,  /* struct sb_strv: a key that may be repeated */
                       SB_SETTING_INT,    /* int; with words, words[0] stands for -1 */
                       SB_SETTING_SHARE,  /* double, 0.03 for "3%"; with words, words[0] stands for
                                             NaN */
                       SB_SETTING_WORD,   /* bool or enum: which of the words */
                       SB_SETTING_SWITCH, /* bool: off, on; true or false in results */
                       SB_SETTING_INTS,   /* a list of int */
                       SB_SETTING_PROMPT, /* the first of the prompts */
                       SB_SETTING_PROMPTS,
};

/* One row a setting: a key of the config, of the results, its limits, and its meaning. */
struct sb_setting {
    const char *key;         /* in [bench] */
    const char *results_key; /* in "bench"; NULL = key */
    enum sb_setting_type type;
    size_t offset, size, count_offset; /* in struct sb_protocol; of a list: where its length is */
    double min, max;                   /* of a number; max 0 = there is none */
    const char *const *words;          /* NULL-terminated, or NULL */
    const char *fallback;              /* the default, as a config would say it; NULL = none */
    int absent;                        /* what an int or word is where results lack it */
    bool required, always;             /* results without it are refused; it is always saved */
    bool later;                        /* younger than the first fingerprints: no part of them at
                                          its default, so that cells of before still match */
    bool only_until;                   /* matters with `until` alone */
    enum sb_role role;
    const char *what; /* as a sentence names it: "context size" */
    const char *mark; /* a list: the name of one of its values in a fingerprint */
    const char *help; /* a line */
};
extern const struct sb_setting sb_settings[];
extern const size_t sb_n_settings;

/* A setting's value as a config would say it; prompts by their hashes. */
void sb_setting_print(const struct sb_setting *s, const struct sb_protocol *p, struct sb_buf *ret);
bool sb_setting_same(const struct sb_setting *s, const struct sb_protocol *a,
                     const struct sb_protocol *b);
bool sb_protocol_same(const struct sb_protocol *a, const struct sb_protocol *b, enum sb_role role);
/* Adds "n_predict: 128 → 64" for each setting of that role that differs. */
void sb_protocol_differences(const struct sb_protocol *a, const struct sb_protocol *b,
                             enum sb_role role, struct sb_strv *ret);
/* Adds the lines that the conditions are in a cell's fingerprint_of: "n_predict=128". */
void sb_protocol_fingerprint(const struct sb_protocol *p, struct sb_strv *ret);
/* Adds "runs=3", ...: what --resume holds against a cell's `repetition`. */
void sb_protocol_repetition(const struct sb_protocol *p, struct sb_strv *ret);
/* Every setting as where results lack it. */
struct sb_protocol sb_protocol_empty(void);
void sb_protocol_copy(struct sb_protocol *dst, const struct sb_protocol *src); /* dst: empty */
void sb_protocol_release(struct sb_protocol *p);

/* ---- cells ------------------------------------------------------------------------------- */

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

/* What is measured of a backend, the throughput first: these two have a value a run. */
enum sb_metric { SB_PP, SB_TG, SB_LOAD, SB_WORKLOAD, SB_METRICS };
const char *sb_metric_name(enum sb_metric m); /* "PP", "TG", "Load", "Workload" */

struct sb_run { /* one /completion, in the order made */
    int launch; /* from 1 */
    struct sb_at at;
    bool warmup;
    long long prompt_n, cache_n;
    double prompt_ms;
    long long predicted_n;
    double predicted_ms;
    double pp_tps, tg_tps; /* tok/s, computed from the raw fields (method.md, One run) */
    double wall_ms;        /* the client's clock around the request */
    double prompt_per_second, predicted_per_second; /* as this build printed them */
    long long draft_n, draft_n_accepted;
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
    int launch;    /* from 1 */
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

struct sb_cell {
    int order; /* its place in the matrix of the whole config, from 0; -1 unknown */
    struct {
        char *id, *label, *path, *quantization, *file_size, *total_params, *active_params;
        long long file_bytes;
        long long bytes_per_token; /* weights read for one token, from the GGUF */
        char *notes;
    } model;
    struct {
        char *id, *label, *notes;
        struct sb_strv argv;
        struct sb_strv env; /* "NAME=value"; an object in the file */
        char *server_version;
        char *server_build; /* its files: how many, bytes, when the newest was made */
        char *device;       /* as configured, NULL when not */
        char *device_name;  /* what --list-devices calls it: name and driver */
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
    struct sb_launch *launches;
    size_t n_launches;
    struct sb_run *runs;
    size_t n_runs;
    struct sb_answer *answers;
    size_t n_answers;
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
    cJSON *host;                   /* an object, kept verbatim; host.h says what is in it */
    cJSON *hosts; /* machines that launches name: their id -> an object like host; or NULL */
    struct sb_cell *cells;
    size_t n_cells;
};

/* Hosts: a launch belongs to the machine that made it, also when the rest of a file was measured by
 * another. Only what one machine measured is compared. */

/* What a machine is known by, a hash of its CPU, memory, GPUs, kernel, drivers and, in a cluster,
 * node; not of what it is called in `hardware`, nor of how busy it was. NULL when the object does
 * not say. The caller frees. */
char *sb_host_id(const cJSON *host);
/* Adds "memory: 64 GiB → 128 GiB", ..., where two are not the same box. Kernels and drivers may
 * differ: that is what a comparison is made for. False when one has no id. */
bool sb_host_diff(const cJSON *a, const cJSON *b, struct sb_strv *ret);
/* The machine that measured the cell: of its last launch, else `file_id`, the file's. */
const char *sb_cell_host_id(const struct sb_cell *c, const char *file_id);
/* Of hosts, else (id NULL or not there) the file's. */
const cJSON *sb_host_of(const struct sb_results *r, const char *id);
/* Every launch that names no machine is the file's from now on, and hosts has all. */
void sb_results_settle_hosts(struct sb_results *r);
/* What the document says of the machine; "" when it is not known. */
const char *sb_results_hardware(const struct sb_results *r);
/* The same text, and the same CPU where both name one. */
bool sb_same_hardware(const struct sb_results *a, const struct sb_results *b);
/* Adds "mesa-vulkan-drivers: 25.0.1 → 25.2.0": what else of the machine both files name and is not
 * the same (kernel, software, settings). Text from outside. */
void sb_results_machine_changes(const struct sb_results *a, const struct sb_results *b,
                                struct sb_strv *ret);

/* Identity: a cell is one model and one backend, each known by its id, or its label where it has no
 * id. Resume, merge, compare and rank all go by this. */
bool sb_cell_same(const struct sb_cell *a, const struct sb_cell *b);
bool sb_same_model(const struct sb_cell *a, const struct sb_cell *b);
int sb_cell_order(const struct sb_cell *a, const struct sb_cell *b); /* as strcmp; 0 = the same */
const char *sb_model_key(const struct sb_cell *c);                   /* the id, else the label */
char *sb_cell_key(const struct sb_cell *c); /* equal for the same cell; the caller frees */
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
struct sb_launch *sb_cell_add_launch(struct sb_cell *c, struct sb_launch l);
struct sb_answer sb_answer_empty(void);
struct sb_answer *sb_cell_add_answer(struct sb_cell *c, struct sb_answer a); /* takes all of it */
void sb_answer_release(struct sb_answer *a);
void sb_cell_release(struct sb_cell *c);
/* Sets the fingerprint from fingerprint_of, once that is complete. */
void sb_cell_seal(struct sb_cell *c);
/* A launch is recorded when it has ended: drops the runs and answers of one that has not. Returns
 * the number of the last launch that is done, 0 when none is. */
int sb_cell_drop_unfinished(struct sb_cell *c);

/* Sets pp_tps and tg_tps from the raw fields: prompt_n*1000/prompt_ms and
 * (predicted_n-1)*1000/predicted_ms; NaN where these do not give a finite positive number. */
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

/* Sample: what of a cell goes into a comparison, one value a launch. */

struct sb_sample {
    double *x;   /* speeds, more is better; the caller frees */
    size_t n;    /* 0 = not measured */
    double mean; /* of what was measured: tok/s, or the load in s; NaN */
    /* Relative standard error of the mean of one launch's runs; 0 for several launches or one
     * run. No stand-in for the spread between launches, but that cannot be less. */
    double noise;
};
/* What is assumed for the spread between launches of two samples: `stated`, or their noise
 * where the runs of a single launch leave its mean less certain than that. */
double sb_sample_assumed(double stated, double noise_a, double noise_b);
struct sb_sample sb_sample_throughput(const struct sb_cell *c, enum sb_metric m, struct sb_at at);

/* The relative standard error of the mean of all its runs there; 0 where they cannot tell. */
double sb_sample_noise(const struct sb_cell *c, enum sb_metric m, struct sb_at at);

/* 1/load_s of the launches that found the page cache as the last one did: a cold and a warm load
 * are never averaged, and by the last launch of each backend the cache has settled.
 * ret_cached_share: what of the file was cached there; NaN unknown. */
struct sb_sample sb_sample_load(const struct sb_cell *c, double *ret_cached_share);

/* Whether two loads started from the same page cache: both known, and within a tenth of the
 * file. Only then does their difference say something of the backends. */
bool sb_same_cache_state(double cached_share_a, double cached_share_b);

/* The load of each launch behind sb_sample_throughput, in the same order, in s; NaN where it
 * is unknown. n values; the caller frees. */
double *sb_sample_launch_loads(const struct sb_cell *c, struct sb_at at, size_t n);

/* A workload: a mix of requests, each of which takes a backend the time P/PP + G/TG at its depth. */
enum { SB_WORKLOAD_PARTS = 4, SB_FIRST_PLACE = -1 };
struct sb_workload_part {  /* requests of one kind */
    int depth;             /* tokens in the context before them; SB_FIRST_PLACE: where it was measured
                              first. The nearest measured depth stands for it */
    double prompt_tokens;  /* P */
    double gen_tokens;     /* G */
    double share;          /* of the requests, relative to the other parts */
};
struct sb_workload { /* T = load/N + the mean over the parts */
    const char *name; /* NULL: one made of numbers */
    struct sb_workload_part part[SB_WORKLOAD_PARTS];
    size_t n_parts;
    double requests_per_load; /* N: requests that share one load; 0 = the load is not counted */
};
#define SB_WORKLOAD_DEFAULT                                                                        \
    { .part = {{SB_FIRST_PLACE, 600, 128, 1}}, .n_parts = 1 }

/* The workloads with a name: number i, NULL past the last; by name, NULL when there is none. */
const struct sb_workload *sb_workload_at(size_t i);
const struct sb_workload *sb_workload_named(const char *name);
/* "300+250, 120+250 at a depth of 2048" */
void sb_workload_describe(const struct sb_workload *w, struct sb_buf *ret);
/* The measured place that stands for a part: the first, or the nearest to it in depth. */
struct sb_at sb_workload_place(const struct sb_cell *c, const struct sb_workload_part *p);

/* 1/T, launch by launch; the mean is that of T, in s. Without a load where one is counted, or
 * without PP or TG, n is 0. The caller frees x. */
struct sb_sample sb_sample_workload(const struct sb_cell *c, const struct sb_workload *w);

/* launches = auto: which cells of one model still need a launch for the verdict on this workload?
 * Each is looked at against the best (sb_look); the best itself is open as long as another is.
 * Cells that are neither ok nor pending, and those of which nothing was measured, take no part
 * and come out as decided. n cells in, n out; returns the number of the best, SIZE_MAX when there
 * is none. */
struct sb_settled {
    enum sb_outlook outlook;
    enum sb_verdict verdict; /* against the best, as sb_compare has it */
    size_t n;                /* launches that were compared; 0 = takes no part */
};
size_t sb_settle(const struct sb_cell *const *cells, size_t n, const struct sb_workload *w,
                 struct sb_settled *ret);

/* Shards: results on their way through a log, among other lines, of several processes at once.
 *
 * Every line of a shard begins with its mark, "stratobench:ID", ID being the first 16 digits of the
 * sha256 of the JSON, so that nothing that stands between or before the lines (another stream, a
 * prefix, a time) breaks it, and a shard that is not whole is known. */

/* Appends the JSON of results as marked lines; `name` says whose they are, in one word. */
void sb_shard_print(const struct sb_results *r, const char *name, struct sb_buf *ret);

struct sb_shards {
    struct sb_strv name; /* of each whole shard, in the order they ended */
    struct sb_strv json;
    struct sb_strv remarks; /* sentences on shards that are cut or there twice */
};
/* Whether a text has a shard in it. */
bool sb_shards_begin(const char *log, size_t len);
/* Of the shards that one process left one after the other the last whole one is taken. */
void sb_shards_read(const char *log, size_t len, struct sb_shards *ret);
void sb_shards_release(struct sb_shards *s);

/* Merge: result sets of several files as a reader sees them, by section.
 *
 * Sets with the same title are one section, as far as one machine measured them: what another did
 * is a section of its own. Where two of its files hold the same cell (model
 * and backend), the one measured last stands; one still pending never replaces another. What a
 * newer result that is not ok puts out of sight is said in `hidden`, so that it can be printed.
 * A set that stands alone in its section keeps all its cells. */

struct sb_section {
    /* Borrows every string and array from the sets given: valid as long as they are, never to
     * be released. bench is the first file's, but for started_at (the earliest) and updated_at (the
     * latest), and for the title where other machines have sections of the same. Cells of one model
     * stand together, models and their backends in the order of first appearance. */
    struct sb_results set;
    char **hidden;                   /* one a cell: a sentence on the ok result it hides, or NULL */
    const struct sb_results **from;  /* one a cell: the set it comes from */
    struct sb_strv warnings;         /* sentences: in what the files differ that should not */
    const struct sb_results **parts; /* the sets of this section, in the order given */
    size_t n_parts;
    const char *title;     /* as the files have it; never NULL */
    const char *host_id;   /* of set.host; "" unknown */
    const char **part_ids; /* of each part's own host */
    char *own_title;       /* NULL, or set.bench.title */
};

struct sb_sections {
    struct sb_section *item; /* in the order in which the titles appear */
    size_t n;
    struct sb_strv host_ids; /* of the files */
};

struct sb_sections sb_results_merge(const struct sb_results *const *sets, size_t n);
void sb_sections_release(struct sb_sections *all);

#endif
