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
static int ask(const struct sb_llama_asked *a, const struct sb_strv *env, const char *question,
               struct sb_buf *out, struct sb_buf *err, struct sb_buf *error) {
    struct sb_strv argv = {0};
    struct sb_exit how = {0};
    sb_strv_copy(&argv, a->command);
    sb_strv_add(&argv, question);
    sb_buf_release(out);
    sb_buf_release(err);
    struct sb_proc_spec spec = {.argv = (const char *const *)argv.item,
                                .envp = (const char *const *)env->item,
                                .last_argv = a->last ? (const char *const *)a->last->item : NULL};
    int rc = sb_proc_capture(&spec, NULL, PROBE_TIMEOUT_S, a->signal_fd, out, err, &how, error);
    sb_strv_release(&argv);
    if (rc < 0 || how.code == 0)
        return rc;
    char *text = sb_exit_text(&how);
    struct sb_buf said = SB_BUF_INIT(300);
    sb_buf_add_printable(&said, sb_buf_str(err), strcspn(sb_buf_str(err), "\n"));
    sb_buf_addf(error, "%s %s: %s%s%s", a->command->item[0], question, text, said.len ? ": " : "",
                sb_buf_str(&said));
    sb_buf_release(&said);
    free(text);
    return -EIO;
}

/* The first line of what a backend's library says when it finds no device: "ggml_cuda_init: failed to
 * initialize ROCm: no ROCm-capable device is detected". NULL = it does not complain. */
static char *complaint_in(const char *text) {
    for (size_t n; *text; text += n + (text[n] == '\n')) {
        n = strcspn(text, "\n");
        char *line = sb_strndup(text, n);
        bool complains = strstr(line, "failed") || strstr(line, "error") || strstr(line, "cannot");
        struct sb_buf clean = SB_BUF_INIT(300);
        if (complains)
            sb_buf_add_printable(&clean, line, n);
        free(line);
        if (complains)
            return sb_buf_detach(&clean);
    }
    return NULL;
}

int sb_llama_probe(const struct sb_llama_asked *a, struct sb_llama_build *ret,
                   struct sb_buf *error) {
    struct sb_llama_build b = {0};
    struct sb_buf out = SB_BUF_INIT(MAX_OUTPUT_BYTES), err = SB_BUF_INIT(MAX_OUTPUT_BYTES);
    struct sb_strv all = {0};
    sb_strv_copy(&b.command, a->command);
    sb_strv_copy(&b.env, a->env);
    sb_llama_env(a->env, (const char *const *)environ, NULL, &all);
    int rc = ask(a, &all, "--version", &out, &err, error);
    if (rc == 0) {
        /* stderr in every build seen, stdout in case that is ever mended upstream */
        sb_llama_parse_version(sb_buf_str(&err), err.len, &b);
        if (!b.version)
            sb_llama_parse_version(sb_buf_str(&out), out.len, &b);
        rc = ask(a, &all, "--help", &out, &err, error);
    }
    if (rc == 0) {
        sb_llama_parse_help(sb_buf_str(&out), out.len, &b);
        if (!sb_llama_option(&b, "--port")) {
            sb_buf_addf(error, "%s --help names no --port: is it a llama-server?",
                        b.command.item[0]);
            rc = -ENOEXEC;
        }
    }
    if (rc == 0 && sb_llama_option(&b, "--list-devices")) {
        rc = ask(a, &all, "--list-devices", &out, &err, error);
        if (rc == 0) {
            sb_llama_parse_devices(sb_buf_str(&out), out.len, &b);
            b.devices_known = true;
            b.complaint = complaint_in(sb_buf_str(&err));
        }
    }
    sb_buf_release(&out);
    sb_buf_release(&err);
    sb_strv_release(&all);
    if (rc < 0)
        sb_llama_build_release(&b);
    else
        *ret = b;
    return rc;
}
