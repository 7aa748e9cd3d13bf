/* What the files of one launch share. */
#ifndef STRATOBENCH_BENCH_LAUNCH_H
#define STRATOBENCH_BENCH_LAUNCH_H

#include "internal.h"
#include "stratobench/host.h"
#include "stratobench/prompt.h"
#include "stratobench/results_tune.h"
#include "stratobench/server.h"

/* What is read before and after a run. */
struct edge {
    double at_s;
    double others_s; /* of CPU time, by all but the server; NaN unknown */
    int cpus;
    double energy_j; /* NaN: no counter */
};

struct launch {
    const struct sb_bench *b;
    const struct sb_config *config;
    const struct sb_cell_plan *plan;
    struct sb_cell *cell;       /* what is measured goes there */
    size_t index;               /* of the cell */
    const struct sb_try *trial; /* the value that is tried; NULL = it is measured */
    struct sb_server *server;
    struct sb_llama_failure failure;
    struct sb_prepared *prompts; /* as in config */
    struct sb_launch record;
    double began_s; /* the launch; sb_now_s */
    double completions_s;
    size_t requests; /* made so far: chooses the nonce */
    uint64_t salt;   /* of the nonces of texts: what a server keeps outlives a launch */
    struct sb_reading before;
    struct sb_bench_start *start;
    struct sb_buf hooks_said; /* for the log, once the server has left it */
    bool ready;               /* it answered */
    bool stopped;             /* the harness or the machine was, since the launch began */
    bool disturbed;           /* the last run: from outside, so that another may do better */
    struct edge edge;         /* before the run in flight */
    struct {
        double watched_s, others_s; /* of the measured runs, with what others took meanwhile */
        double energy_s, energy_j, tokens; /* of those whose energy is known */
    } seen;
};

/* Of a server that others run: where it is; and, once it has started, what it said of itself goes into
 * the cell. 0, or -1 with l->failure: it is not the server that it was. */
void sb_launch_address(const struct launch *l, struct sb_server_address *ret);
int sb_launch_note_served(struct launch *l);
/* The tokens that fit: ctx, or less where such a server has less. */
int sb_launch_ctx(const struct launch *l);

/* Of a server that has no /completion (openai.c). Before anything is measured: 0, or -1 when the config
 * wants what only that can. */
int sb_launch_check_openai(struct launch *l);
/* As sb_launch_request. */
int sb_launch_openai(struct launch *l, struct sb_at at, struct sb_run *ret);

/* Tells the observer that a stage begins. */
void sb_launch_changed(struct launch *l, enum sb_ended what); /* tells the observer, who saves it */
void sb_launch_stage(struct launch *l, enum sb_stage s, int index, int of);
/* A run at that place: one request, or as many at once as it has slots, with nonces of their own,
 * again when a reply failed after the work. 0 and *ret (valid or not, with the reason), or -1 with
 * l->failure. */
int sb_launch_request(struct launch *l, struct sb_at at, struct sb_run *ret);
/* The slot of request i of a run, as sb_llama_completion has it: any, where there is but one. */
int sb_launch_slot(const struct launch *l, size_t i);
/* Waits as the config wants it before a launch or a run. False when interrupted. */
bool sb_launch_cool_down(struct launch *l);
/* Warms up and measures every point. 0, or -1 with l->failure. */
int sb_launch_measure(struct launch *l);
/* Of a value that is tried: the first point, a few runs. 0, or -1 with l->failure. */
int sb_launch_try(struct launch *l);
/* Then the conversations, if the config wants any. 0, or -1 with l->failure. */
int sb_launch_turns(struct launch *l);
/* Before anything is measured: 0, or -1 when they cannot fit the context. */
int sb_launch_check_turns(struct launch *l);

/* Asks for one completion. 0, or -1 with what is known of the server, too. */
int sb_launch_complete(struct launch *l, const struct sb_llama_completion *c,
                       struct sb_llama_reply *ret);
/* After a reply of so many at once failed, l->failure: may it be asked again? Another text may not fail. Forgets
 * the failure if so. */
bool sb_launch_may_ask_again(struct launch *l, int attempt, size_t at_once);
/* The reply as a run of this launch; takes its strings. */
struct sb_run sb_launch_to_run(const struct launch *l, struct sb_at at, bool warmup,
                               struct sb_llama_reply *t);
/* Why it is not to be believed, or NULL; the caller frees. l->disturbed: another may be. */
char *sb_launch_doubt(struct launch *l, const struct sb_run *r, const struct sb_expectation *want,
                      int truncated);
enum { LAUNCH_MOST_DISTURBED = 3 }; /* runs of a point, or conversations, that are made again */

/* The backend's hooks. 0, or -1: one that failed is the launch's failure, unless there is another. */
int sb_launch_before(struct launch *l);
int sb_launch_after(struct launch *l);
void sb_launch_log_hooks(struct launch *l, const char *log_path);

/* At both edges of a run; the second also keeps the peaks of memory and temperature. */
void sb_launch_before_run(struct launch *l);
void sb_launch_after_run(struct launch *l, const struct sb_run *r);
/* Puts into the record what was seen of all runs, and the flag if others were busy. */
void sb_launch_sum_up(struct launch *l);
/* After the measured runs: what the server computes on the given text, at every point. A failure
 * there is kept with the answer and ends the asking, not the cell. 0, or -1 when interrupted. */
int sb_launch_answers(struct launch *l);

#endif
