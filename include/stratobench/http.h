/* HTTP: one request to a server on loopback, over libcurl, that also watches the child.
 *
 * The only module that includes curl. A request in flight waits on the socket, the child
 * (pidfd) and signals (signalfd) together, so a death or a Ctrl-C is seen at once and nothing
 * polls. Proxies from the environment are ignored. */
#ifndef STRATOBENCH_HTTP_H
#define STRATOBENCH_HTTP_H

#include "stratobench/base.h"

struct sb_http;

enum sb_http_result {
    SB_HTTP_OK,          /* a whole reply, whatever its status */
    SB_HTTP_REFUSED,     /* nobody listens (yet) */
    SB_HTTP_CLOSED,      /* the connection broke, or the reply was no HTTP */
    SB_HTTP_TIMEOUT,     /* the whole operation took longer than timeout_s */
    SB_HTTP_TOO_BIG,     /* the reply is over `limit` */
    SB_HTTP_CHILD_EXITED,/* child_fd became readable before the reply was whole */
    SB_HTTP_SIGNAL,      /* signal_fd became readable */
};

struct sb_http_request {
    const char *path;      /* "/completion" */
    const char *body;      /* NULL = GET, else POST application/json */
    size_t body_len;
    double timeout_s;      /* for the whole operation */
    int child_fd;          /* pidfd to watch, or -1 */
    int signal_fd;         /* signalfd to watch, or -1 */
};

struct sb_http_reply {
    long status;           /* HTTP status, 0 when there was none */
    struct sb_buf body;    /* set .limit before the call; the caller releases */
    double wall_ms;        /* from the send to the last byte, monotonic */
    char error[160];       /* one line, when the result is not SB_HTTP_OK */
};

/* For 127.0.0.1:port. api_key may be NULL (sent as "Authorization: Bearer"). */
struct sb_http *sb_http_new(int port, const char *api_key);
enum sb_http_result sb_http_request(struct sb_http *h, const struct sb_http_request *req,
                                    struct sb_http_reply *ret);
/* Closes the connection that is kept alive between requests. llama-server does not exit while
 * a request's socket is open, so close before stopping it. */
void sb_http_close(struct sb_http *h);
void sb_http_free(struct sb_http *h);

/* A loopback TCP port that was free a moment ago; -errno on failure. */
int sb_http_free_port(void);

#endif
