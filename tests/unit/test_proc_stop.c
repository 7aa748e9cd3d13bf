/* A child that is ended, with all that it started, whoever is killed on the way. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>

#include "proc_fixture.h"

/* ---- stop ------------------------------------------------------------------------------------ */

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

/* ---- what it started itself ------------------------------------------------------------------ */

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

/* ---- the watchdog ---------------------------------------------------------------------------- */

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

/* ---- whose port it is ------------------------------------------------------------------------ */

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

int main(void) {
    const struct CMUnitTest tests[] = {
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
        cmocka_unit_test(a_port_of_another_is_not_the_childs),
        cmocka_unit_test(nothing_is_left_running),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
