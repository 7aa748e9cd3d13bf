/* Text: escapers, figures, and tables with the same rows for a screen and for Markdown. What goes into a cell is final: callers put foreign text through sb_style_add. */
#ifndef STRATOBENCH_TEXT_H
#define STRATOBENCH_TEXT_H

#include "stratobench/base.h"

enum { SB_TEXT_MAX = 256 << 20 }; /* bytes of one text */
#define SB_ABSENT "—"             /* stands for a figure that was not measured */

/* Text from outside (labels, notes, reasons) made safe for a Markdown table cell, heading or list:
 * | < > ` * \ $ always, & _ ~ # ] where they would be read as markup; line ends and tabs become
 * blanks, other control characters and malformed UTF-8 U+FFFD. */
void sb_markdown_escape(struct sb_buf *b, const char *text);

/* Columns that a text takes on a terminal: two for a character of East Asia and most pictures, none
 * for a mark that stands over another. What is not UTF-8 counts a column a byte. */
size_t sb_text_width(const char *s);
/* The most bytes of a text that fit so many columns, cut between characters. */
size_t sb_text_fit(const char *s, size_t columns);
/* Appends words, filled into lines of so many columns. All lines but the first, which stands at
 * `indent` already, are indented; a line break stays one. */
void sb_text_fill(struct sb_buf *b, const char *text, size_t indent, size_t columns);
/* Appends lines as they are, but for those wider than the screen, which are filled; an item of a list
 * ("- ") is indented. */
void sb_text_wrap(struct sb_buf *b, const char *text, size_t columns);
/* The same for HTML and SVG, in text and in attributes with double quotes; line ends stay. */
void sb_xml_escape(struct sb_buf *b, const char *text);

/* A value in a workflow command of GitHub's (::error title=PROPERTY::MESSAGE). */
void sb_github_escape(struct sb_buf *b, const char *text, bool property);
/* Lines for GitHub's log in which nothing is a workflow command, whatever labels they hold. */
void sb_github_inert(struct sb_buf *b, const char *text);
/* A word as a shell would want it, so that it can be pasted. */
void sb_shell_quote(struct sb_buf *b, const char *word);

/* "50s", "1m41s", below ten seconds "3.2s". NaN appends an em dash. */
void sb_format_load(struct sb_buf *b, double load_s);
/* How long something takes that need not be exact: "1h02m", "3m20s", "45s". */
void sb_format_duration(struct sb_buf *b, double duration_s);
/* "318.8 ±26.3"; without a finite deviation the mean alone, without a finite mean an em dash. */
void sb_mean_add(struct sb_buf *b, double mean, double stddev);

/* "1.18×", "11.3×", "119×" */
void sb_ratio_add(struct sb_buf *b, double ratio);

enum sb_style { SB_STYLE_TEXT, SB_STYLE_MARKDOWN };

/* Appends text from outside on one line: escaped for Markdown, control characters replaced
 * for a screen. NULL appends nothing. */
void sb_style_add(struct sb_buf *b, enum sb_style style, const char *text);

/* "0.86–0.96". A bound so high that it only says how little is known is "100+". */
void sb_interval_add(struct sb_buf *b, double low, double high, int decimals);

struct sb_table_column {
    const char *title;
    bool right; /* aligned */
};
struct sb_table {
    const struct sb_table_column *columns;
    size_t n_columns;
    struct sb_buf cells; /* row by row, each its kind and its NUL; a last row may be short */
    /* As text: */
    size_t screen; /* columns that there are, into which what is not a figure is wrapped; 0 = no
                           limit. A figure is never cut: the table may be wider */
    const char *marker; /* the escape before what is marked; NULL = none */
};
struct sb_table sb_table_begin(const struct sb_table_column *columns, size_t n_columns);
/* Adds one cell; takes the content of `content` and empties it. */
void sb_table_take(struct sb_table *t, struct sb_buf *content);
void sb_table_add(struct sb_table *t, const char *content);
/* One cell for what is left of the row, which ends with it; on a screen wrapped up to its edge. The
 * second is marked there. */
void sb_table_span(struct sb_table *t, const char *content);
void sb_table_mark(struct sb_table *t, const char *content);
/* Columns that it takes as text when nothing is wrapped, but for spans. */
size_t sb_table_width(const struct sb_table *t);
void sb_table_print(const struct sb_table *t, enum sb_style style, struct sb_buf *ret);
void sb_table_release(struct sb_table *t);

#endif
