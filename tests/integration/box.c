#include "box.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { MAX_FILE_BYTES = 64 << 20, MAX_LOADED = 256 };

static char *folder;
static struct sb_strv strings;
static struct sb_results *loaded[MAX_LOADED];
static size_t n_loaded;

/* ---- text --------------------------------------------------------------------------------- */

static char *keep(char *s) {
    sb_strv_take(&strings, s);
    return s;
}

static char *format(const char *fmt, va_list ap) {
    char *text = NULL;
    assert_true(vasprintf(&text, fmt, ap) >= 0);
    return keep(text);
}

char *box_text(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    char *text = format(fmt, ap);
    va_end(ap);
    return text;
}

char *box_read(const char *file) {
    struct sb_buf b = SB_BUF_INIT(MAX_FILE_BYTES);
    int rc = sb_file_read(file, &b, NULL);
    assert_true(rc == 0 || rc == -ENOENT);
    return keep(b.data ? sb_buf_detach(&b) : sb_strdup(""));
}

void box_write(const char *file, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    const char *text = format(fmt, ap);
    va_end(ap);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

void box_has(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("no \"%s\" in:\n%s", part, text);
}

void box_has_not(const char *text, const char *part) {
    if (strstr(text, part))
        fail_msg("\"%s\" in:\n%s", part, text);
}

/* ---- the config --------------------------------------------------------------------------- */

char *box_bench(const char *more) {
    size_t n = strlen(more);
    const char *end = n && more[n - 1] != '\n' ? "\n" : "";
    return box_text("[bench]\ntitle = T\nprompt = p.txt\nruns = 2\nwarmup = 1\nn_predict = 8\n"
                    "ctx = 512\n%s%s%s\n", /* in the line that separates sections */
                    more, end, strstr(more, "answers") ? "" : "answers = off");
}

char *box_backend(const char *id, const char *lines) {
    return box_text("[backend %s]\nserver = " FAKE "\n%s\n", id, lines);
}

void box_config(const char *more, const struct box_backend *backends) {
    char *text = box_bench(more);
    for (; backends->id; backends++)
        text = box_text("%s%s", text, box_backend(backends->id, backends->lines));
    box_write("a.ini", "%s[model m]\npath = m.gguf\n", text);
}

/* ---- processes ---------------------------------------------------------------------------- */

static void redirect(const char *file, int flags, int to) {
    int fd = open(file, flags | O_CLOEXEC, 0644);
    if (fd < 0 || dup2(fd, to) < 0)
        _exit(126);
}

/* Our own program under what BOX_UNDER says (tests/valgrind), other programs as they are. */
static _Noreturn void execute(const char *const *argv) {
    struct sb_strv words = {0};
    const char *under = getenv("BOX_UNDER");
    if (under && strcmp(argv[0], STRATOBENCH) == 0)
        for (char *rest = sb_strdup(under), *word; (word = strsep(&rest, " "));)
            sb_strv_add(&words, word);
    for (; *argv; argv++)
        sb_strv_add(&words, *argv);
    execvp(words.item[0], words.item);
    _exit(127);
}

pid_t box_start_after(void (*prepare)(void), const char *const *argv) {
    fflush(NULL);
    unlink("out"); /* what a box_await waits for is new */
    unlink("err");
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    setsid();
    for (const int *sig = (const int[]){SIGHUP, SIGINT, SIGTERM, 0}; *sig; sig++)
        signal(*sig, SIG_DFL); /* however the tests themselves were started */
    redirect("/dev/null", O_RDONLY, 0);
    redirect("out", O_WRONLY | O_CREAT | O_TRUNC, 1);
    redirect("err", O_WRONLY | O_CREAT | O_TRUNC, 2);
    if (prepare)
        prepare();
    execute(argv);
}

pid_t box_start(const char *const *argv) {
    return box_start_after(NULL, argv);
}

int box_wait(pid_t pid) {
    int status;
    for (double deadline_s = sb_now_s() + PATIENCE_S; waitpid(pid, &status, WNOHANG) == 0;
         usleep(2000))
        if (sb_now_s() > deadline_s)
            fail_msg("still runs after %d s; it said:\n%s", PATIENCE_S, box_read("err"));
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int box_run(const char *const *argv) {
    return box_wait(box_start(argv));
}

void box_become_nobody(void) {
    enum { NOBODY = 65534 };
    if (geteuid() == 0 && (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY)))
        _exit(126);
}

void box_await(const char *file, const char *text) {
    for (double deadline_s = sb_now_s() + PATIENCE_S; !strstr(box_read(file), text); usleep(2000))
        if (sb_now_s() > deadline_s)
            fail_msg("%s never held \"%s\" but:\n%s", file, text, box_read(file));
}

static bool runs(pid_t pid, const char *name) {
    char *link = box_text("/proc/%d/exe", pid), target[4096];
    ssize_t n = readlink(link, target, sizeof target - 1);
    target[n > 0 ? n : 0] = '\0';
    const char *slash = strrchr(target, '/');
    return slash && strcmp(slash + 1, name) == 0;
}

static pid_t find_below(pid_t pid, const char *name) {
    if (runs(pid, name))
        return pid;
    char *at = box_read(box_text("/proc/%d/task/%d/children", pid, pid)), *end;
    for (long child; (child = strtol(at, &end, 10)) > 0; at = end) {
        pid_t found = find_below((pid_t)child, name);
        if (found)
            return found;
    }
    return 0;
}

pid_t box_find(const char *name) {
    return find_below(getpid(), name);
}

pid_t box_await_server(const char *log, const char *text) {
    box_await(log, text);
    pid_t pid = box_find("fake_llama_server");
    assert_true(pid > 0);
    return pid;
}

/* Reaps what has ended; true when nobody lives. */
static bool all_gone(void) {
    pid_t pid;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
        continue;
    return pid < 0 && errno == ECHILD;
}

void box_nothing_left(void) {
    if (!all_gone())
        fail_msg("a process is left: %s",
                 box_read(box_text("/proc/%d/task/%d/children", getpid(), getpid())));
}

void box_nothing_left_soon(void) {
    for (double deadline_s = sb_now_s() + PATIENCE_S; !all_gone() && sb_now_s() < deadline_s;)
        usleep(2000);
    box_nothing_left();
}

static void kill_all(void) {
    while (!all_gone()) {
        char *at = box_read(box_text("/proc/%d/task/%d/children", getpid(), getpid())), *end;
        for (long child; (child = strtol(at, &end, 10)) > 0; at = end)
            kill((pid_t)child, SIGKILL);
        usleep(2000);
    }
}

/* ---- results ------------------------------------------------------------------------------ */

struct sb_results *box_results(const char *file) {
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    struct sb_results *r = sb_alloc(1, sizeof *r);
    assert_true(n_loaded < MAX_LOADED);
    if (sb_results_load(file, r, &error))
        fail_msg("%s", sb_buf_str(&error));
    return loaded[n_loaded++] = r;
}

const struct sb_cell *box_cell(const char *model, const char *backend) {
    const struct sb_results *r = box_results("a.json");
    for (size_t i = 0; i < r->n_cells; i++)
        if (strcmp(r->cells[i].model.id, model) == 0 &&
            strcmp(r->cells[i].backend.id, backend) == 0)
            return &r->cells[i];
    fail_msg("no cell %s / %s", model, backend);
    return NULL;
}

char *box_row(const char *backend) {
    char *text = box_read("a.md"), *start = box_text("\n| %s |", backend);
    char *at = strstr(text, start);
    if (!at)
        fail_msg("no row of %s in:\n%s", backend, text);
    return box_text("%.*s", (int)strcspn(at + 1, "\n"), at + 1);
}

void box_expect_ok(const char *model, const char *backend) {
    const struct sb_cell *c = box_cell(model, backend);
    if (c->status != SB_OK)
        fail_msg("%s / %s is %s: %s", model, backend, sb_status_name(c->status), c->reason);
    assert_int_equal(c->tg_tps.n, 2);
    assert_true(c->tg_tps.mean > 0 && c->pp_tps.mean > 0 && c->load_s > 0);
}

/* ---- the box ------------------------------------------------------------------------------ */

static int remove_tree(const char *path) {
    return box_run(ARGS("rm", "-rf", path));
}

int box_setup(void **state) {
    (void)state;
    char template[] = "/tmp/stratobench-test.XXXXXX";
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (const char *const *name = ARGS("NO_COLOR", "MODELS", "FAKE_MODE", "FAKE_HELP"); *name;
         name++)
        unsetenv(*name);
    setenv("TERM", "xterm", 1);
    assert_non_null(mkdtemp(template));
    folder = sb_strdup(template);
    assert_int_equal(chdir(folder), 0);
    box_write("p.txt", "Seven words make a prompt of seven.\n");
    assert_int_equal(box_run(ARGS(MAKE_GGUF, "--output", "m.gguf", "--name", "m", "--layers", "1",
                                  "--embd", "64", "--vocab", "300")),
                     0);
    return 0;
}

void box_filter(void) {
    const char *pattern = getenv("TEST_FILTER");
    if (pattern)
        cmocka_set_test_filter(pattern);
}

static bool temporary_left(void) {
    return system("find . -name '*.tmp' -o -name '*write-test*' | grep . >&2") == 0;
}

int box_teardown(void **state) {
    (void)state;
    bool process_left = !all_gone(), file_left = temporary_left();
    kill_all();
    if (process_left)
        fprintf(stderr, "a process was left behind\n");
    assert_int_equal(chdir("/"), 0);
    remove_tree(folder);
    for (size_t i = 0; i < n_loaded; i++) {
        sb_results_release(loaded[i]);
        free(loaded[i]);
    }
    n_loaded = 0;
    sb_strv_release(&strings);
    free(folder);
    folder = NULL;
    return process_left || file_left ? -1 : 0;
}
