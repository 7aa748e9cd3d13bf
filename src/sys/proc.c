#include "stratobench/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "watchdog.h"

#define UNKILLABLE_S 60.0 /* what KILL has not ended by then is stuck in the kernel */

struct sb_proc {
    pid_t pid;
    pid_t watchdog; /* 0 once reaped: then nothing of the child is left */
    int control;    /* our end of its socket, see watchdog.h */
    struct sb_exit exit;
};

/* ---- start -------------------------------------------------------------------------------- */

static void close_all(const int *fds, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* A name without a slash is searched, and found here only by who says so. */
static void not_on_path(const char *program, const char *const *envp, struct sb_buf *ret) {
    sb_buf_addf(ret, "cannot run %s: it is not on PATH (%s)", program, sb_search_path(envp));
    if (*program && access(program, F_OK) == 0)
        sb_buf_addf(ret, "; there is a ./%s: to mean that, write ./%s", program, program);
}

static int cannot_run(const char *program, const char *const *envp, int error, struct sb_buf *ret) {
    if (error == ENOENT && !strchr(program, '/')) {
        not_on_path(program, envp, ret);
        return -error;
    }
    /* The kernel says "no such file" of a script, too, whose interpreter is missing. */
    bool interpreter = error == ENOENT && access(program, F_OK) == 0;
    sb_buf_addf(ret, "cannot run %s: %s", program,
                interpreter ? "the interpreter or loader that it names is missing"
                            : strerror(error));
    return -error;
}

/* Forks a watchdog that starts the program on these descriptors, which stay the caller's. */
static int start_on(const struct sb_proc_spec *given, const int stdio[3], struct sb_proc **ret,
                    struct sb_buf *error) {
    int control[2];
    struct sb_proc_spec spec = *given;
    if (!spec.envp)
        spec.envp = (const char *const *)environ;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control))
        return cannot_run(spec.argv[0], spec.envp, errno, error);
    pid_t watchdog = fork();
    if (watchdog == 0)
        sb_watchdog(&spec, stdio, control[1]);
    int rc = watchdog < 0 ? errno : 0;
    close(control[1]);
    struct sb_watchdog_started started = {0};
    ssize_t n = -1;
    while (!rc && (n = recv(control[0], &started, sizeof started, 0)) < 0 && errno == EINTR)
        continue;
    if (!rc)
        rc = n == (ssize_t)sizeof started ? started.error : ECHILD;
    if (rc) {
        close(control[0]);
        if (watchdog > 0)
            waitpid(watchdog, NULL, 0);
        return cannot_run(spec.argv[0], spec.envp, rc, error);
    }
    *ret = sb_alloc(1, sizeof **ret);
    **ret = (struct sb_proc){
        .pid = started.pid,
        .watchdog = watchdog,
        .control = control[0],
        .exit = {.code = -1, .peak_rss_bytes = -1},
    };
    return 0;
}

/* Our own regular file, or a new one: a link that somebody planted there is not followed, a pipe not
 * waited for, nobody else's file touched. A descriptor, or -errno. */
static int open_log(const char *path, bool cut) {
    struct stat st;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    int rc = fstat(fd, &st) ? -errno : 0;
    if (rc == 0 && (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1))
        rc = -EEXIST; /* something that is not a log of ours */
    if (rc == 0 && ((cut && ftruncate(fd, 0)) || fcntl(fd, F_SETFL, O_APPEND)))
        rc = -errno;
    if (rc == 0)
        return fd;
    close(fd);
    return rc;
}

int sb_log_add(const char *path, const struct sb_buf *text) {
    int fd = open_log(path, false);
    if (fd < 0)
        return fd;
    size_t done = 0;
    ssize_t n = 0;
    while (done < text->len && n >= 0) {
        n = write(fd, text->data + done, text->len - done);
        done += n > 0 ? (size_t)n : 0;
    }
    int rc = n < 0 ? -errno : 0;
    close(fd);
    return rc;
}

int sb_proc_start(const struct sb_proc_spec *spec, struct sb_proc **ret, struct sb_buf *error) {
    const char *log = spec->log_path ? spec->log_path : "/dev/null";
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int rc = null < 0 ? -errno : 0;
    int out = spec->log_path ? open_log(log, true) : open(log, O_WRONLY | O_CLOEXEC);
    if (rc == 0 && out < 0)
        rc = spec->log_path ? out : -errno;
    if (rc)
        sb_buf_addf(error, "cannot write %s: %s", log, strerror(-rc));
    else
        rc = start_on(spec, (int[]){null, out, out}, ret, error);
    close_all((int[]){null, out}, 2);
    return rc;
}

pid_t sb_proc_pid(const struct sb_proc *p) {
    return p->pid;
}

pid_t sb_proc_watchdog(const struct sb_proc *p) {
    return p->watchdog;
}

int sb_proc_fd(const struct sb_proc *p) {
    return p->control;
}

/* ---- wait and stop ------------------------------------------------------------------------ */

const struct sb_exit *sb_proc_exit(struct sb_proc *p) {
    struct sb_exit ended;
    /* Left in the socket, so that sb_proc_fd stays readable. */
    ssize_t n =
        p->exit.exited ? -1 : recv(p->control, &ended, sizeof ended, MSG_PEEK | MSG_DONTWAIT);
    if (n == (ssize_t)sizeof ended)
        p->exit = ended;
    else if (n == 0) {
        /* Somebody killed the watchdog: the child died with it (PDEATHSIG), unwatched. */
        kill(-p->pid, SIGKILL);
        p->exit.exited = true;
        p->exit.signal = SIGKILL;
    }
    return &p->exit;
}

enum sb_wait sb_proc_wait(struct sb_proc *p, double timeout_s, int signal_fd) {
    double deadline_s = sb_now_s() + timeout_s;
    struct pollfd fds[] = {{.fd = p->control, .events = POLLIN},
                           {.fd = signal_fd, .events = POLLIN}};
    for (;;) {
        int timeout_ms = sb_poll_ms(deadline_s);
        int n = poll(fds, 2, timeout_ms);
        if (sb_proc_exit(p)->exited)
            return SB_WAIT_EXITED;
        if (n > 0 && fds[1].revents)
            return SB_WAIT_SIGNAL;
        if (n <= 0 && timeout_ms == 0)
            return SB_WAIT_TIMEOUT;
    }
}

/* Waits for the watchdog's end of file, its word that nothing is left, and reaps it. */
static void wait_until_nothing_is_left(struct sb_proc *p) {
    struct sb_exit ended;
    double deadline_s = sb_now_s() + UNKILLABLE_S;
    struct pollfd fd = {.fd = p->control, .events = POLLIN};
    for (int timeout_ms; (timeout_ms = sb_poll_ms(deadline_s)) > 0;) {
        if (poll(&fd, 1, timeout_ms) > 0 && recv(p->control, &ended, sizeof ended, 0) == 0) {
            waitpid(p->watchdog, NULL, 0);
            p->watchdog = 0;
            return;
        }
    }
}

void sb_proc_stop(struct sb_proc *p, double grace_s, int signal_fd) {
    const struct {
        unsigned char signal;
        double wait_s;
        int signal_fd;
    } steps[] = {{SIGTERM, grace_s, signal_fd}, {SIGKILL, UNKILLABLE_S, -1}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps && !sb_proc_exit(p)->exited; i++) {
        send(p->control, &steps[i].signal, 1, MSG_NOSIGNAL);
        sb_proc_wait(p, steps[i].wait_s, steps[i].signal_fd);
    }
    if (p->exit.exited && p->watchdog)
        wait_until_nothing_is_left(p);
}

void sb_proc_free(struct sb_proc *p) {
    if (!p)
        return;
    sb_proc_stop(p, 0, -1);
    close(p->control);
    free(p);
}

/* ---- capture ------------------------------------------------------------------------------ */

enum { OUT, ERR, CHILD, SIGNAL, N_FDS };

/* Takes what one read gives; bytes over the buffer's limit are dropped. */
static ssize_t take(int fd, struct sb_buf *b) {
    char chunk[16 * 1024];
    ssize_t n = read(fd, chunk, sizeof chunk);
    if (n > 0)
        sb_buf_add(b, chunk, (size_t)n);
    return n;
}

/* 0 once the child has ended, -ETIMEDOUT or -EINTR. */
static int read_until_exit(struct sb_proc *p, struct pollfd *fds, struct sb_buf *bufs[2],
                           double deadline_s) {
    for (;;) {
        int timeout_ms = sb_poll_ms(deadline_s);
        int n = poll(fds, N_FDS, timeout_ms);
        for (int i = OUT; n > 0 && i <= ERR; i++)
            if (fds[i].revents && take(fds[i].fd, bufs[i]) == 0)
                fds[i].fd = -1; /* closed by the child, which may live on */
        if (sb_proc_exit(p)->exited)
            return 0;
        if (n > 0 && fds[SIGNAL].revents)
            return -EINTR;
        if (timeout_ms == 0)
            return -ETIMEDOUT;
    }
}

static int supervise_capture(struct sb_proc *p, const int pipes[2], double timeout_s, int signal_fd,
                             struct sb_buf *bufs[2]) {
    struct pollfd fds[N_FDS] = {[OUT] = {pipes[OUT], POLLIN, 0},
                                [ERR] = {pipes[ERR], POLLIN, 0},
                                [CHILD] = {sb_proc_fd(p), POLLIN, 0},
                                [SIGNAL] = {signal_fd, POLLIN, 0}};
    int rc = read_until_exit(p, fds, bufs, sb_now_s() + timeout_s);
    sb_proc_stop(p, 0, -1); /* its descendants, too: nobody is left to write */
    for (int i = OUT; i <= ERR; i++)
        while (take(pipes[i], bufs[i]) > 0)
            continue;
    return rc;
}

/* A file in memory: unlike a pipe it neither blocks nor breaks when the child does not read. */
static int input_fd(const struct sb_buf *input) {
    if (!input || input->len == 0)
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
    int fd = memfd_create("stdin", MFD_CLOEXEC);
    for (size_t done = 0; fd >= 0 && done < input->len;) {
        ssize_t n = pwrite(fd, input->data + done, input->len - done, (off_t)done);
        if (n < 0) {
            int error = errno;
            close(fd);
            errno = error;
            return -1;
        }
        done += (size_t)n;
    }
    return fd;
}

int sb_proc_capture(const struct sb_proc_spec *spec, const struct sb_buf *input, double timeout_s,
                    int signal_fd, struct sb_buf *out, struct sb_buf *err, struct sb_exit *ret_exit,
                    struct sb_buf *error) {
    const char *program = spec->argv[0];
    struct sb_proc *p = NULL;
    int pipes[2][2] = {{-1, -1}, {-1, -1}}, in = input_fd(input);
    int rc = in < 0 || pipe2(pipes[OUT], O_CLOEXEC) || pipe2(pipes[ERR], O_CLOEXEC) ? -errno : 0;
    if (rc)
        cannot_run(program, spec->envp, -rc, error);
    else
        rc = start_on(spec, (int[]){in, pipes[OUT][1], pipes[ERR][1]}, &p, error);
    close_all((int[]){in, pipes[OUT][1], pipes[ERR][1]}, 3);
    if (p) {
        for (int i = OUT; i <= ERR; i++)
            fcntl(pipes[i][0], F_SETFL, O_NONBLOCK);
        rc = supervise_capture(p, (int[]){pipes[OUT][0], pipes[ERR][0]}, timeout_s, signal_fd,
                               (struct sb_buf *[]){out, err});
        if (rc == -EINTR)
            sb_buf_addf(error, "%s was interrupted", program);
        else if (rc)
            sb_buf_addf(error, "%s did not end within %g s", program, timeout_s);
        else
            *ret_exit = *sb_proc_exit(p);
    }
    close_all((int[]){pipes[OUT][0], pipes[ERR][0]}, 2);
    sb_proc_free(p);
    return rc;
}

/* ---- what it said, how it ended ----------------------------------------------------------- */

/* Where the last max_lines lines of text begin; 0 when it has no more than those. */
static size_t tail_start(const char *text, size_t len, int max_lines) {
    size_t at = len;
    for (int lines = 0; at > 0; at--)
        if (text[at - 1] == '\n' && at < len && ++lines == max_lines)
            break;
    return at;
}

/* Where text may begin that follows others: after the rest of a line, unless there is but that
 * one, then within it, but not within a character. The first byte only says what it follows. */
static size_t first_start(const char *text, size_t len) {
    const char *line_end = memchr(text, '\n', len);
    if (line_end && line_end + 1 < text + len)
        return (size_t)(line_end + 1 - text);
    size_t at = 1;
    while (at < len && at < 4 && (text[at] & 0xc0) == 0x80)
        at++;
    return at;
}

void sb_log_tail(const char *path, int max_lines, size_t max_bytes, struct sb_buf *ret) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is_log = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
    if (is_log && max_lines > 0 && max_bytes > 0) {
        size_t size = (size_t)st.st_size, want = size <= max_bytes ? size : max_bytes + 1;
        char *text = sb_alloc(want, 1);
        ssize_t n = pread(fd, text, want, (off_t)(size - want));
        size_t len = n > 0 ? (size_t)n : 0, at = tail_start(text, len, max_lines);
        if (at == 0 && want < size)
            at = first_start(text, len);
        sb_buf_add_printable(ret, text + at, len - at);
        if (len > 0 && text[len - 1] != '\n')
            sb_buf_adds(ret, "\n");
        free(text);
    }
    if (fd >= 0)
        close(fd);
}

char *sb_exit_text(const struct sb_exit *e) {
    if (!e->exited)
        return sb_strdup("still running");
    if (!e->signal)
        return sb_asprintf("exit code %d", e->code);
    return sb_asprintf("signal %d (%s)", e->signal, sb_signal_name(e->signal));
}
