#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "yaml.h"

/* The user of configs/Containerfile. */
#define DEFAULT_USER "10001"

void k8s_put(struct sb_buf *b, int indent, const char *key, const char *value) {
    sb_buf_addf(b, "%*s%s: ", indent, "", key);
    sb_buf_add_json(b, value);
    sb_buf_adds(b, "\n");
}

static char *name_of(const char *pair) {
    return sb_strndup(pair, strcspn(pair, "="));
}

static void put_pair(struct sb_buf *b, int indent, const char *pair) {
    char *name = name_of(pair);
    sb_buf_addf(b, "%*s", indent, "");
    sb_buf_add_json(b, name);
    sb_buf_adds(b, ": ");
    sb_buf_add_json(b, pair + strlen(name) + 1);
    sb_buf_adds(b, "\n");
    free(name);
}

void k8s_put_pairs(struct sb_buf *b, int indent, const char *key, const struct sb_strv *pairs) {
    if (pairs->n)
        sb_buf_addf(b, "%*s%s:\n", indent, "", key);
    for (size_t i = 0; i < pairs->n; i++)
        put_pair(b, indent + 2, pairs->item[i]);
}

void k8s_put_labels(struct sb_buf *b, const struct k8s_set *s, int indent) {
    sb_buf_addf(b, "%*slabels:\n%*sapp.kubernetes.io/name: stratobench\n", indent, "", indent + 2,
                "");
    k8s_put(b, indent + 2, "app.kubernetes.io/instance", s->name);
    for (size_t i = 0; i < s->o->labels.n; i++)
        put_pair(b, indent + 2, s->o->labels.item[i]);
}

void k8s_put_metadata(struct sb_buf *b, const struct k8s_set *s, const char *name) {
    sb_buf_adds(b, "metadata:\n");
    k8s_put(b, 2, "name", name);
    if (s->o->space)
        k8s_put(b, 2, "namespace", s->o->space);
    k8s_put_labels(b, s, 2);
}

/* ---- how long ------------------------------------------------------------------------------- */

/* For the image, the volumes, the preflight; and, of each launch, for the server to stop. */
enum { BEGIN_S = 900, STOP_S = 60, MOST_WARMUPS = 3, MOST_COOLDOWN_S = 600 };

double k8s_deadline_s(const struct sb_config *c, size_t n_cells) {
    const struct sb_protocol *b = &c->bench;
    double runs = b->until > 0 ? b->max_runs : b->runs, points = 0;
    runs += b->warmup == SB_WARMUP_AUTO ? MOST_WARMUPS : b->warmup;
    for (size_t i = 0; i < b->n_depths; i++)
        points += b->depths[i] > 0 ? 2 : 1; /* the context is filled by a request of its own */
    double texts = points * (double)b->n_prompts;
    points = texts * (double)(b->n_slots ? b->n_slots : 1);
    double cooldown_s =
        c->bench.cooldown_s == SB_COOLDOWN_AUTO ? MOST_COOLDOWN_S : c->bench.cooldown_s;
    double launch_s = c->load_timeout_s + STOP_S + points * runs * (c->run_timeout_s + cooldown_s);
    if (c->answers) /* each text once whole and once in pieces */
        launch_s += 2 * texts * c->run_timeout_s;
    double turns = b->turns == SB_TURNS_OFF ? 0 : b->turns;
    launch_s += turns * (b->runs + (b->warmup != 0)) * c->run_timeout_s;
    int launches = b->launches == SB_LAUNCHES_AUTO ? SB_MOST_LAUNCHES : b->launches;
    return BEGIN_S + (double)n_cells * launches * launch_s;
}

/* ---- the Job -------------------------------------------------------------------------------- */

/* A disruption (a drained, lost or wanted node) is nobody's fault and always tried again; what
 * `run` itself says, 1 or 2, would be said again. */
static void put_spec(struct sb_buf *b, const struct k8s_set *s, int deadline_s) {
    sb_buf_addf(b,
                "spec:\n"
                "  completions: 1\n"
                "  parallelism: 1\n"
                "  backoffLimit: 2\n"
                "  podReplacementPolicy: Failed\n"
                "  podFailurePolicy:\n"
                "    rules:\n"
                "      - action: Ignore  # a disruption\n"
                "        onPodConditions:\n"
                "          - type: DisruptionTarget\n"
                "            status: \"True\"\n"
                "      - action: FailJob  # what stratobench said itself\n"
                "        onExitCodes:\n"
                "          containerName: stratobench\n"
                "          operator: In\n"
                "          values: [1, 2]\n"
                "  activeDeadlineSeconds: %d\n"
                "  ttlSecondsAfterFinished: %d\n"
                "  template:\n"
                "    metadata:\n",
                deadline_s, s->o->ttl_s);
    k8s_put_labels(b, s, 6);
}

static void put_tolerations(struct sb_buf *b, const struct k8s_set *s) {
    const struct sb_strv *all = &s->o->tolerations;
    if (all->n)
        sb_buf_adds(b, "      tolerations:\n");
    for (size_t i = 0; i < all->n; i++) {
        const char *text = all->item[i], *effect = strrchr(text, ':');
        size_t n = effect ? (size_t)(effect - text) : strlen(text), key = strcspn(text, "=:");
        char *name = sb_strndup(text, key);
        k8s_put(b, 8, "- key", name);
        k8s_put(b, 10, "operator", key < n ? "Equal" : "Exists");
        free(name);
        if (key < n) {
            char *value = sb_strndup(text + key + 1, n - key - 1);
            k8s_put(b, 10, "value", value);
            free(value);
        }
        if (effect)
            k8s_put(b, 10, "effect", effect + 1);
    }
}

static void put_place(struct sb_buf *b, const struct k8s_set *s, const struct k8s_job *job) {
    if (job->node || s->o->node_selector.n)
        sb_buf_adds(b, "      nodeSelector:\n");
    if (job->node)
        k8s_put(b, 8, "kubernetes.io/hostname", job->node);
    for (size_t i = 0; i < s->o->node_selector.n; i++)
        put_pair(b, 8, s->o->node_selector.item[i]);
    put_tolerations(b, s);
    sb_buf_adds(b, "      affinity:\n"
                   "        podAntiAffinity:  # one benchmark on a node at a time\n"
                   "          requiredDuringSchedulingIgnoredDuringExecution:\n"
                   "            - topologyKey: kubernetes.io/hostname\n"
                   "              namespaceSelector: {}\n"
                   "              labelSelector:\n"
                   "                matchLabels:\n"
                   "                  app.kubernetes.io/name: stratobench\n");
}

static bool is_privileged(const struct k8s_set *s, const struct k8s_job *job) {
    return job->device && s->o->device_paths.n;
}

static void put_user(struct sb_buf *b, const char *user, bool root) {
    size_t n = strcspn(user, ":");
    const char *group = user[n] ? user + n + 1 : user;
    sb_buf_addf(b, "        runAsUser: %.*s\n        runAsGroup: %s\n", (int)n, user, group);
    if (!root)
        sb_buf_addf(b,
                    "        runAsNonRoot: true\n"
                    "        fsGroup: %s\n"
                    "        fsGroupChangePolicy: OnRootMismatch\n",
                    group);
}

static void put_pod_security(struct sb_buf *b, const struct k8s_set *s, const struct k8s_job *job) {
    const char *user = s->o->user ? s->o->user : is_privileged(s, job) ? "0" : DEFAULT_USER;
    sb_buf_adds(b, "      securityContext:\n");
    put_user(b, user, strtol(user, NULL, 10) == 0);
    if (s->o->groups.n)
        sb_buf_adds(b, "        supplementalGroups:\n");
    for (size_t i = 0; i < s->o->groups.n; i++)
        sb_buf_addf(b, "          - %s\n", s->o->groups.item[i]);
    sb_buf_adds(b, "        seccompProfile:\n"
                   "          type: RuntimeDefault\n");
}

/* ---- the container -------------------------------------------------------------------------- */

static void put_argument(struct sb_buf *b, const char *word) {
    sb_buf_adds(b, "            - ");
    sb_buf_add_json(b, word);
    sb_buf_adds(b, "\n");
}

static void put_option(struct sb_buf *b, const char *option, const char *value) {
    if (!value)
        return;
    put_argument(b, option);
    put_argument(b, value);
}

static void put_command(struct sb_buf *b, const struct k8s_set *s, const struct k8s_job *job,
                        const char *name) {
    char *config = sb_asprintf(K8S_CONFIG_MOUNT "/%s", s->files.item[0].path);
    char *stem = sb_asprintf(K8S_RESULTS_MOUNT "/%s", name);
    sb_buf_adds(b, "          command: [stratobench]\n          args:\n");
    put_argument(b, "run");
    put_argument(b, config);
    put_option(b, "--model", s->o->one_job ? s->o->model : job->cells[0].model->id);
    put_option(b, "--backend", s->o->backend);
    put_option(b, "-o", stem);
    put_argument(b, "--resume");
    if (s->o->results_log)
        put_argument(b, "--log-results");
    free(config);
    free(stem);
}

static void put_field(struct sb_buf *b, const char *name, const char *path) {
    sb_buf_addf(b,
                "            - name: %s\n"
                "              valueFrom:\n"
                "                fieldRef:\n"
                "                  fieldPath: %s\n",
                name, path);
}

static void put_env(struct sb_buf *b, const struct k8s_set *s) {
    sb_buf_adds(b, "          env:\n"
                   "            - name: HOME  # shader caches\n"
                   "              value: /tmp\n");
    put_field(b, "STRATOBENCH_NODE", "spec.nodeName");
    put_field(b, "STRATOBENCH_POD", "metadata.name");
    sb_buf_adds(b, "            - name: STRATOBENCH_IMAGE\n");
    k8s_put(b, 14, "value", s->o->image);
    for (size_t i = 0; i < s->env.n; i++) {
        k8s_put(b, 12, "- name", s->env.item[i]);
        if (!sb_env_is_secret(s->env.item[i])) {
            k8s_put(b, 14, "value", getenv(s->env.item[i]));
            continue;
        }
        sb_buf_adds(b, "              valueFrom:\n"
                       "                secretKeyRef:\n");
        k8s_put(b, 18, "name", s->o->secret);
        k8s_put(b, 18, "key", s->env.item[i]);
    }
}

static bool names(const struct sb_strv *pairs, const char *name) {
    size_t n = strlen(name);
    for (size_t i = 0; i < pairs->n; i++)
        if (strncmp(pairs->item[i], name, n) == 0 && pairs->item[i][n] == '=')
            return true;
    return false;
}

/* Without any request a pod is BestEffort: the first to be killed when memory is short. What has
 * a limit alone asks for as much. */
static void put_resources(struct sb_buf *b, const struct k8s_set *s, const struct k8s_job *job) {
    static const char *const least[] = {"cpu=1", "memory=1Gi"};
    struct sb_strv requests = {0}, limits = {0};
    sb_strv_copy(&requests, &s->o->requests);
    sb_strv_copy(&limits, &s->o->limits);
    for (size_t i = 0; i < sizeof least / sizeof *least; i++) {
        char *name = name_of(least[i]);
        if (!names(&requests, name) && !names(&limits, name))
            sb_strv_add(&requests, least[i]);
        free(name);
    }
    if (job->device)
        sb_strv_copy(&limits, &s->o->device_resources);
    sb_buf_adds(b, "          resources:\n");
    k8s_put_pairs(b, 12, "requests", &requests);
    k8s_put_pairs(b, 12, "limits", &limits);
    sb_strv_release(&requests);
    sb_strv_release(&limits);
}

/* Kubernetes lets only a privileged container open a device that no device plugin gave it. */
static void put_security(struct sb_buf *b, const struct k8s_set *s, const struct k8s_job *job) {
    sb_buf_adds(b, "          securityContext:\n"
                   "            readOnlyRootFilesystem: true\n");
    if (is_privileged(s, job))
        sb_buf_adds(b, "            privileged: true  # to open the devices of the node\n");
    else
        sb_buf_adds(b, "            allowPrivilegeEscalation: false\n"
                       "            capabilities:\n"
                       "              drop: [ALL]\n");
}

static void put_container(struct sb_buf *b, const struct k8s_set *s, const struct k8s_job *job,
                          const char *name) {
    sb_buf_adds(b, "      containers:\n        - name: stratobench\n");
    k8s_put(b, 10, "image", s->o->image);
    put_command(b, s, job, name);
    put_env(b, s);
    put_resources(b, s, job);
    put_security(b, s, job);
    k8s_put_mounts(b, s, job);
}

static void put_annotations(struct sb_buf *b, const struct k8s_set *s, const struct k8s_job *job) {
    struct sb_buf backends = SB_BUF_INIT(K8S_TEXT_MAX);
    if (s->o->one_job)
        return;
    for (size_t i = 0; i < job->n_cells; i++)
        sb_buf_addf(&backends, "%s%s", i ? ", " : "", job->cells[i].backend->label);
    sb_buf_adds(b, "  annotations:\n");
    k8s_put(b, 4, "model", job->cells[0].model->label);
    k8s_put(b, 4, "backends", sb_buf_str(&backends));
    sb_buf_release(&backends);
}

/* The pod's deadline begins when a node takes it: one that cannot start there holds it no longer.
 * The Job's also counts the time in which it waits for the others of its set. */
void k8s_put_job(struct sb_buf *b, const struct k8s_set *s, const struct k8s_job *job,
                 const char *name, int deadline_s, int set_deadline_s) {
    sb_buf_adds(b, "---\napiVersion: batch/v1\nkind: Job\n");
    k8s_put_metadata(b, s, name);
    put_annotations(b, s, job);
    put_spec(b, s, set_deadline_s);
    sb_buf_addf(b,
                "    spec:\n"
                "      restartPolicy: Never\n"
                "      activeDeadlineSeconds: %d\n"
                "      automountServiceAccountToken: false\n"
                "      enableServiceLinks: false\n"
                "      terminationGracePeriodSeconds: 60\n",
                deadline_s);
    put_place(b, s, job);
    put_pod_security(b, s, job);
    put_container(b, s, job, name);
    k8s_put_volumes(b, s, job);
}
