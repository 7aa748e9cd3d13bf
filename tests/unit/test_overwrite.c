/* What is written where: devices and pipes into, files of ours over, other files never; mode and
 * links stay. */
#include <sys/stat.h>
#include <sys/wait.h>

#include "app/overwrite.h"
#include "command.h"
#include "golden.h"

#define FLAGS_JSON GOLDEN_DIR "flags.json"
#define MODELS_INI GOLDEN_DIR "k8s/models.ini"

static char folder[] = "/tmp/test_overwrite_XXXXXX";

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? chdir(folder) : -1;
}

static int remove_folder(void **state) {
    (void)state;
    char *command = sb_asprintf("cd / && rm -rf %s", folder);
    int rc = system(command);
    free(command);
    return rc;
}

static void put(const char *path, const char *text) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void expect_text(const char *path, const char *want) {
    struct sb_buf b = SB_BUF_INIT(COMMAND_MAX_BYTES);
    assert_int_equal(sb_file_read(path, &b, NULL), 0);
    assert_string_equal(sb_buf_str(&b), want);
    sb_buf_release(&b);
}

static void report(const char *output, int rc, const char *said) {
    command_expect(&sb_cmd_report, ARGS(FLAGS_JSON, "-o", output), rc, said);
}

static void a_device_is_written_to_not_replaced(void **state) {
    (void)state;
    if (mknod("null", S_IFCHR | 0666, 1 << 8 | 3) != 0)
        skip(); /* only root may; and only root could replace it */
    report("null", SB_EXIT_OK, "");
    struct stat st;
    assert_int_equal(stat("null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
}

static void a_pipe_is_written_to(void **state) {
    (void)state;
    assert_int_equal(mkfifo("pipe", 0600), 0);
    pid_t reader = fork();
    if (reader == 0)
        _exit(system("cat pipe >piped") == 0 ? 0 : 1);
    report("pipe", SB_EXIT_OK, "");
    int status;
    assert_int_equal(waitpid(reader, &status, 0), reader);
    struct stat st;
    assert_int_equal(stat("pipe", &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    char *want = golden_read("flags.md");
    expect_text("piped", want);
    free(want);
}

static void a_dash_is_standard_output_in_every_command(void **state) {
    (void)state;
    command_expect(&sb_cmd_report, ARGS(FLAGS_JSON, "-o", "-"), SB_EXIT_OK, "# Flags\n");
    command_expect(&sb_cmd_plot, ARGS(FLAGS_JSON, "-o", "-"), SB_EXIT_OK, "<svg ");
    command_expect(&sb_cmd_k8s, ARGS(MODELS_INI, "-o", "-"), SB_EXIT_OK, "# stratobench: ");
    assert_int_not_equal(access("-", F_OK), 0);
}

static void what_names_no_file_is_refused(void **state) {
    (void)state;
    assert_int_equal(mkdir("out", 0755), 0);
    static const char *const names[] = {"/", ".", "..", "out", "out/", "new/", "out/.", "./out/.."};
    report("", SB_EXIT_USAGE, "--output needs a value");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        report(names[i], SB_EXIT_USAGE, "Is a directory");
    assert_int_equal(rmdir("out"), 0);
}

static void mode_and_links_are_kept(void **state) {
    (void)state;
    struct stat st;
    char *want = golden_read("flags.md"), to[64];
    assert_int_equal(mkdir("far", 0755), 0);
    put("far/real.md", "");
    assert_int_equal(chmod("far/real.md", 0640), 0);
    assert_int_equal(symlink("real.md", "far/link.md"), 0);
    assert_int_equal(symlink("far/link.md", "link.md"), 0);
    report("link.md", SB_EXIT_OK, "");
    assert_int_equal(readlink("link.md", to, sizeof to), strlen("far/link.md"));
    assert_int_equal(lstat("far/real.md", &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0640);
    expect_text("far/real.md", want);

    assert_int_equal(symlink("far/new.md", "dangling.md"), 0);
    report("dangling.md", SB_EXIT_OK, "");
    expect_text("far/new.md", want);
    assert_int_equal(symlink("round.md", "round.md"), 0);
    report("round.md", SB_EXIT_USAGE, "Too many levels of symbolic links");
    free(want);
}

static void the_owner_stays_the_owner(void **state) {
    (void)state;
    enum { NOBODY = 65534 };
    struct stat st;
    put("theirs.md", "");
    if (chown("theirs.md", NOBODY, NOBODY) != 0)
        skip(); /* only root may */
    report("theirs.md", SB_EXIT_OK, "");
    assert_int_equal(stat("theirs.md", &st), 0);
    assert_int_equal(st.st_uid, NOBODY);
    assert_int_equal(st.st_gid, NOBODY);
}

static void what_is_not_ours_is_not_written_over(void **state) {
    (void)state;
    put("notes.md", "# My notes\n");
    report("notes.md", SB_EXIT_USAGE, "notes.md: was not written by stratobench");
    expect_text("notes.md", "# My notes\n");
    put("chart.svg", "<svg/>");
    command_expect(&sb_cmd_plot, ARGS(FLAGS_JSON, "-o", "chart.svg"), SB_EXIT_USAGE,
                   "chart.svg: was not written by stratobench");
    put("jobs.yaml", "kind: Job\n");
    command_expect(&sb_cmd_k8s, ARGS(MODELS_INI, "-o", "jobs.yaml"), SB_EXIT_USAGE,
                   "jobs.yaml: was not written by stratobench");
    put("empty.md", "");
    report("empty.md", SB_EXIT_OK, "");
}

/* A document made of a results file must not take that file's place. */
static void results_are_no_document(void **state) {
    (void)state;
    char *results = golden_read("flags.json");
    put("results.json", results);
    report("results.json", SB_EXIT_USAGE, "was not written by");
    expect_text("results.json", results);
    assert_int_equal(sb_may_overwrite("results.json", SB_OURS_RESULTS, NULL), 0);
    free(results);
}

static const struct sb_option *option(const struct sb_command *c, const char *name) {
    const struct sb_option *o = c->options;
    while (strcmp(o->name, name) != 0)
        o++;
    return o;
}

/* Whatever a command can write, it can write again. */
static void every_form_is_known_as_ours(void **state) {
    (void)state;
    const char *const *format = option(&sb_cmd_report, "format")->choices;
    for (; *format; format++)
        for (int time = 0; time < 2; time++)
            command_expect(&sb_cmd_report, ARGS(FLAGS_JSON, "-f", *format, "-o", *format),
                           SB_EXIT_OK, "");
    for (int time = 0; time < 2; time++) {
        command_expect(&sb_cmd_plot, ARGS(FLAGS_JSON, "-o", "twice.svg"), SB_EXIT_OK, "");
        command_expect(&sb_cmd_k8s, ARGS(MODELS_INI, "-o", "twice.yaml"), SB_EXIT_OK, "");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_is_written_to_not_replaced),
        cmocka_unit_test(a_pipe_is_written_to),
        cmocka_unit_test(a_dash_is_standard_output_in_every_command),
        cmocka_unit_test(what_names_no_file_is_refused),
        cmocka_unit_test(mode_and_links_are_kept),
        cmocka_unit_test(the_owner_stays_the_owner),
        cmocka_unit_test(what_is_not_ours_is_not_written_over),
        cmocka_unit_test(results_are_no_document),
        cmocka_unit_test(every_form_is_known_as_ours),
    };
    setenv("K8S_MODELS", "/models", 1);
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
