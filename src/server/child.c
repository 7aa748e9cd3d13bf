/* A llama-server as a child process: spawned, awaited, known as ours, explained when it dies. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"
#include "tool.h"

enum {
    TAIL_LINES = 20,
    TAIL_BYTES = 4096,
    STOP_GRACE_S = 10,
    HEALTH_TIMEOUT_S = 5,
};

/* A wait that ends so much late: we were held up (a frozen container), and time is not measured. */
static const double FROZEN_S = 1;
/* How long the log may be behind once the server is ready, and how long until a second look. */
static const double LOG_LAG_S = 2, LOOK_AGAIN_S = 0.05;

struct child {
    struct sb_server base;
    struct sb_proc *proc;
    struct server_tool tool; /* that its command goes through */
    bool through_tool;
    char alias[SERVER_NAME_BYTES]; /* and the container's name, if there is one */
    int port;
    pid_t listener; /* the process that serves: the child, or what a wrapper started; or -1 */
    double spawned_s;
    struct sb_exit ended;
    long long peak_rss_bytes; /* of the listener, before it was stopped */
};

static struct child *child_of(struct sb_server *s) {
    return (struct child *)s;
}

/* ---- failures ---------------------------------------------------------------------------- */

/* What llama-server prints before it gives up, and what that means in few words: the first that
 * is in the log counts. */
static const struct {
    const char *said, *means;
} causes[] = {
    {"failed to load GGUF split", "a shard is missing"},
    {"failed to open GGUF file", "model file cannot be opened"},
    {"data is not within the file bounds", "model file is truncated or corrupted"},
    {"failed to read key-value pairs", "model file header is truncated"},
    {"invalid magic characters", "not a GGUF file"},
    {"failed to read magic", "model file is empty"},
    {"illegal split file idx", "not the first shard"},
    {"invalid split file", "a shard has the wrong name"},
    {"unknown model architecture", "unknown model architecture"},
    {"unable to allocate", "buffer does not fit in memory"},
    {"ErrorOutOfDeviceMemory", "out of device memory"},
    {"cudaMalloc failed: out of memory", "out of device memory"},
    {"failed to create_context with model", "context does not fit in memory"},
    {"failed to create context with model", "context does not fit in memory"},
    {"couldn't bind HTTP server socket", "port taken"},
    {"invalid device:", "no such device"},
    {"error: invalid argument", "this build refuses an argument"},
    {"ErrorDeviceLost", "GPU device lost"},
};

static const char *cause_in(const char *log) {
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
        if (strstr(log, causes[i].said))
            return causes[i].means;
    return NULL;
}

static void set_reason(struct sb_llama_failure *f, char *reason) {
    free(f->reason);
    f->reason = reason;
}

static int fail(struct sb_llama_failure *f, char *reason) {
    set_reason(f, reason);
    return -1;
}

static int fail_other_server(const struct child *c, struct sb_llama_failure *f) {
    f->port_lost = true;
    return fail(f, sb_asprintf("another server answers on port %d", c->port));
}

static void explain(struct sb_server *s, struct sb_llama_failure *f) {
    struct child *c = child_of(s);
    struct sb_buf detail = SB_BUF_INIT(2 * TAIL_BYTES), tail = SB_BUF_INIT(TAIL_BYTES);
    if (!c->proc)
        return;
    /* A dying server closes its socket a moment before it can be reaped. */
    if (f->gone && sb_proc_wait(c->proc, 1, s->spec->signal_fd) == SB_WAIT_EXITED) {
        set_reason(f, sb_strdup("server died"));
        f->port_lost = false;           /* unless its log says so */
    } else if (f->http_status == 401) { /* our child has our key */
        fail_other_server(c, f);
    }
    f->exit = *sb_proc_exit(c->proc);
    sb_log_tail(s->spec->log_path, TAIL_LINES, TAIL_BYTES, &tail);
    if (f->detail && !f->exit.exited)
        sb_buf_addf(&detail, "%s\n", f->detail);
    if (f->exit.exited) {
        char *text = sb_exit_text(&f->exit);
        const char *cause = cause_in(sb_buf_str(&tail));
        sb_buf_addf(&detail, "%s\n", text);
        if (cause)
            set_reason(f, sb_asprintf("%s: %s", f->reason, cause));
        f->port_lost |= cause && strcmp(cause, "port taken") == 0;
        free(text);
    }
    sb_buf_adds(&detail, sb_buf_str(&tail));
    free(f->detail);
    f->detail = sb_buf_detach(&detail);
    sb_buf_release(&tail);
}

/* ---- start ------------------------------------------------------------------------------- */

/* What our server alone is told, in its environment where that reaches it. */
static void make_env(const struct child *c, const char *key, struct sb_strv *ret) {
    const struct sb_llama_build *build = c->base.spec->build;
    struct sb_strv own = {0};
    sb_strv_take(&own, sb_asprintf("LLAMA_API_KEY=%s", key));
    if (sb_llama_takes_env(build, "--alias", "LLAMA_ARG_ALIAS"))
        sb_strv_take(&own, sb_asprintf("LLAMA_ARG_ALIAS=%s", c->alias));
    sb_llama_env(&build->env, (const char *const *)environ, &own, ret);
    sb_strv_release(&own);
}

static int spawn(struct child *c, const char *key, struct sb_llama_failure *f) {
    struct sb_server *s = &c->base;
    const struct sb_llama_build *build = s->spec->build;
    struct sb_llama_launch how = s->spec->launch;
    struct sb_strv env = {0}, removal = {0};
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    how.port = c->port;
    how.alias = c->alias;
    how.env_is_lost = c->through_tool && !c->tool.lets_env_through;
    make_env(c, key, &env);
    sb_server_removal(&build->command, c->alias, &removal);
    int rc = sb_llama_argv(build, &how, &s->argv, &error);
    if (rc == 0) {
        sb_server_name_container(&s->argv, &build->env, c->alias);
        struct sb_proc_spec spec = {.argv = (const char *const *)s->argv.item,
                                    .envp = (const char *const *)env.item,
                                    .log_path = s->spec->log_path,
                                    .last_argv = (const char *const *)removal.item};
        c->spawned_s = sb_now_s();
        rc = sb_proc_start(&spec, &c->proc, &error);
    }
    if (rc < 0) {
        f->reason = sb_strdup(rc == -ENOENT ? "binary not found" : "server cannot be started");
        f->detail = sb_buf_detach(&error);
    }
    sb_buf_release(&error);
    sb_strv_release(&env);
    sb_strv_release(&removal);
    return rc < 0 ? -1 : 0;
}

static int start(struct sb_server *s, struct sb_llama_failure *f) {
    struct child *c = child_of(s);
    char key[33];
    server_random_hex(key, 16);
    server_random_name(c->alias);
    c->port = sb_http_free_port();
    if (c->port < 0)
        return fail(f, sb_asprintf("no free port: %s", strerror(-c->port)));
    char *url = sb_asprintf("http://127.0.0.1:%d", c->port);
    c->through_tool = server_tool_find(&s->spec->build->command, &c->tool);
    s->at.http = sb_http_new(&(struct sb_http_server){url, key, NULL});
    free(url);
    if (spawn(c, key, f) < 0)
        return -1;
    s->at.child_fd = sb_proc_fd(c->proc);
    return 0;
}

/* Polls so that the error stays within 0.5 % of the load time or 1 ms, and looks at the child
 * before each poll: whoever answers after it died is somebody else. */
static int await_ready(struct child *c, double *ret_load_s, struct sb_llama_failure *f) {
    const struct sb_server_spec *spec = c->base.spec;
    double tick_s = c->spawned_s + 1;
    for (bool frozen = false;;) {
        if (spec->tick && sb_now_s() >= tick_s) {
            spec->tick(spec->tick_arg);
            tick_s++;
        }
        double elapsed_s = sb_now_s() - c->spawned_s;
        double pause_s = fmin(fmax(elapsed_s / 200, 0.001), 0.050);
        enum sb_wait w = sb_proc_wait(c->proc, pause_s, spec->signal_fd);
        frozen |= sb_now_s() - c->spawned_s - elapsed_s > pause_s + FROZEN_S;
        if (w == SB_WAIT_EXITED) {
            f->gone = true;
            return fail(f, sb_strdup("server died"));
        }
        if (w == SB_WAIT_SIGNAL) {
            f->interrupted = sb_signals_take(spec->signal_fd);
            return fail(f, sb_strdup("interrupted"));
        }
        double left_s = spec->load_timeout_s - (sb_now_s() - c->spawned_s);
        if (left_s <= 0)
            return fail(f, sb_asprintf("load timed out after %.0f s", spec->load_timeout_s));
        if (sb_llama_health(&c->base.at, fmin(left_s, HEALTH_TIMEOUT_S)) == 200) {
            *ret_load_s = frozen ? (double)NAN : sb_now_s() - c->spawned_s;
            return 0;
        }
    }
}

static bool in_container(const struct child *c) {
    return c->through_tool && c->tool.makes_container;
}

/* The server of a container need not descend from us (docker's is its daemon's): the tool says which
 * process it is. */
static void find_in_container(struct child *c) {
    pid_t pid = server_tool_pid(&c->base.spec->build->command, &c->tool, c->alias);
    pid_t listener = pid ? sb_pid_listener(pid, c->port) : 0;
    c->listener = listener > 0 ? listener : -1;
}

/* Before our key is shown to whoever answers: the socket must be one of our child's, or a
 * container's, into which we may not see. There the alias is proof enough: it was made for this one
 * container, told to nobody else, and is not in what we send; and the key opens no other door. */
static int check_listener(struct child *c, struct sb_llama_failure *f) {
    c->listener = sb_proc_listener(c->proc, c->port);
    /* The kernel's table is read in pieces while others open and close: a verdict takes two looks. */
    if (c->listener == 0 &&
        sb_proc_wait(c->proc, LOOK_AGAIN_S, c->base.spec->signal_fd) == SB_WAIT_TIMEOUT)
        c->listener = sb_proc_listener(c->proc, c->port);
    if (c->listener == 0 && in_container(c))
        find_in_container(c);
    if (c->listener != 0)
        return 0;
    f->gone = true; /* or it may be: a dying one's files are closed before its socket is gone */
    return fail_other_server(c, f);
}

/* The alias is random, so only our own child can name it. */
static int check_alias(struct child *c, const char *told, struct sb_llama_failure *f) {
    struct sb_llama_models models = {0};
    if (!told && sb_llama_models(&c->base.at, &models, f) < 0)
        return -1;
    bool ours =
        told ? strcmp(told, c->alias) == 0 : sb_llama_model_named(&models, c->alias) != NULL;
    sb_llama_models_release(&models);
    return ours ? 0 : fail_other_server(c, f);
}

/* A router answers /health without any model, and knows no alias. */
static int check_identity(struct child *c, struct sb_llama_failure *f) {
    const struct sb_llama_launch *asked = &c->base.spec->launch;
    struct sb_llama_props props;
    if (sb_llama_props(&c->base.at, &props, f) < 0)
        return -1;
    int rc = props.router ? fail(f, sb_strdup("server is a router without a model"))
                          : check_alias(c, props.alias, f);
    if (rc == 0 && props.model_path && strcmp(props.model_path, asked->model_path) != 0)
        rc = fail(f, sb_strdup("server holds another model than asked for"));
    if (rc == 0 && props.n_ctx >= 0 && props.n_ctx < asked->ctx) {
        f->invalid = true;
        rc = fail(f, sb_asprintf("context is %lld, not %d", props.n_ctx, asked->ctx));
    }
    if (rc == 0 && props.slots >= 0 && props.slots < asked->slots) {
        f->invalid = true;
        rc = fail(f, sb_asprintf("server has %lld slot%s, not %d", props.slots,
                                 props.slots == 1 ? "" : "s", asked->slots));
    }
    sb_llama_props_release(&props);
    return rc;
}

static int ready(struct sb_server *s, double *ret_load_s, struct sb_llama_failure *f) {
    struct child *c = child_of(s);
    int rc = await_ready(c, ret_load_s, f);
    if (rc == 0)
        rc = check_listener(c, f);
    if (rc == 0)
        rc = check_identity(c, f);
    if (rc < 0)
        explain(s, f);
    return rc;
}

/* ---- while it runs, and the end ------------------------------------------------------------ */

/* The server's log is written by a thread of its own, which may be behind where processors are scarce:
 * what it says of the weights is whole once it speaks of the buffers that come after them. */
static int proof(const struct sb_server *s, struct sb_llama_proof *ret) {
    const struct child *c = (const struct child *)s;
    for (double until_s = sb_now_s() + LOG_LAG_S;;) {
        int rc = sb_llama_parse_log_file(s->spec->log_path, ret);
        if (rc < 0 || (ret->n_weights && ret->compute.n) || sb_now_s() >= until_s ||
            sb_proc_wait(c->proc, LOOK_AGAIN_S, s->spec->signal_fd) != SB_WAIT_TIMEOUT)
            return rc;
        sb_llama_proof_release(ret);
    }
}

static void add_files(const struct sb_server *s, struct sb_files *files) {
    const struct child *c = (const struct child *)s;
    if (c->listener > 0 && !in_container(c)) /* whose paths are not ours */
        sb_pid_add_files(c->listener, files);
}

static double cpu_s(const struct sb_server *s) {
    const struct child *c = (const struct child *)s;
    if (c->listener <= 0 && in_container(c))
        return (double)NAN; /* the tool's own says nothing */
    return sb_pid_cpu_s(c->listener > 0 ? c->listener : sb_proc_pid(c->proc));
}

static double stop(struct sb_server *s) {
    struct child *c = child_of(s);
    if (c->listener > 0 && !sb_proc_exit(c->proc)->exited)
        c->peak_rss_bytes = sb_pid_peak_rss_bytes(c->listener);
    double before_s = sb_now_s();
    sb_proc_stop(child_of(s)->proc, STOP_GRACE_S, s->spec->signal_fd);
    return sb_now_s() - before_s;
}

/* The kernel's own count of a wrapper is the shell's. */
static const struct sb_exit *how_it_ended(struct sb_server *s) {
    struct child *c = child_of(s);
    c->ended = *sb_proc_exit(c->proc);
    if (c->listener > 0 && c->listener != sb_proc_pid(c->proc))
        c->ended.peak_rss_bytes = c->peak_rss_bytes;
    return &c->ended;
}

static void release(struct sb_server *s) {
    struct child *c = child_of(s);
    if (c->proc)
        stop(s);
    sb_proc_free(c->proc);
    sb_http_free(s->at.http);
    sb_strv_release(&s->argv);
    free(c);
}

static const struct sb_server_ops child_ops = {.ours = true,
                                               .start = start,
                                               .ready = ready,
                                               .proof = proof,
                                               .explain = explain,
                                               .add_files = add_files,
                                               .cpu_s = cpu_s,
                                               .stop = stop,
                                               .exit = how_it_ended,
                                               .free = release};

struct sb_server *server_child(const struct sb_server_spec *spec) {
    struct child *c = sb_alloc(1, sizeof *c);
    c->base.ops = &child_ops;
    c->base.spec = spec;
    c->base.props = (struct sb_llama_props){.n_ctx = -1, .slots = -1};
    c->base.at.child_fd = -1;
    c->listener = -1;
    c->peak_rss_bytes = -1;
    c->base.at.signal_fd = spec->signal_fd;
    return &c->base;
}
