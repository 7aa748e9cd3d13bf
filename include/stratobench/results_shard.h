/* Shards: results on their way through a log, among other lines, of several processes at once.
 *
 * Every line of a shard begins with its mark, "stratobench:ID", ID being the first 16 digits of the
 * sha256 of the JSON, so that nothing that stands between or before the lines (another stream, a
 * prefix, a time) breaks it, and a shard that is not whole is known. */
#ifndef STRATOBENCH_RESULTS_SHARD_H
#define STRATOBENCH_RESULTS_SHARD_H

#include "stratobench/results.h"

/* Appends the JSON of results as marked lines; `name` says whose they are, in one word. */
void sb_shard_print(const struct sb_results *r, const char *name, struct sb_buf *ret);

struct sb_shards {
    struct sb_strv name; /* of each whole shard, in the order they ended */
    struct sb_strv json;
    struct sb_strv remarks; /* sentences on shards that are cut or there twice */
};
/* Whether a text has a shard in it. */
bool sb_shards_begin(const char *log, size_t len);
/* Of the shards that one process left one after the other the last whole one is taken. */
void sb_shards_read(const char *log, size_t len, struct sb_shards *ret);
void sb_shards_release(struct sb_shards *s);

#endif
