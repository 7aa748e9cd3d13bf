/* Again: the command line that goes on with an interrupted run. */
#ifndef STRATOBENCH_AGAIN_H
#define STRATOBENCH_AGAIN_H

#include "stratobench/config.h"

struct sb_again {
    const char *config_file, *stem;
    const struct sb_selection *selection;
    const char *flags[3]; /* NULL where not given */
};

/* As it can be typed into any shell in any folder: whole paths, quoted, and with what PATH must
 * hold for the servers that are named without a folder. */
void sb_again_command(const struct sb_again *a, const struct sb_config *c, struct sb_buf *ret);

#endif
