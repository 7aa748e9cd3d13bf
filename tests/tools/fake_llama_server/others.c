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
    } else if (model && mode("several") && !names_a_model(line, request)) {
        reply_error(client, "400 Bad Request", "invalid_request_error",
                    "model name is missing from the request");
    } else {
        return false;
    }
    return true;
}
