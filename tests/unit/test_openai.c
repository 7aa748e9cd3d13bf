/* /v1/completions as a stream: what is read of it, and when that came. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stratobench/llama.h"

#define TOKEN(text) "data: {\"choices\":[{\"text\":\"" text "\",\"finish_reason\":null}]}\n\n"
#define LAST(why)   "data: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"" why "\"}]}\n\n"
#define USAGE(n)                                                                                   \
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":" #n "}}\n\n"

enum { PARTS = 6 };

/* What came, a part every 10 ms from 110 on; the request was sent at 5. */
static int parse(const char *const *parts, struct sb_llama_reply *ret, struct sb_buf *error) {
    struct sb_http_stamp stamps[PARTS];
    struct sb_http_reply reply = {
        .body = SB_BUF_INIT(10000), .sent_ms = 5, .wall_ms = 200, .stamps = stamps};
    for (size_t i = 0; parts[i]; i++) {
        sb_buf_adds(&reply.body, parts[i]);
        stamps[reply.n_stamps++] = (struct sb_http_stamp){reply.body.len, 110 + 10 * (double)i};
    }
    int rc = sb_llama_parse_openai(&reply, ret, error);
    sb_buf_release(&reply.body);
    return rc;
}
#define STREAM(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct sb_llama_reply good(const char *const *parts) {
    struct sb_llama_reply r;
    struct sb_buf error = SB_BUF_INIT(200);
    assert_int_equal(parse(parts, &r, &error), 0);
    return r;
}

static void times_are_of_the_first_token_and_the_last(void **state) {
    (void)state;
    struct sb_llama_reply r = good(
        STREAM(": ping\n\n", TOKEN("a"), TOKEN("b"), LAST("length"), USAGE(3) "data: [DONE]\n\n"));
    assert_true(r.prompt_ms == 120 - 5 && r.predicted_ms == 140 - 120 && r.wall_ms == 200);
    assert_int_equal(r.prompt_n, 100);
    assert_int_equal(r.predicted_n, 3);
    assert_int_equal(r.cache_n, -1);
    assert_int_equal(r.n_events, 3);
    assert_int_equal(r.n_pieces, 3);
    assert_string_equal(r.stop_type, "limit");
    sb_llama_reply_release(&r);
}

/* An event is there when its end is; what comes at once is one piece. */
static void an_event_may_come_in_parts(void **state) {
    (void)state;
    struct sb_llama_reply r = good(STREAM("data: {\"choices\":[{\"te", "xt\":\"a\"}]}\r\n\r\n",
                                          TOKEN("b") TOKEN("c") LAST("stop"), USAGE(4)));
    assert_true(r.prompt_ms == 120 - 5 && r.predicted_ms == 10);
    assert_int_equal(r.n_events, 4);
    assert_int_equal(r.n_pieces, 2);
    assert_string_equal(r.stop_type, "stop");
    sb_llama_reply_release(&r);
}

static void what_was_cached_was_not_processed(void **state) {
    (void)state;
    struct sb_llama_reply r = good(STREAM(
        TOKEN("a"), LAST("length"),
        "data:{\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":2,\"prompt_tokens_details\":"
        "{\"cached_tokens\":64}}}\n\n"));
    assert_int_equal(r.cache_n, 64);
    assert_int_equal(r.prompt_n, 36);
    sb_llama_reply_release(&r);
    r = good(STREAM(TOKEN("a"), LAST("length"), "data: {\"usage\":null}\n\n"));
    assert_int_equal(r.prompt_n, -1);
    assert_int_equal(r.predicted_n, -1);
    sb_llama_reply_release(&r);
}

static void what_is_no_stream_is_refused(void **state) {
    static const struct {
        const char *part, *why;
    } cases[] = {
        {"", "no stream of tokens"},
        {"{\"choices\":[{\"text\":\"all\"}]}", "no stream of tokens"},
        {"<html>", "no stream of tokens"},
        {TOKEN("a") "data: {\"choi", "an event that is no JSON object"},
        {"data: [1]\n\n", "an event that is no JSON object"},
        {TOKEN("a") "data: {\"error\":{\"message\":\"out of\\u001b blocks\"}}\n\n",
         "out of\xef\xbf\xbd blocks"},
        {"data: {\"error\":7}\n\n", "an error"},
        {USAGE(3), "no stream of tokens"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sb_llama_reply r = {.n_events = 77};
        struct sb_buf error = SB_BUF_INIT(200);
        assert_int_equal(parse(STREAM(cases[i].part), &r, &error), -1);
        assert_string_equal(sb_buf_str(&error), cases[i].why);
        assert_int_equal(r.n_events, 77);
        sb_buf_release(&error);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_of_the_first_token_and_the_last),
        cmocka_unit_test(an_event_may_come_in_parts),
        cmocka_unit_test(what_was_cached_was_not_processed),
        cmocka_unit_test(what_is_no_stream_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
