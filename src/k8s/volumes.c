#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* A part of the pod that needs a volume and a mount of it. */
struct volume {
    char *name;
    char *source; /* YAML, the line ends included */
    const char *mount;
    bool read_only;
};

struct volumes {
    struct volume *item;
    size_t n;
};

static void add(struct volumes *v, const char *name, char *source, const char *mount,
                bool read_only) {
    v->item = sb_realloc(v->item, v->n + 1, sizeof *v->item);
    v->item[v->n++] = (struct volume){sb_strdup(name), source, mount, read_only};
}

static char *claim(const char *name) {
    struct sb_buf b = SB_BUF_INIT(K8S_TEXT_MAX);
    sb_buf_adds(&b, "          persistentVolumeClaim:\n");
    k8s_put(&b, 12, "claimName", name);
    return sb_buf_detach(&b);
}

/* With its type a node that lacks it is named by the pod's events, and nothing is made there. */
static char *host_path(const char *path, const char *type) {
    struct sb_buf b = SB_BUF_INIT(K8S_TEXT_MAX);
    sb_buf_adds(&b, "          hostPath:\n");
    k8s_put(&b, 12, "path", path);
    sb_buf_addf(&b, "            type: %s\n", type);
    return sb_buf_detach(&b);
}

static char *config_map(const struct k8s_set *s) {
    struct sb_buf b = SB_BUF_INIT(K8S_TEXT_MAX);
    sb_buf_adds(&b, "          configMap:\n");
    k8s_put(&b, 12, "name", s->name);
    sb_buf_adds(&b, "            items:\n");
    for (size_t i = 0; i < s->files.n; i++) {
        sb_buf_addf(&b, "              - key: %s\n", s->files.item[i].key);
        k8s_put(&b, 16, "path", s->files.item[i].path);
    }
    return sb_buf_detach(&b);
}

static char *empty_dir(void) {
    return sb_strdup("          emptyDir: {}\n");
}

/* DRM's devices come as a folder of them. */
static const char *device_type(const char *path) {
    return strcmp(path, "/dev/dri") == 0 ? "Directory" : "CharDevice";
}

static struct volumes list(const struct k8s_set *s, const struct k8s_job *job) {
    const struct sb_k8s_options *o = s->o;
    struct volumes v = {0};
    add(&v, "config", config_map(s), K8S_CONFIG_MOUNT, true);
    add(&v, "results", o->results_claim ? claim(o->results_claim) : empty_dir(), K8S_RESULTS_MOUNT,
        false);
    add(&v, "tmp", empty_dir(), "/tmp", false);
    if (o->models_claim)
        add(&v, "models", claim(o->models_claim), o->models_mount, true);
    else if (o->models_path)
        add(&v, "models", host_path(o->models_path, "Directory"), o->models_mount, true);
    for (size_t i = 0; job->device && i < o->device_paths.n; i++) {
        const char *path = o->device_paths.item[i];
        char *name = sb_asprintf("device-%zu", i + 1);
        add(&v, name, host_path(path, device_type(path)), path, false);
        free(name);
    }
    return v;
}

static void release(struct volumes *v) {
    for (size_t i = 0; i < v->n; i++) {
        free(v->item[i].name);
        free(v->item[i].source);
    }
    free(v->item);
}

void k8s_put_mounts(struct sb_buf *b, const struct k8s_set *s, const struct k8s_job *job) {
    struct volumes v = list(s, job);
    sb_buf_adds(b, "          volumeMounts:\n");
    for (size_t i = 0; i < v.n; i++) {
        sb_buf_addf(b, "            - name: %s\n", v.item[i].name);
        k8s_put(b, 14, "mountPath", v.item[i].mount);
        if (v.item[i].read_only)
            sb_buf_adds(b, "              readOnly: true\n");
    }
    release(&v);
}

void k8s_put_volumes(struct sb_buf *b, const struct k8s_set *s, const struct k8s_job *job) {
    struct volumes v = list(s, job);
    sb_buf_adds(b, "      volumes:\n");
    for (size_t i = 0; i < v.n; i++)
        sb_buf_addf(b, "        - name: %s\n%s", v.item[i].name, v.item[i].source);
    release(&v);
}
