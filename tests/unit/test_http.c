#include <arpa/inet.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "stratobench/sys.h"

#define FOREVER 1000.0 /* s */

static char model[] = "/tmp/test_http.XXXXXX";

/* ---- a server that answers, or not ------------------------------------------------------- */

struct fake {
    struct sb_proc *proc;
    struct sb_http *http;
    struct sb_http_reply reply;
};

static enum sb_http_result request(struct fake *f, const char *path, const char *body,
                                   double timeout_s, int signal_fd) {
    struct sb_http_request req = {
        .path = path, .body = body, .body_len = body ? strlen(body) : 0};
    struct sb_http_watch watch = {
        .timeout_s = timeout_s, .child_fd = sb_proc_fd(f->proc), .signal_fd = signal_fd};
    enum sb_http_result r = sb_http_request(f->http, &req, &watch, &f->reply);
    assert_int_equal(r == SB_HTTP_OK, f->reply.error[0] == '\0');
    assert_int_equal(r == SB_HTTP_OK, !isnan(f->reply.wall_ms));
    return r;
}

/* Unlike the children of the real thing these may die in the loading, so they are not awaited. */
static struct fake launch(const char *mode, const char *api_key) {
    struct fake f = {.reply.body.limit = 1 << 20};
    int port = sb_http_free_port();
    assert_true(port > 0);
    char *port_text = sb_asprintf("%d", port);
    const char *argv[] = {TOOLS_DIR "/fake_llama_server", "-m", model, "--port", port_text, NULL};
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    setenv("FAKE_MODE", mode, 1);
    if (sb_proc_start(&(struct sb_proc_spec){.argv = argv}, &f.proc, &error))
        fail_msg("%s", sb_buf_str(&error));
    char *url = sb_asprintf("http://127.0.0.1:%d", port);
    f.http = sb_http_new(&(struct sb_http_server){url, api_key, NULL});
    free(url);
    free(port_text);
    return f;
}

static struct fake start(const char *mode) {
    struct fake f = launch(mode, NULL);
    while (request(&f, "/health", NULL, FOREVER, -1) == SB_HTTP_REFUSED)
        assert_int_equal(sb_proc_wait(f.proc, 0.001, -1), SB_WAIT_TIMEOUT);
    return f;
}

static void end(struct fake *f) {
    sb_buf_release(&f->reply.body);
    sb_http_free(f->http);
    sb_proc_free(f->proc);
}

#define PROMPT "{\"prompt\":[1,5,6,7],\"n_predict\":64,\"ignore_eos\":true}"

static void replies_come_whole(void **state) {
    (void)state;
    struct fake f = start("");
    assert_int_equal(f.reply.status, 200);
    assert_string_equal(sb_buf_str(&f.reply.body), "{\"status\":\"ok\"}");

    assert_int_equal(request(&f, "/completion", PROMPT, FOREVER, -1), SB_HTTP_OK);
    assert_int_equal(f.reply.status, 200);
    assert_non_null(strstr(sb_buf_str(&f.reply.body), "\"predicted_n\":64"));
    assert_true(f.reply.wall_ms >= 63 / 5.0); /* the fake one takes the time that it claims */

    assert_int_equal(request(&f, "/nowhere", NULL, FOREVER, -1), SB_HTTP_OK);
    assert_int_equal(f.reply.status, 404);
    end(&f);
}

static void large_request_and_reply(void **state) {
    (void)state;
    struct fake f = start("");
    struct sb_buf body = SB_BUF_INIT(4 << 20);
    sb_buf_adds(&body, "{\"content\":\"");
    for (int i = 0; i < 100000; i++)
        sb_buf_addf(&body, "word%d ", i);
    sb_buf_adds(&body, "\"}");
    assert_int_equal(request(&f, "/tokenize", sb_buf_str(&body), FOREVER, -1), SB_HTTP_OK);
    assert_int_equal(f.reply.status, 200);
    assert_true(f.reply.body.len > 400000);
    sb_buf_release(&body);
    end(&f);
}

static void key_is_sent(void **state) {
    (void)state;
    setenv("LLAMA_API_KEY", "sesame", 1);
    for (int right = 0; right < 2; right++) {
        struct fake f = launch("", right ? "sesame" : NULL);
        while (request(&f, "/props", NULL, FOREVER, -1) == SB_HTTP_REFUSED)
            continue;
        assert_int_equal(f.reply.status, right ? 200 : 401);
        end(&f);
    }
    unsetenv("LLAMA_API_KEY");
}

static void proxies_are_ignored(void **state) {
    (void)state;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "http://127.0.0.1:1", 1);
    struct fake f = start("");
    assert_int_equal(f.reply.status, 200);
    end(&f);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
}

static void what_goes_wrong_is_told_apart(void **state) {
    (void)state;
    static const struct {
        const char *mode;
        double timeout_s;
        enum sb_http_result result;
        const char *error;
    } cases[] = {
        {"http-500", FOREVER, SB_HTTP_OK, ""},
        {"empty", FOREVER, SB_HTTP_OK, ""},
        {"html", FOREVER, SB_HTTP_OK, ""},
        {"hang", 0.2, SB_HTTP_TIMEOUT, "/completion: timed out after 0.2 s"},
        {"trickle", 0.4, SB_HTTP_TIMEOUT, "/completion: timed out after 0.4 s"},
        {"big-body:2", FOREVER, SB_HTTP_TOO_BIG, "/completion: reply is too big, over 1048576"},
        {"close-early", FOREVER, SB_HTTP_CLOSED, "/completion: connection broke"},
        {"no-http", FOREVER, SB_HTTP_NO_HTTP, "/completion: the reply was no HTTP"},
        {"exit-in-run:3", FOREVER, SB_HTTP_CHILD_EXITED, "/completion: server ended"},
        {"exit-mid-reply:3", FOREVER, SB_HTTP_CHILD_EXITED, "/completion: server ended"},
        {"signal-mid-reply:9", FOREVER, SB_HTTP_CHILD_EXITED, "/completion: server ended"},
        {"signal-mid-reply:6", FOREVER, SB_HTTP_CHILD_EXITED, "/completion: server ended"},
        /* Its descendant holds the connection open, but the reply will never be whole. */
        {"grandchild,exit-mid-reply:3", FOREVER, SB_HTTP_CHILD_EXITED, "/completion: server"},
        {"escapee,exit-in-run:3", FOREVER, SB_HTTP_CHILD_EXITED, "/completion: server ended"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fake f = start(cases[i].mode);
        enum sb_http_result r = request(&f, "/completion", PROMPT, cases[i].timeout_s, -1);
        if (r != cases[i].result)
            fail_msg("%s gave %d: %s", cases[i].mode, r, f.reply.error);
        assert_memory_equal(f.reply.error, cases[i].error, strlen(cases[i].error));
        assert_true(f.reply.body.len <= f.reply.body.limit);
        /* Where the server lives it still serves, and nothing of ours keeps it from exiting. */
        if (r != SB_HTTP_CHILD_EXITED) {
            assert_int_equal(request(&f, "/health", NULL, FOREVER, -1), SB_HTTP_OK);
            sb_proc_stop(f.proc, FOREVER, -1);
            assert_int_equal(sb_proc_exit(f.proc)->code, 0);
        }
        end(&f);
    }
}

static void whole_reply_wins_over_the_end_of_its_sender(void **state) {
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct fake f = start("exit-after-ready:4");
        assert_int_equal(f.reply.status, 200);
        assert_string_equal(sb_buf_str(&f.reply.body), "{\"status\":\"ok\"}");
        sb_proc_wait(f.proc, FOREVER, -1);
        assert_int_equal(sb_proc_exit(f.proc)->code, 4);
        /* And then it is gone, which is more than that nobody listens. */
        assert_int_equal(request(&f, "/health", NULL, FOREVER, -1), SB_HTTP_CHILD_EXITED);
        end(&f);
    }
}

static void loading_server_answers_503(void **state) {
    (void)state;
    struct fake f = start("never-ready");
    assert_int_equal(f.reply.status, 503);
    assert_non_null(strstr(sb_buf_str(&f.reply.body), "Loading model"));
    end(&f);
}

static void signal_ends_a_request(void **state) {
    (void)state;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC);
    struct fake f = start("hang");
    raise(SIGUSR1);
    assert_int_equal(request(&f, "/completion", PROMPT, FOREVER, fd), SB_HTTP_SIGNAL);
    assert_string_equal(f.reply.error, "/completion: interrupted");
    struct signalfd_siginfo info;
    assert_int_equal(read(fd, &info, sizeof info), sizeof info); /* it was left pending */
    close(fd);
    end(&f);
}

/* ---- a server that says exactly this ------------------------------------------------------ */

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

/* The server's side of it: nobody is answered before all are there. The last one to come is answered
 * first, the first not at all. */
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

static void free_port_is_free(void **state) {
    (void)state;
    int port = sb_http_free_port();
    assert_in_range(port, 1024, 65535);
    char *url = sb_asprintf("http://127.0.0.1:%d", port);
    struct sb_http *h = sb_http_new(&(struct sb_http_server){url, NULL, NULL});
    free(url);
    struct sb_http_reply reply = {.body.limit = 100};
    struct sb_http_request req = {.path = "/"};
    struct sb_http_watch watch = {.timeout_s = 5, .child_fd = -1, .signal_fd = -1};
    assert_int_equal(sb_http_request(h, &req, &watch, &reply), SB_HTTP_REFUSED);
    assert_memory_equal(reply.error, "/: connection refused", 21);
    sb_http_free(h);
    sb_http_free(NULL);
}

/* ---- the rest ----------------------------------------------------------------------------- */

static int nothing_is_left_running(void **state) {
    (void)state;
    return waitpid(-1, NULL, WNOHANG) == -1 ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_come_whole),
        cmocka_unit_test(large_request_and_reply),
        cmocka_unit_test(key_is_sent),
        cmocka_unit_test(proxies_are_ignored),
        cmocka_unit_test(what_goes_wrong_is_told_apart),
        cmocka_unit_test(whole_reply_wins_over_the_end_of_its_sender),
        cmocka_unit_test(loading_server_answers_503),
        cmocka_unit_test(signal_ends_a_request),
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
        cmocka_unit_test(free_port_is_free),
    };
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* so that whatever is left comes to us */
    int fd = mkstemp(model);
    if (fd < 0 || write(fd, "GGUF", 4) != 4)
        return 1;
    close(fd);
    int failed = cmocka_run_group_tests(tests, NULL, nothing_is_left_running);
    unlink(model);
    return failed;
}
