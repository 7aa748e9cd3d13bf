/* Nothing that stratobench did not write itself is written over. */
#ifndef STRATOBENCH_OVERWRITE_H
#define STRATOBENCH_OVERWRITE_H

#include "stratobench/base.h"

enum sb_ours {
    SB_OURS_DERIVED, /* made from results or a config: documents, pages, charts, manifests */
    SB_OURS_RESULTS,
};

/* May `path` be written as one of these? Yes where nothing stands, an empty file, one of the same
 * sort that stratobench wrote, or what is no regular file. 0, or -EEXIST or another -errno with one
 * line in `error`. */
int sb_may_overwrite(const char *path, enum sb_ours as, struct sb_buf *error);

#endif
