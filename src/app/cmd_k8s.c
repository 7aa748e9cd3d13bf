/* stratobench k8s: the matrix of a config as Kubernetes manifests. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "cmd.h"
#include "plan_print.h"
#include "stratobench/base.h"
#include "stratobench/k8s.h"
#include "stratobench/server.h"

enum { MANIFESTS_MAX_BYTES = 256 << 20 };

struct request {
    struct sb_k8s_options k8s; /* as asked for; `complete` makes what is to be done of it */
    struct sb_selection selection;
    const char *config, *output;
    int results; /* enum where */
    double deadline_s, ttl_s;
};

enum where { RESULTS_ANYWHERE, RESULTS_LOG };
static const char *const places[] = {"auto", "log", NULL};

/* "/srv/models//" is /srv/models. The caller frees. */
static char *without_slashes(const char *path) {
    size_t n = path ? strlen(path) : 0;
    while (n > 1 && path[n - 1] == '/')
        n--;
    return path ? sb_strndup(path, n) : NULL;
}

/* A resource with a slash in its name is a device plugin's, whatever option named it: a Job
 * without a device has no use for it. */
static void sort_resources(const struct sb_strv *from, struct sb_strv *plain,
                           struct sb_strv *devices) {
    for (size_t i = 0; i < from->n; i++)
        sb_strv_add(strcspn(from->item[i], "/") < strcspn(from->item[i], "=") ? devices : plain,
                    from->item[i]);
}

/* What was asked for with the defaults in it. */
struct completed {
    struct sb_k8s_options k8s;
    char *name, *models_path, *models_mount; /* k8s points to these */
};

static char *default_name(const char *config) {
    char *copy = sb_strdup(config), *file = basename(copy), *dot = strrchr(file, '.');
    if (dot)
        *dot = '\0';
    char *name = sb_strdup(file);
    free(copy);
    return name;
}

static void complete(const struct request *r, struct completed *ret) {
    struct completed c = {.k8s = r->k8s};
    struct sb_k8s_options *o = &c.k8s;
    o->name = c.name = o->name ? sb_strdup(o->name) : default_name(r->config);
    o->models_path = c.models_path = without_slashes(o->models_path);
    c.models_mount = without_slashes(o->models_mount);
    o->models_mount = c.models_mount ? c.models_mount : o->models_path ? o->models_path : "/models";
    o->requests = o->limits = o->device_paths = (struct sb_strv){0};
    o->device_resources = (struct sb_strv){0};
    sb_strv_copy(&o->device_resources, &r->k8s.device_resources);
    sort_resources(&r->k8s.requests, &o->requests, &o->device_resources);
    sort_resources(&r->k8s.limits, &o->limits, &o->device_resources);
    for (size_t i = 0; i < r->k8s.device_paths.n; i++)
        sb_strv_take(&o->device_paths, without_slashes(r->k8s.device_paths.item[i]));
    o->results_log = r->results == RESULTS_LOG || !o->results_claim;
    o->model = r->selection.model;
    o->backend = r->selection.backend;
    o->deadline_s = (int)r->deadline_s;
    o->ttl_s = (int)r->ttl_s;
    *ret = c;
}

static void release(struct completed *c) {
    free(c->name);
    free(c->models_path);
    free(c->models_mount);
    sb_strv_release(&c->k8s.requests);
    sb_strv_release(&c->k8s.limits);
    sb_strv_release(&c->k8s.device_resources);
    sb_strv_release(&c->k8s.device_paths);
}

static void warn(char *message) {
    sb_print_indented(stderr, message, 0);
    free(message);
}

/* A Job that cannot see its model would fail only in the cluster. */
static void warn_of_models_elsewhere(const struct sb_config *c, const struct sb_k8s_options *o) {
    size_t n = strlen(o->models_mount);
    if (!o->models_claim && !o->models_path)
        return;
    for (size_t i = 0; i < c->n_cells; i++) {
        const struct sb_model *m = c->cells[i].model;
        const char *paths[] = {m->path, m->mmproj};
        const int lines[] = {m->path_line, m->mmproj_line};
        for (size_t k = 0; k < 2 && (i == 0 || m != c->cells[i - 1].model); k++)
            if (paths[k] && (strncmp(paths[k], o->models_mount, n) != 0 || paths[k][n] != '/'))
                warn(sb_asprintf("warning: %s:%d: %s is not in %s, where the Jobs see the models",
                                 c->file, lines[k], paths[k], o->models_mount));
    }
}

/* A pod makes no containers. False after a report. */
static bool runs_in_a_pod(const struct sb_config *c, struct sb_buf *error) {
    for (size_t i = 0; i < c->n_backends; i++) {
        const struct sb_backend *b = &c->backends[i];
        if (b->url)
            sb_buf_addf(error,
                        "%s:%d: [backend %s] is a server that runs already: measure it with "
                        "`stratobench run`, from anywhere\n",
                        c->file, sb_backend_line(b, "url"), b->id);
        if (sb_server_makes_container(&b->command))
            sb_buf_addf(error,
                        "%s:%d: [backend %s] makes a container, which a pod cannot: put its server "
                        "into --image and write server = PATH\n",
                        c->file, sb_backend_line(b, "command"), b->id);
    }
    return error->len == 0;
}

static int print_manifests(const struct request *r, const struct sb_k8s_options *o,
                           const struct sb_config *config, const char *ini, struct sb_buf *error) {
    struct sb_buf out = SB_BUF_INIT(MANIFESTS_MAX_BYTES);
    struct sb_strv warnings = {0};
    int rc = sb_k8s_manifests(config, ini, o, &out, &warnings, error);
    for (size_t i = 0; i < warnings.n; i++)
        warn(sb_asprintf("warning: %s", warnings.item[i]));
    if (rc == 0) {
        warn_of_models_elsewhere(config, o);
        rc = sb_cli_write("k8s", r->output, &out);
    }
    sb_strv_release(&warnings);
    sb_buf_release(&out);
    return rc;
}

static int make_manifests(const struct request *r, const struct sb_k8s_options *o) {
    struct sb_buf ini = SB_BUF_INIT(SB_CONFIG_MAX_BYTES), error = SB_BUF_INIT(SB_ERR_MAX);
    struct sb_config config;
    int rc = sb_k8s_check(o, &error);
    if (rc == 0)
        rc = sb_file_read(r->config, &ini, &error);
    if (rc == 0)
        rc = sb_config_parse(r->config, sb_buf_str(&ini), ini.len, &r->selection, &config, &error);
    if (rc == 0) {
        sb_config_narrow(&config, NULL);
        rc = runs_in_a_pod(&config, &error)
                 ? print_manifests(r, o, &config, sb_buf_str(&ini), &error)
                 : -EINVAL;
        sb_config_release(&config);
    }
    if (error.len)
        sb_print_indented(stderr, sb_buf_str(&error), 0);
    sb_buf_release(&ini);
    sb_buf_release(&error);
    return rc == 0 ? SB_EXIT_OK : SB_EXIT_USAGE;
}

static int k8s(const void *options, const struct sb_operands *files) {
    struct request r = *(const struct request *)options;
    struct completed c;
    r.config = files->item[0];
    if (r.k8s.models_claim && r.k8s.models_path)
        return sb_cli_usage_error("k8s", "--models-claim and --models-host-path: give one of them");
    complete(&r, &c);
    int rc = make_manifests(&r, &c.k8s);
    release(&c);
    return rc;
}

#define K8S(member) offsetof(struct request, k8s.member)
static const struct sb_option table[] = {
    {"image", 0, SB_OPTION_TEXT, K8S(image), "IMAGE",
     .help = "holds stratobench and the servers (default: stratobench:VERSION); named by its "
             "digest, NAME@sha256:..., the results say which one it was"},
    {"namespace", 0, SB_OPTION_TEXT, K8S(space), "NAME", .help = "namespace of all objects"},
    {"name", 0, SB_OPTION_TEXT, K8S(name), "NAME",
     .help = "what their names begin with (default: the config's)"},
    {"again", 0, SB_OPTION_TEXT, K8S(again), "WORD",
     .help = "measure again, under other names: a date, a driver's version"},
    {"model", 0, SB_OPTION_TEXT, offsetof(struct request, selection.model), "GLOB",
     .help = "only models whose id or label matches"},
    {"backend", 0, SB_OPTION_TEXT, offsetof(struct request, selection.backend), "GLOB",
     .help = "only backends whose id or label matches"},
    {"output", 'o', SB_OPTION_TEXT, offsetof(struct request, output), "FILE",
     .help = "write to FILE; - or nothing: standard output", .files = "*"},
    {"one-job", 0, SB_OPTION_FLAG, K8S(one_job), .group = "Where they run",
     .help = "the whole matrix in one Job, not a Job for each model"},
    {"node", 0, SB_OPTION_LIST, K8S(nodes), "NODE",
     .help = "on that node; repeatable: these Jobs on each of them"},
    {"node-selector", 0, SB_OPTION_PAIRS, K8S(node_selector), "K=V",
     .help = "on nodes with this label; repeatable"},
    {"toleration", 0, SB_OPTION_LIST, K8S(tolerations), "K[=V][:EFFECT]",
     .help = "also on nodes with this taint; repeatable"},
    {"label", 0, SB_OPTION_PAIRS, K8S(labels), "K=V",
     .help = "of all objects and pods, as kueue's queue-name; repeatable"},
    {"results-claim", 0, SB_OPTION_TEXT, K8S(results_claim), "CLAIM", .group = "Files",
     .help = "volume claim for the results, one file a Job"},
    {"results", 0, SB_OPTION_CHOICE, offsetof(struct request, results), "WHERE",
     .help = "log: into the Jobs' logs as well; auto (default): there only without a claim",
     .choices = places},
    {"models-claim", 0, SB_OPTION_TEXT, K8S(models_claim), "CLAIM",
     .help = "volume claim that holds the models, or"},
    {"models-host-path", 0, SB_OPTION_TEXT, K8S(models_path), "DIR",
     .help = "the nodes' folder that does; user 10001 must be able to read it"},
    {"models-mount", 0, SB_OPTION_TEXT, K8S(models_mount), "DIR",
     .help = "where Jobs see them (default: DIR of the host, else /models)"},
    {"request", 0, SB_OPTION_PAIRS, K8S(requests), "NAME=AMOUNT", .group = "Resources",
     .help = "resource a Job asks for, as memory=96Gi; repeatable (default: cpu=1, memory=1Gi)"},
    {"limit", 0, SB_OPTION_PAIRS, K8S(limits), "NAME=AMOUNT",
     .help = "the most a Job gets; repeatable. Limits on cpu and memory without requests make its "
             "pod Guaranteed"},
    {"device-resource", 0, SB_OPTION_PAIRS, K8S(device_resources), "NAME=N",
     .help = "the device plugin's, as amd.com/gpu=1, for Jobs with a device; repeatable"},
    {"device-path", 0, SB_OPTION_LIST, K8S(device_paths), "PATH",
     .help =
         "without a device plugin: a device of the node, as /dev/kfd and /dev/dri; such Jobs are "
         "privileged; repeatable",
     .files = "*"},
    {"user", 0, SB_OPTION_TEXT, K8S(user), "UID[:GID]", .group = "Rights and times",
     .help = "who runs it (default: 10001, or root for the sake of a device path)"},
    {"group", 0, SB_OPTION_LIST, K8S(groups), "GID",
     .help = "a further group, as the node's render; repeatable"},
    {"secret", 0, SB_OPTION_TEXT, K8S(secret), "NAME",
     .help = "Secret that holds the variables whose names look secret (default: stratobench)"},
    {"deadline", 0, SB_OPTION_NUMBER, offsetof(struct request, deadline_s), "SECONDS",
     .help = "the most a pod may take (default: what the config's time-outs add up to)", .least = 0,
     .most = 2e9},
    {"ttl", 0, SB_OPTION_NUMBER, offsetof(struct request, ttl_s), "SECONDS",
     .help = "how long finished Jobs are kept (default: 604800)", .most = 2e9},
    {0},
};

const struct sb_command sb_cmd_k8s = {
    .name = "k8s",
    .usage = "MODELS.ini [options]",
    .summary = "print Kubernetes Jobs for the same matrix",
    .about = "Prints a ConfigMap with the config and its prompts, and a Job for each model that "
             "measures it on all its backends. Paths of servers and models are those inside the "
             "Jobs, and variables that the config refers to are passed on as they are set now: "
             "MODELS=/models stratobench k8s models.ini ... | kubectl apply -f -",
    .notes = "Exit codes: 0 done; 2 bad usage or config.",
    .options = table,
    .defaults = &(const struct request){.k8s = {.image = "stratobench:" STRATOBENCH_VERSION,
                                                .secret = "stratobench"},
                                        .ttl_s = 7 * 24 * 3600},
    .options_size = sizeof(struct request),
    .operand = "config file",
    .one = true,
    .files = "*.ini",
    .run = k8s,
};
