/* What the files of one launch share. */
#ifndef STRATOBENCH_BENCH_LAUNCH_H
#define STRATOBENCH_BENCH_LAUNCH_H

#include "internal.h"
#include "stratobench/host.h"
#include "stratobench/prompt.h"
#include "stratobench/server.h"

struct launch {
    const struct sb_bench *b;
    const struct sb_config *config;
    const struct sb_cell_plan *plan;
    struct sb_cell *cell;
    size_t index; /* of the cell */
    struct sb_server *server;
    struct sb_llama_failure failure;
    struct sb_prepared *prompts; /* as in config */
    struct sb_launch record;
    double began_s; /* the launch; sb_now_s */
    double completions_s;
    size_t requests; /* made so far: chooses the nonce */
    struct sb_reading before;
    struct sb_bench_start *start;
    bool ready;     /* it answered */
    bool stopped;   /* the harness or the machine was, since the launch began */
    bool disturbed; /* the last run: from outside, so that another may do better */
    double power_sum_w, measured_tokens;
    int power_samples;
};

/* Tells the observer that a stage begins. */
void sb_launch_stage(struct launch *l, enum sb_stage s, int index, int of);
/* Waits as the config wants it before a launch or a run. False when interrupted. */
bool sb_launch_cool_down(struct launch *l);
/* Warms up and measures every point. 0, or -1 with l->failure. */
int sb_launch_measure(struct launch *l);

#endif
