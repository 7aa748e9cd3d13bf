#include "command.h"
#include "golden.h"
#include "k8s/files.h"
#include "k8s/yaml.h"
#include "stratobench/k8s.h"

#define GOLDEN GOLDEN_DIR "k8s/"
enum { MAX_BYTES = 1 << 20 };

/* ---- YAML ------------------------------------------------------------------------------------ */

static void test_string(void **state) {
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", "\"\""},
        {"yes", "\"yes\""},
        {"a \"b\" \\ 'c' # d: {e} é 日本", "\"a \\\"b\\\" \\\\ 'c' # d: {e} é 日本\""},
        {"a\nb\tc\r\x1b\x7f", "\"a\\nb\\tc\\u000d\\u001b\\u007f\""},
        {"\xc2\x85 \xe2\x80\xa8 \xef\xbb\xbf \xef\xbf\xbf", "\"\\u0085 \\u2028 \\ufeff \\uffff\""},
        {"\xff\xc3", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sb_buf b = SB_BUF_INIT(MAX_BYTES);
        yaml_add_string(&b, cases[i].text);
        assert_string_equal(sb_buf_str(&b), cases[i].want);
        sb_buf_release(&b);
    }
}

static void test_block(void **state) {
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"a\n", "|2+\n    a\n"},
        {"a", "|2-\n    a\n"},
        {"  a: b\n\n\n# c\n\n", "|2+\n      a: b\n\n\n    # c\n\n"},
        {"", "\"\"\n"},
        {" \n\n", "\" \\n\\n\"\n"},
        {"a\r\nb\n", "\"a\\u000d\\nb\\n\"\n"},
        {"a\xe2\x80\xa9", "\"a\\u2029\"\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sb_buf b = SB_BUF_INIT(MAX_BYTES);
        yaml_add_block(&b, cases[i].text, 2);
        assert_string_equal(sb_buf_str(&b), cases[i].want);
        sb_buf_release(&b);
    }
}

/* ---- names and files ------------------------------------------------------------------------- */

static void expect_name(const char *text, const char *want) {
    char *name = sb_k8s_name(text);
    assert_string_equal(name, want);
    free(name);
}

static void test_name(void **state) {
    (void)state;
    expect_name("Strix_Halo.2", "strix-halo-2");
    expect_name("--a--B--", "a-b");
    expect_name("日本", "stratobench");
    expect_name("", "stratobench");
    expect_name("abcdefghij-abcdefghij-abcdefghij-abcdefghij-abcdefghij-abcdefghi",
                "abcdefghij-abcdefghij-abcdefghij-abcdefghij-abcdefghij-67da96e1");
}

/* A config of one prompt by that path. */
static int files_of(const char *given, const char *text, struct k8s_files *ret,
                    struct sb_buf *error) {
    struct sb_prompt prompt = {.given = (char *)given, .text = (char *)text};
    struct sb_config c = {.file = (char *)"m.ini", .prompts = &prompt, .n_prompts = 1};
    return k8s_files_of(&c, "", ret, error);
}

static void test_files(void **state) {
    (void)state;
    static const struct {
        const char *given, *config, *prompt;
    } cases[] = {
        {"p.txt", "models.ini", "p.txt"},
        {"./a//b/../p.txt", "models.ini", "a/p.txt"},
        {"../p/p.txt", "config/models.ini", "p/p.txt"},
        {"a/../../../p.txt", "config/config/models.ini", "p.txt"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct k8s_files f;
        assert_int_equal(files_of(cases[i].given, "x", &f, NULL), 0);
        assert_string_equal(f.item[0].path, cases[i].config);
        assert_string_equal(f.item[1].path, cases[i].prompt);
        k8s_files_release(&f);
    }
    struct k8s_files f;
    assert_int_equal(files_of(NULL, "built in", &f, NULL), 0); /* the image holds it, too */
    assert_int_equal(f.n, 1);
    assert_string_equal(f.item[0].path, "models.ini");
    k8s_files_release(&f);
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    assert_true(files_of("/etc/p.txt", "x", &f, &error) < 0);
    assert_non_null(strstr(sb_buf_str(&error), "m.ini: the prompt /etc/p.txt does not travel"));
    k8s_files_release(&f);
    char *large = sb_alloc((2 << 20) + 1, 1);
    memset(large, 'x', 2 << 20);
    assert_true(files_of("p.txt", large, &f, &error) < 0);
    assert_non_null(strstr(sb_buf_str(&error), "a ConfigMap holds 1048576"));
    k8s_files_release(&f);
    free(large);
    sb_buf_release(&error);
}

static void test_variables(void **state) {
    (void)state;
    struct sb_strv names = {0};
    setenv("K8S_A", "", 1);
    k8s_variables_of("${K8S_A} $K8S_B ${K8S_A}${K8S_MODELS} ${UNSET_X} ${} ${K8S_A", &names);
    assert_int_equal(names.n, 2);
    assert_string_equal(names.item[0], "K8S_A");
    assert_string_equal(names.item[1], "K8S_MODELS");
    sb_strv_release(&names);
}

/* ---- the command ----------------------------------------------------------------------------- */

static void expect_usage_error(const char *const *args, const char *text) {
    command_expect(&sb_cmd_k8s, args, SB_EXIT_USAGE, text);
}

static void test_usage(void **state) {
    (void)state;
    expect_usage_error(ARGS("--image", "i", "--results-claim", "r"), "no config file");
    expect_usage_error(ARGS("m.ini", "--image", "", "--results-claim", "r"), "--image needs");
    expect_usage_error(ARGS("m.ini", "--imag", "i", "--imagex"), "did you mean --image?");
    expect_usage_error(ARGS("m.ini", "--request", "cpu"), "NAME=VALUE");
    expect_usage_error(ARGS("m.ini", "--image", "i", "--results-claim", "r", "--ttl", "1d"),
                       "'1d' is no number from 0 to 2e+09 (--ttl)");
    expect_usage_error(ARGS("m.ini", "--image", "i", "--results-claim", "r", "--models-claim", "m",
                            "--models-host-path", "/m"),
                       "give one of them");
    expect_usage_error(ARGS("/nonexistent.ini", "--image", "i", "--results-claim", "r"),
                       "/nonexistent.ini: No such file");
    expect_usage_error(
        ARGS(GOLDEN "models.ini", "--image", "i", "--results-claim", "r", "--model", "nothing"),
        "no model matches 'nothing'");
}

static void expect_golden(const char *name, const char *const *args, const char *warning) {
    char path[] = "/tmp/test_k8s_XXXXXX";
    const char *all[COMMAND_MAX_ARGS] = {GOLDEN "models.ini", "-o", path};
    struct sb_buf got = SB_BUF_INIT(MAX_BYTES);
    close(mkstemp(path));
    for (size_t i = 0; args[i]; i++)
        all[3 + i] = args[i];
    struct command_outcome o = command_run(&sb_cmd_k8s, all);
    assert_int_equal(o.rc, SB_EXIT_OK);
    assert_string_equal(sb_buf_str(&o.text), warning);
    assert_int_equal(sb_file_read(path, &got, NULL), 0);
    golden_expect(name, sb_buf_str(&got));
    unlink(path);
    sb_buf_release(&o.text);
    sb_buf_release(&got);
}

static void test_golden(void **state) {
    (void)state;
    expect_golden("k8s/plugin.yaml",
                  ARGS("--image", "registry.example/stratobench:1", "--results-claim", "results",
                       "--models-claim", "models", "--namespace", "bench", "--request",
                       "memory=96Gi", "--device-resource", "amd.com/gpu=1", "--node-selector",
                       "kubernetes.io/hostname=strix", "--ttl", "3600"),
                  "");
    expect_golden("k8s/device-paths.yaml",
                  ARGS("--image", "i", "--results-claim", "r", "--models-host-path", "/srv/models",
                       "--name", "Two Devices", "--device-path", "/dev/kfd", "--device-path",
                       "/dev/dri", "--model", "Big_*"),
                  "warning: " GOLDEN "models.ini:18: /models/big.gguf is not in /srv/models, where "
                  "the Jobs see the models\n");
    expect_golden("k8s/defaults.yaml", ARGS("--model", "Big_*"), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_string), cmocka_unit_test(test_block),
        cmocka_unit_test(test_name),   cmocka_unit_test(test_files),
        cmocka_unit_test(test_usage),  cmocka_unit_test(test_variables),
        cmocka_unit_test(test_golden),
    };
    setenv("K8S_MODELS", "/models", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
