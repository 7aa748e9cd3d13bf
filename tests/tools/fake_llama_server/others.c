/* What servers do that others run: proxies, routers, sleepers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

static bool awake;

bool is_asleep(void) {
    return mode("asleep") && !awake;
}

void add_models_of_router(cJSON *data) {
    static const char *const names[] = {"other", "m"};
    for (size_t i = 0; i < 2; i++) {
        cJSON *model = cJSON_CreateObject();
        cJSON_AddStringToObject(model, "id", names[i]);
        cJSON_AddItemToArray(data, model);
    }
}

static void send_elsewhere(int client, const char *port) {
    char *head = sb_asprintf("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%.*s/props\r\n"
                             "Content-Length: 0\r\nConnection: close\r\n\r\n",
                             (int)strcspn(port, ","), port);
    send_all(client, head, strlen(head));
    free(head);
}

/* What a router takes for a model's name, in the path or in the body. */
static bool names_a_model(const char *line, const cJSON *request) {
    const char *named = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request, "model"));
    return strstr(line, "?model=m ") || (named && strcmp(named, "m") == 0);
}

/* What it lacks, as far as we ask for it. */
static bool lacks(const char *line) {
    return (mode("openai") && !strstr(line, " /v1/")) ||
           (mode("no-completion") && strstr(line, " /completion "));
}

/* ---- /v1/completions ------------------------------------------------------------------------ */

static void add_event(struct sb_buf *b, cJSON *json) {
    char *text = cJSON_PrintUnformatted(json);
    sb_buf_addf(b, "data: %s\n\n", text);
    free(text);
    cJSON_Delete(json);
}

static cJSON *token_event(bool last, bool early) {
    cJSON *json = cJSON_CreateObject(), *choice = cJSON_CreateObject();
    cJSON_AddStringToObject(choice, "text", " word");
    if (last)
        cJSON_AddStringToObject(choice, "finish_reason", early ? "stop" : "length");
    else
        cJSON_AddNullToObject(choice, "finish_reason");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(json, "choices"), choice);
    return json;
}

static cJSON *usage_event(size_t prompt, int predicted) {
    cJSON *json = cJSON_CreateObject(), *usage = cJSON_AddObjectToObject(json, "usage");
    cJSON_AddArrayToObject(json, "choices");
    cJSON_AddNumberToObject(usage, "prompt_tokens", (double)prompt);
    cJSON_AddNumberToObject(usage, "completion_tokens", predicted);
    cJSON_AddNumberToObject(cJSON_AddObjectToObject(usage, "prompt_tokens_details"),
                            "cached_tokens", mode("kept") ? 30 : 0);
    return json;
}

static void send_buf(int client, struct sb_buf *b) {
    send_all(client, sb_buf_str(b), b->len);
    sb_buf_release(b);
}

void complete_as_openai(int client, const cJSON *request) {
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                               "Connection: close\r\n\r\n: a comment\n\n";
    const cJSON *most = cJSON_GetObjectItemCaseSensitive(request, "max_tokens"),
                *prompt = cJSON_GetObjectItemCaseSensitive(request, "prompt");
    struct sb_buf b = SB_BUF_INIT(1 << 20);
    struct tokens t = {0};
    int n = cJSON_IsNumber(most) ? most->valueint : 16;
    bool early = mode("short") != NULL;
    n = early ? n / 2 : n;
    tokenize(cJSON_IsString(prompt) ? prompt->valuestring : "", true, &t);
    send_all(client, head, sizeof head - 1);
    nap(client, (double)t.n * 1e3 / nth_number("FAKE_PP", 20000, 1));
    for (int i = 0; i < n; i++) {
        add_event(&b, token_event(i == n - 1, early));
        if (mode("one-piece"))
            continue;
        send_buf(client, &b);
        nap(client, i < n - 1 ? 1e3 / nth_number("FAKE_TG", 100, 1) : 0);
    }
    if (mode("stream-error"))
        sb_buf_adds(&b, "data: {\"error\":{\"message\":\"out of blocks\"}}\n\n");
    if (!mode("uncounted"))
        add_event(&b, usage_event(t.n, n));
    sb_buf_adds(&b, "data: [DONE]\n\n");
    send_buf(client, &b);
    free(t.id);
}

/* ---- all ---------------------------------------------------------------------------------- */

bool answer_as_others(int client, const char *line, const char *headers, const cJSON *request) {
    const char *argument;
    bool health = strncmp(line, "GET /health ", 12) == 0,
         model = strncmp(line, "POST ", 5) == 0 || strstr(line, "?model=");
    awake |= strncmp(line, "POST ", 5) == 0;
    if ((argument = mode("redirect"))) {
        send_elsewhere(client, argument);
    } else if (!health && (argument = mode("status"))) {
        char *status = sb_asprintf("%ld Because", mode_number(argument, 429));
        reply_error(client, status, "some_error", "so it is");
        free(status);
    } else if (!health && mode("echo-key")) {
        const char *key = strstr(headers, "Authorization: Bearer ");
        char *said = sb_asprintf("who is %.*s?", key ? (int)strcspn(key + 22, "\r") : 0,
                                 key ? key + 22 : "");
        reply_error(client, "400 Bad Request", "some_error", said);
        free(said);
    } else if (lacks(line)) {
        reply_error(client, "404 Not Found", "not_found_error", "File Not Found");
    } else if (model && mode("several") && !names_a_model(line, request)) {
        reply_error(client, "400 Bad Request", "invalid_request_error",
                    "model name is missing from the request");
    } else {
        return false;
    }
    return true;
}
