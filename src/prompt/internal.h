/* What the files of the room share. */
#ifndef STRATOBENCH_PROMPT_INTERNAL_H
#define STRATOBENCH_PROMPT_INTERNAL_H

#include "stratobench/prompt.h"

enum { PROMPT_SEED = 1 };

/* Of a prompt that holds a picture. */
struct sb_request prompt_picture_request(const struct sb_prepared *p, size_t nonce, int n_predict);

#endif
