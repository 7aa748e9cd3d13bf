/* The table of a command's options: parsing, help, completion. */
#include "command.h"
#include "stratobench/text.h"

enum { MAX_BYTES = 1 << 20 };

/* ---- a command of the tests ------------------------------------------------------------------ */

struct options {
    bool flag;
    const char *text, *two[2];
    struct sb_strv list, pairs;
    double number, share;
    int choice;
};

static int print(const void *options, const struct sb_operands *files) {
    const struct options *o = options;
    printf("%d %s %s%s %zu %zu %g %g %d:", o->flag, o->text ? o->text : "-",
           o->two[0] ? o->two[0] : "-", o->two[1] ? o->two[1] : "-", o->list.n, o->pairs.n,
           o->number, o->share, o->choice);
    for (size_t i = 0; i < files->n; i++)
        printf(" %s", files->item[i]);
    return SB_EXIT_NOT_OK;
}

static const char *const choices[] = {"red", "green", NULL};
static const struct sb_option table[] = {
    {"flag", 'f', SB_OPTION_FLAG, offsetof(struct options, flag), .help = "a flag"},
    {"text", 't', SB_OPTION_TEXT, offsetof(struct options, text), "TEXT", .help = "a text",
     .files = "*.txt"},
    {"two", '2', SB_OPTION_TWO, offsetof(struct options, two), "A B", .help = "two texts"},
    {"list", 'l', SB_OPTION_LIST, offsetof(struct options, list), "ITEM",
     .help = "one of so many items that the words of its help do not fit into one line"},
    {"pair", 0, SB_OPTION_PAIRS, offsetof(struct options, pairs), "NAME=VALUE", .help = "a pair"},
    {"number", 'n', SB_OPTION_NUMBER, offsetof(struct options, number), "N", .help = "a number",
     .least = 1, .most = 9, .group = "Figures:"},
    {"a-share-with-a-name-too-long", 0, SB_OPTION_SHARE, offsetof(struct options, share), "SHARE",
     .help = "a share"},
    {"choice", 'c', SB_OPTION_CHOICE, offsetof(struct options, choice), "COLOUR",
     .help = "red or green", .choices = choices},
    {0},
};
static const struct sb_command paint = {
    .name = "paint",
    .usage = "[options] FILE",
    .about = "Paints.",
    .notes = "Exit codes: 1.",
    .options = table,
    .defaults = &(const struct options){.number = 3},
    .options_size = sizeof(struct options),
    .operand = "file",
    .files = "*.ini",
    .run = print,
};
static const struct sb_command paint_one = {
    .name = "paint",
    .options = table,
    .options_size = sizeof(struct options),
    .operand = "file",
    .one = true,
    .run = print,
};

static void expect(const char *const *args, int rc, const char *text) {
    command_expect(&paint, args, rc, text);
}

static void options_of_every_type_fill_their_member(void **state) {
    (void)state;
    expect(ARGS("a"), SB_EXIT_NOT_OK, "0 - -- 0 0 3 0 0: a");
    expect(ARGS("a", "-ft", "x", "-2", "p", "q", "-l1", "--list=2", "b", "--pair", "a=", "-n",
                "4.5", "--choice", "green", "--a-share-with-a-name-too-long", "5%", "--", "-f"),
           SB_EXIT_NOT_OK, "1 x pq 2 1 4.5 0.05 1: a b -f");
    expect(ARGS("a", "--te", "x"), SB_EXIT_NOT_OK, "0 x -- 0 0 3 0 0: a");
}

static void what_is_wrong_is_said_and_nothing_is_done(void **state) {
    (void)state;
    static const struct {
        const char *args[4], *text;
    } cases[] = {
        {{"--flog", "a"}, "stratobench paint: unknown option --flog (did you mean --flag?); see "},
        {{"-x", "a"}, "unknown option -x; see"},
        {{"--xyzzyx", "a"}, "unknown option --xyzzyx; see"},
        {{"--\x1b[31m", "a"}, "unknown option --\xef\xbf\xbd[31m"},
        {{"a", "--text"}, "--text needs a value"},
        {{"a", "--text="}, "--text needs a value"},
        {{"a", "-l", ""}, "--list needs a value"},
        {{"a", "--pair", "x"}, "--pair takes NAME=VALUE, not 'x'"},
        {{"a", "--pair", "=x"}, "--pair takes NAME=VALUE, not '=x'"},
        {{"a", "-n", "0.5"}, "'0.5' is no number from 1 to 9 (--number)"},
        {{"a", "-n", "10"}, "'10' is no number"},
        {{"a", "-n", "4x"}, "'4x' is no number"},
        {{"a", "-n", "nan"}, "'nan' is no number"},
        {{"a", "--a-share-with-a-name-too-long=101%"}, "'101%' is no share"},
        {{"a", "--a-share-with-a-name-too-long=5 percent"}, "'5 percent' is no share"},
        {{"a", "--two", "x"}, "--two needs two: A B"},
        {{"a", "-c", "gren"}, "unknown choice 'gren' (did you mean green?)"},
        {{NULL}, "no file given"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(cases[i].args, SB_EXIT_USAGE, cases[i].text);
    command_expect(&paint_one, ARGS("a", "b"), SB_EXIT_USAGE, "more than one file");
}

static void the_help_is_aligned(void **state) {
    (void)state;
    struct sb_buf b = SB_BUF_INIT(MAX_BYTES);
    sb_options_help(&paint, &b);
    assert_string_equal(
        sb_buf_str(&b),
        "usage: stratobench paint [options] FILE\n\nPaints.\n\n"
        "  -f, --flag             a flag\n"
        "  -t, --text TEXT        a text\n"
        "  -2, --two A B          two texts\n"
        "  -l, --list ITEM        one of so many items that the words of its help do not\n"
        "                         fit into one line\n"
        "      --pair NAME=VALUE  a pair\n"
        "Figures:\n"
        "  -n, --number N         a number\n"
        "      --a-share-with-a-name-too-long SHARE\n"
        "                         a share\n"
        "  -c, --choice COLOUR    red or green\n"
        "  -h, --help             show this help\n\nExit codes: 1.\n");
    sb_buf_release(&b);
    expect(ARGS("--help"), SB_EXIT_OK, "usage: stratobench paint [options] FILE\n");
}

static void completion_offers_what_fits(void **state) {
    (void)state;
    static const struct sb_command *const both[] = {&sb_cmd_run, &paint};
    static const struct {
        const char *words[4];
        const char *want;
    } cases[] = {
        {{""}, "run\npaint\n--help\n--version\n"},
        {{"paint", ""}, "*.ini\n"},
        {{"paint", "-c", ""}, "red\ngreen\n"},
        {{"paint", "--choice", "g"}, "red\ngreen\n"},
        {{"paint", "--text", ""}, "*.txt\n"},
        {{"paint", "-n", ""}, ""},
        {{"paint", "-f", ""}, "*.ini\n"},
        {{"paint", "-"},
         "--flag\n--text\n--two\n--list\n--pair\n--number\n"
         "--a-share-with-a-name-too-long\n--choice\n--help\n"},
        {{"draw", ""}, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sb_buf b = SB_BUF_INIT(MAX_BYTES);
        size_t n = 0;
        while (cases[i].words[n])
            n++;
        sb_options_complete(both, 2, (char *const *)cases[i].words, n, &b);
        assert_string_equal(sb_buf_str(&b), cases[i].want);
        sb_buf_release(&b);
    }
}

/* ---- the program's own tables ---------------------------------------------------------------- */

static void check_row(const struct sb_command *c, const struct sb_option *o) {
    if (!o->help || (o->type == SB_OPTION_FLAG) != !o->argument)
        fail_msg("%s --%s: no help, or an argument too many or too few", c->name, o->name);
    for (const struct sb_option *other = o + 1; other->name; other++)
        if (strcmp(other->name, o->name) == 0 || (o->letter && o->letter == other->letter))
            fail_msg("%s: two options --%s, or -%c", c->name, o->name, o->letter);
    if (o->letter == 'h' || (o->type == SB_OPTION_NUMBER && o->least >= o->most))
        fail_msg("%s --%s: -h is the help's, or no number will do", c->name, o->name);
    assert_int_equal(o->type == SB_OPTION_CHOICE, o->choices != NULL);
    for (size_t i = 0; o->choices && o->choices[i]; i++)
        if (!strstr(o->help, o->choices[i]))
            fail_msg("%s --%s: the help does not tell of %s", c->name, o->name, o->choices[i]);
}

static void every_command_has_a_sound_table(void **state) {
    (void)state;
    for (size_t i = 0; i < sb_n_commands; i++) {
        const struct sb_command *c = sb_commands[i];
        for (const struct sb_option *o = c->options; o->name; o++)
            check_row(c, o);
        struct sb_buf help = SB_BUF_INIT(MAX_BYTES);
        sb_options_help(c, &help);
        assert_non_null(strstr(sb_buf_str(&help), "Exit codes: 0 "));
        for (const char *line = sb_buf_str(&help); *line; line += strcspn(line, "\n") + 1) {
            char *text = sb_strndup(line, strcspn(line, "\n"));
            if (sb_text_width(text) > 80)
                fail_msg("%s --help: over 80 columns: %s", c->name, text);
            free(text);
        }
        sb_buf_release(&help);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_of_every_type_fill_their_member),
        cmocka_unit_test(what_is_wrong_is_said_and_nothing_is_done),
        cmocka_unit_test(the_help_is_aligned),
        cmocka_unit_test(completion_offers_what_fits),
        cmocka_unit_test(every_command_has_a_sound_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
