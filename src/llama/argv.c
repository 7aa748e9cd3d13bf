/* The command line of a llama-server, spelled as the binary at hand wants it.
 *
 * Spellings moved over the builds: -fa was a bare switch in 2025 and takes a value since;
 * --no-mmap became --load-mode none; --cache-ram and --fit did not exist. Nothing is passed that
 * --help does not name, and a key that no spelling expresses is an error before the launch. */
#include "stratobench/llama.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct command {
    const struct sb_llama_build *build;
    struct sb_strv *argv;
    struct sb_buf *error;
};

static void pass(struct command *c, const char *option, const char *value) {
    sb_strv_add(c->argv, option);
    if (value)
        sb_strv_add(c->argv, value);
}

static const char *help_of(const struct command *c, const struct sb_llama_option *o) {
    return c->build->helps.item[o->entry];
}

/* The first of two spellings that the build knows (alt may be NULL). An option that --help lists
 * only to say that it is gone is not known. */
static const struct sb_llama_option *known(const struct command *c, const char *name,
                                           const char *alt) {
    const struct sb_llama_option *o = sb_llama_option(c->build, name);
    if (o && strstr(help_of(c, o), "argument has been removed"))
        o = NULL;
    return o || !alt ? o : known(c, alt, NULL);
}

/* Does the help of an option, or what it says it takes, name this word? */
static bool names(const struct command *c, const struct sb_llama_option *o, const char *word) {
    size_t n = strlen(word);
    const char *texts[] = {o->value, help_of(c, o)};
    for (size_t t = 0; t < 2; t++)
        for (const char *p = texts[t]; (p = strstr(p, word)); p += n) {
            bool starts = p == texts[t] || !strchr("abcdefghijklmnopqrstuvwxyz0123456789_-", p[-1]);
            bool ends = !p[n] || !strchr("abcdefghijklmnopqrstuvwxyz0123456789_-", p[n]);
            if (starts && ends)
                return true;
        }
    return false;
}

static int cannot(struct command *c, const char *key, const char *value) {
    sb_buf_addf(c->error, "%s: %s (%s) cannot express %s = %s: its --help has no such option\n",
                key, c->build->command.item[0],
                c->build->version ? c->build->version : "unknown version", key, value);
    return -ENOTSUP;
}

static bool is_number(const char *s) {
    return s[strspn(s, "0123456789")] == '\0';
}

static int pass_gpu_layers(struct command *c, const char *value) {
    const struct sb_llama_option *o = known(c, "-ngl", "--gpu-layers");
    if (!o)
        return cannot(c, "gpu_layers", value);
    if (!is_number(value) && !names(c, o, value)) {
        if (strcmp(value, "all") != 0)
            return cannot(c, "gpu_layers", value);
        value = "999"; /* builds that know only numbers offload as many layers as there are */
    }
    pass(c, o->name, value);
    return 0;
}

static int pass_flash_attn(struct command *c, const char *value) {
    const struct sb_llama_option *o = known(c, "-fa", "--flash-attn");
    if (o && o->value[0]) {
        pass(c, o->name, value);
        return 0;
    }
    if (!o || strcmp(value, "auto") == 0)
        return cannot(c, "flash_attn", value);
    if (strcmp(value, "on") == 0) /* a bare switch: its absence is off */
        pass(c, o->name, NULL);
    return 0;
}

static int pass_mmap(struct command *c, const char *value) {
    bool on = strcmp(value, "on") == 0;
    const struct sb_llama_option *o = known(c, on ? "--mmap" : "--no-mmap", NULL);
    const struct sb_llama_option *mode = known(c, "--load-mode", NULL);
    const char *name = on ? "mmap" : "none";
    if (o)
        pass(c, o->name, NULL);
    else if (mode && names(c, mode, name))
        pass(c, mode->name, name);
    else if (!on ||
             !known(c, "--no-mmap", NULL)) /* where only --no-mmap exists, on is the default */
        return cannot(c, "mmap", value);
    return 0;
}

static int pass_cache_type(struct command *c, const char *value) {
    const struct sb_llama_option *k = known(c, "-ctk", "--cache-type-k");
    const struct sb_llama_option *v = known(c, "-ctv", "--cache-type-v");
    bool listed = k && (!names(c, k, "f16") || names(c, k, value));
    if (!k || !v || !listed)
        return cannot(c, "cache_type", value);
    pass(c, k->name, value);
    pass(c, v->name, value);
    return 0;
}

static int pass_device(struct command *c, const char *value) {
    const struct sb_llama_option *o = known(c, "--device", "-dev");
    if (!o)
        return cannot(c, "device", value);
    pass(c, o->name, value);
    return 0;
}

/* A number, under either name. */
static int pass_number(struct command *c, const char *key, int number, const char *name,
                       const char *other) {
    char *value = sb_asprintf("%d", number);
    const struct sb_llama_option *o = known(c, name, other);
    int rc = o ? 0 : cannot(c, key, value);
    if (o)
        pass(c, o->name, value);
    free(value);
    return rc;
}

/* How many tokens are drafted at once. What a draft-* type is told by one option, each ngram-*
 * type is told by its own. */
static const struct sb_llama_option *draft_length(const struct command *c, const char *type) {
    if (strncmp(type, "ngram-", 6) != 0)
        return known(c, "--spec-draft-n-max", "--draft-max");
    char *size = sb_asprintf("--spec-%s-size-m", type),
         *most = sb_asprintf("--spec-%s-n-max", type);
    const struct sb_llama_option *o = known(c, size, most);
    free(size);
    free(most);
    return o;
}

/* Builds before --spec-type (2026) draft as soon as they are given a draft model; later ones load
 * it and then draft nothing unless a type is named. */
static int pass_spec(struct command *c, const char *spec, const char *draft) {
    const char *count = spec ? strchr(spec, ' ') : NULL;
    char *type = !spec   ? sb_strdup("draft-simple")
                 : count ? sb_strndup(spec, (size_t)(count - spec))
                         : sb_strdup(spec);
    const struct sb_llama_option *model = known(c, "--spec-draft-model", "--model-draft"),
                                 *types = known(c, "--spec-type", NULL),
                                 *length = count ? draft_length(c, type) : NULL;
    int rc = 0;
    if (draft && !model)
        rc = cannot(c, "draft", draft);
    else if (types ? !names(c, types, type) : strcmp(type, "draft-simple") != 0)
        rc = cannot(c, "spec", type);
    else if (count && !length)
        rc = cannot(c, "spec", spec);
    if (rc == 0 && draft)
        pass(c, model->name, draft);
    if (rc == 0 && types)
        pass(c, types->name, type);
    if (rc == 0 && length)
        pass(c, length->name, count + strspn(count, " "));
    free(type);
    return rc;
}

static int pass_mmproj(struct command *c, const char *value) {
    const struct sb_llama_option *o = known(c, "--mmproj", "-mm");
    if (!o)
        return cannot(c, "mmproj", value);
    pass(c, o->name, value);
    return 0;
}

/* As many slots as requests at once: builds of today take four unless they are told. */
static int pass_slots(struct command *c, int slots) {
    char *value = sb_asprintf("%d", slots);
    const struct sb_llama_option *o = known(c, "-np", "--parallel");
    int rc = o || slots == 1 ? 0 : cannot(c, "slots", value);
    if (o)
        pass(c, o->name, value);
    free(value);
    return rc;
}

/* What a fair measurement needs and a build may have: no prompt cache in RAM, no quiet change of
 * what was asked for to make it fit. */
static void pass_fairness(struct command *c) {
    const struct sb_llama_option *o;
    if ((o = known(c, "--cache-ram", "-cram")))
        pass(c, o->name, "0");
    if ((o = known(c, "--fit", "-fit")))
        pass(c, o->name, "off");
    /* Where "trace" is a level of its own, the lines that prove the device are on it. Builds
     * without that level print them anyway, and their debug level logs every token. */
    o = known(c, "--verbosity", "-lv");
    if (o && strstr(help_of(c, o), "4: trace"))
        pass(c, o->name, "4");
}

/* Options that are the harness's to choose; a config that sets one would break the measurement
 * or, for --host, open the server to the network. */
static const char *const reserved[] = {
    "-m",
    "--model",
    "--host",
    "--port",
    "-a",
    "--alias",
    "--api-key",
    "--api-key-file",
    "--models-dir",
    "--ssl-key-file",
    "--ssl-cert-file",
    "--log-file",
    "--log-disable",
    /* what would switch off, or hide in another form, the lines that prove the device */
    "-lv",
    "--verbosity",
    "-v",
    "--verbose",
    "--log-jsonl",
};

/* Whether an argument is this option, in any spelling that the build has for it. */
static bool is_option(const struct sb_llama_build *b, const char *argument, const char *name) {
    const struct sb_llama_option *a = sb_llama_option(b, argument), *o = sb_llama_option(b, name);
    return strcmp(argument, name) == 0 || (a && o && a->entry == o->entry);
}

static int pass_args(struct command *c, const struct sb_strv *args) {
    for (size_t i = 0; i < args->n; i++)
        for (size_t k = 0; k < sizeof reserved / sizeof *reserved; k++)
            if (is_option(c->build, args->item[i], reserved[k])) {
                sb_buf_addf(c->error, "args: args may not hold %s: it is chosen by stratobench\n",
                            args->item[i]);
                return -EINVAL;
            }
    sb_strv_copy(c->argv, args);
    return 0;
}

int sb_llama_argv(const struct sb_llama_build *b, const struct sb_llama_launch *l,
                  struct sb_strv *ret, struct sb_buf *error) {
    struct sb_strv argv = {0};
    struct command c = {b, &argv, error};
    int slots = l->slots > 0 ? l->slots : 1;
    /* The whole of it, which the slots share. */
    char *ctx = sb_asprintf("%lld", (long long)l->ctx * slots), *port = sb_asprintf("%d", l->port);
    sb_strv_copy(&argv, &b->command);
    pass(&c, "-m", l->model_path);
    pass(&c, "--host", "127.0.0.1");
    pass(&c, "--port", port);
    if (known(&c, "--alias", NULL) &&
        (l->env_is_lost || !sb_llama_takes_env(b, "--alias", "LLAMA_ARG_ALIAS")))
        pass(&c, "--alias", l->alias);
    pass(&c, "-c", ctx);
    free(ctx);
    free(port);
    int rc = pass_slots(&c, slots);
    pass_fairness(&c);
    /* Each has its say: all that is wrong is told at once. */
    const int results[] = {
        l->device ? pass_device(&c, l->device) : 0,
        l->gpu_layers ? pass_gpu_layers(&c, l->gpu_layers) : 0,
        l->flash_attn ? pass_flash_attn(&c, l->flash_attn) : 0,
        l->mmap ? pass_mmap(&c, l->mmap) : 0,
        l->cache_type ? pass_cache_type(&c, l->cache_type) : 0,
        l->batch > 0 ? pass_number(&c, "batch", l->batch, "-b", "--batch-size") : 0,
        l->ubatch > 0 ? pass_number(&c, "ubatch", l->ubatch, "-ub", "--ubatch-size") : 0,
        l->threads > 0 ? pass_number(&c, "threads", l->threads, "-t", "--threads") : 0,
        l->spec || l->draft ? pass_spec(&c, l->spec, l->draft) : 0,
        l->mmproj ? pass_mmproj(&c, l->mmproj) : 0,
        l->args ? pass_args(&c, l->args) : 0,
    };
    for (size_t i = 0; i < sizeof results / sizeof *results && rc == 0; i++)
        rc = results[i];
    if (rc < 0)
        sb_strv_release(&argv);
    else
        *ret = argv;
    return rc;
}

/* What an option of a command line is set to, in any spelling that the build has for it; NULL. */
static const char *value_of(const struct sb_llama_build *b, const struct sb_strv *argv,
                            const char *name) {
    const char *value = NULL;
    for (size_t i = 1; i + 1 < argv->n; i++)
        if (is_option(b, argv->item[i], name))
            value = argv->item[i + 1]; /* the last one wins */
    return value;
}

bool sb_llama_sets(const struct sb_llama_build *b, const struct sb_strv *args, const char *name) {
    for (size_t i = 0; i < args->n; i++)
        if (is_option(b, args->item[i], name))
            return true;
    return false;
}

int sb_llama_layers_asked(const struct sb_llama_build *b, const struct sb_strv *argv) {
    const char *value = value_of(b, argv, "-ngl");
    if (value && strcmp(value, "all") == 0)
        return INT_MAX;
    if (!value || !*value || !is_number(value))
        return -1;
    long n = strtol(value, NULL, 10);
    return n < INT_MAX ? (int)n : INT_MAX;
}

enum sb_llama_drafting sb_llama_drafting(const struct sb_llama_build *b,
                                         const struct sb_strv *argv) {
    const char *types = value_of(b, argv, "--spec-type");
    bool model = value_of(b, argv, "--model-draft");
    if (!types)
        return model ? SB_DRAFTS_BY_MODEL : SB_DRAFTS_NOTHING;
    if (strstr(types, "draft-"))
        return SB_DRAFTS_BY_MODEL;
    return strcmp(types, "none") == 0 ? SB_DRAFTS_NOTHING : SB_DRAFTS_FROM_TEXT;
}

bool sb_llama_takes_env(const struct sb_llama_build *b, const char *option, const char *variable) {
    const struct sb_llama_option *o = sb_llama_option(b, option);
    return o && strstr(b->helps.item[o->entry], variable);
}

static void set_env(struct sb_strv *env, const char *assignment) {
    size_t name = strcspn(assignment, "=") + 1;
    for (size_t i = 0; i < env->n; i++)
        if (strncmp(env->item[i], assignment, name) == 0) {
            free(env->item[i]);
            env->item[i] = sb_strdup(assignment);
            return;
        }
    sb_strv_add(env, assignment);
}

void sb_llama_env(const struct sb_strv *over, const char *const *ours, const struct sb_strv *own,
                  struct sb_strv *ret) {
    for (; *ours; ours++)
        if (strncmp(*ours, "LLAMA_", 6) != 0) /* an inherited LLAMA_ARG_* changes the server */
            sb_strv_add(ret, *ours);
    for (size_t i = 0; i < over->n; i++)
        set_env(ret, over->item[i]);
    for (size_t i = 0; own && i < own->n; i++)
        set_env(ret, own->item[i]);
}
