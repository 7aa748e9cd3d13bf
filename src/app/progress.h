/* Progress: what a person sees of a run. On a terminal one live line and a line for each finished
 * cell; elsewhere, or with NO_COLOR, plain lines only. All of it goes to stderr.
 *
 * The live line moves while a server loads and stands still while a run is timed, when nothing may
 * disturb it: then it says since when, and that it does so on purpose. */
#ifndef STRATOBENCH_PROGRESS_H
#define STRATOBENCH_PROGRESS_H

#include <stdio.h>
#include <time.h>

#include "eta.h"
#include "stratobench/bench.h"

struct sb_progress {
    const struct sb_config *config;
    const struct sb_results *results;
    const struct sb_preflight *preflight;
    const bool *skip; /* as in struct sb_bench */
    FILE *screen;     /* stderr, but it never waits (screen.h) */
    bool quiet, verbose;
    bool terminal, colour;
    bool line_open; /* a live line stands on the terminal */
    struct sb_eta eta;
    double *cell_s; /* time spent on each cell, over its launches */
    int n_launches; /* begun so far */
    size_t n_ended; /* cells, those kept of an earlier file among them */
    /* what is in flight */
    size_t cell; /* SIZE_MAX = nothing */
    enum sb_stage stage;
    int launch, index, of;
    struct sb_at at; /* where it is measured */
    double launch_began_s, stage_began_s;
    time_t stage_began;
};

void sb_progress_init(struct sb_progress *p, bool quiet, bool verbose);
/* After config, results, preflight and skip are set. */
void sb_progress_begin(struct sb_progress *p);
/* Waits until what was said is taken: signals should be free to end the program. */
void sb_progress_release(struct sb_progress *p);
void sb_progress_stage(struct sb_progress *p, size_t cell, enum sb_stage stage, int launch,
                       int index, int of);
/* Does the live line move in this stage? */
bool sb_progress_ticks(const struct sb_progress *p);
/* Time has passed: the live line shows it. */
void sb_progress_tick(struct sb_progress *p);
void sb_progress_ended(struct sb_progress *p, size_t cell);
/* A message on a line of its own, whatever stands on the terminal; not when quiet. */
void sb_progress_say(struct sb_progress *p, const char *fmt, ...) SB_PRINTF(2, 3);
/* The same of what went wrong, which --quiet shows, too. */
void sb_progress_complain(struct sb_progress *p, const char *fmt, ...) SB_PRINTF(2, 3);
/* Takes the live line away. */
void sb_progress_clear(struct sb_progress *p);

#endif
