#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "stratobench/sys.h"

#define FOREVER 1000.0 /* s: a wait that takes this long has failed (ctest ends it) */

static char dir[] = "/tmp/test_proc.XXXXXX", log_file[64];

/* ---- helpers ------------------------------------------------------------------------------ */

#define SCRIPT(text) ((const char *const[]){"/bin/sh", "-c", text, "sh", dir, NULL})

static struct sb_proc *start(const char *const *argv) {
    struct sb_proc *p = NULL;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    struct sb_proc_spec spec = {.argv = argv, .log_path = log_file};
    if (sb_proc_start(&spec, &p, &error))
        fail_msg("%s", sb_buf_str(&error));
    assert_int_equal(error.len, 0);
    return p;
}

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

/* What the script prints; the caller frees. */
static char *output(const char *const *argv, const char *const *envp) {
    struct sb_buf out = SB_BUF_INIT(1 << 20), err = SB_BUF_INIT(1 << 20),
                  error = SB_BUF_INIT(SB_ERR_MAX);
    struct sb_exit e;
    if (sb_proc_capture(&(struct sb_proc_spec){.argv = argv, .envp = envp}, NULL, FOREVER, -1, &out, &err, &e, &error))
        fail_msg("%s", sb_buf_str(&error));
    assert_string_equal(sb_buf_str(&err), "");
    return sb_buf_detach(&out);
}

/* Waits until a script has made the file, which may hold a number. */
static long await_file(const char *name) {
    char path[128], text[32] = "";
    snprintf(path, sizeof path, "%s/%s", dir, name);
    for (;; usleep(2000)) {
        FILE *f = fopen(path, "r");
        if (!f)
            continue;
        bool whole = fgets(text, sizeof text, f) && strchr(text, '\n');
        fclose(f);
        if (!whole)
            continue;
        unlink(path);
        return strtol(text, NULL, 10);
    }
}

/* A zombie counts as gone: it runs no more, and its parent may be busy. */
static bool is_gone(long pid) {
    char path[64], text[512] = "";
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *f = fopen(path, "r");
    if (!f)
        return true;
    bool read_it = fgets(text, sizeof text, f) != NULL;
    fclose(f);
    const char *name_end = strrchr(text, ')');
    return !read_it || !name_end || name_end[2] == 'Z' || name_end[2] == 'X';
}

/* A signalfd with SIGUSR1 pending on it, if so wanted. */
static int signals(bool pending) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    if (pending)
        raise(SIGUSR1);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void close_signals(int fd) {
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof info) > 0)
        continue;
    close(fd);
}

static void write_script(const char *name, const char *text, mode_t mode, char path[128]) {
    snprintf(path, 128, "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    fchmod(fd, mode);
    close(fd);
}

/* Whatever was started, escaped or not, came to us if it was left: we are its subreaper. */
static int nothing_is_left_running(void **state) {
    (void)state;
    int left = 0;
    for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) >= 0; left++)
        if (pid == 0) {
            print_error("something is still running\n");
            return -1;
        }
    if (left)
        print_error("%d zombies were left\n", left);
    return left ? -1 : 0;
}

/* ---- start -------------------------------------------------------------------------------- */

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
        int rc = sb_proc_capture(
            &(struct sb_proc_spec){.argv = SCRIPT("cat; echo out; echo err >&2")}, &in, FOREVER, -1,
            &out, &err, &e, &error);
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

/* ---- how it ends -------------------------------------------------------------------------- */

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
    assert_int_equal(sb_proc_wait(p, FOREVER, fd), SB_WAIT_SIGNAL); /* it stays pending */
    close_signals(fd);

    kill(sb_proc_pid(p), SIGTERM);
    assert_int_equal(sb_proc_wait(p, FOREVER, -1), SB_WAIT_EXITED);
    assert_int_equal(sb_proc_exit(p)->signal, SIGTERM);
    assert_int_equal(sb_proc_wait(p, 0, -1), SB_WAIT_EXITED); /* and so it stays */
    sb_proc_free(p);
}

/* ---- stop --------------------------------------------------------------------------------- */

#define AT_TERM_EXIT_3 "trap 'exit 3' TERM; echo > $1/ready; while :; do sleep 1000 & wait; done"
#define IGNORE_TERM    "trap '' TERM; echo > $1/ready; while :; do sleep 1000; done"

static void stop_asks_before_it_kills(void **state) {
    (void)state;
    struct sb_proc *p = start(SCRIPT(AT_TERM_EXIT_3));
    await_file("ready");
    sb_proc_stop(p, FOREVER, -1);
    assert_int_equal(sb_proc_exit(p)->code, 3);
    sb_proc_stop(p, FOREVER, -1); /* again: nothing to do */
    assert_int_equal(sb_proc_exit(p)->code, 3);
    sb_proc_free(p);
}

static void stop_kills_what_ignores_term(void **state) {
    (void)state;
    struct sb_proc *p = start(SCRIPT(IGNORE_TERM));
    await_file("ready");
    sb_proc_stop(p, 0.05, -1);
    assert_int_equal(sb_proc_exit(p)->signal, SIGKILL);
    sb_proc_free(p);
}

static void signal_cuts_the_grace_short(void **state) {
    (void)state;
    struct sb_proc *p = start(SCRIPT(IGNORE_TERM));
    await_file("ready");
    int fd = signals(true);
    sb_proc_stop(p, FOREVER, fd);
    close_signals(fd);
    assert_int_equal(sb_proc_exit(p)->signal, SIGKILL);
    sb_proc_free(p);
}

static void stopped_child_is_killed_too(void **state) {
    (void)state;
    struct sb_proc *p = start(SCRIPT("echo > $1/ready; kill -STOP $$"));
    await_file("ready");
    sb_proc_stop(p, 0.05, -1);
    assert_true(sb_proc_exit(p)->exited);
    sb_proc_free(p);
}

/* A grandchild in the group, one in a session of its own, and a child of that one. */
#define FAMILY                                                                                     \
    "trap '' TERM HUP; sh -c 'echo $$ > $1/a; exec sleep 1000' sh $1 &"                            \
    "setsid sh -c 'setsid sh -c \"echo \\$\\$ > \\$1/c; exec sleep 1000\" sh $1 &"                 \
    "              echo $$ > $1/b; exec sleep 1000' sh $1 &"

struct family {
    long a, b, c;
};

static struct family await_family(void) {
    struct family f;
    f.a = await_file("a");
    f.b = await_file("b");
    f.c = await_file("c");
    assert_false(is_gone(f.a) || is_gone(f.b) || is_gone(f.c));
    return f;
}

static void assert_family_is_gone(struct family f) {
    assert_true(is_gone(f.a));
    assert_true(is_gone(f.b));
    assert_true(is_gone(f.c));
}

static void stop_takes_all_descendants(void **state) {
    (void)state;
    struct sb_proc *p = start(SCRIPT(FAMILY "wait"));
    struct family f = await_family();
    sb_proc_stop(p, 0.05, -1);
    assert_family_is_gone(f);
    sb_proc_free(p);
}

static void descendants_do_not_outlive_a_child_that_ended(void **state) {
    (void)state;
    struct sb_proc *p = start(SCRIPT(FAMILY "read x < $1/fifo; exit 5"));
    struct family f = await_family();
    char path[128];
    snprintf(path, sizeof path, "%s/fifo", dir);
    int fifo = open(path, O_WRONLY | O_CLOEXEC);
    close(fifo);
    assert_int_equal(sb_proc_wait(p, FOREVER, -1), SB_WAIT_EXITED);
    assert_int_equal(sb_proc_exit(p)->code, 5);
    sb_proc_stop(p, FOREVER, -1);
    assert_family_is_gone(f);
    sb_proc_free(p);
}

static void stopping_one_leaves_the_other(void **state) {
    (void)state;
    struct sb_proc *first = start(SCRIPT("exec sleep 1000"));
    struct sb_proc *second = start(SCRIPT(AT_TERM_EXIT_3));
    await_file("ready");
    sb_proc_free(first);
    assert_int_equal(sb_proc_wait(second, 0.05, -1), SB_WAIT_TIMEOUT);
    sb_proc_stop(second, FOREVER, -1);
    assert_int_equal(sb_proc_exit(second)->code, 3);
    sb_proc_free(second);
}

static void free_of_a_running_one_ends_it(void **state) {
    (void)state;
    struct sb_proc *p = start(SCRIPT(IGNORE_TERM));
    await_file("ready");
    pid_t pid = sb_proc_pid(p);
    sb_proc_free(p);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
    sb_proc_free(NULL);
}

static void kill_9_of_us_leaves_nothing(void **state) {
    (void)state;
    pid_t harness = fork();
    if (harness == 0) {
        setsid(); /* with a group of its own, killed as a whole like a terminal's */
        start(SCRIPT(FAMILY "wait"));
        for (;;)
            pause();
    }
    struct family f = await_family();
    assert_int_equal(kill(-harness, SIGKILL), 0);
    /* All of it comes to us, its subreaper: without a watchdog this would never return. */
    while (waitpid(-1, NULL, 0) > 0)
        continue;
    assert_int_equal(errno, ECHILD);
    assert_family_is_gone(f);
}

static void without_its_watchdog_the_child_dies(void **state) {
    (void)state;
    struct sb_proc *p = start(SCRIPT("echo $PPID > $1/watchdog; exec sleep 1000"));
    long watchdog = await_file("watchdog");
    assert_int_not_equal(watchdog, getpid());
    kill((pid_t)watchdog, SIGKILL);
    assert_int_equal(sb_proc_wait(p, FOREVER, -1), SB_WAIT_EXITED);
    assert_int_equal(sb_proc_exit(p)->signal, SIGKILL);
    assert_int_equal(sb_proc_exit(p)->peak_rss_bytes, -1);
    pid_t pid = sb_proc_pid(p);
    sb_proc_free(p);
    assert_int_equal(waitpid(pid, NULL, 0), pid); /* it came to us */
}

/* Nobody is left to do it but the kernel. */
static void without_us_and_its_watchdog_the_child_dies(void **state) {
    (void)state;
    pid_t harness = fork();
    if (harness == 0) {
        start(SCRIPT("echo $PPID > $1/watchdog; exec sleep 1000"));
        for (;;)
            pause();
    }
    long watchdog = await_file("watchdog");
    kill(harness, SIGSTOP);
    kill((pid_t)watchdog, SIGKILL);
    int status;
    pid_t child = waitpid(-1, &status, 0); /* it came to us; the watchdog is the harness's */
    assert_int_not_equal(child, harness);
    assert_int_equal(status, SIGKILL);
    kill(harness, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        continue;
}

static void watchdog_keeps_nothing_of_ours_open(void **state) {
    (void)state;
    int pipes[2];
    char byte;
    assert_int_equal(pipe(pipes), 0); /* neither end is close-on-exec */
    struct sb_proc *p = start(SCRIPT("exec sleep 1000"));
    close(pipes[1]);
    assert_int_equal(read(pipes[0], &byte, 1), 0); /* end of file while both live */
    close(pipes[0]);
    sb_proc_free(p);
}

/* A port that another has taken is his, and no less so when the child has died of it. */
static void a_port_of_another_is_not_the_childs(void **state) {
    (void)state;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(bind(fd, (struct sockaddr *)&a, size) == 0 && listen(fd, 1) == 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &size), 0);
    int port = ntohs(a.sin_port);
    struct sb_proc *lives = start(SCRIPT("exec sleep 1000")), *died = start(SCRIPT("exit 1"));
    assert_int_equal(sb_proc_wait(died, FOREVER, -1), SB_WAIT_EXITED);
    pid_t of_living = sb_proc_listener(lives, port), of_dead = sb_proc_listener(died, port);
    close(fd);
    pid_t of_nobody = sb_proc_listener(lives, port);
    sb_proc_free(lives);
    sb_proc_free(died);
    assert_int_equal(of_living, 0);
    assert_int_equal(of_dead, 0);
    assert_int_equal(of_nobody, -1);
}

/* ---- the rest ----------------------------------------------------------------------------- */

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_run_is_an_error_of_start),
        cmocka_unit_test(a_port_of_another_is_not_the_childs),
        cmocka_unit_test(log_that_cannot_be_written_is_an_error),
        cmocka_unit_test(name_is_looked_up_on_the_given_path),
        cmocka_unit_test(environment_is_exactly_what_was_given),
        cmocka_unit_test(child_starts_clean),
        cmocka_unit_test(log_is_truncated_and_holds_both_outputs),
        cmocka_unit_test(works_without_stdio_of_our_own),
        cmocka_unit_test(exit_code_and_signal_are_told_apart),
        cmocka_unit_test(usage_is_the_childs),
        cmocka_unit_test(wait_sees_exit_timeout_and_signal),
        cmocka_unit_test(stop_asks_before_it_kills),
        cmocka_unit_test(stop_kills_what_ignores_term),
        cmocka_unit_test(signal_cuts_the_grace_short),
        cmocka_unit_test(stopped_child_is_killed_too),
        cmocka_unit_test(stop_takes_all_descendants),
        cmocka_unit_test(descendants_do_not_outlive_a_child_that_ended),
        cmocka_unit_test(stopping_one_leaves_the_other),
        cmocka_unit_test(free_of_a_running_one_ends_it),
        cmocka_unit_test(kill_9_of_us_leaves_nothing),
        cmocka_unit_test(without_its_watchdog_the_child_dies),
        cmocka_unit_test(without_us_and_its_watchdog_the_child_dies),
        cmocka_unit_test(watchdog_keeps_nothing_of_ours_open),
    };
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (!mkdtemp(dir))
        return 1;
    snprintf(log_file, sizeof log_file, "%s/log", dir);
    char fifo[64];
    snprintf(fifo, sizeof fifo, "%s/fifo", dir);
    mkfifo(fifo, 0600);
    int failed = cmocka_run_group_tests(tests, NULL, nothing_is_left_running);
    free(output((const char *[]){"rm", "-r", dir, NULL}, NULL));
    return failed;
}
