/* Files: read a whole one up to a limit; replace one atomically. */
#ifndef STRATOBENCH_FILE_H
#define STRATOBENCH_FILE_H

#include "stratobench/base.h"

/* Reads `path` whole into *ret (set its limit first; the caller releases). 0, or -errno with one
 * line "PATH: why" in `error`; -EFBIG when it is over the limit. */
int sb_file_read(const char *path, struct sb_buf *ret, struct sb_buf *error);

/* Writes a temporary file beside `path`, fsyncs it, renames it over `path`, fsyncs the folder:
 * `path` is the old file or the new one, whole, at every moment. 0, or -errno with one line in
 * `error`; then the old file is untouched and no temporary file is left. */
int sb_file_replace(const char *path, const void *data, size_t len, struct sb_buf *error);

#endif
