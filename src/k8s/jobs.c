#include "stratobench/k8s.h"

#include <ctype.h>
#include <errno.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "yaml.h"

#define RESULTS_MOUNT "/results"

/* What is the same for every Job of a set of manifests. */
struct manifests {
    const struct sb_k8s_options *o;
    struct k8s_files files;
    struct sb_strv env;
};

static void put(struct sb_buf *b, int indent, const char *key, const char *value) {
    sb_buf_addf(b, "%*s%s: ", indent, "", key);
    yaml_add_string(b, value);
    sb_buf_adds(b, "\n");
}

/* "NAME=VALUE" pairs as a mapping under `key`, or nothing. */
static void put_pairs(struct sb_buf *b, int indent, const char *key, const struct sb_strv *pairs) {
    if (pairs->n)
        sb_buf_addf(b, "%*s%s:\n", indent, "", key);
    for (size_t i = 0; i < pairs->n; i++) {
        const char *value = strchr(pairs->item[i], '=');
        char *name = sb_strndup(pairs->item[i], (size_t)(value - pairs->item[i]));
        sb_buf_addf(b, "%*s", indent + 2, "");
        yaml_add_string(b, name);
        sb_buf_adds(b, ": ");
        yaml_add_string(b, value + 1);
        sb_buf_adds(b, "\n");
        free(name);
    }
}

static void put_metadata(struct sb_buf *b, const struct manifests *m, const char *name) {
    sb_buf_adds(b, "metadata:\n");
    put(b, 2, "name", name);
    if (m->o->space)
        put(b, 2, "namespace", m->o->space);
    sb_buf_adds(b, "  labels:\n    app.kubernetes.io/name: stratobench\n");
    put(b, 4, "app.kubernetes.io/instance", m->o->name);
}

/* ---- names ---------------------------------------------------------------------------------- */

enum { NAME_MAX_CHARS = 63, HASH_CHARS = 8 };

/* Lower case letters, digits and single dashes between them. */
static char *dns_text(const char *text) {
    char *name = sb_strdup(text);
    size_t n = 0;
    for (const char *s = text; *s; s++) {
        if (isalnum((unsigned char)*s))
            name[n++] = (char)tolower((unsigned char)*s);
        else if (n > 0 && name[n - 1] != '-')
            name[n++] = '-';
    }
    while (n > 0 && name[n - 1] == '-')
        n--;
    name[n] = '\0';
    return name;
}

/* Cut where it is too long, and told apart by a hash of what it stands for. */
static char *hashed(const char *name, const char *of) {
    char hex[SHA256_DIGEST_STRING_LENGTH];
    SHA256Data((const uint8_t *)of, strlen(of), hex);
    return sb_asprintf("%.*s-%.*s", NAME_MAX_CHARS - HASH_CHARS - 1, name, HASH_CHARS, hex);
}

char *sb_k8s_name(const char *text) {
    char *name = dns_text(text);
    char *ret = *name == '\0'                   ? sb_strdup("stratobench")
                : strlen(name) > NAME_MAX_CHARS ? hashed(name, text)
                                                : sb_strdup(name);
    free(name);
    return ret;
}

static char *whole_name(const char *prefix, const char *model, const char *backend) {
    return sb_asprintf("%s/%s/%s", prefix, model, backend);
}

/* All cells of the config, also those not selected: a cell has one name, whatever is chosen. */
static struct sb_strv plain_names(const struct sb_config *config, const char *prefix) {
    struct sb_strv plain = {0};
    for (size_t i = 0; i < config->n_models; i++)
        for (size_t k = 0; k < config->models[i].backends.n; k++) {
            char *whole =
                whole_name(prefix, config->models[i].id, config->models[i].backends.item[k]);
            sb_strv_take(&plain, dns_text(whole));
            free(whole);
        }
    return plain;
}

static size_t count_of(const struct sb_strv *v, const char *s) {
    size_t n = 0;
    for (size_t i = 0; i < v->n; i++)
        n += strcmp(v->item[i], s) == 0;
    return n;
}

void sb_k8s_job_names(const struct sb_config *config, const char *prefix, struct sb_strv *ret) {
    struct sb_strv all = plain_names(config, prefix);
    for (size_t i = 0; i < config->n_cells; i++) {
        const struct sb_cell_plan *c = &config->cells[i];
        char *whole = whole_name(prefix, c->model->id, c->backend->id), *plain = dns_text(whole);
        bool unfit = strlen(plain) > NAME_MAX_CHARS || count_of(&all, plain) > 1;
        sb_strv_take(ret, unfit ? hashed(plain, whole) : sb_strdup(plain));
        free(whole);
        free(plain);
    }
    sb_strv_release(&all);
}

/* ---- volumes -------------------------------------------------------------------------------- */

/* A part of the pod that needs a volume and a mount of it. */
struct volume {
    char *name;
    char *source; /* YAML, the line ends included */
    const char *mount;
    bool read_only;
};

static char *source_of(const char *kind, const char *key, const char *value) {
    struct sb_buf b = SB_BUF_INIT(K8S_TEXT_MAX);
    sb_buf_addf(&b, "          %s:\n", kind);
    put(&b, 12, key, value);
    return sb_buf_detach(&b);
}

static char *config_source(const struct manifests *m) {
    char *name = source_of("configMap", "name", m->o->name);
    struct sb_buf b = SB_BUF_INIT(K8S_TEXT_MAX);
    sb_buf_addf(&b, "%s            items:\n", name);
    for (size_t i = 0; i < m->files.n; i++) {
        sb_buf_addf(&b, "              - key: %s\n", m->files.item[i].key);
        put(&b, 16, "path", m->files.item[i].path);
    }
    free(name);
    return sb_buf_detach(&b);
}

/* Returns how many; `v` has room for four and the devices. */
static size_t list_volumes(const struct manifests *m, const struct sb_cell_plan *c,
                           struct volume *v) {
    const struct sb_k8s_options *o = m->o;
    size_t n = 0;
    v[n++] = (struct volume){sb_strdup("config"), config_source(m), K8S_CONFIG_MOUNT, true};
    v[n++] = (struct volume){sb_strdup("results"),
                             source_of("persistentVolumeClaim", "claimName", o->results_claim),
                             RESULTS_MOUNT, false};
    v[n++] =
        (struct volume){sb_strdup("tmp"), sb_strdup("          emptyDir: {}\n"), "/tmp", false};
    if (o->models_claim)
        v[n++] = (struct volume){sb_strdup("models"),
                                 source_of("persistentVolumeClaim", "claimName", o->models_claim),
                                 o->models_mount, true};
    else if (o->models_path)
        v[n++] = (struct volume){sb_strdup("models"), source_of("hostPath", "path", o->models_path),
                                 o->models_mount, true};
    for (size_t i = 0; sb_device_on_gpu(c->backend->device) && i < o->device_paths.n; i++)
        v[n++] = (struct volume){sb_asprintf("device-%zu", i + 1),
                                 source_of("hostPath", "path", o->device_paths.item[i]),
                                 o->device_paths.item[i], false};
    return n;
}

static void put_mounts(struct sb_buf *b, const struct volume *v, size_t n) {
    sb_buf_adds(b, "          volumeMounts:\n");
    for (size_t i = 0; i < n; i++) {
        sb_buf_addf(b, "            - name: %s\n", v[i].name);
        put(b, 14, "mountPath", v[i].mount);
        if (v[i].read_only)
            sb_buf_adds(b, "              readOnly: true\n");
    }
}

static void put_volumes(struct sb_buf *b, const struct volume *v, size_t n) {
    sb_buf_adds(b, "      volumes:\n");
    for (size_t i = 0; i < n; i++)
        sb_buf_addf(b, "        - name: %s\n%s", v[i].name, v[i].source);
}

/* ---- a Job ---------------------------------------------------------------------------------- */

static void put_spec(struct sb_buf *b, const struct manifests *m) {
    sb_buf_addf(b,
                "spec:\n"
                "  completions: 1\n"
                "  parallelism: 1\n"
                "  backoffLimit: 0\n"
                "  ttlSecondsAfterFinished: %d\n"
                "  template:\n"
                "    metadata:\n"
                "      labels:\n"
                "        app.kubernetes.io/name: stratobench\n",
                m->o->ttl_s);
    put(b, 8, "app.kubernetes.io/instance", m->o->name);
    sb_buf_adds(b, "    spec:\n"
                   "      restartPolicy: Never\n"
                   "      automountServiceAccountToken: false\n"
                   "      enableServiceLinks: false\n"
                   "      terminationGracePeriodSeconds: 60\n");
    put_pairs(b, 6, "nodeSelector", &m->o->node_selector);
    sb_buf_adds(b, "      affinity:\n"
                   "        podAntiAffinity:  # one benchmark on a node at a time\n"
                   "          requiredDuringSchedulingIgnoredDuringExecution:\n"
                   "            - topologyKey: kubernetes.io/hostname\n"
                   "              namespaceSelector: {}\n"
                   "              labelSelector:\n"
                   "                matchLabels:\n"
                   "                  app.kubernetes.io/name: stratobench\n"
                   "      securityContext:\n"
                   "        seccompProfile:\n"
                   "          type: RuntimeDefault\n");
}

static void put_command(struct sb_buf *b, const struct manifests *m, const struct sb_cell_plan *c,
                        const char *name) {
    char *config = sb_asprintf(K8S_CONFIG_MOUNT "/%s", m->files.item[0].path);
    char *stem = sb_asprintf(RESULTS_MOUNT "/%s", name);
    const char *const words[] = {"run",          config, "--model", c->model->id, "--backend",
                                 c->backend->id, "-o",   stem,      "--resume"};
    sb_buf_adds(b, "          command: [stratobench]\n          args:\n");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        sb_buf_adds(b, "            - ");
        yaml_add_string(b, words[i]);
        sb_buf_adds(b, "\n");
    }
    free(config);
    free(stem);
}

static void put_env(struct sb_buf *b, const struct manifests *m) {
    sb_buf_adds(b, "          env:\n"
                   "            - name: HOME  # shader caches\n"
                   "              value: /tmp\n");
    for (size_t i = 0; i < m->env.n; i++) {
        put(b, 12, "- name", m->env.item[i]);
        put(b, 14, "value", getenv(m->env.item[i]));
    }
}

static void put_resources(struct sb_buf *b, const struct manifests *m,
                          const struct sb_cell_plan *c) {
    bool devices = sb_device_on_gpu(c->backend->device) && m->o->device_resources.n;
    if (!devices && !m->o->requests.n)
        return;
    sb_buf_adds(b, "          resources:\n");
    put_pairs(b, 12, "requests", &m->o->requests);
    if (devices)
        put_pairs(b, 12, "limits", &m->o->device_resources);
}

/* Kubernetes lets only a privileged container open a device that no device plugin gave it. */
static void put_security(struct sb_buf *b, const struct manifests *m,
                         const struct sb_cell_plan *c) {
    sb_buf_adds(b, "          securityContext:\n"
                   "            readOnlyRootFilesystem: true\n");
    if (sb_device_on_gpu(c->backend->device) && m->o->device_paths.n)
        sb_buf_adds(b, "            privileged: true  # to open the devices of the node\n");
    else
        sb_buf_adds(b, "            allowPrivilegeEscalation: false\n"
                       "            capabilities:\n"
                       "              drop: [ALL]\n");
}

static void put_job(struct sb_buf *b, const struct manifests *m, const struct sb_cell_plan *c,
                    const char *name) {
    struct volume *v = sb_alloc(4 + m->o->device_paths.n, sizeof *v);
    size_t n = list_volumes(m, c, v);
    sb_buf_adds(b, "---\napiVersion: batch/v1\nkind: Job\n");
    put_metadata(b, m, name);
    sb_buf_adds(b, "  annotations:\n");
    put(b, 4, "model", c->model->label);
    put(b, 4, "backend", c->backend->label);
    put_spec(b, m);
    sb_buf_adds(b, "      containers:\n        - name: stratobench\n");
    put(b, 10, "image", m->o->image);
    put_command(b, m, c, name);
    put_env(b, m);
    put_resources(b, m, c);
    put_security(b, m, c);
    put_mounts(b, v, n);
    put_volumes(b, v, n);
    for (size_t i = 0; i < n; i++) {
        free(v[i].name);
        free(v[i].source);
    }
    free(v);
}

/* ---- the whole ------------------------------------------------------------------------------ */

static const char introduction[] =
    "# stratobench: one Job for each model on each backend of a config.\n"
    "#\n"
    "# A Job leaves its results file, named like the Job, in the volume of the results claim. "
    "Once\n"
    "# all are finished, `stratobench report *.json` there makes one document of them.\n"
    "#\n"
    "# Benchmarks on one node would disturb each other, so no pod goes to a node where another\n"
    "# stratobench pod is (podAntiAffinity): the others stay Pending until it is free. Other work\n"
    "# is not kept away; choose nodes that have none.\n"
    "#\n"
    "# A failed Job has measured what it could, and its row says what went wrong. Delete it and\n"
    "# apply again: it measures only what is missing.\n";

static void put_config_map(struct sb_buf *b, const struct manifests *m) {
    sb_buf_adds(b, "---\napiVersion: v1\nkind: ConfigMap\n");
    put_metadata(b, m, m->o->name);
    sb_buf_adds(b, "data:\n");
    for (size_t i = 0; i < m->files.n; i++) {
        sb_buf_addf(b, "  %s: ", m->files.item[i].key);
        yaml_add_block(b, m->files.item[i].text, 2);
    }
}

int sb_k8s_manifests(const struct sb_config *config, const char *ini,
                     const struct sb_k8s_options *options, struct sb_buf *ret,
                     struct sb_buf *error) {
    struct manifests m = {.o = options};
    int rc = k8s_files_of(config, ini, &m.files, error);
    if (rc == 0) {
        struct sb_strv names = {0};
        k8s_variables_of(ini, &m.env);
        sb_k8s_job_names(config, options->name, &names);
        sb_buf_adds(ret, introduction);
        put_config_map(ret, &m);
        for (size_t i = 0; i < config->n_cells; i++)
            put_job(ret, &m, &config->cells[i], names.item[i]);
        sb_strv_release(&names);
        rc = ret->overflow ? -EFBIG : 0;
    }
    k8s_files_release(&m.files);
    sb_strv_release(&m.env);
    return rc;
}
