#include <errno.h>
#include <limits.h>
#include <math.h>

#include "llama_help.h"

static void every_spelling_of_an_entry_is_known(void **state) {
    (void)state;
    struct sb_llama_build b = build_of(help_new);
    assert_string_equal(sb_llama_option(&b, "-ngl")->value, "N");
    assert_string_equal(sb_llama_option(&b, "--n-gpu-layers")->value, "N");
    assert_string_equal(sb_llama_option(&b, "--device")->value, "<dev1,dev2,..>");
    assert_string_equal(sb_llama_option(&b, "--flash-attn")->value, "[on|off|auto]");
    assert_string_equal(sb_llama_option(&b, "--help")->value, "");
    assert_null(sb_llama_option(&b, "--no-mmap"));
    assert_null(sb_llama_option(&b, "-"));
    assert_non_null(strstr(b.helps.item[sb_llama_option(&b, "-lm")->entry], "no special loading"));
    sb_llama_build_release(&b);
}

/* The command after the fixed part, joined by blanks; or the error. */
#define FIXED "llama-server -m m.gguf --host 127.0.0.1 --port 4242 --alias x -c 8192 -np 1"

static void keys_are_spelled_as_the_build_wants_them(void **state) {
    (void)state;
    struct sb_llama_launch all = {.device = "Vulkan0",
                                  .gpu_layers = "all",
                                  .flash_attn = "on",
                                  .mmap = "off",
                                  .cache_type = "q4_0",
                                  .threads = 16};
    struct sb_llama_launch off = {.flash_attn = "off", .mmap = "on"};
    const struct {
        const char *help;
        const struct sb_llama_launch *asked;
        const char *want;
    } cases[] = {
        {help_new, &all,
         FIXED " --cache-ram 0 --fit off --verbosity 4 --device Vulkan0 -ngl all -fa on "
               "--load-mode none -ctk q4_0 -ctv q4_0 -t 16"},
        {help_2025, &all,
         FIXED " --device Vulkan0 -ngl 999 -fa --no-mmap -ctk q4_0 -ctv q4_0 -t 16"},
        {help_new, &off, FIXED " --cache-ram 0 --fit off --verbosity 4 -fa off --load-mode mmap"},
        {help_2025, &off, FIXED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *got = command(cases[i].help, cases[i].asked);
        assert_string_equal(got, cases[i].want);
        free(got);
    }
}

static void what_a_build_cannot_express_is_an_error(void **state) {
    (void)state;
    const struct {
        const char *help;
        struct sb_llama_launch asked;
        const char *want;
    } cases[] = {
        {help_2025, {.flash_attn = "auto"}, "cannot express flash_attn = auto"},
        {help_2025, {.gpu_layers = "auto"}, "cannot express gpu_layers = auto"},
        {help_2025, {.cache_type = "iq4_nl"}, "cannot express cache_type = iq4_nl"},
        {"--port PORT   port\n", {.device = "none"}, "cannot express device = none"},
        {"--port PORT   port\n", {.mmap = "on"}, "cannot express mmap = on"},
        {"--port PORT   port\n", {.threads = 4}, "cannot express threads = 4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *got = command(cases[i].help, &cases[i].asked);
        if (!strstr(got, cases[i].want))
            fail_msg("case %zu: %s", i, got);
        free(got);
    }
}

/* -c is the whole of what the slots share. */
static void slots_share_the_context(void **state) {
    (void)state;
    struct sb_llama_launch asked = {.slots = 4};
    char *got = command(help_2025, &asked);
    assert_non_null(strstr(got, " -c 32768 -np 4"));
    free(got);
    got = command("-c N  context\n", &asked);
    assert_non_null(strstr(got, "slots: "));
    free(got);
    asked.slots = 1;
    got = command("-c N  context\n", &asked);
    assert_null(strstr(got, "slots: "));
    assert_null(strstr(got, "-np"));
    free(got);
}

static void args_come_last_and_may_not_take_what_is_ours(void **state) {
    (void)state;
    struct sb_strv args = {0};
    struct sb_llama_launch asked = {.args = &args};
    sb_strv_add(&args, "-np");
    sb_strv_add(&args, "4");
    char *got = command(help_2025, &asked);
    assert_string_equal(got, FIXED " -np 4");
    free(got);
    sb_strv_add(&args, "--host");
    got = command(help_2025, &asked);
    assert_string_equal(got, "args: args may not hold --host: it is chosen by stratobench\n");
    free(got);
    sb_strv_release(&args);
    static const char *const loud[] = {"-lv", "--verbosity", "--log-verbosity", "-v", "--verbose"};
    for (size_t i = 0; i < sizeof loud / sizeof *loud; i++) {
        sb_strv_add(&args, loud[i]);
        got = command(help_new, &asked);
        char *want =
            sb_asprintf("args: args may not hold %s: it is chosen by stratobench\n", loud[i]);
        assert_string_equal(got, want);
        free(want);
        free(got);
        sb_strv_release(&args);
    }
}

static void the_last_layer_count_of_the_command_is_the_one_asked_for(void **state) {
    (void)state;
    const struct {
        const char *argv[8];
        int want;
    } cases[] = {
        {{"llama-server"}, -1},
        {{"llama-server", "-ngl", "99"}, 99},
        {{"llama-server", "-ngl", "99", "--n-gpu-layers", "0"}, 0},
        {{"llama-server", "--gpu-layers", "all", "-t", "4"}, INT_MAX},
        {{"llama-server", "-ngl", "auto"}, -1},
        {{"llama-server", "-ngl", "99999999999999999999"}, INT_MAX},
        {{"-ngl", "4"}, -1},
        {{"llama-server", "-ngl"}, -1},
        {{"llama-server", "--alias", "0"}, -1},
    };
    struct sb_llama_build b = build_of(help_new);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sb_strv argv = {0};
        for (size_t k = 0; cases[i].argv[k]; k++)
            sb_strv_add(&argv, cases[i].argv[k]);
        assert_int_equal(sb_llama_layers_asked(&b, &argv), cases[i].want);
        sb_strv_release(&argv);
    }
    sb_llama_build_release(&b);
}

static void environment_is_scrubbed_and_the_backends_wins(void **state) {
    (void)state;
    const char *const ours[] = {"PATH=/bin", "LLAMA_ARG_CTX_SIZE=64", "LLAMA_API_KEY=old",
                                "GGML_X=1", NULL};
    struct sb_strv over = {0};
    sb_strv_add(&over, "GGML_X=2");
    sb_strv_add(&over, "LLAMA_API_KEY=theirs");
    struct sb_strv env = {0};
    struct sb_strv own = {0};
    sb_strv_add(&own, "LLAMA_API_KEY=ours");
    sb_llama_env(&over, ours, &own, &env);
    sb_strv_release(&own);
    assert_int_equal(env.n, 3);
    assert_string_equal(env.item[0], "PATH=/bin");
    assert_string_equal(env.item[1], "GGML_X=2");
    assert_string_equal(env.item[2], "LLAMA_API_KEY=ours");
    sb_strv_release(&env);
    sb_strv_release(&over);
}

static void versions_and_devices_are_read(void **state) {
    (void)state;
    static const char text[] = "warning: x\nversion: 6040 (66625a59)\nbuilt with cc\n";
    static const char devices[] =
        "Available devices:\n"
        "  Vulkan0: AMD Radeon (RADV GFX1151) (24105 MiB, 23726 MiB free)\n"
        "  ROCm0: x (1 MiB)\n"
        "Other: y (1 MiB, 1 MiB free)\n"
        "  (none)\n";
    struct sb_llama_build b = {0};
    sb_llama_parse_version(text, sizeof text - 1, &b);
    sb_llama_parse_devices(devices, sizeof devices - 1, &b);
    assert_string_equal(b.version, "6040 (66625a59)");
    assert_int_equal(b.n_devices, 1);
    assert_string_equal(b.devices[0].name, "Vulkan0");
    assert_string_equal(b.devices[0].description, "AMD Radeon (RADV GFX1151)");
    assert_int_equal(b.devices[0].total_mib, 24105);
    assert_int_equal(b.devices[0].free_mib, 23726);
    sb_llama_build_release(&b);
}

static void the_log_tells_where_the_weights_are(void **state) {
    (void)state;
    static const char log[] =
        "load_tensors: offloaded 4/25 layers to GPU\n"
        "0.00.123 I load_tensors:   CPU_Mapped model buffer size =   150.00 MiB\n"
        "load_tensors:      Vulkan0 model buffer size =    50.25 MiB\n"
        "load_tensors:      Vulkan0 model buffer size =    10.25 MiB\n"
        "load_tensors:      Vulkan1 model buffer size =     nan MiB\n"
        "load_tensors:      Vulkan1 model buffer size =     0.00 MiB\n"
        "llama_kv_cache:    Vulkan0 KV buffer size =     4.00 MiB\n"
        "sched_reserve:        CPU compute buffer size =    98.50 MiB\n";
    struct sb_llama_proof p;
    sb_llama_parse_log(log, sizeof log - 1, &p);
    assert_int_equal(p.n_weights, 2);
    assert_string_equal(p.weights[0].device, "CPU_Mapped");
    assert_true(p.weights[0].mib == 150.0);
    assert_string_equal(p.weights[1].device, "Vulkan0");
    assert_true(p.weights[1].mib == 60.5);
    assert_int_equal(p.offloaded, 4);
    assert_int_equal(p.layers, 25);
    assert_int_equal(p.compute.n, 2);
    assert_true(sb_strv_has(&p.compute, "Vulkan0"));
    sb_llama_proof_release(&p);
}

static void completions_keep_what_was_said_and_nothing_else(void **state) {
    (void)state;
    struct sb_llama_reply t;
    struct sb_buf error = SB_BUF_INIT(200);
    static const char full[] =
        "{\"timings\":{\"cache_n\":0,\"prompt_n\":600,\"prompt_ms\":1200.5,\"predicted_n\":128,"
        "\"predicted_ms\":-3,\"predicted_per_second\":1e400},\"stop_type\":\"limit\","
        "\"truncated\":false,\"tokens_evaluated\":600}";
    assert_int_equal(sb_llama_parse_completion(full, sizeof full - 1, &t, &error), 0);
    assert_int_equal(t.prompt_n, 600);
    assert_int_equal(t.cache_n, 0);
    assert_true(t.prompt_ms == 1200.5);
    assert_true(t.predicted_ms == -3);
    assert_true(isnan(t.predicted_per_second));
    assert_int_equal(t.truncated, 0);
    assert_string_equal(t.stop_type, "limit");
    assert_int_equal(t.draft_n, -1);
    sb_llama_reply_release(&t);

    static const char old[] =
        "{\"timings\":{\"prompt_n\":1,\"prompt_ms\":2},\"tokens_evaluated\":65}";
    assert_int_equal(sb_llama_parse_completion(old, sizeof old - 1, &t, &error), 0);
    assert_int_equal(t.cache_n, 64);
    assert_int_equal(t.predicted_n, -1);
    assert_true(isnan(t.predicted_ms));
    assert_int_equal(t.truncated, -1);
    sb_llama_reply_release(&t);

    const struct {
        const char *text, *want;
    } bad[] = {{"<html>", "not JSON"}, {"[1]", "not an object"}, {"{}", "no timings"}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(sb_llama_parse_completion(bad[i].text, strlen(bad[i].text), &t, &error),
                         -1);
        assert_string_equal(sb_buf_str(&error), bad[i].want);
        sb_buf_release(&error);
    }
}

static void candidates_are_kept_in_their_order(void **state) {
    (void)state;
    static const char text[] =
        "{\"timings\":{},\"completion_probabilities\":["
        "{\"id\":7,\"logprob\":-0.5,\"top_logprobs\":[{\"id\":7,\"logprob\":-0.5},"
        "{\"id\":9,\"logprob\":-1.25}]},{\"id\":\"x\"},3]}";
    struct sb_llama_reply r;
    struct sb_buf error = SB_BUF_INIT(200);
    assert_int_equal(sb_llama_parse_completion(text, sizeof text - 1, &r, &error), 0);
    assert_int_equal(r.n_positions, 3);
    assert_int_equal(r.positions[0].chosen.id, 7);
    assert_int_equal(r.positions[0].n_top, 2);
    assert_int_equal(r.positions[0].top[1].id, 9);
    assert_true(r.positions[0].top[1].logprob == -1.25);
    assert_int_equal(r.positions[1].chosen.id, -1);
    assert_true(isnan(r.positions[1].chosen.logprob));
    assert_int_equal(r.positions[2].n_top, 0);
    sb_llama_reply_release(&r);
}

static void builds_that_compute_wrong_are_known(void **state) {
    (void)state;
    struct sb_llama_device halo = {.name = (char *)"ROCm0",
                                   .description = (char *)"AMD Radeon 8060S Graphics"},
                           vulkan = {.name = (char *)"Vulkan0", .description = halo.description},
                           other = {.name = (char *)"ROCm0",
                                    .description = (char *)"AMD Radeon RX 7900 XTX"};
    static const char *const bad[] = {"0.1.0-dev (build 10440, commit 6b4344ecc)",
                                      "10040 (5839ba35)", "10866 (x)"};
    for (size_t i = 0; i < 3; i++) {
        assert_non_null(strstr(sb_llama_known_wrong(bad[i], &halo), "#28211"));
        assert_null(sb_llama_known_wrong(bad[i], &vulkan));
        assert_null(sb_llama_known_wrong(bad[i], &other));
    }
    assert_null(sb_llama_known_wrong("10038 (x)", &halo));
    assert_null(sb_llama_known_wrong("0.7.0 (build 11669, commit Debian)", &halo));
    assert_null(sb_llama_known_wrong(NULL, &halo));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling_of_an_entry_is_known),
        cmocka_unit_test(keys_are_spelled_as_the_build_wants_them),
        cmocka_unit_test(what_a_build_cannot_express_is_an_error),
        cmocka_unit_test(slots_share_the_context),
        cmocka_unit_test(args_come_last_and_may_not_take_what_is_ours),
        cmocka_unit_test(the_last_layer_count_of_the_command_is_the_one_asked_for),
        cmocka_unit_test(environment_is_scrubbed_and_the_backends_wins),
        cmocka_unit_test(versions_and_devices_are_read),
        cmocka_unit_test(the_log_tells_where_the_weights_are),
        cmocka_unit_test(candidates_are_kept_in_their_order),
        cmocka_unit_test(completions_keep_what_was_said_and_nothing_else),
        cmocka_unit_test(builds_that_compute_wrong_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
