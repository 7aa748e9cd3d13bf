/* The program's outermost layer, and `check`: all that can be known before anything is measured. */
#include "box.h"

#include <signal.h>
#include <sys/stat.h>

/* ---- commands and options ----------------------------------------------------------------- */

static void what_it_cannot_understand_is_a_usage_error(void **state) {
    (void)state;
    static const struct {
        const char *argv[5], *said;
    } cases[] = {
        {{STRATOBENCH}, "usage: stratobench COMMAND"},
        {{STRATOBENCH, "rnu"}, "unknown command 'rnu' (did you mean 'run'?); see stratobench --h"},
        {{STRATOBENCH, "--versoin"}, "unknown option '--versoin'; see stratobench --help"},
        {{STRATOBENCH, "check"}, "check: no config file given; see stratobench check --help"},
        {{STRATOBENCH, "check", "a.ini", "b.ini"}, "check: more than one config file"},
        {{STRATOBENCH, "check", "--bandwith", "a.ini"}, "(did you mean --bandwidth?)"},
        {{STRATOBENCH, "check", "--model"}, "check: --model needs a value"},
        {{STRATOBENCH, "check", "--bandwidth=9", "a.ini"}, "--bandwidth takes no value"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(box_run(cases[i].argv), 2);
        box_has(box_read("err"), cases[i].said);
        assert_string_equal(box_read("out"), "");
    }
}

static void help_and_version_are_no_errors(void **state) {
    (void)state;
    for (const char *const *word = ARGS("--help", "-h", "help"); *word; word++) {
        assert_int_equal(SB(*word), 0);
        box_has(box_read("out"), "  check ");
    }
    assert_int_equal(SB("--version"), 0);
    assert_int_equal(strncmp(box_read("out"), "stratobench 1.", 14), 0);
    assert_int_equal(SB("check", "--help"), 0);
    box_has(box_read("out"), "--bandwidth");
}

/* A plan that nobody received is not a success. */
static void a_full_standard_output_is_said(void **state) {
    (void)state;
    BOX_CONFIG("", {"a", ""});
    assert_int_equal(box_run(ARGS("sh", "-c", STRATOBENCH " run --dry-run a.ini >/dev/full")), 2);
    box_has(box_read("err"), "standard output: No space left on device");
    for (const char *const *help = ARGS("--help", "--version", "run --help"); *help; help++) {
        assert_int_equal(box_run(ARGS("sh", "-c", box_text(STRATOBENCH " %s >/dev/full", *help))),
                         2);
        box_has(box_read("err"), "standard output: No space left on device");
    }
}

/* Exit 2 would say that nothing was launched. */
static void a_measurement_nobody_hears_of_was_made(void **state) {
    (void)state;
    BOX_CONFIG("", {"a", ""});
    assert_int_equal(box_run(ARGS("sh", "-c", STRATOBENCH " run --allow-concurrent a.ini >&-")), 1);
    box_has(box_read("err"), "standard output: Bad file descriptor");
    box_has(box_read("err"), "written: a.md, a.json");
    box_expect_ok("m", "a");
}

/* ---- check -------------------------------------------------------------------------------- */

static void every_config_error_has_its_line(void **state) {
    (void)state;
    BOX_CONFIG("runs = none\nruntimes = 3\n", {"a", "device = Vulkan0\nthreds = 2\n"});
    assert_int_equal(SB("check", "a.ini"), 2);
    char *said = box_read("err");
    box_has(said, "a.ini:8: ");
    box_has(said, "a.ini:9: ");
    box_has(said, "(did you mean 'threads'?)");
    assert_string_equal(box_read("out"), "");
}

/* The command it prints is run by a shell, with its own server in place of the real one. */
static void the_printed_command_can_be_pasted(void **state) {
    (void)state;
    static const char server[] = "#!/bin/sh\ncase $* in\n--help|--version|--list-devices)\n"
                                 "exec " FAKE " \"$@\"\nesac\n"
                                 "printf '%s\\n' \"$WORDS\" \"$@\" >pasted\n";
    box_write("server", "%s", server);
    assert_int_equal(chmod("server", 0755), 0);
    box_write("a.ini",
              "%s[backend b]\nserver = ./server\nenv = WORDS=it's $two words\n"
              "args = -s \"a 'b' c\"\n[model m]\npath = m.gguf\n",
              box_bench(""));
    assert_int_equal(SB("check", "a.ini"), 0);
    box_has(box_read("out"), "[1/1] m / b: ok\n");
    box_write("plan", "%s", box_read("out"));
    assert_int_equal(box_run(ARGS("sh", "-c", "grep -F ' -m m.gguf' plan >cmd && sh cmd")), 0);
    char *pasted = box_read("pasted");
    box_has(pasted, "it's $two words\n-m\nm.gguf\n");
    box_has(pasted, "\n-s\na 'b' c\n");
    assert_true(access("a.logs", F_OK) < 0);
}

static void facts_stand_beside_the_command(void **state) {
    (void)state;
    BOX_CONFIG("", {"b", "device = Vulkan0\n"});
    assert_int_equal(SB("check", "a.ini"), 0);
    char *plan = box_read("out");
    box_has(plan, "needs ");
    box_has(plan, " in 1 file,");
    box_has(plan, "llama-server ");
    box_has(plan, "device ROCm0: ");
    box_has(plan, "\n1 launch, which loads ~");
    box_has(plan, "\na.ini: 1 cell, all can run\n");
}

static void what_would_not_run_says_why(void **state) {
    (void)state;
    box_write("dies", "#!/bin/sh\necho 'no such library: \x1b[2Jlibfoo' >&2\nexit 127\n");
    box_write("other", "#!/bin/sh\necho 'usage: other [--colour]'\n");
    box_write("plain", "not a program");
    for (const char *const *name = ARGS("dies", "other"); *name; name++)
        assert_int_equal(chmod(*name, 0755), 0);
    box_write("a.ini",
              "%s%s%s[backend dies]\nserver = ./dies\n[backend other]\nserver = ./other\n"
              "[backend plain]\nserver = ./plain\n[backend gone]\nserver = ./gone\n"
              "[model m]\npath = m.gguf\n",
              box_bench(""), box_backend("good", ""),
              box_backend("wrong", "device = Vulkan0,CUDA3\n"));
    assert_int_equal(SB("check", "a.ini"), 1);
    char *plan = box_read("out");
    box_has(plan, "[1/6] m / good: ok\n");
    box_has(plan, "[2/6] m / wrong: no device CUDA3\n");
    box_has(plan, "device = Vulkan0,CUDA3, but this binary lists: Vulkan0 (");
    box_has(plan, "./dies --version: exit code 127: no such library: ");
    box_has(plan, "./other --help names no --port: is it a llama-server?");
    box_has(plan, "./plain: Permission denied");
    box_has(plan, "[6/6] m / gone: binary not found\n");
    box_has(plan, "\na.ini: 6 cells, 5 would not run\n");
    box_has_not(plan, "\x1b");
    assert_true(access("a.logs", F_OK) < 0);

    assert_int_equal(SB("check", "--backend", "g?od", "a.ini"), 0);
    box_has(box_read("out"), "a.ini: 1 cell, all can run\n");
}

/* All that is wrong with a cell at once, each with the line of its own key; and at the end the same
 * by cause, with how many cells it stops. */
static void all_faults_are_told_at_once(void **state) {
    (void)state;
    box_write("a.ini",
              "%s[backend b]\nserver = " FAKE "\nenv = FAKE_HELP=old\ndevice = CUDA7,Vulkan0\n"
              "flash_attn = auto\ngpu_layers = auto\nargs = --port 80 --host x\n"
              "[backend gone]\nlabel = Gone\nserver = ./gone\n"
              "[model m]\npath = m.gguf\n[model x]\npath = x.gguf\n[model y]\npath = y.gguf\n",
              box_bench(""));
    assert_int_equal(SB("check", "a.ini"), 1);
    char *plan = box_read("out");
    char *cell = strstr(plan, "[1/6] m / b: no device CUDA7\n");
    assert_non_null(cell);
    cell = box_text("%.*s", (int)(strstr(cell, "\n\n") - cell), cell);
    box_has(cell, "    a.ini:12: [backend b] device = CUDA7,Vulkan0, but this binary lists");
    box_has(cell, "    a.ini:13: " FAKE);
    box_has(cell, " cannot express flash_attn = auto");
    box_has(cell, "    a.ini:14: " FAKE);
    box_has(cell, "    a.ini:15: args may not hold --port");
    char *causes = strstr(plan, "\nwhat keeps cells from running:\n");
    assert_non_null(causes);
    box_has(causes, "\n  3 cells: no device CUDA7\n      a.ini:12: ");
    box_has(causes, "\n  3 cells: this build cannot express flash_attn\n      a.ini:13: ");
    box_has(causes, "\n  3 cells: args set what is stratobench's to set\n");
    box_has(causes, "\n  3 cells: binary not found\n      a.ini:18: cannot run ./gone: ");
    box_has(causes, "\n  4 cells: model file missing\n      a.ini:22: ");
    box_has(causes, "\n      a.ini:24: ");
    box_has(causes, "\na.ini: 6 cells, 6 would not run\n");
    box_has_not(causes, "about ");
}

/* No guess: an estimate is made from the times of an earlier run of these very cells, or absent. */
static void the_time_is_learned_or_not_said(void **state) {
    (void)state;
    BOX_CONFIG("launches = 2", {"a", ""}, {"b", "env = FAKE_FROM=1\n"});
    assert_int_equal(SB("check", "a.ini"), 0);
    box_has_not(box_read("out"), "about ");
    box_has(box_read("out"), "\n4 launches, which load ~");
    assert_int_equal(SB("run", "--allow-concurrent", "--backend", "a", "a.ini"), 0);
    assert_int_equal(SB("check", "a.ini"), 0);
    box_has(box_read("out"), "s for 2 of 4 launches, by the times in a.json\n");
    assert_int_equal(box_run(ARGS("cp", "a.json", "other.json")), 0);
    assert_int_equal(box_run(ARGS("rm", "a.json")), 0);
    assert_int_equal(SB("check", "a.ini", "-o", "other"), 0);
    box_has(box_read("out"), "s for 2 of 4 launches, by the times in other.json\n");
    BOX_CONFIG("launches = 2\ndepths = 9", {"a", ""}, {"b", "env = FAKE_FROM=1\n"});
    assert_int_equal(SB("run", "--dry-run", "a.ini", "-o", "other"), 0);
    box_has_not(box_read("out"), "about "); /* another place is another time */
}

static void bandwidth_is_a_line_for_the_config(void **state) {
    (void)state;
    BOX_CONFIG("", {"b", ""});
    assert_int_equal(SB("check", "--bandwidth", "a.ini"), 0);
    char *line = strstr(box_read("out"), "bandwidth = ");
    assert_non_null(line);
    assert_true(strtod(line + strlen("bandwidth = "), NULL) >= 1);
    line = box_text("%.*s\n", (int)strcspn(line, "\n"), line);
    BOX_CONFIG("", {"b", line}); /* with its comment: what it printed is understood */
    assert_int_equal(SB("check", "a.ini"), 0);
}

static void a_signal_ends_it_while_a_binary_is_asked(void **state) {
    (void)state;
    box_write("server", "#!/bin/sh\necho yes >asked\nsleep 1000\n");
    assert_int_equal(chmod("server", 0755), 0);
    box_write("a.ini", "%s[backend b]\nserver = ./server\n[model m]\npath = m.gguf\n",
              box_bench(""));
    pid_t pid = box_start(ARGS(STRATOBENCH, "check", "a.ini"));
    box_await("asked", "yes");
    kill(pid, SIGINT);
    assert_int_equal(box_wait(pid), 128 + SIGINT);
    box_nothing_left();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BOX(what_it_cannot_understand_is_a_usage_error),
        IN_BOX(help_and_version_are_no_errors),
        IN_BOX(a_full_standard_output_is_said),
        IN_BOX(a_measurement_nobody_hears_of_was_made),
        IN_BOX(every_config_error_has_its_line),
        IN_BOX(the_printed_command_can_be_pasted),
        IN_BOX(facts_stand_beside_the_command),
        IN_BOX(what_would_not_run_says_why),
        IN_BOX(all_faults_are_told_at_once),
        IN_BOX(the_time_is_learned_or_not_said),
        IN_BOX(bandwidth_is_a_line_for_the_config),
        IN_BOX(a_signal_ends_it_while_a_binary_is_asked),
    };
    return BOX_RUN(tests);
}
