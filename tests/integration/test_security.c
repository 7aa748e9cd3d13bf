/* What others on the machine, a config, a model's metadata or a server's words could do. */
#include "box.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/stat.h>

/* Words of a /proc file, NULs between them. */
static struct sb_strv words_of(pid_t pid, const char *file) {
    struct sb_buf b = SB_BUF_INIT(1 << 20);
    struct sb_strv v = {0};
    assert_int_equal(sb_file_read(box_text("/proc/%d/%s", pid, file), &b, NULL), 0);
    for (size_t at = 0; at < b.len; at += strlen(b.data + at) + 1)
        sb_strv_add(&v, b.data + at);
    sb_buf_release(&b);
    return v;
}

static const char *after(const struct sb_strv *v, const char *word) {
    for (size_t i = 0; i + 1 < v->n; i++)
        if (strcmp(v->item[i], word) == 0)
            return v->item[i + 1];
    fail_msg("no %s", word);
    return NULL;
}

static const char *value_of(const struct sb_strv *v, const char *name) {
    for (size_t i = 0; i < v->n; i++)
        if (strncmp(v->item[i], name, strlen(name)) == 0)
            return v->item[i] + strlen(name);
    fail_msg("no %s", name);
    return NULL;
}

/* Local addresses of listening IPv4 sockets on the port; every one must be loopback. */
static void expect_loopback_only(int port) {
    char *text = box_read("/proc/net/tcp"), *save = NULL;
    int seen = 0;
    unsigned address, at, state;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        if (sscanf(line, " %*u: %8x:%4x %*x:%*x %2x", &address, &at, &state) == 3 &&
            at == (unsigned)port && state == 0x0A) {
            assert_int_equal(ntohl(address), INADDR_LOOPBACK);
            seen++;
        }
    assert_int_equal(seen, 1);
}

static void the_server_is_on_loopback_and_its_key_is_secret(void **state) {
    (void)state;
    setenv("LLAMA_API_KEY", "inherited", 1);
    setenv("LLAMA_ARG_HOST", "0.0.0.0", 1);
    BOX_CONFIG("", {"b", "env = FAKE_MODE=hang\nenv = LLAMA_API_KEY=configured\n"});
    pid_t pid = box_start(ARGS(STRATOBENCH, MEASURE));
    pid_t server = box_await_server("a.logs/m--b--1.log", "task 1 ");
    unsetenv("LLAMA_API_KEY");
    unsetenv("LLAMA_ARG_HOST");
    struct sb_strv argv = words_of(server, "cmdline"), env = words_of(server, "environ");
    const char *key = value_of(&env, "LLAMA_API_KEY=");
    assert_string_not_equal(key, "inherited");
    assert_string_not_equal(key, "configured");
    assert_int_equal(strlen(key), 32);
    assert_string_equal(after(&argv, "--host"), "127.0.0.1");
    expect_loopback_only((int)strtol(after(&argv, "--port"), NULL, 10));
    for (size_t i = 0; i < argv.n; i++)
        box_has_not(argv.item[i], key);
    for (size_t i = 0; i < env.n; i++)
        if (strncmp(env.item[i], "LLAMA_ARG_ALIAS=", 16) != 0) /* ours */
            assert_null(strstr(env.item[i], "LLAMA_ARG_"));
    kill(pid, SIGINT);
    assert_int_equal(box_wait(pid), 130);
    for (const char *const *f = ARGS("out", "err", "a.json", "a.md", "a.logs/m--b--1.log"); *f; f++)
        box_has_not(box_read(*f), key);
    sb_strv_release(&argv);
    sb_strv_release(&env);
}

/* The server gets them; no file and no screen does. Another one is another condition. */
static void secrets_are_published_nowhere(void **state) {
    (void)state;
    setenv("AMD_API_KEY", "caller-6a7b", 1);
    BOX_CONFIG("", {"b", "env = FAKE_MODE=hang\nenv = HF_TOKEN=config-1f2e\n"});
    pid_t pid = box_start(ARGS(STRATOBENCH, MEASURE));
    struct sb_strv env = words_of(box_await_server("a.logs/m--b--1.log", "task 1 "), "environ");
    assert_string_equal(value_of(&env, "HF_TOKEN="), "config-1f2e");
    sb_strv_release(&env);
    kill(pid, SIGINT);
    assert_int_equal(box_wait(pid), 130);
    BOX_CONFIG("", {"b", "env = HF_TOKEN=config-1f2e\n"});
    for (const char *const *how = ARGS("--dry-run", "--force"); *how; how++) {
        assert_int_equal(SB(MEASURE, *how), 0);
        for (const char *const *f = ARGS("out", "err", "a.json", "a.md", "a.logs/m--b--1.log"); *f;
             f++) {
            box_has_not(box_read(*f), "config-1f2e");
            box_has_not(box_read(*f), "caller-6a7b");
        }
    }
    unsetenv("AMD_API_KEY");
    box_has(box_read("a.json"), "\"HF_TOKEN\": \"(secret)\"");
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    box_has(box_read("err"), "1 of 1 cells kept");
    BOX_CONFIG("", {"b", "env = HF_TOKEN=config-3d4c\n"});
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    box_has(box_read("err"), "1 ok cells no longer match");
}

static void args_cannot_open_the_server(void **state) {
    (void)state;
    BOX_CONFIG("", {"b", "args = --host 0.0.0.0\n"});
    assert_int_equal(SB(MEASURE), 1);
    const struct sb_cell *c = box_cell("m", "b");
    box_expect_status(c, "skipped");
    box_has(c->detail, "args may not hold --host");
}

/* An id becomes part of a file name. */
static void an_id_cannot_leave_the_stem(void **state) {
    (void)state;
    for (const char *const *id = ARGS("../evil", "/tmp/evil", ".", "a/../../b"); *id; id++) {
        box_write("a.ini", "%s%s[model %s]\npath = m.gguf\n", box_bench(""), box_backend("b", ""),
                  *id);
        assert_int_equal(SB(MEASURE), 2);
        box_has(box_read("err"), "a.ini:");
        assert_true(access("a.json", F_OK) < 0);
    }
}

#define HOSTILE "x|y`z<img src=q onerror=alert(1)>[l](javascript:0)"

static int count(const char *text, const char *part) {
    int n = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        n++;
    return n;
}

static void expect_harmless(const char *file) {
    const char *text = box_read(file);
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 && *p != '\n' && *p != '\t')
            fail_msg("control character %d in %s: %s", *p, file,
                     p - (p - text > 40 ? 40 : p - text));
    box_has_not(text, "\xc2\x9b"); /* C1: the other way to begin an escape sequence */
}

/* The row of a backend has as many unescaped bars as the header of its table. */
static void expect_whole_table(const char *row_part) {
    char *text = box_read("a.md"), *save = NULL;
    int columns = 0, rows = 0;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        int bars = count(line, "|") - count(line, "\\|");
        if (strstr(line, "| PP (tok/s) |"))
            columns = bars;
        if (*line == '|' && strstr(line, row_part) && strstr(line, "±")) {
            assert_int_equal(bars, columns);
            rows++;
        }
    }
    assert_true(columns > 0 && rows > 0);
}

/* Between two fences everything is text. */
static char *outside_fences(const char *text) {
    char *kept = box_text("%s", "");
    for (bool fenced = false; *text; fenced = !fenced) {
        const char *fence = strstr(text, "\n```\n");
        size_t n = fence ? (size_t)(fence - text) : strlen(text);
        if (!fenced)
            kept = box_text("%s%.*s", kept, (int)n, text);
        text += n + (fence ? 4 : 0);
    }
    return kept;
}

/* The model's own name, labels, notes, the server's version, its devices and its log. */
static void nothing_breaks_out_of_the_document_or_the_screen(void **state) {
    (void)state;
    assert_int_equal(
        box_run(ARGS(MAKE_GGUF, "--output", "evil.gguf", "--layers", "1", "--embd", "64", "--vocab",
                     "300", "--name", HOSTILE "\x1b]0;owned\a\n# Heading\n")),
        0);
    box_write("server", "#!/bin/sh\ncase $1 in\n"
                        "--version) printf 'version: \\033[2J" HOSTILE "\\n' >&2; exit;;\n"
                        "--list-devices) printf 'Available devices:\\n  Vulkan0: \\033[2J" HOSTILE
                        " (100 MiB, 90 MiB free)\\n'; exit;;\nesac\n"
                        "exec " FAKE " \"$@\"\n");
    assert_int_equal(chmod("server", 0755), 0);
    box_write("a.ini",
              "%s[backend b]\nlabel = " HOSTILE "\nnotes = " HOSTILE "\nserver = ./server\n"
              "device = Vulkan0\ngpu_layers = 4\nenv = FAKE_MODE=binary-log\n"
              "[backend died]\nserver = ./server\nenv = FAKE_MODE=binary-log,exit-in-run:3\n"
              "[model m]\nlabel = " HOSTILE "\npath = evil.gguf\n",
              box_bench("hardware = " HOSTILE "\nheader = " HOSTILE "\n"));
    for (const char *const *layout = ARGS("sections", "table"); *layout; layout++) {
        if (strcmp(*layout, "table") == 0)
            assert_int_equal(box_run(ARGS("sed", "-i", "s/^title/layout = table\\n&/", "a.ini")),
                             0);
        assert_int_equal(SB(MEASURE, "--force", "--verbose"), 1);
        for (const char *const *f = ARGS("out", "err", "a.json", "a.md"); *f; f++)
            expect_harmless(*f);
        char *document = outside_fences(box_read("a.md"));
        box_has_not(document, "<img");
        box_has_not(document, "\n# Heading");
        expect_whole_table("x\\|y");
        assert_int_equal(SB("report", "--format", "html", "a.json"), 0);
        box_has_not(box_read("out"), "<img src=q");
        box_has_not(box_read("out"), "href=\"javascript:");
    }
    assert_int_equal(SB("check", "a.ini"), 0);
    expect_harmless("out");
    expect_harmless("err");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BOX(the_server_is_on_loopback_and_its_key_is_secret),
        IN_BOX(secrets_are_published_nowhere),
        IN_BOX(args_cannot_open_the_server),
        IN_BOX(an_id_cannot_leave_the_stem),
        IN_BOX(nothing_breaks_out_of_the_document_or_the_screen),
    };
    return BOX_RUN(tests);
}
