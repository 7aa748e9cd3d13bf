/* Servers that others run: asked, named, never changed, and no other one in their place. */
#include <sys/stat.h>
#include <sys/wait.h>

#include "url_box.h"

/* ---- what is measured ------------------------------------------------------------------------ */

static void a_server_that_runs_is_measured_and_left_alone(void **state) {
    (void)state;
    struct other o = start_server(NULL, NULL);
    write_config(&o, "notes = lent\n", "path = m.gguf");
    assert_int_equal(SB("check", "a.ini"), 0);
    box_has(box_read("out"), "llama-server b11669-fake, not ours\n");
    box_has(box_read("out"), "model m, context 512, 4 slots\n");
    box_has_not(box_read(o.log), "asked POST");
    assert_int_equal(SB(MEASURE), 0);
    expect_ok();
    const struct sb_cell *c = box_cell("m", "b");
    box_has(box_row("b"), "| b | — |");
    box_has(box_row("b"), "lent; not ours: device not proved");
    assert_string_equal(c->backend.url, box_text("http://127.0.0.1:%d", o.port));
    assert_string_equal(c->backend.server_version, "b11669-fake");
    assert_string_equal(sb_fact_text(c->backend.served, "model"), "m");
    assert_true(sb_fact_number(c->backend.served, "slots") == 4);
    box_has(box_read("a.md"), "llama-server b11669-fake at http://127");
    /* Nothing but questions, and it still runs. */
    char *asked = box_read(o.log);
    for (char *line; (line = strstr(asked, "asked ")); asked = line + 1)
        if (strncmp(line, "asked GET ", 10) != 0 &&
            strncmp(line, "asked POST /tokenize ", 21) != 0 &&
            strncmp(line, "asked POST /completion ", 23) != 0)
            fail_msg("%.80s", line);
    assert_int_equal(waitpid(o.pid, NULL, WNOHANG), 0);
    stop_server(&o);
}

/* This machine is not the one that computed: what its sensors and clocks say is no news of that. */
static void no_sensor_of_ours_speaks_of_it(void **state) {
    (void)state;
    struct other o = start_server(NULL, NULL);
    write_config(&o, "", "path = m.gguf");
    assert_int_equal(SB(MEASURE), 0);
    const struct sb_launch *l = &box_cell("m", "b")->launches[0];
    assert_true(l->peak_rss_bytes == -1 && l->cores == -1);
    assert_true(l->load_s != l->load_s && l->stop_s != l->stop_s &&
                l->cached_share != l->cached_share);
    assert_string_equal(l->host, "127.0.0.1");
    stop_server(&o);
}

static void answers_and_turns_are_asked_of_it_too(void **state) {
    (void)state;
    struct other o = start_server(NULL, NULL);
    box_write("p.txt", "one two three four five six seven eight nine ten eleven twelve\n");
    box_write("a.ini", "%s[backend b]\nurl = http://127.0.0.1:%d\n[model m]\nname = m\n",
              box_bench("answers = 4\nturns = 2\nturn_tokens = 4\ndepths = 0 20\n"), o.port);
    assert_int_equal(SB(MEASURE), 0);
    const struct sb_cell *c = box_cell("m", "b");
    expect_ok();
    assert_int_equal(c->n_turns, 6);
    assert_int_equal(c->n_points, 2);
    assert_int_equal(c->answers[0].n_positions, 4);
    stop_server(&o);
}

/* As many at once as it has slots. */
static void its_slots_are_measured_as_far_as_it_has_them(void **state) {
    (void)state;
    setenv("FAKE_TG", "50", 1);
    struct other o = start_server(NULL, NULL);
    unsetenv("FAKE_TG");
    box_write("a.ini", "%s[backend b]\nurl = http://127.0.0.1:%d\n[model m]\nname = m\n",
              box_bench("slots = 1 4\n"), o.port);
    assert_int_equal(SB(MEASURE), 0);
    expect_ok();
    const struct sb_cell *c = box_cell("m", "b");
    assert_int_equal(c->points[1].at.slots, 4);
    assert_int_equal(c->runs[c->n_runs - 1].n_each, 4);
    box_write("a.ini", "%s[backend b]\nurl = http://127.0.0.1:%d\n[model m]\nname = m\n",
              box_bench("slots = 1 8\n"), o.port);
    assert_int_equal(SB("check", "a.ini"), 1);
    box_has(box_read("out"), "server has 4 slots, not 8");
    stop_server(&o);
}

/* ---- its key ------------------------------------------------------------------------------- */

static void the_key_comes_from_the_environment_and_goes_nowhere_else(void **state) {
    (void)state;
    struct other o = start_server(NULL, "open-sesame");
    write_config(&o, "api_key_env = SHELF_KEY\n", "path = m.gguf");
    unsetenv("SHELF_KEY");
    assert_int_equal(SB("check", "a.ini"), 1);
    box_has(box_read("out"), "a.ini:11: the environment variable SHELF_KEY is not set");
    setenv("SHELF_KEY", "two\nlines", 1);
    assert_int_equal(SB("check", "a.ini"), 1);
    box_has(box_read("out"), "key cannot be sent");
    setenv("SHELF_KEY", "shut-sesame", 1);
    assert_int_equal(SB(MEASURE), 1);
    box_has(box_row("b"), "ERROR: server refuses the key (HTTP 401)");
    setenv("SHELF_KEY", "open-sesame", 1);
    assert_int_equal(SB(MEASURE, "--force"), 0);
    expect_ok();
    unsetenv("SHELF_KEY");
    assert_int_equal(system("! grep -r open-sesame a.* out err"), 0);
    write_config(&o, "", "path = m.gguf");
    assert_int_equal(SB("check", "a.ini"), 1);
    box_has(box_read("out"), "server wants a key (HTTP 401)");
    stop_server(&o);
}

static void a_server_that_repeats_the_key_is_not_quoted(void **state) {
    (void)state;
    struct other o = start_server("echo-key", NULL);
    write_config(&o, "api_key_env = SHELF_KEY\n", "path = m.gguf");
    setenv("SHELF_KEY", "open-sesame", 1);
    assert_int_equal(SB(MEASURE), 1);
    unsetenv("SHELF_KEY");
    assert_string_not_equal(box_cell("m", "b")->detail, "");
    box_has(box_cell("m", "b")->detail, "who is ***********?");
    assert_int_equal(system("! grep -r open-sesame a.* out err"), 0);
    stop_server(&o);
}

/* ---- which model ---------------------------------------------------------------------------- */

static void a_router_is_asked_by_name(void **state) {
    (void)state;
    struct other o = start_server("several", NULL);
    write_config(&o, "", "path = m.gguf");
    assert_int_equal(SB("check", "a.ini"), 1);
    box_has(box_read("out"), "server has several models");
    box_has(box_read("out"), "has the models: other, m; say with `name` which is meant");
    write_config(&o, "", "path = m.gguf\nname = n");
    assert_int_equal(SB("check", "a.ini"), 1);
    box_has(box_read("out"), "server has no model n");
    write_config(&o, "", "name = m");
    assert_int_equal(SB("check", "a.ini"), 0);
    box_has(box_read("out"), "a router, not ours\n    model m, loaded when it is asked for");
    box_has_not(box_read(o.log), "model=");
    assert_int_equal(SB(MEASURE), 0);
    expect_ok();
    assert_string_equal(sb_fact_text(box_cell("m", "b")->backend.served, "role"), "router");
    stop_server(&o);
}

static void a_server_with_another_model_is_not_measured(void **state) {
    (void)state;
    struct other o = start_server("params:7", NULL);
    write_config(&o, "", "path = m.gguf");
    assert_int_equal(SB("check", "a.ini"), 1);
    assert_int_equal(SB(MEASURE), 1);
    box_has(box_row("b"), "ERROR: server holds another model");
    stop_server(&o);
    o = start_server("wrong-model", NULL); /* the file is elsewhere: its name must do */
    write_config(&o, "", "path = elsewhere/m.gguf");
    assert_int_equal(SB("check", "a.ini"), 1);
    box_has(box_read("out"), "holds /other.gguf, not");
    stop_server(&o);
}

static void a_model_whose_file_is_elsewhere_is_measured(void **state) {
    (void)state;
    struct other o = start_server(NULL, NULL);
    write_config(&o, "", "path = elsewhere/m.gguf");
    assert_int_equal(SB("check", "a.ini"), 0);
    box_has(box_read("out"), "warning: the server's model is known by its name alone");
    assert_int_equal(SB(MEASURE), 0);
    expect_ok();
    stop_server(&o);
}

/* ---- how it is ------------------------------------------------------------------------------- */

static void a_sleeper_is_told_of_and_woken_by_the_run_alone(void **state) {
    (void)state;
    struct other o = start_server("asleep", NULL);
    write_config(&o, "", "path = m.gguf");
    assert_int_equal(SB("check", "a.ini"), 0);
    box_has(box_read("out"), "warning: the server sleeps");
    assert_int_equal(SB("check", "a.ini"), 0);
    box_has(box_read("out"), "warning: the server sleeps");
    assert_int_equal(SB(MEASURE), 0);
    box_has(box_row("b"), "was asleep, woken by us");
    stop_server(&o);
}

static void what_it_refuses_with_is_said(void **state) {
    static const char *const refusals[][2] = {
        {"status:429", "ERROR: server is busy (HTTP 429)"},
        {"status:503", "ERROR: server is not ready (HTTP 503)"},
        {"status:404", "ERROR: server has no such path (HTTP 404)"},
        {"never-ready", "ERROR: server is not ready (HTTP 503)"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct other o = start_server(refusals[i][0], NULL);
        write_config(&o, "", "path = m.gguf");
        assert_int_equal(SB(MEASURE, "--force"), 1);
        box_has(box_row("b"), refusals[i][1]);
        stop_server(&o);
    }
    struct other none = {.port = sb_http_free_port()};
    write_config(&none, "", "path = m.gguf");
    assert_int_equal(SB("check", "a.ini"), 1);
    box_has(box_read("out"), "no connection");
    box_has(box_read("out"), box_text("a.ini:11: http://127.0.0.1:%d: ", none.port));
    box_has_not(box_read("out"), "slot");
}

static void nobody_is_sent_elsewhere(void **state) {
    (void)state;
    struct other good = start_server(NULL, NULL);
    struct other o = start_server(box_text("redirect:%d", good.port), NULL);
    write_config(&o, "", "path = m.gguf");
    assert_int_equal(SB(MEASURE), 1);
    box_has(box_row("b"), "ERROR: server leads elsewhere, where we do not go (HTTP 302)");
    box_has_not(box_read(good.log), "asked");
    stop_server(&o);
    stop_server(&good);
}

static void a_proxy_of_the_environment_is_not_used(void **state) {
    (void)state;
    struct other good = start_server(NULL, NULL), proxy = start_server("status:502", NULL);
    char *url = box_text("http://127.0.0.1:%d", proxy.port);
    write_config(&good, "", "path = m.gguf");
    setenv("http_proxy", url, 1);
    setenv("ALL_PROXY", url, 1);
    int code = SB("check", "a.ini");
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    assert_int_equal(code, 0);
    box_has_not(box_read(proxy.log), "asked");
    stop_server(&good);
    stop_server(&proxy);
}

/* ---- a server that changes ------------------------------------------------------------------- */

static void a_server_that_ends_meanwhile_is_no_death_of_ours(void **state) {
    (void)state;
    struct other o = start_server("exit-in-run:3", NULL);
    write_config(&o, "", "path = m.gguf");
    assert_int_equal(SB(MEASURE), 1);
    box_has(box_row("b"), "ERROR: no connection");
    box_wait(o.pid);
}

static void launches_on_two_servers_have_no_mean(void **state) {
    (void)state;
    struct other o = start_server(NULL, NULL);
    box_write("a.ini",
              "%s[backend b]\nurl = http://127.0.0.1:%d\nbefore = sh restart\n"
              "[model m]\npath = m.gguf\n",
              box_bench("launches = 2\n"), o.port);
    box_write("restart", "[ -e begun ] || { touch begun; exit 0; }\ntouch ended\n"
                         "until [ -e restarted ]; do sleep 0.02; done\n");
    pid_t pid = box_start(ARGS(STRATOBENCH, MEASURE));
    for (double end_s = sb_now_s() + PATIENCE_S; access("ended", F_OK) != 0; usleep(2000))
        assert_true(sb_now_s() < end_s);
    stop_server(&o);
    char *words = box_text(
        "exec " FAKE " -m m.gguf -c 1024 -np 4 --alias m --port %d >second.log 2>&1", o.port);
    o.pid = box_start(ARGS("sh", "-c", words));
    box_await("second.log", "listening on");
    box_write("restarted", "%s", "");
    assert_int_equal(box_wait(pid), 1);
    box_has(box_row("b"), "INVALID: server changed during the cell (ctx)");
    stop_server(&o);
}

static void resume_keeps_what_the_same_server_gave(void **state) {
    (void)state;
    struct other o = start_server(NULL, NULL), p = start_server(NULL, NULL);
    write_config(&o, "", "path = m.gguf");
    assert_int_equal(SB(MEASURE), 0);
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    box_has(box_read("err"), "1 of 1 cells kept");
    write_config(&p, "", "path = m.gguf");
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    box_has_not(box_read("err"), "1 of 1 cells kept");
    assert_string_equal(box_cell("m", "b")->backend.url, box_text("http://127.0.0.1:%d", p.port));
    stop_server(&o);
    stop_server(&p);
}

/* ---- beside others ---------------------------------------------------------------------------- */

/* A server of ours and one of others are on two machines, for all we know. */
static void it_is_not_ranked_against_this_machine(void **state) {
    (void)state;
    struct other o = start_server(NULL, NULL);
    box_write("a.ini",
              "%s[backend b]\nurl = http://127.0.0.1:%d\n[backend own]\nserver = " FAKE
              "\n[model m]\npath = m.gguf\n",
              box_bench(""), o.port);
    assert_int_equal(SB(MEASURE), 0);
    box_has(box_read("a.md"), "T (127.0.0.1)");
    box_has(box_read("a.md"), "127.0.0.1, not looked at");
    assert_int_equal(SB("rank", "a.json"), 0);
    box_has(box_read("out"), "nothing to rank");
    stop_server(&o);
}

static void no_job_of_a_cluster_is_made_of_it(void **state) {
    (void)state;
    box_write("a.ini", "%s[backend b]\nurl = http://x:1\n[model m]\nname = m\n", box_bench(""));
    assert_int_equal(SB("k8s", "a.ini"), 2);
    box_has(box_read("err"), "a.ini:10: [backend b] is a server that runs already");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BOX(a_server_that_runs_is_measured_and_left_alone),
        IN_BOX(no_sensor_of_ours_speaks_of_it),
        IN_BOX(answers_and_turns_are_asked_of_it_too),
        IN_BOX(its_slots_are_measured_as_far_as_it_has_them),
        IN_BOX(the_key_comes_from_the_environment_and_goes_nowhere_else),
        IN_BOX(a_server_that_repeats_the_key_is_not_quoted),
        IN_BOX(a_router_is_asked_by_name),
        IN_BOX(a_server_with_another_model_is_not_measured),
        IN_BOX(a_model_whose_file_is_elsewhere_is_measured),
        IN_BOX(a_sleeper_is_told_of_and_woken_by_the_run_alone),
        IN_BOX(what_it_refuses_with_is_said),
        IN_BOX(nobody_is_sent_elsewhere),
        IN_BOX(a_proxy_of_the_environment_is_not_used),
        IN_BOX(a_server_that_ends_meanwhile_is_no_death_of_ours),
        IN_BOX(launches_on_two_servers_have_no_mean),
        IN_BOX(resume_keeps_what_the_same_server_gave),
        IN_BOX(it_is_not_ranked_against_this_machine),
        IN_BOX(no_job_of_a_cluster_is_made_of_it),
    };
    return BOX_RUN(tests);
}
