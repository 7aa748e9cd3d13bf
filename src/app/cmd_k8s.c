/* stratobench k8s: the matrix of a config as Kubernetes manifests. */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "cmd.h"
#include "stratobench/base.h"
#include "stratobench/k8s.h"

enum { MANIFESTS_MAX_BYTES = 256 << 20 };

struct request {
    struct sb_k8s_options k8s;
    struct sb_selection selection;
    const char *config, *output;
    double ttl_s;
};

/* False: a line on stderr says what is wrong. */
static bool complete_options(struct request *r) {
    struct sb_k8s_options *o = &r->k8s;
    o->ttl_s = (int)r->ttl_s;
    if (!o->models_mount)
        o->models_mount = o->models_path ? o->models_path : "/models";
    for (size_t i = 0; i < o->device_paths.n; i++)
        if (o->device_paths.item[i][0] != '/') {
            sb_cli_usage_error("k8s", "--device-path takes an absolute path, not '%s'",
                               o->device_paths.item[i]);
            return false;
        }
    if (o->models_claim && o->models_path)
        sb_cli_usage_error("k8s", "--models-claim and --models-host-path: give one of them");
    else if (o->models_mount[0] != '/')
        sb_cli_usage_error("k8s", "the models' folder must be an absolute path, not '%s'",
                           o->models_mount);
    else
        return true;
    return false;
}

static char *name_of(const struct request *r) {
    if (r->k8s.name)
        return sb_k8s_name(r->k8s.name);
    char *copy = sb_strdup(r->config), *file = basename(copy), *dot = strrchr(file, '.');
    if (dot)
        *dot = '\0';
    char *name = sb_k8s_name(file);
    free(copy);
    return name;
}

/* A Job that cannot see its model would fail only in the cluster. */
static void warn_of_models_elsewhere(const struct sb_config *c, const struct sb_k8s_options *o) {
    size_t n = strlen(o->models_mount);
    if (!o->models_claim && !o->models_path)
        return;
    for (size_t i = 0; i < c->n_cells; i++) {
        const struct sb_model *m = c->cells[i].model;
        if ((i == 0 || m != c->cells[i - 1].model) &&
            (strncmp(m->path, o->models_mount, n) != 0 || m->path[n] != '/'))
            fprintf(stderr, "warning: %s:%d: %s is not in %s, where the Jobs see the models\n",
                    c->file, m->path_line, m->path, o->models_mount);
    }
}

static int print_manifests(struct request *r, const struct sb_config *config, const char *ini,
                           struct sb_buf *error) {
    struct sb_buf out = SB_BUF_INIT(MANIFESTS_MAX_BYTES);
    char *name = name_of(r);
    r->k8s.name = name;
    int rc = sb_k8s_manifests(config, ini, &r->k8s, &out, error);
    if (rc == 0) {
        warn_of_models_elsewhere(config, &r->k8s);
        rc = sb_cli_write("k8s", r->output, &out);
    }
    free(name);
    sb_buf_release(&out);
    return rc == 0 ? SB_EXIT_OK : SB_EXIT_USAGE;
}

static int make_manifests(struct request *r) {
    struct sb_buf ini = SB_BUF_INIT(SB_CONFIG_MAX_BYTES), error = SB_BUF_INIT(SB_ERR_MAX);
    struct sb_config config;
    int rc = SB_EXIT_USAGE;
    if (sb_file_read(r->config, &ini, &error) == 0 &&
        sb_config_parse(r->config, sb_buf_str(&ini), ini.len, &r->selection, &config, &error) ==
            0) {
        rc = print_manifests(r, &config, sb_buf_str(&ini), &error);
        sb_config_release(&config);
    }
    if (error.len)
        fprintf(stderr, "%s%s", sb_buf_str(&error), error.data[error.len - 1] == '\n' ? "" : "\n");
    sb_buf_release(&ini);
    sb_buf_release(&error);
    return rc;
}

static int k8s(const void *options, const struct sb_operands *files) {
    struct request r = *(const struct request *)options;
    r.config = files->item[0];
    return complete_options(&r) ? make_manifests(&r) : SB_EXIT_USAGE;
}

#define K8S(member) offsetof(struct request, k8s.member)
static const struct sb_option table[] = {
    {"image", 0, SB_OPTION_TEXT, K8S(image), "IMAGE",
     .help = "holds stratobench and the servers (default: stratobench:VERSION)"},
    {"results-claim", 0, SB_OPTION_TEXT, K8S(results_claim), "CLAIM",
     .help = "volume claim for the results, one file a Job (default: stratobench-results)"},
    {"models-claim", 0, SB_OPTION_TEXT, K8S(models_claim), "CLAIM",
     .help = "volume claim that holds the models, or"},
    {"models-host-path", 0, SB_OPTION_TEXT, K8S(models_path), "DIR",
     .help = "the nodes' folder that does"},
    {"models-mount", 0, SB_OPTION_TEXT, K8S(models_mount), "DIR",
     .help = "where Jobs see them (default: DIR of the host, else /models)"},
    {"namespace", 0, SB_OPTION_TEXT, K8S(space), "NAME", .help = "namespace of all objects"},
    {"name", 0, SB_OPTION_TEXT, K8S(name), "NAME",
     .help = "what their names begin with (default: the config's)"},
    {"node-selector", 0, SB_OPTION_PAIRS, K8S(node_selector), "K=V",
     .help = "run on nodes with this label; repeatable"},
    {"request", 0, SB_OPTION_PAIRS, K8S(requests), "NAME=AMOUNT",
     .help = "resource a Job asks for, as memory=96Gi; repeatable"},
    {"device-resource", 0, SB_OPTION_PAIRS, K8S(device_resources), "NAME=N",
     .help = "the device plugin's, as amd.com/gpu=1, for backends with a device; repeatable"},
    {"device-path", 0, SB_OPTION_LIST, K8S(device_paths), "PATH",
     .help =
         "without a device plugin: a device of the node, as /dev/kfd and /dev/dri; such Jobs are "
         "privileged; repeatable",
     .files = "*"},
    {"ttl", 0, SB_OPTION_NUMBER, offsetof(struct request, ttl_s), "SECONDS",
     .help = "how long finished Jobs are kept (default 604800)", .most = 2e9},
    {"model", 0, SB_OPTION_TEXT, offsetof(struct request, selection.model), "GLOB",
     .help = "only models whose id or label matches"},
    {"backend", 0, SB_OPTION_TEXT, offsetof(struct request, selection.backend), "GLOB",
     .help = "only backends whose id or label matches"},
    {"output", 'o', SB_OPTION_TEXT, offsetof(struct request, output), "FILE",
     .help = "write to FILE; - or nothing: standard output", .files = "*"},
    {0},
};

const struct sb_command sb_cmd_k8s = {
    .name = "k8s",
    .usage = "MODELS.ini [options]",
    .summary = "print Kubernetes Jobs for the same matrix",
    .about = "Prints a ConfigMap with the config and its prompts, and a Job for each model on each "
             "backend. Paths of servers and models are those inside the Jobs, and variables that "
             "the config refers to are passed on as they are set now: MODELS=/models stratobench "
             "k8s models.ini ...",
    .notes = "Exit codes: 0 done; 2 bad usage or config.",
    .options = table,
    .defaults = &(const struct request){.k8s = {.image = "stratobench:" STRATOBENCH_VERSION,
                                                .results_claim = "stratobench-results"},
                                        .ttl_s = 7 * 24 * 3600},
    .options_size = sizeof(struct request),
    .operand = "config file",
    .one = true,
    .files = "*.ini",
    .run = k8s,
};
