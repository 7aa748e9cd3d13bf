/* Any server: the contract of server.h over the operations of its kind. */
#include "internal.h"

struct sb_server *sb_server_new(const struct sb_server_spec *spec) {
    return spec->address ? server_remote(spec) : server_child(spec);
}

int sb_server_start(struct sb_server *s, double *ret_load_s, struct sb_llama_failure *f) {
    int rc = s->ops->start(s, f);
    return rc < 0 ? rc : s->ops->ready(s, ret_load_s, f);
}

const struct sb_endpoint *sb_server_endpoint(const struct sb_server *s) {
    return &s->at;
}

bool sb_server_is_ours(const struct sb_server *s) {
    return s->ops->ours;
}

const struct sb_llama_props *sb_server_props(const struct sb_server *s) {
    return &s->props;
}

const struct sb_strv *sb_server_argv(const struct sb_server *s) {
    return &s->argv;
}

int sb_server_proof(const struct sb_server *s, struct sb_llama_proof *ret) {
    return s->ops->proof(s, ret);
}

int sb_server_encode_times(const struct sb_server *s, double **ret_ms, size_t *ret_n) {
    return s->spec->log_path ? sb_llama_encode_times(s->spec->log_path, ret_ms, ret_n) : -1;
}

void sb_server_explain(struct sb_server *s, struct sb_llama_failure *f) {
    s->ops->explain(s, f);
}

void sb_server_add_files(const struct sb_server *s, struct sb_files *files) {
    s->ops->add_files(s, files);
}

double sb_server_cpu_s(const struct sb_server *s) {
    return s->ops->cpu_s(s);
}

double sb_server_stop(struct sb_server *s) {
    return s->ops->stop(s);
}

const struct sb_exit *sb_server_exit(struct sb_server *s) {
    return s->ops->exit(s);
}

void sb_server_free(struct sb_server *s) {
    if (s)
        s->ops->free(s);
}
