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

/* A file that the config names by a path. */
struct named {
    const char *what, *given; /* "prompt" */
    struct k8s_file file;     /* its path not yet known */
};

struct named_list {
    struct named *item;
    size_t n;
};

static void add_named(struct named_list *v, struct named one) {
    for (size_t i = 0; i < v->n; i++) /* two models may be shown one picture */
        if (one.file.bytes && strcmp(v->item[i].given, one.given) == 0) {
            free(one.file.key);
            return;
        }
    v->item = sb_grow(v->item, v->n, sizeof *v->item);
    v->item[v->n++] = one;
}

static struct named_list named_of(const struct sb_config *c) {
    struct named_list v = {0};
    for (size_t i = 0; i < c->bench.n_prompts; i++) {
        const struct sb_prompt *p = &c->prompts[i];
        if (p->given) /* else it is built in */
            add_named(&v, (struct named){"prompt",
                                         p->given,
                                         {.key = sb_asprintf("prompt-%zu.txt", i + 1),
                                          .text = p->text,
                                          .len = strlen(p->text)}});
    }
    for (size_t i = 0; i < c->n_models; i++) {
        const struct sb_image *image = sb_model_image(c, &c->models[i]);
        if (image)
            add_named(&v, (struct named){"image",
                                         image->given,
                                         {.key = sb_asprintf("image-%zu", i + 1),
                                          .bytes = image->bytes,
                                          .len = image->len}});
    }
    return v;
}

static int check_size(const struct sb_config *config, const struct k8s_files *f,
                      struct sb_buf *error) {
    size_t bytes = 0;
    for (size_t i = 0; i < f->n; i++)
        bytes += f->item[i].bytes ? (f->item[i].len + 2) / 3 * 4 : f->item[i].len;
    if (bytes <= CONFIG_MAP_MAX_BYTES)
        return 0;
    sb_buf_addf(error,
                "%s: with its prompts and pictures it is %zu bytes, and a ConfigMap holds %d\n",
                config->file, bytes, CONFIG_MAP_MAX_BYTES);
    return -EINVAL;
}

int k8s_files_of(const struct sb_config *config, const char *ini, struct k8s_files *ret,
                 struct sb_buf *error) {
    struct named_list named = named_of(config);
    struct place *places = sb_alloc(named.n, sizeof *places);
    size_t depth = 0;
    int rc = 0;
    for (size_t i = 0; i < named.n; i++) {
        const char *given = named.item[i].given;
        if (given[0] == '/') {
            sb_buf_addf(error,
                        "%s: the %s %s does not travel with the config: name it by a path "
                        "relative to the config\n",
                        config->file, named.item[i].what, given);
            rc = -EINVAL;
        }
        places[i] = place_of(given);
        depth = places[i].up > depth ? places[i].up : depth;
    }
    struct sb_strv down = {0};
    sb_strv_add(&down, "models.ini");
    struct k8s_files f = {sb_alloc(1 + named.n, sizeof *f.item), 0};
    f.item[f.n++] = (struct k8s_file){.key = sb_strdup("models.ini"),
                                      .path = path_at(depth, &down),
                                      .text = ini,
                                      .len = strlen(ini)};
    for (size_t i = 0; i < named.n; i++) {
        f.item[f.n] = named.item[i].file;
        f.item[f.n++].path = path_at(depth - places[i].up, &places[i].down);
        sb_strv_release(&places[i].down);
    }
    if (check_size(config, &f, error) < 0)
        rc = -EINVAL;
    sb_strv_release(&down);
    free(named.item);
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
