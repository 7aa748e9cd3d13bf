/* stratobench run: the matrix, unattended. */
#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "cmd.h"
#include "plan_print.h"
#include "screen.h"
#include "session.h"
#include "stratobench/host.h"
#include "stratobench/results_shard.h"
#include "stratobench/sys.h"
#include "stratobench/verdict.h"
#include "terminal.h"

/* ---- before anything is launched ---------------------------------------------------------- */

/* The session ends here. False, for `return`. */
static bool end(struct session *s, int exit_code) {
    s->exit_code = exit_code;
    return false;
}

/* From here on a signal ends the program as it would any other. */
static void let_signals_end_it(struct session *s) {
    sb_signals_close(s->signal_fd);
    s->signal_fd = -1;
}

static bool end_with_error(struct session *s, struct sb_buf *error) {
    let_signals_end_it(s);
    sb_print_indented(stderr, sb_buf_str(error), 0);
    sb_buf_release(error);
    return end(s, SB_EXIT_USAGE);
}

static bool load_config(struct session *s) {
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    return sb_config_load(s->config_file, &s->o->selection, &s->config, &error) == 0 ||
           end_with_error(s, &error);
}

static bool open_signals(struct session *s) {
    s->signal_fd = sb_signals_open();
    if (s->signal_fd >= 0)
        return true;
    fprintf(stderr, "stratobench run: signalfd: %s\n", strerror(-s->signal_fd));
    return end(s, SB_EXIT_USAGE);
}

static bool holds_results(const struct sb_results *r) {
    for (size_t i = 0; i < r->n_cells; i++)
        if (r->cells[i].status != SB_PENDING || r->cells[i].n_runs > 0)
            return true;
    return false;
}

/* An earlier results file is read for --resume, replaced with --force, and otherwise protected. */
static bool look_at_old_results(struct session *s) {
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    if (s->o->force || access(s->out.json, F_OK) < 0)
        return true;
    if (sb_results_load(s->out.json, &s->old, &error) < 0) {
        sb_buf_addf(&error, "\nthis file cannot be resumed; --force would replace it");
        return end_with_error(s, &error);
    }
    s->has_old = s->o->resume;
    if (s->o->resume)
        return true;
    bool holds = holds_results(&s->old);
    sb_results_release(&s->old);
    if (!holds)
        return true;
    sb_buf_addf(&error,
                "%s holds results already: --resume keeps them and measures what is missing, "
                "--force starts over",
                s->out.json);
    return end_with_error(s, &error);
}

static bool open_output(struct session *s) {
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    struct sb_strv inputs = {0};
    char *stem = s->o->stem ? sb_strdup(s->o->stem) : sb_output_default_stem(s->config_file);
    sb_strv_add(&inputs, s->config_file);
    for (size_t i = 0; i < s->config.bench.n_prompts; i++)
        sb_strv_add(&inputs, s->config.bench.prompts[i].file);
    int rc = sb_output_open(stem, s->config.chart, &inputs, &s->out, &error);
    sb_strv_release(&inputs);
    free(stem);
    return rc == 0 || end_with_error(s, &error);
}

static bool take_host(struct session *s) {
    struct sb_strv others = {0};
    bool concurrent = s->o->allow_concurrent;
    s->host_lock_fd = sb_host_lock(concurrent, &others);
    bool refused = others.n > 0 && !concurrent;
    for (size_t i = 0; i < others.n && concurrent; i++)
        sb_progress_say(&s->progress, "warning: this machine is held for measuring by %s, too",
                        others.item[i]);
    for (size_t i = 0; i < others.n && refused; i++)
        fprintf(stderr, "this machine is held for measuring by %s\n", others.item[i]);
    if (refused)
        fputs("two that measure at once are both wrong: wait for it, or say --allow-concurrent\n",
              stderr);
    sb_strv_release(&others);
    return refused ? end(s, SB_EXIT_USAGE) : true;
}

static void say_warnings(struct session *s) {
    struct sb_strv warnings = {0};
    sb_host_warnings("", &warnings);
    for (size_t i = 0; i < warnings.n; i++)
        sb_progress_say(&s->progress, "warning: %s", warnings.item[i]);
    sb_strv_release(&warnings);
    for (size_t i = 0; i < s->config.n_cells; i++) {
        const struct sb_preflight_cell *c = &s->preflight.cells[i];
        for (size_t k = 0; k < c->warnings.n; k++)
            sb_progress_say(&s->progress, "warning: %s / %s: %s", c->label, c->plan->backend->label,
                            c->warnings.item[k]);
    }
}

/* ---- while it runs ------------------------------------------------------------------------ */

static void save(struct session *s) {
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    free(s->plan.results.updated_at);
    s->plan.results.updated_at = sb_now_rfc3339();
    struct sb_results known = sb_plan_known(&s->plan);
    bool failed = sb_results_save(&known, s->out.json, &error) < 0;
    free(known.cells);
    if (failed && !s->unsaved)
        sb_progress_complain(&s->progress, "warning: %s (the last good file stays; going on)",
                             sb_buf_str(&error));
    s->unsaved = failed;
    sb_buf_release(&error);
}

static void render(struct session *s) {
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    s->unrendered = s->unsaved || sb_output_render(&s->out, &error) < 0;
    if (error.len)
        sb_progress_complain(&s->progress, "warning: %s", sb_buf_str(&error));
    sb_buf_release(&error);
}

/* All that is known: who reads the log takes the last whole one. `to`: where it may not wait while
 * servers run, else standard output. */
static void log_results(struct session *s, FILE *to) {
    if (!s->o->log_results)
        return;
    struct sb_buf text = SB_BUF_INIT(2 * SB_RESULTS_MAX_BYTES);
    const char *slash = strrchr(s->out.stem, '/');
    struct sb_results known = sb_plan_known(&s->plan);
    sb_shard_print(&known, slash ? slash + 1 : s->out.stem, &text);
    free(known.cells);
    if (!sb_same(s->logged, sb_buf_str(&text))) { /* at the end there may be nothing to add */
        bool whole = fwrite(sb_buf_str(&text), 1, text.len, to) == text.len;
        fflush(to); /* before anything else is said: a line is one line */
        free(s->logged);
        s->logged = whole ? sb_buf_detach(&text) : NULL;
    }
    sb_buf_release(&text);
}

/* One stream for the log: whoever joins two of them may put a line of one into a line of the other.
 */
static void join_streams(void) {
    if (!isatty(STDERR_FILENO))
        dup2(STDOUT_FILENO, STDERR_FILENO);
}

static void on_stage(void *arg, size_t cell, enum sb_stage stage, int launch, int index, int of) {
    struct session *s = arg;
    sb_progress_stage(&s->progress, cell, stage, launch, index, of);
}

static void on_tick(void *arg) {
    struct session *s = arg;
    sb_progress_tick(&s->progress);
}

static void on_place(void *arg, struct sb_at at) {
    struct session *s = arg;
    s->progress.at = at;
}

static void on_changed(void *arg, size_t cell, enum sb_ended what) {
    struct session *s = arg;
    if (what == SB_ENDED_LAUNCH)
        sb_plan_launched(&s->plan, cell);
    save(s);
    if (what == SB_ENDED_CELL) {
        render(s); /* whatever ends the harness next, the document holds every finished cell */
        sb_progress_ended(&s->progress, cell);
    }
    /* a single launch is followed by the end of its cell */
    if (what == SB_ENDED_CELL || (what == SB_ENDED_LAUNCH && s->config.bench.launches != 1))
        log_results(s, s->log);
}

/* ---- the end ------------------------------------------------------------------------------ */

static int count_not_ok(const struct session *s) {
    int n = 0;
    for (size_t i = 0; i < s->config.n_cells; i++)
        n += s->config.cells[i].selected && s->plan.results.cells[i].status != SB_OK;
    return n;
}

static size_t count_done(const struct session *s) {
    size_t n = 0;
    for (size_t i = 0; i < s->config.n_cells; i++)
        n += s->config.cells[i].selected && s->plan.results.cells[i].status != SB_PENDING;
    return n;
}

static void draw(struct session *s) {
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    int rc = s->config.chart ? sb_output_draw(&s->out, &s->plan.results, &error) : -ENODATA;
    s->drawn = rc == 0;
    if (rc < 0 && rc != -ENOENT && rc != -ENODATA)
        sb_progress_complain(&s->progress, "warning: no chart: %s", sb_buf_str(&error));
    sb_buf_release(&error);
}

static int finish(struct session *s, int signal_number) {
    sb_progress_clear(&s->progress);
    size_t n_done = count_done(s);
    sb_plan_settle(&s->plan);
    draw(s);
    save(s);
    render(s);
    while (signal_number && sb_signals_take(s->signal_fd))
        ;                  /* a second Ctrl-C of the impatient: it is ending already */
    let_signals_end_it(s); /* everything is on disk; nobody need read what is printed */
    fclose(s->log);
    s->log = NULL;
    log_results(s, stdout);
    struct sb_results *shown = &s->plan.results;
    sb_answers_apply(&shown, 1); /* for what is printed: nothing is saved after this */
    bool printed = sb_run_summary(s);
    if (signal_number != 0) {
        sb_run_how_to_resume(s, signal_number, n_done);
        return 128 + signal_number;
    }
    bool all_ok = count_not_ok(s) == 0 && !s->unsaved && !s->unrendered && printed;
    return all_ok ? SB_EXIT_OK : SB_EXIT_NOT_OK;
}

/* The file as it was before this run, which --resume and --force write to, stays as STEM.json~. */
static bool back_up(struct session *s) {
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    if (!s->o->resume && !s->o->force)
        return true;
    return sb_output_back_up(&s->out, &error) == 0 || end_with_error(s, &error);
}

static void say_what_is_kept(struct session *s) {
    for (size_t i = 0; i < s->config.n_cells; i++) {
        const struct sb_cell *c = &s->plan.results.cells[i];
        if (s->config.cells[i].selected && c->kept)
            sb_progress_say(&s->progress, "warning: %s / %s keeps its figures, %s", c->model.label,
                            c->backend.label, c->kept);
    }
}

static int measure(struct session *s) {
    struct sb_progress *p = &s->progress;
    sb_plan_make(&s->config, &s->preflight, s->has_old ? &s->old : NULL, &s->plan);
    if (s->has_old)
        sb_progress_say(p, "resuming %s: %zu of %zu cells kept", s->out.json, s->plan.n_kept,
                        s->config.n_selected);
    if (s->plan.n_stale)
        sb_progress_say(
            p, "%zu ok cells no longer match the config or the server and are measured again",
            s->plan.n_stale);
    if (s->plan.n_more)
        sb_progress_say(p, "%zu ok cells keep the launches that they had and go on",
                        s->plan.n_more);
    say_what_is_kept(s);
    if (s->plan.n_foreign)
        sb_progress_say(p, "%zu cells that %s does not name are kept in %s", s->plan.n_foreign,
                        s->config_file, s->out.json);
    p->config = &s->config;
    p->results = &s->plan.results;
    p->preflight = &s->preflight;
    p->skip = s->plan.skip;
    if (!back_up(s))
        return s->exit_code;
    save(s);
    if (s->unsaved)
        return SB_EXIT_USAGE;
    sb_progress_begin(p);
    struct sb_bench bench = {.config = &s->config,
                             .preflight = &s->preflight,
                             .results = &s->plan.results,
                             .skip = s->plan.skip,
                             .log_dir = s->out.logs,
                             .signal_fd = s->signal_fd,
                             .observer = {s, on_stage, on_place, on_changed, on_tick}};
    return finish(s, sb_bench_run(&bench));
}

static bool run_preflight(struct session *s) {
    struct sb_preflight_options o = {.force_memory = s->o->force_memory, .signal_fd = s->signal_fd};
    sb_config_narrow(&s->config, s->has_old ? &s->old : NULL);
    sb_preflight(&s->config, &o, &s->preflight);
    if (!s->preflight.interrupted)
        return true;
    fprintf(stderr, "interrupted (%s): nothing was launched\n",
            sb_signal_name(s->preflight.interrupted));
    return end(s, 128 + s->preflight.interrupted);
}

static void run_matrix(struct session *s) {
    if (!load_config(s) || !open_signals(s))
        return;
    if (s->o->dry_run) {
        bool ready = run_preflight(s);
        let_signals_end_it(s);
        if (ready)
            s->exit_code = sb_print_plan(stdout, &s->config, &s->preflight, s->o->stem);
        return;
    }
    if (open_output(s) && look_at_old_results(s) && take_host(s) && run_preflight(s)) {
        say_warnings(s);
        s->exit_code = measure(s);
    }
}

static bool names_a_file(const char *stem) {
    const char *slash = strrchr(stem, '/'), *last = slash ? slash + 1 : stem;
    return *last && strcmp(last, ".") != 0 && strcmp(last, "..") != 0 && strcmp(stem, "-") != 0;
}

static int run(const void *options, const struct sb_operands *files) {
    const struct run_options *o = options;
    if (o->stem && !names_a_file(o->stem))
        return sb_cli_usage_error("run",
                                  "-o takes the begin of file names, as results/tonight, "
                                  "not '%s'",
                                  o->stem);
    if (o->resume && o->force)
        return sb_cli_usage_error("run",
                                  "--resume keeps what --force would replace: give one of them");
    if (o->log_results)
        join_streams();
    struct session s = {.o = o,
                        .config_file = files->item[0],
                        .out.lock_fd = -1,
                        .log = sb_screen_open(STDOUT_FILENO),
                        .signal_fd = -1,
                        .host_lock_fd = -1};
    sb_progress_init(&s.progress, o->quiet, o->verbose);
    run_matrix(&s);
    let_signals_end_it(&s);
    if (s.log)
        fclose(s.log);
    free(s.logged);
    sb_progress_release(&s.progress);
    sb_plan_release(&s.plan);
    sb_preflight_release(&s.preflight);
    if (s.has_old)
        sb_results_release(&s.old);
    sb_output_close(&s.out);
    sb_config_release(&s.config);
    if (s.host_lock_fd >= 0)
        close(s.host_lock_fd);
    return s.exit_code;
}

static const struct sb_option table[] = {
    {"output", 'o', SB_OPTION_TEXT, offsetof(struct run_options, stem), "STEM",
     .help = "write STEM.json, STEM.md, STEM.logs/ (default: the config's name)", .files = "*"},
    {"resume", 0, SB_OPTION_FLAG, offsetof(struct run_options, resume),
     .help = "keep the cells of STEM.json that still hold, measure the rest"},
    {"force", 0, SB_OPTION_FLAG, offsetof(struct run_options, force),
     .help = "start over, replacing STEM.json"},
    {"model", 0, SB_OPTION_TEXT, offsetof(struct run_options, selection.model), "GLOB",
     .help = "only models whose id or label matches"},
    {"backend", 0, SB_OPTION_TEXT, offsetof(struct run_options, selection.backend), "GLOB",
     .help = "only backends whose id or label matches"},
    {"dry-run", 0, SB_OPTION_FLAG, offsetof(struct run_options, dry_run),
     .help = "print the exact command and environment of every cell; measure nothing"},
    {"force-memory", 0, SB_OPTION_FLAG, offsetof(struct run_options, force_memory),
     .help = "try cells that need more memory than there is"},
    {"allow-concurrent", 0, SB_OPTION_FLAG, offsetof(struct run_options, allow_concurrent),
     .help = "measure although another stratobench is measuring"},
    {"log-results", 0, SB_OPTION_FLAG, offsetof(struct run_options, log_results),
     .help = "print the results between marks, too, whenever a launch has ended: report reads "
             "them from a log; progress, where it goes to no terminal, is printed there, too"},
    {"quiet", 'q', SB_OPTION_FLAG, offsetof(struct run_options, quiet),
     .help = "print errors only"},
    {"verbose", 'v', SB_OPTION_FLAG, offsetof(struct run_options, verbose),
     .help = "print every stage, and what the harness itself added"},
    {0},
};

const struct sb_command sb_cmd_run = {
    .name = "run",
    .usage = "MODELS.ini [options]",
    .summary = "measure every model on every backend and write the document",
    .about = "Launches a llama-server for every model and backend, measures it, and writes the "
             "results after every run and the document at the end.",
    .notes = "Exit codes: 0 all cells ok; 1 some cell not ok (results are written all the same); 2 "
             "bad usage or config (nothing was launched); 128+N ended by signal N (what was "
             "finished is saved).",
    .options = table,
    .options_size = sizeof(struct run_options),
    .operand = "config file",
    .one = true,
    .files = "*.ini",
    .run = run,
};
