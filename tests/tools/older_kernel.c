/* Runs a program as on a kernel, or in a container profile, that knows less:
 *
 *   older_kernel PROGRAM [ARGUMENT...]   its exit code; 77 where seccomp cannot do this
 *   older_kernel                         0 when what is missing is missing
 *
 * close_range, pidfd_open and other calls of the last years are not implemented (ENOSYS), and there
 * is no list of children in /proc (a kernel without CONFIG_PROC_CHILDREN). A filter cannot look at
 * a path: each open is asked of us, who read it in the memory of the asking process. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SKIPPED = 77 };

static const unsigned missing[] = {
#ifdef SYS_close_range
    SYS_close_range,
#endif
#ifdef SYS_pidfd_open
    SYS_pidfd_open,  SYS_pidfd_send_signal, SYS_clone3,
#endif
#ifdef SYS_openat2
    SYS_openat2,
#endif
#ifdef SYS_faccessat2
    SYS_faccessat2,
#endif
};
enum { N_MISSING = sizeof missing / sizeof *missing };

/* The listener, or -1. */
static int filter(void) {
    struct sock_filter code[2 * N_MISSING + 4];
    unsigned short n = 0;
    code[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < N_MISSING; i++) {
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, missing[i], 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
    }
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {n, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                        &program);
}

/* ---- one descriptor from process to process -------------------------------------------------- */

union control {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int))];
};

static void send_fd(int to, int fd) {
    char byte = 0;
    union control control = {.header = {CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS}};
    struct iovec io = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    if (sendmsg(to, &message, 0) != 1)
        _exit(SKIPPED);
}

static int receive_fd(int from) {
    char byte;
    int fd = -1;
    union control control = {.room = ""};
    struct iovec io = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) == 1 && message.msg_controllen)
        memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
    return fd;
}

/* ---- the two sides ----------------------------------------------------------------------------
 */

static int look(void) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    bool list = open(path, O_RDONLY | O_CLOEXEC) >= 0;
    if (list || errno != ENOENT)
        return 1;
    for (size_t i = 0; i < N_MISSING; i++)
        if (syscall((long)missing[i], -1, -1, -1, -1) >= 0 || errno != ENOSYS)
            return 2;
    return 0;
}

static bool names_children(pid_t pid, unsigned long long address) {
    char path[256] = "";
    struct iovec here = {path, sizeof path - 1},
                 there = {(void *)(uintptr_t)address, sizeof path - 1};
    if (process_vm_readv(pid, &here, 1, &there, 1, 0) <= 0)
        return false;
    size_t n = strlen(path), of = strlen("/children");
    return strncmp(path, "/proc/", 6) == 0 && n > of && strcmp(path + n - of, "/children") == 0;
}

/* Until none is left that the filter holds for. Signals are meant for the program. */
static void answer(int listener, int signals, pid_t program) {
    struct pollfd fds[] = {{.fd = listener, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    struct signalfd_siginfo sent;
    while (poll(fds, 2, -1) < 0 ? errno == EINTR : !(fds[0].revents & POLLHUP)) {
        if (fds[1].revents && read(signals, &sent, sizeof sent) == sizeof sent)
            kill(program, (int)sent.ssi_signo);
        struct seccomp_notif asked = {0};
        if (!(fds[0].revents & POLLIN) || ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked))
            continue;
        struct seccomp_notif_resp said = {.id = asked.id,
                                          .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
        if (names_children((pid_t)asked.pid, asked.data.args[1]))
            said = (struct seccomp_notif_resp){.id = asked.id, .error = -ENOENT};
        ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &said); /* it may have died meanwhile */
    }
}

static _Noreturn void become(char **argv, int parent, const sigset_t *mask) {
    int listener = filter();
    if (listener < 0)
        _exit(SKIPPED);
    send_fd(parent, listener);
    close(listener);
    close(parent);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigprocmask(SIG_SETMASK, mask, NULL);
    if (!argv[1])
        _exit(look());
    execv(argv[1], argv + 1);
    _exit(127);
}

int main(int argc, char **argv) {
    int pair[2], status;
    sigset_t ours, before;
    (void)argc;
    sigemptyset(&ours);
    for (const int *sig = (const int[]){SIGINT, SIGTERM, SIGHUP, SIGQUIT, 0}; *sig; sig++)
        sigaddset(&ours, *sig);
    sigprocmask(SIG_BLOCK, &ours, &before);
    int signals = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
        return SKIPPED;
    pid_t pid = fork();
    if (pid == 0)
        become(argv, pair[1], &before);
    close(pair[1]);
    int listener = receive_fd(pair[0]);
    if (listener >= 0)
        answer(listener, signals, pid);
    else
        fputs("older_kernel: no seccomp filter that asks, so nothing was tested\n", stderr);
    if (waitpid(pid, &status, 0) < 0)
        return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
