/* A server that runs already and is not ours: looked at and asked, never changed. */
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static const double HEALTH_TIMEOUT_S = 30, LOADING_PAUSE_S = 0.5;

struct remote {
    struct sb_server base;
    struct sb_exit never; /* it ends without us */
};

/* ---- failures ---------------------------------------------------------------------------- */

static const struct {
    long status;
    const char *means;
} statuses[] = {
    {401, "server refuses the key"},  {403, "server refuses the key"},
    {404, "server has no such path"}, {407, "a proxy wants a login"},
    {429, "server is busy"},          {502, "no server behind the proxy"},
    {503, "server is not ready"},     {504, "no server behind the proxy"},
};

static const char *meaning_of(long status, bool has_key) {
    if (status == 401 && !has_key)
        return "server wants a key";
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].status == status)
            return statuses[i].means;
    return status / 100 == 3 ? "server leads elsewhere, where we do not go" : NULL;
}

static void explain_to(const struct sb_server_address *a, struct sb_llama_failure *f) {
    const char *means = meaning_of(f->http_status, a->server.api_key);
    char *reason = means     ? sb_asprintf("%s (HTTP %ld)", means, f->http_status)
                   : f->gone ? sb_strdup("no connection")
                             : NULL;
    if (!reason)
        return;
    free(f->reason);
    f->reason = reason;
}

static void explain(struct sb_server *s, struct sb_llama_failure *f) {
    explain_to(s->spec->address, f);
}

static int fail(struct sb_llama_failure *f, char *reason) {
    f->reason = reason;
    return -1;
}

/* What a server answers to a path that it has not, or that whoever stands before it does not let through. */
static bool is_missing(const struct sb_llama_failure *f) {
    return f->http_status == 404 || f->http_status == 405 || f->http_status == 501;
}

static bool is_blocked(const struct sb_llama_failure *f) {
    return is_missing(f) || f->http_status == 403;
}

/* ---- what it says of itself ---------------------------------------------------------------- */

int sb_server_look(const struct sb_server_address *a, int signal_fd, struct sb_server_look *ret,
                   struct sb_llama_failure *f) {
    struct sb_endpoint at = {
        .http = sb_http_new(&a->server), .child_fd = -1, .signal_fd = signal_fd};
    struct sb_server_look l = {.props = {.n_ctx = -1, .slots = -1}};
    int rc = sb_llama_props(&at, &l.props, f);
    l.openai = rc < 0 && is_missing(f);
    if (l.openai) {
        sb_llama_failure_release(f);
        rc = 0;
    }
    if (rc == 0)
        rc = sb_llama_models(&at, &l.models, f);
    if (rc < 0)
        explain_to(a, f);
    sb_http_free(at.http);
    if (rc < 0)
        sb_server_look_release(&l);
    else
        *ret = l;
    return rc;
}

void sb_server_look_release(struct sb_server_look *l) {
    sb_llama_props_release(&l->props);
    sb_llama_models_release(&l->models);
}

/* ---- start --------------------------------------------------------------------------------- */

static int start(struct sb_server *s, struct sb_llama_failure *f) {
    (void)f;
    s->at.http = sb_http_new(&s->spec->address->server);
    return 0;
}

static int pause_for_loading(const struct sb_server_spec *spec, struct sb_llama_failure *f) {
    struct pollfd fd = {.fd = spec->signal_fd, .events = POLLIN};
    if (spec->tick)
        spec->tick(spec->tick_arg);
    if (poll(&fd, 1, (int)(LOADING_PAUSE_S * 1000)) <= 0)
        return 0;
    f->interrupted = sb_signals_take(spec->signal_fd);
    return fail(f, sb_strdup("interrupted"));
}

/* Others may have just started it. What is neither ready nor loading says why when it is asked. */
static int await_loaded(struct sb_server *s, struct sb_llama_failure *f) {
    const struct sb_server_spec *spec = s->spec;
    double until_s = sb_now_s() + spec->load_timeout_s;
    while (sb_llama_health(&s->at, fmin(HEALTH_TIMEOUT_S, spec->load_timeout_s)) == 503) {
        if (sb_now_s() >= until_s)
            return fail(f, sb_asprintf("server was not ready within %.0f s", spec->load_timeout_s));
        if (pause_for_loading(spec, f) < 0)
            return -1;
    }
    return 0;
}

/* A reply without a token: is there /completion at all? */
static int try_completion(struct sb_server *s, const struct sb_llama_tokens *t,
                          struct sb_llama_failure *f) {
    struct sb_llama_completion c = {.tokens = t->ids, .n_tokens = t->n, .n_predict = 0};
    struct sb_llama_reply reply = {0};
    int rc = sb_llama_complete(&s->at, &c, s->spec->load_timeout_s, &reply, f);
    sb_llama_reply_release(&reply);
    return rc;
}

/* Any question that needs the model loads it in a router, and wakes a server that sleeps. Whoever lacks
 * what llama-server has is asked as any other server. */
static int wake(struct sb_server *s, struct sb_llama_failure *f) {
    struct sb_llama_tokens tokens = {0};
    int rc = sb_llama_tokenize(&s->at, "a", 1, s->spec->load_timeout_s, &tokens, f);
    s->at.openai = rc < 0 && is_missing(f);
    if (rc == 0) {
        rc = try_completion(s, &tokens, f);
        s->at.openai = rc < 0 && is_blocked(f);
    }
    free(tokens.ids);
    if (!s->at.openai)
        return rc;
    sb_llama_failure_release(f);
    return 0;
}

static int check_model(struct sb_server *s, struct sb_llama_failure *f) {
    const struct sb_server_address *a = s->spec->address;
    struct sb_llama_models models;
    if (sb_llama_models(&s->at, &models, f) < 0)
        return -1;
    const struct sb_llama_model *m = sb_llama_model_named(&models, a->model);
    int rc = 0;
    if (!m)
        rc = fail(f, sb_asprintf("server has no model %s any more", a->model));
    else if (m->n_params >= 0 && a->n_params >= 0 && m->n_params != a->n_params)
        rc = fail(f, sb_strdup("server holds another model than asked for"));
    sb_llama_models_release(&models);
    return rc;
}

/* Of the model, once it is loaded; and how the server was before that. */
static int learn_props(struct sb_server *s, struct sb_llama_failure *f) {
    struct sb_llama_props before;
    if (sb_llama_props(&s->at, &before, f) < 0) {
        s->at.openai = is_missing(f);
        s->at.model = s->spec->address->model;
        if (s->at.openai)
            sb_llama_failure_release(f);
        return s->at.openai ? 0 : -1;
    }
    s->at.model = s->spec->address->model;
    int rc = wake(s, f);
    if (rc == 0)
        rc = sb_llama_props(&s->at, &s->props, f);
    if (rc == 0) {
        s->props.router = before.router;
        s->props.asleep = before.asleep;
    }
    sb_llama_props_release(&before);
    return rc;
}

static int ready(struct sb_server *s, double *ret_load_s, struct sb_llama_failure *f) {
    (void)ret_load_s;
    int rc = await_loaded(s, f);
    if (rc == 0)
        rc = check_model(s, f);
    if (rc == 0)
        rc = learn_props(s, f);
    if (rc < 0)
        explain(s, f);
    return rc;
}

/* ---- while it runs: nothing here knows of it ------------------------------------------------- */

static int proof(const struct sb_server *s, struct sb_llama_proof *ret) {
    (void)s;
    (void)ret;
    return -1;
}

static void add_files(const struct sb_server *s, struct sb_files *files) {
    (void)s;
    (void)files;
}

static double no_time(const struct sb_server *s) {
    (void)s;
    return (double)NAN;
}

static double stop(struct sb_server *s) {
    return no_time(s);
}

static const struct sb_exit *how_it_ended(struct sb_server *s) {
    struct remote *r = (struct remote *)s;
    return &r->never;
}

static void release(struct sb_server *s) {
    sb_http_free(s->at.http);
    sb_llama_props_release(&s->props);
    free(s);
}

static const struct sb_server_ops remote_ops = {.start = start,
                                                .ready = ready,
                                                .proof = proof,
                                                .explain = explain,
                                                .add_files = add_files,
                                                .cpu_s = no_time,
                                                .stop = stop,
                                                .exit = how_it_ended,
                                                .free = release};

struct sb_server *server_remote(const struct sb_server_spec *spec) {
    struct remote *r = sb_alloc(1, sizeof *r);
    r->base.ops = &remote_ops;
    r->base.spec = spec;
    r->base.props = (struct sb_llama_props){.n_ctx = -1, .slots = -1};
    r->base.at.child_fd = -1;
    r->base.at.signal_fd = spec->signal_fd;
    r->never.peak_rss_bytes = -1;
    return &r->base;
}
