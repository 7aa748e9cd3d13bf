#include "stratobench/sys.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* What nohup, or a shell that starts a job in the background, had us ignore stays ignored: once
 * blocked it would be queued all the same, and read. */
static void add_unless_ignored(sigset_t *set, int sig) {
    struct sigaction is;
    if (sigaction(sig, NULL, &is) == 0 && is.sa_handler != SIG_IGN)
        sigaddset(set, sig);
}

int sb_signals_open(void) {
    sigset_t set;
    sigemptyset(&set);
    add_unless_ignored(&set, SIGINT);
    add_unless_ignored(&set, SIGTERM);
    add_unless_ignored(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN); /* a write that fails is an error, not the end */
    signal(SIGXFSZ, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

int sb_signals_take(int signal_fd) {
    struct signalfd_siginfo info;
    if (signal_fd < 0 || read(signal_fd, &info, sizeof info) != sizeof info)
        return 0;
    return (int)info.ssi_signo;
}

void sb_signals_close(int signal_fd) {
    if (signal_fd < 0)
        return;
    close(signal_fd);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}
