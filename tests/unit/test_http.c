/* Requests to a server that answers, or not: the fake one, in each of its moods. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stratobench/sys.h"

#include "children.h"

static char model[] = "/tmp/test_http.XXXXXX";

struct fake {
    struct sb_proc *proc;
    struct sb_http *http;
    struct sb_http_reply reply;
};

static enum sb_http_result request(struct fake *f, const char *path, const char *body,
                                   double timeout_s, int signal_fd) {
    struct sb_http_request req = {.path = path, .body = body, .body_len = body ? strlen(body) : 0};
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
    int fd = signals(false);
    struct fake f = start("hang");
    raise(SIGUSR1);
    assert_int_equal(request(&f, "/completion", PROMPT, FOREVER, fd), SB_HTTP_SIGNAL);
    assert_string_equal(f.reply.error, "/completion: interrupted");
    assert_int_equal(close_signals(fd), 1); /* it was left pending */
    end(&f);
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

static int make_model(void **state) {
    int fd = mkstemp(model);
    bool made = fd >= 0 && write(fd, "GGUF", 4) == 4;
    close(fd);
    return made ? adopt_what_is_left(state) : -1;
}

static int remove_model(void **state) {
    (void)state;
    return unlink(model);
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
        cmocka_unit_test(free_port_is_free),
        cmocka_unit_test(nothing_is_left_running),
    };
    return cmocka_run_group_tests(tests, make_model, remove_model);
}
