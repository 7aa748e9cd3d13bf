/* Config: INI text -> a validated plan of cells, each value with its file:line.
 *
 * Every problem of the file is found in one pass and reported as "file:line: message", one a
 * line. Nothing outside the file system is touched: no program is started here. Whether a
 * server or a model file exists is the preflight's business (it must not stop the other
 * cells); whether the prompt can be read is checked here, since no cell can do without it.
 *
 * The text: UTF-8 (a BOM is skipped), LF or CRLF. `[bench]`, `[backend ID]`, `[model ID]`, in
 * any order, and `key = value` below them. `#` and `;` begin a comment at the start of a line
 * or after white space, never inside quotes.
 *   - A value is plain text. One that is quoted as a whole ("..." or '...') loses the quotes,
 *     there are no escapes inside; quotes elsewhere are part of the text. In env the part after
 *     NAME= may be quoted so, too.
 *   - args, prompts, backends and depths are lists by shell rules: words separated by blanks,
 *     '...', "...", backslash.
 *   - ${NAME} becomes the environment variable's value, but not in single quotes. It is never
 *     split into words nor read again for quotes, comments or ${}; $NAME is left as it is. */
#ifndef STRATOBENCH_CONFIG_H
#define STRATOBENCH_CONFIG_H

#include "stratobench/base.h"
#include "stratobench/results.h"
#include "stratobench/results_tune.h"

enum { SB_CONFIG_MAX_BYTES = 1 << 20, SB_PROMPT_MAX_BYTES = 16 << 20 };
enum { SB_IMAGE_MAX_BYTES = 16 << 20 };
#define SB_ANSWERS_ON 32

struct sb_prompt { /* what results need not know; the rest of prompts[i] is bench.prompts[i] */
    char *given;   /* as the file names it, ${} replaced; NULL = the one that is built in */
    char *text;
    size_t text_len; /* bytes */
};

struct sb_image { /* a picture, read; path NULL = none */
    char *given;  /* as the file names it, ${} replaced */
    char *path;   /* as opened */
    char *bytes;
    size_t len;
    char sha256[65];
};

struct sb_tune { /* a setting, and the values that are tried of it */
    const struct sb_tunable *what;
    struct sb_strv values; /* two at least */
};
struct sb_tunes {
    struct sb_tune
        *item; /* in the order in which they are tuned, each with what was chosen before */
    size_t n;
    bool off; /* nothing is tuned, whatever [bench] says */
};

struct sb_key_line {
    const char *key; /* static */
    int line;
};

/* Strings that were not given are NULL, numbers 0, unless a default is named here. */
struct sb_backend {
    char *id;    /* from [backend ID]: letters, digits, . _ -; no length limit */
    char *label; /* default: id */
    /* The program and what precedes llama-server's own options: of `server` one word, of `command` its
     * words. The first is a path (relative to the config file) or a name for PATH. */
    struct sb_strv command;
    char *url; /* instead: where it runs already, no slash at its end; then command is empty */
    char *api_key_env;    /* the variable that holds the key of that server; NULL = it wants none */
    char *ca_file;        /* who vouches for it (PEM), resolved; NULL = whom the system believes */
    char *before, *after; /* shell commands around each launch; NULL = none */
    char *device;     /* "Vulkan0"; "none" = CPU only (a `cpu` in the file becomes this); NULL = not
                         stated */
    char *gpu_layers; /* "all", "auto" or a number */
    char *flash_attn; /* "on", "off", "auto" */
    char *mmap;       /* "on", "off" */
    char *cache_type; /* "f16", "q8_0", ...: K and V */
    int ubatch, batch, threads;
    struct sb_tunes tunes; /* its own: see sb_backend_tunes */
    char *spec;  /* speculative decoding: "draft-mtp 3" = type and most tokens drafted at once (the
                    number may be absent); NULL = none, or with `draft` the type draft-simple */
    char *draft; /* the draft model's file, resolved against the config file; NULL = none */
    struct sb_strv args;   /* split by shell quoting rules */
    struct sb_strv env;    /* "NAME=value" */
    char *notes;           /* default "" */
    double bandwidth_gb_s; /* 10^9 bytes a second; default: [bench] bandwidth; 0 = unknown */
    int line;              /* of the section header */
    struct sb_key_line *key_lines; /* of the keys given: see sb_backend_line */
    size_t n_key_lines;
};

struct sb_model {
    char *id;
    char *label; /* default: id; the preflight, which reads the file, may know better */
    char *path;  /* resolved against the config file; NULL = given nowhere, and only servers with a
                    `url` hold it */
    char *name;  /* what servers with a `url` call it; NULL = they have but one */
    char *quantization, *file_size, *total_params, *active_params; /* override what the GGUF says */
    char *mmproj;             /* its eyes: a GGUF file, resolved; NULL = none */
    struct sb_image image;    /* its own picture: see sb_model_image */
    struct sb_strv backends;  /* ids; default: all, in file order */
    char *notes;              /* default "": appended to the backend's notes in this model's rows */
    int line;                 /* of the section header */
    int path_line, name_line; /* 0 = not given */
    int mmproj_line, image_line; /* 0 = not given */
    int label_line;              /* 0 = not given */
    int backends_line;           /* 0 = not given */
};

struct sb_cell_plan { /* one cell, in the order of the matrix: models, then their backends */
    const struct sb_model *model;
    const struct sb_backend *backend;
    int order;     /* its place in the matrix of the whole config, from 0 */
    bool selected; /* to be measured; the others are there for their place in the order */
};

struct sb_config {
    char *file;
    /* n_prompts and n_depths at least 1; defaults in sb_settings. A prompt's file is the path as
     * opened, or "(built in)"; it has a label, what the document prints, and its sha256. */
    struct sb_protocol bench;
    struct sb_prompt *prompts;            /* bench.n_prompts of them */
    char *hardware;                       /* NULL = probed */
    double load_timeout_s, run_timeout_s; /* default 900 */
    int answers; /* positions of the text that are looked at; 0 = none. Default SB_ANSWERS_ON */
    struct sb_image image; /* what models with eyes are shown that name no picture of their own */
    struct sb_tunes tunes; /* what is tuned of backends that say nothing themselves */
    double bandwidth_gb_s;
    bool chart; /* default on */
    struct sb_backend *backends;
    size_t n_backends;
    struct sb_model *models;
    size_t n_models;
    struct sb_cell_plan *cells; /* the whole matrix, pointing into models and backends */
    size_t n_cells, n_selected; /* n_selected at least 1 */
};

/* The picture that a model's prompts hold, or NULL: its own, else that of [bench] where it has
 * eyes. */
const struct sb_image *sb_model_image(const struct sb_config *c, const struct sb_model *m);

/* What is tuned of a backend: its own, else that of [bench], and nothing of one with a `url`. */
const struct sb_tunes *sb_backend_tunes(const struct sb_config *c, const struct sb_backend *b);
size_t sb_tunes_launches(const struct sb_tunes *t); /* a value each */
char *sb_tune_text(const struct sb_tune *t);        /* "ubatch 256 512"; the caller frees */

/* Drops the cells that are neither selected nor in `known` (NULL = none). */
void sb_config_narrow(struct sb_config *c, const struct sb_results *known);
/* The cell of results that this one is, or NULL. */
struct sb_cell *sb_cell_plan_find(const struct sb_cell_plan *p, const struct sb_results *r);

/* Every key: its section, what it takes, its default and what it means, for a screen. */
void sb_config_print_keys(struct sb_buf *ret);

/* Whether a `device` may be a GPU: every one but "none", and not stating one does not rule it out.
 */
bool sb_device_on_gpu(const char *device);

/* The key that says how its server is had: "server", "command", "url". */
const char *sb_backend_source(const struct sb_backend *b);
/* The line of that key of a backend, or of its section where the key is not given. */
int sb_backend_line(const struct sb_backend *b, const char *key);

/* Glob patterns (fnmatch) on id or label; NULL = all. */
struct sb_selection {
    const char *model;
    const char *backend;
};

/* Reads and validates `path`. 0, or -EINVAL with every diagnostic in `errors` (one a line) and
 * *ret released. A selection that matches nothing is an error that lists the ids. */
int sb_config_load(const char *path, const struct sb_selection *sel, struct sb_config *ret,
                   struct sb_buf *errors);
/* The same from text in memory; `path` names it in diagnostics and anchors relative paths. */
int sb_config_parse(const char *path, const char *text, size_t len, const struct sb_selection *sel,
                    struct sb_config *ret, struct sb_buf *errors);
void sb_config_release(struct sb_config *c);
/* The launches to expect of a cell, for an estimate: with auto the three that it mostly takes. */
int sb_config_likely_launches(const struct sb_config *c);

#endif
