/* The page cache: what part of a model's file is in memory already. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stratobench/host.h"

/* A model has up to 100 GB: looked at through a window, so that the answer stays small. */
enum { WINDOW_BYTES = 256 << 20 };

/* Since Linux 5.2 mincore tells the truth only to those who own or may write the file, and
 * everybody else that all of it is cached. */
static bool mincore_is_true(int fd, const struct stat *st) {
    if (geteuid() == 0 || geteuid() == st->st_uid)
        return true;
    char path[64];
    int n = snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return n > 0 && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

/* Pages of fd in the cache, or -1. */
static long long resident_pages(int fd, off_t size, size_t page) {
    unsigned char *vec = sb_alloc(WINDOW_BYTES / page, 1);
    long long resident = 0;
    for (off_t at = 0; at < size && resident >= 0; at += WINDOW_BYTES) {
        size_t len = size - at < WINDOW_BYTES ? (size_t)(size - at) : (size_t)WINDOW_BYTES;
        void *map = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, at);
        if (map == MAP_FAILED) {
            resident = -1;
            break;
        }
        if (mincore(map, len, vec) == 0) {
            for (size_t i = 0; i < (len + page - 1) / page; i++)
                resident += vec[i] & 1;
        } else {
            resident = -1;
        }
        munmap(map, len);
    }
    free(vec);
    return resident;
}

static double cached_share(int fd) {
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0 || !mincore_is_true(fd, &st))
        return NAN;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    long long pages = ((long long)st.st_size + (long long)page - 1) / (long long)page;
    long long resident = resident_pages(fd, st.st_size, page);
    return resident < 0 ? NAN : (double)resident / (double)pages;
}

double sb_host_cached_share(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    double share = fd < 0 ? NAN : cached_share(fd);
    if (fd >= 0)
        close(fd);
    return share;
}

double sb_host_evict(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return NAN;
    fdatasync(fd); /* dirty pages cannot be dropped */
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    double share = cached_share(fd);
    close(fd);
    return share;
}
