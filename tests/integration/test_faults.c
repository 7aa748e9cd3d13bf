/* Every way in which a server can misbehave: what its row says, that the rows beside it are
 * measured all the same, that the harness ends by itself, and that nothing is left. */
#include "box.h"

struct fault {
    const char *mode; /* FAKE_MODE; more "NAME=value" behind a blank */
    const char *status;
    const char *reason; /* as the row prints it: whole, or up to a "*" */
    const char *detail; /* a part of it; NULL = any */
    const char *bench;  /* more keys of [bench] */
};

#define LOAD_3S "load_timeout = 3\n"
#define RUN_3S  "run_timeout = 3\n"

static const struct fault faults[] = {
    /* before it is ready */
    {"exit-before-ready:7", "failed", "server died", "exit code 7\n", ""},
    {"exit-before-ready:0", "failed", "server died", "exit code 0\n", ""},
    {"signal-before-ready:11", "failed", "server died", "signal 11 (SIGSEGV)\n", ""},
    {"signal-before-ready:6", "failed", "server died", "signal 6 (SIGABRT)\n", ""},
    {"port-taken", "failed", "server died: port taken", "couldn't bind HTTP server socket", ""},
    {"never-ready", "failed", "load timed out after 3 s", NULL, LOAD_3S},
    {"deaf", "failed", "load timed out after 3 s", NULL, LOAD_3S},
    {"slow-load:60", "failed", "load timed out after 3 s", NULL, LOAD_3S},
    {"slow-load:1", "ok", NULL, NULL, ""},
    /* ready, but not what was asked for */
    {"router", "failed", "server is a router without a model", NULL, ""},
    {"wrong-model", "failed", "server holds another model than asked for", NULL, ""},
    {"wrong-ctx", "invalid", "context is 256, not 512", NULL, ""},
    {"wrong-alias", "failed", "another server answers on port *", NULL, ""},
    {"wrong-alias FAKE_HELP=old", "failed", "another server answers on port *", NULL, ""},
    {"on-cpu", "invalid", "ran on CPU, not Vulkan0", NULL, ""},
    {"silent", "invalid", "device not proved", NULL, ""},
    {"late-log", "ok", NULL, NULL, ""},
    {"partial", "ok", NULL, NULL, ""},
    {"exit-after-ready:9", "failed", "server died", "exit code 9\n", ""},
    /* in a run: no whole reply */
    {"exit-in-run:3", "failed", "server died", "exit code 3\n", ""},
    {"exit-mid-reply:4", "failed", "server died", "exit code 4\n", ""},
    {"signal-mid-reply:9", "failed", "server died", "signal 9 (SIGKILL)\n", ""},
    {"signal-mid-reply:15 FAKE_FROM=3", "failed", "server died", "signal 15 (SIGTERM)\n", ""},
    {"hang", "failed", "run timed out after 3 s", NULL, RUN_3S},
    {"hang,ignore-term", "failed", "run timed out after 3 s", NULL, RUN_3S},
    {"trickle", "failed", "run timed out after 3 s", NULL, RUN_3S},
    {"close-early", "failed", "connection lost", "Empty reply from server)\n", ""},
    {"no-http", "failed", "bad reply: not HTTP", NULL, ""},
    {"big-body:100", "failed", "bad reply: over 16 MiB", NULL, ""},
    /* another reply */
    {"http-500", "failed", "HTTP 500", "decode failed", ""},
    {"http-500 FAKE_FROM=3 FAKE_TIMES=4", "ok", NULL, NULL, ""},
    {"http-500 FAKE_FROM=3 FAKE_TIMES=5", "failed", "HTTP 500", "decode failed", ""},
    {"key-twice", "failed", "bad reply: a key twice", NULL, ""},
    {"trailing", "failed", "bad reply: bytes behind the JSON", NULL, ""},
    {"fraction", "failed", "bad reply: a count that is no whole number", NULL, ""},
    {"miscount", "failed", "bad reply: 12 tokens evaluated are not 0 cached and 10 processed", NULL,
     ""},
    {"html", "failed", "bad reply: not JSON", NULL, ""},
    {"empty", "failed", "bad reply: not JSON", NULL, ""},
    {"broken-json", "failed", "bad reply: not JSON", NULL, ""},
    {"array", "failed", "bad reply: not an object", NULL, ""},
    {"missing-timings", "failed", "bad reply: no timings", NULL, ""},
    /* a whole reply with figures that cannot be */
    {"negative-timings", "invalid", "times missing, negative or not finite in timings", NULL, ""},
    {"nan-timings", "invalid", "times missing, negative or not finite in timings", NULL, ""},
    {"zero-timings", "invalid", "times missing, negative or not finite in timings", NULL, ""},
    {"huge-timings", "invalid", "times missing, negative or not finite in timings", NULL, ""},
    {"cached", "invalid", "7 prompt tokens came from the cache, not 0", NULL, ""},
    {"lying-clock", "invalid", "server claims 60001 ms of work in *", NULL, ""},
    {"slow-clock", "invalid", "server claims *", NULL, ""},
    {"slow-clock FAKE_TIMES=1 FAKE_FROM=4", "ok", NULL, NULL, ""},
    {"wrong-prompt", "invalid", "3 prompt tokens processed, not the 10 sent", NULL, ""},
    {"truncated", "invalid", "generation was cut by the context", NULL, ""},
    {"short", "invalid", "4 tokens generated, not 8 (stop: eos)", NULL, ""},
    /* leaves something behind, if it can */
    {"ignore-term", "ok", NULL, NULL, ""},
    {"grandchild", "ok", NULL, NULL, ""},
    {"escapee", "ok", NULL, NULL, ""},
    {"grandchild,exit-in-run:5", "failed", "server died", "exit code 5\n", ""},
    /* its log */
    {"flood-stderr:64", "ok", NULL, NULL, ""},
    {"binary-log", "ok", NULL, NULL, ""},
    {"binary-log,exit-before-ready:2", "failed", "server died", "exit code 2\n", ""},
    {"long-lines:4", "ok", NULL, NULL, ""},
    {"long-lines:4,exit-before-ready:2", "failed", "server died", "exit code 2\n", ""},
    {"no-version", "ok", NULL, NULL, ""},
};
enum { N_FAULTS = sizeof faults / sizeof *faults };

/* "MODE NAME=value..." -> the section's env lines. */
static char *env_lines(const char *mode) {
    int n = (int)strcspn(mode, " ");
    char *text = box_text("device = Vulkan0\nenv = FAKE_MODE=%.*s\n", n, mode);
    for (const char *at = mode + n; *at; at += n) {
        n = (int)strcspn(++at, " ");
        text = box_text("%senv = %.*s\n", text, n, at);
    }
    return text;
}

static void expect_reason(const char *is, const char *want) {
    size_t n = strcspn(want, "*");
    if (want[n] ? strncmp(is, want, n) != 0 : strcmp(is, want) != 0)
        fail_msg("the reason is \"%s\", not \"%s\"", is, want);
}

static void expect_row(const struct fault *f) {
    char *row = box_row("bad");
    box_has_not(row, "nan");
    box_has_not(row, "inf");
    if (strcmp(f->status, "ok") == 0)
        return;
    const char *word = strcmp(f->status, "failed") == 0 ? "ERROR" : "INVALID";
    box_has(row, box_text("%s: %.*s", word, (int)strcspn(f->reason, "*"), f->reason));
    box_has(row, "| — | — |");
}

static void test_fault(void **state) {
    const struct fault *f = *state;
    bool ok = strcmp(f->status, "ok") == 0;
    BOX_CONFIG(f->bench, {"first", "device = Vulkan0\n"}, {"bad", env_lines(f->mode)},
               {"last", "device = Vulkan0\n"});
    assert_int_equal(SB(MEASURE), ok ? 0 : 1);
    box_nothing_left();
    box_expect_ok("m", "first");
    box_expect_ok("m", "last");
    const struct sb_cell *c = box_cell("m", "bad");
    box_expect_status(c, f->status);
    if (ok)
        box_expect_ok("m", "bad");
    else
        expect_reason(c->reason, f->reason);
    if (f->detail)
        box_has(c->detail, f->detail);
    for (const char *p = c->detail; p && *p; p++) /* whatever the log held */
        assert_true((unsigned char)*p >= 0x20 || *p == '\n' || *p == '\t');
    expect_row(f);
}

int main(void) {
    struct CMUnitTest tests[N_FAULTS];
    for (size_t i = 0; i < N_FAULTS; i++)
        tests[i] = (struct CMUnitTest){.name = faults[i].mode,
                                       .test_func = test_fault,
                                       .setup_func = box_setup,
                                       .teardown_func = box_teardown,
                                       .initial_state = (void *)(uintptr_t)&faults[i]};
    return BOX_RUN(tests);
}
