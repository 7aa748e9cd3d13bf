/* A stand-in for llama-server that answers as build 11669 does, or misbehaves as told.
 *
 * It is steered by environment variables, so that a backend's `env =` can choose:
 *   FAKE_MODE     misbehaviours from the table below, "name" or "name:argument", comma-separated
 *   FAKE_FROM     the first completion (1, 2, …) to which those of a reply apply; 1
 *   FAKE_TIMES    to how many completions they apply; all
 *   FAKE_SLOT     the slot (1, 2, …) to whose completions they apply; all
 *   FAKE_HELP     old: a build of mid-2025; feb: one of February 2026; unset: build 11669
 *   FAKE_PP       prompt tokens per second, a list: one for each completion, then the last; 20000
 *   FAKE_TG       generated tokens per second, likewise; 5000. It takes the time that it claims.
 *   FAKE_DEVICES  names of its devices, comma-separated, may be empty; Vulkan0,ROCm0
 * Several at once are read one after the other and then generate side by side, each as fast as alone.
 * What real builds do on their own it does, too: it refuses unknown options and devices, missing
 * and foreign model files, checks its API key, reuses a cached prompt unless told not to, stops
 * early unless told to ignore the end of text, and on TERM first finishes a request in flight. */
#include "fake.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *what;
} modes[] = {
    /* before it is ready */
    {"exit-before-ready", "exits with this code while it loads"},
    {"signal-before-ready", "kills itself with this signal while it loads"},
    {"dies-at", "exits before it is ready where it was started with ubatch=N or threads=N"},
    {"slow-at", "takes five times as long for prompts there"},
    {"lies-at", "claims a minute there"},
    {"slow-load", "loads for so many seconds"},
    {"never-ready", "answers 503 for ever"},
    {"deaf", "never listens"},
    {"port-taken", "says that its port is taken, exits 1"},
    {"robbed", "while this file is missing: writes its port there, never listens"},
    {"router", "has no model, though one was given, but is healthy"},
    {"no-version", "says nothing on --version"},
    /* its log */
    {"flood-stderr", "logs so many MB while it loads"},
    {"binary-log", "logs NULs, escape sequences and broken UTF-8"},
    {"long-lines", "logs a line of so many MB"},
    /* where the weights are, whatever was asked for */
    {"on-cpu", "in CPU buffers"},
    {"partial", "4 of 25 layers on the device"},
    {"silent", "says nothing of it"},
    {"late-log", "says it half a second after it is ready"},
    /* once it is ready */
    {"exit-after-ready", "exits with this code after its first healthy answer"},
    {"wrong-model", "/props names another model"},
    {"wrong-alias", "has another alias"},
    {"wrong-ctx", "has half the context"},
    {"token-object", "/tokenize answers an object instead of an array"},
    {"blind", "/props says that it sees no pictures, though it has a projector"},
    {"no-marker", "/props names no marker for pictures"},
    {"ignore-term", "ignores TERM and INT"},
    {"tell", "logs the first line of each request"},
    /* as a server of others */
    {"status", "refuses everything but /health with this status"},
    {"redirect", "sends everybody to this port"},
    {"echo-key", "repeats the key in what it says is wrong"},
    {"asleep", "sleeps until the first POST"},
    {"several", "a router of the models m and other, which starts none unasked"},
    {"params", "its model has so many parameters"},
    {"openai", "no llama-server: /v1/models and /v1/completions, streamed, are all that it has"},
    {"no-completion", "somebody before it lets /completion not through"},
    {"one-piece", "a stream that comes at once"},
    {"uncounted", "a stream that does not say of how many tokens"},
    {"stream-error", "a stream that ends with an error"},
    {"kept", "a stream that says of 30 tokens that they were cached"},
    {"grandchild", "has a child that ignores TERM, keeps its port and its log"},
    {"escapee", "likewise, in a session of its own"},
    /* replies to completions: without a whole reply */
    {"exit-in-run", "exits with this code instead of a reply"},
    {"exit-mid-reply", "exits with this code in the middle of its reply"},
    {"signal-mid-reply", "kills itself with this signal in the middle of its reply"},
    {"hang", "never replies"},
    {"eat-memory", "takes so many MB first"},
    {"trickle", "one byte every 50 ms"},
    {"close-early", "closes the connection instead"},
    {"big-body", "a reply of so many MB"},
    /* … another one */
    {"http-500", "status 500"},
    {"html", "a web page"},
    {"empty", "nothing, status 200"},
    {"broken-json", "half a JSON document"},
    {"array", "a JSON array"},
    {"no-http", "no HTTP at all"},
    {"key-twice", "with prompt_ms twice"},
    {"trailing", "with a second document behind the first"},
    {"missing-timings", "no timings"},
    /* … or with other figures, see `lies` */
    {"negative-timings", "predicted_ms < 0"},
    {"nan-timings", "predicted_ms null, as that library writes NaN"},
    {"zero-timings", "predicted_ms 0"},
    {"huge-timings", "prompt_ms 1e400"},
    {"lying-clock", "claims a minute"},
    {"slow-clock", "takes so many ms more than it claims; 200"},
    {"fraction", "half a token"},
    {"miscount", "one token more evaluated than it says"},
    {"drafts", "100 tokens drafted, 60 of them accepted"},
    {"cache-lost", "after which the cache is empty"},
    {"forgetful", "after which what was generated is not in the cache"},
    {"untimed", "a stream whose events hold no timings"},
    {"no-tokens", "without the generated tokens, though asked for"},
    {"cached", "7 tokens from a cache, though told not to"},
    {"wrong-prompt", "3 prompt tokens"},
    {"ignored-picture", "the picture not in it"},
    {"other-picture", "a token more of the picture"},
    {"short", "half the tokens, the end of text"},
    {"truncated", "truncated"},
    /* … or with wrong probabilities; arguments in hundredths of a nat, 100 */
    {"no-probs", "with none, though asked for"},
    {"nan-probs", "which are null"},
    {"misread", "the true token so much less likely"},
    {"scatter", "all off by as much, either way"},
    {"batch-fault", "misread behind a context of which more than 64 tokens came at once"},
    {"wrong-slot", "of another context"},
    {"one-token", "the same token the most likely everywhere"},
    {"one-distribution", "the same everywhere"},
    {"unstable", "scattered, otherwise in every process"},
};

const char *mode(const char *name) {
    size_t len = strlen(name);
    for (const char *at = getenv("FAKE_MODE"); at && *at; at += *at == ',') {
        if (strncmp(at, name, len) == 0 && strchr(":,", at[len]))
            return at + len + (at[len] == ':');
        at += strcspn(at, ",");
    }
    return NULL;
}

bool mode_at(const char *name) {
    const char *argument = mode(name);
    const struct {
        const char *key, *value;
    } given[] = {{"ubatch=", args.ubatch}, {"threads=", args.threads}};
    for (size_t i = 0; argument && i < sizeof given / sizeof *given; i++) {
        size_t n = strlen(given[i].key), len = strcspn(argument, ",");
        if (given[i].value && strncmp(argument, given[i].key, n) == 0 &&
            strlen(given[i].value) == len - n && memcmp(given[i].value, argument + n, len - n) == 0)
            return true;
    }
    return false;
}

long mode_number(const char *argument, long otherwise) {
    char *end;
    long n = strtol(argument, &end, 10);
    return end == argument ? otherwise : n;
}

_Noreturn void die_by_signal(const char *argument, int otherwise) {
    int sig = (int)mode_number(argument, otherwise);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, sig);
    signal(sig, SIG_DFL); /* a sanitizer may have taken it */
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(sig);
    abort();
}

void check_modes(void) {
    for (const char *at = getenv("FAKE_MODE"); at && *at; at += *at == ',') {
        size_t len = strcspn(at, ":,"), i = 0, n = sizeof modes / sizeof *modes;
        while (i < n && (strlen(modes[i].name) != len || memcmp(modes[i].name, at, len)))
            i++;
        if (i == n) {
            fprintf(stderr, "fake_llama_server: unknown FAKE_MODE at '%s'; known are:\n", at);
            for (i = 0; i < n; i++)
                fprintf(stderr, "  %-20s %s\n", modes[i].name, modes[i].what);
            exit(64);
        }
        at += strcspn(at, ",");
    }
}

double nth_number(const char *variable, double otherwise, int n) {
    const char *at = getenv(variable);
    if (!at || !*at)
        return otherwise;
    for (const char *next; n > 1 && (next = strchr(at, ',')); n--)
        at = next + 1;
    return strtod(at, NULL);
}
