/* A child: how it starts, and how it ends by itself. */
#include <errno.h>
#include <fcntl.h>

#include "proc_fixture.h"

static int start_error(const char *const *argv, const char *const *envp, struct sb_buf *error) {
    struct sb_proc *p = NULL;
    sb_buf_release(error);
    int rc = sb_proc_start(&(struct sb_proc_spec){.argv = argv, .envp = envp}, &p, error);
    assert_null(p);
    assert_int_not_equal(error->len, 0);
    return rc;
}

static struct sb_exit run(const char *const *argv) {
    struct sb_proc *p = start(argv);
    assert_int_equal(sb_proc_wait(p, FOREVER, -1), SB_WAIT_EXITED);
    struct sb_exit e = *sb_proc_exit(p);
    sb_proc_free(p);
    return e;
}

static void write_script(const char *name, const char *text, mode_t mode, char path[128]) {
    snprintf(path, 128, "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    fchmod(fd, mode);
    close(fd);
}

/* ---- start ----------------------------------------------------------------------------------- */

static void what_cannot_run_is_an_error_of_start(void **state) {
    (void)state;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    assert_int_equal(start_error((const char *[]){"/no/such/server", NULL}, NULL, &error), -ENOENT);
    assert_string_equal(sb_buf_str(&error),
                        "cannot run /no/such/server: No such file or directory");

    char path[128];
    write_script("plain", "hello", 0600, path);
    assert_int_equal(start_error((const char *[]){path, NULL}, NULL, &error), -EACCES);
    write_script("garbage", "GGUF....", 0700, path);
    assert_int_equal(start_error((const char *[]){path, NULL}, NULL, &error), -ENOEXEC);
    if (!getenv("UNDER_VALGRIND")) { /* which dies of it itself */
        write_script("orphan", "#!/no/such/interpreter\n", 0700, path);
        assert_int_equal(start_error((const char *[]){path, NULL}, NULL, &error), -ENOENT);
        assert_non_null(strstr(sb_buf_str(&error), "interpreter"));
    }
    assert_int_equal(start_error((const char *[]){"", NULL}, NULL, &error), -ENOENT);
    assert_int_equal(start_error((const char *[]){dir, NULL}, NULL, &error), -EACCES);
    sb_buf_release(&error);
}

static void log_that_cannot_be_written_is_an_error(void **state) {
    (void)state;
    struct sb_proc *p = NULL;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    struct sb_proc_spec spec = {.argv = SCRIPT("exit"), .log_path = "/no/such/dir/log"};
    assert_int_equal(sb_proc_start(&spec, &p, &error), -ENOENT);
    assert_string_equal(sb_buf_str(&error),
                        "cannot write /no/such/dir/log: No such file or directory");
    assert_null(p);
    sb_buf_release(&error);
}

static void name_is_looked_up_on_the_given_path(void **state) {
    (void)state;
    char path[128], search[256];
    write_script("only-here", "#!/bin/sh\necho found\n", 0700, path);
    snprintf(search, sizeof search, "PATH=/no/such/dir:%s:/bin", dir);
    const char *argv[] = {"only-here", NULL};
    char *text = output(argv, (const char *[]){"A=1", search, NULL});
    assert_string_equal(text, "found\n");
    free(text);

    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    assert_int_equal(start_error(argv, NULL, &error), -ENOENT);
    assert_int_equal(start_error(argv, (const char *[]){"PATH=:/bin:", NULL}, &error), -ENOENT);
    /* One that is there but may not be run is the better news. */
    write_script("only-here", "", 0600, path);
    assert_int_equal(start_error(argv, (const char *[]){search, NULL}, &error), -EACCES);
    /* … unless another may. */
    write_script("true", "", 0600, path);
    text = output((const char *[]){"true", NULL}, (const char *[]){search, NULL});
    assert_string_equal(text, "");
    free(text);
    sb_buf_release(&error);
}

static void environment_is_exactly_what_was_given(void **state) {
    (void)state;
    setenv("FROM_US", "1", 1);
    char *text = output((const char *[]){"/usr/bin/env", NULL}, (const char *[]){"B=x y", NULL});
    assert_string_equal(text, "B=x y\n");
    free(text);
    text = output((const char *[]){"/usr/bin/env", NULL}, NULL);
    assert_non_null(strstr(text, "FROM_US=1\n"));
    free(text);
}

static void child_starts_clean(void **state) {
    (void)state;
    sigset_t set, old;
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, &old);
    signal(SIGHUP, SIG_IGN);
    int leak = open("/dev/zero", O_RDONLY); /* without close-on-exec */
    char *text = output(SCRIPT("grep -E '^Sig(Blk|Ign)' /proc/self/status | cut -f2;"
                               "cat /proc/self/oom_score_adj; readlink /proc/self/fd/0;"
                               "ls -l /proc/self/fd | grep -c zero; cut -d' ' -f5,7 /proc/$$/stat;"
                               "echo $$ 0"),
                        NULL);
    close(leak);
    signal(SIGHUP, SIG_DFL);
    sigprocmask(SIG_SETMASK, &old, NULL);
    unsigned long long blocked = 1, ignored = 0;
    int n = 0;
    assert_int_equal(sscanf(text, "%llx %llx %n", &blocked, &ignored, &n), 2);
    assert_int_equal(blocked, 0);
    /* But for the two that the C library keeps for itself: its posix_spawn ignores them, and so
     * does what ninja started. */
    assert_int_equal(ignored & ~(3ULL << 31), 1ULL << (SIGXFSZ - 1));
    const char *rest = text + n, head[] = "1000\n/dev/null\n0\n";
    assert_memory_equal(rest, head, sizeof head - 1);
    rest += sizeof head - 1;
    /* It leads its group and has no terminal. */
    char *newline = strchr(rest, '\n');
    *newline = '\0';
    char *want = sb_asprintf("%s\n", rest);
    assert_string_equal(newline + 1, want);
    free(want);
    free(text);
}

static void log_is_truncated_and_holds_both_outputs(void **state) {
    (void)state;
    struct stat st;
    run(SCRIPT("echo something of before"));
    struct sb_proc *p = start(SCRIPT("echo out; echo err >&2; echo > $1/said; exec sleep 1000"));
    await_file("said");
    assert_int_equal(stat(log_file, &st), 0);
    assert_int_equal(st.st_size, 8);
    sb_proc_free(p);
}

static void works_without_stdio_of_our_own(void **state) {
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        for (int fd = 0; fd < 64; fd++)
            close(fd);
        struct sb_buf out = SB_BUF_INIT(100), err = SB_BUF_INIT(100), error = SB_BUF_INIT(100);
        struct sb_buf in = SB_BUF_INIT(100);
        struct sb_exit e;
        sb_buf_adds(&in, "in");
        int rc =
            sb_proc_capture(&(struct sb_proc_spec){.argv = SCRIPT("cat; echo out; echo err >&2")},
                            &in, FOREVER, -1, &out, &err, &e, &error);
        bool whole = rc == 0 && strcmp(sb_buf_str(&out), "inout\n") == 0 &&
                     strcmp(sb_buf_str(&err), "err\n") == 0;
        sb_buf_release(&in);
        sb_buf_release(&out);
        sb_buf_release(&err);
        _exit(whole ? 0 : 1);
    }
    int status;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
}

/* ---- how it ends ----------------------------------------------------------------------------- */

static void exit_code_and_signal_are_told_apart(void **state) {
    (void)state;
    static const struct {
        const char *script, *text;
        int code, signal;
    } cases[] = {
        {"exit 0", "exit code 0", 0, 0},
        {"exit 137", "exit code 137", 137, 0},
        {"kill -SEGV $$", "signal 11 (SIGSEGV)", -1, SIGSEGV},
        {"kill -KILL $$", "signal 9 (SIGKILL)", -1, SIGKILL},
        {"kill -40 $$", "signal 40 (unknown)", -1, 40},
    };
    signal(SIGCHLD, SIG_IGN); /* as some parents leave it to us: exit codes must not get lost */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sb_exit e = run(SCRIPT(cases[i].script));
        assert_true(e.exited);
        assert_int_equal(e.code, cases[i].code);
        assert_int_equal(e.signal, cases[i].signal);
        char *text = sb_exit_text(&e);
        assert_string_equal(text, cases[i].text);
        free(text);
    }
    signal(SIGCHLD, SIG_DFL);
}

static void usage_is_the_childs(void **state) {
    (void)state;
    const long long mib = 1 << 20;
    struct sb_exit e =
        run((const char *[]){"dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1", NULL});
    assert_int_equal(e.code, 0);
    assert_in_range(e.peak_rss_bytes, 64 * mib, 80 * mib);
    e = run(SCRIPT("exit"));
    assert_true(e.peak_rss_bytes > 0);
}

static void wait_sees_exit_timeout_and_signal(void **state) {
    (void)state;
    struct sb_proc *p = start(SCRIPT("read x < $1/fifo"));
    assert_int_equal(sb_proc_wait(p, 0, -1), SB_WAIT_TIMEOUT);
    assert_int_equal(sb_proc_wait(p, 0.01, -1), SB_WAIT_TIMEOUT);
    assert_false(sb_proc_exit(p)->exited);
    char *text = sb_exit_text(sb_proc_exit(p));
    assert_string_equal(text, "still running");
    free(text);

    int fd = signals(true);
    assert_int_equal(sb_proc_wait(p, FOREVER, fd), SB_WAIT_SIGNAL);
    assert_int_equal(sb_proc_wait(p, FOREVER, fd), SB_WAIT_SIGNAL);
    assert_int_equal(close_signals(fd), 1); /* it stayed pending */

    kill(sb_proc_pid(p), SIGTERM);
    assert_int_equal(sb_proc_wait(p, FOREVER, -1), SB_WAIT_EXITED);
    assert_int_equal(sb_proc_exit(p)->signal, SIGTERM);
    assert_int_equal(sb_proc_wait(p, 0, -1), SB_WAIT_EXITED); /* and so it stays */
    sb_proc_free(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_run_is_an_error_of_start),
        cmocka_unit_test(log_that_cannot_be_written_is_an_error),
        cmocka_unit_test(name_is_looked_up_on_the_given_path),
        cmocka_unit_test(environment_is_exactly_what_was_given),
        cmocka_unit_test(child_starts_clean),
        cmocka_unit_test(log_is_truncated_and_holds_both_outputs),
        cmocka_unit_test(works_without_stdio_of_our_own),
        cmocka_unit_test(exit_code_and_signal_are_told_apart),
        cmocka_unit_test(usage_is_the_childs),
        cmocka_unit_test(wait_sees_exit_timeout_and_signal),
        cmocka_unit_test(nothing_is_left_running),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
