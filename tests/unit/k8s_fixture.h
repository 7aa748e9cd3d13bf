/* The golden config of the k8s command. */
#ifndef K8S_FIXTURE_H
#define K8S_FIXTURE_H

#include "command.h"
#include "golden.h"
#include "stratobench/k8s.h"

#define GOLDEN GOLDEN_DIR "k8s/"
enum { MAX_BYTES = 1 << 20 };

static inline int set_models(void **state) {
    (void)state;
    return setenv("K8S_MODELS", "/models", 1);
}

#endif
