/* What the files that ask a server share. Private to the room. */
#ifndef STRATOBENCH_LLAMA_CLIENT_H
#define STRATOBENCH_LLAMA_CLIENT_H

#include <cjson/cJSON.h>

#include "stratobench/llama.h"

/* Fills in a failure (takes the reason; the detail may be NULL); -1. */
int llama_fail(struct sb_llama_failure *f, char *reason, const char *detail);
/* 0 for a whole reply with status 200; of anything else makes a failure and returns -1. `what`
 * names the operation: "run", "/tokenize". */
int llama_check_reply(const struct sb_endpoint *at, const char *what, double timeout_s,
                      const struct sb_http_reply *reply, struct sb_llama_failure *f);
/* A small GET. NULL and *f on failure; the caller deletes it. */
cJSON *llama_ask(const struct sb_endpoint *at, const char *path, struct sb_llama_failure *f);

#endif
