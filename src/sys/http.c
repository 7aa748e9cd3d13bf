#include "stratobench/sys.h"

#include <curl/curl.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long the other of two events that a dying server causes may take to be seen: its end
 * after its sockets closed, and the end of its reply, already on the way, after its own. */
#define DEATH_S 1.0

/* What is shorter may stand in any text. */
enum { LEAST_SECRET = 6 };

struct sb_http {
    CURLM *multi;
    char *base_url, *ca_file, *api_key;
    struct curl_slist *headers, *keyless; /* the same but for the key */
};

struct transfer {
    CURL *easy;
    const struct sb_http_request *req;
    struct sb_http_reply *reply;
    bool over; /* its result stands in the reply */
    double start_s;
    char error[CURL_ERROR_SIZE];
};

static void add_stamp(struct sb_http_reply *r, double ms) {
    r->stamps = sb_grow(r->stamps, r->n_stamps, sizeof *r->stamps);
    r->stamps[r->n_stamps++] = (struct sb_http_stamp){r->body.len, ms};
}

static size_t on_body(char *data, size_t size, size_t n, void *arg) {
    struct transfer *t = arg;
    if (sb_buf_add(&t->reply->body, data, size * n))
        return 0; /* ends the transfer */
    if (t->req->stamped)
        add_stamp(t->reply, (sb_now_s() - t->start_s) * 1e3);
    return size * n;
}

static void *not_null(void *p) {
    if (!p)
        sb_out_of_memory(); /* curl gives NULL here for no other reason */
    return p;
}

static void add_header(struct curl_slist **headers, const char *text) {
    *headers = not_null(curl_slist_append(*headers, text));
}

static void add_usual_headers(struct curl_slist **headers) {
    add_header(headers, "Content-Type: application/json");
    add_header(headers, "Expect:"); /* curl would wait a second for a 100 that never comes */
}

struct sb_http *sb_http_new(const struct sb_http_server *server) {
    struct sb_http *h = sb_alloc(1, sizeof *h);
    curl_global_init(CURL_GLOBAL_DEFAULT); /* counted: each sb_http holds one */
    h->base_url = sb_strdup(server->base_url);
    h->ca_file = sb_strdup(server->ca_file);
    h->api_key = sb_strdup(server->api_key);
    h->multi = not_null(curl_multi_init());
    add_usual_headers(&h->keyless);
    add_usual_headers(&h->headers);
    if (server->api_key) {
        char *line = sb_asprintf("Authorization: Bearer %s", server->api_key);
        add_header(&h->headers, line);
        free(line);
    }
    return h;
}

void sb_http_free(struct sb_http *h) {
    if (!h)
        return;
    curl_multi_cleanup(h->multi);
    curl_slist_free_all(h->headers);
    curl_slist_free_all(h->keyless);
    curl_global_cleanup();
    free(h->base_url);
    free(h->ca_file);
    free(h->api_key);
    free(h);
}

static void set_up(const struct sb_http *h, struct transfer *t) {
    const struct sb_http_request *req = t->req;
    t->easy = not_null(curl_easy_init());
    char *url = sb_asprintf("%s%s", h->base_url, req->path);
    curl_easy_setopt(t->easy, CURLOPT_URL, url);
    free(url);
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, req->keyless ? h->keyless : h->headers);
    curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error);
    curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(t->easy, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(t->easy, CURLOPT_NOPROXY, "*");
    if (h->ca_file)
        curl_easy_setopt(t->easy, CURLOPT_CAINFO, h->ca_file);
    curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(t->easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(t->easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    if (req->body) {
        curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, req->body);
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
    }
    sb_buf_release(&t->reply->body);
    t->reply->stamps = NULL;
    t->reply->n_stamps = 0;
    t->reply->status = 0;
    t->reply->wall_ms = t->reply->sent_ms = (double)NAN;
    t->reply->error[0] = '\0';
}

static bool readable(int fd, int timeout_ms) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return fd >= 0 && poll(&p, 1, timeout_ms) > 0;
}

static enum sb_http_result result_of(CURLcode code, const struct sb_buf *body) {
    switch (code) {
    case CURLE_OK: return SB_HTTP_OK;
    case CURLE_OUT_OF_MEMORY: sb_out_of_memory();
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT: return SB_HTTP_REFUSED;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE: return SB_HTTP_UNTRUSTED;
    case CURLE_OPERATION_TIMEDOUT: return SB_HTTP_TIMEOUT;
    case CURLE_UNSUPPORTED_PROTOCOL: /* so it calls HTTP/0.9, which any bytes are */
    case CURLE_WEIRD_SERVER_REPLY: return SB_HTTP_NO_HTTP;
    case CURLE_WRITE_ERROR: return body->overflow ? SB_HTTP_TOO_BIG : SB_HTTP_CLOSED;
    default: return SB_HTTP_CLOSED;
    }
}

static void end_rest(struct transfer *t, size_t n, enum sb_http_result result) {
    for (size_t i = 0; i < n; i++) {
        if (!t[i].over)
            t[i].reply->result = result;
        t[i].over = true;
    }
}

/* True once all transfers are over. */
static bool advance(struct sb_http *h, struct transfer *t, size_t n, double start_s) {
    int running = 0, left;
    CURLMcode failed = curl_multi_perform(h->multi, &running);
    double wall_ms = (sb_now_s() - start_s) * 1e3;
    for (CURLMsg *m; (m = curl_multi_info_read(h->multi, &left));) {
        struct transfer *done = NULL;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&done);
        done->over = true;
        done->reply->wall_ms = wall_ms;
        done->reply->result = result_of(m->data.result, &done->reply->body);
    }
    if (failed || !running)
        end_rest(t, n, SB_HTTP_CLOSED);
    return failed || !running;
}

static void transfer(struct sb_http *h, const struct sb_http_watch *watch, struct transfer *t,
                     size_t n) {
    double start_s = sb_now_s(), deadline_s = start_s + watch->timeout_s;
    for (size_t i = 0; i < n; i++)
        t[i].start_s = start_s;
    struct curl_waitfd fds[2];
    unsigned n_fds = 0;
    if (watch->signal_fd >= 0)
        fds[n_fds++] = (struct curl_waitfd){.fd = watch->signal_fd, .events = CURL_WAIT_POLLIN};
    if (watch->child_fd >= 0)
        fds[n_fds++] = (struct curl_waitfd){.fd = watch->child_fd, .events = CURL_WAIT_POLLIN};
    for (bool dead = false; !advance(h, t, n, start_s);) {
        if (readable(watch->signal_fd, 0)) {
            end_rest(t, n, SB_HTTP_SIGNAL);
            return;
        }
        if (!dead && readable(watch->child_fd, 0)) {
            dead = true; /* what it sent before is there already, and counts */
            deadline_s = fmin(deadline_s, sb_now_s() + DEATH_S);
            n_fds--; /* it is the last of fds */
        }
        int timeout_ms = sb_poll_ms(deadline_s);
        if (timeout_ms == 0) {
            end_rest(t, n, dead ? SB_HTTP_CHILD_EXITED : SB_HTTP_TIMEOUT);
            return;
        }
        curl_multi_poll(h->multi, fds, n_fds, timeout_ms, NULL);
    }
}

/* Of which curl may know more. */
static bool is_told_of(enum sb_http_result result) {
    return result == SB_HTTP_CLOSED || result == SB_HTTP_REFUSED || result == SB_HTTP_UNTRUSTED;
}

static bool is_broken(enum sb_http_result result) {
    return result == SB_HTTP_CLOSED || result == SB_HTTP_REFUSED;
}

static void explain(const struct transfer *t, double timeout_s) {
    const char *what[] = {
        [SB_HTTP_REFUSED] = "connection refused",
        [SB_HTTP_CLOSED] = "connection broke",
        [SB_HTTP_NO_HTTP] = "the reply was no HTTP",
        [SB_HTTP_UNTRUSTED] = "not to be trusted",
        [SB_HTTP_TIMEOUT] = "timed out",
        [SB_HTTP_TOO_BIG] = "reply is too big",
        [SB_HTTP_CHILD_EXITED] = "server ended before its reply was whole",
        [SB_HTTP_SIGNAL] = "interrupted",
    };
    struct sb_http_reply *r = t->reply;
    struct sb_buf why = SB_BUF_INIT(sizeof r->error - 1);
    sb_buf_addf(&why, "%s: %s", t->req->path, what[r->result]);
    if (r->result == SB_HTTP_TIMEOUT)
        sb_buf_addf(&why, " after %g s", timeout_s);
    else if (r->result == SB_HTTP_TOO_BIG)
        sb_buf_addf(&why, ", over %zu bytes", r->body.limit);
    else if (is_told_of(r->result) && t->error[0])
        sb_buf_addf(&why, " (%s)", t->error);
    memcpy(r->error, sb_buf_str(&why), why.len + 1);
    sb_buf_release(&why);
}

/* A reply may repeat what was sent, and is quoted in results and logs. */
static void hide_key(const struct sb_http *h, struct sb_buf *body) {
    size_t n = h->api_key ? strlen(h->api_key) : 0;
    for (char *at = body->data, *end = at + body->len;
         n >= LEAST_SECRET && at && (at = memmem(at, (size_t)(end - at), h->api_key, n)); at += n)
        memset(at, '*', n);
}

/* Closes the connection, whole or not. */
static void tear_down(const struct sb_http *h, struct transfer *t) {
    curl_off_t sent_us = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->reply->status);
    if (t->reply->result == SB_HTTP_OK &&
        curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &sent_us) == CURLE_OK)
        t->reply->sent_ms = (double)sent_us / 1e3;
    curl_multi_remove_handle(h->multi, t->easy);
    curl_easy_cleanup(t->easy);
}

void sb_http_request_all(struct sb_http *h, const struct sb_http_request *reqs, size_t n,
                         const struct sb_http_watch *watch, struct sb_http_reply *rets) {
    struct transfer *t = sb_alloc(n, sizeof *t);
    for (size_t i = 0; i < n; i++) {
        t[i].req = &reqs[i];
        t[i].reply = &rets[i];
        set_up(h, &t[i]);
    }
    for (size_t i = 0; i < n; i++)
        curl_multi_add_handle(h->multi, t[i].easy);
    transfer(h, watch, t, n);
    for (size_t i = 0; i < n; i++)
        tear_down(h, &t[i]);
    for (size_t i = 0; i < n; i++) {
        struct sb_http_reply *r = &rets[i];
        hide_key(h, &r->body);
        /* A connection that breaks is nearly always the server dying: wait for the news of it. */
        int patience_ms = r->result == SB_HTTP_CLOSED ? (int)(DEATH_S * 1e3) : 0;
        if (is_broken(r->result) && readable(watch->child_fd, patience_ms))
            r->result = SB_HTTP_CHILD_EXITED;
        if (r->result == SB_HTTP_OK)
            continue;
        r->wall_ms = (double)NAN;
        explain(&t[i], watch->timeout_s);
    }
    free(t);
}

enum sb_http_result sb_http_request(struct sb_http *h, const struct sb_http_request *req,
                                    const struct sb_http_watch *watch, struct sb_http_reply *ret) {
    sb_http_request_all(h, req, 1, watch, ret);
    return ret->result;
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
