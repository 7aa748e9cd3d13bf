/* What the files of the report module share: the document while it is written, a section's stretch
 * of cells, tables over it.
 *
 * doc.c what the document's stretches are · markdown.c code blocks and figures · row.c rows and
 * marks · notes.c footnotes · flags.c doubts · table.c tables · runs.c the runs · launches.c why launching
 * stopped · answers.c and answer_words.c what was computed · extras.c, depth.c, slots.c and environment.c what goes beyond the reference format · report.c the document · html*.c the page. */
#ifndef STRATOBENCH_REPORT_PARTS_H
#define STRATOBENCH_REPORT_PARTS_H

#include "stratobench/report.h"
#include "stratobench/results.h"
#include "stratobench/results_merge.h"
#include "stratobench/text.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

/* What a stretch of the document is. A reader of Markdown sees it in the text; the page is told, so
 * that it never has to guess: no text from outside can pass for one of these. */
enum report_kind {
    REPORT_DETAILS,     /* the line that opens a folded block; `text`: its summary */
    REPORT_DETAILS_END, /* the line that closes it */
    REPORT_TABLE,       /* a table; `text`: one letter a column, REPORT_FIGURES or REPORT_WORDS */
    REPORT_NOTES,       /* the footnotes of a table; `text`: how many */
};
#define REPORT_FIGURES 'f'
#define REPORT_WORDS   'w'
struct report_mark {
    enum report_kind kind;
    size_t from, to; /* bytes of the document */
    char *text;
};
struct report_doc {
    struct sb_buf *text;       /* borrowed: the Markdown */
    struct report_mark *marks; /* in their order; none within another */
    size_t n_marks;
};
/* From `from` to the end of what is written now; takes ownership of `text`. */
void report_doc_mark(struct report_doc *d, enum report_kind kind, size_t from, char *text);
void report_doc_begin_details(struct report_doc *d, const char *summary); /* our own words */
void report_doc_end_details(struct report_doc *d);
void report_doc_release(struct report_doc *d); /* the marks */

/* A footnote of a table. A flag has one for all that it is about, which tells of the worst. */
struct report_note {
    const char *flag;        /* NULL: a note of its own */
    struct sb_strv subjects; /* "PP of Vulkan", in the order of their marks */
    size_t largest;          /* of these */
    double size;             /* how bad it is */
    char *text;              /* what is to be said of the largest */
};

/* Cells that share a table: one model's in `sections`, the whole section's in `table`. */
struct report_group {
    const struct sb_section *section;
    const struct sb_cell *cells; /* a stretch of section->set.cells */
    size_t n_cells;
    bool table; /* layout: rows name their model */
    bool page;  /* for a small screen: the load stands last */
    bool many_backends;
    const struct sb_answers_verdict *answers; /* one a cell, while their table is written */
    struct report_note *notes; /* of the table being written, in the order of their marks */
    size_t n_notes;
};

/* A row: a cell at one of its points. */
struct report_row {
    const struct sb_cell *cell;
    struct sb_point point;
    int turn;                   /* of a conversation; 0 = the row is of none */
    const struct sb_try *tried; /* a value of a setting; NULL = the row is of none */
};
struct report_row report_row_of_cell(const struct sb_cell *c); /* at its first point */
struct report_row report_row_of_point(const struct sb_cell *c, const struct sb_point *p);

/* A column writes itself (`put`), or is one figure of a cell (`value`, NaN = not measured). */
struct report_column {
    const char *head;
    void (*put)(struct sb_buf *b, struct report_group *g, const struct report_row *r);
    bool (*wanted)(const struct report_group *g); /* NULL: always */
    bool (*has)(const struct report_row *r);      /* shown when any row has it; NULL: always */
    const char *rule;                             /* NULL: as wide as the head and its blanks */
    double (*value)(const struct sb_cell *c);     /* shown when any row has it */
    double scale;                                 /* 0 = 1 */
    int decimals;
    const char *unit; /* printed behind the figure */
    bool figures;     /* of a column that writes itself: what it writes are figures */
};
/* Columns that several tables use; prompt, depth and slots where there are several. */
extern const struct report_column report_column_model, report_column_backend, report_column_pp,
    report_column_tg, report_column_prompt, report_column_depth, report_column_slots;

/* What a cell's points are set out over. */
struct report_axis {
    const char *caption;
    const struct report_column *const *columns;
    size_t n_columns;
    bool slots;                                              /* a point is called by its slots */
    bool (*holds)(const struct sb_cell *c, struct sb_at at); /* a point of the cell belongs to it */
    bool (*follows)(struct sb_at before, struct sb_at at);   /* the order may turn between them */
};
/* The table of the cells that have several such points, and where the order of the backends turns.
 * Appends nothing where there is none. */
void report_points(struct report_doc *d, struct report_group *g, const struct report_axis *a);

/* The main table of a group in its layout. */
void report_main_table(struct report_doc *d, struct report_group *g);
/* A table, a blank line, and, if marks were set in it, their footnotes and a blank line. */
void report_table(struct report_doc *d, struct report_group *g,
                  const struct report_column *const *columns, size_t n_columns,
                  const struct report_row *rows, size_t n_rows);
/* "Quantization: Q8_0 · File size: …", or nothing. */
void report_model_facts(struct sb_buf *b, const struct sb_results *set, const struct sb_cell *c);
/* No program measured these: they were copied from a document, whose form is kept to the letter. */
bool report_is_transcribed(const struct sb_results *set);

/* The marks of the doubts about one figure: " ¹"; their text goes to g->notes. */
void report_flag_marks(struct sb_buf *b, struct report_group *g, const struct report_row *r,
                       enum sb_metric m);
/* Flags of the cell that no figure of it explains (main table only). */
void report_other_flag_marks(struct sb_buf *b, struct report_group *g, const struct report_row *r);
/* " ¹" and its footnote, plain text of which it takes ownership: n.flag, n.size, n.text, and its one
 * subject. */
void report_note(struct sb_buf *b, struct report_group *g, struct report_note n, char *subject);
/* The footnotes of the table just written; forgets them. */
void report_put_notes(struct report_doc *d, struct report_group *g);

/* A section's head: date, hardware, protocol, prompt. The legend of its layout; the caller frees.
 */
void report_head(struct sb_buf *b, const struct sb_results *r);
char *report_legend(const struct sb_results *r);
/* "3-run average after 1 warmup" */
void report_protocol(struct sb_buf *b, const struct sb_results *r);
/* The cells of one model, or of a whole section: tables, runs, and what else there is. */
struct report_group report_group_of(const struct sb_section *s, size_t first, size_t n);
void report_group(struct report_doc *d, struct report_group *g);
size_t report_model_length(const struct sb_results *set, size_t first); /* in cells */
void report_runs(struct report_doc *d, const struct report_group *g);

/* Each appends nothing when there is nothing to say, else text and a blank line after it. */
void report_extras(struct report_doc *d, struct report_group *g);
/* What the servers computed, where they were asked. */
void report_answers(struct report_doc *d, struct report_group *g);
/* Of g->answers, in the page: what each of those that differ would have written, side by side. */
void report_answer_words(struct report_doc *d, const struct report_group *g);
/* A verdict a cell, each model judged by itself; numbers of others are those of the cells given.
 * reads (may be NULL): whether the text says anything to any of them. */
struct sb_answers_verdict *report_judge_answers(const struct sb_cell *cells, size_t n, bool *reads);
void report_release_answers(struct sb_answers_verdict *v, size_t n);
/* Speculative decoding: what was drafted and accepted, against the same backend without. */
void report_drafts(struct report_doc *d, struct report_group *g);
/* Pictures: how many tokens they were and how long they took to encode. */
void report_vision(struct report_doc *d, struct report_group *g);
/* "picture.png" of the file that a cell's prompts hold, NULL where they hold none; borrowed. */
const char *report_picture(const struct sb_cell *c);
/* Tokens of it, by the first run that counts; NaN. */
double report_picture_tokens(const struct sb_cell *c);
/* What was tuned before anything was measured: what each value gave, and which was taken. */
void report_tune(struct report_doc *d, struct report_group *g);
/* launches = auto: how many were made of each backend, why it stopped, what was saved. */
void report_launches(struct report_doc *d, struct report_group *g);
void report_depths(struct report_doc *d, struct report_group *g);
/* The conversations. */
void report_turns(struct report_doc *d, struct report_group *g);
void report_slots(struct report_doc *d, struct report_group *g);
void report_environment(struct report_doc *d, const struct sb_section *s);

/* "¹" */
void report_superscript(struct sb_buf *b, size_t number);
/* "12.5 GiB"; a dash for NaN. */
void report_figure(struct sb_buf *b, double x, int decimals, const char *unit);
/* "172.8 ±2.9" */
void report_mean(struct sb_buf *b, const struct sb_summary *s);
/* Untrusted text as one line within a code block. */
void report_code_text(struct sb_buf *b, const char *text);
/* Lines as a code block whose fence none of them can close. */
void report_code_block(struct sb_buf *b, const char *code);

#endif
