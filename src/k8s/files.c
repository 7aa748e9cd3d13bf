#include "files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_MAP_MAX_BYTES = 1 << 20 };

/* A relative path without "." and "..": so many folders up, and then down. */
struct place {
    size_t up;
    struct sb_strv down;
};

static struct place place_of(const char *path) {
    struct place p = {0};
    while (*path) {
        size_t n = strcspn(path, "/");
        if (n == 2 && strncmp(path, "..", 2) == 0 && p.down.n)
            free(p.down.item[--p.down.n]);
        else if (n == 2 && strncmp(path, "..", 2) == 0)
            p.up++;
        else if (n > 1 || (n == 1 && *path != '.'))
            sb_strv_take(&p.down, sb_strndup(path, n));
        path += n + (path[n] == '/');
    }
    return p;
}

/* So many folders deep; what they are called does not matter. */
static char *path_at(size_t depth, const struct sb_strv *down) {
    struct sb_buf b = SB_BUF_INIT(K8S_TEXT_MAX);
    for (size_t i = 0; i < depth; i++)
        sb_buf_adds(&b, "config/");
    for (size_t i = 0; i < down->n; i++)
        sb_buf_addf(&b, "%s%s", i ? "/" : "", down->item[i]);
    return sb_buf_detach(&b);
}

static size_t text_bytes(const struct k8s_files *f) {
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++)
        n += strlen(f->item[i].text);
    return n;
}

int k8s_files_of(const struct sb_config *config, const char *ini, struct k8s_files *ret,
                 struct sb_buf *error) {
    struct place *places = sb_alloc(config->bench.n_prompts, sizeof *places);
    size_t depth = 0;
    size_t n_prompts = config->prompts[0].given ? config->bench.n_prompts : 0; /* else it is built in */
    int rc = 0;
    for (size_t i = 0; i < n_prompts; i++) {
        const char *given = config->prompts[i].given;
        if (given[0] == '/') {
            sb_buf_addf(error,
                        "%s: the prompt %s does not travel with the config: name it by a path "
                        "relative to the config\n",
                        config->file, given);
            rc = -EINVAL;
        }
        places[i] = place_of(given);
        depth = places[i].up > depth ? places[i].up : depth;
    }
    struct sb_strv down = {0};
    sb_strv_add(&down, "models.ini");
    struct k8s_files f = {sb_alloc(1 + config->bench.n_prompts, sizeof *f.item), 0};
    f.item[f.n++] = (struct k8s_file){sb_strdup("models.ini"), path_at(depth, &down), ini};
    for (size_t i = 0; i < n_prompts; i++) {
        f.item[f.n++] = (struct k8s_file){sb_asprintf("prompt-%zu.txt", i + 1),
                                          path_at(depth - places[i].up, &places[i].down),
                                          config->prompts[i].text};
        sb_strv_release(&places[i].down);
    }
    if (text_bytes(&f) > CONFIG_MAP_MAX_BYTES) {
        sb_buf_addf(error, "%s: with its prompts it is %zu bytes, and a ConfigMap holds %d\n",
                    config->file, text_bytes(&f), CONFIG_MAP_MAX_BYTES);
        rc = -EINVAL;
    }
    sb_strv_release(&down);
    free(places);
    *ret = f;
    return rc;
}

void k8s_files_release(struct k8s_files *f) {
    for (size_t i = 0; i < f->n; i++) {
        free(f->item[i].key);
        free(f->item[i].path);
    }
    free(f->item);
    *f = (struct k8s_files){0};
}

void k8s_variables_of(const char *ini, struct sb_strv *ret) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    for (const char *s = ini; (s = strstr(s, "${")); s += 2) {
        size_t n = strspn(s + 2, letters);
        char *name = sb_strndup(s + 2, n);
        if (n && s[2 + n] == '}' && getenv(name) && !sb_strv_has(ret, name))
            sb_strv_add(ret, name);
        free(name);
    }
}
