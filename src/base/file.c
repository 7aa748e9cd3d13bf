#include "buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- reading ------------------------------------------------------------------------------- */

/* Reads straight into the buffer. */
static int read_into(const char *path, struct sb_buf *b) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = 0;
    while (rc == 0) {
        sb_buf_reserve(b, 65536);
        size_t most = b->cap - b->len - 1, room = b->limit - b->len;
        ssize_t n = read(fd, b->data + b->len, most > room ? room + 1 : most);
        if (n == 0)
            break;
        if (n < 0) {
            rc = errno == EINTR ? 0 : -errno;
        } else if ((size_t)n > room) {
            b->len = b->limit;
            b->overflow = true;
            rc = -EFBIG;
        } else {
            b->len += (size_t)n;
        }
    }
    if (b->data)
        b->data[b->len] = '\0';
    close(fd);
    return rc;
}

int sb_file_read(const char *path, struct sb_buf *ret, struct sb_buf *error) {
    int rc = read_into(path, ret);
    if (rc == -EFBIG && error)
        sb_buf_addf(error, "%s: larger than the %zu bytes this program reads", path, ret->limit);
    else if (rc < 0 && error)
        sb_buf_addf(error, "%s: %s", path, strerror(-rc));
    return rc;
}

/* ---- writing ------------------------------------------------------------------------------- */

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

/* Where a path leads through symbolic links, also to a file that is not there yet. The caller
 * frees; NULL: round in circles. */
static char *follow_links(const char *path) {
    enum { MOST = 40 }; /* as the kernel */
    char target[PATH_MAX], *at = sb_strdup(path);
    for (int i = 0; i < MOST; i++) {
        ssize_t n = readlink(at, target, sizeof target - 1);
        if (n < 0)
            return at;
        target[n] = '\0';
        const char *slash = target[0] == '/' ? NULL : strrchr(at, '/');
        char *next =
            slash ? sb_asprintf("%.*s/%s", (int)(slash - at), at, target) : sb_strdup(target);
        free(at);
        at = next;
    }
    free(at);
    return NULL;
}

static bool names_a_folder(const char *path) {
    const char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;
    return *last == '\0' || strcmp(last, ".") == 0 || strcmp(last, "..") == 0;
}

/* What stands at `path` now: *ret_there says whether anything does. The kernel is asked to follow
 * the links, so that one which another user planted in /tmp is refused. 0 or -errno. */
static int look_at(const char *path, struct stat *ret, bool *ret_there) {
    *ret_there = stat(path, ret) == 0;
    if (!*ret_there && errno != ENOENT)
        return -errno;
    if (*path == '\0')
        return -ENOENT;
    return names_a_folder(path) || (*ret_there && S_ISDIR(ret->st_mode)) ? -EISDIR : 0;
}

/* As the file that it takes the place of. Only root may give a file away; for others it stays
 * theirs, and the mode counts. */
static int take_after(int fd, const struct stat *old) {
    if (old->st_uid != geteuid() || old->st_gid != getegid())
        (void)!fchown(fd, old->st_uid, old->st_gid);
    return fchmod(fd, old->st_mode & 0777) < 0 ? -errno : 0;
}

/* `old`: what it takes the place of, or NULL. */
static int replace(const char *path, const struct stat *old, const void *data, size_t len) {
    char *temporary = sb_asprintf("%s.tmp", path);
    /* What a killed program left is swept away; a link planted there is not followed. */
    int rc = unlink(temporary) < 0 && errno != ENOENT ? -errno : 0;
    int fd = rc < 0 ? -1 : open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (rc == 0)
        rc = fd < 0 ? -errno : write_all(fd, data, len);
    if (rc == 0 && old)
        rc = take_after(fd, old);
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
    free(temporary);
    return rc;
}

static int write_into(const char *path, const void *data, size_t len) {
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    int rc = write_all(fd, data, len);
    return close(fd) < 0 && rc == 0 ? -errno : rc;
}

static int report(const char *path, int rc, struct sb_buf *error) {
    if (rc < 0)
        sb_buf_addf(error, "%s: cannot be written: %s", path, strerror(-rc));
    return rc;
}

int sb_file_replace(const char *path, const void *data, size_t len, struct sb_buf *error) {
    struct stat old;
    bool there;
    int rc = look_at(path, &old, &there);
    if (rc < 0)
        return report(path, rc, error);
    if (there && !S_ISREG(old.st_mode)) {
        sb_buf_addf(error, "%s: is no regular file", path);
        return -ENOTSUP;
    }
    char *target = follow_links(path);
    rc = target ? replace(target, there ? &old : NULL, data, len) : -ELOOP;
    free(target);
    return report(path, rc, error);
}

int sb_file_write(const char *path, const void *data, size_t len, struct sb_buf *error) {
    struct stat old;
    bool there;
    int rc = look_at(path, &old, &there);
    if (rc == 0 && there && !S_ISREG(old.st_mode))
        return report(path, write_into(path, data, len), error);
    return rc < 0 ? report(path, rc, error) : sb_file_replace(path, data, len, error);
}
