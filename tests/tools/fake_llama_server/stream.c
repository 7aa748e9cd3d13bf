/* A reply that comes token by token: server-sent events in the chunks of HTTP, each with the timings
 * so far, and at last the reply itself. Build 11669 says an error in its place where it must; older
 * builds had a field of their own for that. */
#include "fake.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void send_chunk(int client, const char *text) {
    char *chunk = sb_asprintf("%zx\r\n%s\r\n", strlen(text), text);
    send_all(client, chunk, strlen(chunk));
    free(chunk);
}

static void send_event(int client, const char *field, const char *json) {
    char *event = sb_asprintf("%s: %s\n\n", field, json);
    send_chunk(client, event);
    free(event);
}

static void send_token(int client, struct run r, int n) {
    cJSON *event = cJSON_CreateObject();
    r.predicted_ms = n > 1 ? r.predicted_ms * (n - 1) / (r.predicted_n - 1) : 0.001;
    r.predicted_n = n;
    cJSON_AddStringToObject(event, "content", " word");
    cJSON_AddBoolToObject(event, "stop", false);
    if (!reply_mode("untimed"))
        cJSON_AddItemToObject(event, "timings", describe_timings(&r));
    char *json = cJSON_PrintUnformatted(event);
    send_event(client, "data", json);
    free(json);
    cJSON_Delete(event);
}

static void send_error(int client) {
    static const char said[] =
        "{\"code\":500,\"message\":\"decode failed\",\"type\":\"server_error\"}";
    char *event = sb_asprintf("{\"error\":%s}", said);
    if (args.build == NEW)
        send_event(client, "data", event);
    else
        send_event(client, "error", said);
    free(event);
}

/* Half of it is out. False when that was all. */
static bool go_on(int client) {
    const char *argument;
    if ((argument = reply_mode("exit-mid-reply")))
        _exit((int)mode_number(argument, 1));
    if ((argument = reply_mode("signal-mid-reply")))
        die_by_signal(argument, SIGKILL);
    if (reply_mode("hang"))
        nap(client, -1);
    return !reply_mode("hang") && !reply_mode("close-early");
}

void stream(int client, const struct run *r, const char *last) {
    static const char head[] = "HTTP/1.1 200 OK\r\nServer: llama.cpp\r\nContent-Type: "
                               "text/event-stream\r\nTransfer-Encoding: chunked\r\n"
                               "Connection: close\r\n\r\n";
    double began_s = sb_now_s();
    send_all(client, head, sizeof head - 1);
    for (int n = 1; n <= r->predicted_n; n++) {
        double due_s = began_s + r->predicted_ms / 1e3 * (n - 1) / fmax(1, r->predicted_n - 1);
        if (!nap(client, fmax(0, (due_s - sb_now_s()) * 1e3)) ||
            (n == r->predicted_n / 2 && !go_on(client)))
            return;
        send_token(client, *r, n);
    }
    if (!reply_mode("http-500"))
        send_event(client, "data", last);
    else
        send_error(client);
    send_chunk(client, "");
}
