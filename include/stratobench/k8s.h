/* Kubernetes: the matrix of a config as manifests, a ConfigMap and Jobs.
 *
 * A Job measures one model on all its backends, as `stratobench run` does on one machine, so that
 * what is compared was measured side by side on one node; or the whole matrix. Its results go into
 * its log, between marks, or into a volume. No two of these pods share a node at a time.
 *
 * Every name ends in a hash of what it names: the same text again makes the same objects, and any
 * other makes new ones beside them. Every text from outside is a quoted scalar. */
#ifndef STRATOBENCH_K8S_H
#define STRATOBENCH_K8S_H

#include "stratobench/config.h"

/* Optional strings are NULL. The lists hold "NAME=VALUE" unless said otherwise. */
struct sb_k8s_options {
    const char *name;            /* what the names of all objects begin with; any text */
    const char *image;           /* has stratobench and the config's servers in it */
    const char *again;           /* optional: another word makes other names: measures anew */
    const char *results_claim;   /* PersistentVolumeClaim mounted at /results; optional */
    bool results_log;            /* results go into the log, too */
    const char *space;           /* namespace; optional */
    const char *models_claim;    /* either of the two, or none when the image has the models */
    const char *models_path;     /* folder of the node */
    const char *models_mount;    /* where the Jobs see them */
    const char *model, *backend; /* patterns of the selection; optional */
    bool one_job;                /* the whole matrix in one Job; else a Job for each model */
    struct sb_strv nodes; /* names: these Jobs once for each; empty = wherever there is room */
    struct sb_strv node_selector;
    struct sb_strv tolerations; /* KEY, KEY=VALUE, each with :EFFECT or without */
    struct sb_strv labels;
    struct sb_strv requests, limits; /* "memory=96Gi" */
    struct sb_strv device_resources; /* "amd.com/gpu=1", for Jobs with a device */
    struct sb_strv device_paths;     /* "/dev/kfd": of the node, for the same, then privileged */
    const char *user;                /* UID or UID:GID; optional */
    struct sb_strv groups;           /* GIDs, further ones */
    const char *secret;              /* Secret that holds variables whose names look secret */
    int deadline_s;                  /* a pod's; 0 = by the config's time-outs */
    int ttl_s;                       /* how long a finished Job is kept */
};

/* What Kubernetes would refuse, or what would hide one mount under another: 0, or -EINVAL with a
 * line for each in `error`. Paths must have lost their slashes at the end before. */
int sb_k8s_check(const struct sb_k8s_options *o, struct sb_buf *error);

/* Appends the manifests to `ret`; `ini` is the text that `config` was read from. The variables the
 * text refers to are passed on as they are set now. Sentences on what the user should know are
 * added to `warnings`. 0, or -EINVAL with a line for each problem in `error`: a prompt that the
 * Jobs could not find, or more text than a ConfigMap holds. */
int sb_k8s_manifests(const struct sb_config *config, const char *ini,
                     const struct sb_k8s_options *options, struct sb_buf *ret,
                     struct sb_strv *warnings, struct sb_buf *error);

#endif
