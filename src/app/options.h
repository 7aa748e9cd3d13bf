/* A command's options as a table: parsing, --help and completion are made from its rows. */
#ifndef STRATOBENCH_OPTIONS_H
#define STRATOBENCH_OPTIONS_H

#include "stratobench/base.h"

struct sb_command;

/* What an option takes, and the type of the member that it fills in. */
enum sb_option_type {
    SB_OPTION_FLAG,   /* nothing; bool */
    SB_OPTION_TEXT,   /* a text that is not empty; const char *, part of argv */
    SB_OPTION_TWO,    /* two texts; const char *[2] */
    SB_OPTION_LIST,   /* the same, repeatable; struct sb_strv, released after the command */
    SB_OPTION_PAIRS,  /* the same, each NAME=VALUE */
    SB_OPTION_NUMBER, /* a finite number from least to most; double */
    SB_OPTION_SHARE,  /* 0 to 1, "5%" or "0.05"; double */
    SB_OPTION_CHOICE, /* one of `choices`; int, which of them */
};

struct sb_option {
    const char *name; /* without its dashes; NULL ends the table */
    char letter;      /* 0: it has none */
    enum sb_option_type type;
    size_t offset;              /* of the member in the command's struct */
    const char *argument;       /* its name in the help; NULL for a flag */
    const char *help;           /* what it does; a line break is kept, the rest is filled */
    const char *const *choices; /* NULL-terminated */
    double least, most;         /* of a number */
    const char *files;          /* completion offers files like "*.svg"; NULL: nothing */
    const char *group;          /* a title in the help, above this option and those after it */
};

/* What is left of a command line once its options are read: file names. */
struct sb_operands {
    char *const *item;
    size_t n;
};

/* Fills in `options` from the command line, argv[0] being the command's name. False: the program
 * ends with *ret_exit, for the help was asked for and is printed, or a line on stderr says what is
 * wrong. */
bool sb_options_parse(const struct sb_command *c, int argc, char **argv, void *options,
                      struct sb_operands *ret_files, int *ret_exit);
/* Frees the lists in it. */
void sb_options_release(const struct sb_command *c, void *options);

/* The whole of --help. */
void sb_options_help(const struct sb_command *c, struct sb_buf *ret);

/* What could stand for the last of the words after the program's name: a word a line, and a line
 * like "*.ini" for files. */
void sb_options_complete(const struct sb_command *const *commands, size_t n_commands,
                         char *const *words, size_t n_words, struct sb_buf *ret);

#endif
