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

static const char help[] =
    "usage: stratobench k8s MODELS.ini [options]\n"
    "\n"
    "Prints a ConfigMap with the config and its prompts, and a Job for each model on each "
    "backend.\n"
    "Paths of servers and models are those inside the Jobs, and variables that the config refers\n"
    "to are passed on as they are set now: MODELS=/models stratobench k8s models.ini ...\n"
    "\n"
    "      --image IMAGE             holds stratobench and the servers\n"
    "                            (default: stratobench:VERSION)\n"
    "      --results-claim CLAIM     volume claim for the results, one file a Job\n"
    "                            (default: stratobench-results)\n"
    "      --models-claim CLAIM      volume claim that holds the models, or\n"
    "      --models-host-path DIR    the nodes' folder that does\n"
    "      --models-mount DIR        where Jobs see them (default: DIR of the host, else /models)\n"
    "      --namespace NAME          namespace of all objects\n"
    "      --name NAME               what their names begin with (default: the config's)\n"
    "      --node-selector K=V       run on nodes with this label; repeatable\n"
    "      --request NAME=AMOUNT     resource a Job asks for, as memory=96Gi; repeatable\n"
    "      --device-resource NAME=N  the device plugin's, as amd.com/gpu=1, for backends with a\n"
    "                                device; repeatable\n"
    "      --device-path PATH        without a device plugin: a device of the node, as /dev/kfd\n"
    "                                and /dev/dri; such Jobs are privileged; repeatable\n"
    "      --ttl SECONDS             how long finished Jobs are kept (default 604800)\n"
    "      --model GLOB              only models whose id or label matches\n"
    "      --backend GLOB            only backends whose id or label matches\n"
    "  -o, --output FILE             write to FILE instead of standard output\n"
    "  -h, --help                    show this help\n"
    "\n"
    "Exit codes: 0 done; 2 bad usage or config.\n";

struct request {
    struct sb_k8s_options k8s;
    struct sb_selection selection;
    const char *config, *output, *ttl;
};

enum { FIRST_LONG = 256 };

/* What a long option fills in: a text, or one more item of a list. */
static const struct target {
    const char *name;
    size_t offset;
    bool list;
    bool pair; /* NAME=VALUE */
} targets[] = {
    {"image", offsetof(struct request, k8s.image), false, false},
    {"results-claim", offsetof(struct request, k8s.results_claim), false, false},
    {"models-claim", offsetof(struct request, k8s.models_claim), false, false},
    {"models-host-path", offsetof(struct request, k8s.models_path), false, false},
    {"models-mount", offsetof(struct request, k8s.models_mount), false, false},
    {"namespace", offsetof(struct request, k8s.space), false, false},
    {"name", offsetof(struct request, k8s.name), false, false},
    {"node-selector", offsetof(struct request, k8s.node_selector), true, true},
    {"request", offsetof(struct request, k8s.requests), true, true},
    {"device-resource", offsetof(struct request, k8s.device_resources), true, true},
    {"device-path", offsetof(struct request, k8s.device_paths), true, false},
    {"ttl", offsetof(struct request, ttl), false, false},
    {"model", offsetof(struct request, selection.model), false, false},
    {"backend", offsetof(struct request, selection.backend), false, false},
};
enum { N_TARGETS = sizeof targets / sizeof *targets };

static int fill_in(struct request *r, const struct target *t, const char *value) {
    void *at = (char *)r + t->offset;
    const char *equals = strchr(value, '=');
    if (*value == '\0')
        return sb_cli_usage_error("k8s", "--%s needs a value", t->name);
    if (t->pair && (!equals || equals == value))
        return sb_cli_usage_error("k8s", "--%s takes NAME=VALUE, not '%s'", t->name, value);
    if (t->list)
        sb_strv_add(at, value);
    else
        *(const char **)at = value;
    return SB_EXIT_OK;
}

/* -1 to go on, else the exit code. */
static int parse_options(int argc, char **argv, struct request *r) {
    struct option options[N_TARGETS + 3] = {{"output", required_argument, NULL, 'o'},
                                            {"help", no_argument, NULL, 'h'}};
    for (int i = 0; i < N_TARGETS; i++)
        options[2 + i] = (struct option){targets[i].name, required_argument, NULL, FIRST_LONG + i};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":o:h", options, NULL)) != -1;) {
        int rc = SB_EXIT_OK;
        if (c == 'o') {
            r->output = optarg;
        } else if (c == 'h') {
            fputs(help, stdout);
            return SB_EXIT_OK;
        } else if (c >= FIRST_LONG) {
            rc = fill_in(r, &targets[c - FIRST_LONG], optarg);
        } else {
            rc = sb_cli_bad_option(c, argv, options);
        }
        if (rc)
            return rc;
    }
    if (optind + 1 != argc)
        return sb_cli_usage_error("k8s",
                                  optind == argc ? "no config file" : "more than one config file");
    r->config = argv[optind];
    return -1;
}

static int check_options(struct request *r) {
    double ttl_s = 7 * 24 * 3600;
    struct sb_k8s_options *o = &r->k8s;
    if (!o->image)
        o->image = "stratobench:" STRATOBENCH_VERSION;
    if (!o->results_claim)
        o->results_claim = "stratobench-results";
    if (o->models_claim && o->models_path)
        return sb_cli_usage_error("k8s", "--models-claim and --models-host-path: give one of them");
    if (r->ttl && !sb_cli_number(r->ttl, 0, 2e9, &ttl_s))
        return sb_cli_usage_error("k8s", "--ttl takes a number of seconds, not '%s'", r->ttl);
    o->ttl_s = (int)ttl_s;
    if (!o->models_mount)
        o->models_mount = o->models_path ? o->models_path : "/models";
    for (size_t i = 0; i < o->device_paths.n; i++)
        if (o->device_paths.item[i][0] != '/')
            return sb_cli_usage_error("k8s", "--device-path takes an absolute path, not '%s'",
                                      o->device_paths.item[i]);
    if (o->models_mount[0] != '/')
        return sb_cli_usage_error("k8s", "the models' folder must be an absolute path, not '%s'",
                                  o->models_mount);
    return -1;
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
        if (!r->output)
            rc = sb_cli_print("k8s", &out);
        else
            rc = sb_file_replace(r->output, sb_buf_str(&out), out.len, error);
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

int sb_cmd_k8s(int argc, char **argv) {
    struct request r = {0};
    int rc = parse_options(argc, argv, &r);
    if (rc < 0)
        rc = check_options(&r);
    if (rc < 0)
        rc = make_manifests(&r);
    sb_strv_release(&r.k8s.node_selector);
    sb_strv_release(&r.k8s.requests);
    sb_strv_release(&r.k8s.device_resources);
    sb_strv_release(&r.k8s.device_paths);
    return rc;
}
