/* What the files of the room share: one set of manifests, and the Jobs in it.
 *
 * yaml.c scalars · files.c what the ConfigMap holds · name.c names and hashes · check.c what
 * Kubernetes would refuse · volumes.c mounts · job.c one Job · manifests.c the whole. */
#ifndef SB_K8S_INTERNAL_H
#define SB_K8S_INTERNAL_H

#include "files.h"
#include "stratobench/k8s.h"

#define K8S_RESULTS_MOUNT "/results"

struct k8s_set {
    const struct sb_config *config;
    const struct sb_k8s_options *o;
    char *name; /* of the ConfigMap, and the label of all that belongs together */
    struct k8s_files files;
    struct sb_strv env; /* names of variables that are passed on */
};

struct k8s_job {
    const struct sb_cell_plan *cells; /* a stretch of the config's */
    size_t n_cells;
    const char *node; /* NULL = any */
    bool device;      /* some backend of it has one */
};

/* "  key: "value"\n" */
void k8s_put(struct sb_buf *b, int indent, const char *key, const char *value);
/* "NAME=VALUE" pairs as a mapping under `key`, or nothing. */
void k8s_put_pairs(struct sb_buf *b, int indent, const char *key, const struct sb_strv *pairs);
/* The metadata of an object of that name. */
void k8s_put_metadata(struct sb_buf *b, const struct k8s_set *s, const char *name);
/* The labels of all our objects, and the user's, as a mapping's lines. */
void k8s_put_labels(struct sb_buf *b, const struct k8s_set *s, int indent);

/* Text as a name for DNS: lower case letters, digits, single dashes; never empty. Then what it is
 * to be told apart by: "TEXT-1a2b3c4d", at most 63 characters. The caller frees. */
char *k8s_name(const char *text, const char *hash_of);

/* volumeMounts of the container, and volumes of the pod. */
void k8s_put_mounts(struct sb_buf *b, const struct k8s_set *s, const struct k8s_job *job);
void k8s_put_volumes(struct sb_buf *b, const struct k8s_set *s, const struct k8s_job *job);

/* How long the measuring of the cells can take at most, by the config's own time-outs. */
double k8s_deadline_s(const struct sb_config *config, size_t n_cells);

/* The Job as it would be called `name`. */
void k8s_put_job(struct sb_buf *b, const struct k8s_set *s, const struct k8s_job *job,
                 const char *name, int deadline_s, int set_deadline_s);

#endif
