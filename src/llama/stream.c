/* A reply that came token by token: server-sent events, each "data: " and a JSON object with the
 * timings so far, the last one the reply itself. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

struct stream {
    const struct sb_http_reply *from;
    size_t at, stamp;
    struct sb_llama_moment *moments; /* ms: by the server's clock, since the first token */
    size_t n_moments, n_timed;       /* of the events: that told their time */
    double first_ms;                 /* when the first token was there, by the client's */
    const char *last;                /* the last event's JSON, in the body */
    size_t last_len;
    bool ended;  /* it says that it is the last */
    long status; /* of an error that stands in place of an event; 0 = there was none */
    struct sb_buf *error;
};

/* When the byte before `offset` had come. */
static double came_ms(struct stream *s, size_t offset) {
    while (s->stamp < s->from->n_stamps && s->from->stamps[s->stamp].bytes < offset)
        s->stamp++;
    return s->stamp < s->from->n_stamps ? s->from->stamps[s->stamp].ms : (double)NAN;
}

static void push(struct stream *s, struct sb_llama_moment m) {
    s->moments = sb_grow(s->moments, s->n_moments, sizeof *s->moments);
    s->moments[s->n_moments++] = m;
}

/* The event that was delayed least on its way says when the first token was there. */
static void add_moment(struct stream *s, const cJSON *timings, double ms) {
    double n = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(timings, "predicted_n"));
    double since_ms =
        cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(timings, "predicted_ms"));
    if (!(n >= 1 && n < 1e15) || !(since_ms >= 0) || !isfinite(since_ms) || isnan(ms))
        return;
    s->n_timed++;
    s->first_ms = fmin(s->first_ms, ms - since_ms);
    if (s->n_moments == 0)
        push(s, (struct sb_llama_moment){1, 0});
    const struct sb_llama_moment *before = &s->moments[s->n_moments - 1];
    if (n > (double)before->n && since_ms > before->ms)
        push(s, (struct sb_llama_moment){(long long)n, since_ms});
}

static void take_error(struct stream *s, const cJSON *wrong) {
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(wrong, "code");
    const char *message = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(wrong, "message"));
    bool sane = cJSON_IsNumber(code) && code->valuedouble >= 400 && code->valuedouble < 600;
    s->status = sane ? (long)code->valuedouble : 500;
    if (message)
        sb_buf_add_printable(s->error, message, strlen(message));
}

/* A line: "data: ", or, of older builds, "error: ". Comments, other fields and empty lines are passed
 * over. */
static void take_line(struct stream *s, const char *line, size_t len) {
    bool data = len > 6 && memcmp(line, "data: ", 6) == 0;
    bool failed = len > 7 && memcmp(line, "error: ", 7) == 0;
    const char *text = line + (failed ? 7 : 6);
    cJSON *json = data || failed ? cJSON_ParseWithLength(text, (size_t)(line + len - text)) : NULL;
    const cJSON *wrong = failed ? json : cJSON_GetObjectItemCaseSensitive(json, "error");
    if (wrong) {
        take_error(s, wrong);
    } else if (json) {
        add_moment(s, cJSON_GetObjectItemCaseSensitive(json, "timings"),
                   came_ms(s, (size_t)(line - s->from->body.data) + len));
        s->last = text;
        s->last_len = (size_t)(line + len - text);
        s->ended = cJSON_HasObjectItem(json, "stop_type") ||
                   cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "stop"));
    }
    cJSON_Delete(json);
}

static void take_lines(struct stream *s) {
    const char *line = sb_buf_str(&s->from->body), *end = line + s->from->body.len;
    while (line < end && !s->status) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        take_line(s, line, (size_t)((stop ? stop : end) - line));
        line = stop ? stop + 1 : end;
    }
}

int sb_llama_parse_stream(const struct sb_http_reply *reply, struct sb_llama_reply *ret,
                          long *ret_status, struct sb_buf *error) {
    struct stream s = {.from = reply, .first_ms = (double)NAN, .error = error};
    int rc = -1;
    take_lines(&s);
    *ret_status = s.status;
    if (!s.status && !s.ended)
        sb_buf_adds(error, "the stream has no last event");
    else if (!s.status)
        rc = sb_llama_parse_completion(s.last, s.last_len, ret, error);
    if (rc == 0 && s.n_timed < 2 && ret->predicted_n > 1) { /* the last one always does */
        sb_buf_adds(error, "this build tells no timings per token");
        sb_llama_reply_release(ret);
        rc = -1;
    }
    if (rc < 0) {
        free(s.moments);
        return -1;
    }
    for (size_t i = 0; i < s.n_moments; i++)
        s.moments[i].ms += s.first_ms;
    ret->moments = s.moments;
    ret->n_moments = s.n_moments;
    return 0;
}
