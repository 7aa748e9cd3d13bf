/* See fake_llama_server/modes.c for what it does and how it is told to. */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "fake_llama_server/fake.h"

struct args args;

/* ---- HTTP --------------------------------------------------------------------------------- */

static volatile sig_atomic_t terms;
static sigset_t waiting; /* the signal mask while we wait */

static void on_term(int sig) {
    (void)sig;
    if (++terms > 1)
        _exit(1); /* as the real one does at the second */
}

bool nap(int client, double ms) {
    double deadline_s = ms < 0 ? INFINITY : sb_now_s() + ms / 1e3;
    struct pollfd fd = {.fd = client, .events = POLLRDHUP};
    for (int left_ms; (left_ms = sb_poll_ms(deadline_s)) > 0;)
        if (poll(&fd, 1, left_ms) > 0)
            return false;
    return true;
}

void send_all(int client, const char *data, size_t len) {
    for (ssize_t n; len > 0 && (n = send(client, data, len, MSG_NOSIGNAL)) > 0;) {
        data += n;
        len -= (size_t)n;
    }
}

void send_head(int client, const char *status, const char *type, size_t length) {
    char head[256];
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %s\r\nServer: llama.cpp\r\nContent-Type: %s\r\n"
                     "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                     status, type, length);
    send_all(client, head, (size_t)n);
}

void reply(int client, const char *status, const char *type, const char *body) {
    send_head(client, status, type, strlen(body));
    send_all(client, body, strlen(body));
}

void reply_error(int client, const char *status, const char *type, const char *message) {
    char *body = sb_asprintf("{\"error\":{\"code\":%ld,\"message\":\"%s\",\"type\":\"%s\"}}",
                             strtol(status, NULL, 10), message, type);
    reply(client, status, "application/json; charset=utf-8", body);
    free(body);
}

static void reply_json(int client, cJSON *json) {
    char *body = cJSON_PrintUnformatted(json);
    reply(client, "200 OK", "application/json; charset=utf-8", body);
    free(body);
    cJSON_Delete(json);
}

/* ---- endpoints ---------------------------------------------------------------------------- */

/* Slots that were asked for share the context; those of the default all may use the whole. */
int context_size(void) {
    long ctx = strtol(args.ctx, NULL, 10), slots = args.slots ? strtol(args.slots, NULL, 10) : 1;
    return (int)(ctx / (slots > 0 ? slots : 1) / (mode("wrong-ctx") ? 2 : 1));
}

static void show_tokens(int client, const cJSON *request) {
    const cJSON *content = cJSON_GetObjectItemCaseSensitive(request, "content");
    struct tokens t = {0};
    if (cJSON_IsString(content))
        tokenize(content->valuestring,
                 cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(request, "add_special")), &t);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToObject(json, "tokens", cJSON_CreateIntArray(t.id, (int)t.n));
    if (mode("token-object")) {
        cJSON *object = cJSON_CreateObject();
        for (int i = 0; i < 100000; i++) /* enough to be noticed where there is room for none */
            cJSON_AddNumberToObject(object, "id", i);
        cJSON_ReplaceItemInObjectCaseSensitive(json, "tokens", object);
    }
    free(t.id);
    reply_json(client, json);
}

/* The real one is, when it was given no model. */
static bool is_router(void) {
    return mode("router") || !args.model || !*args.model;
}

static const char *alias(void) {
    return mode("wrong-alias") ? "somebody-else" : args.alias ? args.alias : args.model;
}

static void show_props(int client, bool of_model) {
    cJSON *json = cJSON_CreateObject();
    if (is_router() || (mode("several") && !of_model)) {
        cJSON_AddStringToObject(json, "role", "router");
        cJSON_AddNumberToObject(cJSON_AddObjectToObject(json, "default_generation_settings"),
                                "n_ctx", 0);
    } else {
        cJSON *settings = cJSON_AddObjectToObject(json, "default_generation_settings");
        cJSON_AddNumberToObject(settings, "n_ctx", context_size());
        cJSON_AddNumberToObject(json, "total_slots",
                                args.slots          ? strtod(args.slots, NULL)
                                : args.build == OLD ? 1
                                                    : 4);
        if (args.build != OLD)
            cJSON_AddStringToObject(json, "model_alias", alias());
        cJSON_AddStringToObject(json, "model_path",
                                mode("wrong-model") ? "/other.gguf" : args.model);
        cJSON_AddStringToObject(json, "build_info", "b11669-fake");
        cJSON_AddBoolToObject(json, "is_sleeping", is_asleep());
        cJSON_AddBoolToObject(cJSON_AddObjectToObject(json, "modalities"), "vision",
                              args.mmproj && !mode("blind"));
        if (args.build != OLD && !mode("no-marker"))
            cJSON_AddStringToObject(json, "media_marker", MEDIA_MARKER);
    }
    reply_json(client, json);
}

static void show_models(int client) {
    cJSON *json = cJSON_CreateObject(), *data = cJSON_AddArrayToObject(json, "data");
    if (mode("several")) {
        add_models_of_router(data);
    } else if (!is_router()) {
        cJSON *model = cJSON_CreateObject(), *meta = cJSON_AddObjectToObject(model, "meta");
        cJSON_AddStringToObject(model, "id", alias());
        cJSON_AddStringToObject(model, "owned_by", "fake");
        cJSON_AddNumberToObject(meta, "n_ctx", context_size());
        if (mode("params"))
            cJSON_AddNumberToObject(meta, "n_params", (double)mode_number(mode("params"), 0));
        cJSON_AddItemToArray(data, model);
    }
    reply_json(client, json);
}

static void show_health(int client) {
    const char *argument = mode("exit-after-ready");
    reply(client, "200 OK", "application/json; charset=utf-8", "{\"status\":\"ok\"}");
    if (argument)
        _exit((int)mode_number(argument, 1));
}

/* ---- the server --------------------------------------------------------------------------- */

struct request {
    char *line, *headers, *body; /* within `text` */
    struct sb_buf text;
};

static bool receive(int client, struct request *ret) {
    char chunk[16384], *end = NULL;
    size_t want = SIZE_MAX;
    *ret = (struct request){.text = SB_BUF_INIT(64 << 20)};
    while (!end || ret->text.len < want) {
        ssize_t n = recv(client, chunk, sizeof chunk, 0);
        if (n <= 0 || sb_buf_add(&ret->text, chunk, (size_t)n))
            return false;
        if (!end && (end = strstr(ret->text.data, "\r\n\r\n"))) {
            const char *length = strcasestr(ret->text.data, "\r\nContent-Length:");
            want = (size_t)(end + 4 - ret->text.data);
            want += length && length < end ? strtoul(length + 17, NULL, 10) : 0;
        }
    }
    end = strstr(ret->text.data, "\r\n\r\n");
    ret->line = ret->text.data;
    ret->headers = strstr(ret->text.data, "\r\n");
    *ret->headers++ = '\0';
    end[2] = '\0';
    ret->body = end + 4;
    return true;
}

/* The key of LLAMA_API_KEY or the first of the file; "" when there is none. Several threads ask. */
static void api_key(char key[256]) {
    const char *from_env = getenv("LLAMA_API_KEY");
    FILE *f = args.api_key_file ? fopen(args.api_key_file, "r") : NULL;
    snprintf(key, 256, "%s", from_env ? from_env : "");
    if (f && fgets(key, 256, f))
        key[strcspn(key, "\n")] = '\0';
    if (f)
        fclose(f);
}

static bool may_ask(const struct request *r) {
    char key[256], want[300];
    api_key(key);
    snprintf(want, sizeof want, "\nAuthorization: Bearer %s\r\n", key);
    return !*key || strstr(r->headers, want);
}

static void answer(int client, const struct request *r, bool loading) {
    char method[8] = "", path[128] = "";
    sscanf(r->line, "%7s %127[^ ?]", method, path);
    cJSON *json = *r->body ? cJSON_Parse(r->body) : NULL;
    bool post = strcmp(method, "POST") == 0;
    if (mode("tell"))
        say("asked %s", r->line);
    if (loading)
        reply_error(client, "503 Service Unavailable", "unavailable_error", "Loading model");
    else if (!post && strcmp(path, "/health") == 0)
        show_health(client);
    else if (!may_ask(r))
        reply_error(client, "401 Unauthorized", "authentication_error", "Invalid API Key");
    else if (answer_as_others(client, r->line, r->headers, json))
        ;
    else if (!post && strcmp(path, "/props") == 0)
        show_props(client, strstr(r->line, "?model="));
    else if (!post && strcmp(path, "/v1/models") == 0)
        show_models(client);
    else if (post && !json)
        reply_error(client, "400 Bad Request", "invalid_request_error", "parse error");
    else if (post && strcmp(path, "/tokenize") == 0)
        show_tokens(client, json);
    else if (post && strcmp(path, "/v1/completions") == 0)
        complete_as_openai(client, json);
    else if (post && strcmp(path, "/completion") == 0)
        complete(client, json);
    else
        reply_error(client, "404 Not Found", "not_found_error", "File Not Found");
    cJSON_Delete(json);
}

/* Serves one request, whole or not; -1 = nobody came. */
static void serve(int client, bool loading) {
    struct request r;
    if (client < 0)
        return;
    if (receive(client, &r))
        answer(client, &r, loading);
    sb_buf_release(&r.text);
    close(client);
}

/* ---- several at once ---------------------------------------------------------------------- */

static struct {
    mtx_t lock;
    cnd_t less;
    int n;
} in_flight;

/* Signals stay with the main thread. */
static int serve_beside(void *client) {
    serve((int)(intptr_t)client, false);
    mtx_lock(&in_flight.lock);
    in_flight.n--;
    cnd_signal(&in_flight.less);
    mtx_unlock(&in_flight.lock);
    return 0;
}

static void serve_in_a_thread(int client) {
    thrd_t thread;
    if (client < 0)
        return;
    mtx_lock(&in_flight.lock);
    in_flight.n++;
    mtx_unlock(&in_flight.lock);
    if (thrd_create(&thread, serve_beside, (void *)(intptr_t)client) != thrd_success)
        abort();
    thrd_detach(thread);
}

static void await_all(void) {
    sigprocmask(SIG_SETMASK, &waiting, NULL);
    mtx_lock(&in_flight.lock);
    while (in_flight.n > 0)
        cnd_wait(&in_flight.less, &in_flight.lock);
    mtx_unlock(&in_flight.lock);
}

/* The real one gives up too, but only after it has loaded. */
static int listen_on(const char *host, int port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (inet_pton(AF_INET, host, &a.sin_addr) != 1 || mode("port-taken") ||
        bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 16)) {
        say("couldn't bind HTTP server socket, hostname: %s, port: %d", host, port);
        exit(1);
    }
    return fd;
}

/* What the real one says of a file that is none, word for word. */
static void open_model(const char *path) {
    char magic[4] = "";
    FILE *f = fopen(path, "rb");
    const char *wrong = NULL;
    if (!f)
        say("gguf_init_from_file: failed to open GGUF file '%s' (%s)", path, strerror(errno));
    else if (fread(magic, 1, 4, f) < 4)
        wrong = "failed to read magic";
    else if (memcmp(magic, "GGUF", 4) != 0)
        wrong = "invalid magic characters: 'XXXX', expected 'GGUF'";
    if (wrong)
        say("gguf_init_from_reader: %s", wrong);
    if (f)
        fclose(f);
    if (f && !wrong)
        return;
    say("srv  llama_server: exiting due to model loading error");
    exit(1);
}

static void load(int listener) {
    const char *argument;
    double ready_s = sb_now_s();
    struct pollfd fd = {.fd = listener, .events = POLLIN};
    misuse_log();
    if (mode_at("dies-at"))
        exit(1);
    if ((argument = mode("slow-load")))
        ready_s += (double)mode_number(argument, 2);
    if (mode("never-ready"))
        ready_s = INFINITY;
    for (int left_ms; (left_ms = sb_poll_ms(ready_s)) > 0;)
        if (poll(&fd, 1, left_ms) > 0)
            serve(accept(listener, NULL, NULL), true);
    if ((argument = mode("exit-before-ready")))
        exit((int)mode_number(argument, 1));
    if ((argument = mode("signal-before-ready")))
        die_by_signal(argument, SIGSEGV);
}

/* TERM ends a loading server, as it ends the real one; from here on it is asked, not killed.
 * Blocked but where we wait, it cannot slip in between a look and a wait. */
static void take_signals(void) {
    sigset_t ours;
    struct sigaction asked = {.sa_handler = mode("ignore-term") ? SIG_IGN : on_term};
    sigaction(SIGTERM, &asked, NULL);
    sigaction(SIGINT, &asked, NULL);
    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigprocmask(SIG_BLOCK, &ours, &waiting);
}

static void leave_a_child(bool escapes) {
    if (fork() != 0)
        return;
    signal(SIGTERM, SIG_IGN);
    if (escapes)
        setsid();
    for (;;)
        pause();
}

/* Once: whoever reads the file can take the port meanwhile. */
static void lose_the_port(const char *file) {
    char path[256];
    snprintf(path, sizeof path, "%.*s", (int)strcspn(file, ","), file);
    FILE *f = fopen(path, "wx");
    if (!f)
        return;
    fprintf(f, "%s\n", args.port);
    fclose(f);
    for (;;)
        pause();
}

int main(int argc, char **argv) {
    (void)argc;
    begin_log();
    check_modes();
    args = parse_args(argv);
    if (mode("robbed"))
        lose_the_port(mode("robbed"));
    if (mode("deaf"))
        for (;;)
            pause();
    int listener = listen_on(args.host, (int)strtol(args.port, NULL, 10));
    if (!is_router())
        open_model(args.model);
    if (args.mmproj)
        open_model(args.mmproj);
    load(listener);
    log_buffers();
    if (mode("grandchild") || mode("escapee"))
        leave_a_child(mode("escapee") != NULL);
    say("srv  llama_server: model loaded");
    say("srv  llama_server: listening on http://%s:%s", args.host, args.port);
    take_signals();
    mtx_init(&in_flight.lock, mtx_plain);
    cnd_init(&in_flight.less);
    begin_completions();
    while (!terms) {
        struct pollfd fd = {.fd = listener, .events = POLLIN};
        if (ppoll(&fd, 1, NULL, &waiting) > 0)
            serve_in_a_thread(accept(listener, NULL, NULL));
    }
    await_all();
    say("srv    operator(): operator(): cleaning up before exit...");
    return 0;
}
