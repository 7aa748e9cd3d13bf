#include "stratobench/sys.h"

#include <curl/curl.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long the other of two events that a dying server causes may take to be seen: its end
 * after its sockets closed, and the end of its reply, already on the way, after its own. */
#define DEATH_S 1.0

struct sb_http {
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers;
    int port;
    char error[CURL_ERROR_SIZE];
};

static size_t on_body(char *data, size_t size, size_t n, void *body) {
    return sb_buf_add(body, data, size * n) ? 0 : size * n; /* 0 ends the transfer */
}

static void *not_null(void *p) {
    if (!p)
        sb_out_of_memory(); /* curl gives NULL here for no other reason */
    return p;
}

static void add_header(struct sb_http *h, const char *text) {
    h->headers = not_null(curl_slist_append(h->headers, text));
}

struct sb_http *sb_http_new(int port, const char *api_key) {
    struct sb_http *h = sb_alloc(1, sizeof *h);
    curl_global_init(CURL_GLOBAL_DEFAULT); /* counted: each sb_http holds one */
    h->port = port;
    h->multi = not_null(curl_multi_init());
    h->easy = not_null(curl_easy_init());
    add_header(h, "Content-Type: application/json");
    add_header(h, "Expect:"); /* curl would wait a second for a 100 that never comes */
    if (api_key) {
        char *line = sb_asprintf("Authorization: Bearer %s", api_key);
        add_header(h, line);
        free(line);
    }
    curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, h->headers);
    curl_easy_setopt(h->easy, CURLOPT_ERRORBUFFER, h->error);
    curl_easy_setopt(h->easy, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(h->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(h->easy, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(h->easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(h->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h->easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(h->easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(h->easy, CURLOPT_WRITEFUNCTION, on_body);
    return h;
}

void sb_http_free(struct sb_http *h) {
    if (!h)
        return;
    curl_easy_cleanup(h->easy);
    curl_multi_cleanup(h->multi);
    curl_slist_free_all(h->headers);
    curl_global_cleanup();
    free(h);
}

static void prepare(struct sb_http *h, const struct sb_http_request *req,
                    struct sb_http_reply *ret) {
    char *url = sb_asprintf("http://127.0.0.1:%d%s", h->port, req->path);
    curl_easy_setopt(h->easy, CURLOPT_URL, url);
    free(url);
    curl_easy_setopt(h->easy, CURLOPT_WRITEDATA, &ret->body);
    if (req->body) {
        curl_easy_setopt(h->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(h->easy, CURLOPT_POSTFIELDS, req->body);
        curl_easy_setopt(h->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
    } else {
        curl_easy_setopt(h->easy, CURLOPT_HTTPGET, 1L);
    }
    h->error[0] = '\0';
    sb_buf_release(&ret->body);
    ret->status = 0;
    ret->wall_ms = NAN;
    ret->error[0] = '\0';
}

static bool readable(int fd, int timeout_ms) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return fd >= 0 && poll(&p, 1, timeout_ms) > 0;
}

static enum sb_http_result result_of(CURLcode code, const struct sb_buf *body) {
    switch (code) {
    case CURLE_OK: return SB_HTTP_OK;
    case CURLE_OUT_OF_MEMORY: sb_out_of_memory();
    case CURLE_COULDNT_CONNECT: return SB_HTTP_REFUSED;
    case CURLE_OPERATION_TIMEDOUT: return SB_HTTP_TIMEOUT;
    case CURLE_UNSUPPORTED_PROTOCOL: /* so it calls HTTP/0.9, which any bytes are */
    case CURLE_WEIRD_SERVER_REPLY: return SB_HTTP_NO_HTTP;
    case CURLE_WRITE_ERROR: return body->overflow ? SB_HTTP_TOO_BIG : SB_HTTP_CLOSED;
    default: return SB_HTTP_CLOSED;
    }
}

/* True once the transfer is over, with its outcome. */
static bool advance(struct sb_http *h, const struct sb_buf *body, enum sb_http_result *ret) {
    int running = 0, left;
    CURLMcode failed = curl_multi_perform(h->multi, &running);
    CURLMsg *m = curl_multi_info_read(h->multi, &left);
    if (m && m->msg == CURLMSG_DONE)
        *ret = result_of(m->data.result, body);
    else if (failed || !running)
        *ret = SB_HTTP_CLOSED;
    else
        return false;
    return true;
}

static enum sb_http_result transfer(struct sb_http *h, const struct sb_http_request *req,
                                    const struct sb_buf *body) {
    double deadline_s = sb_now_s() + req->timeout_s;
    struct curl_waitfd fds[2];
    unsigned n = 0;
    if (req->signal_fd >= 0)
        fds[n++] = (struct curl_waitfd){.fd = req->signal_fd, .events = CURL_WAIT_POLLIN};
    if (req->child_fd >= 0)
        fds[n++] = (struct curl_waitfd){.fd = req->child_fd, .events = CURL_WAIT_POLLIN};
    bool dead = false;
    for (enum sb_http_result result;;) {
        if (advance(h, body, &result))
            return result;
        if (readable(req->signal_fd, 0))
            return SB_HTTP_SIGNAL;
        if (!dead && readable(req->child_fd, 0)) {
            dead = true; /* what it sent before is there already, and counts */
            deadline_s = fmin(deadline_s, sb_now_s() + DEATH_S);
            n--; /* it is the last of fds */
        }
        int timeout_ms = sb_poll_ms(deadline_s);
        if (timeout_ms == 0)
            return dead ? SB_HTTP_CHILD_EXITED : SB_HTTP_TIMEOUT;
        curl_multi_poll(h->multi, fds, n, timeout_ms, NULL);
    }
}

static bool is_broken(enum sb_http_result result) {
    return result == SB_HTTP_CLOSED || result == SB_HTTP_REFUSED;
}

static void explain(const struct sb_http *h, const struct sb_http_request *req,
                    enum sb_http_result result, struct sb_http_reply *ret) {
    const char *what[] = {
        [SB_HTTP_REFUSED] = "connection refused",
        [SB_HTTP_CLOSED] = "connection broke",
        [SB_HTTP_NO_HTTP] = "the reply was no HTTP",
        [SB_HTTP_TIMEOUT] = "timed out",
        [SB_HTTP_TOO_BIG] = "reply is too big",
        [SB_HTTP_CHILD_EXITED] = "server ended before its reply was whole",
        [SB_HTTP_SIGNAL] = "interrupted",
    };
    struct sb_buf why = SB_BUF_INIT(sizeof ret->error - 1);
    sb_buf_addf(&why, "%s: %s", req->path, what[result]);
    if (result == SB_HTTP_TIMEOUT)
        sb_buf_addf(&why, " after %g s", req->timeout_s);
    else if (result == SB_HTTP_TOO_BIG)
        sb_buf_addf(&why, ", over %zu bytes", ret->body.limit);
    else if (is_broken(result) && h->error[0])
        sb_buf_addf(&why, " (%s)", h->error);
    memcpy(ret->error, sb_buf_str(&why), why.len + 1);
    sb_buf_release(&why);
}

enum sb_http_result sb_http_request(struct sb_http *h, const struct sb_http_request *req,
                                    struct sb_http_reply *ret) {
    prepare(h, req, ret);
    double start_s = sb_now_s();
    curl_multi_add_handle(h->multi, h->easy);
    enum sb_http_result result = transfer(h, req, &ret->body);
    double wall_ms = (sb_now_s() - start_s) * 1e3;
    curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &ret->status);
    curl_multi_remove_handle(h->multi, h->easy); /* closes the connection, whole or not */

    /* A connection that breaks is nearly always the server dying: wait for the news of it. */
    int patience_ms = result == SB_HTTP_CLOSED ? (int)(DEATH_S * 1e3) : 0;
    if (is_broken(result) && readable(req->child_fd, patience_ms))
        result = SB_HTTP_CHILD_EXITED;
    if (result == SB_HTTP_OK)
        ret->wall_ms = wall_ms;
    else
        explain(h, req, result, ret);
    return result;
}

int sb_http_free_port(void) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int rc = bind(fd, (struct sockaddr *)&a, len) || getsockname(fd, (struct sockaddr *)&a, &len)
                 ? -errno
                 : ntohs(a.sin_port);
    close(fd);
    return rc;
}
