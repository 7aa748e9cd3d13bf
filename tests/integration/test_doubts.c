/* What happens around a measurement, and what is then not believed, or believed all the same. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "box.h"

enum { RUNS = 2 };

static void stop_for_a_while(pid_t pid) {
    kill(pid, SIGSTOP);
    usleep(300000);
    kill(pid, SIGCONT);
}

static int measured(const struct sb_cell *c, bool valid) {
    int n = 0;
    for (size_t i = 0; i < c->n_runs; i++)
        n += !c->runs[i].warmup && c->runs[i].valid == valid;
    return n;
}

static void a_load_in_which_we_were_stopped_has_no_time(void **state) {
    (void)state;
    BOX_CONFIG("", {"b", "env = FAKE_MODE=slow-load:2\n"});
    pid_t pid = box_start(ARGS(STRATOBENCH, MEASURE));
    while (access("a.logs/m--b--1.log", F_OK) != 0)
        usleep(1000);
    usleep(200000);
    stop_for_a_while(pid);
    assert_int_equal(box_wait(pid), 0);
    const struct sb_cell *c = box_cell("m", "b");
    box_expect_status(c, "ok");
    assert_int_equal(c->n_launches, 1);
    assert_true(isnan(c->launches[0].load_s) && isnan(c->load_s));
    assert_true(isnan(c->launches[0].wall_s));
    assert_int_equal(measured(c, true), RUNS);
}

static void a_run_in_which_we_were_stopped_is_made_again(void **state) {
    (void)state;
    /* The first request, the warm-up, is quick; of the others each takes a second. */
    BOX_CONFIG("", {"b", "env = FAKE_PP=20000,10\n"});
    pid_t pid = box_start(ARGS(STRATOBENCH, MEASURE));
    box_await("a.logs/m--b--1.log", "task 1 ");
    usleep(300000);
    stop_for_a_while(pid);
    assert_int_equal(box_wait(pid), 0);
    const struct sb_cell *c = box_cell("m", "b");
    box_expect_status(c, "ok");
    assert_int_equal(measured(c, false), 1);
    assert_int_equal(measured(c, true), RUNS);
    for (size_t i = 0; i < c->n_runs; i++)
        if (!c->runs[i].valid)
            assert_string_equal(c->runs[i].reason,
                                "stratobench or the machine was stopped meanwhile");
    assert_true(isfinite(c->launches[0].load_s));
}

static void failed_replies_are_counted(void **state) {
    (void)state;
    BOX_CONFIG("", {"b", "env = FAKE_MODE=http-500\nenv = FAKE_FROM=3\nenv = FAKE_TIMES=2\n"});
    assert_int_equal(SB(MEASURE), 0);
    const struct sb_cell *c = box_cell("m", "b");
    assert_int_equal(measured(c, true), RUNS);
    assert_int_equal(c->launches[0].failed_replies, 2);
    box_has(box_row("b"), "asked again after 2 failed replies");
}

/* 5000 tok/s of a model of 300 KB are more than 1 GB/s can read. */
static void drafted_tokens_have_no_bandwidth_limit(void **state) {
    (void)state;
    BOX_CONFIG("bandwidth = 1\n", {"plain", ""}, {"drafting", "env = FAKE_MODE=drafts\n"});
    assert_int_equal(SB(MEASURE), 1);
    box_expect_status(box_cell("m", "plain"), "invalid");
    box_expect_status(box_cell("m", "drafting"), "ok");
    assert_true(isnan(box_cell("m", "drafting")->tg_limit_share));
    box_has(box_row("drafting"), "60 % of 200 drafted tokens accepted");
}

/* The packaged build loads a draft model that it is given without a type, and never drafts. */
static void who_asks_for_drafts_and_gets_none_is_invalid(void **state) {
    (void)state;
    BOX_CONFIG("", {"loaded", "args = -md m.gguf\n"}, {"draft", "draft = m.gguf\n"},
               {"text", "spec = ngram-mod\n"}, {"plain", ""},
               {"drafting", "draft = m.gguf\nenv = FAKE_MODE=drafts\n"});
    assert_int_equal(SB(MEASURE), 1);
    box_has(box_row("loaded"), "INVALID: drafted nothing");
    box_has(box_row("draft"), "INVALID: drafted nothing");
    box_expect_ok("m", "text");
    box_has(box_row("text"), "found nothing to draft");
    box_expect_ok("m", "plain");
    box_has_not(box_row("plain"), "draft");
    box_expect_ok("m", "drafting");
    box_has(box_read("a.md"), "**Speculative decoding:**");
    box_has(box_read("a.md"), "| drafting | 100.0 | 60 % |");
    box_has(box_read("a.md"), "| text | 0.0 | — | 1.00 |");
}

static void copy(const char *from, const char *to) {
    assert_int_equal(box_run(ARGS("cp", "--remove-destination", from, to)), 0);
}

/* Replaces it while launch 1 is measured: the warm-up is quick, of the runs each takes half a
 * second. */
static void measure_and_replace(const char *file, const char *lines) {
    char *backend = box_text("%senv = FAKE_PP=20000,20\n", lines);
    BOX_CONFIG("launches = 2\n", {"b", backend});
    pid_t pid = box_start(ARGS(STRATOBENCH, MEASURE));
    box_await("a.logs/m--b--1.log", "task 1 ");
    copy(file, "copy");
    assert_int_equal(rename("copy", file), 0);
    assert_int_equal(box_wait(pid), 1);
    box_expect_status(box_cell("m", "b"), "invalid");
}

static void a_model_replaced_meanwhile_has_no_mean(void **state) {
    (void)state;
    measure_and_replace("m.gguf", "");
    assert_string_equal(box_cell("m", "b")->reason, "model file changed during the cell");
    box_has(box_cell("m", "b")->detail, "m.gguf is another file now");
    box_has(box_row("b"), "INVALID: model file changed during the cell");
}

/* A wrapper: what it runs is watched, not the shell. */
static void a_binary_replaced_meanwhile_has_no_mean(void **state) {
    (void)state;
    copy(FAKE, "server");
    box_write("wrapper", "#!/bin/sh\n./server \"$@\"\nexit $?\n");
    assert_int_equal(chmod("wrapper", 0755), 0);
    char *lines = box_text("server = ./wrapper\n");
    box_write("a.ini", "%s[backend b]\n%senv = FAKE_PP=20000,20\n[model m]\npath = m.gguf\n",
              box_bench("launches = 2\n"), lines);
    pid_t pid = box_start(ARGS(STRATOBENCH, MEASURE));
    box_await("a.logs/m--b--1.log", "task 1 ");
    copy("server", "copy");
    assert_int_equal(rename("copy", "server"), 0);
    assert_int_equal(box_wait(pid), 1);
    assert_string_equal(box_cell("m", "b")->reason, "server binary changed during the cell");
    box_has(box_cell("m", "b")->detail, "/server is another file now");
}

static void a_rebuild_of_the_same_version_is_measured_again(void **state) {
    (void)state;
    copy(FAKE, "server");
    box_write("a.ini", "%s[backend b]\nserver = ./server\n[model m]\npath = m.gguf\n",
              box_bench(""));
    assert_int_equal(SB(MEASURE), 0);
    box_has(box_cell("m", "b")->backend.server_build, "1 file, ");
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    box_has(box_read("err"), "1 of 1 cells kept");
    copy(FAKE, "server");
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    box_has_not(box_read("err"), "1 of 1 cells kept");
}

static void the_memory_of_a_wrapped_server_is_the_servers(void **state) {
    (void)state;
    box_write("wrapper", "#!/bin/sh\n" FAKE " \"$@\"\nexit $?\n");
    assert_int_equal(chmod("wrapper", 0755), 0);
    box_write(
        "a.ini",
        "%s[backend b]\nserver = ./wrapper\nenv = FAKE_MODE=eat-memory:64\nenv = FAKE_TIMES=1\n"
        "[model m]\npath = m.gguf\n",
        box_bench(""));
    assert_int_equal(SB(MEASURE), 0);
    assert_true(box_cell("m", "b")->launches[0].peak_rss_bytes > 64 << 20);
}

/* Answers every request on the port with 200, as a stranger would, and keeps what it was asked. */
static _Noreturn void rob(void) {
    int port = 0, on = 1;
    while (port == 0) {
        usleep(1000);
        port = atoi(box_read("port"));
    }
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), seen = open("seen", O_WRONLY | O_CREAT, 0600);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 8))
        _exit(1);
    for (;;) {
        static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        char text[4096];
        int client = accept(fd, NULL, NULL);
        ssize_t n = recv(client, text, sizeof text, 0);
        if (n > 0 && (write(seen, text, (size_t)n) < 0 || send(client, ok, sizeof ok - 1, 0) < 0))
            _exit(1);
        close(client);
    }
}

static void a_thief_of_the_port_is_shown_no_key(void **state) {
    (void)state;
    BOX_CONFIG("", {"b", "env = FAKE_MODE=robbed:port\n"});
    pid_t thief = fork();
    if (thief == 0)
        rob();
    int code = SB(MEASURE);
    kill(thief, SIGKILL);
    waitpid(thief, NULL, 0);
    assert_int_equal(code, 0); /* on another port */
    box_expect_ok("m", "b");
    box_has(box_read("seen"), "GET /health");
    box_has_not(box_read("seen"), "Authorization");
    box_has_not(box_read("seen"), "/props");
}

/* What ps shows to every user of the machine. */
static void neither_key_nor_alias_is_on_the_command_line(void **state) {
    (void)state;
    BOX_CONFIG("", {"b", ""});
    assert_int_equal(SB(MEASURE), 0);
    const struct sb_cell *c = box_cell("m", "b");
    for (size_t i = 0; i < c->backend.argv.n; i++) {
        assert_string_not_equal(c->backend.argv.item[i], "--alias");
        box_has_not(c->backend.argv.item[i], "stratobench-");
        box_has_not(c->backend.argv.item[i], "key");
    }
}

/* Runs of half a second, and another program that computes meanwhile. */
static void other_work_on_the_machine_is_told(void **state) {
    (void)state;
    BOX_CONFIG("", {"b", "env = FAKE_PP=20000,15\n"});
    pid_t other = fork();
    if (other == 0)
        for (volatile unsigned long n = 0;; n++)
            continue;
    int code = SB(MEASURE);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    assert_int_equal(code, 0);
    const struct sb_launch *l = &box_cell("m", "b")->launches[0];
    assert_true(l->other_cores > 0.25 && l->cores >= 1);
    assert_true(sb_strv_has(&box_cell("m", "b")->flags, "BUSY"));
    box_has(box_read("a.md"), box_text("other processes used %.1f of %lld cores in launch 1",
                                       l->other_cores, l->cores));
}

/* Also one that was allowed beside others: the next one is told. */
static void another_measurement_is_named(void **state) {
    (void)state;
    BOX_CONFIG("", {"b", "env = FAKE_PP=20000,5\n"});
    pid_t pid = box_start(ARGS(STRATOBENCH, MEASURE));
    box_await("a.logs/m--b--1.log", "task 1 ");
    char *who = box_text("this machine is held for measuring by pid %d of uid %d (", (int)pid,
                         (int)getuid());
    assert_int_equal(SB("run", "a.ini", "-o", "b"), 2);
    box_has(box_read("err"), who);
    box_has(box_read("err"), "wait for it, or say --allow-concurrent");
    assert_int_not_equal(access("b.json", F_OK), 0);
    kill(pid, SIGTERM);
    assert_int_equal(box_wait(pid), 128 + SIGTERM);
}

static void a_link_in_the_place_of_a_log_is_not_followed(void **state) {
    (void)state;
    BOX_CONFIG("", {"b", ""}, {"c", ""});
    box_write("victim", "precious");
    assert_int_equal(mkdir("a.logs", 0755), 0);
    assert_int_equal(symlink("../victim", "a.logs/m--b--1.log"), 0);
    assert_int_equal(SB(MEASURE), 1);
    assert_string_equal(box_read("victim"), "precious");
    box_expect_status(box_cell("m", "b"), "failed");
    assert_string_equal(box_cell("m", "b")->reason, "server cannot be started");
    box_has(box_cell("m", "b")->detail, "cannot write ");
    box_expect_ok("m", "c");
    unlink("a.logs/m--b--1.log");
}

static void a_log_folder_that_vanished_is_made_again(void **state) {
    (void)state;
    BOX_CONFIG("launches = 2\n", {"b--c", "env = FAKE_PP=20000,20\n"});
    pid_t pid = box_start(ARGS(STRATOBENCH, MEASURE));
    box_await("a.logs/m--b--c--cell1--1.log", "task 1 "); /* else it could be m--b's on c */
    assert_int_equal(box_run(ARGS("rm", "-r", "a.logs")), 0);
    assert_int_equal(box_wait(pid), 0);
    box_expect_status(box_cell("m", "b--c"), "ok");
    box_has(box_read("a.logs/m--b--c--cell1--2.log"), "model loaded");
}

static void what_cannot_run_says_where_it_was_looked_for(void **state) {
    (void)state;
    box_write("lonely", "#!/bin/sh\n");
    box_write("a.ini",
              "%s[backend b]\nserver = lonely\n[backend r]\nserver = " FAKE
              "\ndevice = ROCm0\nenv = FAKE_DEVICES=\n[model m]\npath = m.gguf\n",
              box_bench(""));
    assert_int_equal(SB("run", "--allow-concurrent", "a.ini"), 1);
    const char *detail = box_cell("m", "b")->detail;
    box_has(detail, "cannot run lonely: it is not on PATH (");
    box_has(detail, "; there is a ./lonely: to mean that, write ./lonely");
    box_has(box_cell("m", "r")->detail,
            "this binary lists: none; it said: ggml_cuda_init: failed to initialize ROCm: no "
            "ROCm-capable device");
}

/* A counter of the package, read at both edges of each run: what it counts in between is nobody's. */
static void energy_is_counted_from_edge_to_edge(void **state) {
    (void)state;
    enum { START_J = 123456 };
    BOX_CONFIG("", {"a", "device = none\n"});
    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("none", "/sys/class", "tmpfs", 0, NULL))
        skip(); /* only root may */
    assert_int_equal(mkdir("/sys/class/powercap", 0755), 0);
    assert_int_equal(mkdir("/sys/class/powercap/intel-rapl:0", 0755), 0);
    box_write("/sys/class/powercap/intel-rapl:0/name", "package-0\n");
    int fd =
        open("/sys/class/powercap/intel-rapl:0/energy_uj", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    pid_t pid = box_start(ARGS(STRATOBENCH, MEASURE));
    siginfo_t ended = {0};
    long long uj = START_J * 1000000LL;
    for (; ended.si_pid == 0; uj += 1000, usleep(100)) {
        char *text = box_text("%lld\n", uj);
        assert_int_equal(pwrite(fd, text, strlen(text), 0), strlen(text));
        assert_int_equal(waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG | WNOWAIT), 0);
    }
    close(fd);
    int rc = box_wait(pid);
    assert_int_equal(umount("/sys/class"), 0);
    assert_int_equal(rc, 0);
    const struct sb_launch *l = box_cell("m", "a")->launches;
    assert_true(l->energy_j > 0);
    assert_true(l->energy_j < (double)uj / 1e6 - START_J);
    assert_true(l->energy_tok_per_j > 0);
    assert_int_equal(SB(MEASURE, "--force"), 0);
    assert_true(isnan(box_cell("m", "a")->launches->energy_j) ||
                access("/sys/class/powercap", F_OK) == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BOX(a_load_in_which_we_were_stopped_has_no_time),
        IN_BOX(a_run_in_which_we_were_stopped_is_made_again),
        IN_BOX(failed_replies_are_counted),
        IN_BOX(drafted_tokens_have_no_bandwidth_limit),
        IN_BOX(who_asks_for_drafts_and_gets_none_is_invalid),
        IN_BOX(a_model_replaced_meanwhile_has_no_mean),
        IN_BOX(a_binary_replaced_meanwhile_has_no_mean),
        IN_BOX(a_rebuild_of_the_same_version_is_measured_again),
        IN_BOX(the_memory_of_a_wrapped_server_is_the_servers),
        IN_BOX(a_thief_of_the_port_is_shown_no_key),
        IN_BOX(neither_key_nor_alias_is_on_the_command_line),
        IN_BOX(other_work_on_the_machine_is_told),
        IN_BOX(another_measurement_is_named),
        IN_BOX(a_link_in_the_place_of_a_log_is_not_followed),
        IN_BOX(a_log_folder_that_vanished_is_made_again),
        IN_BOX(what_cannot_run_says_where_it_was_looked_for),
        IN_BOX(energy_is_counted_from_edge_to_edge),
    };
    return BOX_RUN(tests);
}
