/* stratobench init: a config for what this machine has. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "cmd.h"
#include "init_write.h"
#include "plan_print.h"
#include "stratobench/bench.h"
#include "stratobench/text.h"

struct options {
    const char *output;
};

/* ---- what does not fit -------------------------------------------------------------------- */

/* Asks the preflight, as `check` will, and notes in the plan what would not run. The number of
 * cells that would, or -1 with a line on stderr. */
static int refuse_what_fails(struct init_plan *p, const char *name) {
    struct sb_buf text = SB_BUF_INIT(SB_CONFIG_MAX_BYTES), errors = SB_BUF_INIT(SB_ERR_MAX);
    struct sb_config config;
    init_write(p, name, &text);
    int good = 0, rc = sb_config_parse(name, sb_buf_str(&text), text.len, NULL, &config, &errors);
    if (rc < 0) {
        sb_print_indented(stderr, sb_buf_str(&errors), 0);
    } else {
        struct sb_preflight_options options = {.signal_fd = -1};
        struct sb_preflight preflight;
        sb_preflight(&config, &options, &preflight);
        for (size_t i = 0; i < preflight.n_cells; i++) {
            const struct sb_preflight_cell *c = &preflight.cells[i];
            size_t model = (size_t)(c->plan->model - config.models);
            size_t backend = (size_t)(c->plan->backend - config.backends);
            p->models[model].refused[backend] = c->n_faults ? sb_strdup(c->faults[0].reason) : NULL;
            good += c->n_faults == 0;
        }
        sb_preflight_release(&preflight);
        sb_config_release(&config);
    }
    sb_buf_release(&text);
    sb_buf_release(&errors);
    return rc < 0 ? -1 : good;
}

/* ---- what is said ------------------------------------------------------------------------- */

static void print_list(const char *what, const struct sb_strv *list) {
    if (list->n)
        fprintf(stderr, "%s\n", what);
    for (size_t i = 0; i < list->n; i++) {
        struct sb_buf clean = SB_BUF_INIT(4096);
        sb_buf_add_printable(&clean, list->item[i], strlen(list->item[i]));
        fprintf(stderr, "  %s\n", sb_buf_str(&clean));
        sb_buf_release(&clean);
    }
}

static int nothing_found(const struct init_found *f) {
    if (f->n_servers == 0) {
        print_list("stratobench init: no llama-server found; looked for", &f->looked_for_servers);
        fputs("put the folder of one on PATH and try again\n", stderr);
    }
    if (f->n_models == 0) {
        print_list("stratobench init: no model found; looked for *.gguf below",
                   &f->looked_for_models);
        fputs("name the folder that holds them: stratobench init DIR\n", stderr);
    }
    print_list("found, but left out:", &f->left_out);
    print_list("containers that may hold a llama-server, not asked:", &f->containers);
    return SB_EXIT_USAGE;
}

static int nothing_fits(const struct init_plan *p) {
    fputs("stratobench init: no model can run on any backend here:\n", stderr);
    for (size_t i = 0; i < p->n_models; i++)
        for (size_t k = 0; k < p->n_backends; k++)
            fprintf(stderr, "  %s on %s: %s\n", p->models[i].id, p->backends[k].id,
                    p->models[i].refused[k]);
    return SB_EXIT_USAGE;
}

static void print_summary(const struct init_plan *p, int cells, const char *name) {
    const struct init_found *f = p->found;
    fprintf(stderr, "found: %zu llama-server%s, %zu backend%s, %zu model%s: %d cell%s\n",
            f->n_servers, f->n_servers == 1 ? "" : "s", p->n_backends,
            p->n_backends == 1 ? "" : "s", p->n_models, p->n_models == 1 ? "" : "s", cells,
            cells == 1 ? "" : "s");
    size_t dropped = f->left_out.n + p->n_backends * p->n_models - (size_t)cells;
    if (dropped)
        fputs("what was left out stands in the comments, with its reason\n", stderr);
    struct sb_buf next = SB_BUF_INIT(SB_ERR_MAX);
    sb_buf_adds(&next, "next:  stratobench check ");
    sb_shell_quote(&next, name);
    sb_print_indented(stderr, sb_buf_str(&next), 0);
    sb_buf_release(&next);
}

/* ---- the command -------------------------------------------------------------------------- */

/* A regular file that is there already is somebody's work; a device or a pipe is written to. */
static bool is_taken(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static int taken(const char *path) {
    return sb_cli_usage_error("init", "%s is there already and is not overwritten", path);
}

static int write_new(const char *path, const struct sb_buf *text) {
    bool is_new = access(path, F_OK) < 0;
    int fd = open(path, O_WRONLY | O_CLOEXEC | (is_new ? O_CREAT | O_EXCL : 0), 0666);
    if (fd < 0 && errno == EEXIST)
        return taken(path);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    bool written = out && fwrite(sb_buf_str(text), 1, text->len, out) == text->len;
    written = out && fclose(out) == 0 && written;
    if (written)
        return SB_EXIT_OK;
    char *message = sb_asprintf("%s: %s", path, strerror(errno));
    sb_cli_fail("init", message);
    free(message);
    if (out && is_new)
        unlink(path);
    return SB_EXIT_USAGE;
}

static int write_config(struct init_plan *p, const char *output) {
    const char *name = output ? output : "models.ini";
    int cells = refuse_what_fails(p, name);
    if (cells < 0)
        return SB_EXIT_USAGE;
    if (cells == 0)
        return nothing_fits(p);
    struct sb_buf text = SB_BUF_INIT(SB_CONFIG_MAX_BYTES);
    init_write(p, name, &text);
    int rc = output ? write_new(output, &text) : sb_cli_print("init", &text);
    sb_buf_release(&text);
    if (rc == SB_EXIT_OK)
        print_summary(p, cells, name);
    return rc;
}

static int init(const char *folder, const char *output) {
    struct stat st;
    if (folder && (stat(folder, &st) < 0 || !S_ISDIR(st.st_mode)))
        return sb_cli_usage_error("init", "%s is no folder", folder);
    if (output && is_taken(output))
        return taken(output);
    struct init_found found;
    struct init_plan plan;
    init_find(folder, &found);
    int rc;
    if (found.n_servers == 0 || found.n_models == 0) {
        rc = nothing_found(&found);
    } else {
        init_plan_make(&found, (const char *const *)environ, &plan);
        rc = write_config(&plan, output);
        init_plan_release(&plan);
    }
    init_found_release(&found);
    return rc;
}

static int run(const void *options, const struct sb_operands *folders) {
    const struct options *o = options;
    bool to_file = o->output && strcmp(o->output, "-") != 0;
    return init(folders->n ? folders->item[0] : NULL, to_file ? o->output : NULL);
}

static const struct sb_option table[] = {
    {"output", 'o', SB_OPTION_TEXT, offsetof(struct options, output), "FILE",
     .help = "write to FILE, which must not be there yet, not to standard output",
     .files = "*.ini"},
    {0},
};

const struct sb_command sb_cmd_init = {
    .name = "init",
    .usage = "[options] [DIR] > MODELS.ini",
    .summary = "write a config for what this machine has",
    .about = "Writes a config for what this machine has, asking nothing: every llama-server on "
             "PATH, in /opt, /usr/local and ~/llama.cpp/build*, each of their devices, and the "
             "GGUF files below DIR (default: the current folder, $MODELS, ~/models and the caches "
             "of llama.cpp, Hugging Face and LM Studio). What cannot run here is left out, with "
             "its reason in a comment.",
    .notes = "Exit codes: 0 written; 2 bad usage, or no server or no model was found (with where "
             "it was looked for).",
    .options = table,
    .options_size = sizeof(struct options),
    .operand = "folder",
    .one = true,
    .none = true,
    .files = "*/",
    .run = run,
};
