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

/* sigabbrev_np, which not every C library has. */
const char *sb_signal_name(int signal) {
#define NAME(sig) [sig] = #sig
    static const char *const names[] = {
        NAME(SIGHUP),  NAME(SIGINT),  NAME(SIGQUIT), NAME(SIGILL),  NAME(SIGTRAP), NAME(SIGABRT),
        NAME(SIGBUS),  NAME(SIGFPE),  NAME(SIGKILL), NAME(SIGUSR1), NAME(SIGSEGV), NAME(SIGUSR2),
        NAME(SIGPIPE), NAME(SIGALRM), NAME(SIGTERM), NAME(SIGXCPU), NAME(SIGXFSZ), NAME(SIGSYS),
    };
#undef NAME
    bool known = signal > 0 && (size_t)signal < sizeof names / sizeof *names && names[signal];
    return known ? names[signal] : "unknown";
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

/* A sleep is longer; the two clocks are not read at the same moment. */
static const double LEAST_SLEEP_S = 0.05;

int sb_stops_open(struct sb_stops *ret) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCONT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    *ret = (struct sb_stops){.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
                             .suspended_s = sb_suspended_s()};
    return ret->fd < 0 ? -errno : 0;
}

bool sb_stops_seen(struct sb_stops *s) {
    double suspended_s = sb_suspended_s();
    bool seen = sb_signals_take(s->fd) != 0 || suspended_s - s->suspended_s > LEAST_SLEEP_S;
    s->suspended_s = suspended_s;
    return seen;
}

void sb_stops_close(struct sb_stops *s) {
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
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
