/* What Kubernetes would refuse after half of the objects were made, or what would go wrong in
 * silence there. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* ---- words ---------------------------------------------------------------------------------- */

/* n characters of `allowed`, the first and the last a letter or digit. */
static bool is_word(const char *s, size_t n, const char *allowed, size_t most) {
    return n > 0 && n <= most && strspn(s, allowed) >= n && isalnum((unsigned char)s[0]) &&
           isalnum((unsigned char)s[n - 1]);
}

static bool is_label(const char *s) {
    return is_word(s, strlen(s), LOWER DIGITS "-", 63);
}

/* Labels with dots between them. */
static bool is_subdomain(const char *s, size_t n) {
    if (!is_word(s, n, LOWER DIGITS "-.", 253))
        return false;
    for (size_t i = 1; i < n; i++)
        if (s[i] == '.' && (!isalnum((unsigned char)s[i - 1]) || !isalnum((unsigned char)s[i + 1])))
            return false;
    return true;
}

static bool is_object_name(const char *s) {
    return is_subdomain(s, strlen(s));
}

static bool is_label_value(const char *s) {
    return *s == '\0' || is_word(s, strlen(s), LOWER UPPER DIGITS "-_.", 63);
}

/* "memory", "amd.com/gpu", "kueue.x-k8s.io/queue-name" */
static bool is_key(const char *s, size_t n) {
    const char *slash = memchr(s, '/', n);
    size_t prefix = slash ? (size_t)(slash - s) : 0, skip = slash ? prefix + 1 : 0;
    return (!slash || is_subdomain(s, prefix)) &&
           is_word(s + skip, n - skip, LOWER UPPER DIGITS "-_.", 63);
}

static bool is_label_pair(const char *s) {
    size_t n = strcspn(s, "=");
    return s[n] == '=' && is_key(s, n) && is_label_value(s + n + 1);
}

/* What a quantity stands for; NaN when it is none. */
static double quantity(const char *s) {
    static const struct {
        const char *suffix;
        double factor;
    } units[] = {{"", 1},        {"m", 1e-3},    {"k", 1e3},     {"M", 1e6},     {"G", 1e9},
                 {"T", 1e12},    {"P", 1e15},    {"E", 1e18},    {"Ki", 0x1p10}, {"Mi", 0x1p20},
                 {"Gi", 0x1p30}, {"Ti", 0x1p40}, {"Pi", 0x1p50}, {"Ei", 0x1p60}};
    size_t n = strspn(s, DIGITS ".");
    if (!isdigit((unsigned char)*s))
        return NAN;
    if ((s[n] == 'e' || s[n] == 'E') && s[n + 1]) {
        size_t sign = s[n + 1] == '-' || s[n + 1] == '+';
        n += 1 + sign + strspn(s + n + 1 + sign, DIGITS);
    }
    char *number = sb_strndup(s, n), *end;
    double value = strtod(number, &end);
    bool whole = *end == '\0';
    free(number);
    for (size_t i = 0; whole && i < sizeof units / sizeof *units; i++)
        if (strcmp(s + n, units[i].suffix) == 0)
            return value * units[i].factor;
    return NAN;
}

static bool is_amount(const char *s) {
    size_t n = strcspn(s, "=");
    return s[n] == '=' && is_key(s, n) && quantity(s + n + 1) > 0;
}

/* Of a device plugin: whole ones only. */
static bool is_count(const char *s) {
    size_t n = strcspn(s, "=");
    double value = is_amount(s) ? quantity(s + n + 1) : NAN;
    return value == floor(value) && memchr(s, '/', n);
}

static bool is_path(const char *s) {
    if (*s != '/' || strchr(s, ':'))
        return false;
    for (const char *at = s; (at = strstr(at, "/..")); at += 3)
        if (at[3] == '/' || at[3] == '\0')
            return false;
    return true;
}

static bool is_id(const char *s) {
    size_t n = strlen(s);
    return n > 0 && n < 10 && strspn(s, DIGITS) == n;
}

static bool is_user(const char *s) {
    size_t n = strcspn(s, ":");
    char *uid = sb_strndup(s, n);
    bool ok = is_id(uid) && (s[n] == '\0' || is_id(s + n + 1));
    free(uid);
    return ok;
}

static bool is_image(const char *s) {
    return *s && s[strcspn(s, " \t\r\n")] == '\0';
}

static bool is_toleration(const char *s) {
    static const char *const effects[] = {"NoSchedule", "PreferNoSchedule", "NoExecute"};
    const char *effect = strrchr(s, ':');
    size_t n = effect ? (size_t)(effect - s) : strlen(s), key = strcspn(s, "=:");
    char *value = key < n ? sb_strndup(s + key + 1, n - key - 1) : sb_strdup("");
    bool ok = is_key(s, key) && is_label_value(value), known = !effect;
    for (size_t i = 0; effect && i < sizeof effects / sizeof *effects; i++)
        known |= strcmp(effect + 1, effects[i]) == 0;
    free(value);
    return ok && known;
}

/* ---- options -------------------------------------------------------------------------------- */

#define OPTION(name, member) name, offsetof(struct sb_k8s_options, member)
static const struct rule {
    const char *option;
    size_t offset;
    bool list;
    bool (*fits)(const char *);
    const char *wanted;
} rules[] = {
    {OPTION("image", image), false, is_image, "a name without blanks"},
    {OPTION("namespace", space), false, is_label, "a-z, 0-9 and -, at most 63"},
    {OPTION("results-claim", results_claim), false, is_object_name, "a-z, 0-9, - and ."},
    {OPTION("models-claim", models_claim), false, is_object_name, "a-z, 0-9, - and ."},
    {OPTION("secret", secret), false, is_object_name, "a-z, 0-9, - and ."},
    {OPTION("models-host-path", models_path), false, is_path, "an absolute path without .. and :"},
    {OPTION("models-mount", models_mount), false, is_path, "an absolute path without .. and :"},
    {OPTION("device-path", device_paths), true, is_path, "an absolute path without .. and :"},
    {OPTION("node", nodes), true, is_object_name, "a node's name"},
    {OPTION("node-selector", node_selector), true, is_label_pair, "a label, NAME=VALUE"},
    {OPTION("label", labels), true, is_label_pair, "a label, NAME=VALUE"},
    {OPTION("toleration", tolerations), true, is_toleration,
     "KEY[=VALUE][:EFFECT], EFFECT being NoSchedule, PreferNoSchedule or NoExecute"},
    {OPTION("request", requests), true, is_amount, "NAME=AMOUNT, as memory=96Gi"},
    {OPTION("limit", limits), true, is_amount, "NAME=AMOUNT, as memory=96Gi"},
    {OPTION("device-resource", device_resources), true, is_count, "NAME=N, as amd.com/gpu=1"},
    {OPTION("user", user), false, is_user, "UID or UID:GID"},
    {OPTION("group", groups), true, is_id, "a GID"},
};

static void refuse(const struct rule *r, const char *value, struct sb_buf *error) {
    sb_buf_addf(error, "--%s takes %s, not '%s'\n", r->option, r->wanted, value);
}

static void check_words(const struct sb_k8s_options *o, struct sb_buf *error) {
    for (const struct rule *r = rules; r < rules + sizeof rules / sizeof *rules; r++) {
        const void *member = (const char *)o + r->offset;
        const struct sb_strv *all = r->list ? member : NULL;
        const char *one = r->list ? NULL : *(const char *const *)member;
        if (one && !r->fits(one))
            refuse(r, one, error);
        for (size_t i = 0; all && i < all->n; i++)
            if (!r->fits(all->item[i]))
                refuse(r, all->item[i], error);
    }
}

/* The value of a name among pairs, or NULL. */
static const char *value_of(const struct sb_strv *pairs, const char *name, size_t n) {
    for (size_t i = 0; i < pairs->n; i++)
        if (strncmp(pairs->item[i], name, n) == 0 && pairs->item[i][n] == '=')
            return pairs->item[i] + n + 1;
    return NULL;
}

static void check_twice(const char *option, const struct sb_strv *pairs, struct sb_buf *error) {
    for (size_t i = 0; i < pairs->n; i++) {
        size_t n = strcspn(pairs->item[i], "=");
        if (value_of(pairs, pairs->item[i], n) != pairs->item[i] + n + (pairs->item[i][n] == '='))
            sb_buf_addf(error, "--%s %.*s is there twice\n", option, (int)n, pairs->item[i]);
    }
}

static void check_resources(const struct sb_k8s_options *o, struct sb_buf *error) {
    for (size_t i = 0; i < o->requests.n; i++) {
        const char *request = o->requests.item[i];
        size_t n = strcspn(request, "=");
        const char *limit = value_of(&o->limits, request, n);
        if (limit && request[n] && quantity(request + n + 1) > quantity(limit))
            sb_buf_addf(error, "--request %s is more than --limit %.*s=%s\n", request, (int)n,
                        request, limit);
    }
}

static void check_labels(const struct sb_k8s_options *o, struct sb_buf *error) {
    static const char *const ours[] = {"app.kubernetes.io/name", "app.kubernetes.io/instance"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (value_of(&o->labels, ours[i], strlen(ours[i])))
            sb_buf_addf(error, "--label %s is set by stratobench itself\n", ours[i]);
    if (o->nodes.n && value_of(&o->node_selector, "kubernetes.io/hostname", 22))
        sb_buf_adds(error, "--node and --node-selector both name the node: give one of them\n");
}

/* ---- mounts --------------------------------------------------------------------------------- */

static bool lies_in(const char *path, const char *folder) {
    size_t n = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
    return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static void check_mounts(const struct sb_k8s_options *o, struct sb_buf *error) {
    struct sb_strv mounts = {0};
    sb_strv_add(&mounts, K8S_CONFIG_MOUNT);
    sb_strv_add(&mounts, K8S_RESULTS_MOUNT);
    sb_strv_add(&mounts, "/tmp");
    if (o->models_claim || o->models_path)
        sb_strv_add(&mounts, o->models_mount);
    sb_strv_copy(&mounts, &o->device_paths);
    for (size_t i = 0; i < mounts.n; i++)
        for (size_t k = 0; k < i; k++)
            if (lies_in(mounts.item[i], mounts.item[k]) || lies_in(mounts.item[k], mounts.item[i]))
                sb_buf_addf(error, "the Jobs cannot mount both %s and %s: one hides the other\n",
                            mounts.item[k], mounts.item[i]);
    sb_strv_release(&mounts);
}

int sb_k8s_check(const struct sb_k8s_options *o, struct sb_buf *error) {
    size_t before = error->len;
    check_words(o, error);
    check_twice("request", &o->requests, error);
    check_twice("limit", &o->limits, error);
    check_twice("device-resource", &o->device_resources, error);
    check_twice("label", &o->labels, error);
    check_twice("node-selector", &o->node_selector, error);
    check_resources(o, error);
    check_labels(o, error);
    check_mounts(o, error);
    return error->len == before ? 0 : -EINVAL;
}
