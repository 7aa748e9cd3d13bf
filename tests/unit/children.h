/* What the tests of programs that start others share. */
#ifndef CHILDREN_H
#define CHILDREN_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define FOREVER 1000.0 /* s: a wait that takes this long has failed (ctest ends it) */

/* The set-up of a group whose children, and theirs, come to us when they are left. */
static inline int adopt_what_is_left(void **state) {
    (void)state;
    return prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* The last test of such a group. It is no tear-down: cmocka names one that fails, and exits 0. */
static inline void nothing_is_left_running(void **state) {
    (void)state;
    pid_t pid = waitpid(-1, NULL, WNOHANG);
    if (pid >= 0)
        fail_msg("%s", pid ? "a zombie was left" : "something is still running");
}

/* A signalfd with SIGUSR1 pending on it, if so wanted. */
static inline int signals(bool pending) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    if (pending)
        raise(SIGUSR1);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* How many signals were pending on it, one at the most. */
static inline int close_signals(int fd) {
    struct signalfd_siginfo info;
    int n = 0;
    while (read(fd, &info, sizeof info) > 0)
        n++;
    close(fd);
    return n;
}

#endif
