/* Memory: the kernel takes the server first, says so, and what cannot fit is not tried unasked. */
#include "box.h"

#include <signal.h>
#include <sys/stat.h>

static long oom_score_adj(pid_t pid) {
    return strtol(box_read(box_text("/proc/%d/oom_score_adj", pid)), NULL, 10);
}

static void the_kernel_would_take_the_server_first(void **state) {
    (void)state;
    BOX_CONFIG("", {"b", "env = FAKE_MODE=hang\n"});
    pid_t pid = box_start(ARGS(STRATOBENCH, MEASURE));
    pid_t server = box_await_server("a.logs/m--b--1.log", "task 1 ");
    assert_int_equal(oom_score_adj(server), 1000);
    assert_int_equal(oom_score_adj(pid), oom_score_adj(getpid()));
    kill(pid, SIGINT);
    box_wait(pid);
}

static void what_does_not_fit_is_skipped(void **state) {
    (void)state;
    assert_int_equal(box_run(ARGS(MAKE_GGUF, "--output", "huge.gguf", "--no-data", "--size",
                                  "1048576" /* 1 TiB, a hole */)),
                     0);
    box_write("a.ini", "%s%s[model huge]\npath = huge.gguf\n[model m]\npath = m.gguf\n",
              box_bench(""), box_backend("cpu", "device = none\n"));
    assert_int_equal(SB(MEASURE), 1);
    const struct sb_cell *c = box_cell("huge", "cpu");
    box_expect_status(c, "skipped");
    box_has(c->reason, "needs ~102"); /* GiB */
    box_has(c->reason, "memory available: ");
    box_has(c->detail, "--force-memory");
    assert_true(access("a.logs/huge--cpu--1.log", F_OK) < 0);
    box_expect_ok("m", "cpu");

    assert_int_equal(SB(MEASURE, "--resume", "--force-memory"), 0);
    box_has(box_read("err"), "needs ~102");
    box_expect_ok("huge", "cpu");
}

/* A cgroup for 64 MiB, made by root; NULL where that is not allowed. */
static char *small_cgroup(void) {
    static const struct {
        const char *root, *limit;
    } kinds[] = {{"/sys/fs/cgroup", "memory.max"},
                 {"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char *group = box_text("%s/stratobench-test-%d", kinds[i].root, getpid());
        char *limit = box_text("%s/%s", group, kinds[i].limit);
        if (mkdir(group, 0755) < 0)
            continue;
        FILE *f = access(limit, W_OK) == 0 ? fopen(limit, "w") : NULL;
        if (f) {
            fputs("67108864", f);
            fclose(f);
            return group;
        }
        rmdir(group);
    }
    return NULL;
}

static void an_out_of_memory_kill_is_told_from_others(void **state) {
    (void)state;
    char *group = small_cgroup();
    if (!group)
        skip();
    box_write("server",
              "#!/bin/sh\ncase $* in *--port*) echo $$ >%s/cgroup.procs || exit 77;; esac\n"
              "exec " FAKE " \"$@\"\n",
              group);
    assert_int_equal(chmod("server", 0755), 0);
    box_write("a.ini",
              "%s%s[backend hungry]\nserver = ./server\nenv = FAKE_MODE=eat-memory:512\n"
              "[model m]\npath = m.gguf\n",
              box_bench(""), box_backend("frugal", ""));
    assert_int_equal(SB(MEASURE), 1);
    rmdir(group);
    const struct sb_cell *c = box_cell("m", "hungry");
    box_expect_status(c, "failed");
    assert_string_equal(c->reason, "out of memory");
    box_has(c->detail, "signal 9 (SIGKILL)");
    box_expect_ok("m", "frugal");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BOX(the_kernel_would_take_the_server_first),
        IN_BOX(what_does_not_fit_is_skipped),
        IN_BOX(an_out_of_memory_kill_is_told_from_others),
    };
    return BOX_RUN(tests);
}
