/* Where the results go: found wanting before anything is launched, or full in the middle; files
 * that are there already; two harnesses that want the same one. */
#include "box.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void two_backends(void) {
    BOX_CONFIG("", {"a", ""}, {"b", ""});
}

static bool exists(const char *path) {
    return access(path, F_OK) == 0;
}

/* Exit 2, one of the texts says why, no server was launched, nothing was written. */
static void expect_refused(int rc, const char *why) {
    assert_int_equal(rc, 2);
    box_has(box_read("err"), why);
    assert_false(exists("a.logs/m--a--1.log"));
    box_nothing_left();
}

static void run_once(void) {
    two_backends();
    assert_int_equal(SB(MEASURE), 0);
    assert_int_equal(box_run(ARGS("rm", "-r", "a.logs")), 0);
}

/* ---- before anything is launched ---------------------------------------------------------- */

static void a_missing_folder_is_found_first(void **state) {
    (void)state;
    two_backends();
    expect_refused(SB(MEASURE, "-o", "missing/a"), "missing/a.logs: No such file or directory");
    expect_refused(SB(MEASURE, "-o", "p.txt/a"), "p.txt/a.json: Not a directory");
}

static void a_folder_that_is_not_ours_is_found_first(void **state) {
    (void)state;
    two_backends();
    assert_int_equal(chmod(".", 0555), 0);
    int rc = box_wait(box_start_after(box_become_nobody, ARGS(STRATOBENCH, MEASURE)));
    assert_int_equal(chmod(".", 0755), 0);
    if (rc == 127) /* nobody may not even run what stands here */
        skip();
    expect_refused(rc, "a.logs: Permission denied");
}

static void a_folder_in_place_of_a_file_is_found_first(void **state) {
    (void)state;
    two_backends();
    for (const char *const *name = ARGS("a.json", "a.md"); *name; name++) {
        assert_int_equal(mkdir(*name, 0755), 0);
        expect_refused(SB(MEASURE, "--force"), box_text("%s: Is a directory", *name));
        assert_int_equal(rmdir(*name), 0);
    }
}

static void what_it_did_not_write_is_left_alone(void **state) {
    (void)state;
    two_backends();
    static const struct {
        const char *file, *text;
    } theirs[] = {
        {"a.md", "# My notes\n"}, {"a.svg", "<svg/>"}, {"a.json", "{\"name\": \"package\"}"}};
    for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++) {
        box_write(theirs[i].file, "%s", theirs[i].text);
        expect_refused(SB(MEASURE, "--force"),
                       box_text("%s: was not written by stratobench", theirs[i].file));
        assert_string_equal(box_read(theirs[i].file), theirs[i].text);
        assert_int_equal(unlink(theirs[i].file), 0);
    }
    box_write("a.svg", "<svg/>");
    BOX_CONFIG("chart = off\n", {"a", ""});
    assert_int_equal(SB(MEASURE), 0);
    assert_string_equal(box_read("a.svg"), "<svg/>");
    BOX_CONFIG("", {"a", ""});
    assert_int_equal(unlink("a.svg"), 0);
    assert_int_equal(SB(MEASURE, "--force"), 0); /* its own document */
}

/* Also where it looks like a document of ours. */
static void its_own_prompt_is_left_alone(void **state) {
    (void)state;
    run_once();
    char *document = box_read("a.md");
    assert_int_equal(unlink("p.txt"), 0);
    assert_int_equal(symlink("a.md", "p.txt"), 0);
    expect_refused(SB(MEASURE, "--force"), "a.md: belongs to what is measured");
    assert_string_equal(box_read("a.md"), document);
}

static void links_and_modes_stay(void **state) {
    (void)state;
    two_backends();
    struct stat st;
    assert_int_equal(mkdir("far", 0755), 0);
    assert_int_equal(symlink("far/a.json", "a.json"), 0);
    assert_int_equal(SB(MEASURE, "--backend", "a"), 0);
    assert_int_equal(chmod("far/a.json", 0640), 0);
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    assert_int_equal(lstat("a.json", &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(lstat("far/a.json", &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0640);
    box_expect_ok("m", "b");
}

/* Nothing blocks with its signals blocked, too. */
static void a_pipe_in_place_of_a_file_is_found_first(void **state) {
    (void)state;
    two_backends();
    for (const char *const *name = ARGS("a.json", "a.md", "a.svg"); *name; name++) {
        assert_int_equal(mkfifo(*name, 0600), 0);
        expect_refused(SB(MEASURE), box_text("%s: is no regular file", *name));
        assert_int_equal(unlink(*name), 0);
    }
}

static void a_stem_names_a_file(void **state) {
    (void)state;
    two_backends();
    for (const char *const *stem = ARGS("out/", ".", "..", "./..", "-", "/"); *stem; stem++)
        expect_refused(SB(MEASURE, "-o", *stem), "-o takes the begin of file names");
    expect_refused(SB(MEASURE, "-o", ""), "--output needs a value");
}

/* ---- results that are there --------------------------------------------------------------- */

static void results_are_not_overwritten_unasked(void **state) {
    (void)state;
    run_once();
    char *before = box_read("a.json");
    int rc = SB(MEASURE);
    expect_refused(rc, "--resume");
    box_has(box_read("err"), "--force");
    assert_string_equal(box_read("a.json"), before);

    assert_int_equal(SB(MEASURE, "--resume"), 0); /* nothing left to do: the same figures */
    assert_false(exists("a.logs/m--a--1.log"));
    box_expect_ok("m", "a");
    assert_int_equal(SB(MEASURE, "--force"), 0);
    assert_true(exists("a.logs/m--a--1.log"));
    box_expect_ok("m", "b");
    assert_int_equal(SB(MEASURE, "--force", "--resume"), 2);
}

static void a_damaged_file_is_named_with_the_place(void **state) {
    (void)state;
    run_once();
    char *whole = box_read("a.json");
    const struct {
        const char *text, *why;
    } damaged[] = {
        {box_text("%.*s", (int)strlen(whole) / 2, whole), "a.json:"},
        {"", "a.json:1:1: not valid JSON"},
        {"{\"schema\": \"stratobench/9\"}", "stratobench/9"},
        {"{\"schema\": \"stratobench/1\", \"bench\": {\"title\": 7}}", "bench.title"},
    };
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        box_write("a.json", "%s", damaged[i].text);
        for (const char *const *option = ARGS("--resume", "--quiet"); *option; option++) {
            expect_refused(SB(MEASURE, *option), damaged[i].why);
            box_has(box_read("err"), "--force would replace it");
            assert_string_equal(box_read("a.json"), damaged[i].text);
        }
    }
    assert_int_equal(SB(MEASURE, "--force"), 0);
    box_expect_ok("m", "a");
}

static void a_read_only_results_file_is_replaced_when_asked(void **state) {
    (void)state;
    run_once();
    assert_int_equal(chmod("a.json", 0444), 0);
    BOX_CONFIG("", {"a", ""}, {"b", ""}, {"c", ""});
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    box_expect_ok("m", "a");
    box_expect_ok("m", "c");
}

static void the_second_harness_on_a_stem_refuses(void **state) {
    (void)state;
    BOX_CONFIG("", {"a", "env = FAKE_MODE=hang\n"});
    pid_t first = box_start(ARGS(STRATOBENCH, MEASURE));
    box_await_server("a.logs/m--a--1.log", "task 1 ");
    char *log = box_read("a.logs/m--a--1.log");
    for (const char *const *option = ARGS("--resume", "--force"); *option; option++) {
        assert_int_equal(SB(MEASURE, *option), 2);
        box_has(box_read("err"), "another stratobench is writing a.json");
    }
    assert_string_equal(box_read("a.logs/m--a--1.log"), log);
    kill(first, SIGINT);
    assert_int_equal(box_wait(first), 130);
    two_backends(); /* and the lock is gone with it */
    assert_int_equal(SB(MEASURE, "--resume"), 0);
}

/* ---- full in the middle ------------------------------------------------------------------- */

/* The first cell is in the file, the rest was measured and could not be written. */
static void expect_last_good_file(int rc, const char *stem) {
    assert_int_equal(rc, 1);
    char *said = box_read("err");
    box_has(said, box_text("%s.json: cannot be written", stem));
    box_has(said, "the last good file stays; going on");
    box_has(said, "NOT everything is in it: ");
    box_has(box_read("out"), "m      c "); /* all was shown all the same */
    const struct sb_results *r = box_results(box_text("%s.json", stem));
    assert_int_equal(r->n_cells, 3);
    assert_int_equal(r->cells[0].status, SB_OK);
    assert_int_equal(r->cells[2].status, SB_PENDING);
    assert_false(exists(box_text("%s.json.tmp", stem)));
    box_nothing_left();
}

static void limit_file_sizes(void) {
    struct rlimit limit = {7000, 7000};
    if (setrlimit(RLIMIT_FSIZE, &limit))
        _exit(126);
}

static void a_file_size_limit_keeps_the_last_good_file(void **state) {
    (void)state;
    BOX_CONFIG("", {"a", ""}, {"b", ""}, {"c", ""});
    int rc = box_wait(box_start_after(limit_file_sizes, ARGS(STRATOBENCH, MEASURE)));
    expect_last_good_file(rc, "a");
}

/* The second server's log fills the disk. */
static void a_full_disk_keeps_the_last_good_file(void **state) {
    (void)state;
    BOX_CONFIG("", {"a", ""}, {"b", "env = FAKE_MODE=flood-stderr:1\n"}, {"c", ""});
    assert_int_equal(mkdir("small", 0755), 0);
    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("none", "small", "tmpfs", 0, "size=200k"))
        skip(); /* only root may */
    int rc = SB(MEASURE, "-o", "small/a");
    expect_last_good_file(rc, "small/a");
    assert_int_equal(box_run(ARGS("rm", "-r", "small/a.logs")), 0);
    assert_int_equal(SB(MEASURE, "-o", "small/b", "--backend", "a"), 0);
    assert_int_equal(SB(MEASURE, "-o", "small/a", "--resume", "--backend", "[ac]"), 0);

    assert_int_equal(box_run(ARGS("dd", "if=/dev/zero", "of=small/full")), 1);
    expect_refused(SB(MEASURE, "-o", "small/a", "--force"), "No space left on device");
    assert_int_equal(umount("small"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BOX(a_missing_folder_is_found_first),
        IN_BOX(a_folder_that_is_not_ours_is_found_first),
        IN_BOX(a_folder_in_place_of_a_file_is_found_first),
        IN_BOX(what_it_did_not_write_is_left_alone),
        IN_BOX(its_own_prompt_is_left_alone),
        IN_BOX(links_and_modes_stay),
        IN_BOX(a_pipe_in_place_of_a_file_is_found_first),
        IN_BOX(a_stem_names_a_file),
        IN_BOX(results_are_not_overwritten_unasked),
        IN_BOX(a_damaged_file_is_named_with_the_place),
        IN_BOX(a_read_only_results_file_is_replaced_when_asked),
        IN_BOX(the_second_harness_on_a_stem_refuses),
        IN_BOX(a_file_size_limit_keeps_the_last_good_file),
        IN_BOX(a_full_disk_keeps_the_last_good_file),
    };
    return BOX_RUN(tests);
}
