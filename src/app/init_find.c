#include "init_find.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init_files.h"
#include "stratobench/sys.h"

static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value ? value : "";
}

/* ---- servers ------------------------------------------------------------------------------ */

static const struct {
    const char *base; /* the variable that holds the folder it starts from */
    const char *pattern;
} usual[] = {
    {"STRATOBENCH_ROOT", "/opt/*/bin/llama-server"},
    {"STRATOBENCH_ROOT", "/opt/*/llama-server"},
    {"STRATOBENCH_ROOT", "/opt/llama*/build*/bin/llama-server"},
    {"STRATOBENCH_ROOT", "/usr/local/bin/llama-server"},
    {"HOME", "/llama.cpp/build*/bin/llama-server"},
    {"HOME", "/*/llama.cpp/build*/bin/llama-server"},
    {"HOME", "/.local/bin/llama-server"},
};

struct search {
    struct init_found *found;
    struct sb_index seen; /* files by device and inode: a link is no second binary or model */
};

static void ask_server(struct search *s, const char *path) {
    struct stat st;
    if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || access(path, X_OK) < 0 ||
        !init_is_new(&s->seen, &st))
        return;
    struct init_found *f = s->found;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    struct sb_strv command = {0}, env = {0};
    struct sb_llama_build build;
    sb_strv_take(&command, init_absolute(path));
    if (!init_is_plain(path)) {
        sb_strv_take(&f->left_out, sb_asprintf("%s: no config can hold this path", path));
    } else if (sb_llama_probe(&(struct sb_llama_asked){&command, &env, NULL, -1}, &build, &error) <
               0) {
        sb_strv_take(&f->left_out, sb_asprintf("%s: %s", path, sb_buf_str(&error)));
    } else {
        f->servers = sb_grow(f->servers, f->n_servers, sizeof *f->servers);
        f->servers[f->n_servers++] = (struct init_server){sb_strdup(command.item[0]), build};
    }
    sb_strv_release(&command);
    sb_buf_release(&error);
}

static void look_on_path(struct search *s) {
    char *copy = sb_strdup(variable("PATH")), *rest = copy;
    for (char *folder; (folder = strsep(&rest, ":"));) {
        char *path = sb_asprintf("%s/llama-server", *folder ? folder : ".");
        ask_server(s, path);
        free(path);
    }
    free(copy);
    sb_strv_add(&s->found->looked_for_servers, "llama-server on PATH");
}

static void look_in(struct search *s, const char *base, const char *pattern) {
    struct sb_buf b = SB_BUF_INIT(1 << 16);
    for (; *base; base++) /* glob's own letters in the name of a folder stand for themselves */
        sb_buf_addf(&b, "%s%c", strchr("*?[]\\", *base) ? "\\" : "", *base);
    sb_buf_adds(&b, pattern);
    glob_t g;
    if (glob(sb_buf_str(&b), 0, NULL, &g) == 0) {
        for (size_t i = 0; i < g.gl_pathc; i++)
            ask_server(s, g.gl_pathv[i]);
        globfree(&g);
    }
    sb_buf_release(&b);
}

static void find_servers(struct search *s) {
    look_on_path(s);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        bool home = strcmp(usual[i].base, "HOME") == 0;
        if (home && !*variable("HOME"))
            continue;
        look_in(s, variable(usual[i].base), usual[i].pattern);
        sb_strv_take(&s->found->looked_for_servers,
                     sb_asprintf("%s%s", home ? "~" : "", usual[i].pattern));
    }
}

/* A container is named, not started: what runs in one is for its owner to say. */
static void find_containers(struct init_found *f) {
    enum { MAX_OUTPUT_BYTES = 1 << 16, TIMEOUT_S = 5 };
    static const char *const argv[] = {"podman", "ps", "-a", "--format", "{{.Names}} ({{.Image}})",
                                       NULL};
    struct sb_buf out = SB_BUF_INIT(MAX_OUTPUT_BYTES), err = SB_BUF_INIT(MAX_OUTPUT_BYTES),
                  error = SB_BUF_INIT(SB_ERR_MAX);
    struct sb_exit how;
    struct sb_proc_spec spec = {.argv = argv};
    if (sb_proc_capture(&spec, NULL, TIMEOUT_S, -1, &out, &err, &how, &error) == 0 && how.code == 0)
        for (char *rest = out.data, *line; rest && (line = strsep(&rest, "\n"));)
            if (strcasestr(line, "llama") || strcasestr(line, "strix-halo"))
                sb_strv_add(&f->containers, line);
    sb_buf_release(&out);
    sb_buf_release(&err);
    sb_buf_release(&error);
}

/* ---- models ------------------------------------------------------------------------------- */

/* What no completion can be asked of: no layers or no vocabulary (adapters, projectors, imatrix
 * files), or one that embeds. */
static const char *why_no_model(const struct sb_gguf *g) {
    enum { LEAST_CTX = 1024 };
    if (strcasestr(g->architecture, "clip"))
        return "a projector for pictures (mmproj)";
    if (g->n_layers == 0 || g->n_tensors == 0)
        return "no language model";
    if (strcasestr(g->architecture, "bert"))
        return "a model for embeddings";
    if (g->n_ctx_train > 0 && g->n_ctx_train < LEAST_CTX)
        return "made for fewer than 1024 tokens, and the prompt that is built in has about 600";
    return NULL;
}

static void read_model(void *arg, const char *path, const struct stat *st) {
    struct search *s = arg;
    struct init_found *f = s->found;
    const char *name = strrchr(path, '/') + 1, *why = NULL;
    struct sb_gguf g;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    if (init_is_later_shard(name) || !init_is_new(&s->seen, st))
        return;
    if (strcasestr(name, "mmproj"))
        why = "a projector for pictures (mmproj)";
    else if (!init_is_plain(path))
        why = "no config can hold this path";
    if (why) {
        sb_strv_take(&f->left_out, sb_asprintf("%s: %s", path, why));
    } else if (sb_gguf_read(path, &g, &error) != SB_GGUF_OK) {
        sb_strv_add(&f->left_out, sb_buf_str(&error)); /* names the file */
    } else if ((why = why_no_model(&g))) {
        sb_strv_take(&f->left_out, sb_asprintf("%s: %s", path, why));
        sb_gguf_release(&g);
    } else {
        f->models = sb_grow(f->models, f->n_models, sizeof *f->models);
        f->models[f->n_models++] = (struct init_model){sb_strdup(path), g};
    }
    sb_buf_release(&error);
}

static void find_models_in(struct search *s, const char *base, const char *below, int levels) {
    if (!*base)
        return;
    char *path = sb_asprintf("%s%s", base, below), *folder = init_absolute(path);
    init_walk(folder, levels, read_model, s);
    sb_strv_add(&s->found->looked_for_models, folder);
    free(folder);
    free(path);
}

static int by_size(const void *a, const void *b) {
    const struct init_model *x = a, *y = b;
    if (x->gguf.file_bytes != y->gguf.file_bytes)
        return x->gguf.file_bytes < y->gguf.file_bytes ? -1 : 1;
    return strcmp(x->path, y->path);
}

static void find_models(struct search *s, const char *folder) {
    enum { HERE = 3, DEEP = 6 }; /* a home folder is not searched to its bottom unasked */
    if (folder) {
        find_models_in(s, folder, "", DEEP);
    } else {
        find_models_in(s, ".", "", HERE);
        find_models_in(s, variable("MODELS"), "", DEEP);
        find_models_in(s, variable("HOME"), "/models", DEEP);
        find_models_in(s, variable("LLAMA_CACHE"), "", DEEP);
        find_models_in(s, variable("HOME"), "/.cache/llama.cpp", DEEP);
        find_models_in(s, variable("HF_HOME"), "/hub", DEEP);
        find_models_in(s, variable("HOME"), "/.cache/huggingface/hub", DEEP);
        find_models_in(s, variable("HOME"), "/.lmstudio/models", DEEP);
    }
    if (s->found->n_models)
        qsort(s->found->models, s->found->n_models, sizeof *s->found->models, by_size);
}

/* ---- both --------------------------------------------------------------------------------- */

void init_find(const char *folder, struct init_found *ret) {
    *ret = (struct init_found){0};
    struct search s = {.found = ret};
    find_servers(&s);
    find_models(&s, folder);
    find_containers(ret);
    sb_index_release(&s.seen);
}

void init_found_release(struct init_found *f) {
    for (size_t i = 0; i < f->n_servers; i++) {
        free(f->servers[i].path);
        sb_llama_build_release(&f->servers[i].build);
    }
    for (size_t i = 0; i < f->n_models; i++) {
        free(f->models[i].path);
        sb_gguf_release(&f->models[i].gguf);
    }
    free(f->servers);
    free(f->models);
    sb_strv_release(&f->left_out);
    sb_strv_release(&f->containers);
    sb_strv_release(&f->looked_for_servers);
    sb_strv_release(&f->looked_for_models);
    *f = (struct init_found){0};
}
