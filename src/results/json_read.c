#include "json_read.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct json json_begin(const char *text, size_t len, int most_depth, struct sb_buf *scratch) {
    struct json j = {
        .text = text, .at = text, .end = text + len, .scratch = scratch, .most_depth = most_depth};
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        j.at += 3;
    return j;
}

static bool problem(struct json *j, const char *what) {
    j->problem = what;
    return false;
}

static bool invalid(struct json *j) {
    return problem(j, "not valid JSON");
}

/* The next character, or NUL at the end of the text. */
static char here(const struct json *j) {
    return j->at < j->end ? *j->at : '\0';
}

char json_peek(struct json *j) {
    while (j->at < j->end && (*j->at == ' ' || *j->at == '\n' || *j->at == '\t' || *j->at == '\r'))
        j->at++;
    return here(j);
}

bool json_end(struct json *j) {
    json_peek(j);
    return j->at == j->end || problem(j, "more text after the end of the document");
}

bool json_word(struct json *j, const char *word) {
    size_t len = strlen(word);
    json_peek(j);
    if ((size_t)(j->end - j->at) < len || memcmp(j->at, word, len) != 0)
        return invalid(j);
    j->at += len;
    return true;
}

/* ---- Numbers -------------------------------------------------------------------------------- */

static bool skip_digits(struct json *j) {
    const char *begin = j->at;
    while (here(j) >= '0' && here(j) <= '9')
        j->at++;
    return j->at > begin || invalid(j);
}

bool json_number(struct json *j, double *ret) {
    json_peek(j);
    const char *begin = j->at;
    if (here(j) == '-')
        j->at++;
    if (here(j) == '0')
        j->at++;
    else if (!skip_digits(j))
        return false;
    if (here(j) == '.') {
        j->at++;
        if (!skip_digits(j))
            return false;
    }
    if (here(j) == 'e' || here(j) == 'E') {
        j->at++;
        if (here(j) == '+' || here(j) == '-')
            j->at++;
        if (!skip_digits(j))
            return false;
    }
    j->scratch->len = 0;
    sb_buf_add(j->scratch, begin, (size_t)(j->at - begin));
    *ret = strtod(sb_buf_str(j->scratch), NULL);
    return true;
}

/* ---- Strings -------------------------------------------------------------------------------- */

/* Four hexadecimal digits; -1 when there are none. */
static long read_hex(struct json *j) {
    long code = 0;
    for (int i = 0; i < 4; i++, j->at++) {
        const char *digits = "0123456789abcdef0123456789ABCDEF";
        const char *d = here(j) ? strchr(digits, here(j)) : NULL;
        if (!d)
            return -1;
        code = code * 16 + (d - digits) % 16;
    }
    return code;
}

static void add_utf8(struct sb_buf *b, long c) {
    char s[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        s[i] = (char)(0x80 | (c & 0x3f));
    s[0] = (char)(lead[n] | c);
    sb_buf_add(b, s, n);
}

/* What follows "\u". A surrogate must be half of a pair. */
static bool read_code_point(struct json *j) {
    long c = read_hex(j);
    if (c == 0)
        return problem(j, "a NUL character in a string");
    if (c < 0 || (c >= 0xdc00 && c <= 0xdfff))
        return invalid(j);
    if (c >= 0xd800 && c <= 0xdbff) {
        if (j->end - j->at < 2 || memcmp(j->at, "\\u", 2) != 0)
            return invalid(j);
        j->at += 2;
        long low = read_hex(j);
        if (low < 0xdc00 || low > 0xdfff)
            return invalid(j);
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    add_utf8(j->scratch, c);
    return true;
}

static bool read_escape(struct json *j) {
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    char c = here(j);
    const char *letter = c ? strchr(letters, c) : NULL;
    if (!letter && c != 'u')
        return invalid(j);
    j->at++;
    if (!letter)
        return read_code_point(j);
    sb_buf_add(j->scratch, &meanings[letter - letters], 1);
    return true;
}

bool json_string(struct json *j) {
    if (json_peek(j) != '"')
        return invalid(j);
    j->at++;
    j->scratch->len = 0;
    for (;;) {
        const char *begin = j->at;
        while (j->at < j->end && (unsigned char)*j->at >= 0x20 && *j->at != '"' && *j->at != '\\')
            j->at++;
        sb_buf_add(j->scratch, begin, (size_t)(j->at - begin));
        char c = here(j);
        if (c != '"' && c != '\\')
            return invalid(j); /* a control character, or no end */
        j->at++;
        if (c == '"')
            return true;
        if (!read_escape(j))
            return false;
    }
}

/* ---- Arrays and objects --------------------------------------------------------------------- */

bool json_enter(struct json *j, char open) {
    if (json_peek(j) != open)
        return invalid(j);
    if (j->depth == j->most_depth)
        return problem(j, "nested too deeply");
    j->depth++;
    j->at++;
    j->first = true;
    return true;
}

bool json_more(struct json *j, char close) {
    if (j->problem)
        return false;
    char c = json_peek(j);
    bool first = j->first;
    j->first = false;
    if (c == close) {
        j->at++;
        j->depth--;
        return false;
    }
    if (first) /* whether a value begins here, whoever reads it will see */
        return true;
    if (c != ',')
        return invalid(j);
    j->at++;
    return true;
}

bool json_key(struct json *j) {
    return json_string(j) && json_word(j, ":");
}

bool json_key_is(struct json *j, const char *key) {
    if (j->problem || json_peek(j) != '"')
        return false;
    const char *at = j->at + 1;
    while (*key && at < j->end && *at == *key)
        at++, key++;
    if (*key || at == j->end || *at != '"')
        return false;
    j->at = at + 1;
    return json_word(j, ":");
}

static bool skip_elements(struct json *j, bool object) {
    if (!json_enter(j, object ? '{' : '['))
        return false;
    while (json_more(j, object ? '}' : ']'))
        if ((object && !json_key(j)) || !json_skip(j))
            return false;
    return !j->problem;
}

bool json_skip(struct json *j) {
    double ignored;
    switch (json_peek(j)) {
    case '{': return skip_elements(j, true);
    case '[': return skip_elements(j, false);
    case '"': return json_string(j);
    case 't': return json_word(j, "true");
    case 'f': return json_word(j, "false");
    case 'n': return json_word(j, "null");
    default: return json_number(j, &ignored);
    }
}

void json_print_position(const struct json *j, struct sb_buf *b) {
    size_t line = 1;
    const char *begin = j->text;
    for (const char *s = j->text; s < j->at; s++)
        if (*s == '\n') {
            line++;
            begin = s + 1;
        }
    sb_buf_addf(b, "%zu:%td", line, j->at - begin + 1);
}
