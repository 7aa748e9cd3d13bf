/* One measurement on a machine at a time, whoever started it. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/fs.h"
#include "stratobench/host.h"

/* Another program, of another user where we may choose, that has bound a place of the lock; it ends
 * when `life` is closed. */
struct holder {
    pid_t pid;
    int life;
};

static struct holder hold(const char *place, bool listens) {
    int life[2], started[2];
    assert_true(pipe2(life, O_CLOEXEC) == 0 && pipe2(started, O_CLOEXEC) == 0);
    struct holder h = {fork(), life[1]};
    if (h.pid == 0) {
        struct sockaddr_un a = {.sun_family = AF_UNIX};
        memcpy(a.sun_path + 1, place, strlen(place));
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if ((geteuid() == 0 && setuid(65534)) ||
            bind(fd, (struct sockaddr *)&a,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(place))) ||
            (listens && listen(fd, 1)) || dup2(life[0], STDIN_FILENO) != STDIN_FILENO)
            _exit(1);
        execlp("sh", "sh", "-c", "read x", "\033[2J", (char *)NULL);
        _exit(1);
    }
    char c;
    close(started[1]);
    assert_int_equal(read(started[0], &c, 1), 0);
    close(started[0]);
    close(life[0]);
    return h;
}

static void let_go(struct holder h) {
    close(h.life);
    waitpid(h.pid, NULL, 0);
}

static char *lock_name(const char *test) {
    return sb_asprintf("stratobench/test/%d/%s", (int)getpid(), test);
}

static int lock(const char *name, bool concurrent, struct sb_strv *ret_others) {
    sb_strv_release(ret_others);
    return sb_host_lock_named(name, concurrent, ret_others);
}

static void test_lock(void **state) {
    (void)state;
    char *name = lock_name("lock"),
         *us = sb_asprintf("pid %d of uid %u (", (int)getpid(), getuid());
    struct sb_strv others = {0};
    int first = lock(name, false, &others);
    assert_true(first >= 0 && others.n == 0);
    assert_true(fcntl(first, F_GETFD) & FD_CLOEXEC); /* no server may keep it */
    assert_int_equal(lock(name, false, &others), -EADDRINUSE);
    assert_int_equal(others.n, 1);
    assert_memory_equal(others.item[0], us, strlen(us));
    assert_non_null(strstr(others.item[0], "test_host_lock"));

    int second = lock(name, true, &others), third = lock(name, true, &others);
    assert_true(second >= 0 && third >= 0);
    assert_int_equal(others.n, 2);
    close(first);
    close(third);
    assert_int_equal(lock(name, false, &others), -EADDRINUSE); /* of the second */
    assert_int_equal(others.n, 1);
    close(second);
    first = lock(name, false, &others);
    assert_true(first >= 0 && others.n == 0);
    close(first);
    sb_strv_release(&others);
    free(us);
    free(name);
}

/* Whoever takes a place does so in their own name, and nothing of it moves a cursor. */
static void test_lock_of_a_stranger(void **state) {
    (void)state;
    char *name = lock_name("stranger"), *place = sb_asprintf("%s/0", name);
    struct sb_strv others = {0};
    struct holder h = hold(place, true);
    char *who = sb_asprintf("pid %d of uid %u (sh -c read x \xef\xbf\xbd[2J)", (int)h.pid,
                            geteuid() ? getuid() : 65534);
    alarm(60);                    /* a look never waits */
    for (int i = 0; i < 4; i++) { /* its queue holds two */
        assert_int_equal(lock(name, false, &others), -EADDRINUSE);
        assert_int_equal(others.n, 1);
        assert_string_equal(others.item[0], i < 2 ? who : "a process that does not say who it is");
    }
    alarm(0);
    int fd = lock(name, true, &others);
    assert_true(fd >= 0 && others.n == 1);
    close(fd);
    let_go(h);
    fd = lock(name, false, &others);
    assert_true(fd >= 0 && others.n == 0);
    close(fd);
    sb_strv_release(&others);
    free(who);
    free(place);
    free(name);
}

static void test_lock_that_is_no_lock(void **state) {
    (void)state;
    char *name = lock_name("none"), *place = sb_asprintf("%s/0", name);
    struct sb_strv others = {0};
    struct holder h = hold(place, false);
    assert_int_equal(lock(name, false, &others), -EADDRINUSE);
    assert_int_equal(others.n, 1);
    assert_string_equal(others.item[0], "a process that does not say who it is");
    let_go(h);
    sb_strv_release(&others);
    free(place);
    free(name);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lock),
        cmocka_unit_test(test_lock_of_a_stranger),
        cmocka_unit_test(test_lock_that_is_no_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
