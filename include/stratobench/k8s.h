/* Kubernetes: the matrix of a config as manifests, a ConfigMap and one Job a cell.
 *
 * Each Job runs `stratobench run` for its cell alone, with the same config and prompts, and leaves
 * one results file; `stratobench report` makes one document of them. No two of these pods share a
 * node at a time. Every text from outside is a quoted scalar, every name made fit for DNS. */
#ifndef STRATOBENCH_K8S_H
#define STRATOBENCH_K8S_H

#include "stratobench/config.h"

/* What of it is a list holds "NAME=VALUE", but for device_paths. Optional strings are NULL. */
struct sb_k8s_options {
    const char *name;          /* of the ConfigMap, and what the Jobs' names begin with */
    const char *image;         /* has stratobench and the config's servers in it */
    const char *results_claim; /* PersistentVolumeClaim that is mounted at /results */
    const char *space;         /* namespace; optional */
    const char *models_claim;  /* either of the two, or none when the image has the models */
    const char *models_path;   /* folder of the node */
    const char *models_mount;  /* where the Jobs see them */
    struct sb_strv node_selector;
    struct sb_strv requests;         /* "memory=96Gi" */
    struct sb_strv device_resources; /* "amd.com/gpu=1", for backends with a device */
    struct sb_strv device_paths;     /* "/dev/kfd": of the node, for the same, then privileged */
    int ttl_s;                       /* how long a finished Job is kept */
};

/* Appends the manifests to `ret`; `ini` is the text that `config` was read from. The variables the
 * text refers to are passed on as they are set now. 0, or -EINVAL with a line for each problem in
 * `error`: a prompt that the Jobs could not find, or more text than a ConfigMap holds. */
int sb_k8s_manifests(const struct sb_config *config, const char *ini,
                     const struct sb_k8s_options *options, struct sb_buf *ret,
                     struct sb_buf *error);

/* Text as a name: at most 63 of a-z 0-9 -, never empty. The caller frees. */
char *sb_k8s_name(const char *text);
/* A name for each cell's Job, in their order, no two alike; `prefix` as sb_k8s_name gives it. */
void sb_k8s_job_names(const struct sb_config *config, const char *prefix, struct sb_strv *ret);

#endif
