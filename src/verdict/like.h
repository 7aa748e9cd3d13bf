/* Like with like: the line under a verdict that names the settings in which its backends differ. */
#ifndef SB_LIKE_H
#define SB_LIKE_H

#include "stratobench/text.h"
#include "stratobench/verdict.h"

/* "Not like with like: KV cache (ROCm q4_0; Vulkan, CPU f16).", a paragraph; nothing where all
 * that is known is the same. */
void sb_like_with_like(const struct sb_rank *r, enum sb_style style, struct sb_buf *ret);

#endif
