/* The INI text behind config.h, private to the config module: diagnostics, lines, values.
 *
 * Nothing here knows a key. A value reaches its key's type raw (from '=' to the end of the
 * line), because where it ends depends on the type: sb_ini_text reads one text, sb_ini_words
 * a list by shell rules. */
#ifndef STRATOBENCH_CONFIG_INI_H
#define STRATOBENCH_CONFIG_INI_H

#include "stratobench/base.h"

enum { SB_INI_VALUE_MAX = 64 * 1024, SB_DIAGS_MAX = 200 };

/* What is wrong with a file, kept in the order of its lines. */
struct sb_diags {
    const char *file; /* borrowed */
    struct sb_diag {
        int line; /* 0 = the file as a whole */
        char *text;
    } entry[SB_DIAGS_MAX];
    size_t n; /* all that were reported, also those beyond SB_DIAGS_MAX */
};
void sb_diag(struct sb_diags *d, int line, const char *fmt, ...) SB_PRINTF(3, 4);
/* Appends "file:line: text" lines, safe for a terminal, and releases them. */
void sb_diags_flush(struct sb_diags *d, struct sb_buf *errors);

struct sb_ini { /* a reader of lines; works on a copy of the text */
    char *text, *at, *end;
    int line; /* of the item just read; after the last one, of the last line */
};
struct sb_ini_item { /* valid until sb_ini_release */
    bool is_section;
    const char *name; /* "model" of [model ID], or the key */
    const char *rest; /* "ID" ("" when there is none), or the raw value */
};
void sb_ini_init(struct sb_ini *ini, const char *text, size_t len);
/* The next section or key; a line that is neither becomes a diagnostic. False at the end. */
bool sb_ini_next(struct sb_ini *ini, struct sb_diags *d, struct sb_ini_item *ret);
void sb_ini_release(struct sb_ini *ini);

/* The text of a raw value: comment and outer quotes off, ${VAR} expanded. The caller frees;
 * NULL after a diagnostic. */
char *sb_ini_text(const char *raw, struct sb_diags *d, int line);
/* Appends the words of a raw value. False after a diagnostic. */
bool sb_ini_words(const char *raw, struct sb_diags *d, int line, struct sb_strv *ret);

/* Bytes of the variable name at `s`; 0 when there is none. */
size_t sb_ini_name_length(const char *s);

#endif
