/* What is printed of a command's table: its help, and words for completion. */
#include <string.h>

#include "cmd.h"
#include "options.h"
#include "stratobench/text.h"

enum { HELP_COLUMNS = 80, MOST_LEFT = 30 }; /* columns of "  -o, --output FILE" */

static const struct sb_option help_option = {"help", 'h', SB_OPTION_FLAG, .help = "show this help"};

static void add_left(const struct sb_option *o, struct sb_buf *b) {
    if (o->letter)
        sb_buf_addf(b, "  -%c, --%s", o->letter, o->name);
    else
        sb_buf_addf(b, "      --%s", o->name);
    if (o->argument)
        sb_buf_addf(b, " %s", o->argument);
}

static size_t left_width(const struct sb_option *o) {
    struct sb_buf b = SB_BUF_INIT(256);
    add_left(o, &b);
    size_t width = b.len;
    sb_buf_release(&b);
    return width;
}

static void add_option(const struct sb_option *o, size_t column, struct sb_buf *ret) {
    if (o->group)
        sb_buf_addf(ret, "%s\n", o->group);
    add_left(o, ret);
    size_t width = left_width(o);
    if (width + 2 > column) {
        sb_buf_adds(ret, "\n");
        width = 0;
    }
    sb_buf_addf(ret, "%*s", (int)(column - width), "");
    sb_text_fill(ret, o->help, column, HELP_COLUMNS);
    sb_buf_adds(ret, "\n");
}

void sb_options_help(const struct sb_command *c, struct sb_buf *ret) {
    size_t column = 0;
    for (const struct sb_option *o = c->options; o->name; o++) {
        size_t width = left_width(o);
        if (width > column && width <= MOST_LEFT)
            column = width;
    }
    column += 2;
    sb_buf_addf(ret, "usage: stratobench %s %s\n\n", c->name, c->usage);
    sb_text_fill(ret, c->about, 0, HELP_COLUMNS);
    sb_buf_adds(ret, "\n\n");
    for (const struct sb_option *o = c->options; o->name; o++)
        add_option(o, column, ret);
    add_option(&help_option, column, ret);
    sb_buf_adds(ret, "\n");
    sb_text_fill(ret, c->notes, 0, HELP_COLUMNS);
    sb_buf_adds(ret, "\n");
}

/* ---- completion --------------------------------------------------------------------------- */

static void add_line(struct sb_buf *ret, const char *before, const char *word) {
    sb_buf_addf(ret, "%s%s\n", before, word);
}

/* The option that `word` is, if it is one that takes a value; else NULL. */
static const struct sb_option *waiting_for_value(const struct sb_command *c, const char *word) {
    for (const struct sb_option *o = c->options; o->name; o++) {
        bool is_it = strncmp(word, "--", 2) == 0
                         ? strcmp(word + 2, o->name) == 0
                         : o->letter && word[0] == '-' && word[1] == o->letter && !word[2];
        if (is_it)
            return o->type == SB_OPTION_FLAG ? NULL : o;
    }
    return NULL;
}

static void complete_value(const struct sb_option *o, struct sb_buf *ret) {
    for (size_t i = 0; o->choices && o->choices[i]; i++)
        add_line(ret, "", o->choices[i]);
    if (o->files)
        add_line(ret, "", o->files);
}

static void complete_in(const struct sb_command *c, const char *previous, const char *word,
                        struct sb_buf *ret) {
    const struct sb_option *value_of = waiting_for_value(c, previous);
    if (value_of) {
        complete_value(value_of, ret);
    } else if (word[0] == '-') {
        for (const struct sb_option *o = c->options; o->name; o++)
            add_line(ret, "--", o->name);
        add_line(ret, "--", help_option.name);
    } else {
        add_line(ret, "", c->files);
    }
}

void sb_options_complete(const struct sb_command *const *commands, size_t n_commands,
                         char *const *words, size_t n_words, struct sb_buf *ret) {
    for (size_t i = 0; i < n_commands; i++)
        if (n_words < 2)
            add_line(ret, "", commands[i]->name);
        else if (strcmp(words[0], commands[i]->name) == 0)
            complete_in(commands[i], words[n_words - 2], words[n_words - 1], ret);
    if (n_words < 2)
        sb_buf_adds(ret, "--help\n--version\n");
}
