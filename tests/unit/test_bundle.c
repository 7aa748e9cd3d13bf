#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/anonymous.h"
#include "app/cmd.h"
#include "command.h"

static void expect(const char *text, const char *want) {
    const struct anonymous a = {.host = "strix", .user = "jane"};
    struct sb_buf b = SB_BUF_INIT(1 << 16);
    anonymous_add(&b, &a, text, strlen(text));
    assert_string_equal(sb_buf_str(&b), want);
    sb_buf_release(&b);
}

static void test_paths(void **state) {
    (void)state;
    expect("\"path\": \"/models/a/b.gguf\"", "\"path\": \"b.gguf\"");
    expect("-m /home/jane/x.gguf, and /dev/dri/renderD128.", "-m x.gguf, and renderD128.");
    expect("HOME=/home/jane cd /home/else", "HOME=~ cd ~");
    expect("/opt/jane/jane", "USER");
    expect("422.6 tok/s at 1/2, http://127.0.0.1:8080/health /", "422.6 tok/s at 1/2, "
                                                                 "http://127.0.0.1:8080/health /");
    expect("end\\n/opt/x/y\\nstrix", "end\\ny\\nHOST");
    expect("", "");
}

static void test_names(void **state) {
    (void)state;
    expect("strix: jane@strix.lan janet strixhalo", "HOST: USER@HOST.lan janet strixhalo");
}

static char *listing_of(const char *archive, const char *what) {
    char *command = sb_asprintf("tar %s %s | sort", what, archive);
    struct sb_buf b = SB_BUF_INIT(1 << 20);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    for (int c; (c = fgetc(out)) != EOF;)
        sb_buf_add(&b, &(char){(char)c}, 1);
    assert_int_equal(pclose(out), 0);
    free(command);
    return sb_buf_detach(&b);
}

/* All that a run left is in it, in one folder, of nobody's, without a path; what stands stays. */
static void test_bundle(void **state) {
    (void)state;
    char folder[] = "/tmp/test_bundle_XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *json = sb_asprintf("%s/r.json", folder), *logs = sb_asprintf("%s/r.logs", folder);
    char *log = sb_asprintf("%s/a.log", logs), *archive = sb_asprintf("%s/r.tar.gz", folder);
    struct sb_buf b = SB_BUF_INIT(1 << 20), error = SB_BUF_INIT(1 << 16);
    assert_int_equal(sb_file_read(SOURCE_DIR "/tests/golden/measured.json", &b, &error), 0);
    assert_int_equal(sb_file_write(json, sb_buf_str(&b), b.len, &error), 0);
    assert_int_equal(mkdir(logs, 0755), 0);
    assert_int_equal(sb_file_write(log, "at /a/b/c\n", 10, &error), 0);
    command_expect(&sb_cmd_bundle, ARGS(json), SB_EXIT_OK, "written: ");
    char *names = listing_of(archive, "tf");
    assert_non_null(strstr(names, "r/\nr/logs/\nr/logs/a.log\nr/results.csv\nr/results.html\n"
                                  "r/results.json\nr/results.md\n"));
    char *copied = listing_of(archive, "xOf");
    assert_non_null(strstr(copied, "at c\n"));
    assert_null(strstr(copied, "/a/b/"));
    command_expect(&sb_cmd_bundle, ARGS(json), SB_EXIT_USAGE, "was not written by stratobench");
    unlink(log);
    rmdir(logs);
    unlink(json);
    unlink(archive);
    assert_int_equal(rmdir(folder), 0);
    char *const owned[] = {json, logs, log, archive, names, copied};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    sb_buf_release(&b);
    sb_buf_release(&error);
}

int main(void) {
    const struct CMUnitTest all[] = {cmocka_unit_test(test_paths), cmocka_unit_test(test_names),
                                     cmocka_unit_test(test_bundle)};
    return cmocka_run_group_tests(all, NULL, NULL);
}
