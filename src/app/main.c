/* The program: which command, --help and --version. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "stratobench/base.h"

static void print_help(FILE *out) {
    fputs("stratobench tells you, honestly, which llama.cpp backend to default to on your box.\n\n"
          "usage: stratobench COMMAND [options] FILE...\n\n",
          out);
    for (size_t i = 0; i < sb_n_commands; i++)
        fprintf(out, "  %-8s %s\n", sb_commands[i]->name, sb_commands[i]->summary);
    fputs("\n  stratobench COMMAND --help   the options of a command\n"
          "  stratobench --version        the version\n\n"
          "A first run: stratobench init > models.ini && stratobench run models.ini\n",
          out);
}

/* For completion.bash: the words that may stand where the last of those given does. */
static void print_completions(char *const *words, size_t n) {
    struct sb_buf b = SB_BUF_INIT(1 << 20);
    sb_options_complete(sb_commands, sb_n_commands, words, n, &b);
    fputs(sb_buf_str(&b), stdout);
    sb_buf_release(&b);
}

static int unknown(const char *name) {
    const char **names = sb_alloc(sb_n_commands, sizeof *names);
    for (size_t i = 0; i < sb_n_commands; i++)
        names[i] = sb_commands[i]->name;
    const char *near = sb_nearest(name, names, sb_n_commands);
    struct sb_buf clean = SB_BUF_INIT(SB_ERR_MAX);
    sb_buf_add_printable(&clean, name, strlen(name));
    fprintf(stderr, "stratobench: unknown %s '%s'", name[0] == '-' ? "option" : "command",
            sb_buf_str(&clean));
    if (near)
        fprintf(stderr, " (did you mean '%s'?)", near);
    fputs("; see stratobench --help\n", stderr);
    sb_buf_release(&clean);
    free(names);
    return SB_EXIT_USAGE;
}

static int run(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name) {
        print_help(stderr);
        return SB_EXIT_USAGE;
    }
    for (size_t i = 0; i < sb_n_commands; i++)
        if (strcmp(name, sb_commands[i]->name) == 0)
            return sb_command_main(sb_commands[i], argc - 1, argv + 1);
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
        print_help(stdout);
    else if (strcmp(name, "--version") == 0)
        puts("stratobench " STRATOBENCH_VERSION);
    else if (strcmp(name, "--complete") == 0)
        print_completions(argv + 2, (size_t)argc - 2);
    else
        return unknown(name);
    return SB_EXIT_OK;
}

int main(int argc, char **argv) {
    /* cJSON would leave out what it has no memory for, or call a text broken. */
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = sb_malloc, .free_fn = free});
    int rc = run(argc, argv);
    /* What nobody received is not a success; other ends have said already what is wrong. */
    if (rc != SB_EXIT_OK || (fflush(stdout) == 0 && !ferror(stdout)))
        return rc;
    fprintf(stderr, "stratobench: standard output: %s\n", strerror(errno));
    return SB_EXIT_USAGE;
}
