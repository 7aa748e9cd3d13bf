/* What of a config travels in the ConfigMap: its text and prompts, and the variables it names. */
#ifndef SB_K8S_FILES_H
#define SB_K8S_FILES_H

#include "stratobench/config.h"

#define K8S_CONFIG_MOUNT "/config"
enum { K8S_TEXT_MAX = 16 << 20 };

struct k8s_file {
    char *key;         /* in the ConfigMap */
    char *path;        /* below K8S_CONFIG_MOUNT */
    const char *text;  /* borrowed; or, of a picture, */
    const void *bytes; /* borrowed, too */
    size_t len;        /* of either */
};
struct k8s_files {
    struct k8s_file *item; /* the config first */
    size_t n;
};

/* The files, placed so that the paths by which the config names its prompts hold. 0, or -EINVAL
 * with a line for each problem in `error`. */
int k8s_files_of(const struct sb_config *config, const char *ini, struct k8s_files *ret,
                 struct sb_buf *error);
void k8s_files_release(struct k8s_files *f);

/* The NAMEs of ${NAME} in the text that are set, each once. */
void k8s_variables_of(const char *ini, struct sb_strv *ret);

#endif
