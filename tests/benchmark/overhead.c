/* The samples of the benchmark as a document and as JSON.
 *
 *   overhead MARKDOWN JSON < samples
 *
 * A line is "KEY VALUE". The key "machine.load" is the load average while what follows it was
 * measured; "about.WORDS" is a fact of the machine, its value the rest of the line. */
#include <cjson/cJSON.h>
#include <string.h>

#include "sample.h"
#include "stratobench/base.h"
#include "stratobench/stats.h"

enum { MOST_SAMPLES = 4096, LINE_BYTES = 4096 };

enum statistic { MEDIAN, P95, WORST, N_STATISTICS };
static const char *const statistic_names[] = {"median", "95th", "worst"};

struct goal {
    enum statistic of;
    double low, high; /* it is to lie between them; high 0 = no goal */
};

/* One row a figure, in the order of the document. */
static const struct row {
    const char *key, *unit;
    int decimals;
    const char *what;
    struct goal goal, second;
    const char *section; /* begins one */
} rows[] = {
    {.key = "load.ours_ms",
     .unit = "ms",
     .decimals = 1,
     .what = "load, spawn to the first 200",
     .section = "Readiness"},
    {.key = "load.after_own_log_ms",
     .unit = "ms",
     .decimals = 1,
     .what = "our load less what the server's own log says until it listens (from its first line, "
             "so the exec is in it)",
     .goal = {MEDIAN, -25, 25}},
    {.key = "load.after_observer_ms",
     .unit = "ms",
     .decimals = 2,
     .what = "our 200 after that of an observer who asks every 0.5 ms",
     .goal = {MEDIAN, -25, 25}},
    {.key = "load.observer_accepted_ms",
     .unit = "ms",
     .decimals = 1,
     .what = "first connect that the observer had accepted, after the call"},
    {.key = "launch.added_ms",
     .unit = "ms",
     .decimals = 1,
     .what = "what the harness adds to a launch",
     .goal = {MEDIAN, 0, 20},
     .second = {P95, 0, 60},
     .section = "A launch"},
    {.key = "launch.reading_ms",
     .unit = "ms",
     .decimals = 2,
     .what = "– reading the machine's state"},
    {.key = "launch.spawn_and_identity_ms",
     .unit = "ms",
     .decimals = 2,
     .what = "– starting it, and asking who it is"},
    {.key = "launch.proof_ms",
     .unit = "ms",
     .decimals = 2,
     .what = "– reading its log for the device"},
    {.key = "launch.tokenize_ms", .unit = "ms", .decimals = 2, .what = "– the prompt's tokens"},
    {.key = "launch.save_ms",
     .unit = "ms",
     .decimals = 2,
     .what = "– a save (it waits for the disk)"},
    {.key = "launch.reap_ms", .unit = "ms", .decimals = 2, .what = "– reaping it"},
    {.key = "launch.free_ms", .unit = "ms", .decimals = 2, .what = "– the rest"},
    {.key = "launch.stop_ms",
     .unit = "ms",
     .decimals = 1,
     .what = "the server's own end, from TERM"},
    {.key = "launch.overhead_ms",
     .unit = "ms",
     .decimals = 1,
     .what = "the same in a real `run`: wall less load, completions and stop (a save after every "
             "run is in "
             "it)"},
    {.key = "run.cpu_percent",
     .unit = "%",
     .decimals = 3,
     .what = "of a processor while a run is in flight",
     .goal = {MEDIAN, 0, 0.1},
     .section = "A run"},
    {.key = "run.cpu_ms", .unit = "ms", .decimals = 2, .what = "processor time a run"},
    {.key = "run.switches", .unit = "", .decimals = 0, .what = "context switches a run"},
    {.key = "run.peak_rss_mib",
     .unit = "MiB",
     .decimals = 1,
     .what = "peak memory of `stratobench run`",
     .goal = {MEDIAN, 0, 8}},
    {.key = "run.least_rss_mib",
     .unit = "MiB",
     .decimals = 1,
     .what = "of that: `stratobench --version`, which loads the same libraries"},
    {.key = "disturbance.pp_ratio",
     .unit = "×",
     .decimals = 3,
     .what = "PP driven by us over PP driven by one blocking socket",
     .goal = {MEDIAN, 0.99, 1.01},
     .section = "Disturbance"},
    {.key = "disturbance.tg_ratio",
     .unit = "×",
     .decimals = 3,
     .what = "TG, the same",
     .goal = {MEDIAN, 0.99, 1.01}},
    {.key = "peers.matrix_ours_s",
     .unit = "s",
     .decimals = 1,
     .what = "2 × 2 matrix by stratobench",
     .section = "Peers"},
    {.key = "peers.matrix_shell_s",
     .unit = "s",
     .decimals = 1,
     .what = "the same by a shell harness (curl, jq, a poll every 10 s)"},
    {.key = "peers.load_error_ours_ms",
     .unit = "ms",
     .decimals = 1,
     .what = "its error of load, against the server's log: stratobench"},
    {.key = "peers.load_error_shell_ms", .unit = "ms", .decimals = 1, .what = "the shell harness"},
    {.key = "peers.bench_ours_s",
     .unit = "s",
     .decimals = 1,
     .what = "three repetitions of one model by stratobench, all in all"},
    {.key = "peers.bench_llama_bench_s", .unit = "s", .decimals = 1, .what = "by llama-bench"},
    {.key = "peers.pp_ratio",
     .unit = "×",
     .decimals = 3,
     .what = "PP by stratobench over PP by llama-bench"},
    {.key = "peers.tg_ratio", .unit = "×", .decimals = 3, .what = "TG, the same"},
    {.key = "peers.streamed_pp_ratio",
     .unit = "×",
     .decimals = 3,
     .what = "PP counted from the stream's first event over the server's own"},
    {.key = "peers.streamed_tg_ratio",
     .unit = "×",
     .decimals = 3,
     .what = "TG counted between the stream's events, the same"},
    {.key = "save.1000_cells_ms",
     .unit = "ms",
     .decimals = 1,
     .what = "a save with 1,000 cells in the file",
     .section = "Many cells"},
    {.key = "report.100_s", .unit = "s", .decimals = 3, .what = "`report`, 100 cells"},
    {.key = "report.1000_s", .unit = "s", .decimals = 3, .what = "`report`, 1,000 cells"},
    {.key = "report.10000_s",
     .unit = "s",
     .decimals = 3,
     .what = "`report`, 10,000 cells",
     .goal = {MEDIAN, 0, 1}},
    {.key = "rank.100_s", .unit = "s", .decimals = 3, .what = "`rank`, 100 cells"},
    {.key = "rank.1000_s", .unit = "s", .decimals = 3, .what = "`rank`, 1,000 cells"},
    {.key = "rank.10000_s",
     .unit = "s",
     .decimals = 3,
     .what = "`rank`, 10,000 cells",
     .goal = {MEDIAN, 0, 1}},
};
enum { N_ROWS = sizeof rows / sizeof *rows };

struct figure {
    double x[MOST_SAMPLES], load_low, load_high;
    size_t n;
};
static struct figure figures[N_ROWS];

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double statistic_of(const struct figure *f, enum statistic s) {
    double sorted[MOST_SAMPLES];
    struct sb_summary all = sb_summarize(f->x, f->n);
    if (f->n == 0 || s == MEDIAN)
        return all.median;
    if (s == WORST)
        return fabs(all.min) > fabs(all.max) ? all.min : all.max;
    memcpy(sorted, f->x, f->n * sizeof *sorted);
    qsort(sorted, f->n, sizeof *sorted, by_value);
    return sorted[(size_t)ceil(0.95 * (double)f->n) - 1];
}

/* ---- the samples ------------------------------------------------------------------------------
 */

static void take(const char *key, double value, double load) {
    for (size_t i = 0; i < N_ROWS; i++) {
        struct figure *f = &figures[i];
        if (strcmp(rows[i].key, key) != 0 || f->n == MOST_SAMPLES)
            continue;
        f->load_low = f->n ? fmin(f->load_low, load) : load;
        f->load_high = f->n ? fmax(f->load_high, load) : load;
        f->x[f->n++] = value;
        return;
    }
    fprintf(stderr, "overhead: no row for %s\n", key);
}

static void read_samples(cJSON *about) {
    char line[LINE_BYTES];
    double load = NAN;
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        char *value = strchr(line, ' ');
        if (!value)
            continue;
        *value++ = '\0';
        if (strncmp(line, "about.", 6) == 0)
            cJSON_AddStringToObject(about, line + 6, value);
        else if (strcmp(line, "machine.load") == 0)
            load = strtod(value, NULL);
        else
            take(line, strtod(value, NULL), load);
    }
}

/* ---- the documents ----------------------------------------------------------------------------
 */

static bool is_met(const struct figure *f, const struct goal *g) {
    double x = statistic_of(f, g->of);
    return x >= g->low && x <= g->high;
}

static void put_goal(struct sb_buf *b, const struct row *r, const struct figure *f,
                     const struct goal *g) {
    if (g->high == 0)
        return;
    if (g->low > 0)
        sb_buf_addf(b, "%s %g–%g%s", statistic_names[g->of], g->low, g->high, r->unit);
    else
        sb_buf_addf(b, "%s ≤ %g %s", statistic_names[g->of], g->high, r->unit);
    sb_buf_adds(b, is_met(f, g) ? ": met " : ": **missed** ");
}

static void put_row(struct sb_buf *b, const struct row *r, const struct figure *f) {
    struct sb_summary s = sb_summarize(f->x, f->n);
    int d = r->decimals;
    if (r->section)
        sb_buf_addf(b,
                    "\n## %s\n\n| What | n | Median | Mean ± sd | 95th | Worst | Goal | Load |\n"
                    "|---|---:|---:|---:|---:|---:|---|---:|\n",
                    r->section);
    if (f->n == 0) {
        sb_buf_addf(b, "| %s | 0 | — | — | — | — |  |  |\n", r->what);
        return;
    }
    sb_buf_addf(b, "| %s | %zu | %.*f %s | %.*f", r->what, f->n, d, s.median, r->unit, d, s.mean);
    if (f->n > 1)
        sb_buf_addf(b, " ± %.*f", d, s.stddev);
    sb_buf_addf(b, " | %.*f | %.*f | ", d, statistic_of(f, P95), d, statistic_of(f, WORST));
    put_goal(b, r, f, &r->goal);
    put_goal(b, r, f, &r->second);
    sb_buf_addf(b, "| %.1f", f->load_low);
    if (f->load_high > f->load_low)
        sb_buf_addf(b, "–%.1f", f->load_high);
    sb_buf_adds(b, " |\n");
}

static char *document(const cJSON *about) {
    struct sb_buf b = SB_BUF_INIT(1 << 20);
    const cJSON *fact;
    sb_buf_adds(&b, "# What the harness costs\n\nWritten by `cmake --build BUILD --target "
                    "benchmark`. Load is the load average of the machine while the figure was "
                    "taken.\n\n");
    cJSON_ArrayForEach(fact, about) sb_buf_addf(&b, "- %s: %s\n", fact->string, fact->valuestring);
    for (size_t i = 0; i < N_ROWS; i++)
        put_row(&b, &rows[i], &figures[i]);
    return sb_buf_detach(&b);
}

static char *json(cJSON *about) {
    cJSON *root = cJSON_CreateObject();
    cJSON_AddItemToObject(root, "about", about);
    cJSON *all = cJSON_AddObjectToObject(root, "figures");
    for (size_t i = 0; i < N_ROWS; i++) {
        const struct figure *f = &figures[i];
        if (f->n == 0)
            continue;
        struct sb_summary s = sb_summarize(f->x, f->n);
        cJSON *o = cJSON_AddObjectToObject(all, rows[i].key);
        cJSON_AddNumberToObject(o, "n", (double)f->n);
        cJSON_AddNumberToObject(o, "median", s.median);
        cJSON_AddNumberToObject(o, "mean", s.mean);
        if (f->n > 1)
            cJSON_AddNumberToObject(o, "stddev", s.stddev);
        cJSON_AddNumberToObject(o, "p95", statistic_of(f, P95));
        cJSON_AddNumberToObject(o, "min", s.min);
        cJSON_AddNumberToObject(o, "max", s.max);
        cJSON_AddNumberToObject(o, "load_low", f->load_low);
        cJSON_AddNumberToObject(o, "load_high", f->load_high);
        if (rows[i].goal.high > 0)
            cJSON_AddBoolToObject(o, "met",
                                  is_met(f, &rows[i].goal) &&
                                      (rows[i].second.high == 0 || is_met(f, &rows[i].second)));
        cJSON_AddItemToObject(o, "samples", cJSON_CreateDoubleArray(f->x, (int)f->n));
    }
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    return text;
}

static int write_file(const char *path, const char *text) {
    FILE *f = fopen(path, "w");
    bool ok = f && fputs(text, f) >= 0;
    if (f && fclose(f) != 0)
        ok = false;
    if (!ok)
        perror(path);
    return ok ? 0 : 1;
}

int main(int argc, char **argv) {
    cJSON *about = cJSON_CreateObject();
    if (argc < 3)
        return 2;
    read_samples(about);
    char *markdown = document(about), *figures_json = json(about);
    int rc = write_file(argv[1], markdown) | write_file(argv[2], figures_json);
    free(markdown);
    free(figures_json);
    return rc;
}
