/* `run` from the command line to the files: options, selection, resume, what a person sees, and a
 * matrix in which three things are broken at once. */
#include "box.h"

#include <sys/stat.h>

#include "stratobench/text.h"

static void two_backends(const char *more) {
    BOX_CONFIG(more, {"a", "label = Alpha\n"}, {"b", "label = Beta\n"});
}

static bool exists(const char *path) {
    return access(path, F_OK) == 0;
}

/* ---- 3 models x 3 backends ---------------------------------------------------------------- */

static void broken_cells_say_why_and_the_others_have_figures(void **state) {
    (void)state;
    box_write("cut.gguf", "%s", "");
    assert_int_equal(box_run(ARGS("sh", "-c", "head -c 800000 m.gguf >cut.gguf")), 0);
    box_write("a.ini",
              "%s%s%s[backend gone]\nserver = ./no-such-server\n"
              "[model one]\npath = m.gguf\n[model cut]\npath = cut.gguf\n"
              "[model two]\npath = m.gguf\n",
              box_bench(""), box_backend("good", ""),
              box_backend("dies", "env = FAKE_MODE=signal-mid-reply:9\nenv = FAKE_FROM=3\n"));
    static const struct {
        const char *model, *backend, *status, *reason, *detail;
    } want[] = {
        {"one", "good", "ok", NULL, NULL},
        {"one", "dies", "failed", "server died", "signal 9 (SIGKILL)"},
        {"one", "gone", "failed", "binary not found", "./no-such-server"},
        {"cut", "good", "skipped", "model file truncated", "cut.gguf"},
        {"cut", "dies", "skipped", "model file truncated", "cut.gguf"},
        {"cut", "gone", "failed", "binary not found", "./no-such-server"},
        {"two", "good", "ok", NULL, NULL},
        {"two", "dies", "failed", "server died", "signal 9 (SIGKILL)"},
        {"two", "gone", "failed", "binary not found", "./no-such-server"},
    };
    assert_int_equal(SB(MEASURE), 1);
    box_nothing_left();
    char *document = box_read("a.md"), *said = box_read("err");
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const struct sb_cell *c = box_cell(want[i].model, want[i].backend);
        box_expect_status(c, want[i].status);
        if (c->status == SB_OK) {
            box_expect_ok(want[i].model, want[i].backend);
            continue;
        }
        assert_string_equal(c->reason, want[i].reason);
        box_has(c->detail, want[i].detail);
        box_has(document, want[i].reason);
        box_has(said, box_text("%s / %s: %s: %s\n", want[i].model, want[i].backend, want[i].status,
                               want[i].reason));
    }
}

/* A model without a label is called what its file calls itself, unless another is called so, too.
 */
static void a_model_is_named_by_its_file(void **state) {
    (void)state;
    for (const char *const *n = ARGS("Llama 3 8B", "Twin"); *n; n++)
        assert_int_equal(
            box_run(ARGS(MAKE_GGUF, "--output", **n == 'L' ? "l.gguf" : "t.gguf", "--name", *n,
                         "--layers", "1", "--embd", "64", "--vocab", "300")),
            0);
    box_write("a.ini",
              "%s%s[model one]\npath = l.gguf\n[model two]\npath = t.gguf\n"
              "[model three]\npath = t.gguf\n[model four]\npath = m.gguf\nlabel = four\n",
              box_bench("prompt_label = short"), box_backend("b", ""));
    assert_int_equal(SB("check", "a.ini"), 0);
    char *plan = box_read("out");
    box_has(plan, "[1/4] Llama 3 8B / b: ok\n");
    box_has(plan, "[2/4] two / b: ok\n");
    box_has(plan, "[3/4] three / b: ok\n");
    box_has(plan, "[4/4] four / b: ok\n");
    assert_int_equal(SB(MEASURE, "--model", "one"), 0);
    assert_string_equal(box_cell("one", "b")->model.label, "Llama 3 8B");
    box_has(box_read("a.md"), "## Llama 3 8B\n");
}

/* ---- selection and resume ----------------------------------------------------------------- */

static void globs_choose_cells(void **state) {
    (void)state;
    box_write("a.ini", "%s%s%s[model one]\npath = m.gguf\n[model two]\npath = m.gguf\n",
              box_bench(""), box_backend("a", "label = Alpha\n"),
              box_backend("b", "label = Beta\n"));
    assert_int_equal(SB(MEASURE, "--model", "t*", "--backend", "Bet?"), 0);
    assert_int_equal(box_results("a.json")->n_cells, 1);
    box_expect_ok("two", "b");
    assert_int_equal(SB(MEASURE, "--resume", "--backend", "a"), 0); /* adds, keeps the other */
    assert_int_equal(box_results("a.json")->n_cells, 3);
    box_expect_ok("two", "b");
    box_expect_ok("one", "a");
    assert_int_equal(SB(MEASURE, "--force", "--model", "none-such"), 2);
    box_expect_ok("one", "a");
}

/* A config that can be read only once; its paths start from the current folder. */
static void a_config_may_come_through_a_pipe(void **state) {
    (void)state;
    two_backends("");
    assert_int_equal(box_run(ARGS("bash", "-c",
                                  "cat a.ini | " STRATOBENCH
                                  " run --allow-concurrent /dev/stdin -o a --backend a")),
                     0);
    box_expect_ok("m", "a");
    assert_int_equal(
        box_run(
            ARGS("bash", "-c", STRATOBENCH " run --allow-concurrent <(cat a.ini) -o a --resume")),
        0);
    box_expect_ok("m", "b");
    box_has(box_read("err"), "1 of 2 cells kept");
}

static void resume_measures_again_what_changed(void **state) {
    (void)state;
    two_backends("");
    assert_int_equal(SB(MEASURE), 0);
    BOX_CONFIG("", {"a", "label = Alpha\n"}, {"b", "label = Beta\nthreads = 2\n"});
    double load_s = box_cell("m", "a")->load_s;
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    box_has(box_read("err"), "1 ok cells no longer match");
    assert_true(box_cell("m", "a")->load_s == load_s);
    box_expect_ok("m", "b");

    two_backends("launches = 1\n");
    assert_int_equal(box_run(ARGS("sed", "-i", "s/n_predict = 8/n_predict = 9/", "a.ini")), 0);
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    box_has(box_read("err"), "2 ok cells no longer match");
    for (const char *const *id = ARGS("a", "b"); *id; id++)
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(box_cell("m", *id)->runs[i].predicted_n, 9);
}

static void failed_cells_are_tried_again(void **state) {
    (void)state;
    box_write("server", "#!/bin/sh\n[ -e mended ] && exec " FAKE " \"$@\"\n"
                        "FAKE_MODE=exit-in-run:3 exec " FAKE " \"$@\"\n");
    assert_int_equal(chmod("server", 0755), 0);
    box_write("a.ini", "%s%s[backend b]\nserver = ./server\n[model m]\npath = m.gguf\n",
              box_bench(""), box_backend("a", ""));
    assert_int_equal(SB(MEASURE), 1);
    box_expect_status(box_cell("m", "b"), "failed");
    double load_s = box_cell("m", "a")->load_s;
    box_write("mended", "%s", "");
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    box_expect_ok("m", "b");
    assert_null(box_cell("m", "b")->reason);
    assert_true(box_cell("m", "a")->load_s == load_s);
}

/* A B B A, and the file says when: `compare --backends` finds the pairs by it. */
static void launches_take_turns(void **state) {
    (void)state;
    static const struct {
        const char *backend;
        size_t launch;
    } order[] = {{"a", 0}, {"b", 0}, {"b", 1}, {"a", 1}};
    two_backends("launches = 2\n");
    assert_int_equal(SB(MEASURE), 0);
    char *before = sb_strdup("");
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        const struct sb_cell *c = box_cell("m", order[i].backend);
        assert_int_equal(c->n_launches, 2);
        assert_non_null(c->launches[order[i].launch].started_at);
        assert_true(strcmp(before, c->launches[order[i].launch].started_at) <= 0);
        free(before);
        before = sb_strdup(c->launches[order[i].launch].started_at);
    }
    free(before);
    SB("compare", "a.json", "--backends", "a", "b");
    box_has(box_read("out"), "side by side, 2 a model");
}

/* The fake server's clock never varies, so that a tie is known after two launches of the five. */
static void launches_stop_when_the_verdicts_are_known(void **state) {
    (void)state;
    two_backends("launches = auto\n");
    assert_int_equal(SB(MEASURE), 0);
    assert_int_equal(box_cell("m", "a")->n_launches, 2);
    assert_int_equal(box_cell("m", "b")->n_launches, 2);
    box_has(box_read("a.json"), "\"launches\": \"auto\"");
    box_has(box_read("a.md"), "60 % fewer than five each");
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    box_has(box_read("err"), "2 of 2 cells kept");
}

static void a_dry_run_writes_and_launches_nothing(void **state) {
    (void)state;
    BOX_CONFIG("", {"a", "env = SOME=thing\nthreads = 3\n"}, {"b", "device = ROCm0\n"});
    assert_int_equal(SB("run", "--dry-run", "a.ini"), 0);
    char *plan = box_read("out");
    box_has(plan, "SOME=thing " FAKE " -m m.gguf");
    box_has(plan, " -t 3");
    box_has(plan, "--device ROCm0");
    assert_false(exists("a.json") || exists("a.logs"));
}

/* ---- builds ------------------------------------------------------------------------------- */

static void one_config_serves_old_and_new_builds(void **state) {
    (void)state;
    static const char keys[] = "device = Vulkan0\ngpu_layers = all\nflash_attn = on\nmmap = off\n"
                               "cache_type = q8_0\nthreads = 2\n%s";
    BOX_CONFIG("", {"old", box_text(keys, "env = FAKE_HELP=old\n")},
               {"feb", box_text(keys, "env = FAKE_HELP=feb\n")}, {"new", box_text(keys, "")});
    assert_int_equal(SB(MEASURE), 0);
    for (const char *const *id = ARGS("old", "feb", "new"); *id; id++)
        box_expect_ok("m", *id);
    static const struct {
        const char *id, *word;
        bool there;
    } words[] = {{"old", "--no-mmap", true},    {"old", "--load-mode", false},
                 {"old", "--cache-ram", false}, {"feb", "--cache-ram", true},
                 {"feb", "--no-mmap", true},    {"new", "--no-mmap", false},
                 {"new", "--cache-ram", true}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        assert_int_equal(sb_strv_has(&box_cell("m", words[i].id)->backend.argv, words[i].word),
                         words[i].there);
    /* (n-1)/ms whatever the build prints */
    assert_true(box_cell("m", "old")->tg_tps.mean == box_cell("m", "new")->tg_tps.mean);
}

/* ---- what a person sees ------------------------------------------------------------------- */

static void a_pipe_gets_plain_lines(void **state) {
    (void)state;
    two_backends("");
    assert_int_equal(SB(MEASURE), 0);
    char *said = box_read("err"), *table = box_read("out");
    box_has_not(said, "\x1b");
    box_has_not(said, "\r");
    box_has_not(table, "\x1b");
    box_has(said, "ok  [1/2] m / Alpha: load ");
    box_has(said, "ok  [2/2] m / Beta: load ");
    box_has(said, "written: a.md, a.json, ");
    box_has(said, ", a.logs/\ntables:  stratobench rank a.json\n");
    if (access("a.svg", F_OK) == 0)
        box_has(said, ", a.svg, ");
    box_has(table, "Alpha");
    table[strlen(table) - 1] = '\0'; /* the end of the last line */
    box_has(strrchr(table, '\n'), " over 1 model for 600+128 tokens"); /* the verdict comes last */
}

static void quiet_prints_errors_only(void **state) {
    (void)state;
    two_backends("");
    assert_int_equal(SB(MEASURE, "--quiet"), 0);
    assert_string_equal(box_read("out"), "");
    box_expect_ok("m", "b");
    char *said = box_read("err");
    box_has_not(said, "warning:");
    assert_string_equal(said, "");
    BOX_CONFIG("", {"a", ""}, {"gone", "device = CUDA9\n"});
    assert_int_equal(SB(MEASURE, "--quiet", "--force"), 1);
    assert_string_equal(box_read("err"), "m / gone: skipped: no device CUDA9\n");
    assert_string_equal(box_read("out"), "");
}

/* On a terminal of its own; the screen is in the file "screen". */
static int on_a_terminal(int columns, const char *command) {
    return box_run(ARGS("script", "-qec",
                        box_text("stty cols %d; %s %s", columns, STRATOBENCH, command), "screen"));
}

static int run_on_a_terminal(void) {
    return on_a_terminal(200, "run --allow-concurrent --force a.ini");
}

/* Columns of the widest line of the screen, less what steers it, what script says itself, and
 * details, which show a server's log as it is. */
static size_t widest_line(void) {
    char *screen = strchr(box_read("screen"), '\n'), *line;
    size_t widest = 0;
    while ((line = strsep(&screen, "\r\n")) && strncmp(line, "Script done", 11) != 0) {
        struct sb_buf b = SB_BUF_INIT(1 << 16);
        for (; *line; line++)
            if (*line == '\x1b')
                line += strcspn(line, "Km");
            else
                sb_buf_add(&b, line, 1);
        bool detail = b.len && strncmp(b.data, "        ", 8) == 0;
        size_t width = detail ? 0 : sb_text_width(sb_buf_str(&b));
        widest = width > widest ? width : widest;
        sb_buf_release(&b);
    }
    return widest;
}

/* At 80 and at 40 columns, with names of two columns a character. */
static void a_narrow_terminal_is_respected(void **state) {
    (void)state;
    if (box_run(ARGS("script", "--version")) != 0)
        skip();
    BOX_CONFIG("", {"a", "label = ROCm 7.2 (Radeon 8060S, gfx1151)\nenv = FAKE_TG=50\n"},
               {"b", "label = 向量图形 (Radeon 8060S, RADV)\n"}, {"c", "device = CUDA7\n"});
    static const int columns[] = {80, 40};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(on_a_terminal(columns[i], "run --allow-concurrent --force a.ini"), 1);
        box_has(box_read("screen"), "Radeon");
        if (widest_line() > (size_t)columns[i])
            fail_msg("%zu columns in:\n%s", widest_line(), box_read("screen"));
    }
    assert_int_equal(on_a_terminal(80, "rank a.json"), 0);
    if (widest_line() > 80)
        fail_msg("%zu columns in:\n%s", widest_line(), box_read("screen"));
}

/* It ticks while a server loads, counts launches, and names an end once launches have shown it. */
static void the_live_line_moves(void **state) {
    (void)state;
    if (box_run(ARGS("script", "--version")) != 0)
        skip();
    BOX_CONFIG("launches = 2", {"a", "env = FAKE_MODE=slow-load:2\n"}, {"b", ""});
    assert_int_equal(run_on_a_terminal(), 0);
    char *screen = box_read("screen");
    box_has(screen, "[1/4] m / a: load 1s");
    box_has(screen, "[2/4] m / b: ");
    box_has(screen, "[3/4] m / b: ");
    box_has(screen, "[4/4] m / a: ");
    box_has(screen, "[1/2] m / b: ");
    box_has(screen, "[2/2] m / a: ");
    char *end = strstr(screen, ", done about ");
    assert_non_null(end);
    assert_true(end > strstr(screen, "[3/4] ")); /* both backends have been timed once by then */
}

static void a_terminal_gets_one_live_line(void **state) {
    (void)state;
    if (box_run(ARGS("script", "--version")) != 0)
        skip();
    two_backends("");
    assert_int_equal(run_on_a_terminal(), 0);
    char *screen = box_read("screen");
    box_has(screen, "\r\x1b[K[1/2] m / Alpha: load 0s");
    box_has(screen, "\r\x1b[K[1/2] m / Alpha: warm-up 1/1 since ");
    box_has(screen, "\r\x1b[K[2/2] m / Beta: run 2/2 since ");
    box_has(screen, " (still while it is timed)");
    box_has(screen, "\x1b[32mok  \x1b[0m[1/2] m / Alpha: load ");
    setenv("NO_COLOR", "1", 1);
    assert_int_equal(run_on_a_terminal(), 0);
    unsetenv("NO_COLOR");
    screen = box_read("screen");
    box_has_not(screen, "\x1b");
    box_has(screen, "ok  [2/2] m / Beta: load ");
}

/* What is resumed on another machine keeps the rows of the first, with that machine; no two
 * machines' rows are compared. */
static void resumed_on_another_machine(void **state) {
    (void)state;
    BOX_CONFIG("", {"x", ""}, {"y", ""});
    setenv("STRATOBENCH_NODE", "node-1", 1);
    setenv("STRATOBENCH_POD", "pod-1", 1);
    setenv("STRATOBENCH_IMAGE", "i@sha256:12", 1);
    assert_int_equal(SB(MEASURE, "--backend", "x"), 0);
    setenv("STRATOBENCH_NODE", "node-2", 1);
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    unsetenv("STRATOBENCH_NODE");
    unsetenv("STRATOBENCH_POD");
    unsetenv("STRATOBENCH_IMAGE");
    const struct sb_launch *x = &box_cell("m", "x")->launches[0], *y = box_cell("m", "y")->launches;
    assert_string_equal(x->node, "node-1");
    assert_string_equal(x->pod, "pod-1");
    assert_string_equal(x->image, "i@sha256:12");
    assert_string_equal(y->node, "node-2");
    assert_string_not_equal(x->host, y->host);
    const char *document = box_read("a.md");
    box_has(document, "(node-1)");
    box_has(document, "**Measured on:** node-1, image i@sha256:12");
    box_has(document, "(node-2)");
    box_has(document, "**Measured on:** node-2");
    box_has_not(document, "Which backend?");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BOX(broken_cells_say_why_and_the_others_have_figures),
        IN_BOX(a_model_is_named_by_its_file),
        IN_BOX(globs_choose_cells),
        IN_BOX(a_config_may_come_through_a_pipe),
        IN_BOX(resume_measures_again_what_changed),
        IN_BOX(failed_cells_are_tried_again),
        IN_BOX(launches_take_turns),
        IN_BOX(launches_stop_when_the_verdicts_are_known),
        IN_BOX(a_dry_run_writes_and_launches_nothing),
        IN_BOX(one_config_serves_old_and_new_builds),
        IN_BOX(a_pipe_gets_plain_lines),
        IN_BOX(quiet_prints_errors_only),
        IN_BOX(a_terminal_gets_one_live_line),
        IN_BOX(a_narrow_terminal_is_respected),
        IN_BOX(the_live_line_moves),
        IN_BOX(resumed_on_another_machine),
    };
    return BOX_RUN(tests);
}
