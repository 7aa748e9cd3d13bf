/* Manifests: their YAML, names and files, and what is refused. */
#include "k8s/internal.h"
#include "k8s/yaml.h"
#include "k8s_fixture.h"

/* ---- YAML ------------------------------------------------------------------------------------ */

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
        {"a\r\nb\n", "\"a\\r\\nb\\n\"\n"},
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

/* A hash of other text makes another name, and no text more than DNS takes. */
static void test_name(void **state) {
    (void)state;
    static const struct {
        const char *text, *of, *want;
    } cases[] = {
        {"Strix_Halo.2", "a", "strix-halo-2-ca978112"},
        {"Strix_Halo.2", "b", "strix-halo-2-3e23e816"},
        {"--a--B--", "a", "a-b-ca978112"},
        {"日本", "a", "stratobench-ca978112"},
        {"abcdefghij-abcdefghij-abcdefghij-abcdefghij-abcdefghij-abcdefghi", "a",
         "abcdefghij-abcdefghij-abcdefghij-abcdefghij-abcdefghij-ca978112"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *name = k8s_name(cases[i].text, cases[i].of);
        assert_string_equal(name, cases[i].want);
        assert_true(strlen(name) <= 63);
        free(name);
    }
}

/* A config of one prompt by that path. */
static int files_of(const char *given, const char *text, struct k8s_files *ret,
                    struct sb_buf *error) {
    struct sb_prompt prompt = {.given = (char *)given, .text = (char *)text};
    struct sb_config c = {.file = (char *)"m.ini", .prompts = &prompt, .bench.n_prompts = 1};
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

/* ---- what is refused ------------------------------------------------------------------------- */

static void expect_usage_error(const char *const *args, const char *text) {
    command_expect(&sb_cmd_k8s, args, SB_EXIT_USAGE, text);
}

static void test_usage(void **state) {
    (void)state;
    expect_usage_error(ARGS("--image", "i"), "no config file");
    expect_usage_error(ARGS("m.ini", "--image", ""), "--image needs");
    expect_usage_error(ARGS("m.ini", "--imag", "i", "--imagex"), "did you mean --image?");
    expect_usage_error(ARGS("m.ini", "--ttl", "1d"), "'1d' is no number from 0 to 2e+09 (--ttl)");
    expect_usage_error(ARGS("m.ini", "--results", "claim"), "claim");
    expect_usage_error(ARGS("m.ini", "--models-claim", "m", "--models-host-path", "/m"),
                       "give one of them");
    expect_usage_error(ARGS("/nonexistent.ini"), "/nonexistent.ini: No such file");
    expect_usage_error(ARGS(GOLDEN "models.ini", "--model", "nothing"),
                       "no model matches 'nothing'");
}

/* What the API server would refuse, each by its option. */
static void test_refused(void **state) {
    (void)state;
    static const struct {
        const char *option, *value, *want;
    } cases[] = {
        {"--image", "a b", "--image takes a name without blanks, not 'a b'"},
        {"--namespace", "Bench", "--namespace takes a-z, 0-9 and -"},
        {"--results-claim", "a_b", "--results-claim takes"},
        {"--results-claim", "a..b", "--results-claim takes"},
        {"--models-host-path", "/srv/../etc", "--models-host-path takes an absolute path"},
        {"--models-host-path", "models", "--models-host-path takes an absolute path"},
        {"--models-mount", "/mo:dels", "--models-mount takes an absolute path"},
        {"--device-path", "dev/kfd", "--device-path takes an absolute path"},
        {"--node", "a b", "--node takes a node's name"},
        {"--node-selector", "disk", "NAME=VALUE"},
        {"--node-selector", "-a=b", "--node-selector takes a label"},
        {"--label", "a=b c", "--label takes a label"},
        {"--label", "app.kubernetes.io/name=x", "is set by stratobench itself"},
        {"--toleration", "gpu:Never", "--toleration takes KEY"},
        {"--toleration", "gpu=a b", "--toleration takes KEY"},
        {"--request", "memory", "NAME=VALUE"},
        {"--request", "memory=96GiB", "--request takes NAME=AMOUNT"},
        {"--request", "memory=-1", "--request takes NAME=AMOUNT"},
        {"--request", "memory=0", "--request takes NAME=AMOUNT"},
        {"--limit", "cpu=1e", "--limit takes NAME=AMOUNT"},
        {"--device-resource", "amd.com/gpu=0.5", "--device-resource takes NAME=N"},
        {"--device-resource", "gpu=1", "--device-resource takes NAME=N"},
        {"--user", "root", "--user takes UID or UID:GID"},
        {"--group", "render", "--group takes a GID"},
        {"--device-path", "/tmp", "mount both /tmp and /tmp: one hides the other"},
        {"--device-path", "/results/x", "mount both /results and /results/x"},
        {"--models-host-path", "/config/models/", "mount both /config and /config/models"},
        {"--models-host-path", "/", "one hides the other"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_usage_error(ARGS(GOLDEN "models.ini", cases[i].option, cases[i].value),
                           cases[i].want);
    expect_usage_error(ARGS(GOLDEN "models.ini", "--request", "cpu=1500m", "--limit", "cpu=1"),
                       "--request cpu=1500m is more than --limit cpu=1");
    expect_usage_error(ARGS(GOLDEN "models.ini", "--limit", "cpu=2", "--limit", "cpu=1"),
                       "--limit cpu is there twice");
    expect_usage_error(
        ARGS(GOLDEN "models.ini", "--node", "a", "--node-selector", "kubernetes.io/hostname=a"),
        "give one of them");
}

/* `--model a` is matched against labels, too. */
static void test_ambiguous(void **state) {
    (void)state;
    char folder[] = "/tmp/test_k8s_XXXXXX", *config;
    assert_non_null(mkdtemp(folder));
    config = sb_asprintf("%s/m.ini", folder);
    const char ini[] = "[bench]\nprompt = m.ini\n[backend x]\nserver = s\n"
                       "[model a]\nlabel = x\npath = a\n[model b]\nlabel = a\npath = b\n";
    assert_int_equal(sb_file_replace(config, ini, sizeof ini - 1, NULL), 0);
    expect_usage_error(ARGS(config), ":8: the label of [model b] is the id of another model");
    unlink(config);
    rmdir(folder);
    free(config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_block),     cmocka_unit_test(test_name),
        cmocka_unit_test(test_files),     cmocka_unit_test(test_variables),
        cmocka_unit_test(test_usage),     cmocka_unit_test(test_refused),
        cmocka_unit_test(test_ambiguous),
    };
    return cmocka_run_group_tests(tests, set_models, NULL);
}
