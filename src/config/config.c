#include "stratobench/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "value.h"
#include "stratobench/base.h"

/* ---- the keys ----------------------------------------------------------------------------- */

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define NO_FIELD .offset = 0 /* its type knows where it goes */
#define WORDS(...)                                                                                 \
    (const char *const[]) {                                                                        \
        __VA_ARGS__, NULL                                                                          \
    }
#define BENCH(field)   .offset = offsetof(struct sb_config, field)
#define BACKEND(field) .offset = offsetof(struct sb_backend, field)
#define MODEL(field)   .offset = offsetof(struct sb_model, field)
#define SWITCH         WORDS("off", "on")

/* One line a key: to add one, add its field to config.h and its line here. */
static const struct sb_option bench_options[] = {
    {"title", &sb_type_text, BENCH(title), .fallback = "Inference Backend Benchmark Results"},
    {"hardware", &sb_type_text, BENCH(hardware)},
    {"header", &sb_type_header, BENCH(header), .repeats = true},
    {"prompt", &sb_type_prompt, NO_FIELD},
    {"prompts", &sb_type_prompts, NO_FIELD},
    {"prompt_label", &sb_type_prompt_label, NO_FIELD, .may_be_empty = true},
    {"runs", &sb_type_int, BENCH(runs), .min = 1, .max = 1000, .fallback = "3"},
    {"warmup", &sb_type_int, BENCH(warmup), .max = 100, .words = WORDS("auto"),
     .word_value = SB_WARMUP_AUTO, .fallback = "auto"},
    {"launches", &sb_type_int, BENCH(launches), .min = 1, .max = 100, .words = WORDS("auto"),
     .word_value = SB_LAUNCHES_AUTO, .fallback = "1"},
    {"n_predict", &sb_type_int, BENCH(n_predict), .min = 2, .max = 1000000, .fallback = "128"},
    {"ctx", &sb_type_int, BENCH(ctx), .min = 3, .max = 100000000, .fallback = "8192"},
    {"depths", &sb_type_depths, NO_FIELD, .max = 100000000, .fallback = "0"},
    {"layout", &sb_type_layout, BENCH(layout), .words = WORDS("sections", "table")},
    {"load_timeout", &sb_type_number, BENCH(load_timeout_s), .min = 0.1, .max = 604800,
     .fallback = "900"},
    {"run_timeout", &sb_type_number, BENCH(run_timeout_s), .min = 0.1, .max = 604800,
     .fallback = "900"},
    {"load", &sb_type_flag, BENCH(load_cold), .words = WORDS("any", "cold")},
    {"cooldown", &sb_type_number, BENCH(cooldown_s), .max = 86400, .words = WORDS("auto"),
     .word_value = SB_COOLDOWN_AUTO},
    {"until", &sb_type_percent, BENCH(until), .max = 50, .words = WORDS("off")},
    {"max_runs", &sb_type_int, BENCH(max_runs), .min = 2, .max = 1000, .fallback = "10"},
    {"bandwidth", &sb_type_number, BENCH(bandwidth_gb_s), .min = 0.1, .max = 1000000},
    {"summary", &sb_type_flag, BENCH(summary), .words = SWITCH, .fallback = "on"},
    {"chart", &sb_type_flag, BENCH(chart), .words = SWITCH, .fallback = "on"},
};

static const struct sb_option backend_options[] = {
    {"label", &sb_type_text, BACKEND(label)},
    {"server", &sb_type_server, BACKEND(server),
     .line_offset = offsetof(struct sb_backend, server_line), .required = true},
    {"device", &sb_type_device, BACKEND(device)},
    {"gpu_layers", &sb_type_choice, BACKEND(gpu_layers), .max = 100000,
     .words = WORDS("all", "auto")},
    {"flash_attn", &sb_type_choice, BACKEND(flash_attn), .words = WORDS("on", "off", "auto")},
    {"mmap", &sb_type_choice, BACKEND(mmap), .words = WORDS("on", "off")},
    {"cache_type", &sb_type_choice, BACKEND(cache_type),
     .words = WORDS("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1")},
    {"threads", &sb_type_int, BACKEND(threads), .min = 1, .max = 4096},
    {"spec", &sb_type_spec, BACKEND(spec)},
    {"draft", &sb_type_path, BACKEND(draft), .line_offset = offsetof(struct sb_backend, draft_line)},
    {"args", &sb_type_words, BACKEND(args), .may_be_empty = true},
    {"env", &sb_type_env, BACKEND(env), .repeats = true},
    {"notes", &sb_type_text, BACKEND(notes), .may_be_empty = true, .fallback = ""},
    {"bandwidth", &sb_type_number, BACKEND(bandwidth_gb_s), .min = 0.1, .max = 1000000},
};

static const struct sb_option model_options[] = {
    {"label", &sb_type_text, MODEL(label), .line_offset = offsetof(struct sb_model, label_line)},
    {"path", &sb_type_path, MODEL(path), .line_offset = offsetof(struct sb_model, path_line),
     .required = true},
    {"backends", &sb_type_words, MODEL(backends),
     .line_offset = offsetof(struct sb_model, backends_line)},
    {"quantization", &sb_type_text, MODEL(quantization)},
    {"file_size", &sb_type_text, MODEL(file_size)},
    {"total_params", &sb_type_text, MODEL(total_params)},
    {"active_params", &sb_type_text, MODEL(active_params)},
    {"notes", &sb_type_text, MODEL(notes), .may_be_empty = true, .fallback = ""},
};

_Static_assert(COUNT(bench_options) <= SB_OPTIONS_MAX && COUNT(backend_options) <= SB_OPTIONS_MAX &&
                   COUNT(model_options) <= SB_OPTIONS_MAX,
               "SB_OPTIONS_MAX is too small");

static void *add_backend(struct sb_config *c, const char *id, int line) {
    c->backends = sb_realloc(c->backends, c->n_backends + 1, sizeof *c->backends);
    struct sb_backend *b = &c->backends[c->n_backends++];
    *b = (struct sb_backend){.id = sb_strdup(id), .line = line};
    return b;
}

static void *add_model(struct sb_config *c, const char *id, int line) {
    c->models = sb_realloc(c->models, c->n_models + 1, sizeof *c->models);
    struct sb_model *m = &c->models[c->n_models++];
    *m = (struct sb_model){.id = sb_strdup(id), .line = line};
    return m;
}

enum { BENCH_KIND, BACKEND_KIND, MODEL_KIND };
static const struct sb_section_kind kinds[] = {
    {"bench", bench_options, COUNT(bench_options), NULL},
    {"backend", backend_options, COUNT(backend_options), add_backend},
    {"model", model_options, COUNT(model_options), add_model},
};

/* ---- sections ----------------------------------------------------------------------------- */

static void *field_of(const struct sb_option *o, void *target) {
    return (char *)target + o->offset;
}

static void set_fallbacks(struct sb_parser *p) {
    for (size_t i = 0; i < p->kind->n_options; i++) {
        const struct sb_option *o = &p->kind->options[i];
        if (o->fallback)
            o->type->parse(p, o, field_of(o, p->target), o->fallback);
    }
}

static void release_fields(const struct sb_section_kind *kind, void *target) {
    for (size_t i = 0; i < kind->n_options; i++)
        if (kind->options[i].type->release)
            kind->options[i].type->release(field_of(&kind->options[i], target));
}

static void end_section(struct sb_parser *p) {
    if (!p->kind)
        return;
    for (size_t i = 0; i < p->kind->n_options; i++) {
        const struct sb_option *o = &p->kind->options[i];
        if (o->required && !p->seen[i])
            sb_diag(&p->diags, p->section_line, "[%s %s] has no '%s'", p->kind->name, p->id,
                    o->name);
    }
    for (size_t i = 0; p->kind == p->bench && i < p->kind->n_options; i++)
        if (p->seen[i])
            p->bench_seen[i] = p->seen[i];
    memset(p->seen, 0, sizeof p->seen);
}

/* Ids end in file names, hence no '/' and no leading '.'. */
static bool id_is_valid(const char *id) {
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    return *id && *id != '.' && id[strspn(id, letters)] == '\0';
}

static int line_of_id(const struct sb_config *c, const struct sb_section_kind *kind,
                      const char *id) {
    size_t n_backends = kind != &kinds[BACKEND_KIND] ? 0 : c->n_backends;
    size_t n_models = kind != &kinds[MODEL_KIND] ? 0 : c->n_models;
    for (size_t i = 0; i < n_backends && i < SB_SECTIONS_MAX; i++)
        if (strcmp(c->backends[i].id, id) == 0)
            return c->backends[i].line;
    for (size_t i = 0; i < n_models && i < SB_SECTIONS_MAX; i++)
        if (strcmp(c->models[i].id, id) == 0)
            return c->models[i].line;
    return 0;
}

static void check_id(struct sb_parser *p, const struct sb_section_kind *kind, const char *id) {
    int before = kind->add ? line_of_id(p->c, kind, id) : p->bench_line;
    if (!kind->add && *id)
        sb_diag(&p->diags, p->line, "[bench] takes no name");
    else if (kind->add && !*id)
        sb_diag(&p->diags, p->line, "[%s] lacks a name: write [%s NAME]", kind->name, kind->name);
    else if (kind->add && !id_is_valid(id))
        sb_diag(&p->diags, p->line,
                "'%.80s' is no name for a %s: use letters, digits, '.', '_' and '-', and no '.' "
                "at the start",
                id, kind->name);
    else if (before)
        sb_diag(&p->diags, p->line, "[%s%s%s] is repeated, first at line %d", kind->name,
                *id ? " " : "", id, before);
}

static void begin_section(struct sb_parser *p, const struct sb_ini_item *item) {
    const char *names[COUNT(kinds)];
    end_section(p);
    p->kind = NULL;
    p->section_line = p->line;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        names[i] = kinds[i].name;
        if (strcmp(kinds[i].name, item->name) == 0)
            p->kind = &kinds[i];
    }
    if (!p->kind) {
        char hint[80];
        sb_diag(&p->diags, p->line, "unknown section '%.80s'%s", item->name,
                sb_did_you_mean(hint, item->name, names, COUNT(names)));
        return;
    }
    check_id(p, p->kind, item->rest);
    p->id = item->rest;
    if (p->kind->add) {
        p->target = p->kind->add(p->c, item->rest, p->line);
        set_fallbacks(p);
    } else {
        p->target = p->c; /* its defaults stand already: they hold without a [bench], too */
        p->bench_line = p->line;
    }
}

static void unknown_key(struct sb_parser *p, const char *name) {
    const char *names[SB_OPTIONS_MAX];
    char hint[80];
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (sb_option_find(&kinds[i], name)) {
            sb_diag(&p->diags, p->line, "unknown key '%s' in [%s] (it belongs in [%s])", name,
                    p->kind->name, kinds[i].name);
            return;
        }
    for (size_t i = 0; i < p->kind->n_options; i++)
        names[i] = p->kind->options[i].name;
    sb_diag(&p->diags, p->line, "unknown key '%.80s'%s", name,
            sb_did_you_mean(hint, name, names, p->kind->n_options));
}

static void read_key(struct sb_parser *p, const struct sb_ini_item *item) {
    if (!p->kind) {
        if (!p->section_line)
            sb_diag(&p->diags, p->line, "key '%.80s' stands before the first section", item->name);
        return; /* the keys of an unknown section are not judged */
    }
    const struct sb_option *o = sb_option_find(p->kind, item->name);
    if (!o) {
        unknown_key(p, item->name);
        return;
    }
    int *seen = &p->seen[o - p->kind->options];
    if (*seen && !o->repeats) {
        sb_diag(&p->diags, p->line, "'%s' is repeated, first at line %d", o->name, *seen);
        return;
    }
    *seen = p->line;
    if (o->line_offset)
        *(int *)(void *)((char *)p->target + o->line_offset) = p->line;
    o->type->parse(p, o, field_of(o, p->target), item->rest);
}

/* ---- the whole ---------------------------------------------------------------------------- */

static void read_items(struct sb_parser *p, const char *text, size_t len) {
    struct sb_ini ini;
    struct sb_ini_item item;
    p->kind = p->bench = &kinds[BENCH_KIND];
    p->target = p->c;
    set_fallbacks(p);
    p->kind = NULL;
    sb_ini_init(&ini, text, len);
    while (sb_ini_next(&ini, &p->diags, &item)) {
        p->line = ini.line;
        if (item.is_section)
            begin_section(p, &item);
        else
            read_key(p, &item);
    }
    end_section(p);
    p->line = ini.line ? ini.line : 1;
    sb_ini_release(&ini);
}

int sb_config_parse(const char *path, const char *text, size_t len, const struct sb_selection *sel,
                    struct sb_config *ret, struct sb_buf *errors) {
    const char *slash = strrchr(path, '/');
    struct sb_parser p = {
        .diags.file = path,
        .c = ret,
        .folder = slash ? sb_strndup(path, slash > path ? (size_t)(slash - path) : 1) : NULL,
    };
    *ret = (struct sb_config){.file = sb_strdup(path)};
    if (len > SB_CONFIG_MAX_BYTES) {
        sb_diag(&p.diags, 0, "the file is larger than %d bytes", SB_CONFIG_MAX_BYTES);
    } else {
        read_items(&p, text, len);
        sb_config_plan(&p, sel);
    }
    free(p.folder);
    free(p.prompt_label);
    int rc = p.diags.n ? -EINVAL : 0;
    sb_diags_flush(&p.diags, errors);
    if (rc < 0)
        sb_config_release(ret);
    return rc;
}

int sb_config_load(const char *path, const struct sb_selection *sel, struct sb_config *ret,
                   struct sb_buf *errors) {
    struct sb_buf text = SB_BUF_INIT(SB_CONFIG_MAX_BYTES), error = SB_BUF_INIT(SB_ERR_MAX);
    int rc;
    if (sb_file_read(path, &text, &error) == 0) {
        rc = sb_config_parse(path, sb_buf_str(&text), text.len, sel, ret, errors);
    } else {
        sb_buf_add_printable(errors, error.data, error.len);
        sb_buf_adds(errors, "\n");
        *ret = (struct sb_config){0};
        rc = -EINVAL;
    }
    sb_buf_release(&text);
    sb_buf_release(&error);
    return rc;
}

void sb_config_release(struct sb_config *c) {
    for (size_t i = 0; i < c->n_backends; i++) {
        release_fields(&kinds[BACKEND_KIND], &c->backends[i]);
        free(c->backends[i].id);
    }
    for (size_t i = 0; i < c->n_models; i++) {
        release_fields(&kinds[MODEL_KIND], &c->models[i]);
        free(c->models[i].id);
    }
    for (size_t i = 0; i < c->n_prompts; i++)
        sb_prompt_release(&c->prompts[i]);
    release_fields(&kinds[BENCH_KIND], c);
    free(c->backends);
    free(c->models);
    free(c->prompts);
    free(c->depths);
    free(c->cells);
    free(c->file);
    *c = (struct sb_config){0};
}

int sb_config_likely_launches(const struct sb_config *c) {
    return c->launches == SB_LAUNCHES_AUTO ? 3 : c->launches;
}
