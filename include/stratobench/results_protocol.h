/* The protocol: what a measurement is made of, one row a setting. A config and results hold the
 * same, and everything that asks whether two measurements are alike asks this table. */
#ifndef STRATOBENCH_RESULTS_PROTOCOL_H
#define STRATOBENCH_RESULTS_PROTOCOL_H

#include "stratobench/base.h"

#define SB_WARMUP_AUTO   (-1)
#define SB_LAUNCHES_AUTO (-1)
#define SB_COOLDOWN_AUTO (-1.0)
#define SB_TURNS_OFF     (-1)
#define SB_MOST_TURNS    1000
#define SB_MOST_SLOTS    256

struct sb_prompt_ref {
    char *file, *label, *sha256;
};

/* Where the document says which backend to take; "on" is how early configs ask for the bottom. */
enum sb_summary_place { SB_SUMMARY_OFF, SB_SUMMARY_BOTTOM, SB_SUMMARY_TOP, SB_SUMMARY_ON };

/* [bench] of a config and "bench" of results: the same settings in both. */
struct sb_protocol {
    char *title;
    int runs, warmup /* SB_WARMUP_AUTO */, launches /* SB_LAUNCHES_AUTO */, n_predict, ctx;
    bool table; /* "layout": "table" or "sections" */
    struct sb_strv header;
    struct sb_prompt_ref *prompts; /* "prompt": the first; "prompts": all, when several */
    size_t n_prompts;
    int *depths;
    size_t n_depths;
    int *slots; /* requests at once, each at most SB_MOST_SLOTS */
    size_t n_slots;
    double until; /* share; NaN = fixed number of runs */
    int max_runs;
    enum sb_summary_place summary; /* which backend to take */
    bool load_cold;
    double cooldown_s;                         /* 0 = none; SB_COOLDOWN_AUTO */
    int turns /* SB_TURNS_OFF */, turn_tokens; /* of a conversation; new ones a turn */
};

/* What a setting decides, and so who notices when it differs. Merge, rank and compare name both
 * kinds; only a different condition makes cells not comparable. */
enum sb_role {
    SB_DISPLAY,    /* how it is shown: nobody */
    SB_CONDITION,  /* what is measured: part of a cell's fingerprint */
    SB_REPETITION, /* how often: --resume measures again */
};

enum sb_setting_type {                     /* of the member */
                       SB_SETTING_TEXT,    /* char * */
                       SB_SETTING_LINES,   /* struct sb_strv: a key that may be repeated */
                       SB_SETTING_INT,     /* int; with words, words[0] stands for -1 */
                       SB_SETTING_SHARE,   /* double, 0.03 for "3%"; with words, words[0] stands for
                                             NaN */
                       SB_SETTING_SECONDS, /* double; with words, words[0] stands for -1 */
                       SB_SETTING_WORD,    /* bool or enum: which of the words */
                       SB_SETTING_SWITCH,  /* bool: off, on; true or false in results */
                       SB_SETTING_INTS,    /* a list of int */
                       SB_SETTING_PROMPT,  /* the first of the prompts */
                       SB_SETTING_PROMPTS,
};

/* One row a setting: a key of the config, of the results, its limits, and its meaning. */
struct sb_setting {
    const char *key;         /* in [bench] */
    const char *results_key; /* in "bench"; NULL = key */
    enum sb_setting_type type;
    size_t offset, size, count_offset; /* in struct sb_protocol; of a list: where its length is */
    double min, max;                   /* of a number; max 0 = there is none */
    const char *const *words;          /* NULL-terminated, or NULL */
    const char *fallback;              /* the default, as a config would say it; NULL = none */
    int absent;                        /* what an int or word is where results lack it */
    bool required, always;             /* results without it are refused; it is always saved */
    bool later;                        /* younger than the first fingerprints: no part of them at
                                          its default, so that cells of before still match */
    bool (*idle)(const struct sb_protocol *p); /* matters not at all beside the others as they are;
                                                  NULL: always matters */
    enum sb_role role;
    const char *what; /* as a sentence names it: "context size" */
    const char *mark; /* a list: the name of one of its values in a fingerprint */
    const char *help; /* a line */
};
extern const struct sb_setting sb_settings[];
extern const size_t sb_n_settings;

/* A setting's value as a config would say it; prompts by their hashes. */
void sb_setting_print(const struct sb_setting *s, const struct sb_protocol *p, struct sb_buf *ret);
bool sb_setting_same(const struct sb_setting *s, const struct sb_protocol *a,
                     const struct sb_protocol *b);
bool sb_protocol_same(const struct sb_protocol *a, const struct sb_protocol *b, enum sb_role role);
/* Adds "n_predict: 128 → 64" for each setting of that role that differs. */
void sb_protocol_differences(const struct sb_protocol *a, const struct sb_protocol *b,
                             enum sb_role role, struct sb_strv *ret);
/* Adds the lines that the conditions are in a cell's fingerprint_of: "n_predict=128". */
void sb_protocol_fingerprint(const struct sb_protocol *p, struct sb_strv *ret);
/* Adds "runs=3", ...: what --resume holds against a cell's `repetition`. */
void sb_protocol_repetition(const struct sb_protocol *p, struct sb_strv *ret);
/* Every setting as where results lack it. */
struct sb_protocol sb_protocol_empty(void);
void sb_protocol_copy(struct sb_protocol *dst, const struct sb_protocol *src); /* dst: empty */
void sb_protocol_release(struct sb_protocol *p);

#endif
