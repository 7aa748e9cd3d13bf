#include "value.h"

#include <errno.h>
#include <math.h>
#include <sha256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static size_t count(const char *const *words) {
    size_t n = 0;
    while (words && words[n])
        n++;
    return n;
}

const char *sb_did_you_mean(char hint[80], const char *word, const char *const *words, size_t n) {
    const char *near = sb_nearest(word, words, n);
    hint[0] = '\0';
    if (near)
        snprintf(hint, 80, " (did you mean '%s'?)", near);
    return hint;
}

/* ---- text --------------------------------------------------------------------------------- */

/* The text of a value, which must not be empty unless the key says so. NULL after a report. */
char *sb_text_of(struct sb_parser *p, const struct sb_option *o, const char *raw) {
    char *text = sb_ini_text(raw, &p->diags, p->line);
    if (!text || *text || o->may_be_empty)
        return text;
    sb_diag(&p->diags, p->line, "'%s' is empty", o->name);
    free(text);
    return NULL;
}

static bool set_string(void *field, char *text) {
    char **slot = field;
    free(*slot);
    *slot = text;
    return true;
}

static void free_string(void *field) {
    set_string(field, NULL);
}

static bool parse_text(struct sb_parser *p, const struct sb_option *o, void *field,
                       const char *raw) {
    char *text = sb_text_of(p, o, raw);
    return text && set_string(field, text);
}
const struct sb_type sb_type_text = {parse_text, free_string};

/* Takes `path`; relative ones start from the config file's folder. NULL after a report. */
char *sb_resolve(struct sb_parser *p, char *path) {
    if (path[0] == '~' && (path[1] == '/' || !path[1])) {
        sb_diag(&p->diags, p->line, "'~' is not expanded; write ${HOME}%.1024s", path + 1);
        free(path);
        return NULL;
    }
    if (path[0] == '/' || !p->folder)
        return path;
    char *whole = sb_asprintf("%s/%s", p->folder, path);
    free(path);
    return whole;
}

static bool parse_path(struct sb_parser *p, const struct sb_option *o, void *field,
                       const char *raw) {
    char *path = sb_text_of(p, o, raw);
    path = path ? sb_resolve(p, path) : NULL;
    return path && set_string(field, path);
}
const struct sb_type sb_type_path = {parse_path, free_string};

bool sb_device_on_gpu(const char *device) {
    return !device || strcmp(device, "none") != 0;
}

static bool parse_device(struct sb_parser *p, const struct sb_option *o, void *field,
                         const char *raw) {
    char *device = sb_text_of(p, o, raw);
    if (device && (strcasecmp(device, "cpu") == 0 || strcasecmp(device, "none") == 0)) {
        free(device);
        device = sb_strdup("none");
    }
    return device && set_string(field, device);
}
const struct sb_type sb_type_device = {parse_device, free_string};

/* "draft-mtp 3": a type, and perhaps how many tokens are drafted at once. */
static bool parse_spec(struct sb_parser *p, const struct sb_option *o, void *field,
                       const char *raw) {
    char *spec = sb_text_of(p, o, raw), extra, type[64];
    int most = 1, words = spec ? sscanf(spec, "%63[a-z0-9-] %d %c", type, &most, &extra) : 0;
    if (spec &&
        (words < 1 || words > 2 || most < 1 || most > 1000 || (words == 1 && spec[strlen(type)]))) {
        sb_diag(&p->diags, p->line,
                "%s '%.1024s': expected a type and perhaps a number of tokens from 1 to 1000, "
                "as in 'draft-mtp 3'",
                o->name, spec);
        free(spec);
        return false;
    }
    return spec && set_string(field, spec);
}
const struct sb_type sb_type_spec = {parse_spec, free_string};

/* ---- numbers and choices ------------------------------------------------------------------ */

const char *sb_what_is_expected(const struct sb_option *o, char text[160]) {
    static const char *const names[] = {"a number", "a whole number", "a percentage"};
    const char *unit = o->type == &sb_type_percent ? "%" : "";
    size_t used = 0, n = count(o->words);
    int kind = o->type == &sb_type_percent ? 2 : o->type != &sb_type_number;
    text[0] = '\0';
    if (o->max > 0)
        used = (size_t)snprintf(text, 160, "%s from %.10g%s to %.10g%s", names[kind], o->min, unit,
                                o->max, unit);
    for (size_t i = 0; i < n && used < 160; i++)
        used += (size_t)snprintf(text + used, 160 - used, "%s%s",
                                 used == 0   ? ""
                                 : i + 1 < n ? ", "
                                             : " or ",
                                 o->words[i]);
    return text;
}

static bool unexpected(struct sb_parser *p, const struct sb_option *o, const char *value) {
    char expected[160], hint[80];
    sb_diag(&p->diags, p->line, "'%s' is '%.80s': expected %s%s", o->name, value,
            sb_what_is_expected(o, expected),
            sb_did_you_mean(hint, value, o->words, count(o->words)));
    return false;
}

/* The place of `text` in the option's words, or -1. */
static int word_index(const struct sb_option *o, const char *text) {
    for (size_t i = 0; i < count(o->words); i++)
        if (strcmp(o->words[i], text) == 0)
            return (int)i;
    return -1;
}

/* A plain decimal number within the option's limits: no sign, no exponent, no hex, no blanks. */
static bool decimal(const struct sb_option *o, const char *text, const char *suffix, bool whole,
                    double *ret) {
    static const char digits[] = "0123456789";
    size_t integer = strspn(text, digits);
    const char *end = text + integer;
    if (!whole && integer && *end == '.') {
        size_t fraction = strspn(end + 1, digits);
        if (fraction == 0)
            return false;
        end += 1 + fraction;
    }
    if (integer == 0 || strcmp(end, suffix) != 0)
        return false;
    *ret = strtod(text, NULL);
    return *ret >= o->min && *ret <= o->max;
}

/* A number, or words[0] for word_value, any other word for 0. False after a report. */
static bool number_of(struct sb_parser *p, const struct sb_option *o, const char *raw,
                      const char *suffix, bool whole, double *ret) {
    char *text = sb_text_of(p, o, raw);
    if (!text)
        return false;
    bool ok = true;
    int word = word_index(o, text);
    if (word >= 0)
        *ret = word == 0 ? o->word_value : 0;
    else
        ok = decimal(o, text, suffix, whole, ret) || unexpected(p, o, text);
    free(text);
    return ok;
}

static bool parse_int(struct sb_parser *p, const struct sb_option *o, void *field,
                      const char *raw) {
    double value;
    if (!number_of(p, o, raw, "", true, &value))
        return false;
    *(int *)field = (int)value;
    return true;
}
const struct sb_type sb_type_int = {parse_int, NULL};

static bool parse_number(struct sb_parser *p, const struct sb_option *o, void *field,
                         const char *raw) {
    double value;
    if (!number_of(p, o, raw, "", false, &value))
        return false;
    *(double *)field = value;
    return true;
}
const struct sb_type sb_type_number = {parse_number, NULL};

static bool parse_percent(struct sb_parser *p, const struct sb_option *o, void *field,
                          const char *raw) {
    double value;
    if (!number_of(p, o, raw, "%", false, &value))
        return false;
    *(double *)field = value / 100;
    return true;
}
const struct sb_type sb_type_percent = {parse_percent, NULL};

static bool parse_choice(struct sb_parser *p, const struct sb_option *o, void *field,
                         const char *raw) {
    char *text = sb_text_of(p, o, raw);
    double ignored;
    if (!text)
        return false;
    if (word_index(o, text) >= 0 || (o->max > 0 && decimal(o, text, "", true, &ignored)))
        return set_string(field, text);
    unexpected(p, o, text);
    free(text);
    return false;
}
const struct sb_type sb_type_choice = {parse_choice, free_string};

static int index_of(struct sb_parser *p, const struct sb_option *o, const char *raw) {
    char *text = sb_text_of(p, o, raw);
    int index = text ? word_index(o, text) : -1;
    if (text && index < 0)
        unexpected(p, o, text);
    free(text);
    return index;
}

static bool parse_flag(struct sb_parser *p, const struct sb_option *o, void *field,
                       const char *raw) {
    int index = index_of(p, o, raw);
    if (index >= 0)
        *(bool *)field = index == 1;
    return index >= 0;
}
const struct sb_type sb_type_flag = {parse_flag, NULL};

static bool parse_word(struct sb_parser *p, const struct sb_option *o, void *field,
                       const char *raw) {
    int index = index_of(p, o, raw);
    if (index >= 0)
        *(int *)field = index;
    return index >= 0;
}
const struct sb_type sb_type_word = {parse_word, NULL};

/* ---- lists -------------------------------------------------------------------------------- */

static void free_list(void *field) {
    sb_strv_release(field);
}

/* The words of a value, at least one unless the key may be empty. False after a report. */
bool sb_words_of(struct sb_parser *p, const struct sb_option *o, const char *raw,
                 struct sb_strv *ret) {
    if (sb_ini_words(raw, &p->diags, p->line, ret)) {
        if (ret->n || o->may_be_empty)
            return true;
        sb_diag(&p->diags, p->line, "'%s' is empty", o->name);
    }
    sb_strv_release(ret);
    return false;
}

static bool parse_words(struct sb_parser *p, const struct sb_option *o, void *field,
                        const char *raw) {
    return sb_words_of(p, o, raw, field);
}
const struct sb_type sb_type_words = {parse_words, free_list};

/* A path, or a name to be looked up in PATH: like in a shell, the '/' tells. False after a report. */
static bool resolve_program(struct sb_parser *p, struct sb_strv *words) {
    if (strchr(words->item[0], '/'))
        words->item[0] = sb_resolve(p, words->item[0]);
    return words->item[0];
}

/* One of the two keys of a field that takes either stands there already: that is reported later. */
static bool set_program(struct sb_parser *p, struct sb_strv *field, struct sb_strv *words) {
    bool ok = resolve_program(p, words);
    sb_strv_release(ok ? field : words);
    if (ok)
        *field = *words;
    return ok;
}

static bool parse_server(struct sb_parser *p, const struct sb_option *o, void *field,
                         const char *raw) {
    char *path = sb_text_of(p, o, raw);
    struct sb_strv words = {0};
    if (!path)
        return false;
    sb_strv_take(&words, path);
    return set_program(p, field, &words);
}
const struct sb_type sb_type_server = {parse_server, free_list};

static bool parse_command(struct sb_parser *p, const struct sb_option *o, void *field,
                          const char *raw) {
    struct sb_strv words = {0};
    return sb_words_of(p, o, raw, &words) && set_program(p, field, &words);
}
const struct sb_type sb_type_command = {parse_command, free_list};

/* The words of a key that gives every cell more points to measure. False after a report. */
bool sb_points_of(struct sb_parser *p, const struct sb_option *o, const char *raw,
                  struct sb_strv *ret) {
    if (!sb_words_of(p, o, raw, ret))
        return false;
    if (ret->n <= SB_POINTS_MAX)
        return true;
    sb_diag(&p->diags, p->line, "'%s' holds %zu values, at most %d can be measured", o->name,
            ret->n, SB_POINTS_MAX);
    sb_strv_release(ret);
    return false;
}

/* "Access: K8s Job on shadow node": printed as a line of its own, the name in bold. */
static bool parse_header(struct sb_parser *p, const struct sb_option *o, void *field,
                         const char *raw) {
    char *text = sb_text_of(p, o, raw);
    if (!text)
        return false;
    const char *colon = strchr(text, ':');
    if (colon && colon > text && colon[1 + strspn(colon + 1, " \t")]) {
        sb_strv_take(field, text);
        return true;
    }
    sb_diag(&p->diags, p->line, "'header' is '%.80s': expected 'Name: text'", text);
    free(text);
    return false;
}
const struct sb_type sb_type_header = {parse_header, free_list};

/* Bytes of the NAME of "NAME=value"; 0 when it is not one. */
static size_t env_name_length(const char *s) {
    size_t len = sb_ini_name_length(s);
    return s[len] == '=' ? len : 0;
}

/* NAME=value; the quotes of NAME="some value" come off as those of "NAME=some value" do. */
static char *env_of(struct sb_parser *p, const struct sb_option *o, const char *raw) {
    const char *start = raw + strspn(raw, " \t");
    size_t name = env_name_length(start);
    if (name == 0)
        return sb_text_of(p, o, raw);
    char *value = sb_ini_text(start + name + 1, &p->diags, p->line);
    char *text = value ? sb_asprintf("%.*s=%s", (int)name, start, value) : NULL;
    free(value);
    return text;
}

static bool parse_env(struct sb_parser *p, const struct sb_option *o, void *field,
                      const char *raw) {
    struct sb_strv *env = field;
    char *text = env_of(p, o, raw);
    if (!text)
        return false;
    size_t name = env_name_length(text);
    if (name == 0)
        sb_diag(&p->diags, p->line, "'env' is '%.80s': expected NAME=value", text);
    for (size_t i = 0; name && i < env->n; i++)
        if (strncmp(env->item[i], text, name + 1) == 0) {
            sb_diag(&p->diags, p->line, "environment variable '%.*s' is set twice", (int)name,
                    text);
            name = 0;
        }
    if (name)
        sb_strv_take(env, text);
    else
        free(text);
    return name > 0;
}
const struct sb_type sb_type_env = {parse_env, free_list};

static bool parse_ints(struct sb_parser *p, const struct sb_option *o, void *field,
                       const char *raw) {
    struct sb_strv words = {0};
    if (!sb_points_of(p, o, raw, &words))
        return false;
    int *list = sb_alloc(words.n, sizeof *list);
    bool ok = true;
    for (size_t i = 0; i < words.n; i++) {
        double value = 0;
        if (!decimal(o, words.item[i], "", true, &value))
            ok = unexpected(p, o, words.item[i]);
        list[i] = ok ? (int)value : 0; /* out of range there is no such int */
        for (size_t k = 0; ok && k < i; k++)
            if (list[k] == list[i]) {
                sb_diag(&p->diags, p->line, "'%s' holds %d twice", o->name, list[i]);
                ok = false;
            }
    }
    if (ok) {
        free(*(int **)field);
        *(int **)field = list;
        *(size_t *)(void *)((char *)p->target + o->count_offset) = words.n;
    } else {
        free(list);
    }
    sb_strv_release(&words);
    return ok;
}
const struct sb_type sb_type_ints = {parse_ints, NULL};

/* ---- keys --------------------------------------------------------------------------------- */

const struct sb_option *sb_option_find(const struct sb_section_kind *kind, const char *name) {
    for (size_t i = 0; i < kind->n_options; i++)
        if (strcmp(kind->options[i].name, name) == 0)
            return &kind->options[i];
    return NULL;
}

int sb_bench_key_line(const struct sb_parser *p, const char *name) {
    const struct sb_section_kind *bench = &p->kinds[SB_KIND_BENCH];
    int line = p->bench_seen[sb_option_find(bench, name) - bench->options];
    return line ? line : p->bench_line;
}
