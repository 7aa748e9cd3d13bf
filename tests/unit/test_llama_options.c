/* Speculative decoding, projectors and batches on a command line. */
#include "llama_help.h"

static void drafting_is_spelled_as_the_build_wants_it(void **state) {
    (void)state;
    const struct {
        const char *help, *spec, *draft, *want;
    } cases[] = {
        /* A draft model alone is loaded and then not used, where types have to be named. */
        {help_new, NULL, "d.gguf", "--spec-draft-model d.gguf --spec-type draft-simple"},
        {help_new, "draft-mtp 3", NULL, "--spec-type draft-mtp --spec-draft-n-max 3"},
        {help_new, "draft-simple  8", "d.gguf",
         "--spec-draft-model d.gguf --spec-type draft-simple --spec-draft-n-max 8"},
        {help_new, "ngram-mod 32", NULL, "--spec-type ngram-mod --spec-ngram-mod-n-max 32"},
        {help_new, "ngram-map-k4v 16", NULL,
         "--spec-type ngram-map-k4v --spec-ngram-map-k4v-size-m 16"},
        {help_new, "draft", NULL, "cannot express spec = draft"},
        {help_new, "ngram-simple 16", NULL, "cannot express spec = ngram-simple 16"},
        {help_2025, NULL, "d.gguf", "--model-draft d.gguf"},
        {help_2025, "draft-simple 8", "d.gguf", "--model-draft d.gguf --draft-max 8"},
        {help_2025, "draft-mtp 3", NULL, "cannot express spec = draft-mtp"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sb_llama_launch asked = {.spec = cases[i].spec, .draft = cases[i].draft};
        char *got = command(cases[i].help, &asked), *end = strstr(got, cases[i].want);
        if (!end || (strncmp(cases[i].want, "--", 2) == 0 && end[strlen(cases[i].want)]))
            fail_msg("case %zu: %s", i, got);
        free(got);
    }
}

static void a_command_line_tells_how_it_drafts(void **state) {
    (void)state;
    static const struct {
        const char *help, *words[6];
        enum sb_llama_drafting want;
    } cases[] = {
        {help_new, {"-c", "512"}, SB_DRAFTS_NOTHING},
        {help_new, {"-md", "d.gguf"}, SB_DRAFTS_BY_MODEL},
        {help_new, {"--spec-type", "draft-mtp"}, SB_DRAFTS_BY_MODEL},
        {help_new, {"--spec-type", "ngram-mod,draft-simple"}, SB_DRAFTS_BY_MODEL},
        {help_new, {"--spec-type", "ngram-mod"}, SB_DRAFTS_FROM_TEXT},
        {help_new, {"--spec-type", "none", "-md", "d.gguf"}, SB_DRAFTS_NOTHING},
        {help_new, {"--spec-type", "draft-mtp", "--spec-type", "none"}, SB_DRAFTS_NOTHING},
        {help_2025, {"--model-draft", "d.gguf"}, SB_DRAFTS_BY_MODEL},
        {help_2025, {"-md", "d.gguf"}, SB_DRAFTS_BY_MODEL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sb_llama_build b = {0};
        struct sb_strv argv = {0};
        sb_llama_parse_help(cases[i].help, strlen(cases[i].help), &b);
        sb_strv_add(&argv, "llama-server");
        for (size_t k = 0; k < 6 && cases[i].words[k]; k++)
            sb_strv_add(&argv, cases[i].words[k]);
        if (sb_llama_drafting(&b, &argv) != cases[i].want)
            fail_msg("case %zu", i);
        sb_strv_release(&argv);
        sb_llama_build_release(&b);
    }
}

static void eyes_and_batches_are_given_where_the_build_takes_them(void **state) {
    (void)state;
    static const char help_seeing[] =
        "-c,    --ctx-size N                     size of the context\n"
        "-mm,   --mmproj FILE                    path to a projector\n"
        "-b,    --batch-size N                   logical\n"
        "-ub,   --ubatch-size N                  physical\n"
        "--host HOST                             address\n"
        "--port PORT                             port\n";
    struct sb_llama_launch asked = {.mmproj = "e.gguf", .batch = 1024, .ubatch = 256};
    char *got = command(help_seeing, &asked);
    assert_non_null(strstr(got, " -b 1024 -ub 256 --mmproj e.gguf"));
    free(got);
    got = command(help_2025, &asked);
    assert_non_null(strstr(got, "cannot express mmproj = e.gguf"));
    assert_non_null(strstr(got, "cannot express ubatch = 256"));
    free(got);
}

/* In any spelling that the build has for it. */
static void words_set_an_option_or_not(void **state) {
    (void)state;
    struct sb_llama_build b = build_of(help_new);
    struct sb_strv args = {0};
    sb_strv_add(&args, "--threads");
    sb_strv_add(&args, "4");
    assert_true(sb_llama_sets(&b, &args, "-t") && sb_llama_sets(&b, &args, "--threads"));
    assert_false(sb_llama_sets(&b, &args, "--ctx-size"));
    sb_strv_release(&args);
    sb_llama_build_release(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drafting_is_spelled_as_the_build_wants_it),
        cmocka_unit_test(a_command_line_tells_how_it_drafts),
        cmocka_unit_test(eyes_and_batches_are_given_where_the_build_takes_them),
        cmocka_unit_test(words_set_an_option_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
