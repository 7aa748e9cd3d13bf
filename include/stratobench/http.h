/* HTTP: one request to a server on loopback, over libcurl, that also watches the child.
 *
 * The only module that includes curl. A request in flight waits on the socket, the child
 * (pidfd) and signals (signalfd) together, so a death or a Ctrl-C is seen at once and nothing
 * polls. Proxies from the environment are ignored.
 * Each request has a connection of its own: curl would send a request a second time when a
 * connection kept from an earlier one breaks, and a completion must never run twice unseen.
 * No socket outlives the call, so nothing of ours keeps a server from exiting. */
#ifndef STRATOBENCH_HTTP_H
#define STRATOBENCH_HTTP_H

#include "stratobench/base.h"

struct sb_http;

enum sb_http_result {
    SB_HTTP_OK,           /* a whole reply, whatever its status */
    SB_HTTP_REFUSED,      /* nobody listens (yet) */
    SB_HTTP_CLOSED,       /* the connection broke */
    SB_HTTP_NO_HTTP,      /* what came was no HTTP */
    SB_HTTP_TIMEOUT,      /* the whole operation took longer than timeout_s */
    SB_HTTP_TOO_BIG,      /* the reply is over `limit` */
    SB_HTTP_CHILD_EXITED, /* the child ended before the reply was whole */
    SB_HTTP_SIGNAL,       /* signal_fd became readable */
};

struct sb_http_request {
    const char *path; /* "/completion" */
    const char *body; /* NULL = GET, else POST application/json */
    size_t body_len;
    double timeout_s; /* for the whole operation */
    int child_fd;     /* readable once the server has ended (sb_proc_fd), or -1 */
    int signal_fd;    /* signalfd to watch, or -1 */
};

struct sb_http_reply {
    long status;        /* HTTP status, 0 when there was none */
    struct sb_buf body; /* .limit is the caller's; replaced by each call; the caller releases */
    double wall_ms;     /* from the connect to the last byte, monotonic; NaN unless SB_HTTP_OK */
    char error[160];    /* one line, empty when the result is SB_HTTP_OK */
};

/* For 127.0.0.1:port, HTTP/1.1. api_key may be NULL (sent as "Authorization: Bearer"). */
struct sb_http *sb_http_new(int port, const char *api_key);
enum sb_http_result sb_http_request(struct sb_http *h, const struct sb_http_request *req,
                                    struct sb_http_reply *ret);
void sb_http_free(struct sb_http *h);

/* A loopback TCP port that was free a moment ago; -errno on failure. */
int sb_http_free_port(void);

#endif
