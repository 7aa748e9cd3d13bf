/* What the files of `run` share: one run, from its options to its end. */
#ifndef STRATOBENCH_SESSION_H
#define STRATOBENCH_SESSION_H

#include <stdio.h>

#include "output.h"
#include "progress.h"
#include "stratobench/bench.h"

struct run_options {
    const char *stem;
    struct sb_selection selection;
    bool resume, force, quiet, verbose, dry_run, force_memory, allow_concurrent, log_results;
};

struct session {
    const struct run_options *o;
    const char *config_file;
    int exit_code;
    struct sb_config config;
    struct sb_preflight preflight;
    struct sb_plan plan;
    struct sb_output out;
    struct sb_progress progress;
    struct sb_results old;
    bool has_old;
    FILE *log;    /* standard output, but it never waits */
    char *logged; /* the results that went there last, if they went whole */
    int signal_fd, host_lock_fd;
    bool drawn;      /* there is a chart */
    bool unsaved;    /* the last save failed */
    bool unrendered; /* the last document could not be written */
};

/* What a person reads at the end: the table, what failed, where it is written, which backend.
 * False: standard output did not take it. */
bool sb_run_summary(const struct session *s);
void sb_run_how_to_resume(const struct session *s, int signal_number, size_t n_done);

#endif
