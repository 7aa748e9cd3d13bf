#include <math.h>

#include "config_fixture.h"

/* ---- what is understood ------------------------------------------------------------------- */

/* The prompt that is built in is prompts/infrastructure.txt, byte for byte. */
static void without_a_prompt_there_is_one(void **state) {
    (void)state;
    struct sb_config c;
    static const char *const benches[] = {"", "[bench]\nruns = 2\n"};
    struct sb_buf want = SB_BUF_INIT(1 << 20);
    assert_int_equal(sb_file_read(SOURCE_DIR "/prompts/infrastructure.txt", &want, NULL), 0);
    for (size_t i = 0; i < LENGTH(benches); i++) {
        char *text = sb_asprintf("%s" REST, benches[i]);
        accept(text, &c);
        assert_int_equal(c.bench.n_prompts, 1);
        assert_null(c.prompts[0].given);
        assert_string_equal(c.bench.prompts[0].file, "(built in)");
        assert_string_equal(c.bench.prompts[0].label, "~600 tokens (infrastructure scenario)");
        assert_string_equal(c.prompts[0].text, sb_buf_str(&want));
        assert_int_equal(c.prompts[0].text_len, want.len);
        /* sha256sum prompts/infrastructure.txt */
        assert_string_equal(c.bench.prompts[0].sha256,
                            "15920c6aa11afa77c13f4a875ceebc3f9cbaa126ee4edeadcf6066d67148a60d");
        sb_config_release(&c);
        free(text);
    }
    sb_buf_release(&want);
    accept("[bench]\nprompt_label = long\n" REST, &c);
    assert_string_equal(c.bench.prompts[0].label, "long");
    sb_config_release(&c);
}

static void defaults_are_those_of_the_contract(void **state) {
    (void)state;
    struct sb_config c;
    accept(BENCH REST, &c);
    assert_string_equal(c.file, "t.ini");
    assert_string_equal(c.bench.title, "Inference Backend Benchmark Results");
    assert_null(c.hardware);
    assert_int_equal(c.bench.header.n, 0);
    assert_int_equal(c.bench.n_prompts, 1);
    assert_string_equal(c.bench.prompts[0].file, getenv("PROMPT"));
    assert_string_equal(c.bench.prompts[0].label, "p.txt");
    assert_string_equal(c.prompts[0].text, "Why?\n");
    assert_int_equal(c.prompts[0].text_len, 5);
    /* printf 'Why?\n' | sha256sum */
    assert_string_equal(c.bench.prompts[0].sha256,
                        "a88d8b2a36b1e5a70d30528edcc5ac25bfe5c1a54349745f01f4d1e1e028447f");
    assert_int_equal(c.bench.runs, 3);
    assert_int_equal(c.bench.warmup, SB_WARMUP_AUTO);
    assert_int_equal(c.bench.launches, 1);
    assert_int_equal(c.bench.n_predict, 128);
    assert_int_equal(c.bench.ctx, 8192);
    assert_int_equal(c.bench.n_depths, 1);
    assert_int_equal(c.bench.depths[0], 0);
    assert_true(c.bench.n_slots == 1 && c.bench.slots[0] == 1);
    assert_false(c.bench.table);
    assert_true(c.load_timeout_s == 900 && c.run_timeout_s == 900);
    assert_false(c.bench.load_cold);
    assert_true(c.bench.cooldown_s == 0 && isnan(c.bench.until) && c.bandwidth_gb_s == 0);
    assert_int_equal(c.bench.max_runs, 10);
    assert_true(c.bench.summary && c.chart);
    const struct sb_backend *b = &c.backends[0];
    assert_string_equal(b->label, "b");
    assert_string_equal(b->command.item[0], "llama-server");
    assert_null(b->device);
    assert_null(b->gpu_layers);
    assert_int_equal(b->threads, 0);
    assert_string_equal(b->notes, "");
    assert_int_equal(b->line, 3);
    assert_int_equal(sb_backend_line(b, "server"), 4);
    assert_int_equal(sb_backend_line(b, "device"), 3); /* not given: its section */
    const struct sb_model *m = &c.models[0];
    assert_string_equal(m->label, "m");
    assert_string_equal(m->path, "m.gguf");
    assert_null(m->quantization);
    assert_string_equal(m->notes, "");
    assert_int_equal(m->line, 5);
    assert_int_equal(m->path_line, 6);
    assert_int_equal(m->backends_line, 0);
    assert_int_equal(c.n_cells, 1);
    assert_ptr_equal(c.cells[0].model, m);
    assert_ptr_equal(c.cells[0].backend, b);
    sb_config_release(&c);
    assert_null(c.cells);
}

static void every_key_is_read(void **state) {
    (void)state;
    struct sb_config c;
    accept("[bench]\ntitle = T\nhardware = H\nheader = A: b\nheader = C: d: e\n"
           "prompts = ${PROMPT} \"${FOLDER}/q.txt\"\nruns = 5\nwarmup = 2\nlaunches = 3\n"
           "n_predict = 64\nctx = 20000\ndepths = 0 4096 16384\nslots = 1 8\nlayout = table\n"
           "load_timeout = 1.5\nrun_timeout = 60\nload = cold\ncooldown = 7.5\nuntil = 3%\n"
           "max_runs = 8\nbandwidth = 256\nsummary = off\nchart = off\n"
           "[backend b]\nlabel = B\nserver = /opt/llama/bin/llama-server\ndevice = Vulkan0\n"
           "gpu_layers = 12\nflash_attn = auto\nmmap = off\ncache_type = q4_0\nthreads = 16\n"
           "spec = draft-mtp 3\ndraft = /d.gguf\nargs = -b 512\nenv = A=1\nenv = B=\nnotes = "
           "N\nbandwidth = 110.5\n"
           "[backend c]\nserver = x\ndevice = CPU\ngpu_layers = all\n"
           "[model m]\nlabel = M\npath = /m.gguf\nbackends = c b\nquantization = Q8_0\n"
           "file_size = ~75 GiB\ntotal_params = 70B\nactive_params = 10B\nnotes = K\n",
           &c);
    assert_string_equal(c.bench.title, "T");
    assert_string_equal(c.hardware, "H");
    assert_int_equal(c.bench.header.n, 2);
    assert_string_equal(c.bench.header.item[1], "C: d: e");
    assert_int_equal(c.bench.n_prompts, 2);
    assert_string_equal(c.bench.prompts[1].label, "q.txt");
    assert_true(c.bench.runs == 5 && c.bench.warmup == 2 && c.bench.launches == 3 &&
                c.bench.n_predict == 64);
    assert_true(c.bench.n_slots == 2 && c.bench.slots[1] == 8);
    assert_true(c.bench.ctx == 20000 && c.bench.n_depths == 3 && c.bench.depths[1] == 4096 &&
                c.bench.depths[2] == 16384);
    assert_true(c.bench.table);
    assert_true(c.load_timeout_s == 1.5 && c.run_timeout_s == 60 && c.bench.cooldown_s == 7.5);
    assert_true(c.bench.load_cold && c.bench.until == 0.03 && c.bench.max_runs == 8 &&
                c.bandwidth_gb_s == 256);
    assert_false(c.bench.summary || c.chart);
    const struct sb_backend *b = &c.backends[0];
    assert_string_equal(b->label, "B");
    assert_string_equal(b->command.item[0], "/opt/llama/bin/llama-server");
    assert_string_equal(b->device, "Vulkan0");
    assert_string_equal(b->gpu_layers, "12");
    assert_string_equal(b->flash_attn, "auto");
    assert_string_equal(b->mmap, "off");
    assert_string_equal(b->cache_type, "q4_0");
    assert_int_equal(b->threads, 16);
    assert_string_equal(b->spec, "draft-mtp 3");
    assert_string_equal(b->draft, "/d.gguf");
    assert_int_equal(b->args.n, 2);
    assert_int_equal(b->env.n, 2);
    assert_string_equal(b->env.item[1], "B=");
    assert_string_equal(b->notes, "N");
    assert_true(b->bandwidth_gb_s == 110.5);
    assert_string_equal(c.backends[1].device, "none");
    assert_string_equal(c.backends[1].gpu_layers, "all");
    assert_true(c.backends[1].bandwidth_gb_s == 256); /* that of [bench] */
    const struct sb_model *m = &c.models[0];
    assert_string_equal(m->label, "M");
    assert_string_equal(m->path, "/m.gguf");
    assert_string_equal(m->quantization, "Q8_0");
    assert_string_equal(m->file_size, "~75 GiB");
    assert_string_equal(m->total_params, "70B");
    assert_string_equal(m->active_params, "10B");
    assert_string_equal(m->notes, "K");
    assert_int_equal(c.n_cells, 2);
    assert_ptr_equal(c.cells[0].backend, &c.backends[1]); /* as the model lists them */
    assert_ptr_equal(c.cells[1].backend, &c.backends[0]);
    sb_config_release(&c);
}

static void words_that_stand_for_numbers(void **state) {
    (void)state;
    struct sb_config c;
    accept(BENCH "warmup = auto\ncooldown = auto\nuntil = off\n" REST, &c);
    assert_int_equal(c.bench.warmup, SB_WARMUP_AUTO);
    assert_true(c.bench.cooldown_s == SB_COOLDOWN_AUTO);
    assert_true(isnan(c.bench.until));
    sb_config_release(&c);
}

static const struct {
    const char *raw, *value;
} texts[] = {
    {"plain text", "plain text"},
    {"  padded \t ", "padded"},
    {"a # comment", "a"},
    {"a\t; comment", "a"},
    {"a#b;c", "a#b;c"},
    {"#1 in the list", "#1 in the list"}, /* right after '=': no white space before it */
    {"K8s (no --no-mmap); UMA=ON", "K8s (no --no-mmap); UMA=ON"},
    {" \"a # b\" # c", "a # b"},
    {" 'a ; b'", "a ; b"},
    {" \"\"x", "\"\"x"},
    {" Bob's box # it's", "Bob's box"},
    {" say \"a # b\" now # c", "say \"a # b\" now"},
    {" \"A\" and \"B\"", "\"A\" and \"B\""},
    {" 5\" disk # c", "5\" disk"},
    {" x=\"a # b\"", "x=\"a # b\""},
    {" C:\\dir", "C:\\dir"},
    {" <b>|`*_", "<b>|`*_"},
    {" \xe2\x80\x94 \xf0\x9f\x8d\x8e", "\xe2\x80\x94 \xf0\x9f\x8d\x8e"},
    {" a ${EMPTY}b", "a b"},
    {" $HOME $ $$", "$HOME $ $$"},
    {" '${UNSET}'", "${UNSET}"},
    {" ${TRICKY}", "a \"b\" # ${EMPTY}"}, /* what a variable holds is not read again */
    {" \"${TRICKY}\"", "a \"b\" # ${EMPTY}"},
};

static void a_text_ends_where_the_contract_says(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++) {
        struct sb_config c;
        char *text = sb_asprintf(BENCH "title =%s\n" REST, texts[i].raw);
        accept(text, &c);
        assert_string_equal(c.bench.title, texts[i].value);
        sb_config_release(&c);
        free(text);
    }
}

static const struct {
    const char *raw, *words; /* the words joined by '|' */
} lists[] = {
    {"", ""},
    {" # nothing", ""},
    {" -b 512\t-ub 64 # comment", "-b|512|-ub|64"},
    {" -a#b ;c", "-a#b"},
    {" \\#a '#b' \"#c\"", "#a|#b|#c"},
    {" 'a b' \"c d\" e\\ f", "a b|c d|e f"},
    {" a'b'\"c\"d", "abcd"},
    {" '' \"\"", "|"},
    {" 'a\\b' \"a\\b\" a\\b", "a\\b|a\\b|ab"},
    {" \"a\\\"b\\\\c\\$d\\`e\"", "a\"b\\c$d`e"},
    {" 'it'\\''s'", "it's"},
    {" ${TRICKY}x \"${TRICKY}\"", "a \"b\" # ${EMPTY}x|a \"b\" # ${EMPTY}"},
    {" ${EMPTY} \"${EMPTY}\" a${EMPTY}b", "|ab"},
    {" '${UNSET}' \\${UNSET} \"\\${UNSET}\" $UNSET", "${UNSET}|${UNSET}|${UNSET}|$UNSET"},
    {" --logit-bias 1+2 *.gguf ~ `id` $(id)", "--logit-bias|1+2|*.gguf|~|`id`|$(id)"},
};

static void args_split_as_in_a_shell(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(lists); i++) {
        struct sb_config c;
        struct sb_buf joined = SB_BUF_INIT(1000);
        char *text = sb_asprintf(BENCH "[model m]\npath = x\n[backend b]\nserver = x\nargs =%s\n",
                                 lists[i].raw);
        accept(text, &c);
        for (size_t k = 0; k < c.backends[0].args.n; k++)
            sb_buf_addf(&joined, "%s%s", k ? "|" : "", c.backends[0].args.item[k]);
        assert_string_equal(sb_buf_str(&joined), lists[i].words);
        sb_buf_release(&joined);
        sb_config_release(&c);
        free(text);
    }
}

static void env_values_may_be_quoted(void **state) {
    (void)state;
    struct sb_config c;
    accept(BENCH "[model m]\npath = x\n[backend b]\nserver = x\nenv = A=\"a # b\" # c\n"
                 "env = 'B=c d'\nenv = C=x=y ${EMPTY}z\nenv = D='${UNSET}'\n",
           &c);
    const struct sb_strv *env = &c.backends[0].env;
    assert_int_equal(env->n, 4);
    assert_string_equal(env->item[0], "A=a # b");
    assert_string_equal(env->item[1], "B=c d");
    assert_string_equal(env->item[2], "C=x=y z");
    assert_string_equal(env->item[3], "D=${UNSET}");
    sb_config_release(&c);
}

static void an_empty_prompt_label_is_one(void **state) {
    (void)state;
    struct sb_config c;
    accept(BENCH "prompt_label =\n" REST, &c);
    assert_string_equal(c.bench.prompts[0].label, "");
    sb_config_release(&c);
    accept(BENCH "prompt_label = ~600 tokens # about\n" REST, &c);
    assert_string_equal(c.bench.prompts[0].label, "~600 tokens");
    sb_config_release(&c);
}

static void bom_crlf_and_no_last_newline(void **state) {
    (void)state;
    struct sb_config c;
    accept("\xef\xbb\xbf[bench]\r\nprompt = ${PROMPT}\r\n\r\n; note\r\n[backend b] # note\r\n"
           "server = x\r\n[model m]\r\npath = m.gguf",
           &c);
    assert_string_equal(c.backends[0].command.item[0], "x");
    assert_string_equal(c.models[0].path, "m.gguf");
    assert_int_equal(c.models[0].path_line, 8);
    sb_config_release(&c);
}

static void long_names_and_values_are_whole(void **state) {
    (void)state;
    char args[5001], label[301];
    memset(args, 'a', 5000);
    memset(label, 'l', 300);
    args[5000] = label[300] = '\0';
    struct sb_config c;
    char *text = sb_asprintf(BENCH "[backend b]\nserver = x\nargs = %s\n"
                                   "[model %s]\nlabel = M%s\npath = x\n",
                             args, label, label);
    accept(text, &c);
    assert_string_equal(c.backends[0].args.item[0], args);
    assert_string_equal(c.models[0].id, label);
    assert_string_equal(c.models[0].label + 1, label);
    sb_config_release(&c);
    free(text);
}

static void relative_paths_start_from_the_file(void **state) {
    (void)state;
    static const char text[] = "[bench]\nprompt = p.txt\n[backend a]\nserver = llama-server\n"
                               "[backend b]\nserver = bin/llama-server\n[backend c]\n"
                               "server = /bin/llama-server\n[model m]\npath = m.gguf\n"
                               "[model n]\npath = /n.gguf\n";
    write_file("sub.ini", text, sizeof text - 1);
    char *path = in_folder("sub.ini"), *m = in_folder("m.gguf"), *b = in_folder("bin/llama-server");
    struct sb_config c;
    struct sb_buf errors = SB_BUF_INIT(SB_ERR_MAX);
    assert_int_equal(sb_config_load(path, NULL, &c, &errors), 0);
    assert_string_equal(c.bench.prompts[0].file, getenv("PROMPT"));
    assert_string_equal(c.backends[0].command.item[0], "llama-server"); /* for PATH */
    assert_string_equal(c.backends[1].command.item[0], b);
    assert_string_equal(c.backends[2].command.item[0], "/bin/llama-server");
    assert_string_equal(c.models[0].path, m);
    assert_string_equal(c.models[1].path, "/n.gguf");
    sb_config_release(&c);
    free(path);
    free(m);
    free(b);
}

/* ---- selection ---------------------------------------------------------------------------- */

#define MATRIX                                                                                     \
    BENCH "[backend rocm]\nlabel = ROCm 7.2\nserver = x\n[backend vulkan]\nserver = x\n"           \
          "[model big-70b]\nlabel = Llama 70B\npath = x\n[model small]\npath = y\n"                \
          "backends = vulkan\n"

static const struct {
    const char *model, *backend, *cells; /* "model/backend " each */
} selections[] = {
    {NULL, NULL, "big-70b/rocm big-70b/vulkan small/vulkan "},
    {"*", "*", "big-70b/rocm big-70b/vulkan small/vulkan "},
    {"big*", NULL, "big-70b/rocm big-70b/vulkan "},
    {"Llama 70?", NULL, "big-70b/rocm big-70b/vulkan "},
    {NULL, "[uv]*", "big-70b/vulkan small/vulkan "},
    {"small", "vulkan", "small/vulkan "},
    {NULL, "ROCm*", "big-70b/rocm "},
};

static void globs_select_by_id_or_label(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(selections); i++) {
        struct sb_selection sel = {selections[i].model, selections[i].backend};
        struct sb_config c;
        struct sb_buf cells = SB_BUF_INIT(1000);
        accept_text(MATRIX, strlen(MATRIX), &sel, &c);
        assert_int_equal(c.n_cells, 3); /* those not selected have their place in the order */
        sb_config_narrow(&c, NULL);
        assert_int_equal(c.n_cells, c.n_selected);
        for (size_t k = 0; k < c.n_cells; k++)
            sb_buf_addf(&cells, "%s/%s ", c.cells[k].model->id, c.cells[k].backend->id);
        assert_string_equal(sb_buf_str(&cells), selections[i].cells);
        sb_buf_release(&cells);
        sb_config_release(&c);
    }
}

static void what_is_known_keeps_its_place(void **state) {
    (void)state;
    struct sb_selection sel = {"small", NULL};
    struct sb_config c;
    accept_text(MATRIX, strlen(MATRIX), &sel, &c);
    struct sb_cell cells[] = {{.model.id = (char *)"small", .backend.id = (char *)"rocm"},
                              {.model.id = (char *)"big-70b", .backend.id = (char *)"vulkan"}};
    struct sb_results known = {.cells = cells, .n_cells = 2};
    sb_config_narrow(&c, &known);
    assert_int_equal(c.n_cells, 2);
    assert_ptr_equal(sb_cell_plan_find(&c.cells[0], &known), &cells[1]);
    assert_false(c.cells[0].selected);
    assert_true(c.cells[1].selected);
    assert_null(sb_cell_plan_find(&c.cells[1], &known));
    sb_config_release(&c);
}

static void a_selection_of_nothing_lists_what_there_is(void **state) {
    (void)state;
    static const struct {
        struct sb_selection sel;
        const char *expected;
    } cases[] = {
        {{"big", NULL}, "t.ini: no model matches 'big'; there are: big-70b, small\n"},
        {{"x", "y"},
         "t.ini: no model matches 'x'; there are: big-70b, small\n"
         "t.ini: no backend matches 'y'; there are: rocm, vulkan\n"},
        {{"small", "rocm"},
         "t.ini: no model that matches 'small' has a backend that matches 'rocm'\n"},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char *errors = refused(MATRIX, strlen(MATRIX), &cases[i].sel);
        assert_string_equal(errors, cases[i].expected);
        free(errors);
    }
}

/* ---- what ships --------------------------------------------------------------------------- */

static void shipped_configs_load(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t cells;
        const char *prompt_label;
    } shipped[] = {
        {"strix-halo.ini", 27, "~600 tokens (infrastructure scenario)"},
        {"strix-halo-table.ini", 14, "~600 tokens (infrastructure scenario)"},
        {"strix-halo-drafts.ini", 9, "code.txt"},
        {"strix-halo-vision.ini", 3, ""},
        {"slots.ini", 4, "~600 tokens (infrastructure scenario)"},
        {"vision.ini", 6, "picture.txt"},
        {"tune.ini", 6, "~600 tokens (infrastructure scenario)"},
        {"demo.ini", 2, "~600 tokens (infrastructure scenario)"},
    };
    setenv("MODELS", "/models", 1);
    for (size_t i = 0; i < LENGTH(shipped); i++) {
        struct sb_config c;
        struct sb_buf errors = SB_BUF_INIT(SB_ERR_MAX);
        char *path = sb_asprintf(SOURCE_DIR "/configs/%s", shipped[i].name);
        int rc = sb_config_load(path, NULL, &c, &errors);
        assert_string_equal(sb_buf_str(&errors), "");
        assert_int_equal(rc, 0);
        assert_int_equal(c.n_cells, shipped[i].cells);
        assert_string_equal(c.bench.prompts[0].label, shipped[i].prompt_label);
        sb_config_release(&c);
        free(path);
    }
    unsetenv("MODELS");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_prompt_there_is_one),
        cmocka_unit_test(defaults_are_those_of_the_contract),
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(words_that_stand_for_numbers),
        cmocka_unit_test(a_text_ends_where_the_contract_says),
        cmocka_unit_test(args_split_as_in_a_shell),
        cmocka_unit_test(env_values_may_be_quoted),
        cmocka_unit_test(an_empty_prompt_label_is_one),
        cmocka_unit_test(bom_crlf_and_no_last_newline),
        cmocka_unit_test(long_names_and_values_are_whole),
        cmocka_unit_test(relative_paths_start_from_the_file),
        cmocka_unit_test(globs_select_by_id_or_label),
        cmocka_unit_test(what_is_known_keeps_its_place),
        cmocka_unit_test(a_selection_of_nothing_lists_what_there_is),
        cmocka_unit_test(shipped_configs_load),
        cmocka_unit_test(no_other_file_is_left),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
