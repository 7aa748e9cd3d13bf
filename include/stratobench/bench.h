/* Bench: the measuring protocol (method.md): plan -> results, cell by cell.
 *
 * Prints nothing and writes no file but the servers' logs: what happens is told to an observer,
 * who shows it, saves it, or stops it. */
#ifndef STRATOBENCH_BENCH_H
#define STRATOBENCH_BENCH_H

#include "stratobench/config.h"
#include "stratobench/gguf.h"
#include "stratobench/llama.h"
#include "stratobench/prompt.h"
#include "stratobench/results.h"

/* ---- preflight: everything that can be known before hours are spent ----------------------- */

struct sb_remote; /* private to the room */
struct sb_fault {
    bool skipped; /* a `skipped`, not a `failed` (binary not found) */
    char *reason; /* short, for the row */
    char *detail; /* the long form: where, what, what to do */
};
struct sb_preflight_cell {
    const struct sb_cell_plan *plan;
    const struct sb_llama_build *build; /* shared by cells of one backend; NULL = no such binary */
    const struct sb_remote *remote;     /* likewise, of one that others run; NULL = it is started */
    const struct sb_llama_model *served; /* which of its models this is; NULL = none */
    const struct sb_gguf *gguf;          /* shared by cells of one model; NULL = unreadable */
    const char *label; /* of the model: what the config says, else the file's name for itself where
                          no other model has that, else the id */
    const char *stamp; /* which build, by its files; NULL unknown */
    const char *image; /* of a container, "NAME@sha256:..."; else NULL */
    const struct sb_gguf *draft;  /* the draft model; NULL = none, or unreadable */
    const struct sb_gguf *mmproj; /* the projector; NULL = none, or unreadable */
    struct sb_fault *faults;      /* all that keeps it from running, the one for its row first */
    size_t n_faults;              /* 0 = can run */
    struct sb_strv warnings;
    struct sb_strv told;      /* what a server of others says of itself, lines for people */
    struct sb_strv argv, env; /* exact, but for port, alias and secrets */
    uint64_t need_bytes;      /* weights + KV at ctx; 0 unknown */
};
struct sb_preflight {
    struct sb_llama_build *builds; /* one a backend, as in config */
    const char **build_reasons;    /* short, for the row; NULL where it worked */
    char **build_errors;           /* the long form */
    char **build_stamps;           /* which build it is, by its files; NULL unknown */
    char **build_images;           /* of containers; else NULL */
    struct sb_remote *remotes;     /* one a backend: the server of others, if it is one */
    struct sb_gguf *drafts;        /* one a backend: its draft model, if it has one */
    struct sb_files *build_files; /* one a backend: what it runs from; launches find more of them */
    struct sb_gguf *ggufs;        /* one a model */
    struct sb_gguf *mmprojs;      /* one a model: its projector, if it has one */
    struct sb_files *model_files; /* its shards, as they were when their headers were read */
    const char **gguf_reasons;
    char **gguf_errors;
    struct sb_preflight_cell *cells;
    size_t n_cells, n_builds, n_ggufs;
    int interrupted; /* the signal that ended it, 0 = none */
};
struct sb_preflight_options {
    bool force_memory;
    int signal_fd;
};
void sb_preflight(const struct sb_config *c, const struct sb_preflight_options *o,
                  struct sb_preflight *ret);
void sb_preflight_release(struct sb_preflight *p);

/* Writes what a cell is (model, backend, fingerprint) into an empty results cell. */
void sb_preflight_describe(const struct sb_config *c, const struct sb_preflight_cell *p,
                           struct sb_cell *ret);

/* ---- measuring ---------------------------------------------------------------------------- */

enum sb_stage {
    SB_STAGE_COOLDOWN,
    SB_STAGE_LOAD,
    SB_STAGE_WARMUP,
    SB_STAGE_RUN,
    SB_STAGE_TURNS,
    SB_STAGE_ANSWERS,
    SB_STAGE_STOP,
    SB_STAGE_INTERRUPT, /* a signal of ours came: the server is being stopped */
};

enum sb_ended { SB_ENDED_RUN, SB_ENDED_LAUNCH, SB_ENDED_CELL };

struct sb_observer {
    void *arg;
    /* `cell` indexes config->cells. A stage begins: index from 1, of = how many there will be
     * (0 unknown). */
    void (*stage)(void *arg, size_t cell, enum sb_stage stage, int launch, int index, int of);
    /* What is measured from here on is measured there. */
    void (*place)(void *arg, struct sb_at at);
    /* The cell's results changed. Called between runs only. */
    void (*changed)(void *arg, size_t cell, enum sb_ended what);
    /* About once a second while a server loads or cools down; never while a run is timed. */
    void (*tick)(void *arg);
};

struct sb_bench {
    const struct sb_config *config;
    const struct sb_preflight *preflight;
    struct sb_results *results; /* cells[i] is config->cells[i]; foreign ones after them */
    const bool *skip;           /* one a cell of the config: leave it as it is */
    const char *log_dir;
    int signal_fd;
    struct sb_observer observer;
};
/* Measures every cell that is not skipped. 0, or the signal that ended it: the cell in flight is
 * then pending, with the launches it had finished and nothing half-measured. */
int sb_bench_run(const struct sb_bench *b);

/* Did it take the client much longer than the server claims: a clock that runs wrong, or a delay
 * outside the server, which another run may not meet. far: there is a network between. */
bool sb_run_is_late(const struct sb_run *r, bool far);
/* Is this run to be believed (method.md, One run)? NULL, or the reason in a few words (static
 * or in buf). */
const char *sb_run_check(const struct sb_run *r, const struct sb_expectation *want, int truncated,
                         char *buf, size_t size);

/* Plan: from a config and an earlier results file to the results that a run will fill. */

struct sb_plan {
    struct sb_results results; /* cells[i] is config->cells[i]; foreign ones after them */
    size_t n_planned;          /* cells of the config */
    bool *skip; /* one a cell of the config: not selected, still holds, or cannot be looked at */
    struct sb_cell *standing; /* one a cell: the earlier result that stands until the new one has
                                 ended; without a model id where there is none */
    size_t n_kept;            /* how many of the selected cells are skipped */
    size_t n_stale;           /* ok cells that no longer hold and are measured again */
    size_t n_more;            /* ok cells that go on, since the config wants more launches */
    size_t
        n_foreign; /* cells of the earlier file that the config does not name: kept as they are */
};

/* The config is narrowed to what is selected or in `old`, the earlier results file (may be NULL,
 * emptied otherwise). A result is only ever replaced by one that has been measured: a cell whose
 * files cannot be read now keeps its figures, and says in `kept` why. */
void sb_plan_make(const struct sb_config *config, const struct sb_preflight *preflight,
                  struct sb_results *old, struct sb_plan *ret);
/* The results as they are known now, with what stands in the place of what has not ended: a view
 * that borrows all but its array of cells, which the caller frees. */
struct sb_results sb_plan_known(const struct sb_plan *p);
/* A launch of a cell has ended. One that had launches before it went on stands with this one, too. */
void sb_plan_launched(struct sb_plan *p, size_t i);
/* Nothing more will be measured: what stands takes its place again. */
void sb_plan_settle(struct sb_plan *p);
void sb_plan_release(struct sb_plan *p);

#endif
