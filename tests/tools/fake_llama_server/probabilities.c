/* completion_probabilities: a reader that knows the text. The token that logit_bias forces is likely
 * to it, nine others are less so, all by a hash of the context alone; and the ways to be wrong. */
#include "fake.h"

#include <math.h>
#include <stdint.h>
#include <unistd.h>

enum { CANDIDATES = 10, BATCH = 64 };

static uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 31)) * UINT64_C(0x7fb5d329728ea185);
    x = (x ^ (x >> 27)) * UINT64_C(0x81dadef4bc2dd44d);
    return x ^ (x >> 33);
}

static uint64_t hash_of(struct tokens t) {
    uint64_t h = 1469598103934665603u;
    for (size_t i = 0; i < t.n; i++)
        h = mix(h ^ (uint64_t)t.id[i]);
    return h;
}

/* -1 to 1 */
static double noise(uint64_t seed) {
    return (double)(mix(seed) % 2001) / 1000 - 1;
}

/* A mode's argument in hundredths of a nat, or 0. */
static double nats(const char *argument) {
    return argument ? (double)mode_number(argument, 100) / 100 : 0;
}

static void add(cJSON *list, int id, double logprob) {
    cJSON *c = cJSON_CreateObject();
    cJSON_AddNumberToObject(c, "id", id);
    cJSON_AddStringToObject(c, "token", id % 2 ? " word" : " token");
    if (isnan(logprob) || reply_mode("nan-probs"))
        cJSON_AddNullToObject(c, "logprob");
    else
        cJSON_AddNumberToObject(c, "logprob", logprob);
    cJSON_AddItemToArray(list, c);
}

/* batch: the greatest that the context was computed in. */
void add_probabilities(cJSON *reply, int forced, struct tokens prompt, int batch) {
    uint64_t h = hash_of(prompt);
    double scatter = nats(reply_mode("scatter")), worse = nats(reply_mode("misread"));
    uint64_t from = reply_mode("unstable") ? (uint64_t)getpid() : 0;
    if (reply_mode("unstable"))
        scatter = 1;
    if (batch > BATCH)
        worse += nats(reply_mode("batch-fault"));
    if (reply_mode("wrong-slot"))
        h = mix(h), forced = -1;
    if (reply_mode("one-distribution"))
        h = 1;
    cJSON *list = cJSON_AddArrayToObject(reply, "completion_probabilities"),
          *position = cJSON_CreateObject(), *top = cJSON_CreateArray();
    double truth = -0.5 - (double)(h % 50) / 100 - worse + scatter * noise(h + from);
    for (int k = 0; k < CANDIDATES; k++) {
        bool first = k == 0;
        int id = first && forced >= 0 ? forced : 3 + (int)(mix(h + (uint64_t)k) % 31997);
        if (first && (reply_mode("one-token") || reply_mode("one-distribution")))
            id = 5;
        double other = -1.2 - 0.4 * k + scatter * noise(h + from + (uint64_t)(k * 7919));
        add(top, id, first ? truth : other);
    }
    cJSON_AddNumberToObject(position, "id", forced);
    cJSON_AddStringToObject(position, "token", " word");
    cJSON_AddNumberToObject(position, "logprob", forced >= 0 ? truth : -9);
    cJSON_AddItemToObject(position, "top_logprobs", top);
    cJSON_AddItemToArray(list, position);
}
