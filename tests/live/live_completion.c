/* What the harness's own requests never do, done to a real server: each is refused by the check
 * that guards it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "stratobench/bench.h"
#include "stratobench/server.h"

enum { CTX = 256, TIMEOUT_S = 120, N_PROMPT = 100 };

struct server {
    struct sb_llama_build build;
    struct sb_server_spec spec;
    struct sb_server *server;
    int tokens[CTX];
};

static char folder[] = "/tmp/stratobench-live-XXXXXX";

static char *write_model(const char *name, const char *option) {
    char *path = sb_asprintf("%s/%s.gguf", folder, name);
    const char *argv[] = {
        getenv("MAKE_GGUF"), "-o", path, "--layers", "2", "--embd", "64", option, NULL};
    struct sb_buf out = SB_BUF_INIT(1000), err = SB_BUF_INIT(1000), error = SB_BUF_INIT(1000);
    struct sb_exit how;
    assert_non_null(argv[0]);
    struct sb_proc_spec spec = {.argv = argv};
    if (sb_proc_capture(&spec, NULL, 60, -1, &out, &err, &how, &error) < 0 || how.code != 0)
        fail_msg("%s%s", sb_buf_str(&err), sb_buf_str(&error));
    sb_buf_release(&out);
    sb_buf_release(&err);
    return path;
}

static void start(struct server *s, const char *model_option) {
    struct sb_strv command = {0}, env = {0};
    struct sb_llama_failure failure = {0};
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    sb_strv_add(&command, getenv("LLAMA_SERVER"));
    if (sb_llama_probe(&(struct sb_llama_asked){&command, &env, NULL, -1}, &s->build, &error) < 0)
        fail_msg("%s", sb_buf_str(&error));
    sb_strv_release(&command);
    s->spec = (struct sb_server_spec){
        .build = &s->build,
        .launch = {.model_path = write_model("model", model_option), .device = "none", .ctx = CTX},
        .log_path = sb_asprintf("%s/log", folder),
        .load_timeout_s = TIMEOUT_S,
        .signal_fd = -1};
    s->server = sb_server_new(&s->spec);
    double load_s;
    if (sb_server_start(s->server, &load_s, &failure) < 0)
        fail_msg("%s: %s", failure.reason, failure.detail);
    for (int i = 0; i < CTX; i++)
        s->tokens[i] = 300 + i;
}

static int start_plain(void **state) {
    start(*state = sb_alloc(1, sizeof(struct server)), NULL);
    return 0;
}

static int start_eos_first(void **state) {
    start(*state = sb_alloc(1, sizeof(struct server)), "--eos-first");
    return 0;
}

static int stop(void **state) {
    struct server *s = *state;
    sb_server_free(s->server);
    sb_llama_build_release(&s->build);
    free((char *)s->spec.launch.model_path);
    free((char *)s->spec.log_path);
    free(s);
    return 0;
}

/* Sends it and returns what the harness says of the run: "valid", or the reason. */
static char *verdict(struct server *s, const struct sb_llama_completion *c) {
    struct sb_llama_reply t;
    struct sb_llama_failure failure = {0};
    if (sb_llama_complete(sb_server_endpoint(s->server), c, TIMEOUT_S, &t, &failure) < 0) {
        char *reason = sb_asprintf("%s: %s", failure.reason, failure.detail);
        sb_llama_failure_release(&failure);
        return reason;
    }
    struct sb_run r = sb_run_empty();
    r.prompt_n = t.prompt_n;
    r.cache_n = t.cache_n;
    r.prompt_ms = t.prompt_ms;
    r.predicted_n = t.predicted_n;
    r.predicted_ms = t.predicted_ms;
    r.wall_ms = t.wall_ms;
    r.stop_type = t.stop_type; /* stays t's */
    sb_run_speeds(&r);
    struct sb_expectation want = {.prompt_n = (long long)c->n_tokens, .n_predict = c->n_predict};
    char text[128];
    const char *why = sb_run_check(&r, &want, t.truncated, text, sizeof text);
    char *copy = sb_strdup(why ? why : "valid");
    sb_llama_reply_release(&t);
    return copy;
}

static void expect(struct server *s, struct sb_llama_completion c, const char *want) {
    c.tokens = s->tokens;
    char *got = verdict(s, &c);
    printf("%s\n", got);
    assert_string_equal(got, want);
    free(got);
}

static const struct sb_llama_completion usual = {
    .n_tokens = N_PROMPT, .n_predict = 8, .ignore_eos = true};

static void a_prompt_out_of_the_cache(void **state) {
    struct sb_llama_completion cached = usual;
    cached.cache_prompt = true;
    expect(*state, usual, "valid");
    expect(*state, cached, "99 prompt tokens came from the cache, not 0");
    expect(*state, usual, "valid");
}

static void one_token(void **state) {
    struct sb_llama_completion c = usual;
    c.n_predict = 1;
    expect(*state, c, "one generated token has no speed");
}

static void more_than_the_context(void **state) {
    struct sb_llama_completion c = usual;
    c.n_predict = CTX;
    expect(*state, c, "generation was cut by the context");
    c.n_tokens = CTX;
    expect(*state, c,
           "HTTP 400: request (256 tokens) exceeds the available context size (256 tokens), try "
           "increasing it");
}

static void an_early_end(void **state) {
    struct sb_llama_completion c = usual;
    expect(*state, c, "valid"); /* a model that would end at once does not: ignore_eos */
    c.ignore_eos = false;
    expect(*state, c, "1 tokens generated, not 8 (stop: eos)");
}

int main(void) {
    if (!getenv("LLAMA_SERVER") || !mkdtemp(folder))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_prompt_out_of_the_cache, start_plain, stop),
        cmocka_unit_test_setup_teardown(one_token, start_plain, stop),
        cmocka_unit_test_setup_teardown(more_than_the_context, start_plain, stop),
        cmocka_unit_test_setup_teardown(an_early_end, start_eos_first, stop),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (size_t i = 0; i < 2; i++) {
        char *path = sb_asprintf("%s/%s", folder, i ? "log" : "model.gguf");
        unlink(path);
        free(path);
    }
    rmdir(folder);
    return failed;
}
