/* Backends that are servers of others: what is known of them before and while they are measured. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "launch.h"

enum { NAMES_MAX_BYTES = 300 };

/* ---- before ---------------------------------------------------------------------------------- */

/* What no header of HTTP can hold, or nothing at all. */
static bool is_key(const char *key) {
    for (const char *s = key; *s; s++)
        if (*s <= ' ' || *s > '~')
            return false;
    return *key;
}

/* False with the reason and the long form. */
static bool read_key(const struct sb_backend *b, const char **ret, const char **reason,
                     struct sb_buf *error) {
    *ret = b->api_key_env ? getenv(b->api_key_env) : NULL;
    if (!b->api_key_env || (*ret && is_key(*ret)))
        return true;
    *reason = *ret ? "key cannot be sent" : "no key";
    sb_buf_addf(error, "the environment variable %s %s", b->api_key_env,
                *ret ? "is empty or holds what no key can" : "is not set");
    return false;
}

static const char *ca_file_of(const struct sb_backend *b) {
    const char *named = getenv("SSL_CERT_FILE"); /* as curl has it */
    return b->ca_file ? b->ca_file : named && *named ? named : NULL;
}

bool sb_remote_look(const struct sb_backend *b, int signal_fd, struct sb_remote *ret,
                    int *ret_interrupted) {
    struct sb_llama_failure f = {0};
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    const char *reason = NULL;
    ret->server.base_url = b->url;
    ret->server.ca_file = ca_file_of(b);
    if (read_key(b, &ret->server.api_key, &reason, &error)) {
        struct sb_server_address a = {.server = ret->server, .n_params = -1};
        if (sb_server_look(&a, signal_fd, &ret->look, &f) == 0)
            ret->reached = true;
        else
            sb_buf_addf(&error, "%s: %s%s%s", b->url, f.reason, f.detail ? ": " : "",
                        f.detail ? f.detail : "");
    }
    *ret_interrupted = f.interrupted;
    if (!ret->reached) {
        ret->reason = sb_strdup(reason ? reason : f.reason);
        ret->error = sb_buf_detach(&error);
    }
    sb_buf_release(&error);
    sb_llama_failure_release(&f);
    return ret->reached;
}

void sb_remote_release(struct sb_remote *r) {
    sb_server_look_release(&r->look);
    free(r->reason);
    free(r->error);
}

static const char *last_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static char *names_of(const struct sb_llama_models *m) {
    struct sb_buf names = SB_BUF_INIT(NAMES_MAX_BYTES);
    for (size_t i = 0; i < m->n; i++)
        sb_buf_addf(&names, "%s%s", i ? ", " : "", m->item[i].name);
    return m->n ? sb_buf_detach(&names) : sb_strdup("none");
}

/* NULL with a short reason and a line in `error`. */
static const struct sb_llama_model *choose_model(const struct sb_remote *r,
                                                 const struct sb_model *m, const struct sb_gguf *g,
                                                 char **reason, struct sb_buf *error) {
    const struct sb_llama_models *have = &r->look.models;
    const struct sb_llama_model *found = m->name        ? sb_llama_model_named(have, m->name)
                                         : have->n == 1 ? have->item
                                                        : NULL;
    const char *held = r->look.props.model_path;
    if (!found) {
        char *names = names_of(have);
        *reason = m->name
                      ? sb_asprintf("server has no model %s", m->name)
                      : sb_strdup(have->n ? "server has several models" : "server has no model");
        sb_buf_addf(error, "%s has the models: %s%s", r->server.base_url, names,
                    m->name ? "" : "; say with `name` which is meant");
        free(names);
    } else if (g ? found->n_params >= 0 && (double)found->n_params != g->total_params
                 : !m->name && held && strcmp(last_name(held), last_name(m->path)) != 0) {
        *reason = sb_strdup("server holds another model");
        sb_buf_addf(error, "%s holds %s, not %s", r->server.base_url, held ? held : found->name,
                    m->path);
        found = NULL;
    }
    return found;
}

static void say_what_is_told(const struct sb_remote *r, struct sb_preflight_cell *p) {
    const struct sb_llama_props *told = &r->look.props;
    if (r->look.openai) {
        sb_strv_take(&p->told, sb_asprintf("%s: no llama-server%s%s, not ours", r->server.base_url,
                                           p->served->owner ? " but of " : "",
                                           p->served->owner ? p->served->owner : ""));
        sb_strv_take(&p->told, sb_asprintf("model %s, timed by our own clock", p->served->name));
        return;
    }
    sb_strv_take(&p->told, sb_asprintf("%s: llama-server %s%s, not ours", r->server.base_url,
                                       told->build ? told->build : "(no version)",
                                       told->router ? ", a router" : ""));
    if (told->router)
        sb_strv_take(&p->told,
                     sb_asprintf("model %s, loaded when it is asked for", p->served->name));
    else
        sb_strv_take(&p->told, sb_asprintf("model %s, context %lld, %lld slot%s", p->served->name,
                                           told->n_ctx, told->slots, told->slots == 1 ? "" : "s"));
}

/* Why not so many requests go at once, or NULL; the caller frees. */
static char *lack_of_slots(const struct sb_llama_props *told, const struct sb_config *c) {
    int asked = sb_protocol_most_slots(&c->bench);
    if (told->slots < 0 || told->slots >= asked)
        return NULL;
    return sb_asprintf("server has %lld slot%s, not %d", told->slots, told->slots == 1 ? "" : "s",
                       asked);
}

/* What the config wants of one that answers and has the model. */
static void check_wishes(const struct sb_config *c, struct sb_preflight_cell *p) {
    const struct sb_llama_props *told = &p->remote->look.props;
    int line = sb_backend_line(p->plan->backend, "url");
    char *lack = told->router ? NULL : lack_of_slots(told, c);
    if (!told->router && told->n_ctx >= 0 && told->n_ctx < c->bench.ctx)
        sb_strv_take(&p->warnings, sb_asprintf("the server's context is %lld, not %d", told->n_ctx,
                                               c->bench.ctx));
    if (told->asleep)
        sb_strv_add(&p->warnings, "the server sleeps: the first question will wake it");
    if (lack)
        sb_preflight_fault(
            p, false, lack,
            sb_asprintf("%s:%d: as many as 'slots' says, or more, are needed", c->file, line));
    if (p->remote->look.openai && sb_needs_completion(c, p->plan->model))
        sb_preflight_fault(
            p, true, sb_strdup(SB_NEEDS_COMPLETION),
            sb_asprintf("%s:%d: %s is no llama-server: `depths`, `turns`, `slots` and "
                        "`image` need its /completion",
                        c->file, line, p->plan->backend->url));
}

void sb_remote_check(const struct sb_config *c, const struct sb_preflight *pf,
                     struct sb_preflight_cell *p) {
    const struct sb_backend *b = p->plan->backend;
    const struct sb_remote *r = p->remote = &pf->remotes[b - c->backends];
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    char *reason = NULL;
    if (r->error)
        sb_preflight_fault(p, false, sb_strdup(r->reason),
                           sb_asprintf("%s:%d: %s", c->file, sb_backend_line(b, "url"), r->error));
    else
        p->served = choose_model(r, p->plan->model, p->gguf, &reason, &error);
    if (reason)
        sb_preflight_fault(p, false, reason,
                           sb_asprintf("%s:%d: [model %s] %s", c->file, p->plan->model->line,
                                       p->plan->model->id, sb_buf_str(&error)));
    if (p->served) {
        check_wishes(c, p);
        say_what_is_told(r, p);
    }
    sb_buf_release(&error);
}

void sb_remote_describe(const struct sb_preflight_cell *p, struct sb_cell *c) {
    const struct sb_backend *b = p->plan->backend;
    c->backend.url = sb_strdup(b->url);
    c->backend.address = sb_url_address(b->url);
    if (!p->served)
        return;
    c->backend.server_version = sb_strdup(p->remote->look.props.build);
    if (p->remote->look.openai)
        c->backend.clock = sb_strdup("client");
    if (!c->model.quantization)
        c->model.quantization = sb_strdup(p->served->quantization);
    if (!c->model.file_size && p->served->bytes > 0)
        c->model.file_size = sb_format_bytes((uint64_t)p->served->bytes);
    if (!c->model.total_params && p->served->n_params > 0)
        c->model.total_params = sb_format_params((double)p->served->n_params);
}

/* ---- while ------------------------------------------------------------------------------------ */

void sb_launch_address(const struct launch *l, struct sb_server_address *ret) {
    const struct sb_preflight_cell *p = &l->b->preflight->cells[l->index];
    *ret = (struct sb_server_address){.server = p->remote->server,
                                      .model = p->served->name,
                                      .n_params = p->gguf ? (long long)p->gguf->total_params
                                                          : p->served->n_params};
}

int sb_launch_ctx(const struct launch *l) {
    long long theirs = sb_server_props(l->server)->n_ctx;
    int ours = l->config->bench.ctx;
    return theirs >= 0 && theirs < ours ? (int)theirs : ours;
}

static struct sb_fact *facts_of(const struct launch *l, const struct sb_llama_props *told) {
    const struct sb_llama_model *served = l->b->preflight->cells[l->index].served;
    struct sb_fact *facts = sb_facts_new();
    sb_fact_add_text(facts, "model", served->name);
    if (served->owner)
        sb_fact_add_text(facts, "owned_by", served->owner);
    if (told->model_path)
        sb_fact_add_text(facts, "model_path", told->model_path);
    if (told->n_ctx >= 0)
        sb_fact_add_number(facts, "ctx", (double)told->n_ctx);
    if (told->slots >= 0)
        sb_fact_add_number(facts, "slots", (double)told->slots);
    if (told->router)
        sb_fact_add_text(facts, "role", "router");
    return facts;
}

/* The first fact of one that the other has not, or NULL. */
static const char *odd_fact(const struct sb_fact *a, const struct sb_fact *b) {
    for (const struct sb_fact *f = a->child; f; f = f->next) {
        const char *text = sb_fact_text(b, f->name);
        bool same = f->kind == SB_FACT_TEXT ? text && strcmp(text, f->text) == 0
                                            : f->number == sb_fact_number(b, f->name);
        if (!same)
            return f->name;
    }
    return NULL;
}

static void remark(struct sb_cell *c, char *text) {
    if (sb_strv_has(&c->remarks, text))
        free(text);
    else
        sb_strv_take(&c->remarks, text);
}

/* Figures of two servers have no mean. */
static int check_same(struct launch *l, const struct sb_fact *now, const char *build) {
    const struct sb_cell *c = l->cell;
    const char *odd = c->backend.served ? odd_fact(c->backend.served, now) : NULL;
    if (!odd && c->backend.served && sb_server_endpoint(l->server)->openai != !!c->backend.clock)
        odd = "clock";
    if (!odd && c->backend.server_version && build && strcmp(c->backend.server_version, build) != 0)
        odd = "version";
    if (!odd)
        return 0;
    l->failure.invalid = true;
    l->failure.reason = sb_asprintf("server changed during the cell (%s)", odd);
    return -1;
}

int sb_launch_note_served(struct launch *l) {
    const struct sb_llama_props *told = sb_server_props(l->server);
    struct sb_cell *c = l->cell;
    struct sb_fact *facts = facts_of(l, told);
    int rc = check_same(l, facts, told->build);
    sb_facts_free(c->backend.served);
    c->backend.served = facts;
    if (sb_server_endpoint(l->server)->openai) {
        free(c->backend.clock);
        c->backend.clock = sb_strdup("client");
        remark(c, sb_strdup("client clock"));
    }
    remark(c, sb_strdup("not ours: device not proved"));
    if (told->n_ctx >= 0 && told->n_ctx != l->config->bench.ctx)
        remark(c, sb_asprintf("context %lld", told->n_ctx));
    if (l->record.launch > 1)
        remark(c, sb_strdup("its launches are one process"));
    if (told->asleep)
        remark(c, sb_strdup("was asleep, woken by us"));
    char *lack = lack_of_slots(told, l->config);
    if (!lack || rc < 0) {
        free(lack);
        return rc;
    }
    l->failure.invalid = true;
    l->failure.reason = lack;
    return -1;
}
