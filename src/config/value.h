/* Keys and their types, private to the config module. */
#ifndef STRATOBENCH_CONFIG_VALUE_H
#define STRATOBENCH_CONFIG_VALUE_H

#include "ini.h"
#include "stratobench/config.h"

enum {
    SB_OPTIONS_MAX = 32,    /* keys of a section */
    SB_POINTS_MAX = 64,     /* prompts, depths */
    SB_SECTIONS_MAX = 1000, /* models, backends: bounds the matrix and the search for an id */
};

struct sb_parser;
struct sb_option;

/* How a raw value becomes a field. `parse` leaves the field alone when it reports. */
struct sb_type {
    bool (*parse)(struct sb_parser *p, const struct sb_option *o, void *field, const char *raw);
    void (*release)(void *field); /* NULL: nothing is owned */
};

struct sb_option {
    const char *name;
    const struct sb_type *type;
    size_t offset;            /* of the field in the section's struct */
    size_t line_offset;       /* of the int that keeps the line; 0 = none */
    const char *fallback;     /* the default, as it would be written */
    double min, max;          /* of a number */
    const char *const *words; /* what may stand there (instead of a number), NULL-terminated */
    double word_value;        /* of words[0], for a number; other words are 0 */
    size_t count_offset;      /* of a list: of its length, in the section's struct */
    bool required, repeats, may_be_empty;
    const char *help; /* a line */
};

struct sb_section_kind {
    const char *name;
    struct sb_option options[SB_OPTIONS_MAX];
    size_t n_options;
    void *(*add)(struct sb_config *c, const char *id, int line); /* NULL: one, without an id */
};
enum { SB_KIND_BENCH, SB_KIND_BACKEND, SB_KIND_MODEL, SB_KINDS };
/* The sections of a file and their keys. */
void sb_section_kinds(struct sb_section_kind ret[SB_KINDS]);

struct sb_parser {
    struct sb_diags diags;
    struct sb_config *c;
    char *folder;                       /* what relative paths start from; NULL = the current one */
    char *prompt_label;                 /* NULL = not given */
    struct sb_section_kind *kinds;      /* SB_KINDS of them */
    int bench_line;                     /* of [bench]; 0 = not seen */
    int bench_seen[SB_OPTIONS_MAX];     /* line of each of its keys; 0 = not given */
    int line;                           /* being read */
    const struct sb_section_kind *kind; /* of the section being read; NULL = unknown */
    void *target;                       /* its struct */
    const char *id;                     /* its name, borrowed from the line */
    int section_line;
    int seen[SB_OPTIONS_MAX];
};

extern const struct sb_type sb_type_text, sb_type_path, sb_type_device, sb_type_spec; /* char * */
extern const struct sb_type sb_type_url, sb_type_variable;                            /* char * */
extern const struct sb_type sb_type_server, sb_type_command; /* struct sb_strv, with a program */
extern const struct sb_type sb_type_choice; /* char *: one of `words`, or a number */
extern const struct sb_type sb_type_flag;   /* bool: the place in `words` */
extern const struct sb_type sb_type_word;   /* enum: the same */
extern const struct sb_type sb_type_int, sb_type_number, sb_type_percent; /* int, double, share */
extern const struct sb_type sb_type_words, sb_type_header, sb_type_env;   /* struct sb_strv */
extern const struct sb_type sb_type_tune;                                 /* struct sb_tunes */
extern const struct sb_type sb_type_image;                                /* struct sb_image */
extern const struct sb_type sb_type_ints;                                 /* int *, a list */
/* These have no single field: they set members of the parser or of its config. */
extern const struct sb_type sb_type_prompt, sb_type_prompts, sb_type_prompt_label;

/* "a whole number from 1 to 9 or auto", or "". */
const char *sb_what_is_expected(const struct sb_option *o, char text[160]);
/* NULL when the section has no such key. */
const struct sb_option *sb_option_find(const struct sb_section_kind *kind, const char *name);
/* The line of a key of [bench] (which must be one), or of [bench] itself when it was not given. */
int sb_bench_key_line(const struct sb_parser *p, const char *name);

/* What the types share. The text of a value, its words, its words as the places of a matrix: what
 * may not be empty or is too much is reported (NULL, false). */
char *sb_text_of(struct sb_parser *p, const struct sb_option *o, const char *raw);
bool sb_words_of(struct sb_parser *p, const struct sb_option *o, const char *raw,
                 struct sb_strv *ret);
bool sb_points_of(struct sb_parser *p, const struct sb_option *o, const char *raw,
                  struct sb_strv *ret);
/* Takes `path`; relative ones start from the config file's folder. NULL after a report. */
char *sb_resolve(struct sb_parser *p, char *path);

/* One more prompt; takes `text`, copies the rest. given NULL = it is built in. */
void sb_prompt_add(struct sb_config *c, const char *given, const char *file, const char *label,
                   struct sb_buf *text);
void sb_prompt_release(struct sb_prompt *prompt);
/* " (did you mean 'x'?)", or "". Valid until the next call with the same buffer. */
const char *sb_did_you_mean(char hint[80], const char *word, const char *const *words, size_t n);

/* How each backend's server is had: its keys together, and what its models must say (source.c). */
void sb_check_sources(struct sb_parser *p);
/* What backends tune must be theirs to choose. */
void sb_check_tunes(struct sb_parser *p);
/* Once the file is read: what several keys say together, references, cells (config_plan.c). */
void sb_config_plan(struct sb_parser *p, const struct sb_selection *sel);

#endif
