#include "fake.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <unistd.h>

static const struct {
    const char *mode, *object, *key, *value; /* object "": the reply itself */
} lies[] = {
    {"negative-timings", "timings", "predicted_ms", "-5"},
    {"nan-timings", "timings", "predicted_ms", "null"},
    {"zero-timings", "timings", "predicted_ms", "0"},
    {"huge-timings", "timings", "prompt_ms", "1e400"},
    {"lying-clock", "timings", "prompt_ms", "60000"},
    {"cached", "timings", "cache_n", "7"},
    {"wrong-prompt", "timings", "prompt_n", "3"},
    {"wrong-prompt", "", "tokens_evaluated", "3"},
    {"truncated", "", "truncated", "true"},
    {"fraction", "timings", "prompt_n", "9.5"},
    {"miscount", "", "tokens_evaluated", "12"},
};

static const struct {
    const char *mode, *status, *type, *body;
} bodies[] = {
    {"http-500", "500 Internal Server Error", "application/json",
     "{\"error\":{\"code\":500,\"message\":\"decode failed\",\"type\":\"server_error\"}}"},
    {"html", "200 OK", "text/html", "<!DOCTYPE html><title>Welcome to nginx!</title>"},
    {"empty", "200 OK", "application/json", ""},
    {"broken-json", "200 OK", "application/json", "{\"timings\":{\"prompt_n\":12,"},
    {"array", "200 OK", "application/json", "[{\"content\":\"\"}]"},
    {"key-twice", "200 OK", "application/json",
     "{\"timings\":{\"prompt_n\":10,\"prompt_ms\":1,\"prompt_ms\":9}}"},
    {"trailing", "200 OK", "application/json", "{\"timings\":{\"prompt_n\":10}} {}"},
    {"missing-timings", "200 OK", "application/json", "{\"stop_type\":\"limit\"}"},
};

/* ---- tokens ------------------------------------------------------------------------------- */

enum { BOS = 1, PICTURE = 32000, PICTURE_TOKENS = 16, ENCODE_MS = 2, MAX_TOKENS = 1 << 20 };

static void add_token(struct tokens *t, int id) {
    if (t->n % 1024 == 0)
        t->id = sb_realloc(t->id, t->n + 1024, sizeof *t->id);
    t->id[t->n++] = id;
}

void tokenize(const char *text, bool add_special, struct tokens *ret) {
    if (add_special)
        add_token(ret, BOS);
    while (*text && ret->n < MAX_TOKENS) {
        size_t len = strspn(text, " \n\t");
        len += strcspn(text + len, " \n\t");
        unsigned hash = 2166136261u;
        for (size_t i = 0; i < len; i++)
            hash = (hash ^ (unsigned char)text[i]) * 16777619u;
        add_token(ret, 3 + (int)(hash % 31997));
        text += len;
    }
}

/* {"prompt_string":"… MARKER …","multimodal_data":["…"]}: no tokens unless there is one of each and
 * a projector to see it. */
static void add_picture_prompt(const cJSON *prompt, struct tokens *ret) {
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(prompt, "prompt_string");
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(prompt, "multimodal_data");
    const char *marker = cJSON_IsString(text) ? strstr(text->valuestring, MEDIA_MARKER) : NULL;
    if (!marker || cJSON_GetArraySize(data) != 1 || !args.mmproj)
        return;
    char *before = sb_strndup(text->valuestring, (size_t)(marker - text->valuestring));
    tokenize(before, true, ret);
    int n =
        reply_mode("ignored-picture") ? 0 : PICTURE_TOKENS + (reply_mode("other-picture") != NULL);
    for (int i = 0; i < n; i++)
        add_token(ret, PICTURE);
    tokenize(marker + strlen(MEDIA_MARKER), false, ret);
    free(before);
}

static struct tokens prompt_tokens(const cJSON *prompt) {
    struct tokens t = {0};
    const cJSON *id;
    if (cJSON_IsObject(prompt)) {
        add_picture_prompt(prompt, &t);
        return t;
    }
    if (cJSON_IsString(prompt))
        tokenize(prompt->valuestring, true, &t);
    cJSON_ArrayForEach(id, prompt) add_token(&t, id->valueint);
    return t;
}

/* ---- completions -------------------------------------------------------------------------- */

enum { MOST_SLOTS = 256 };
struct slot {
    struct tokens cached; /* of its last request, and what was generated but the last */
    int greatest_batch;   /* of what is cached */
};
static struct slot slots[MOST_SLOTS];
static int n_completions;
/* Held while these change, and while a prompt is read: one after the other. */
static mtx_t state, reading;
static _Thread_local struct {
    int number, slot; /* of the completion at hand, both from 1 */
} current;

void begin_completions(void) {
    mtx_init(&state, mtx_plain);
    mtx_init(&reading, mtx_plain);
}

/* The argument of a mode for replies, if it is on for this completion. */
const char *reply_mode(const char *name) {
    double from = nth_number("FAKE_FROM", 1, 1), times = nth_number("FAKE_TIMES", INFINITY, 1),
           slot = nth_number("FAKE_SLOT", current.slot, 1);
    bool meant = current.number >= from && current.number < from + times && slot == current.slot;
    return meant ? mode(name) : NULL;
}

static int common_prefix(struct tokens a, struct tokens b) {
    size_t n = 0;
    while (n < a.n && n < b.n && a.id[n] == b.id[n])
        n++;
    return (int)n;
}

/* Takes over the prompt. */
static struct run simulate(const cJSON *request, struct tokens prompt, int n_ctx, struct slot *s) {
    const cJSON *n_predict = cJSON_GetObjectItemCaseSensitive(request, "n_predict");
    bool cache = !cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(request, "cache_prompt"));
    bool ignore_eos = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(request, "ignore_eos"));
    struct run r = {.predicted_n = cJSON_IsNumber(n_predict) ? n_predict->valueint : 64};
    int room = n_ctx - (int)prompt.n;
    r.cache_n = cache ? common_prefix(prompt, s->cached) : 0;
    if (r.cache_n == (int)prompt.n)
        r.cache_n--; /* at least one token is evaluated */
    r.prompt_n = (int)prompt.n - r.cache_n;
    if (r.cache_n == 0 || r.prompt_n > s->greatest_batch)
        s->greatest_batch = r.prompt_n;
    r.eos = (!ignore_eos || reply_mode("short")) && r.predicted_n > 1;
    if (r.eos)
        r.predicted_n /= 2;
    r.truncated = r.predicted_n > room;
    if (r.truncated)
        r.predicted_n = room;
    r.prompt_ms = r.prompt_n * 1e3 / nth_number("FAKE_PP", 20000, current.number);
    if (mode_at("slow-at"))
        r.prompt_ms *= 5;
    r.predicted_ms =
        fmax(0.001, (r.predicted_n - 1) * 1e3 / nth_number("FAKE_TG", 5000, current.number));
    free(s->cached.id);
    s->cached = prompt;
    if (reply_mode("cache-lost"))
        s->cached.n = 0;
    return r;
}

cJSON *describe_timings(const struct run *r) {
    cJSON *timings = cJSON_CreateObject();
    int counted = args.build == NEW ? r->predicted_n - 1 : r->predicted_n;
    cJSON_AddNumberToObject(timings, "cache_n", r->cache_n);
    cJSON_AddNumberToObject(timings, "prompt_n", r->prompt_n);
    cJSON_AddNumberToObject(timings, "prompt_ms", r->prompt_ms);
    cJSON_AddNumberToObject(timings, "prompt_per_second", r->prompt_n * 1e3 / r->prompt_ms);
    cJSON_AddNumberToObject(timings, "predicted_n", r->predicted_n);
    cJSON_AddNumberToObject(timings, "predicted_ms", r->predicted_ms);
    cJSON_AddNumberToObject(timings, "predicted_per_second", counted * 1e3 / r->predicted_ms);
    return timings;
}

static cJSON *describe(const struct run *r) {
    cJSON *reply = cJSON_CreateObject(), *timings = describe_timings(r);
    cJSON_AddStringToObject(reply, "content", "");
    cJSON_AddStringToObject(reply, "stop_type", r->eos ? "eos" : "limit");
    cJSON_AddBoolToObject(reply, "truncated", r->truncated);
    cJSON_AddNumberToObject(reply, "tokens_evaluated", r->cache_n + r->prompt_n);
    cJSON_AddNumberToObject(reply, "tokens_predicted", r->predicted_n);
    cJSON_AddItemToObject(reply, "timings", timings);
    if (reply_mode("drafts")) {
        cJSON_AddNumberToObject(timings, "draft_n", 100);
        cJSON_AddNumberToObject(timings, "draft_n_accepted", 60);
    }
    if (reply_mode("cached")) /* seven more than were processed, so that the sum is right */
        cJSON_SetNumberValue(cJSON_GetObjectItemCaseSensitive(reply, "tokens_evaluated"),
                             r->prompt_n + 7);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
        if (reply_mode(lies[i].mode) ||
            (mode_at("lies-at") && strcmp(lies[i].mode, "lying-clock") == 0))
            cJSON_ReplaceItemInObjectCaseSensitive(*lies[i].object ? timings : reply, lies[i].key,
                                                   cJSON_CreateRaw(lies[i].value));
    return reply;
}

/* Some text or other, the same after the same number of tokens; a server computes all but the last, which
 * a later request may find in its cache. */
static void add_generated(cJSON *reply, const struct run *r, struct tokens *cached) {
    cJSON *tokens = cJSON_AddArrayToObject(reply, "tokens");
    bool keeps = !reply_mode("forgetful") && cached->n > 0;
    int first = (int)cached->n;
    for (int i = 0; i < r->predicted_n; i++) {
        int id = 40000 + (first + i) % 1000;
        cJSON_AddItemToArray(tokens, cJSON_CreateNumber(id));
        if (keeps && i + 1 < r->predicted_n)
            add_token(cached, id);
    }
}

/* What logit_bias raises above everything, or -1. */
static int forced_token(const cJSON *request) {
    const cJSON *bias = cJSON_GetObjectItemCaseSensitive(request, "logit_bias");
    const cJSON *id = cJSON_GetArrayItem(cJSON_GetArrayItem(bias, 0), 0);
    return cJSON_IsNumber(id) ? id->valueint : -1;
}

static void reply_big(int client, long mb) {
    char *chunk = sb_alloc(1 << 20, 1);
    memset(chunk, ' ', 1 << 20);
    send_head(client, "200 OK", "application/json", (size_t)mb << 20);
    for (; mb > 0 && nap(client, 0.01); mb--)
        send_all(client, chunk, 1 << 20);
    free(chunk);
}

/* Half of a reply, then `argument` decides; or one byte after the other. */
static void reply_in_part(int client, const char *body) {
    const char *argument;
    size_t len = strlen(body);
    send_head(client, "200 OK", "application/json", len);
    if (reply_mode("trickle"))
        for (size_t i = 0; i < len && nap(client, 50); i++)
            send_all(client, body + i, 1);
    else
        send_all(client, body, len / 2);
    if ((argument = reply_mode("exit-mid-reply")))
        _exit((int)mode_number(argument, 1));
    if ((argument = reply_mode("signal-mid-reply")))
        die_by_signal(argument, SIGKILL);
}

/* Touched, so that it is really taken; kept until the end. */
static void eat_memory(long mb) {
    for (; mb > 0; mb--)
        memset(sb_alloc(1 << 20, 1), 1, 1 << 20);
}

/* True when the reply was a misbehaviour. */
static bool misreply(int client, const char *body) {
    const char *argument;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        if (reply_mode(bodies[i].mode)) {
            reply(client, bodies[i].status, bodies[i].type, bodies[i].body);
            return true;
        }
    if ((argument = reply_mode("exit-in-run")))
        _exit((int)mode_number(argument, 1));
    if ((argument = reply_mode("eat-memory")))
        eat_memory(mode_number(argument, 64));
    if (reply_mode("hang"))
        nap(client, -1);
    else if ((argument = reply_mode("big-body")))
        reply_big(client, mode_number(argument, 100));
    else if (reply_mode("no-http"))
        send_all(client, "SSH-2.0-OpenSSH_9.2\r\n", 21);
    else if (reply_mode("trickle") || reply_mode("exit-mid-reply") ||
             reply_mode("signal-mid-reply"))
        reply_in_part(client, body);
    else
        return reply_mode("close-early") != NULL;
    return true;
}

/* What of the prompt's time the picture took. */
static double encode_picture(int client, struct run *r) {
    say("slot encode_mtmd_: id  0 | task %d | encoding mtmd batch from idx = 3, n_chunks = 1",
        current.number);
    nap(client, ENCODE_MS);
    say("decoding image batch 1/1, n_tokens_batch = %d", PICTURE_TOKENS);
    r->prompt_ms += ENCODE_MS;
    return ENCODE_MS;
}

/* The slot that was asked for; the first one when it was left open. */
static struct slot *begin(const cJSON *request) {
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(request, "id_slot");
    int i = cJSON_IsNumber(id) && id->valueint >= 0 ? id->valueint % MOST_SLOTS : 0;
    current.number = ++n_completions;
    current.slot = i + 1;
    return &slots[i];
}

/* False when the client has gone. */
static bool read_prompt(int client, struct run *r, bool picture) {
    mtx_lock(&reading);
    double encode_ms = picture ? encode_picture(client, r) : 0;
    bool there = nap(client, r->prompt_ms - encode_ms);
    mtx_unlock(&reading);
    return there;
}

static cJSON *compose(const cJSON *request, const struct run *r, struct slot *s) {
    cJSON *json = describe(r);
    if (cJSON_HasObjectItem(request, "n_probs") && !reply_mode("no-probs"))
        add_probabilities(json, forced_token(request), s->cached, s->greatest_batch);
    if (cJSON_HasObjectItem(request, "return_tokens") && !reply_mode("no-tokens"))
        add_generated(json, r, &s->cached);
    return json;
}

void complete(int client, const cJSON *request) {
    int n_ctx = context_size();
    mtx_lock(&state);
    struct slot *s = begin(request);
    mtx_unlock(&state);
    const cJSON *prompt_json = cJSON_GetObjectItemCaseSensitive(request, "prompt");
    struct tokens prompt = prompt_tokens(prompt_json);
    bool streams = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(request, "stream"));
    bool fits = prompt.n > 0 && (int)prompt.n < n_ctx;
    mtx_lock(&state);
    struct run r = fits ? simulate(request, prompt, n_ctx, s) : (struct run){0};
    mtx_unlock(&state);
    if (!fits) {
        reply_error(client, "400 Bad Request",
                    prompt.n ? "exceed_context_size_error" : "invalid_request_error",
                    prompt.n ? "request exceeds the available context size"
                             : "\\\"prompt\\\" must not be empty");
        free(prompt.id);
        return;
    }
    const char *hidden_ms = reply_mode("slow-clock");
    double more_ms = hidden_ms ? (double)mode_number(hidden_ms, 200) : 0;
    if (!read_prompt(client, &r, cJSON_IsObject(prompt_json)) ||
        !nap(client, more_ms + (streams ? 0 : r.predicted_ms)))
        return;
    say("slot print_timing: id %2d | task %d | prompt eval time = %10.2f ms / %5d tokens",
        current.slot - 1, current.number, r.prompt_ms, r.prompt_n);
    cJSON *json = compose(request, &r, s);
    char *body = cJSON_PrintUnformatted(json);
    if (streams)
        stream(client, &r, body);
    else if (!misreply(client, body))
        reply(client, "200 OK", "application/json; charset=utf-8", body);
    free(body);
    cJSON_Delete(json);
}
