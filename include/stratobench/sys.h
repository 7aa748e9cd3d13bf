/* Proc: one supervised child: start, wait, stop, usage. The only module that forks.
 *
 * A child runs in its own process group with stdin from /dev/null and no terminal, and has a
 * raised oom_score_adj so that the kernel takes it rather than the desktop. No file that it writes,
 * its log above all, grows beyond SB_FILE_MAX_BYTES: writes fail from there on. Its parent is a
 * watchdog, a small process of ours in a session of its own: when the child ends, or when we
 * vanish (kill -9 included), it kills whatever is left of the group, runs the last word of the
 * spec if there is one, and kills every descendant that escaped the group, whose subreaper it is.
 * Every wait also watches `signal_fd`, a signalfd of ours (-1 = none).
 * A program that cannot be executed is an error of sb_proc_start, never a "death". */
#ifndef STRATOBENCH_SYS_H
#define STRATOBENCH_SYS_H

#include "stratobench/base.h"
#include <sys/types.h>

#define SB_FILE_MAX_BYTES (2ULL << 30)

struct sb_proc;

struct sb_proc_spec {
    const char *const *argv; /* argv[0]: a path, or a name looked up on the PATH of envp */
    const char *const *envp; /* the whole environment; NULL = ours */
    const char *log_path;    /* stdout and stderr, truncated; NULL = /dev/null */
    /* Run, in the same environment, once the child has ended, however that came, and also when we
     * have vanished: removes what it left where no signal of ours reaches. Has SB_LAST_S for it.
     * NULL = nothing. */
    const char *const *last_argv;
};
#define SB_LAST_S 30.0

struct sb_exit {
    bool exited;              /* false while it runs: the rest is meaningless */
    int code;                 /* exit code, or -1 when a signal ended it */
    int signal;               /* the signal, or 0 */
    long long peak_rss_bytes; /* from wait4; -1 unknown */
};

enum sb_wait { SB_WAIT_EXITED, SB_WAIT_TIMEOUT, SB_WAIT_SIGNAL };

/* 0, or -errno with one line in `error` (what could not be run and why). */
int sb_proc_start(const struct sb_proc_spec *spec, struct sb_proc **ret, struct sb_buf *error);
pid_t sb_proc_pid(const struct sb_proc *p);
/* Readable, and so it stays, once the child has ended. Ours: the caller only polls it. */
int sb_proc_fd(const struct sb_proc *p);
/* Waits until the child ends, `timeout_s` is over or a signal of ours is pending (it stays
 * pending: whoever owns signal_fd reads it). 0 = just look. */
enum sb_wait sb_proc_wait(struct sb_proc *p, double timeout_s, int signal_fd);
const struct sb_exit *sb_proc_exit(struct sb_proc *p); /* how it is now; never NULL */

/* Ends the whole group: TERM, `grace_s`, KILL, then whatever escaped the group. A signal that is
 * pending during the grace cuts it short, so read the one that led here first.
 * Returns with nothing of it left running, also when the child had ended by itself. What even
 * KILL does not end within a minute (stuck in a driver) is left to the watchdog; that the
 * child itself is stuck shows in sb_proc_exit: it has not exited. */
void sb_proc_stop(struct sb_proc *p, double grace_s, int signal_fd);
/* Stops if still running, frees. NULL is fine. */
void sb_proc_free(struct sb_proc *p);

/* Which process of the child's, be it itself or one that it started, listens on a TCP port of its
 * network. 0 = the port is somebody else's; -1 = it cannot be known, or nobody listens. */
pid_t sb_proc_listener(const struct sb_proc *p, int port);
/* The same of a process that need not be ours, and those below it. */
pid_t sb_pid_listener(pid_t pid, int port);
/* Adds the files that a process runs from: the program and its libraries. */
void sb_pid_add_files(pid_t pid, struct sb_files *files);
long long sb_pid_peak_rss_bytes(pid_t pid); /* -1 unknown */
double sb_pid_cpu_s(pid_t pid);             /* of all its threads; NaN unknown */
/* The file that a program's name stands for, searched on the PATH of envp (NULL = ours) when it has
 * no slash. NULL when there is none. The caller frees. */
char *sb_program_path(const char *name, const char *const *envp);
/* What is searched, "/usr/bin:/bin" where envp names no PATH. */
const char *sb_search_path(const char *const *envp);

/* Runs a program (the log_path of its spec does not count) to its end and keeps what it printed:
 * stdout and stderr apart, each at most its buffer's limit (the rest is read and dropped). 0 whatever
 * its exit code (in ret_exit), -ETIMEDOUT, -EINTR (signal_fd), or -errno; on failure one line in
 * `error`. `input` (may be NULL) is given on its stdin. Eight parameters: what is run and what came of it. */
int sb_proc_capture(const struct sb_proc_spec *spec, const struct sb_buf *input, double timeout_s,
                    int signal_fd, struct sb_buf *out, struct sb_buf *err, struct sb_exit *ret_exit,
                    struct sb_buf *error);

/* Appends the last lines of a log file, at most max_lines and the file's last max_bytes, made
 * printable (sb_buf_add_printable), each ended by '\n'. Of a line longer than max_bytes the end.
 * Nothing when there is no such file. */
void sb_log_tail(const char *path, int max_lines, size_t max_bytes, struct sb_buf *ret);
/* Adds to the end of a log that is ours, or makes it. 0, or -errno: no link is followed, nobody else's
 * file touched. */
int sb_log_add(const char *path, const struct sb_buf *text);

/* "SIGSEGV", "unknown". */
const char *sb_signal_name(int signal);
/* "exit code 1", "signal 11 (SIGSEGV)". The caller frees. */
char *sb_exit_text(const struct sb_exit *e);

/* Signals: SIGINT, SIGTERM and SIGHUP as something to wait for.
 *
 * Every wait of the program watches the descriptor; whoever sees it readable takes the signal off
 * it before ending things in order, so that a second one can cut that short. */

/* Blocks those of the three that were not ignored, and ignores SIGPIPE and SIGXFSZ. A signalfd for
 * the life of the process, or -errno. */
int sb_signals_open(void);
/* The number of a pending signal, taken off; 0 when there is none. */
int sb_signals_take(int signal_fd);
/* Closes the descriptor and lets a signal end the program, at once if one is pending: to be called
 * before what may wait for others, as writing to standard output. -1 is fine. */
void sb_signals_close(int signal_fd);

/* Stops: time that the clocks show and the program did not live through, because it was stopped
 * (Ctrl-Z) or the machine slept. */
struct sb_stops {
    int fd; /* a signalfd of SIGCONT */
    double suspended_s;
};
/* Blocks SIGCONT (which continues a process all the same). 0 or -errno. */
int sb_stops_open(struct sb_stops *ret);
/* Has it happened since the last call, or the opening? */
bool sb_stops_seen(struct sb_stops *s);
void sb_stops_close(struct sb_stops *s);

/* HTTP: requests to a server, over libcurl, that also watch a child.
 *
 * The only module that includes curl. A request in flight waits on the socket, the child
 * (pidfd) and signals (signalfd) together, so a death or a Ctrl-C is seen at once and nothing
 * polls. Proxies from the environment are ignored.
 * Each request has a connection of its own: curl would send a request a second time when a
 * connection kept from an earlier one breaks, and a completion must never run twice unseen.
 * No socket outlives the call, so nothing of ours keeps a server from exiting. */

struct sb_http;

enum sb_http_result {
    SB_HTTP_OK,           /* a whole reply, whatever its status */
    SB_HTTP_REFUSED,      /* nobody listens (yet) */
    SB_HTTP_CLOSED,       /* the connection broke */
    SB_HTTP_NO_HTTP,      /* what came was no HTTP */
    SB_HTTP_UNTRUSTED,    /* its certificate is not to be believed */
    SB_HTTP_TIMEOUT,      /* the whole operation took longer than timeout_s */
    SB_HTTP_TOO_BIG,      /* the reply is over `limit` */
    SB_HTTP_CHILD_EXITED, /* the child ended before the reply was whole */
    SB_HTTP_SIGNAL,       /* signal_fd became readable */
};

/* What ends a wait besides the reply. */
struct sb_http_watch {
    double timeout_s; /* for the whole operation */
    int child_fd;     /* readable once the server has ended (sb_proc_fd), or -1 */
    int signal_fd;    /* signalfd to watch, or -1 */
};

struct sb_http_request {
    const char *path; /* "/completion" */
    const char *body; /* NULL = GET, else POST application/json */
    size_t body_len;
    bool keyless; /* sent without the API key: for what needs none, whoever answers */
    bool stamped; /* of a reply that comes bit by bit: note when */
};

struct sb_http_stamp {
    size_t bytes; /* of the body: so many had come */
    double ms;    /* by then, from the connect, monotonic */
};

struct sb_http_reply {
    enum sb_http_result result;
    long status;        /* HTTP status, 0 when there was none */
    struct sb_buf body; /* .limit is the caller's; replaced by each call; the caller releases */
    double wall_ms;     /* from the connect to the last byte, monotonic; NaN unless SB_HTTP_OK */
    double sent_ms;     /* from the connect to the request, sent; NaN likewise */
    struct sb_http_stamp *stamps; /* in their order; the caller frees */
    size_t n_stamps;
    char error[160]; /* one line, empty when the result is SB_HTTP_OK */
};

struct sb_http_server {
    const char
        *base_url; /* "http://127.0.0.1:8080" or https; a path may stand behind, no slash at its
                             end */
    const char *api_key; /* sent as "Authorization: Bearer"; NULL = none */
    const char *ca_file; /* who is believed to vouch for it, PEM; NULL = whom the system believes */
};
/* Speaks HTTP/1.1 with that server alone: redirects are replies like any other. Copies. */
struct sb_http *sb_http_new(const struct sb_http_server *server);
/* One request; returns ret->result. */
enum sb_http_result sb_http_request(struct sb_http *h, const struct sb_http_request *req,
                                    const struct sb_http_watch *watch, struct sb_http_reply *ret);
/* n requests sent at once; returns when each has its reply or the wait is over for all. */
void sb_http_request_all(struct sb_http *h, const struct sb_http_request *reqs, size_t n,
                         const struct sb_http_watch *watch, struct sb_http_reply *rets);
void sb_http_free(struct sb_http *h);

/* A loopback TCP port that was free a moment ago; -errno on failure. */
int sb_http_free_port(void);

#endif
