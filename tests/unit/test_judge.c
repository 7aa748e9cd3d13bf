#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/internal.h"

static struct sb_run good_run(void) {
    struct sb_run r = sb_run_empty();
    r.prompt_n = 600;
    r.cache_n = 0;
    r.prompt_ms = 1000;
    r.predicted_n = 128;
    r.predicted_ms = 2000;
    r.wall_ms = 3001;
    r.stop_type = (char *)"limit";
    return r;
}

static const char *judge(struct sb_run r, int truncated) {
    static char text[128];
    struct sb_expectation want = {.prompt_n = 600, .cache_n = 0, .n_predict = 128};
    sb_run_speeds(&r);
    return sb_run_check(&r, &want, truncated, text, sizeof text);
}

static void a_run_is_refused_for_each_lie(void **state) {
    (void)state;
    assert_null(judge(good_run(), 0));
    assert_null(judge(good_run(), -1));
    struct sb_run r;
#define REFUSED(change, truncated, reason)                                                         \
    do {                                                                                           \
        r = good_run();                                                                            \
        change;                                                                                    \
        assert_string_equal(judge(r, truncated), reason);                                          \
    } while (0)
    REFUSED(r.cache_n = -1, 0, "token counts missing in timings");
    REFUSED(r.predicted_n = -1, 0, "token counts missing in timings");
    REFUSED(r.cache_n = 512, 0, "512 prompt tokens came from the cache, not 0");
    REFUSED(r.prompt_n = 88, 0, "88 prompt tokens processed, not the 600 sent");
    REFUSED((void)0, 1, "generation was cut by the context");
    REFUSED((r.predicted_n = 7, r.stop_type = (char *)"eos"), 0,
            "7 tokens generated, not 128 (stop: eos)");
    REFUSED(r.stop_type = (char *)"word", 0, "generation stopped by word, not by the limit");
    REFUSED(r.prompt_ms = 0, 0, "times missing, negative or not finite in timings");
    REFUSED(r.predicted_ms = -1, 0, "times missing, negative or not finite in timings");
    REFUSED(r.predicted_ms = NAN, 0, "times missing, negative or not finite in timings");
    REFUSED(r.wall_ms = 2999, 0, "server claims 3000 ms of work in 2999 ms");
    REFUSED(r.wall_ms = 6001, 0, "server claims 3000.0 ms of work, but it took 6001 ms");
    REFUSED((r.prompt_ms = 0.42, r.predicted_ms = 0.21, r.wall_ms = 65.6), 0,
            "server claims 0.6 ms of work, but it took 66 ms");
    r.prompt_ms = 20, r.predicted_ms = 5, r.wall_ms = 70; /* a slow harness is none */
    assert_null(judge(r, 0));
#undef REFUSED
}

/* A handshake over the sea is no lie. */
static void far_away_takes_longer(void **state) {
    (void)state;
    struct sb_expectation want = {.prompt_n = 600, .n_predict = 128};
    struct sb_run r = good_run();
    char text[128];
    r.prompt_ms = 20, r.predicted_ms = 30, r.wall_ms = 950;
    sb_run_speeds(&r);
    assert_non_null(sb_run_check(&r, &want, 0, text, sizeof text));
    assert_true(sb_run_is_late(&r, false) && !sb_run_is_late(&r, true));
    want.far = true;
    assert_null(sb_run_check(&r, &want, 0, text, sizeof text));
    r.wall_ms = 1060;
    assert_non_null(sb_run_check(&r, &want, 0, text, sizeof text));
}

static void one_token_has_no_speed(void **state) {
    (void)state;
    struct sb_run r = good_run();
    char text[128];
    r.predicted_n = 1;
    sb_run_speeds(&r);
    struct sb_expectation want = {.prompt_n = 600, .cache_n = 0, .n_predict = 1};
    assert_string_equal(sb_run_check(&r, &want, 0, text, sizeof text),
                        "one generated token has no speed");
}

/* What sb_judge_device says of a log: the reason, or "ok" and its remarks. */
static char *device(struct sb_device_claim claim, const char *log) {
    struct sb_llama_proof p;
    struct sb_strv remarks = {0};
    sb_llama_parse_log(log, strlen(log), &p);
    char *text = sb_judge_device(&claim, &p, &remarks);
    if (!text)
        text = sb_asprintf("ok%s%s%s%s", remarks.n ? ": " : "", remarks.n ? remarks.item[0] : "",
                           remarks.n > 1 ? "; " : "", remarks.n > 1 ? remarks.item[1] : "");
    sb_strv_release(&remarks);
    sb_llama_proof_release(&p);
    return text;
}

#define GPU(mib) "load_tensors:  Vulkan0 model buffer size = " mib " MiB\n"
#define CPU(mib) "load_tensors:  CPU_Mapped model buffer size = " mib " MiB\n"

#define GPU1(mib)         "load_tensors:  Vulkan1 model buffer size = " mib " MiB\n"
#define ROCM(buffer, mib) "load_tensors:  ROCm" buffer " model buffer size = " mib " MiB\n"

#define VULKAN_COMPUTES "sched_reserve: Vulkan0 compute buffer size = 1 MiB\n"

static void devices_are_held_to_what_the_log_shows(void **state) {
    (void)state;
    const struct {
        const char *configured, *log, *want;
    } cases[] = {
        {"Vulkan0", GPU("95") CPU("5"), "ok"},
        {"Vulkan0", GPU("80") CPU("20"), "ok: 20 % of the weights on the CPU"},
        {"Vulkan0", "offloaded 4/25 layers to GPU\n" GPU("20") CPU("80"),
         "ok: 4/25 layers on the GPU, 80 % of the weights on the CPU"},
        {"Vulkan0", "offloaded 9/9 layers to GPU\n" CPU("100"), "ran on CPU, not Vulkan0"},
        {"ROCm0", GPU("100"), "ran on Vulkan0, not ROCm0"},
        {"Vulkan0,Vulkan1", GPU("60") GPU1("40"), "ok"},
        {"Vulkan0,Vulkan1", GPU("95") CPU("5"), "ok: on Vulkan0 alone"},
        {"Vulkan1", GPU("60") GPU1("40"), "ran on Vulkan0, Vulkan1, not Vulkan1 alone"},
        {"Vulkan1", GPU("60"), "ran on Vulkan0, not Vulkan1"},
        {"ROCm0,ROCm1", ROCM("0", "5") ROCM("_Split", "95"), "ok"},
        {"ROCm0", ROCM("0", "5") ROCM("_Split", "95"), "ok"},
        {"Vulkan0", "nothing here\n", "device not proved"},
        {"none", "nothing here\n", "ok: device not proved"},
        {"none", CPU("100"), "ok"},
        {"none", CPU("100") "sched_reserve: CPU compute buffer size = 1 MiB\n", "ok"},
        {"none", CPU("100") "sched_reserve: Vulkan_Host compute buffer size = 1 MiB\n", "ok"},
        {"none", CPU("100") VULKAN_COMPUTES, "Vulkan0 computed, not the CPU alone"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *got = device((struct sb_device_claim){cases[i].configured, -1, 0}, cases[i].log);
        assert_string_equal(got, cases[i].want);
        free(got);
    }
}

/* Without a device of its own a backend shows the one seen, and is held to its GPU layers. */
static void layers_are_a_claim_too(void **state) {
    (void)state;
    const struct {
        int layers;
        const char *log, *want;
    } cases[] = {
        {-1, CPU("100"), "ok: on CPU"},
        {-1, CPU("100") VULKAN_COMPUTES, "ok: weights on CPU, Vulkan0 computed too"},
        {-1, GPU("100"), "ok: on Vulkan0"},
        {99, GPU("95") CPU("5"), "ok: on Vulkan0"},
        {-1, "offloaded 4/25 layers to GPU\n" GPU("20") CPU("80"),
         "ok: on Vulkan0; 4/25 layers on the GPU, 80 % of the weights on the CPU"},
        {99, CPU("100"), "ran on CPU, not on a GPU as asked"},
        {99, "offloaded 9/9 layers to GPU\n" CPU("100"), "ran on CPU, not on a GPU as asked"},
        {0, CPU("100"), "ok: on CPU"},
        {0, CPU("100") VULKAN_COMPUTES, "Vulkan0 computed, not the CPU alone"},
        {99, "nothing here\n", "ok: device not proved"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *got = device((struct sb_device_claim){NULL, cases[i].layers, 0}, cases[i].log);
        assert_string_equal(got, cases[i].want);
        free(got);
    }
    char *got = device((struct sb_device_claim){"none", 99, 0}, CPU("100"));
    assert_string_equal(got, "ok");
    free(got);
    got = device((struct sb_device_claim){"Vulkan0", -1, 20}, GPU("75") CPU("25"));
    assert_string_equal(got, "ok"); /* a small model is a fifth embedding */
    free(got);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_refused_for_each_lie),
        cmocka_unit_test(far_away_takes_longer),
        cmocka_unit_test(one_token_has_no_speed),
        cmocka_unit_test(devices_are_held_to_what_the_log_shows),
        cmocka_unit_test(layers_are_a_claim_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
