#include <errno.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "stratobench/base.h"

static void buffer_stops_at_its_limit(void **state) {
    (void)state;
    struct sb_buf b = SB_BUF_INIT(10);
    assert_int_equal(sb_buf_adds(&b, "12345678"), 0);
    assert_int_equal(sb_buf_adds(&b, "9abc"), -EFBIG);
    assert_string_equal(sb_buf_str(&b), "123456789a");
    assert_true(b.overflow);
    sb_buf_release(&b);
    assert_string_equal(sb_buf_str(&b), "");
}

static void formatted_text_fits_or_is_cut(void **state) {
    (void)state;
    struct sb_buf b = SB_BUF_INIT(400);
    for (size_t n = 1; n <= 300; n += 13) { /* around the first size and beyond it */
        b.len = 0;
        assert_int_equal(sb_buf_addf(&b, "%0*d", (int)n, 7), 0);
        assert_int_equal(b.len, n);
        assert_int_equal(strlen(sb_buf_str(&b)), n);
    }
    assert_false(b.overflow);
    assert_int_equal(sb_buf_addf(&b, "%0200d", 7), -EFBIG);
    assert_int_equal(b.len, 400);
    assert_int_equal(strlen(sb_buf_str(&b)), 400);
    assert_true(b.overflow);
    sb_buf_release(&b);
    char *text = sb_asprintf("%01000d|", 7);
    assert_int_equal(strlen(text), 1001);
    assert_string_equal(text + 998, "07|");
    free(text);
}

static void integers_are_printed_whole(void **state) {
    (void)state;
    static const long long numbers[] = {0, 7, -1, 10, -1234567890, LLONG_MAX, LLONG_MIN};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct sb_buf b = SB_BUF_INIT(64);
        char want[32];
        snprintf(want, sizeof want, "%lld", numbers[i]);
        sb_buf_add_integer(&b, numbers[i]);
        assert_string_equal(sb_buf_str(&b), want);
        sb_buf_release(&b);
    }
}

static void files_are_read_whole_or_cut(void **state) {
    (void)state;
    char path[] = "/tmp/test_base_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    for (int i = 0; i < 30000; i++)
        dprintf(fd, "%09d\n", i);
    close(fd);
    struct sb_buf whole = SB_BUF_INIT(300000), cut = SB_BUF_INIT(299999);
    sb_buf_adds(&cut, "before");
    assert_int_equal(sb_file_read(path, &whole, NULL), 0);
    assert_int_equal(whole.len, 300000);
    assert_false(whole.overflow);
    assert_string_equal(sb_buf_str(&whole) + 299980, "000029998\n000029999\n");
    assert_int_equal(sb_file_read(path, &cut, NULL), -EFBIG);
    assert_int_equal(cut.len, 299999);
    assert_true(cut.overflow);
    assert_memory_equal(sb_buf_str(&cut), "before000000000\n", 16);
    assert_string_equal(sb_buf_str(&cut) + 299986, "000029998\n000");
    assert_int_equal(sb_file_read(path, &whole, NULL), -EFBIG);
    unlink(path);
    assert_int_equal(sb_file_read(path, &whole, NULL), -ENOENT);
    assert_int_equal(sb_file_read("/tmp", &whole, NULL), -EISDIR);
    sb_buf_release(&whole);
    sb_buf_release(&cut);
    /* An empty file is an empty text. */
    assert_int_equal(sb_file_read("/dev/null", &whole, NULL), 0);
    assert_string_equal(sb_buf_str(&whole), "");
    sb_buf_release(&whole);
}

static void time_left_never_wraps(void **state) {
    (void)state;
    assert_int_equal(sb_poll_ms(sb_now_s() - 1), 0);
    assert_int_equal(sb_poll_ms(-INFINITY), 0);
    assert_int_equal(sb_poll_ms(INFINITY), INT_MAX);
    assert_int_equal(sb_poll_ms(sb_now_s() + 1e9), INT_MAX);
    assert_in_range(sb_poll_ms(sb_now_s() + 1000), 1, 1000000);
}

static void printable_neutralises_control_and_broken_utf8(void **state) {
    (void)state;
    struct sb_buf b = SB_BUF_INIT(1000);
    /* ESC, C1 CSI as UTF-8, a lone continuation byte, an overlong slash, a real character. */
    const char text[] = "a\x1b[31m\xc2\x9b|\x80|\xc0\xaf|\xc3\xa9\n";
    sb_buf_add_printable(&b, text, sizeof text - 1);
    assert_string_equal(sb_buf_str(&b), "a\xef\xbf\xbd[31m\xef\xbf\xbd|\xef\xbf\xbd|"
                                        "\xef\xbf\xbd\xef\xbf\xbd|\xc3\xa9\n");
    sb_buf_release(&b);
}

static void printable_neutralises_what_turns_the_direction(void **state) {
    (void)state;
    struct sb_buf b = SB_BUF_INIT(1000);
    /* RIGHT-TO-LEFT OVERRIDE, LINE SEPARATOR, RIGHT-TO-LEFT ISOLATE; joiner and em dash stay. */
    const char text[] = "a\u202eb\u2028c\u2067d\u200de\u2014";
    sb_buf_add_printable(&b, text, sizeof text - 1);
    assert_string_equal(sb_buf_str(&b), "a\ufffdb\ufffdc\ufffdd\u200de\u2014");
    sb_buf_release(&b);
}

static void a_string_of_json_is_one_of_yaml(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", "\"\""},
        {"a \"b\" \\ é 日本", "\"a \\\"b\\\" \\\\ é 日本\""},
        {"\b\t\n\v\f\r\x1b\x7f", "\"\\b\\t\\n\\u000b\\f\\r\\u001b\\u007f\""},
        {"\xc2\x85\u2028\ufeff\xf0\x9f\x9a\x80", "\"\\u0085\\u2028\\ufeff\xf0\x9f\x9a\x80\""},
        {"\xff\xc3", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sb_buf b = SB_BUF_INIT(1000);
        sb_buf_add_json(&b, cases[i][0]);
        assert_string_equal(sb_buf_str(&b), cases[i][1]);
        sb_buf_release(&b);
    }
}

static void nearest_finds_a_slip_and_nothing_far(void **state) {
    (void)state;
    const char *const names[] = {"report", "run", "rank"};
    assert_string_equal(sb_nearest("reprot", names, 3), "report");
    assert_string_equal(sb_nearest("rnk", names, 3), "rank");
    assert_null(sb_nearest("benchmark", names, 3));
    assert_string_equal(sb_nearest("rt", names, 3), "report"); /* short for it */
}

static void names_tell_secrets(void **state) {
    (void)state;
    static const char *const secret[] = {"HF_TOKEN",
                                         "HUGGING_FACE_HUB_TOKEN",
                                         "AMD_API_KEY",
                                         "VK_PASSWORD",
                                         "PGPASSWORD",
                                         "db_pass",
                                         "AWS_SECRET_ACCESS_KEY",
                                         "GITHUB_PAT",
                                         "OPENAI_APIKEY",
                                         "BASIC_AUTH=x",
                                         "hf-token",
                                         "api-key",
                                         "MY_PWD",
                                         "GOOGLE_CREDENTIALS"};
    static const char *const plain[] = {"HOME",
                                        "PWD",
                                        "OLDPWD",
                                        "KEY_FILE",
                                        "TOKENIZERS_PARALLELISM",
                                        "MAX_TOKENS",
                                        "ssl-key-file",
                                        "KEYBOARD",
                                        "PATH",
                                        "n=HF_TOKEN",
                                        "COMPASS",
                                        ""};
    for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
        if (!sb_env_is_secret(secret[i]))
            fail_msg("%s is a secret", secret[i]);
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (sb_env_is_secret(plain[i]))
            fail_msg("%s is no secret", plain[i]);
}

static void secrets_are_not_shown(void **state) {
    (void)state;
    static const char *const env[][2] = {{"HF_TOKEN=abc", "HF_TOKEN=(secret)"},
                                         {"HF_TOKEN=", "HF_TOKEN="},
                                         {"A=b=c", "A=b=c"},
                                         {"P=http://u:p@host:1/x", "P=(secret)"},
                                         {"P=http://host/@x", "P=http://host/@x"}};
    for (size_t i = 0; i < sizeof env / sizeof *env; i++) {
        char *shown = sb_env_shown(env[i][0]);
        assert_string_equal(shown, env[i][1]);
        free(shown);
    }
    static const char *const argv[][2] = {{"llama-server", "llama-server"},
                                          {"--hf-token", "--hf-token"},
                                          {"abc", "(secret)"},
                                          {"--api-key=abc", "--api-key=(secret)"},
                                          {"-hft", "-hft"},
                                          {"abc", "(secret)"},
                                          {"--threads", "--threads"},
                                          {"4", "4"},
                                          {"https://u:p@h/m", "(secret)"}};
    struct sb_strv v = {0};
    for (size_t i = 0; i < sizeof argv / sizeof *argv; i++)
        sb_strv_add(&v, argv[i][0]);
    sb_argv_hide_secrets(&v);
    for (size_t i = 0; i < sizeof argv / sizeof *argv; i++)
        assert_string_equal(v.item[i], argv[i][1]);
    sb_strv_release(&v);
}

static void a_url_says_which_machine(void **state) {
    (void)state;
    static const char *const good[][2] = {
        {"http://10.0.0.5:8080", "10.0.0.5"},
        {"https://shelf", "shelf"},
        {"http://[::1]:1", "[::1]"},
        {"https://gate.example:8443/rocm/a", "gate.example/rocm/a"}, /* each may lead elsewhere */
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char *address = sb_url_address(good[i][0]);
        assert_null(sb_url_problem(good[i][0]));
        assert_string_equal(address, good[i][1]);
        free(address);
    }
    static const char *const bad[] = {
        "",
        "10.0.0.5:8080",
        "ftp://x",
        "http://",
        "http://:80",
        "http://x:0",
        "http://x:65536",
        "http://x:8o",
        "http://x:",
        "http://x:80:80",
        "http://x/v1",
        "http://x y",
        "http://x/?q=1",
        "http://x#y",
        "http://[::1:80",
        "http://u:p@x",
        "https://key@x:1/",
        "http://x:+80",
        "http://x:000000080",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!sb_url_problem(bad[i]))
            fail_msg("taken: %s", bad[i]);
}

static void strv_is_null_terminated(void **state) {
    (void)state;
    struct sb_strv v = {0};
    sb_strv_add(&v, "a");
    sb_strv_take(&v, sb_asprintf("%d", 7));
    assert_int_equal(v.n, 2);
    assert_null(v.item[2]);
    assert_true(sb_strv_has(&v, "7"));
    assert_false(sb_strv_has(&v, "b"));
    for (size_t n = v.n; n < 1000; n++) { /* through every growth of the room */
        assert_null(v.item[v.n]);
        sb_strv_take(&v, sb_asprintf("%zu", n));
        assert_int_equal(v.n, n + 1);
    }
    assert_string_equal(v.item[0], "a");
    assert_string_equal(v.item[999], "999");
    sb_strv_release(&v);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffer_stops_at_its_limit),
        cmocka_unit_test(formatted_text_fits_or_is_cut),
        cmocka_unit_test(integers_are_printed_whole),
        cmocka_unit_test(files_are_read_whole_or_cut),
        cmocka_unit_test(time_left_never_wraps),
        cmocka_unit_test(printable_neutralises_control_and_broken_utf8),
        cmocka_unit_test(printable_neutralises_what_turns_the_direction),
        cmocka_unit_test(a_string_of_json_is_one_of_yaml),
        cmocka_unit_test(nearest_finds_a_slip_and_nothing_far),
        cmocka_unit_test(names_tell_secrets),
        cmocka_unit_test(secrets_are_not_shown),
        cmocka_unit_test(a_url_says_which_machine),
        cmocka_unit_test(strv_is_null_terminated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
