/* Text without what tells whose machine it came from. */
#ifndef STRATOBENCH_ANONYMOUS_H
#define STRATOBENCH_ANONYMOUS_H

#include "stratobench/base.h"

struct anonymous {
    char *host, *user; /* of this machine; NULL where none is known, or it says nothing ("root") */
};
void anonymous_init(struct anonymous *a);
void anonymous_release(struct anonymous *a);

/* Appends the text: an absolute path becomes its last name, the host HOST and the user USER where they
 * stand as a word of their own. */
void anonymous_add(struct sb_buf *b, const struct anonymous *a, const char *text, size_t len);

#endif
