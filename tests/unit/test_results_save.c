/* Saving results: the file is the old one or the new one, whatever happens. */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "results_json.h"

static char folder[] = "/tmp/test_results_XXXXXX";

static int make_folder(void **state) {
    *state = mkdtemp(folder);
    return *state ? 0 : -1;
}

/* A test, since a tear-down that fails fails no program. */
static void no_other_file_is_left(void **state) {
    (void)state;
    static const char *const names[] = {"r.json", "r.json.tmp", "victim"};
    for (size_t i = 0; i < COUNT(names); i++) {
        char *path = sb_asprintf("%s/%s", folder, names[i]);
        unlink(path);
        free(path);
    }
    assert_int_equal(rmdir(folder), 0);
}

static void saving_replaces_the_file_whole(void **state) {
    (void)state;
    struct sb_results r = one_cell(sb_run_empty()), back;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    char *path = sb_asprintf("%s/r.json", folder), *temporary = sb_asprintf("%s.tmp", path);
    char *victim = sb_asprintf("%s/victim", folder);
    struct stat before, after;
    mode_t mask = umask(022);
    assert_int_equal(sb_results_save(&r, path, &error), 0);
    umask(mask);
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(before.st_mode & 0777, 0644);

    /* A leftover of a killed program, and were it a link that someone planted. */
    assert_int_equal(symlink(victim, temporary), 0);
    r.bench.ctx = 4096;
    assert_int_equal(sb_results_save(&r, path, &error), 0);
    assert_int_equal(access(victim, F_OK), -1);
    assert_int_equal(access(temporary, F_OK), -1);
    assert_int_equal(stat(path, &after), 0);
    assert_true(before.st_ino != after.st_ino); /* never written in place */
    assert_int_equal(sb_results_load(path, &back, &error), 0);
    assert_int_equal(back.bench.ctx, 4096);
    sb_results_release(&back);
    sb_results_release(&r);
    free(path);
    free(temporary);
    free(victim);
}

/* The limit on a file's size fails write() in the middle, as a full disk does. */
static void a_full_disk_keeps_the_old_file(void **state) {
    (void)state;
    struct sb_results r = one_cell(sb_run_empty());
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    char *path = sb_asprintf("%s/r.json", folder), *temporary = sb_asprintf("%s.tmp", path);
    assert_int_equal(sb_results_save(&r, path, &error), 0);
    char *old = read_text(path);
    r.cells[0].detail = sb_alloc(20000, 1);
    memset(r.cells[0].detail, 'x', 19999);
    struct rlimit limit, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = (struct rlimit){8192, limit.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int rc = sb_results_save(&r, path, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(rc, -EFBIG);
    char *message = sb_asprintf("%s: cannot be written: File too large", path);
    assert_string_equal(sb_buf_str(&error), message);
    assert_int_equal(access(temporary, F_OK), -1);
    char *now = read_text(path);
    assert_string_equal(now, old);
    sb_results_release(&r);
    sb_buf_release(&error);
    free(message);
    free(now);
    free(old);
    free(path);
    free(temporary);
}

static void saving_where_it_cannot(void **state) {
    (void)state;
    struct sb_results r = one_cell(sb_run_empty());
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    assert_int_equal(sb_results_save(&r, "/nonexistent/r.json", &error), -ENOENT);
    assert_string_equal(sb_buf_str(&error),
                        "/nonexistent/r.json: cannot be written: No such file or directory");
    sb_buf_release(&error);
    assert_int_equal(sb_results_save(&r, "/proc/r.json", &error), -ENOENT);
    sb_buf_release(&error);
    assert_int_equal(sb_results_save(&r, folder, &error), -EISDIR); /* a folder has that name */
    char *temporary = sb_asprintf("%s.tmp", folder);
    assert_int_equal(access(temporary, F_OK), -1);
    free(temporary);
    sb_buf_release(&error);
    sb_results_release(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saving_replaces_the_file_whole),
        cmocka_unit_test(a_full_disk_keeps_the_old_file),
        cmocka_unit_test(saving_where_it_cannot),
        cmocka_unit_test(no_other_file_is_left),
    };
    return cmocka_run_group_tests(tests, make_folder, NULL);
}
