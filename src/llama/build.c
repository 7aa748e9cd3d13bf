/* What a llama-server binary is and understands: it is asked, in the environment it will run in. */
#include "stratobench/llama.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_OUTPUT_BYTES = 1 << 20,
    PROBE_TIMEOUT_S = 60, /* the first start of a ROCm build reads gigabytes of kernels */
};

/* One question to the binary. 0, or -errno with the reason. */
static int ask(const struct sb_backend *backend, const struct sb_strv *env, const char *question,
               int signal_fd, struct sb_buf *out, struct sb_buf *err, struct sb_buf *error) {
    const char *argv[] = {backend->server, question, NULL};
    struct sb_exit how;
    int rc = sb_proc_capture(argv, (const char *const *)env->item, NULL, PROBE_TIMEOUT_S, signal_fd,
                             out, err, &how, error);
    if (rc < 0 || how.code == 0)
        return rc;
    char *text = sb_exit_text(&how);
    struct sb_buf said = SB_BUF_INIT(300);
    sb_buf_add_printable(&said, sb_buf_str(err), strcspn(sb_buf_str(err), "\n"));
    sb_buf_addf(error, "%s %s: %s%s%s", backend->server, question, text, said.len ? ": " : "",
                sb_buf_str(&said));
    sb_buf_release(&said);
    free(text);
    return -EIO;
}

int sb_llama_probe(const struct sb_backend *backend, int signal_fd, struct sb_llama_build *ret,
                   struct sb_buf *error) {
    struct sb_llama_build b = {.server = sb_strdup(backend->server)};
    struct sb_buf out = SB_BUF_INIT(MAX_OUTPUT_BYTES), err = SB_BUF_INIT(MAX_OUTPUT_BYTES);
    struct sb_strv env = {0};
    sb_llama_env(backend, (const char *const *)environ, NULL, &env);
    int rc = ask(backend, &env, "--version", signal_fd, &out, &err, error);
    if (rc == 0) {
        /* stderr in every build seen, stdout in case that is ever mended upstream */
        sb_llama_parse_version(sb_buf_str(&err), err.len, &b);
        if (!b.version)
            sb_llama_parse_version(sb_buf_str(&out), out.len, &b);
        sb_buf_release(&out);
        sb_buf_release(&err);
        rc = ask(backend, &env, "--help", signal_fd, &out, &err, error);
    }
    if (rc == 0) {
        sb_llama_parse_help(sb_buf_str(&out), out.len, &b);
        if (!sb_llama_option(&b, "--port")) {
            sb_buf_addf(error, "%s --help names no --port: is it a llama-server?", b.server);
            rc = -ENOEXEC;
        }
    }
    if (rc == 0 && sb_llama_option(&b, "--list-devices")) {
        sb_buf_release(&out);
        sb_buf_release(&err);
        rc = ask(backend, &env, "--list-devices", signal_fd, &out, &err, error);
        if (rc == 0) {
            sb_llama_parse_devices(sb_buf_str(&out), out.len, &b);
            b.devices_known = true;
        }
    }
    sb_buf_release(&out);
    sb_buf_release(&err);
    sb_strv_release(&env);
    if (rc < 0)
        sb_llama_build_release(&b);
    else
        *ret = b;
    return rc;
}
