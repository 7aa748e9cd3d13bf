#include "stratobench/base.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const char *data, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* So that the rename itself survives a power loss. Some file systems refuse to fsync a folder;
 * the file is whole all the same. */
static void sync_folder_of(const char *path) {
    char *copy = sb_strdup(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    free(copy);
}

int sb_file_replace(const char *path, const void *data, size_t len, struct sb_buf *error) {
    char *temporary = sb_asprintf("%s.tmp", path);
    /* What a killed program left is swept away; a link planted there is not followed. */
    int rc = unlink(temporary) < 0 && errno != ENOENT ? -errno : 0;
    int fd = rc < 0 ? -1 : open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (rc == 0)
        rc = fd < 0 ? -errno : write_all(fd, data, len);
    if (rc == 0 && fsync(fd) < 0)
        rc = -errno;
    if (fd >= 0 && close(fd) < 0 && rc == 0)
        rc = -errno;
    if (rc == 0 && rename(temporary, path) < 0)
        rc = -errno;
    if (rc == 0)
        sync_folder_of(path);
    else if (fd >= 0)
        unlink(temporary);
    if (rc < 0)
        sb_buf_addf(error, "%s: cannot be written: %s", path, strerror(-rc));
    free(temporary);
    return rc;
}
