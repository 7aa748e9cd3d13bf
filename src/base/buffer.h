/* For those who fill a buffer by themselves. */
#ifndef STRATOBENCH_BUFFER_H
#define STRATOBENCH_BUFFER_H

#include "stratobench/base.h"

/* Room for `more` bytes and a NUL, whatever the limit is. */
void sb_buf_reserve(struct sb_buf *b, size_t more);

#endif
