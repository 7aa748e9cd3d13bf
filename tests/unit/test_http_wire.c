/* What goes over the wire: a server that says exactly this, and keeps what it was asked. */
#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "stratobench/sys.h"

#include "children.h"

struct canned {
    struct sb_http_reply reply;
    enum sb_http_result result;
    struct sb_buf seen; /* the request, as it came */
};

/* The server's side: one connection, of whose request it keeps the beginning. It does not close
 * it but waits for the client to. */
static _Noreturn void say_and_await_the_end(int listener, const char *text, size_t len,
                                            size_t body_len, int seen) {
    struct sb_buf got = SB_BUF_INIT(4 << 20);
    char chunk[4096];
    int client = accept(listener, NULL, NULL);
    for (const char *end = NULL; !end || got.len < (size_t)(end + 4 - got.data) + body_len;) {
        ssize_t n = recv(client, chunk, sizeof chunk, 0);
        if (n <= 0)
            _exit(2);
        sb_buf_add(&got, chunk, (size_t)n);
        end = strstr(got.data, "\r\n\r\n");
    }
    size_t keep = got.len < 4096 ? got.len : 4096;
    if (write(seen, got.data, keep) < 0 || send(client, text, len, 0) < 0)
        _exit(2);
    _exit(recv(client, chunk, 1, 0) == 0 ? 0 : 3);
}

/* A socket that listens, and a client for what is below `path` there. */
static struct sb_http *client_of(int *ret_listener, const char *path) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t a_len = sizeof a;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&a, a_len), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &a_len), 0);
    assert_int_equal(listen(listener, 8), 0);
    char *url = sb_asprintf("http://127.0.0.1:%d%s", ntohs(a.sin_port), path);
    struct sb_http *h = sb_http_new(&(struct sb_http_server){url, "key", NULL});
    free(url);
    *ret_listener = listener;
    return h;
}

static struct canned hear(const char *text, size_t len, const struct sb_http_request *req,
                          int child_fd) {
    int listener, seen[2], status;
    struct sb_http *h = client_of(&listener, "/base");
    assert_int_equal(pipe(seen), 0);
    pid_t pid = fork();
    if (pid == 0)
        say_and_await_the_end(listener, text, len, req->body_len, seen[1]);
    close(listener);
    close(seen[1]);

    struct canned c = {.reply.body.limit = 1000, .seen.limit = 10000};
    struct sb_http_watch watch = {.timeout_s = FOREVER, .child_fd = child_fd, .signal_fd = -1};
    c.result = sb_http_request(h, req, &watch, &c.reply);
    /* It ends before ours is freed: the request left no connection behind. */
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    sb_http_free(h);
    char chunk[4096];
    for (ssize_t n; (n = read(seen[0], chunk, sizeof chunk)) > 0;)
        sb_buf_add(&c.seen, chunk, (size_t)n);
    close(seen[0]);
    return c;
}

static void forget(struct canned *c) {
    sb_buf_release(&c->reply.body);
    sb_buf_release(&c->seen);
}

static const struct sb_http_request get = {.path = "/path"};
#define HEAR(text) hear(text, sizeof(text) - 1, &get, -1)

static void request_is_plain(void **state) {
    (void)state;
    struct canned c = HEAR("HTTP/1.1 204 No Content\r\n\r\n");
    assert_int_equal(c.result, SB_HTTP_OK);
    assert_int_equal(c.reply.status, 204);
    assert_memory_equal(sb_buf_str(&c.seen), "GET /base/path HTTP/1.1\r\nHost: 127.0.0.1:", 41);
    assert_non_null(strstr(sb_buf_str(&c.seen), "\r\nAuthorization: Bearer key\r\n"));
    forget(&c);

    static char body[2000001]; /* of so much curl would first ask whether it may send it */
    memset(body, 'x', sizeof body - 1);
    static const char nothing[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    c = hear(nothing, sizeof nothing - 1,
             &(struct sb_http_request){.path = "/path", .body = body, .body_len = sizeof body - 1},
             -1);
    assert_int_equal(c.result, SB_HTTP_OK);
    assert_memory_equal(sb_buf_str(&c.seen), "POST /base/path HTTP/1.1\r\n", 26);
    assert_non_null(strstr(sb_buf_str(&c.seen), "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(sb_buf_str(&c.seen), "\r\nContent-Length: 2000000\r\n"));
    assert_null(strcasestr(sb_buf_str(&c.seen), "expect"));
    forget(&c);
}

static void a_keyless_request_shows_no_key(void **state) {
    (void)state;
    static const char nothing[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    struct canned c = hear(nothing, sizeof nothing - 1,
                           &(struct sb_http_request){.path = "/health", .keyless = true}, -1);
    assert_int_equal(c.result, SB_HTTP_OK);
    assert_null(strcasestr(sb_buf_str(&c.seen), "authorization"));
    assert_null(strstr(sb_buf_str(&c.seen), "key"));
    forget(&c);
}

static void a_stamped_reply_tells_when_its_parts_came(void **state) {
    (void)state;
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nWhy?";
    struct canned c = hear(text, sizeof text - 1,
                           &(struct sb_http_request){.path = "/path", .stamped = true}, -1);
    struct sb_http_reply *r = &c.reply;
    assert_int_equal(c.result, SB_HTTP_OK);
    assert_true(r->n_stamps >= 1 && r->n_stamps <= 4);
    assert_int_equal(r->stamps[r->n_stamps - 1].bytes, 4);
    assert_true(r->sent_ms >= 0 && r->sent_ms <= r->wall_ms);
    assert_true(r->stamps[0].ms > 0 && r->stamps[0].ms <= r->wall_ms);
    free(r->stamps);
    forget(&c);
    c = HEAR("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nWhy?");
    assert_int_equal(c.reply.n_stamps, 0);
    forget(&c);
}

static void a_key_that_is_repeated_is_not_told(void **state) {
    (void)state;
    struct canned c = HEAR("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nkey and key");
    assert_string_equal(sb_buf_str(&c.reply.body), "key and key"); /* too short to be one */
    forget(&c);
}

/* The server's side of it: nobody is answered before all are there. The last one to come is
 * answered first, the first not at all. */
static _Noreturn void await_all_and_answer(int listener, size_t n) {
    int client[8];
    char chunk[4096];
    for (size_t i = 0; i < n; i++) {
        client[i] = accept(listener, NULL, NULL);
        if (client[i] < 0 || recv(client[i], chunk, sizeof chunk, 0) <= 0)
            _exit(2);
    }
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    for (size_t i = n; i-- > 1;)
        if (send(client[i], ok, sizeof ok - 1, 0) < 0)
            _exit(2);
    _exit(0); /* which closes the first one's connection */
}

static void several_requests_are_in_flight_at_once(void **state) {
    (void)state;
    enum { N = 4 };
    struct sb_http_request reqs[N] = {get, get, get, get};
    struct sb_http_reply replies[N];
    int listener, status, ok = 0;
    struct sb_http *h = client_of(&listener, "");
    pid_t pid = fork();
    if (pid == 0)
        await_all_and_answer(listener, N);
    close(listener);
    for (size_t i = 0; i < N; i++)
        replies[i] = (struct sb_http_reply){.body.limit = 1000};
    struct sb_http_watch watch = {.timeout_s = FOREVER, .child_fd = -1, .signal_fd = -1};
    sb_http_request_all(h, reqs, N, &watch, replies);
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    for (size_t i = 0; i < N; i++) {
        ok += replies[i].result == SB_HTTP_OK && strcmp(sb_buf_str(&replies[i].body), "ok") == 0;
        assert_int_equal(replies[i].result == SB_HTTP_OK, !isnan(replies[i].wall_ms));
        assert_int_equal(replies[i].result == SB_HTTP_OK, replies[i].error[0] == '\0');
        sb_buf_release(&replies[i].body);
    }
    assert_int_equal(ok, N - 1);
    sb_http_free(h);
}

/* The end of the server and that of its reply, seen in this order. */
static void reply_on_its_way_is_awaited(void **state) {
    (void)state;
    static const char whole[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    int dead[2]; /* stands for the child's descriptor */
    assert_int_equal(pipe(dead), 0);
    assert_int_equal(write(dead[1], "x", 1), 1);
    struct canned c = hear(whole, sizeof whole - 1, &get, dead[0]);
    assert_int_equal(c.result, SB_HTTP_OK);
    assert_string_equal(sb_buf_str(&c.reply.body), "ok");
    forget(&c);
    /* What never comes is not: something else holds the connection open. */
    c = hear(whole, sizeof whole - 2, &get, dead[0]);
    assert_int_equal(c.result, SB_HTTP_CHILD_EXITED);
    forget(&c);
    close(dead[0]);
    close(dead[1]);
}

static void body_keeps_its_zero_bytes(void **state) {
    (void)state;
    struct canned c = HEAR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\na\0b\0c");
    assert_int_equal(c.result, SB_HTTP_OK);
    assert_int_equal(c.reply.body.len, 5);
    assert_memory_equal(c.reply.body.data, "a\0b\0c", 6);
    forget(&c);
}

static void redirects_are_not_followed(void **state) {
    (void)state;
    struct canned c = HEAR("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
                           "Content-Length: 0\r\n\r\n");
    assert_int_equal(c.result, SB_HTTP_OK);
    assert_int_equal(c.reply.status, 302);
    forget(&c);
}

static void what_is_no_http_1_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum sb_http_result result;
    } replies[] = {
        {"hello\r\n", SB_HTTP_NO_HTTP}, /* HTTP/0.9 has no header */
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
         SB_HTTP_CLOSED},
        {"HTTP/1.1 200 OK\r\nContent-Length: -7\r\n\r\n", SB_HTTP_NO_HTTP},
    };
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        struct canned c = hear(replies[i].text, strlen(replies[i].text), &get, -1);
        assert_int_equal(c.result, replies[i].result);
        assert_non_null(strstr(c.reply.error, c.result == SB_HTTP_CLOSED
                                                  ? "/path: connection broke"
                                                  : "/path: the reply was no HTTP"));
        forget(&c);
    }
}

static void limit_is_the_most_that_is_taken(void **state) {
    (void)state;
    for (int over = 0; over < 2; over++) {
        struct sb_buf text = SB_BUF_INIT(2000);
        sb_buf_addf(&text, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%*s", 1000 + over,
                    1000 + over, "x");
        struct canned c = hear(text.data, text.len, &get, -1);
        assert_int_equal(c.result, over ? SB_HTTP_TOO_BIG : SB_HTTP_OK);
        assert_int_equal(c.reply.body.len, 1000);
        forget(&c);
        sb_buf_release(&text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_is_plain),
        cmocka_unit_test(a_keyless_request_shows_no_key),
        cmocka_unit_test(a_stamped_reply_tells_when_its_parts_came),
        cmocka_unit_test(a_key_that_is_repeated_is_not_told),
        cmocka_unit_test(several_requests_are_in_flight_at_once),
        cmocka_unit_test(reply_on_its_way_is_awaited),
        cmocka_unit_test(body_keeps_its_zero_bytes),
        cmocka_unit_test(redirects_are_not_followed),
        cmocka_unit_test(what_is_no_http_1_is_refused),
        cmocka_unit_test(limit_is_the_most_that_is_taken),
        cmocka_unit_test(nothing_is_left_running),
    };
    return cmocka_run_group_tests(tests, adopt_what_is_left, NULL);
}
