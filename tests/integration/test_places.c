/* What stands where a file should be: a folder, a pipe, a device, nothing that we may read or
 * write. It is refused before anything is launched, or costs its cell, and nothing ever hangs. */
#include "box.h"

#include <signal.h>
#include <sys/stat.h>

#define RUN STRATOBENCH, MEASURE, "--force"

static const char *const kinds[] = {"a folder", "a pipe", "a device", "a loop", NULL};

static void put(const char *kind, const char *path) {
    int rc = kind[2] == 'f'   ? mkdir(path, 0755)
             : kind[2] == 'p' ? mkfifo(path, 0644)
             : kind[2] == 'd' ? symlink("/dev/zero", path)
                              : symlink(path, path);
    assert_int_equal(rc, 0);
}

/* In the place of `path` each kind: the exit code is `rc`, and stderr says one of the texts. */
static void expect_everywhere(const char *path, const char *const *argv, int rc,
                              const char *const *says) {
    bool there = access(path, F_OK) == 0;
    for (const char *const *kind = kinds; *kind; kind++) {
        if (there)
            assert_int_equal(rename(path, "moved"), 0);
        put(*kind, path);
        int got = box_run(argv);
        bool said = false;
        for (const char *const *text = says; *text; text++)
            said |= strstr(box_read("err"), *text) != NULL;
        if (got != rc || !said)
            fail_msg("%s for %s: exit code %d, %s", *kind, path, got, box_read("err"));
        struct stat st;
        assert_int_equal(lstat(path, &st), 0);
        assert_false(S_ISREG(st.st_mode)); /* it was not replaced */
        assert_int_equal(S_ISDIR(st.st_mode) ? rmdir(path) : unlink(path), 0);
        if (there)
            assert_int_equal(rename("moved", path), 0);
    }
}

static void what_is_no_file_is_said(void **state) {
    (void)state;
    BOX_CONFIG("", {"a", ""});
    expect_everywhere("p.txt", ARGS(RUN), 2,
                      ARGS("p.txt': it is not a file", "p.txt': Too many levels"));
    expect_everywhere("a.json", ARGS(RUN), 2,
                      ARGS("a.json: is no regular file", "a.json: Is a dir", "a.json: Too many"));
    expect_everywhere("a.md", ARGS(RUN), 2,
                      ARGS("a.md: is no regular file", "a.md: Is a dir", "a.md: Too many"));
    assert_int_not_equal(access("a.logs/m--a--1.log", F_OK), 0); /* nothing was launched */
    expect_everywhere("m.gguf", ARGS(RUN), 1, ARGS("skipped: model file missing"));
    expect_everywhere("a.logs/m--a--1.log", ARGS(RUN), 1, ARGS("server cannot be started"));
    box_has(box_cell("m", "a")->detail, "a.logs/m--a--1.log");
    assert_int_equal(SB(MEASURE, "--force"), 0);
}

/* A pipe is read when somebody writes to it, as run <(...) does; who waits can be told to end. */
static void a_wait_for_a_pipe_is_ended_by_a_signal(void **state) {
    (void)state;
    put("a pipe", "pipe");
    for (const char *const *command = ARGS("run", "check", "k8s", "report", "rank"); *command;
         command++) {
        pid_t pid = box_start(ARGS(STRATOBENCH, *command, "pipe"));
        usleep(100000);
        kill(pid, SIGTERM);
        assert_int_equal(box_wait(pid), 128 + SIGTERM);
    }
}

/* ---- as one who may not -------------------------------------------------------------------------
 */

static int as_nobody(const char *const *argv) {
    return box_wait(box_start_after(box_become_nobody, argv));
}

static void what_may_not_be_read_is_said(void **state) {
    (void)state;
    BOX_CONFIG("", {"a", ""});
    assert_int_equal(chmod(".", 0777), 0);
    int rc = as_nobody(ARGS(RUN));
    if (rc == 127) /* nobody may not even run what stands here */
        skip();
    assert_int_equal(rc, 0);
    static const struct {
        const char *path;
        int rc;
        const char *says;
    } places[] = {{"a.ini", 2, "a.ini: Permission denied"},
                  {"p.txt", 2, "p.txt': Permission denied"},
                  {"m.gguf", 1, "skipped: model file may not be read"},
                  {"a.json", 2, "a.json: Permission denied"},
                  {"a.logs", 2, "a.logs: Permission denied"}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct stat st;
        assert_int_equal(stat(places[i].path, &st), 0);
        assert_int_equal(chmod(places[i].path, 0), 0);
        rc = as_nobody(ARGS(RUN));
        assert_int_equal(chmod(places[i].path, st.st_mode & 07777), 0);
        if (rc != places[i].rc || !strstr(box_read("err"), places[i].says))
            fail_msg("%s: exit code %d, %s", places[i].path, rc, box_read("err"));
    }
    assert_int_equal(chmod("a.json", 0), 0);
    assert_int_equal(as_nobody(ARGS(STRATOBENCH, "report", "a.json")), 2);
    box_has(box_read("err"), "a.json: Permission denied");
    assert_int_equal(unlink("a.json"), 0);
}

/* A log that root left, in a folder that is ours: it is not written over by other means. */
static void a_log_of_anothers_costs_its_cell(void **state) {
    (void)state;
    BOX_CONFIG("", {"a", ""});
    assert_int_equal(chmod(".", 0777), 0);
    int rc = as_nobody(ARGS(RUN));
    if (rc == 127 || geteuid() != 0)
        skip();
    assert_int_equal(rc, 0);
    assert_int_equal(unlink("a.logs/m--a--1.log"), 0);
    box_write("a.logs/m--a--1.log", "%s", "root's\n");
    assert_int_equal(chmod("a.logs/m--a--1.log", 0600), 0);
    assert_int_equal(as_nobody(ARGS(RUN)), 1);
    assert_string_equal(box_cell("m", "a")->reason, "server cannot be started");
    box_has(box_cell("m", "a")->detail, "cannot write a.logs/m--a--1.log: Permission denied");
    assert_string_equal(box_read("a.logs/m--a--1.log"), "root's\n");
}

/* Whoever may write to the folder can put a second name of another file there, or a file of his own
 * that he goes on to read or change. */
static void a_log_that_is_not_ours_alone_is_not_written(void **state) {
    (void)state;
    BOX_CONFIG("", {"a", ""});
    assert_int_equal(mkdir("a.logs", 0755), 0);
    box_write("theirs", "%s", "theirs\n");
    for (int by_owner = 0; by_owner <= 1; by_owner++) {
        assert_int_equal(by_owner ? rename("theirs", "a.logs/m--a--1.log")
                                  : link("theirs", "a.logs/m--a--1.log"),
                         0);
        if (by_owner && chown("a.logs/m--a--1.log", 65534, 65534))
            return; /* only root may give a file away */
        assert_int_equal(SB(MEASURE, "--force"), 1);
        assert_string_equal(box_cell("m", "a")->reason, "server cannot be started");
        assert_string_equal(box_read("a.logs/m--a--1.log"), "theirs\n");
        assert_int_equal(unlink("a.logs/m--a--1.log"), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BOX(what_is_no_file_is_said),
        IN_BOX(a_wait_for_a_pipe_is_ended_by_a_signal),
        IN_BOX(what_may_not_be_read_is_said),
        IN_BOX(a_log_of_anothers_costs_its_cell),
        IN_BOX(a_log_that_is_not_ours_alone_is_not_written),
    };
    return BOX_RUN(tests);
}
