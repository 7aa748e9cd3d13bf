/* The command table, --help and --version. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "stratobench/base.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"run", sb_cmd_run, "measure every model on every backend and write the document"},
    {"check", sb_cmd_check, "find everything that would go wrong, without launching a model"},
    {"report", sb_cmd_report, "render stored results as Markdown or HTML"},
    {"rank", sb_cmd_rank, "say which backend to default to"},
    {"compare", sb_cmd_compare, "tell a regression from noise, for CI"},
    {"plot", sb_cmd_plot, "draw the results as an SVG chart"},
    {"k8s", sb_cmd_k8s, "print Kubernetes Jobs for the same matrix"},
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void print_help(FILE *out) {
    fputs("stratobench tells you, honestly, which llama.cpp backend to default to on your box.\n\n"
          "usage: stratobench COMMAND [options] FILE...\n\n",
          out);
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
    fputs("\n  stratobench COMMAND --help   the options of a command\n"
          "  stratobench --version        the version\n\n"
          "A first run: stratobench check models.ini && stratobench run models.ini\n",
          out);
}

/* What nobody received is not a success; other ends have said already what is wrong. */
static int run_command(const struct command *c, int argc, char **argv) {
    int rc = c->run(argc, argv);
    if (rc != SB_EXIT_OK || (fflush(stdout) == 0 && !ferror(stdout)))
        return rc;
    fprintf(stderr, "stratobench %s: standard output: %s\n", c->name, strerror(errno));
    return SB_EXIT_USAGE;
}

int main(int argc, char **argv) {
    /* cJSON would leave out what it has no memory for, or call a text broken. */
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = sb_malloc, .free_fn = free});
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name) {
        print_help(stderr);
        return SB_EXIT_USAGE;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(stdout);
        return SB_EXIT_OK;
    }
    if (strcmp(name, "--version") == 0) {
        puts("stratobench " STRATOBENCH_VERSION);
        return SB_EXIT_OK;
    }
    const char *names[N_COMMANDS];
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(name, commands[i].name) == 0)
            return run_command(&commands[i], argc - 1, argv + 1);
        names[i] = commands[i].name;
    }
    const char *near = sb_nearest(name, names, N_COMMANDS);
    fprintf(stderr, "stratobench: unknown %s '%s'", name[0] == '-' ? "option" : "command", name);
    if (near)
        fprintf(stderr, " (did you mean '%s'?)", near);
    fputs("; see stratobench --help\n", stderr);
    return SB_EXIT_USAGE;
}
