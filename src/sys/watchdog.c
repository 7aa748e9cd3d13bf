/* Nothing here uses stdio, and next to nothing allocates: it runs between fork and exec, or as long as a server. */
#include "watchdog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_FILES = 1 << 16 }; /* nobody who runs us has more open */

/* ---- the child, up to exec ---------------------------------------------------------------- */

const char *sb_search_path(const char *const *envp) {
    for (envp = envp ? envp : (const char *const *)environ; *envp; envp++)
        if (strncmp(*envp, "PATH=", 5) == 0)
            return *envp + 5;
    return "/usr/bin:/bin";
}

/* execvpe, but on the PATH of envp and without its habit of handing a file that is no program
 * to the shell: "Exec format error" says more than the shell's complaints. Returns errno. */
static int execute(const char *const *argv, const char *const *envp) {
    char *const *args = (char *const *)argv, *const *env = (char *const *)envp;
    const char *name = argv[0];
    if (strchr(name, '/')) {
        execve(name, args, env);
        return errno;
    }
    int error = ENOENT;
    for (const char *dir = sb_search_path(envp); *name && dir; dir = strchr(dir, ':')) {
        dir += *dir == ':';
        int len = (int)strcspn(dir, ":");
        char file[PATH_MAX];
        int n = snprintf(file, sizeof file, "%.*s%s%s", len, dir, len ? "/" : "", name);
        if (n >= (int)sizeof file)
            continue;
        execve(file, args, env);
        if (errno == EACCES)
            error = EACCES;
        else if (errno != ENOENT && errno != ENOTDIR)
            return errno;
    }
    return error;
}

static void default_signals(int how, const sigset_t *mask) {
    for (int sig = 1; sig < NSIG; sig++)
        signal(sig, SIG_DFL);
    sigprocmask(how, mask, NULL);
}

/* The highest value: raising is always allowed, and no container's own setting is above it. */
static void volunteer_for_the_oom_killer(void) {
    static const char most[] = "1000";
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = write(fd, most, sizeof most - 1);
    (void)n; /* a child that is spared is no reason not to run it */
    close(fd);
}

/* A night of a server that floods its log must not fill the disk: what a file cannot take is an
 * error of the write, not the end of the server. */
static void limit_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur > SB_FILE_MAX_BYTES) {
        limit.rlim_cur = SB_FILE_MAX_BYTES;
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    signal(SIGXFSZ, SIG_IGN);
}

static int mark_for_exec(int fd) {
    return fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* close_range, where kernel, container and C library have it, and where they do not. */
static void from_here_on(unsigned first, int (*act)(int fd)) {
#ifdef SYS_close_range
    if (syscall(SYS_close_range, first, ~0U, act == close ? 0 : 1U << 2 /* CLOEXEC */) == 0)
        return;
#endif
    struct rlimit limit;
    rlim_t most = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : MOST_FILES;
    for (rlim_t fd = first; fd < most && fd < MOST_FILES; fd++)
        (void)act((int)fd);
}

/* Each is moved out of the way first: when we were started without stdio, they may be 0 to 2. */
static int take_stdio(const int stdio[3]) {
    int high[3];
    for (int i = 0; i < 3; i++)
        if ((high[i] = fcntl(stdio[i], F_DUPFD_CLOEXEC, 3)) < 0)
            return errno;
    for (int i = 0; i < 3; i++)
        if (dup2(high[i], i) < 0)
            return errno;
    return 0;
}

/* Reports errno on `report`, which exec closes. */
static _Noreturn void child(const char *const *argv, const char *const *envp, const int stdio[3],
                            int report, pid_t watchdog) {
    sigset_t none;
    sigemptyset(&none);
    default_signals(SIG_SETMASK, &none);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != watchdog) /* it died before we could ask to follow it */
        _exit(127);
    volunteer_for_the_oom_killer();
    limit_files();
    report = fcntl(report, F_DUPFD_CLOEXEC, 3);
    int error = setpgid(0, 0) ? errno : take_stdio(stdio);
    from_here_on(3, mark_for_exec); /* what others opened; ours have the flag anyway */
    if (!error)
        error = execute(argv, envp);
    ssize_t n = write(report, &error, sizeof error);
    (void)n;
    _exit(127);
}

/* ---- the watchdog ------------------------------------------------------------------------- */

/* 0 and the child's pid once it runs the program, or errno. */
static int start(const char *const *argv, const char *const *envp, const int stdio[3],
                 pid_t *ret_pid) {
    int report[2], error = 0;
    if (pipe2(report, O_CLOEXEC))
        return errno;
    pid_t self = getpid(), pid = fork();
    if (pid < 0)
        return errno;
    if (pid == 0)
        child(argv, envp, stdio, report[1], self);
    close(report[1]);
    ssize_t n = read(report[0], &error, sizeof error);
    close(report[0]);
    *ret_pid = pid;
    return n > 0 ? error : 0;
}

/* SIGCHLD as something to wait for (it is blocked, as every signal is), or -1. Not a pidfd:
 * valgrind before 3.21 has none. */
static int child_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* It stays to be reaped. */
static bool has_ended(pid_t pid) {
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == pid;
}

/* Passes signals on until the child has ended or we, its owner, are gone. */
static void watch(int control, int children, pid_t pid) {
    struct pollfd fds[] = {{.fd = control, .events = POLLIN}, {.fd = children, .events = POLLIN}};
    struct signalfd_siginfo info;
    while (!has_ended(pid)) {
        unsigned char sig;
        if (poll(fds, 2, -1) < 0)
            continue;
        if (fds[1].revents) { /* not always ours: orphans come to us, too */
            ssize_t n = read(children, &info, sizeof info);
            (void)n;
        } else if (recv(control, &sig, 1, 0) == 1) {
            kill(-pid, sig);
        } else {
            return;
        }
    }
}

/* Where the kernel was built without the list: every process that names us as its parent. */
static void kill_children_by_search(void) {
    char stat[512], path[64];
    DIR *dir = opendir("/proc");
    for (struct dirent *d; dir && (d = readdir(dir));) {
        long pid = strtol(d->d_name, NULL, 10);
        int parent = 0;
        if (pid <= 0)
            continue;
        snprintf(path, sizeof path, "/proc/%ld/stat", pid);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? 0 : read(fd, stat, sizeof stat - 1);
        if (fd >= 0)
            close(fd);
        stat[n > 0 ? n : 0] = '\0';
        const char *behind_the_name = strrchr(stat, ')');
        if (behind_the_name && sscanf(behind_the_name, ") %*c %d", &parent) == 1 &&
            parent == getpid())
            kill((pid_t)pid, SIGKILL);
    }
    if (dir)
        closedir(dir);
}

/* Our children are what escaped the group: a subreaper inherits them when their parents die. */
static void kill_children(void) {
    char text[4096];
    int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (fd < 0)
        kill_children_by_search();
    if (n <= 0)
        return;
    text[n] = '\0';
    char *at = text, *end;
    /* A number at the very end of a full buffer may be cut, and is then another's. */
    for (long pid; (pid = strtol(at, &end, 10)) > 0 && *end == ' '; at = end)
        kill((pid_t)pid, SIGKILL);
}

/* The padding, too, is set: the bytes are sent. */
static void reap(pid_t pid, struct sb_exit *ret) {
    int status = 0;
    struct rusage usage = {0};
    memset(ret, 0, sizeof *ret);
    while (wait4(pid, &status, 0, &usage) < 0 && errno == EINTR)
        continue;
    ret->exited = true;
    ret->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    ret->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    ret->peak_rss_bytes = usage.ru_maxrss * 1024LL;
}

/* Moves `control` to descriptor 0 and closes everything else: a log, a terminal or a socket of
 * the caller must not stay open because of us. */
static int keep_only(int *control) {
    if (*control != 0 && dup2(*control, 0) < 0)
        return errno;
    *control = 0;
    from_here_on(1, close);
    return 0;
}

/* What has the last word, awaited for a while. What it is stuck with goes with the children. */
static void run_last(const struct sb_proc_spec *spec, int children) {
    struct pollfd fd = {.fd = children, .events = POLLIN};
    struct signalfd_siginfo info;
    pid_t pid = 0;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || start(spec->last_argv, spec->envp, (int[]){null, null, null}, &pid))
        return;
    double deadline_s = sb_now_s() + SB_LAST_S;
    for (int left_ms; !has_ended(pid) && (left_ms = sb_poll_ms(deadline_s)) > 0;)
        if (poll(&fd, 1, left_ms) > 0) {
            ssize_t n = read(children, &info, sizeof info);
            (void)n;
        }
    kill(-pid, SIGKILL);
}

_Noreturn void sb_watchdog(const struct sb_proc_spec *spec, const int stdio[3], int control) {
    /* Signals meant for our caller, or for everything that bears its name, are not for us. */
    sigset_t all;
    sigfillset(&all);
    default_signals(SIG_SETMASK, &all);
    prctl(PR_SET_NAME, "sb-watchdog");
    setsid();
    prctl(PR_SET_CHILD_SUBREAPER, 1);

    struct sb_watchdog_started started = {0};
    started.error = start(spec->argv, spec->envp, stdio, &started.pid);
    int kept = keep_only(&control), children = -1;
    if (!started.error)
        started.error = kept;
    if (!started.error && (children = child_signals()) < 0)
        started.error = errno;
    send(control, &started, sizeof started, MSG_NOSIGNAL);
    if (!started.error)
        watch(control, children, started.pid);

    /* The group goes before its leader is reaped: until then its number is not given anew. */
    if (started.pid > 0) {
        kill(-started.pid, SIGKILL);
        struct sb_exit ended;
        reap(started.pid, &ended);
        if (!started.error)
            send(control, &ended, sizeof ended, MSG_NOSIGNAL);
    }
    if (spec->last_argv && !started.error)
        run_last(spec, children);
    do
        kill_children();
    while (waitpid(-1, NULL, 0) > 0);
    _exit(0);
}
