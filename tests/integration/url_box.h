/* Somebody else's server, on this machine: the fake one. */
#ifndef STRATOBENCH_TEST_URL_BOX_H
#define STRATOBENCH_TEST_URL_BOX_H

#include <signal.h>

#include "box.h"
#include "stratobench/sys.h"

struct other {
    pid_t pid;
    int port;
    const char *log;
};

/* Starts one with that FAKE_MODE (NULL: it behaves) and key (NULL: none), and says where it is. */
static inline struct other start_server(const char *mode, const char *key) {
    static int n;
    struct other o = {.port = sb_http_free_port(), .log = box_text("other%d.log", ++n)};
    const char *modes = mode ? box_text("tell,%s", mode) : "tell";
    const char *words = box_text("FAKE_MODE=%s %s%s exec " FAKE
                                 " -m m.gguf -c 2048 -np 4 --alias m --port %d >%s 2>&1",
                                 modes, key ? "LLAMA_API_KEY=" : "", key ? key : "", o.port, o.log);
    o.pid = box_start(ARGS("sh", "-c", words));
    box_await(o.log, mode && strstr(mode, "never-ready") ? "" : "listening on");
    return o;
}

static inline void stop_server(const struct other *o) {
    kill(o->pid, SIGTERM);
    box_wait(o->pid);
}

/* a.ini with backend b on that server. */
static inline void write_config(const struct other *o, const char *lines, const char *model) {
    box_write("a.ini", "%s[backend b]\nurl = http://127.0.0.1:%d/\n%s\n[model m]\n%s\n",
              box_bench("load_timeout = 5\n"), o->port, lines, model);
}

static inline void expect_ok(void) {
    const struct sb_cell *c = box_cell("m", "b");
    if (c->status != SB_OK)
        fail_msg("%s: %s: %s", sb_status_name(c->status), c->reason, c->detail);
    assert_true(c->tg_tps.mean > 0 && c->pp_tps.mean > 0);
}

#endif
