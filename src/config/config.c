#include "stratobench/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "stratobench/base.h"
#include "value.h"

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
    for (size_t i = 0; p->kind == &p->kinds[SB_KIND_BENCH] && i < p->kind->n_options; i++)
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

static int line_of_id(const struct sb_parser *p, const struct sb_section_kind *kind,
                      const char *id) {
    const struct sb_config *c = p->c;
    size_t n_backends = kind != &p->kinds[SB_KIND_BACKEND] ? 0 : c->n_backends;
    size_t n_models = kind != &p->kinds[SB_KIND_MODEL] ? 0 : c->n_models;
    for (size_t i = 0; i < n_backends && i < SB_SECTIONS_MAX; i++)
        if (strcmp(c->backends[i].id, id) == 0)
            return c->backends[i].line;
    for (size_t i = 0; i < n_models && i < SB_SECTIONS_MAX; i++)
        if (strcmp(c->models[i].id, id) == 0)
            return c->models[i].line;
    return 0;
}

static void check_id(struct sb_parser *p, const struct sb_section_kind *kind, const char *id) {
    int before = kind->add ? line_of_id(p, kind, id) : p->bench_line;
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
    const char *names[SB_KINDS];
    end_section(p);
    p->kind = NULL;
    p->section_line = p->line;
    for (size_t i = 0; i < SB_KINDS; i++) {
        names[i] = p->kinds[i].name;
        if (strcmp(p->kinds[i].name, item->name) == 0)
            p->kind = &p->kinds[i];
    }
    if (!p->kind) {
        char hint[80];
        sb_diag(&p->diags, p->line, "unknown section '%.80s'%s", item->name,
                sb_did_you_mean(hint, item->name, names, SB_KINDS));
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
    for (size_t i = 0; i < SB_KINDS; i++)
        if (sb_option_find(&p->kinds[i], name)) {
            sb_diag(&p->diags, p->line, "unknown key '%s' in [%s] (it belongs in [%s])", name,
                    p->kind->name, p->kinds[i].name);
            return;
        }
    for (size_t i = 0; i < p->kind->n_options; i++)
        names[i] = p->kind->options[i].name;
    sb_diag(&p->diags, p->line, "unknown key '%.80s'%s", name,
            sb_did_you_mean(hint, name, names, p->kind->n_options));
}

static void note_line(struct sb_backend *b, const char *key, int line) {
    b->key_lines = sb_grow(b->key_lines, b->n_key_lines, sizeof *b->key_lines);
    b->key_lines[b->n_key_lines++] = (struct sb_key_line){key, line};
}

int sb_backend_line(const struct sb_backend *b, const char *key) {
    for (size_t i = 0; i < b->n_key_lines; i++)
        if (strcmp(b->key_lines[i].key, key) == 0)
            return b->key_lines[i].line;
    return b->line;
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
    if (p->kind == &p->kinds[SB_KIND_BACKEND])
        note_line(p->target, o->name, p->line);
    if (o->line_offset)
        *(int *)(void *)((char *)p->target + o->line_offset) = p->line;
    o->type->parse(p, o, field_of(o, p->target), item->rest);
}

/* ---- the whole ---------------------------------------------------------------------------- */

static void read_items(struct sb_parser *p, const char *text, size_t len) {
    struct sb_ini ini;
    struct sb_ini_item item;
    p->kind = &p->kinds[SB_KIND_BENCH];
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

/* The folder that relative paths start from; NULL = the current one, as for what has no place of
 * its own: standard input, `<(...)`. The caller frees. */
static char *folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    struct stat st;
    bool stream = stat(path, &st) == 0 && !S_ISREG(st.st_mode);
    if (!slash || stream)
        return NULL;
    return sb_strndup(path, slash > path ? (size_t)(slash - path) : 1);
}

int sb_config_parse(const char *path, const char *text, size_t len, const struct sb_selection *sel,
                    struct sb_config *ret, struct sb_buf *errors) {
    struct sb_section_kind kinds[SB_KINDS];
    sb_section_kinds(kinds);
    struct sb_parser p = {
        .kinds = kinds,
        .diags.file = path,
        .c = ret,
        .folder = folder_of(path),
    };
    *ret = (struct sb_config){.file = sb_strdup(path), .bench = sb_protocol_empty()};
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
    struct sb_section_kind kinds[SB_KINDS];
    sb_section_kinds(kinds);
    for (size_t i = 0; i < c->n_backends; i++) {
        release_fields(&kinds[SB_KIND_BACKEND], &c->backends[i]);
        free(c->backends[i].id);
        free(c->backends[i].key_lines);
    }
    for (size_t i = 0; i < c->n_models; i++) {
        release_fields(&kinds[SB_KIND_MODEL], &c->models[i]);
        free(c->models[i].id);
    }
    for (size_t i = 0; i < c->bench.n_prompts; i++)
        sb_prompt_release(&c->prompts[i]);
    release_fields(&kinds[SB_KIND_BENCH], c);
    free(c->backends);
    free(c->models);
    free(c->prompts);
    sb_protocol_release(&c->bench);
    free(c->cells);
    free(c->file);
    *c = (struct sb_config){0};
}

int sb_config_likely_launches(const struct sb_config *c) {
    return c->bench.launches == SB_LAUNCHES_AUTO ? 3 : c->bench.launches;
}
