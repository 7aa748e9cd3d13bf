/* JSON text, read front to back without building a tree: the caller says what it expects next.
 *
 * Ten thousand cells are a million values, and as many allocations in a tree of them; this way a
 * value goes straight to its place, and every problem has a line and a column. Strict (RFC 8259),
 * but that a byte order mark is skipped and malformed UTF-8 passes. */
#ifndef STRATOBENCH_JSON_READ_H
#define STRATOBENCH_JSON_READ_H

#include "stratobench/base.h"

struct json {
    const char *text, *at, *end; /* begin, what comes next, and the end; no NUL is needed there */
    struct sb_buf *scratch;      /* the last key or string, decoded */
    const char *problem;         /* what is wrong at `at`; NULL = nothing so far */
    int depth, most_depth;
    bool first; /* no element of the innermost array or object was read yet */
};
struct json json_begin(const char *text, size_t len, int most_depth, struct sb_buf *scratch);

/* The first character of what comes next, white space skipped: " [ { t f n - or a digit begin a
 * value. NUL at the end of the text. */
char json_peek(struct json *j);
/* Reads one value of a kind, or fails with the problem set. */
bool json_string(struct json *j);              /* into scratch */
bool json_number(struct json *j, double *ret); /* infinite when it is out of range */
bool json_word(struct json *j, const char *word);
bool json_skip(struct json *j); /* any value */
/* An array or object: json_enter with its bracket, then json_more with the closing one before each
 * element (an object's begins with json_key); false is its end, or a problem. */
bool json_enter(struct json *j, char open);
bool json_more(struct json *j, char close);
bool json_key(struct json *j); /* into scratch */
/* Reads the key if it is this one, letter by letter; otherwise nothing is read. */
bool json_key_is(struct json *j, const char *key);
/* Nothing but white space is left. */
bool json_end(struct json *j);

/* "LINE:COLUMN", from 1, of where reading stopped. */
void json_print_position(const struct json *j, struct sb_buf *b);

#endif
