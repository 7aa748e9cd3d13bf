/* The real page cache, and the room on a disk. */
#include <fcntl.h>
#include <linux/magic.h>
#include <math.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host_fixture.h"

enum { FILE_BYTES = 8 << 20 };

static void write_file(const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    char *data = sb_alloc(FILE_BYTES, 1);
    memset(data, 'x', FILE_BYTES);
    assert_int_equal(write(fd, data, FILE_BYTES), FILE_BYTES);
    assert_int_equal(fsync(fd), 0);
    close(fd);
    free(data);
}

static void read_file(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    char *data = sb_alloc(FILE_BYTES, 1);
    assert_int_equal(read(fd, data, FILE_BYTES), FILE_BYTES);
    close(fd);
    free(data);
}

static void evict_half(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(posix_fadvise(fd, FILE_BYTES / 2, FILE_BYTES / 2, POSIX_FADV_DONTNEED), 0);
    close(fd);
}

static void test_cached_share_and_evict(void **state) {
    char *path = sb_asprintf("%s/model.gguf", (const char *)*state);
    write_file(path);
    read_file(path);
    assert_true(sb_host_cached_share(path) > 0.99);

    struct statfs fs;
    assert_int_equal(statfs(path, &fs), 0);
    double share = sb_host_evict(path);
    assert_true(share == sb_host_cached_share(path));
    if (fs.f_type == TMPFS_MAGIC) { /* there the cache is the file */
        assert_true(share > 0.99);
    } else {
        assert_true(share < 0.05);
        read_file(path); /* not half of it: how far the kernel reads ahead is its own affair */
        evict_half(path);
        share = sb_host_cached_share(path);
        assert_true(share > 0.45 && share < 0.55);
    }
    free(path);
}

static void test_cached_share_unknown(void **state) {
    assert_true(isnan(sb_host_cached_share("/no/such/file")));
    assert_true(isnan(sb_host_evict("/no/such/file")));
    assert_true(isnan(sb_host_cached_share(*state))); /* a folder */
    char *empty = sb_asprintf("%s/empty", (const char *)*state);
    put(*state, "/empty", "");
    assert_true(isnan(sb_host_cached_share(empty)));
    free(empty);
}

/* A file of someone else's that we may only read: the kernel would say "all cached". */
static void test_cached_share_of_others(void **state) {
    if (geteuid() != 0)
        skip();
    char *path = sb_asprintf("%s/model.gguf", (const char *)*state);
    write_file(path);
    int fd = open(path, O_RDONLY | O_CLOEXEC); /* the folders above may be closed to others */
    char *link = sb_asprintf("/proc/self/fd/%d", fd);
    pid_t child = fork();
    if (child == 0) {
        bool unknown = setuid(65534) == 0 && isnan(sb_host_cached_share(link));
        free(link);
        free(path);
        _exit(unknown ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(fd);
    free(link);
    free(path);
}

static void test_disk_free(void **state) {
    char *deep = sb_asprintf("%s/not/made/yet.json", (const char *)*state);
    assert_true(sb_host_disk_free(deep) > 0);
    assert_true(sb_host_disk_free("no-such-file.json") > 0);
    assert_int_equal(sb_host_disk_free("/proc/self"), 0);
    free(deep);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_ROOT(test_cached_share_and_evict),
        IN_ROOT(test_cached_share_unknown),
        IN_ROOT(test_cached_share_of_others),
        IN_ROOT(test_disk_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
