#include "ini.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- diagnostics -------------------------------------------------------------------------- */

void sb_diag(struct sb_diags *d, int line, const char *fmt, ...) {
    if (d->n++ >= SB_DIAGS_MAX)
        return;
    char text[2048]; /* longer ones are cut: they quote what the user wrote */
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    size_t at = d->n - 1;
    for (; at > 0 && d->entry[at - 1].line > line; at--)
        d->entry[at] = d->entry[at - 1];
    d->entry[at] = (struct sb_diag){line, sb_strdup(text)};
}

void sb_diags_flush(struct sb_diags *d, struct sb_buf *errors) {
    size_t kept = d->n < SB_DIAGS_MAX ? d->n : SB_DIAGS_MAX;
    for (size_t i = 0; i < kept; i++) {
        struct sb_diag *e = &d->entry[i];
        char *text = e->line ? sb_asprintf("%s:%d: %s", d->file, e->line, e->text)
                             : sb_asprintf("%s: %s", d->file, e->text);
        sb_buf_add_printable(errors, text, strlen(text));
        sb_buf_adds(errors, "\n");
        free(text);
        free(e->text);
    }
    if (d->n > kept)
        sb_buf_addf(errors, "%s: and %zu more\n", d->file, d->n - kept);
    d->n = 0;
}

/* ---- lines -------------------------------------------------------------------------------- */

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static bool is_comment(char c) {
    return c == '#' || c == ';';
}

static bool is_quote(char c) {
    return c == '"' || c == '\'';
}

static const char *skip_blanks(const char *s) {
    while (is_blank(*s))
        s++;
    return s;
}

/* Cuts the blanks at both ends of s[0..len), in place. */
static char *trim(char *s, size_t len) {
    while (len && is_blank(s[len - 1]))
        len--;
    s[len] = '\0';
    return s + (skip_blanks(s) - s);
}

/* What a text of ours must not hold: NULL, or what it holds. */
static const char *foreign_byte(const char *s, size_t len) {
    for (size_t i = 0, n; i < len; i += n) {
        unsigned char c = (unsigned char)s[i];
        n = sb_utf8_length(s + i, len - i);
        if (n == 0)
            return "bytes that are not valid UTF-8";
        if (c == 0)
            return "a NUL byte";
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return "a control character";
    }
    return NULL;
}

void sb_ini_init(struct sb_ini *ini, const char *text, size_t len) {
    static const char bom[] = "\xef\xbb\xbf";
    if (len >= 3 && memcmp(text, bom, 3) == 0) {
        text += 3;
        len -= 3;
    }
    *ini = (struct sb_ini){.text = sb_alloc(len + 1, 1)};
    if (len)
        memcpy(ini->text, text, len);
    ini->at = ini->text;
    ini->end = ini->text + len;
}

void sb_ini_release(struct sb_ini *ini) {
    free(ini->text);
    *ini = (struct sb_ini){0};
}

/* "[name]" or "[name rest]", then nothing but a comment. */
static bool read_section(char *s, struct sb_diags *d, int line, struct sb_ini_item *ret) {
    char *close = strchr(s, ']');
    if (!close) {
        sb_diag(d, line, "section header lacks its ']'");
        return false;
    }
    const char *tail = skip_blanks(close + 1);
    if (*tail && !(is_comment(*tail) && tail > close + 1)) {
        sb_diag(d, line, "text after ']'");
        return false;
    }
    char *name = trim(s + 1, (size_t)(close - s - 1));
    char *rest = name + strcspn(name, " \t");
    if (*rest)
        *rest++ = '\0';
    *ret = (struct sb_ini_item){true, name, skip_blanks(rest)};
    return true;
}

static bool read_key(char *s, struct sb_diags *d, int line, struct sb_ini_item *ret) {
    char *equals = strchr(s, '=');
    if (!equals || equals == s) {
        sb_diag(d, line, "expected 'key = value' or '[section]'");
        return false;
    }
    *ret = (struct sb_ini_item){false, trim(s, (size_t)(equals - s)), equals + 1};
    return true;
}

static bool read_line(char *s, size_t len, struct sb_diags *d, int line, struct sb_ini_item *ret) {
    if (len && s[len - 1] == '\r')
        len--;
    const char *foreign = foreign_byte(s, len);
    if (foreign) {
        sb_diag(d, line, "the line holds %s", foreign);
        return false;
    }
    s = trim(s, len);
    if (!*s || is_comment(*s))
        return false;
    return *s == '[' ? read_section(s, d, line, ret) : read_key(s, d, line, ret);
}

bool sb_ini_next(struct sb_ini *ini, struct sb_diags *d, struct sb_ini_item *ret) {
    bool found = false;
    while (!found && ini->at < ini->end) {
        char *s = ini->at;
        char *newline = memchr(s, '\n', (size_t)(ini->end - s));
        char *stop = newline ? newline : ini->end;
        ini->at = newline ? newline + 1 : ini->end;
        ini->line++;
        found = read_line(s, (size_t)(stop - s), d, ini->line, ret);
    }
    return found;
}

/* ---- values ------------------------------------------------------------------------------- */

size_t sb_ini_name_length(const char *s) {
    size_t len = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
    return *s >= '0' && *s <= '9' ? 0 : len;
}

/* Appends the variable at *s ("${NAME}") and moves *s behind it, in any case onwards. */
static bool expand(const char **s, struct sb_diags *d, int line, struct sb_buf *out) {
    const char *start = *s + 2;
    size_t len = sb_ini_name_length(start);
    if (len == 0 || start[len] != '}') {
        sb_diag(d, line, "expected ${NAME} (letters, digits and _), or single quotes around it");
        *s = start;
        return false;
    }
    char *name = sb_strndup(start, len);
    const char *value = getenv(name);
    const char *foreign = value ? foreign_byte(value, strlen(value)) : NULL;
    if (!value)
        sb_diag(d, line, "${%s} is not set in the environment", name);
    else if (foreign)
        sb_diag(d, line, "${%s} holds %s", name, foreign);
    else
        sb_buf_adds(out, value);
    free(name);
    *s = start + len + 1;
    return value && !foreign;
}

static bool too_long(const struct sb_buf *b, struct sb_diags *d, int line) {
    if (b->overflow)
        sb_diag(d, line, "a value is longer than %d bytes", SB_INI_VALUE_MAX);
    return b->overflow;
}

static bool unclosed(char quote, struct sb_diags *d, int line) {
    sb_diag(d, line, "the %s quote is never closed", quote == '"' ? "double" : "single");
    return false;
}

/* The end of a plain value: its comment, or the end of the line. A quote opens at the start,
 * after white space or after '=' and only if it is closed again, so that "Bob's" needs none. */
static const char *plain_end(const char *s) {
    for (char before = '='; *s; before = *s++) {
        bool fresh = is_blank(before) || before == '=';
        const char *close = fresh && is_quote(*s) ? strchr(s + 1, *s) : NULL;
        if (close)
            s = close;
        else if (is_comment(*s) && is_blank(before))
            break;
    }
    return s;
}

char *sb_ini_text(const char *raw, struct sb_diags *d, int line) {
    const char *end = plain_end(raw), *s = skip_blanks(raw);
    while (end > s && is_blank(end[-1]))
        end--;
    char quote = s < end && is_quote(*s) ? *s : '\0';
    if (quote) {
        const char *close = strchr(s + 1, quote);
        if (!close) {
            unclosed(quote, d, line);
            return NULL;
        }
        if (close == end - 1) {
            s++;
            end--;
        } else {
            quote = '\0'; /* "A" and "B": the quotes belong to the text */
        }
    }
    struct sb_buf b = SB_BUF_INIT(SB_INI_VALUE_MAX);
    bool ok = true;
    while (s < end)
        if (quote != '\'' && s[0] == '$' && s + 1 < end && s[1] == '{')
            ok &= expand(&s, d, line, &b);
        else
            sb_buf_add(&b, s++, 1);
    ok &= !too_long(&b, d, line);
    char *text = ok ? sb_buf_detach(&b) : NULL;
    sb_buf_release(&b);
    return text;
}

/* A quoted part of a word; *s is at its quote and moves behind the closing one. */
static bool quoted_part(const char **s, struct sb_diags *d, int line, struct sb_buf *word) {
    char quote = *(*s)++;
    bool ok = true;
    while (**s && **s != quote) {
        if (quote == '"' && (*s)[0] == '$' && (*s)[1] == '{') {
            ok &= expand(s, d, line, word);
            continue;
        }
        if (quote == '"' && (*s)[0] == '\\' && (*s)[1] && strchr("\"\\$`", (*s)[1]))
            (*s)++;
        sb_buf_add(word, (*s)++, 1);
    }
    if (!**s)
        return unclosed(quote, d, line);
    (*s)++;
    return ok;
}

/* One word; *s is at its first character and moves behind its last. Like in a shell, a word
 * that is nothing but an empty ${VAR} is none. */
static bool read_word(const char **s, struct sb_diags *d, int line, struct sb_strv *ret) {
    struct sb_buf word = SB_BUF_INIT(SB_INI_VALUE_MAX);
    bool ok = true, is_word = false;
    while (**s && !is_blank(**s)) {
        if (is_quote(**s)) {
            ok &= quoted_part(s, d, line, &word);
            is_word = true;
        } else if ((*s)[0] == '$' && (*s)[1] == '{') {
            ok &= expand(s, d, line, &word);
        } else if ((*s)[0] == '\\' && !(*s)[1]) {
            sb_diag(d, line, "nothing follows the backslash at the end");
            (*s)++;
            ok = false;
        } else {
            *s += **s == '\\';
            sb_buf_add(&word, (*s)++, 1);
        }
    }
    ok &= !too_long(&word, d, line);
    if (ok && (is_word || word.len))
        sb_strv_take(ret, sb_buf_detach(&word));
    sb_buf_release(&word);
    return ok;
}

bool sb_ini_words(const char *raw, struct sb_diags *d, int line, struct sb_strv *ret) {
    bool ok = true;
    for (const char *s = raw;;) {
        const char *start = skip_blanks(s);
        if (!*start || (is_comment(*start) && start > s))
            return ok;
        s = start;
        ok &= read_word(&s, d, line, ret);
    }
}
