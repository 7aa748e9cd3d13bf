/* `before` and `after`: what the owner of a backend does around its launches. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "launch.h"

enum { MAX_OUTPUT_BYTES = 1 << 16 };

/* Kept until the server's log is closed, to which it is then added. */
static void keep_output(struct launch *l, const char *key, const struct sb_buf *out,
                        const struct sb_buf *err) {
    if (!out->len && !err->len)
        return;
    sb_buf_addf(&l->hooks_said, "---- %s hook ----\n", key);
    sb_buf_add(&l->hooks_said, out->data, out->len);
    sb_buf_add(&l->hooks_said, err->data, err->len);
}

static void fail(struct launch *l, const char *key, char *how, const char *said) {
    struct sb_llama_failure *f = &l->failure;
    f->reason = sb_asprintf("%s hook failed (%s)", key, how);
    f->detail = *said ? sb_strdup(said) : NULL;
    free(how);
}

static char *text_of_exit(const struct sb_exit *how) {
    return how->signal ? sb_asprintf("%s", sb_signal_name(how->signal))
                       : sb_asprintf("exit %d", how->code);
}

static int run(struct launch *l, const char *key, const char *command) {
    const char *const argv[] = {"/bin/sh", "-c", command, NULL};
    struct sb_buf out = SB_BUF_INIT(MAX_OUTPUT_BYTES), err = SB_BUF_INIT(MAX_OUTPUT_BYTES),
                  error = SB_BUF_INIT(SB_ERR_MAX), said = SB_BUF_INIT(MAX_OUTPUT_BYTES);
    struct sb_strv env = {0};
    struct sb_exit how;
    sb_llama_env(&l->plan->backend->env, (const char *const *)environ, NULL, &env);
    struct sb_proc_spec spec = {.argv = argv, .envp = (const char *const *)env.item};
    int rc = sb_proc_capture(&spec, NULL, l->config->load_timeout_s, l->b->signal_fd, &out, &err,
                             &how, &error);
    keep_output(l, key, &out, &err);
    sb_buf_add_printable(&said, err.len ? sb_buf_str(&err) : sb_buf_str(&out),
                         err.len ? err.len : out.len);
    bool failed = rc < 0 || how.code != 0, first = !l->failure.reason && !l->failure.interrupted;
    if (rc == -EINTR) {
        int interrupted = sb_signals_take(l->b->signal_fd);
        if (!l->failure.interrupted)
            l->failure.interrupted = interrupted;
    } else if (failed && first && rc == -ETIMEDOUT) {
        fail(l, key, sb_asprintf("over %.0f s", l->config->load_timeout_s), sb_buf_str(&said));
    } else if (failed && first) {
        fail(l, key, rc < 0 ? sb_strdup("not started") : text_of_exit(&how),
             rc < 0 ? sb_buf_str(&error) : sb_buf_str(&said));
    }
    sb_strv_release(&env);
    sb_buf_release(&out);
    sb_buf_release(&err);
    sb_buf_release(&error);
    sb_buf_release(&said);
    return failed ? -1 : 0;
}

int sb_launch_before(struct launch *l) {
    const char *command = l->plan->backend->before;
    return command ? run(l, "before", command) : 0;
}

int sb_launch_after(struct launch *l) {
    const char *command = l->plan->backend->after;
    return command ? run(l, "after", command) : 0;
}

/* The server has left its log, or there was none to make one. */
void sb_launch_log_hooks(struct launch *l, const char *log_path) {
    if (l->hooks_said.len)
        sb_log_add(log_path, &l->hooks_said); /* one that cannot be written fails no measurement */
    sb_buf_release(&l->hooks_said);
}
