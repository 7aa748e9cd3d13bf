/* How a backend's server is had: by a program that is started, or at an address. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "value.h"

/* ---- values --------------------------------------------------------------------------------- */

static bool set(void *field, char *text) {
    char **slot = field;
    free(*slot);
    *slot = text;
    return true;
}

static void release(void *field) {
    set(field, NULL);
}

static bool parse_url(struct sb_parser *p, const struct sb_option *o, void *field,
                      const char *raw) {
    char *url = sb_text_of(p, o, raw);
    for (size_t n = url ? strlen(url) : 0; n > 0 && url[n - 1] == '/';)
        url[--n] = '\0';
    const char *problem = url ? sb_url_problem(url) : NULL;
    if (!problem)
        return url && set(field, url);
    sb_diag(&p->diags, p->line, "'%s' is none: %s", o->name,
            problem); /* not shown: see the login */
    free(url);
    return false;
}
const struct sb_type sb_type_url = {parse_url, release};

static bool parse_variable(struct sb_parser *p, const struct sb_option *o, void *field,
                           const char *raw) {
    char *name = sb_text_of(p, o, raw);
    if (!name)
        return false;
    size_t n = sb_ini_name_length(name);
    if (n > 0 && !name[n])
        return set(field, name);
    /* Not shown: it may be the key itself. */
    sb_diag(&p->diags, p->line, "'%s' is not the name of an environment variable", o->name);
    free(name);
    return false;
}
const struct sb_type sb_type_variable = {parse_variable, release};

/* ---- keys together ---------------------------------------------------------------------------- */

static const char *const sources[] = {"server", "command", "url"};

const char *sb_backend_source(const struct sb_backend *b) {
    for (size_t i = 1; i < sizeof sources / sizeof *sources; i++)
        if (sb_backend_line(b, sources[i]) != b->line)
            return sources[i];
    return sources[0];
}

/* One of the keys that say how its server is had, and no more. */
static void check_source(struct sb_parser *p, const struct sb_backend *b) {
    const char *first = NULL;
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        int line = sb_backend_line(b, sources[i]);
        if (line == b->line)
            continue;
        if (first)
            sb_diag(&p->diags, line, "'%s' takes the place of '%s' (line %d): use one", sources[i],
                    first, sb_backend_line(b, first));
        else
            first = sources[i];
    }
    if (!first)
        sb_diag(&p->diags, b->line, "[backend %s] has no 'server', 'command' or 'url'", b->id);
}

/* What can be said of a server that others have started. */
static bool goes_with_url(const char *key) {
    static const char *const keys[] = {"url",   "api_key_env", "ca_file", "label",
                                       "notes", "before",      "after",   "bandwidth"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

static bool is_source(const char *key) {
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        if (strcmp(sources[i], key) == 0)
            return true;
    return false;
}

static void check_keys_of_url(struct sb_parser *p, const struct sb_backend *b) {
    int url = sb_backend_line(b, "url");
    for (size_t i = 0; i < b->n_key_lines; i++) {
        const struct sb_key_line *k = &b->key_lines[i];
        if (!goes_with_url(k->key) && !is_source(k->key))
            sb_diag(&p->diags, k->line,
                    "'%s' does not go with 'url' (line %d): that server is set by whoever runs it",
                    k->key, url);
    }
}

static void check_keys_without_url(struct sb_parser *p, const struct sb_backend *b) {
    static const char *const keys[] = {"api_key_env", "ca_file"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (sb_backend_line(b, keys[i]) != b->line)
            sb_diag(&p->diags, sb_backend_line(b, keys[i]), "'%s' goes with 'url' alone", keys[i]);
}

static bool has_url(const struct sb_backend *b) {
    return sb_backend_line(b, "url") != b->line;
}

/* A file to start a server with, or a name to ask one for. */
static void check_model(struct sb_parser *p, const struct sb_model *m) {
    bool started = p->c->n_backends == 0, asked = false;
    for (size_t i = 0; i < p->c->n_backends; i++)
        if (sb_strv_has(&m->backends, p->c->backends[i].id))
            *(has_url(&p->c->backends[i]) ? &asked : &started) = true;
    if (m->path_line)
        return;
    if (started)
        sb_diag(&p->diags, m->line, "[model %s] has no 'path'", m->id);
    else if (asked && !m->name_line)
        sb_diag(&p->diags, m->line,
                "[model %s] has neither 'path' nor 'name': which model is to be asked for?", m->id);
}

void sb_check_sources(struct sb_parser *p) {
    struct sb_config *c = p->c;
    for (size_t i = 0; i < c->n_backends; i++) {
        check_source(p, &c->backends[i]);
        if (has_url(&c->backends[i]))
            check_keys_of_url(p, &c->backends[i]);
        else
            check_keys_without_url(p, &c->backends[i]);
    }
    for (size_t i = 0; i < c->n_models; i++)
        check_model(p, &c->models[i]);
}
