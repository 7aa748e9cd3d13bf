/* One launched llama-server: readiness, identity, tokenizing, completions, the end. */
#include "stratobench/llama.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "stratobench/sys.h"

enum {
    MAX_REPLY_BYTES = 16 << 20,
    MAX_SMALL_REPLY_BYTES = 1 << 20,
    TAIL_LINES = 20,
    TAIL_BYTES = 4096,
    STOP_GRACE_S = 10,
    ASK_TIMEOUT_S = 30,
    HEALTH_TIMEOUT_S = 5,
};

struct sb_llama {
    struct sb_proc *proc;
    struct sb_http *http;
    struct sb_strv argv;
    char *log_path;
    char *alias;
    int port;
    int signal_fd;
};

void sb_llama_failure_release(struct sb_llama_failure *f) {
    free(f->reason);
    free(f->detail);
    *f = (struct sb_llama_failure){0};
}

const struct sb_strv *sb_llama_used_argv(const struct sb_llama *s) {
    return &s->argv;
}

struct sb_proc *sb_llama_proc(struct sb_llama *s) {
    return s->proc;
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

/* Fills a failure with a reason (takes it) and the log's last lines as detail. */
static int fail(struct sb_llama *s, struct sb_llama_failure *f, char *reason) {
    struct sb_buf detail = SB_BUF_INIT(TAIL_BYTES + 256), tail = SB_BUF_INIT(TAIL_BYTES);
    f->exit = *sb_proc_exit(s->proc);
    sb_log_tail(s->log_path, TAIL_LINES, TAIL_BYTES, &tail);
    if (f->exit.exited) {
        char *text = sb_exit_text(&f->exit);
        const char *cause = cause_in(sb_buf_str(&tail));
        sb_buf_addf(&detail, "%s\n", text);
        if (cause) {
            char *longer = sb_asprintf("%s: %s", reason, cause);
            free(reason);
            reason = longer;
        }
        free(text);
    }
    sb_buf_adds(&detail, sb_buf_str(&tail));
    f->reason = reason;
    f->detail = sb_buf_detach(&detail);
    sb_buf_release(&tail);
    return -1;
}

/* With a line that explains the reason before the log's last lines. */
static int fail_saying(struct sb_llama *s, struct sb_llama_failure *f, const char *reason,
                       const char *line) {
    fail(s, f, sb_strdup(reason));
    char *longer = sb_asprintf("%s\n%s", line, f->detail);
    free(f->detail);
    f->detail = longer;
    return -1;
}

/* After the server was seen to end: its exit is reaped before the reason is written. */
static int fail_died(struct sb_llama *s, struct sb_llama_failure *f) {
    sb_proc_wait(s->proc, 1, -1);
    return fail(s, f, sb_strdup("server died"));
}

/* The signal is taken, so that stopping the server in order is cut short only by the next one. */
static int fail_interrupted(struct sb_llama *s, struct sb_llama_failure *f) {
    f->interrupted = sb_signals_take(s->signal_fd);
    return fail(s, f, sb_strdup("interrupted"));
}

static int fail_invalid(struct sb_llama *s, struct sb_llama_failure *f, char *reason) {
    f->invalid = true;
    return fail(s, f, reason);
}

static int fail_other_server(struct sb_llama *s, struct sb_llama_failure *f) {
    return fail(s, f, sb_asprintf("another server answers on port %d", s->port));
}

/* ---- requests ---------------------------------------------------------------------------- */

static char *error_message(const char *body) {
    cJSON *json = cJSON_Parse(body);
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(json, "error");
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(error, "message"));
    struct sb_buf clean = SB_BUF_INIT(200);
    if (text)
        sb_buf_add_printable(&clean, text, strlen(text));
    cJSON_Delete(json);
    return sb_buf_detach(&clean);
}

/* Turns anything but a 200 into a failure. `what` names the operation: "run", "tokenize". */
static int request(struct sb_llama *s, const char *what, const struct sb_http_request *wanted,
                   struct sb_http_reply *reply, struct sb_llama_failure *f) {
    struct sb_http_request req = *wanted;
    req.child_fd = sb_proc_fd(s->proc);
    req.signal_fd = s->signal_fd;
    switch (sb_http_request(s->http, &req, reply)) {
    case SB_HTTP_OK: break;
    case SB_HTTP_SIGNAL: return fail_interrupted(s, f);
    case SB_HTTP_CHILD_EXITED: return fail_died(s, f);
    case SB_HTTP_TIMEOUT:
        return fail(s, f, sb_asprintf("%s timed out after %.0f s", what, req.timeout_s));
    case SB_HTTP_TOO_BIG:
        return fail(s, f, sb_asprintf("bad reply: over %zu MiB", reply->body.limit >> 20));
    case SB_HTTP_REFUSED:
    case SB_HTTP_CLOSED:
        /* A dying server closes its socket a moment before it can be reaped. */
        if (sb_proc_wait(s->proc, 1, s->signal_fd) == SB_WAIT_EXITED)
            return fail_died(s, f);
        return fail_saying(s, f, "connection lost", reply->error);
    case SB_HTTP_NO_HTTP: return fail_saying(s, f, "bad reply: not HTTP", reply->error);
    }
    if (reply->status == 200)
        return 0;
    if (reply->status == 401) /* our child has our key */
        return fail_other_server(s, f);
    char *message = error_message(sb_buf_str(&reply->body));
    char *reason = sb_asprintf("HTTP %ld%s%s", reply->status, *message ? ": " : "", message);
    free(message);
    return fail(s, f, reason);
}

/* GET or POST for a small JSON object. NULL and *f on failure; the caller deletes it. */
static cJSON *ask(struct sb_llama *s, const char *path, const char *body, double timeout_s,
                  size_t limit, struct sb_llama_failure *f) {
    struct sb_http_reply reply = {.body = SB_BUF_INIT(limit)};
    struct sb_http_request req = {
        .path = path, .body = body, .body_len = body ? strlen(body) : 0, .timeout_s = timeout_s};
    cJSON *json = NULL;
    if (request(s, path, &req, &reply, f) == 0) {
        json = cJSON_Parse(sb_buf_str(&reply.body));
        if (!cJSON_IsObject(json)) {
            cJSON_Delete(json);
            json = NULL;
            fail(s, f, sb_asprintf("bad reply to %s: no JSON object", path));
        }
    }
    sb_buf_release(&reply.body);
    return json;
}

/* ---- start ------------------------------------------------------------------------------- */

static void random_hex(char *ret, size_t bytes) {
    unsigned char raw[32];
    if (getrandom(raw, bytes, 0) != (ssize_t)bytes)
        abort(); /* cannot fail for so few bytes once the machine has booted */
    for (size_t i = 0; i < bytes; i++)
        snprintf(ret + 2 * i, 3, "%02x", raw[i]);
}

/* Polls so that the error stays within 0.5 % of the load time or 1 ms, and looks at the child
 * before each poll: whoever answers after it died is somebody else. */
static int await_ready(struct sb_llama *s, double spawned_s, double timeout_s, double *ret_load_s,
                       struct sb_llama_failure *f) {
    for (;;) {
        double elapsed_s = sb_now_s() - spawned_s;
        double pause_s = fmin(fmax(elapsed_s / 200, 0.001), 0.050);
        enum sb_wait w = sb_proc_wait(s->proc, pause_s, s->signal_fd);
        if (w == SB_WAIT_EXITED)
            return fail_died(s, f);
        if (w == SB_WAIT_SIGNAL)
            return fail_interrupted(s, f);
        double left_s = timeout_s - (sb_now_s() - spawned_s);
        if (left_s <= 0)
            return fail(s, f, sb_asprintf("load timed out after %.0f s", timeout_s));
        struct sb_http_reply reply = {.body = SB_BUF_INIT(MAX_SMALL_REPLY_BYTES)};
        struct sb_http_request req = {.path = "/health",
                                      .timeout_s = fmin(left_s, HEALTH_TIMEOUT_S),
                                      .child_fd = sb_proc_fd(s->proc),
                                      .signal_fd = s->signal_fd};
        enum sb_http_result r = sb_http_request(s->http, &req, &reply);
        long status = reply.status;
        sb_buf_release(&reply.body);
        if (r == SB_HTTP_OK && status == 200) {
            *ret_load_s = sb_now_s() - spawned_s;
            return 0;
        }
    }
}

static const char *string_at(const cJSON *object, const char *key) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

/* The alias is random, so only our own child can name it. Builds differ in where: /v1/models has
 * had it longest. */
static int check_alias(struct sb_llama *s, struct sb_llama_failure *f) {
    cJSON *models = ask(s, "/v1/models", NULL, ASK_TIMEOUT_S, MAX_SMALL_REPLY_BYTES, f);
    if (!models)
        return -1;
    const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(models, "data"), 0);
    const char *id = string_at(first, "id");
    int rc = id && strcmp(id, s->alias) == 0 ? 0 : fail_other_server(s, f);
    cJSON_Delete(models);
    return rc;
}

/* A router answers /health without any model, and knows no alias. */
static int check_identity(struct sb_llama *s, const struct sb_llama_launch *l,
                          struct sb_llama_failure *f) {
    cJSON *props = ask(s, "/props", NULL, ASK_TIMEOUT_S, MAX_SMALL_REPLY_BYTES, f);
    if (!props)
        return -1;
    const char *role = string_at(props, "role"), *path = string_at(props, "model_path");
    const cJSON *settings = cJSON_GetObjectItemCaseSensitive(props, "default_generation_settings");
    const cJSON *n_ctx = cJSON_GetObjectItemCaseSensitive(settings, "n_ctx");
    int rc = 0;
    if (role && strcmp(role, "router") == 0)
        rc = fail(s, f, sb_strdup("server is a router without a model"));
    if (rc == 0)
        rc = check_alias(s, f);
    if (rc == 0 && path && strcmp(path, l->model->path) != 0)
        rc = fail(s, f, sb_strdup("server holds another model than asked for"));
    if (rc == 0 && cJSON_IsNumber(n_ctx) && n_ctx->valuedouble < l->ctx)
        rc = fail_invalid(s, f, sb_asprintf("context is %.0f, not %d", n_ctx->valuedouble, l->ctx));
    cJSON_Delete(props);
    return rc;
}

static int spawn(struct sb_llama *s, const struct sb_llama_build *b,
                 const struct sb_llama_launch *l, const char *key, struct sb_llama_failure *f) {
    struct sb_strv env = {0};
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    sb_llama_env(l->backend, (const char *const *)environ, key, &env);
    int rc = sb_llama_argv(b, l, &s->argv, &error);
    if (rc == 0) {
        struct sb_proc_spec spec = {.argv = (const char *const *)s->argv.item,
                                    .envp = (const char *const *)env.item,
                                    .log_path = s->log_path};
        rc = sb_proc_start(&spec, &s->proc, &error);
    }
    if (rc < 0) {
        f->reason = sb_strdup(rc == -ENOENT ? "binary not found" : "server cannot be started");
        f->detail = sb_buf_detach(&error);
    }
    sb_buf_release(&error);
    sb_strv_release(&env);
    return rc < 0 ? -1 : 0;
}

int sb_llama_start(const struct sb_llama_build *b, const struct sb_llama_launch *launch,
                   const char *log_path, double timeout_s, int signal_fd, struct sb_llama **ret,
                   double *ret_load_s, struct sb_llama_failure *failure) {
    char key[33], alias[17];
    random_hex(key, 16);
    random_hex(alias, 8);
    struct sb_llama *s = sb_alloc(1, sizeof *s);
    s->signal_fd = signal_fd;
    s->log_path = sb_strdup(log_path);
    s->alias = sb_asprintf("stratobench-%s", alias);
    s->port = sb_http_free_port();
    struct sb_llama_launch l = *launch;
    l.alias = s->alias;
    l.port = s->port;
    int rc = -1;
    if (s->port < 0) {
        failure->reason = sb_asprintf("no free port: %s", strerror(-s->port));
    } else {
        s->http = sb_http_new(s->port, key);
        double spawned_s = sb_now_s();
        rc = spawn(s, b, &l, key, failure);
        if (rc == 0)
            rc = await_ready(s, spawned_s, timeout_s, ret_load_s, failure);
        if (rc == 0)
            rc = check_identity(s, &l, failure);
    }
    if (rc < 0) {
        sb_llama_free(s);
        return -1;
    }
    *ret = s;
    return 0;
}

double sb_llama_stop(struct sb_llama *s) {
    double before_s = sb_now_s();
    sb_proc_stop(s->proc, STOP_GRACE_S, s->signal_fd);
    return sb_now_s() - before_s;
}

void sb_llama_free(struct sb_llama *s) {
    if (!s)
        return;
    if (s->proc)
        sb_llama_stop(s);
    sb_proc_free(s->proc);
    sb_http_free(s->http);
    sb_strv_release(&s->argv);
    free(s->log_path);
    free(s->alias);
    free(s);
}

/* ---- tokenize ---------------------------------------------------------------------------- */

int sb_llama_tokenize(struct sb_llama *s, const char *text, size_t len, bool add_special,
                      double timeout_s, int **ret, size_t *ret_n, struct sb_llama_failure *f) {
    char *content = sb_strndup(text, len);
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "content", content);
    cJSON_AddBoolToObject(body, "add_special", add_special);
    char *json = cJSON_PrintUnformatted(body);
    cJSON_Delete(body);
    free(content);
    cJSON *reply = ask(s, "/tokenize", json, timeout_s, MAX_REPLY_BYTES, f);
    free(json);
    if (!reply)
        return -1;
    const cJSON *tokens = cJSON_GetObjectItemCaseSensitive(reply, "tokens");
    const cJSON *t = cJSON_IsArray(tokens) ? tokens->child : NULL; /* an object has one, too */
    size_t n = t ? (size_t)cJSON_GetArraySize(tokens) : 0;
    int *ids = sb_alloc(n, sizeof *ids);
    bool good = n > 0;
    for (size_t i = 0; good && t; t = t->next) {
        good = cJSON_IsNumber(t) && t->valuedouble >= 0 && t->valuedouble < INT_MAX;
        ids[i++] = good ? (int)t->valuedouble : 0;
    }
    cJSON_Delete(reply);
    if (!good) {
        free(ids);
        return fail(s, f, sb_strdup("bad reply to /tokenize: no token ids"));
    }
    *ret = ids;
    *ret_n = n;
    return 0;
}

/* ---- completion -------------------------------------------------------------------------- */

static double number_at(const cJSON *object, const char *key) {
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(v) && isfinite(v->valuedouble) ? v->valuedouble : (double)NAN;
}

static long long count_at(const cJSON *object, const char *key) {
    double v = number_at(object, key);
    return v >= 0 && v < 1e15 ? (long long)v : -1;
}

int sb_llama_parse_completion(const char *text, size_t len, struct sb_llama_timings *ret,
                              struct sb_buf *error) {
    cJSON *json = cJSON_ParseWithLength(text, len);
    const cJSON *t = cJSON_GetObjectItemCaseSensitive(json, "timings");
    if (!cJSON_IsObject(json) || !cJSON_IsObject(t)) {
        sb_buf_adds(error, !json                   ? "not JSON"
                           : !cJSON_IsObject(json) ? "not an object"
                                                   : "no timings");
        cJSON_Delete(json);
        return -1;
    }
    *ret = (struct sb_llama_timings){
        .prompt_n = count_at(t, "prompt_n"),
        .cache_n = count_at(t, "cache_n"),
        .predicted_n = count_at(t, "predicted_n"),
        .draft_n = count_at(t, "draft_n"),
        .draft_n_accepted = count_at(t, "draft_n_accepted"),
        .prompt_ms = number_at(t, "prompt_ms"),
        .predicted_ms = number_at(t, "predicted_ms"),
        .prompt_per_second = number_at(t, "prompt_per_second"),
        .predicted_per_second = number_at(t, "predicted_per_second"),
        .truncated = -1,
        .wall_ms = (double)NAN,
    };
    /* Builds of 2025 have no cache_n; there tokens_evaluated counts the cached ones as well. */
    long long evaluated = count_at(json, "tokens_evaluated");
    if (ret->cache_n < 0 && evaluated >= 0 && ret->prompt_n >= 0 && evaluated >= ret->prompt_n)
        ret->cache_n = evaluated - ret->prompt_n;
    const cJSON *truncated = cJSON_GetObjectItemCaseSensitive(json, "truncated");
    if (cJSON_IsBool(truncated))
        ret->truncated = cJSON_IsTrue(truncated);
    const char *stop = string_at(json, "stop_type");
    if (stop) {
        struct sb_buf clean = SB_BUF_INIT(32);
        sb_buf_add_printable(&clean, stop, strlen(stop));
        ret->stop_type = sb_buf_detach(&clean);
    }
    cJSON_Delete(json);
    return 0;
}

void sb_llama_timings_release(struct sb_llama_timings *t) {
    free(t->stop_type);
    t->stop_type = NULL;
}

/* The reply would echo the whole prompt: response_fields trims it (older builds ignore that). */
static char *completion_body(const struct sb_llama_completion *c, size_t *ret_len) {
    struct sb_buf b = SB_BUF_INIT(SIZE_MAX / 4);
    sb_buf_addf(&b, "{\"n_predict\":%d,\"temperature\":0,\"seed\":1,\"stream\":false",
                c->n_predict);
    sb_buf_addf(&b, ",\"cache_prompt\":%s,\"ignore_eos\":%s", c->cache_prompt ? "true" : "false",
                c->ignore_eos ? "true" : "false");
    sb_buf_adds(&b, ",\"response_fields\":[\"timings\",\"stop_type\",\"truncated\","
                    "\"tokens_evaluated\",\"tokens_predicted\"],\"prompt\":[");
    for (size_t i = 0; i < c->n_tokens; i++)
        sb_buf_addf(&b, "%s%d", i ? "," : "", c->tokens[i]);
    sb_buf_adds(&b, "]}");
    *ret_len = b.len;
    return sb_buf_detach(&b);
}

int sb_llama_complete(struct sb_llama *s, const struct sb_llama_completion *c,
                      struct sb_llama_timings *ret, struct sb_llama_failure *failure) {
    size_t len;
    char *body = completion_body(c, &len);
    struct sb_http_reply reply = {.body = SB_BUF_INIT(MAX_REPLY_BYTES)};
    struct sb_http_request req = {
        .path = "/completion", .body = body, .body_len = len, .timeout_s = c->timeout_s};
    int rc = request(s, "run", &req, &reply, failure);
    free(body);
    if (rc == 0) {
        struct sb_buf error = SB_BUF_INIT(200);
        rc = sb_llama_parse_completion(sb_buf_str(&reply.body), reply.body.len, ret, &error);
        if (rc < 0)
            fail(s, failure, sb_asprintf("bad reply: %s", sb_buf_str(&error)));
        else
            ret->wall_ms = reply.wall_ms;
        sb_buf_release(&error);
    }
    sb_buf_release(&reply.body);
    return rc;
}
