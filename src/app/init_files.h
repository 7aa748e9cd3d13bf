/* Files of a search: walking folders, and names that a config can hold. */
#ifndef STRATOBENCH_INIT_FILES_H
#define STRATOBENCH_INIT_FILES_H

#include <sys/stat.h>

#include "stratobench/base.h"

/* The path from the root; the caller frees. */
char *init_absolute(const char *path);
/* False the second time for the same file, whatever link led to it. */
bool init_is_new(struct sb_index *seen, const struct stat *st);

/* Can a config name it? Not with control characters, bytes that are no UTF-8, or quotes of both
 * kinds. */
bool init_is_plain(const char *text);
/* Appends `text` as the value of a key, in quotes where it needs them; init_is_plain holds. */
void init_add_value(struct sb_buf *b, const char *text);

/* PREFIX-00002-of-00003.gguf: not the file that is named to load them all. */
bool init_is_later_shard(const char *name);
/* The bytes of a model's file name before -00001-of-00003 and .gguf. */
size_t init_stem_length(const char *name);

/* Calls `found` for every *.gguf file below `folder`, by name, at most `levels` folders down.
 * Hidden folders are left out, links to folders followed, each folder once. */
void init_walk(const char *folder, int levels,
               void (*found)(void *arg, const char *path, const struct stat *st), void *arg);

#endif
