/* Ids and labels for what was found. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "init_files.h"
#include "init_write.h"

enum { DEFAULT_CTX = 8192, LABEL_MAX_BYTES = 120, ID_MAX_BYTES = 60 };

/* ---- words -------------------------------------------------------------------------------- */

/* What an id may hold of `text`: small letters and digits, what else there is becomes one '-'. */
static char *slug(const char *text, size_t len) {
    struct sb_buf b = SB_BUF_INIT(ID_MAX_BYTES);
    for (size_t i = 0; i < len; i++) {
        char c = (char)tolower((unsigned char)text[i]);
        bool keeps = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
        if (keeps && !(c == '.' && b.len == 0))
            sb_buf_add(&b, &c, 1);
        else if (b.len && b.data[b.len - 1] != '-')
            sb_buf_adds(&b, "-");
    }
    while (b.len && b.data[b.len - 1] == '-')
        b.data[--b.len] = '\0';
    if (b.len == 0)
        sb_buf_adds(&b, "x");
    return sb_buf_detach(&b);
}

/* Takes `word`; with a number behind it if it is taken. */
static char *unique(struct sb_index *taken, char *word, const char *separator) {
    for (int n = 2; sb_index_find(taken, word) != SB_INDEX_NONE; n++) {
        size_t len = strlen(word) - (n > 2 ? strlen(strrchr(word, *separator)) : 0);
        char *next = sb_asprintf("%.*s%s%d", (int)len, word, separator, n);
        free(word);
        word = next;
    }
    sb_index_add(taken, word);
    return word;
}

static void cut(char *text, const char *word) {
    for (char *at; (at = strcasestr(text, word));)
        memmove(at, at + strlen(word), strlen(at + strlen(word)) + 1);
}

/* "AMD Radeon(TM) 8060S Graphics (RADV GFX1151)" -> "Radeon 8060S" */
static char *short_name(const char *description) {
    const char *parenthesis = strstr(description, " (");
    char *name = sb_strndup(description, parenthesis ? (size_t)(parenthesis - description)
                                                     : strlen(description));
    cut(name, "(TM)");
    cut(name, "(R)");
    if (strncmp(name, "AMD Radeon", 10) == 0)
        cut(name, "AMD ");
    if (strpbrk(name, "0123456789"))
        cut(name, " Graphics");
    return name;
}

/* "b11669", or NULL: the number in "0.7.0 (build 11669, commit Debian)" and "6040 (66625a59)". */
static char *build_number(const char *version) {
    const char *build = version ? strstr(version, "build ") : NULL;
    const char *digits = build ? build + strlen("build ") : version;
    size_t n = digits ? strspn(digits, "0123456789") : 0;
    return n > 1 ? sb_asprintf("b%.*s", (int)n, digits) : NULL;
}

/* What tells a build's folder from another's: "llama-rocm" of /opt/llama-rocm/bin/llama-server. */
static char *folder_name(const char *path) {
    static const char *const dull[] = {"bin", "build", "local", "usr"};
    char *copy = sb_strdup(path), *slash, *name = copy;
    while ((slash = strrchr(copy, '/'))) {
        *slash = '\0';
        name = strrchr(copy, '/') ? strrchr(copy, '/') + 1 : copy;
        bool says_nothing = false;
        for (size_t i = 0; i < sizeof dull / sizeof *dull; i++)
            says_nothing |= strcmp(name, dull[i]) == 0;
        if (!says_nothing)
            break;
    }
    char *ret = sb_strdup(*name ? name : "llama-server");
    free(copy);
    return ret;
}

/* ---- backends ----------------------------------------------------------------------------- */

/* What it computes with, less what is common to all of its kind: "Vulkan", or "Vulkan1" where the
 * same build has another such device. */
static char *kind_of(const struct init_backend *b) {
    if (!b->device)
        return b->unknown ? folder_name(b->server->path) : sb_strdup("CPU");
    const struct sb_llama_build *build = &b->server->build;
    const char *name = b->device->name;
    size_t letters = strcspn(name, "0123456789"), alike = 0;
    for (size_t i = 0; i < build->n_devices; i++)
        alike += strncmp(build->devices[i].name, name, letters) == 0 &&
                 strcspn(build->devices[i].name, "0123456789") == letters;
    return sb_strndup(name, alike > 1 || letters == 0 ? strlen(name) : letters);
}

/* The servers that differ in nothing a reader sees are told apart by build, else by folder. */
static char *which_server(const struct init_plan *p, const struct init_backend *b,
                          const char *kind) {
    char *own = build_number(b->server->build.version);
    bool needed = false, by_build = own != NULL;
    for (size_t i = 0; i < p->n_backends; i++) {
        const struct init_backend *o = &p->backends[i];
        char *theirs = kind_of(o), *number = build_number(o->server->build.version);
        if (o->server != b->server && strcmp(theirs, kind) == 0) {
            needed = true;
            by_build &= number && strcmp(number, own) != 0;
        }
        free(theirs);
        free(number);
    }
    if (needed && by_build)
        return own;
    free(own);
    return needed ? folder_name(b->server->path) : NULL;
}

static void name_backends(struct init_plan *p) {
    struct sb_index ids = {0}, labels = {0};
    for (size_t i = 0; i < p->n_backends; i++) {
        struct init_backend *b = &p->backends[i];
        char *kind = kind_of(b), *server = which_server(p, b, kind);
        char *device = b->device ? short_name(b->device->description) : sb_strdup("");
        char *id = sb_asprintf("%s%s%s", kind, server ? "-" : "", server ? server : "");
        struct sb_buf label = SB_BUF_INIT(LABEL_MAX_BYTES);
        sb_buf_addf(&label, *device ? "%s (%s)" : "%s", kind, device);
        if (server)
            sb_buf_addf(&label, ", %s", server);
        b->id = unique(&ids, slug(id, strlen(id)), "-");
        b->label =
            unique(&labels,
                   sb_strdup(init_is_plain(sb_buf_str(&label)) ? sb_buf_str(&label) : b->id), " ");
        sb_buf_release(&label);
        free(kind);
        free(server);
        free(device);
        free(id);
    }
    sb_index_release(&ids);
    sb_index_release(&labels);
}

static void add_backend(struct init_plan *p, const struct init_server *s,
                        const struct sb_llama_device *device) {
    p->backends = sb_grow(p->backends, p->n_backends, sizeof *p->backends);
    p->backends[p->n_backends++] = (struct init_backend){
        .server = s, .device = device, .unknown = !device && !s->build.devices_known};
}

/* One for each device of each build that has memory of its own (BLAS has none). Of the builds that
 * list no such device each is a CPU backend; without any of these the first build is. */
static void make_backends(struct init_plan *p) {
    const struct init_found *f = p->found;
    bool have_cpu = false;
    for (size_t i = 0; i < f->n_servers; i++)
        for (size_t k = 0; k < f->servers[i].build.n_devices; k++)
            if (f->servers[i].build.devices[k].total_mib > 0)
                add_backend(p, &f->servers[i], &f->servers[i].build.devices[k]);
    for (size_t i = 0; i < f->n_servers; i++) {
        bool any = false;
        for (size_t k = 0; k < p->n_backends; k++)
            any |= p->backends[k].device && p->backends[k].server == &f->servers[i];
        if (any)
            continue;
        add_backend(p, &f->servers[i], NULL);
        have_cpu |= !p->backends[p->n_backends - 1].unknown;
    }
    for (size_t i = 0; i < f->n_servers && !have_cpu; i++)
        if (f->servers[i].build.devices_known) {
            add_backend(p, &f->servers[i], NULL);
            have_cpu = true;
        }
}

/* ---- models ------------------------------------------------------------------------------- */

/* "Llama 3.3 70B Instruct Q8_0": the name in the file and the quantization, unless it is in the
 * name. The caller frees. */
static char *model_label(const struct init_model *m, const char *id) {
    const struct sb_gguf *g = &m->gguf;
    if (!g->name || !*g->name || strlen(g->name) > LABEL_MAX_BYTES || !init_is_plain(g->name))
        return sb_strdup(id);
    bool named = strcasestr(g->name, g->quantization) != NULL;
    return sb_asprintf("%s%s%s", g->name, named ? "" : " ", named ? "" : g->quantization);
}

static void make_models(struct init_plan *p) {
    const struct init_found *f = p->found;
    struct sb_index ids = {0}, labels = {0};
    p->n_models = f->n_models;
    p->models = sb_alloc(f->n_models, sizeof *p->models);
    for (size_t i = 0; i < f->n_models; i++) {
        const struct init_model *m = &f->models[i];
        struct init_entry *e = &p->models[i];
        const char *name = strrchr(m->path, '/') + 1;
        e->model = m;
        e->id = unique(&ids, slug(name, init_stem_length(name)), "-");
        e->label = model_label(m, e->id);
        if (sb_index_find(&labels, e->label) != SB_INDEX_NONE) {
            free(e->label);
            e->label = sb_strdup(e->id);
        }
        e->label = unique(&labels, e->label, " ");
        e->refused = sb_alloc(p->n_backends, sizeof *e->refused);
        if (m->gguf.n_ctx_train > 0 &&
            m->gguf.n_ctx_train < (uint32_t)(p->ctx ? p->ctx : DEFAULT_CTX))
            p->ctx = (int)m->gguf.n_ctx_train;
    }
    sb_index_release(&ids);
    sb_index_release(&labels);
}

/* ---- the whole ---------------------------------------------------------------------------- */

/* Without these the servers would not see the devices that were found. */
static void keep_variables(struct init_plan *p, const char *const *envp) {
    static const char *const names[] = {
        "GGML_VK_VISIBLE_DEVICES=", "VK_DRIVER_FILES=",      "VK_ICD_FILENAMES=",
        "HIP_VISIBLE_DEVICES=",     "ROCR_VISIBLE_DEVICES=", "HSA_OVERRIDE_GFX_VERSION=",
        "CUDA_VISIBLE_DEVICES="};
    for (; envp && *envp; envp++)
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (strncmp(*envp, names[i], strlen(names[i])) == 0 && init_is_plain(*envp))
                sb_strv_add(&p->env, *envp);
}

void init_plan_make(const struct init_found *found, const char *const *envp,
                    struct init_plan *ret) {
    *ret = (struct init_plan){.found = found};
    make_backends(ret);
    name_backends(ret);
    make_models(ret);
    keep_variables(ret, envp);
}

void init_plan_release(struct init_plan *p) {
    for (size_t i = 0; i < p->n_models; i++) {
        for (size_t k = 0; k < p->n_backends; k++)
            free(p->models[i].refused[k]);
        free(p->models[i].refused);
        free(p->models[i].id);
        free(p->models[i].label);
    }
    for (size_t i = 0; i < p->n_backends; i++) {
        free(p->backends[i].id);
        free(p->backends[i].label);
    }
    free(p->models);
    free(p->backends);
    sb_strv_release(&p->env);
    *p = (struct init_plan){0};
}
