/* What `init` writes of what was found: ids, labels, quotes, comments; and how it looks for files.
 * That `check` accepts it and `run` measures with it: tests/integration/test_init.c, live/init. */
#include "golden.h"

#include <sys/stat.h>
#include <unistd.h>

#include "app/init_files.h"
#include "app/init_write.h"
#include "stratobench/config.h"

#define LENGTH(a) (sizeof(a) / sizeof *(a))

static struct init_server server(const char *path, const char *version, const char *devices) {
    struct init_server s = {.path = sb_strdup(path), .build.version = sb_strdup(version)};
    if (devices) {
        sb_llama_parse_devices(devices, strlen(devices), &s.build);
        s.build.devices_known = true;
    }
    return s;
}

static struct init_model model(const char *path, const char *name, const char *quantization,
                               uint64_t bytes) {
    return (struct init_model){sb_strdup(path),
                               {.name = sb_strdup(name),
                                .architecture = sb_strdup("llama"),
                                .quantization = sb_strdup(quantization),
                                .file_bytes = bytes,
                                .total_params = 8e9,
                                .n_shards = 1}};
}

static struct init_found found(const struct init_server *servers, size_t n_servers,
                               const struct init_model *models, size_t n_models) {
    struct init_found f = {0};
    for (; f.n_servers < n_servers; f.n_servers++) {
        f.servers = sb_grow(f.servers, f.n_servers, sizeof *f.servers);
        f.servers[f.n_servers] = servers[f.n_servers];
    }
    for (; f.n_models < n_models; f.n_models++) {
        f.models = sb_grow(f.models, f.n_models, sizeof *f.models);
        f.models[f.n_models] = models[f.n_models];
    }
    return f;
}

/* The text is a config that says what the plan says. */
static void expect_accepted(const struct init_plan *p, const struct sb_buf *text) {
    struct sb_config c;
    struct sb_buf errors = SB_BUF_INIT(SB_ERR_MAX);
    if (sb_config_parse("models.ini", sb_buf_str(text), text->len, NULL, &c, &errors) < 0)
        fail_msg("%s\nin:\n%s", sb_buf_str(&errors), sb_buf_str(text));
    assert_int_equal(c.n_backends, p->n_backends);
    assert_true(c.n_models < p->n_models); /* the last is left out */
    for (size_t i = 0; i < c.n_backends; i++) {
        assert_string_equal(c.backends[i].label, p->backends[i].label);
        assert_string_equal(c.backends[i].command.item[0], p->backends[i].server->path);
    }
    for (size_t i = 0; i < c.n_models; i++) {
        assert_string_equal(c.models[i].label, p->models[i].label);
        assert_string_equal(c.models[i].path, p->models[i].model->path);
    }
    sb_config_release(&c);
}

static const char radeon[] =
    "Available devices:\n"
    "  Vulkan0: AMD Radeon(TM) 8060S Graphics (RADV GFX1151) (98304 MiB, 97000 MiB free)\n";

static void everything_at_once(void **state) {
    (void)state;
    const struct init_server servers[] = {
        server("/opt/llama-rocm/bin/llama-server", "6040 (66625a59)",
               "  ROCm0: AMD Radeon Graphics (98304 MiB, 97000 MiB free)\n"),
        server("/opt/llama-vulkan/bin/llama-server", "0.7.0 (build 11669, commit x)", radeon),
        server("/home/me/llama.cpp/build-vulkan/bin/llama-server", "0.6.9 (build 11000, commit y)",
               radeon),
        server("/opt/llama cpu/bin/llama-server", "0.7.0 (build 11669, commit x)",
               "  BLAS: OpenBLAS (0 MiB, 0 MiB free)\n"),
        server("/opt/llama-old/bin/llama-server", "4000 (abcdef12)", NULL),
    };
    struct init_model models[] = {
        model("/m/Llama-3.3-70B-Q8_0-00001-of-00002.gguf", "Llama 3.3 70B Instruct", "Q8_0",
              75ULL << 30),
        model("/m/again/llama-3.3-70b-q8_0.gguf", "Llama 3.3 70B Instruct", "Q8_0", 75ULL << 30),
        model("/m/Qwen3 # 8B.gguf", "Qwen3 8B Q4_K_M", "Q4_K_M", 5ULL << 30),
        model("/m/it's.gguf", NULL, "F16", 5ULL << 30),
        model("/m/quoted.gguf", "\"both\" of 'them'", "F16", 5ULL << 30),
        model("/m/huge.gguf", "Huge", "F16", 500ULL << 30),
    };
    models[0].gguf.n_shards = 2;
    models[2].gguf.n_ctx_train = 4096;
    struct init_found f = found(servers, LENGTH(servers), models, LENGTH(models));
    sb_strv_add(&f.left_out, "/m/cut.gguf: truncated\nby \x1b[2J somebody");
    sb_strv_add(&f.containers, "llama-vulkan (localhost/llama:vulkan)");
    struct init_plan p;
    struct sb_buf text = SB_BUF_INIT(SB_CONFIG_MAX_BYTES);
    init_plan_make(&f, (const char *const[]){"HSA_OVERRIDE_GFX_VERSION=11.5.1", "HOME=/x", NULL},
                   &p);
    for (size_t i = 0; i < p.n_backends; i++)
        p.models[5].refused[i] = sb_strdup("needs ~500 GiB, memory available: ~96 GiB");
    p.models[1].refused[0] = sb_strdup("needs ~100 GiB, ROCm0: ~96 GiB");
    init_write(&p, "models.ini", &text);
    golden_expect("init.ini", sb_buf_str(&text));
    expect_accepted(&p, &text);
    sb_buf_release(&text);
    init_plan_release(&p);
    init_found_release(&f);
}

static void labels_of(const struct init_server *servers, size_t n, const char *const *labels) {
    struct init_model m = model("/m/m.gguf", "M", "F16", 1);
    struct init_found f = found(servers, n, &m, 1);
    struct init_plan p;
    init_plan_make(&f, NULL, &p);
    for (size_t i = 0; i < p.n_backends; i++) {
        assert_non_null(labels[i]);
        assert_string_equal(p.backends[i].label, labels[i]);
    }
    assert_null(labels[p.n_backends]);
    init_plan_release(&p);
    init_found_release(&f);
}

static void labels_say_what_differs(void **state) {
    (void)state;
    /* two drivers for one GPU in one build */
    struct init_server one =
        server("/usr/bin/llama-server", "0.7.0 (build 11669, commit x)",
               "  Vulkan0: AMD Radeon 8060S (AMDVLK) (98304 MiB, 97000 MiB free)\n"
               "  Vulkan1: AMD Radeon 8060S (RADV GFX1151) (98304 MiB, 97000 MiB free)\n");
    labels_of(
        &one, 1,
        (const char *const[]){"Vulkan0 (Radeon 8060S)", "Vulkan1 (Radeon 8060S)", "CPU", NULL});
    /* the same build twice: the folder tells */
    const struct init_server twins[] = {
        server("/opt/a/bin/llama-server", "0.7.0 (build 11669, commit x)", radeon),
        server("/home/me/llama.cpp/build/bin/llama-server", "0.7.0 (build 11669, commit x)",
               radeon)};
    labels_of(twins, 2,
              (const char *const[]){"Vulkan (Radeon 8060S), a", "Vulkan (Radeon 8060S), llama.cpp",
                                    "CPU", NULL});
    /* nothing tells: a number does */
    const struct init_server same[] = {server("/a/bin/llama-server", NULL, "  (none)\n"),
                                       server("/b/a/bin/llama-server", NULL, "  (none)\n")};
    labels_of(same, 2, (const char *const[]){"CPU, a", "CPU, a 2", NULL});
}

static void a_value_is_read_as_it_was_written(void **state) {
    (void)state;
    static const char *const values[] = {"plain",  "two words", "a #b",      "# a",
                                         " edge ", "it's ;",    "say \"x\"", "${HOME}",
                                         "$HOME",  "a;b='",     "\"x\"",     "ümlaut"};
    for (size_t i = 0; i < LENGTH(values); i++) {
        struct sb_buf b = SB_BUF_INIT(4096), errors = SB_BUF_INIT(SB_ERR_MAX);
        struct sb_config c;
        assert_true(init_is_plain(values[i]));
        sb_buf_adds(&b, "[backend b]\nserver = x\n[model m]\npath = x\nlabel = ");
        init_add_value(&b, values[i]);
        sb_buf_adds(&b, "\n");
        setenv("HOME", "/x", 1);
        if (sb_config_parse("t.ini", sb_buf_str(&b), b.len, NULL, &c, &errors) < 0)
            fail_msg("%s%s", sb_buf_str(&b), sb_buf_str(&errors));
        assert_string_equal(c.models[0].label, values[i]);
        sb_config_release(&c);
        sb_buf_release(&b);
    }
    static const char *const impossible[] = {"'\"", "'${X}", "a\nb", "a\tb", "\x1b[2J", "caf\xe9"};
    for (size_t i = 0; i < LENGTH(impossible); i++)
        assert_false(init_is_plain(impossible[i]));
}

static void shards_are_known_by_their_names(void **state) {
    (void)state;
    assert_true(init_is_later_shard("m-00002-of-00003.gguf"));
    assert_false(init_is_later_shard("m-00001-of-00003.gguf"));
    assert_false(init_is_later_shard("m-2-of-3.gguf"));
    assert_false(init_is_later_shard("x.gguf"));
    assert_int_equal(init_stem_length("m-00001-of-00003.gguf"), 1);
    assert_int_equal(init_stem_length("model.gguf"), 5);
}

/* ---- the walk ----------------------------------------------------------------------------- */

static void note(void *arg, const char *path, const struct stat *st) {
    assert_true(S_ISREG(st->st_mode));
    sb_buf_addf(arg, "%s ", strchr(path + 1, '/') + 1); /* below /tmp */
}

static void folders_are_walked_once_and_not_too_deep(void **state) {
    (void)state;
    char folder[] = "/tmp/test_init.XXXXXX";
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(system("mkdir -p a/b/c .hidden blobs && touch z.gguf a/y.GGUF a/b/c/deep.gguf "
                            "blobs/x a/no.txt .hidden/h.gguf a/.gguf && ln -s .. a/loop && "
                            "ln -s ../blobs/x a/link.gguf && ln -s nowhere a/gone.gguf && "
                            "mkfifo a/fifo.gguf"),
                     0);
    struct sb_buf seen = SB_BUF_INIT(4096);
    init_walk(folder, 2, note, &seen);
    char *want = sb_asprintf("%1$s/a/link.gguf %1$s/a/y.GGUF %1$s/z.gguf ", folder + 5);
    assert_string_equal(sb_buf_str(&seen), want);
    char *here = init_absolute("."), *below = init_absolute("./a");
    assert_string_equal(here, folder);
    assert_string_equal(below + strlen(folder), "/a");
    char *remove = sb_asprintf("rm -r %s", folder);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(system(remove), 0);
    free(remove);
    free(here);
    free(below);
    free(want);
    sb_buf_release(&seen);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_at_once),
        cmocka_unit_test(labels_say_what_differs),
        cmocka_unit_test(a_value_is_read_as_it_was_written),
        cmocka_unit_test(shards_are_known_by_their_names),
        cmocka_unit_test(folders_are_walked_once_and_not_too_deep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
