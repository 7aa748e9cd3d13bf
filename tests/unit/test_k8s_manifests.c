/* Manifests: what is printed. */
#include "k8s/internal.h"
#include "k8s_fixture.h"

/* The manifests of a config of that text; what was said on standard error as well. */
static char *manifests(const char *ini, const char *const *args, struct sb_buf *said) {
    char folder[] = "/tmp/test_k8s_XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *config = sb_asprintf("%s/m.ini", folder), *out = sb_asprintf("%s/m.yaml", folder);
    const char *all[COMMAND_MAX_ARGS] = {config, "-o", out};
    struct sb_buf text = SB_BUF_INIT(64 << 20);
    for (size_t i = 0; args[i]; i++)
        all[3 + i] = args[i];
    assert_int_equal(sb_file_replace(config, ini, strlen(ini), NULL), 0);
    struct command_outcome o = command_run(&sb_cmd_k8s, all);
    if (o.rc != SB_EXIT_OK)
        fail_msg("%s", sb_buf_str(&o.text));
    *said = o.text;
    assert_int_equal(sb_file_read(out, &text, NULL), 0);
    unlink(config);
    unlink(out);
    rmdir(folder);
    free(config);
    free(out);
    return sb_buf_detach(&text);
}

#define MODELS                                                                                     \
    "[backend gpu]\nserver = s\n[backend cpu]\nserver = s\ndevice = none\n"                        \
    "[model a]\npath = /m/a.gguf\n[model b]\npath = /m/b.gguf\nbackends = cpu\n"

/* As many as `n` of that text, and none more. */
static void expect_count(const char *in, const char *text, size_t n) {
    size_t found = 0;
    for (const char *s = in; (s = strstr(s, text)); s += strlen(text))
        found++;
    if (found != n)
        fail_msg("%zu of \"%s\", not %zu", found, text, n);
}

/* A config beside its prompt, which must travel. */
static char *of_config(const char *bench, const char *const *args) {
    char *ini = sb_asprintf("[bench]\nprompt = m.ini\n%s" MODELS, bench);
    struct sb_buf errors;
    char *text = manifests(ini, args, &errors);
    assert_string_equal(sb_buf_str(&errors), "");
    sb_buf_release(&errors);
    free(ini);
    return text;
}

static char *first_name(const char *text) {
    const char *name = strstr(text, "name: \"") + strlen("name: \"");
    return sb_strndup(name, strcspn(name, "\""));
}

/* Nothing that is measured otherwise goes by the same name; nothing else changes one. */
static void test_names_tell_apart(void **state) {
    (void)state;
    const struct {
        const char *bench;
        const char *const *args;
        bool same;
    } cases[] = {
        {"", ARGS("--image", "i"), true},
        {"", ARGS("--image", "i", "--ttl", "60"), true},
        {"", ARGS("--image", "i", "--model", "a"), true},
        {"", ARGS("--image", "i2"), false},
        {"runs = 4\n", ARGS("--image", "i"), false},
        {"", ARGS("--image", "i", "--again", "new-driver"), false},
    };
    char *first = of_config("", cases[0].args), *name = first_name(first);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = of_config(cases[i].bench, cases[i].args), *other = first_name(text);
        assert_int_equal(strcmp(name, other) == 0, cases[i].same);
        free(text);
        free(other);
    }
    /* Jobs that say something else have other names, too. */
    char *other = of_config("", ARGS("--image", "i", "--backend", "cpu")),
         *job = strstr(first, "\"m-a-"), *job_name = sb_strndup(job, strcspn(job + 1, "\"") + 2);
    assert_null(strstr(other, job_name));
    free(job_name);
    free(other);
    free(first);
    free(name);
}

static void test_jobs(void **state) {
    (void)state;
    char *text = of_config("", ARGS("--image", "i"));
    expect_count(text, "kind: Job", 2);
    expect_count(text, "\"--log-results\"", 2);
    assert_true(strstr(text, "kind: ConfigMap") < strstr(text, "kind: Job"));
    free(text);
    text = of_config("", ARGS("--one-job", "--node", "x", "--node", "y", "--model", "?"));
    expect_count(text, "kind: Job", 2);
    expect_count(text, "\"kubernetes.io/hostname\": \"x\"", 0);
    expect_count(text, "kubernetes.io/hostname: \"x\"", 1);
    expect_count(text, "- \"--model\"\n            - \"?\"", 2);
    free(text);
    text = of_config("", ARGS("--results-claim", "r"));
    expect_count(text, "--log-results", 0);
    free(text);
    text = of_config("", ARGS("--results-claim", "r", "--results", "log"));
    expect_count(text, "\"--log-results\"", 2);
    free(text);
}

/* Devices go to the Jobs that have a use for them, by whatever option they come. */
static void test_resources(void **state) {
    (void)state;
    char *text = of_config("", ARGS("--request", "amd.com/gpu=1", "--device-path", "/dev/dri/",
                                    "--device-path", "/dev/kfd"));
    expect_count(text, "\"amd.com/gpu\": \"1\"", 1);
    expect_count(text, "privileged: true", 1);
    expect_count(text, "runAsNonRoot: true", 1);
    expect_count(text, "path: \"/dev/dri\"\n            type: Directory", 1);
    expect_count(text, "path: \"/dev/kfd\"\n            type: CharDevice", 1);
    expect_count(text, "\"memory\": \"1Gi\"", 2);
    free(text);
    text = of_config("", ARGS("--limit", "memory=96Gi", "--limit", "cpu=16"));
    expect_count(text, "requests:", 0);
    expect_count(text, "\"memory\": \"96Gi\"", 2);
    free(text);
}

/* What can be measured within the time-outs of the config is never cut: 900 s to begin with, then
 * for each cell and launch a load, 5 runs a point (two requests where there is a depth), two
 * for answers, a stop. */
static void test_deadline(void **state) {
    (void)state;
    const char *bench = "runs = 3\nwarmup = 2\nload_timeout = 100\nrun_timeout = 10\n"
                        "depths = 0 64\nlaunches = 2\ncooldown = 1\n";
    char *text = of_config(bench, ARGS("--image", "i"));
    int launch = 100 + 60 + 3 * 5 * 11 + 2 * 3 * 10, a = 900 + 2 * 2 * launch, b = 900 + 2 * launch;
    char *pod_a = sb_asprintf("      activeDeadlineSeconds: %d\n", a),
         *pod_b = sb_asprintf("      activeDeadlineSeconds: %d\n", b),
         *job = sb_asprintf("\n  activeDeadlineSeconds: %d\n", a + b);
    expect_count(text, pod_a, 1);
    expect_count(text, pod_b, 1);
    expect_count(text, job, 2);
    free(pod_a);
    free(pod_b);
    free(job);
    free(text);
    text = of_config(bench, ARGS("--deadline", "60"));
    expect_count(text, "      activeDeadlineSeconds: 60\n", 2);
    free(text);
    /* Two prompts; as many runs and as long a pause as `until` and `auto` may take. */
    const struct sb_config most = {.load_timeout_s = 100,
                                   .run_timeout_s = 10,
                                   .bench = {.until = 0.02,
                                             .runs = 3,
                                             .max_runs = 7,
                                             .launches = 1,
                                             .n_prompts = 2,
                                             .n_depths = 1,
                                             .depths = (int[]){0},
                                             .cooldown_s = SB_COOLDOWN_AUTO}};
    assert_true(k8s_deadline_s(&most, 1) == 900 + 100 + 60 + 2 * 7 * 610);
    /* Runs at each number of requests at once; answers at one alone. */
    struct sb_config slots = most;
    slots.answers = 32;
    slots.bench.slots = (int[]){1, 2, 4};
    slots.bench.n_slots = 3;
    assert_true(k8s_deadline_s(&slots, 1) == 900 + 100 + 60 + 3 * 2 * 7 * 610 + 2 * 2 * 10);
}

static void test_secret(void **state) {
    (void)state;
    setenv("K8S_API_KEY", "hunter2", 1);
    struct sb_buf errors;
    char *text = manifests("[bench]\nprompt = m.ini\n[backend x]\nserver = s\n"
                           "env = KEY=${K8S_API_KEY}\n[model a]\npath = /m/a.gguf\n",
                           ARGS("--secret", "keys"), &errors);
    assert_null(strstr(text, "hunter2"));
    expect_count(text,
                 "secretKeyRef:\n                  name: \"keys\"\n"
                 "                  key: \"K8S_API_KEY\"",
                 1);
    assert_non_null(strstr(sb_buf_str(&errors), "warning: K8S_API_KEY looks secret"));
    /* Nor does a name of it say whether two secrets are the same. */
    setenv("K8S_API_KEY", "hunter3", 1);
    sb_buf_release(&errors);
    char *other = manifests("[bench]\nprompt = m.ini\n[backend x]\nserver = s\n"
                            "env = KEY=${K8S_API_KEY}\n[model a]\npath = /m/a.gguf\n",
                            ARGS("--secret", "keys"), &errors);
    assert_string_equal(text, other);
    free(other);
    unsetenv("K8S_API_KEY");
    sb_buf_release(&errors);
    free(text);
}

/* `kubectl apply` refuses what its annotation does not hold: said before anything is made. */
static void test_large(void **state) {
    (void)state;
    struct sb_buf ini = SB_BUF_INIT(MAX_BYTES), errors;
    sb_buf_adds(&ini, "[bench]\nprompt = m.ini\n" MODELS);
    while (ini.len < 140 << 10)
        sb_buf_adds(&ini, "# padding\n");
    char *text = manifests(sb_buf_str(&ini), ARGS("--image", "i"), &errors);
    assert_non_null(strstr(sb_buf_str(&errors), "use `kubectl apply --server-side`"));
    sb_buf_release(&ini);
    sb_buf_release(&errors);
    free(text);
}

/* ---- whole files ----------------------------------------------------------------------------- */

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

/* The option sets whose manifests are held against the API's own schema (integration/schema). */
static void test_golden(void **state) {
    (void)state;
    expect_golden("k8s/plugin.yaml",
                  ARGS("--image", "registry.example/stratobench:1", "--results-claim", "results",
                       "--models-claim", "models", "--namespace", "bench", "--request",
                       "memory=96Gi", "--device-resource", "amd.com/gpu=1", "--node-selector",
                       "kubernetes.io/hostname=strix", "--ttl", "3600", "--group", "992"),
                  "");
    expect_golden("k8s/device-paths.yaml",
                  ARGS("--image", "i", "--results-claim", "r", "--results", "log",
                       "--models-host-path", "/srv/models", "--name", "Two Devices",
                       "--device-path", "/dev/kfd", "--device-path", "/dev/dri", "--model",
                       "Big_*"),
                  "warning: " GOLDEN "models.ini:18: /models/big.gguf is not in /srv/models, where "
                  "the Jobs see the models\n");
    expect_golden("k8s/one-job.yaml",
                  ARGS("--one-job", "--node", "strix-1", "--node", "strix-2", "--limit",
                       "memory=96Gi", "--limit", "cpu=16", "--toleration", "gpu=amd:NoSchedule",
                       "--toleration", "batch", "--label", "kueue.x-k8s.io/queue-name=bench",
                       "--models-host-path", "/models/", "--deadline", "7200", "--user",
                       "1000:2000", "--again", "2026-11-24"),
                  "");
    expect_golden("k8s/defaults.yaml", ARGS("--model", "Big_*"), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_tell_apart), cmocka_unit_test(test_jobs),
        cmocka_unit_test(test_resources),        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_secret),           cmocka_unit_test(test_large),
        cmocka_unit_test(test_golden),
    };
    return cmocka_run_group_tests(tests, set_models, NULL);
}
