#include "config_fixture.h"

/* ---- what is refused ---------------------------------------------------------------------- */

static const struct {
    const char *text, *expected;
} bad[] = {
    /* lines */
    {"", "t.ini:1: no [model NAME] section: nothing to measure\n"
         "t.ini:1: no [backend NAME] section: nothing to measure with\n"},
    {BENCH "[backend b]\nserver = x\n", "t.ini:4: no [model NAME] section: nothing to measure\n"},
    {BENCH "[model m]\npath = x\n",
     "t.ini:4: no [backend NAME] section: nothing to measure with\n"},
    {BENCH "what is this\n= 3\n" REST, "t.ini:3: expected 'key = value' or '[section]'\n"
                                       "t.ini:4: expected 'key = value' or '[section]'\n"},
    {BENCH "title = \x1b[31m\n" REST, "t.ini:3: the line holds a control character\n"},
    {BENCH "title = caf\xe9\n" REST, "t.ini:3: the line holds bytes that are not valid UTF-8\n"},
    {"runs = 3\n" BENCH REST, "t.ini:1: key 'runs' stands before the first section\n"},
    /* sections */
    {BENCH "[model m\n" REST, "t.ini:3: section header lacks its ']'\n"},
    {BENCH "[model m] x\n" REST, "t.ini:3: text after ']'\n"},
    {BENCH "[model m]# x\n" REST, "t.ini:3: text after ']'\n"},
    {BENCH "[benhc]\nnonsense = 1\n" REST,
     "t.ini:3: unknown section 'benhc' (did you mean 'bench'?)\n"},
    {BENCH "[elephant]\n" REST, "t.ini:3: unknown section 'elephant'\n"},
    {BENCH "[model]\npath = x\n" REST, "t.ini:3: [model] lacks a name: write [model NAME]\n"},
    {"[bench one]\nprompt = ${PROMPT}\n" REST, "t.ini:1: [bench] takes no name\n"},
    {BENCH REST "[model m]\npath = x\n[bench]\nruns = 4\n[backend b]\nserver = x\n",
     "t.ini:7: [model m] is repeated, first at line 5\n"
     "t.ini:9: [bench] is repeated, first at line 1\n"
     "t.ini:11: [backend b] is repeated, first at line 3\n"},
    {BENCH REST "[model ../../etc/x]\npath = x\n[backend .b]\nserver = x\n[model a b]\npath = x\n",
     "t.ini:7: '../../etc/x' is no name for a model: use letters, digits, '.', '_' and '-', and "
     "no '.' at the start\n"
     "t.ini:9: '.b' is no name for a backend: use letters, digits, '.', '_' and '-', and no '.' "
     "at the start\n"
     "t.ini:11: 'a b' is no name for a model: use letters, digits, '.', '_' and '-', and no '.' "
     "at the start\n"},
    {BENCH REST "[model n]\nlabel = m\npath = x\n[backend c]\nlabel = b\nserver = x\n",
     "t.ini:7: [model n] has the label of [model m]: 'm'\n"
     "t.ini:10: [backend c] has the label of [backend b]: 'b'\n"},
    /* keys */
    {BENCH REST "lable = x\n", "t.ini:7: unknown key 'lable' (did you mean 'label'?)\n"},
    {BENCH REST "elephant = x\n", "t.ini:7: unknown key 'elephant'\n"},
    {BENCH REST "server = x\n",
     "t.ini:7: unknown key 'server' in [model] (it belongs in [backend])\n"},
    {BENCH "runs = 3\nruns = 4\n" REST, "t.ini:4: 'runs' is repeated, first at line 3\n"},
    {BENCH "[backend b]\nserver = s\ncommand = llama serve\n[model m]\npath = x\n",
     "t.ini:5: 'command' takes the place of 'server' (line 4): use one\n"},
    {BENCH "[backend b]\n[model m]\n", "t.ini:3: [backend b] has no 'server', 'command' or 'url'\n"
                                       "t.ini:4: [model m] has no 'path'\n"},
    {BENCH "[backend b]\nserver = s\nurl = http://h\ndevice = none\nenv = A=1\nenv = B=2\n"
           "args = -x\n[model m]\npath = x\n",
     "t.ini:5: 'url' takes the place of 'server' (line 4): use one\n"
     "t.ini:6: 'device' does not go with 'url' (line 5): that server is set by whoever runs it\n"
     "t.ini:7: 'env' does not go with 'url' (line 5): that server is set by whoever runs it\n"
     "t.ini:8: 'env' does not go with 'url' (line 5): that server is set by whoever runs it\n"
     "t.ini:9: 'args' does not go with 'url' (line 5): that server is set by whoever runs it\n"},
    {BENCH "[backend b]\nurl = http://me:secret@h\napi_key_env = sk-123\n[model m]\npath = x\n",
     "t.ini:4: 'url' is none: a login in it would be stored: name the variable that holds a key, "
     "api_key_env\n"
     "t.ini:5: 'api_key_env' is not the name of an environment variable\n"},
    {BENCH "[backend b]\nserver = s\napi_key_env = KEY\nca_file = x.pem\n[model m]\npath = x\n",
     "t.ini:5: 'api_key_env' goes with 'url' alone\nt.ini:6: 'ca_file' goes with 'url' alone\n"},
    {BENCH
     "[backend b]\nurl = http://h/v1/\n[backend c]\nserver = s\n[model m]\nname = m\n[model n]\n"
     "backends = b\n",
     "t.ini:4: 'url' is none: leave out /v1: each question has a path of its own\n"
     "t.ini:7: [model m] has no 'path'\n"
     "t.ini:9: [model n] has neither 'path' nor 'name': which model is to be asked for?\n"},
    /* text */
    {BENCH "title =\n" REST, "t.ini:3: 'title' is empty\n"},
    {BENCH "title = # a comment\n" REST, "t.ini:3: 'title' is empty\n"},
    {BENCH "title = \"open\n" REST, "t.ini:3: the double quote is never closed\n"},
    {BENCH "title = ${UNSET} ${NOR_THIS}\n" REST,
     "t.ini:3: ${UNSET} is not set in the environment\n"
     "t.ini:3: ${NOR_THIS} is not set in the environment\n"},
    {BENCH "title = ${BELL}\n" REST, "t.ini:3: ${BELL} holds a control character\n"},
    {BENCH "title = ${A-b} ${} ${1} ${\n" REST,
     "t.ini:3: expected ${NAME} (letters, digits and _), or single quotes around it\n"
     "t.ini:3: expected ${NAME} (letters, digits and _), or single quotes around it\n"
     "t.ini:3: expected ${NAME} (letters, digits and _), or single quotes around it\n"
     "t.ini:3: expected ${NAME} (letters, digits and _), or single quotes around it\n"},
    {BENCH "header = no colon\nheader = : x\nheader = x: \n" REST,
     "t.ini:3: 'header' is 'no colon': expected 'Name: text'\n"
     "t.ini:4: 'header' is ': x': expected 'Name: text'\n"
     "t.ini:5: 'header' is 'x:': expected 'Name: text'\n"},
    {BENCH "[backend b]\nserver = ~/x\n[model m]\npath = ~/y.gguf\n",
     "t.ini:4: '~' is not expanded; write ${HOME}/x\n"
     "t.ini:6: '~' is not expanded; write ${HOME}/y.gguf\n"},
    /* numbers */
    {BENCH "runs = 0\nwarmup = -1\nlaunches = 1e2\nn_predict = 1\nctx = 0x2000\n" REST,
     "t.ini:3: 'runs' is '0': expected a whole number from 1 to 1000\n"
     "t.ini:4: 'warmup' is '-1': expected a whole number from 0 to 100 or auto\n"
     "t.ini:5: 'launches' is '1e2': expected a whole number from 1 to 100 or auto\n"
     "t.ini:6: 'n_predict' is '1': expected a whole number from 2 to 1000000\n"
     "t.ini:7: 'ctx' is '0x2000': expected a whole number from 3 to 100000000\n"},
    {BENCH "runs = 3.0\nmax_runs = 99999999999999999999\nwarmup = atuo\n" REST,
     "t.ini:3: 'runs' is '3.0': expected a whole number from 1 to 1000\n"
     "t.ini:4: 'max_runs' is '99999999999999999999': expected a whole number from 2 to 1000\n"
     "t.ini:5: 'warmup' is 'atuo': expected a whole number from 0 to 100 or auto (did you mean "
     "'auto'?)\n"},
    {BENCH "load_timeout = 0\nrun_timeout = 15m\ncooldown = nan\nbandwidth = 1.\n" REST,
     "t.ini:3: 'load_timeout' is '0': expected a number from 0.1 to 604800\n"
     "t.ini:4: 'run_timeout' is '15m': expected a number from 0.1 to 604800\n"
     "t.ini:5: 'cooldown' is 'nan': expected a number from 0 to 86400 or auto\n"
     "t.ini:6: 'bandwidth' is '1.': expected a number from 0.1 to 1000000\n"},
    {BENCH "until = 0.03\n" REST,
     "t.ini:3: 'until' is '0.03': expected a percentage from 0% to 50% or off\n"},
    {BENCH "until = 3%\nruns = 5\nmax_runs = 4\n" REST,
     "t.ini:5: 'max_runs' is 4, less than 'runs', 5\n"},
    {BENCH "ctx = 128\n" REST,
     "t.ini:3: 'ctx' is 128: it must hold the prompt and the 128 tokens of 'n_predict'\n"},
    {BENCH "ctx = 1000\ndepths = 0 871 872 5000\n" REST,
     "t.ini:4: depth 872 and the 128 tokens of 'n_predict' do not fit into a 'ctx' of 1000\n"
     "t.ini:4: depth 5000 and the 128 tokens of 'n_predict' do not fit into a 'ctx' of 1000\n"},
    {BENCH "depths = 0, 4096\n" REST,
     "t.ini:3: 'depths' is '0,': expected a whole number from 0 to 100000000\n"},
    {BENCH "depths = 0 4096 0\n" REST, "t.ini:3: 'depths' holds 0 twice\n"},
    {BENCH "depths =\n" REST, "t.ini:3: 'depths' is empty\n"},
    {BENCH "slots = 0\n" REST, "t.ini:3: 'slots' is '0': expected a whole number from 1 to 256\n"},
    {BENCH "slots = 1 2 1\n" REST, "t.ini:3: 'slots' holds 1 twice\n"},
    {BENCH "ctx = 100000000\nslots = 1 22\n" REST,
     "t.ini:4: 22 slots of a 'ctx' of 100000000: no server has a context of more than "
     "2147483647\n"},
    /* choices */
    {BENCH "layout = tabel\nload = warm\nsummary = no\nchart = of\n" REST,
     "t.ini:3: 'layout' is 'tabel': expected sections or table (did you mean 'table'?)\n"
     "t.ini:4: 'load' is 'warm': expected any or cold\n"
     "t.ini:5: 'summary' is 'no': expected off, bottom, top or on\n"
     "t.ini:6: 'chart' is 'of': expected off or on (did you mean 'off'?)\n"},
    {BENCH "[backend b]\nserver = x\ngpu_layers = -1\nflash_attn = 1\nmmap = auto\n"
           "cache_type = q4_O\nthreads = 0\n[model m]\npath = x\n",
     "t.ini:5: 'gpu_layers' is '-1': expected a whole number from 0 to 100000, all or auto\n"
     "t.ini:6: 'flash_attn' is '1': expected on, off or auto\n"
     "t.ini:7: 'mmap' is 'auto': expected on or off\n"
     "t.ini:8: 'cache_type' is 'q4_O': expected f32, f16, bf16, q8_0, q4_0, q4_1, iq4_nl, q5_0 or "
     "q5_1 (did you mean 'q4_0'?)\n"
     "t.ini:9: 'threads' is '0': expected a whole number from 1 to 4096\n"},
    /* lists */
    {BENCH REST "[backend c]\nserver = x\nargs = -a 'b\n",
     "t.ini:9: the single quote is never closed\n"},
    {BENCH REST "[backend c]\nserver = x\nargs = -a \"b\n",
     "t.ini:9: the double quote is never closed\n"},
    {BENCH REST "[backend c]\nserver = x\nargs = -a \\\n",
     "t.ini:9: nothing follows the backslash at the end\n"},
    {BENCH REST "[backend c]\nserver = x\nargs = ${UNSET} \"${UNSET}\"\n",
     "t.ini:9: ${UNSET} is not set in the environment\n"
     "t.ini:9: ${UNSET} is not set in the environment\n"},
    {BENCH REST
     "[backend c]\nserver = x\nenv = FOO\nenv = 1A=x\nenv = A B=x\nenv = A=1\nenv = A=2\n",
     "t.ini:9: 'env' is 'FOO': expected NAME=value\n"
     "t.ini:10: 'env' is '1A=x': expected NAME=value\n"
     "t.ini:11: 'env' is 'A B=x': expected NAME=value\n"
     "t.ini:13: environment variable 'A' is set twice\n"},
    {BENCH
     "[backend vulkan]\nserver = x\n[model m]\npath = x\nbackends = vulcan cpu vulkan vulkan\n",
     "t.ini:7: unknown backend 'vulcan' (did you mean 'vulkan'?)\n"
     "t.ini:7: unknown backend 'cpu'\n"
     "t.ini:7: backend 'vulkan' is named twice\n"},
    {BENCH REST "backends =\n", "t.ini:7: 'backends' is empty\n"},
    /* what is tuned */
    {BENCH "tune = ubatsch 1 2\ntune = mmap on off\n" REST,
     "t.ini:3: 'tune' knows no 'ubatsch' (did you mean 'ubatch'?): it tries ubatch, batch, "
     "threads, flash_attn\n"
     "t.ini:4: 'tune' knows no 'mmap': it tries ubatch, batch, threads, flash_attn\n"},
    {BENCH "tune = ubatch 512\ntune = ubatch 0 512\ntune = flash_attn on maybe\ntune = threads 2 "
           "2\n" REST,
     "t.ini:3: 'tune' holds 1 value of ubatch: it tries 2 to 16\n"
     "t.ini:4: 'tune' tries '0' of ubatch: expected a whole number from 1 to 1048576\n"
     "t.ini:5: 'tune' tries 'maybe' of flash_attn: expected on, off or auto\n"
     "t.ini:6: 'tune' tries threads 2 twice\n"},
    {BENCH "tune = ubatch 1 2\ntune = off\ntune = ubatch 3 4\ntune =\n" REST,
     "t.ini:4: 'tune = off' stands alone\n"
     "t.ini:5: 'tune' tries ubatch a second time\n"
     "t.ini:6: 'tune' is empty\n"},
    {BENCH "tune = threads 1 2\n[backend b]\nserver = x\nthreads = 4\n[model m]\npath = m.gguf\n",
     "t.ini:6: [backend b] sets 'threads', which 'tune' (line 3) tries: use one, or 'tune = off' "
     "here\n"},
    {BENCH "tune = ubatch 512 4096\n" REST, "t.ini:3: [backend b] asks for a ubatch of 4096 and "
                                            "has a batch of 2048, to which llama-server would "
                                            "cut it: set 'batch = 4096'\n"},
    {BENCH "[backend b]\nserver = x\nbatch = 256\nubatch = 512\n[model m]\npath = m.gguf\n",
     "t.ini:6: [backend b] asks for a ubatch of 512 and has a batch of 256, to which llama-server "
     "would cut "
     "it: set 'batch = 512'\n"},
    /* prompts */
    {"[bench]\nprompt = /no/such/prompt\n" REST,
     "t.ini:2: cannot use prompt '/no/such/prompt': No such file or directory\n"},
    {"[bench]\nprompt = /\n" REST, "t.ini:2: cannot use prompt '/': it is not a file\n"},
    {BENCH "prompts = ${PROMPT}\n" REST,
     "t.ini:3: 'prompts' takes the place of 'prompt' (line 2): use one\n"},
    {"[bench]\nprompts = ${PROMPT} /no/such/prompt\nprompt_label = x\n" REST,
     "t.ini:2: cannot use prompt '/no/such/prompt': No such file or directory\n"
     "t.ini:3: 'prompt_label' goes with 'prompt'; 'prompts' are named by their files\n"},
    {"[bench]\nprompts = ${PROMPT} ${PROMPT}\n" REST,
     "t.ini:2: two prompts are named 'p.txt': rename one of the files\n"},
};

static void every_diagnostic_is_exact(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(bad); i++) {
        char *errors = refused(bad[i].text, strlen(bad[i].text), NULL);
        assert_string_equal(errors, bad[i].expected);
        free(errors);
    }
}

static void nul_bytes_are_refused(void **state) {
    (void)state;
    static const char text[] = BENCH "title = a\0b\n" REST;
    assert_refused(text, sizeof text - 1, "t.ini:3: the line holds a NUL byte\n");
}

static void prompts_must_be_text(void **state) {
    (void)state;
    static const struct {
        const char *name, *problem;
    } cases[] = {
        {"empty.txt", "it is empty"},
        {"latin1.txt", "it is not UTF-8 text"},
        {"fifo", "it is not a file"},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char *text = sb_asprintf("[bench]\nprompt = ${FOLDER}/%s\n" REST, cases[i].name);
        char *expected = sb_asprintf("t.ini:2: cannot use prompt '%s/%s': %s\n", folder,
                                     cases[i].name, cases[i].problem);
        assert_refused(text, strlen(text), expected);
        free(text);
        free(expected);
    }
}

static void images_must_be_pictures(void **state) {
    (void)state;
    static const struct {
        const char *name, *problem;
    } cases[] = {
        {"missing.png", "No such file or directory"},
        {"nothing.png", "it is empty"},
        {"p.txt", "it is neither a PNG nor a JPEG file"},
        {"fifo", "it is not a file"},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char *in_bench =
            sb_asprintf(BENCH "image = ${FOLDER}/%s\n" REST "mmproj = e.gguf\n", cases[i].name);
        char *in_model =
            sb_asprintf(BENCH REST "mmproj = e.gguf\nimage = ${FOLDER}/%s\n", cases[i].name);
        char *problem =
            sb_asprintf("cannot use image '%s/%s': %s\n", folder, cases[i].name, cases[i].problem);
        char *first = sb_asprintf("t.ini:3: %s", problem),
             *last = sb_asprintf("t.ini:8: %s", problem);
        assert_refused(in_bench, strlen(in_bench), first);
        assert_refused(in_model, strlen(in_model), last);
        free(in_bench);
        free(in_model);
        free(problem);
        free(first);
        free(last);
    }
}

static void a_picture_needs_eyes_and_depth_0(void **state) {
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {BENCH "image = ${FOLDER}/dot.png\n" REST,
         "t.ini:3: no model has an 'mmproj' to see the 'image'\n"},
        {BENCH REST "image = ${FOLDER}/dot.png\n",
         "t.ini:7: [model m] has an 'image' and no 'mmproj' to see it\n"},
        {BENCH "depths = 0 100\nimage = ${FOLDER}/dot.jpg\n" REST "mmproj = e.gguf\n",
         "t.ini:3: an 'image' goes with a depth of 0 alone\n"},
        {BENCH "slots = 1 2\nimage = ${FOLDER}/dot.jpg\n" REST "mmproj = e.gguf\n",
         "t.ini:3: an 'image' goes with one request at a time\n"},
    };
    for (size_t i = 0; i < LENGTH(cases); i++)
        assert_refused(cases[i].text, strlen(cases[i].text), cases[i].expected);
}

static void too_big_a_prompt_is_refused(void **state) {
    (void)state;
    char *path = in_folder("p.txt");
    assert_int_equal(truncate(path, SB_PROMPT_MAX_BYTES + 1), 0);
    char *expected =
        sb_asprintf("t.ini:2: cannot use prompt '%s': it is larger than 16 MiB\n", path);
    assert_refused(BENCH REST, strlen(BENCH REST), expected);
    write_file("p.txt", "Why?\n", 5);
    free(expected);
    free(path);
}

static void too_big_a_file_or_value_is_refused(void **state) {
    (void)state;
    char *text = sb_alloc(SB_CONFIG_MAX_BYTES + 2, 1);
    memset(text, '\n', SB_CONFIG_MAX_BYTES + 1);
    assert_refused(text, SB_CONFIG_MAX_BYTES + 1, "t.ini: the file is larger than 1048576 bytes\n");
    static const char start[] = BENCH REST "label = ";
    memcpy(text, start, sizeof start - 1);
    memset(text + sizeof start - 1, 'x', 70000);
    assert_refused(text, 80000, "t.ini:7: a value is longer than 65536 bytes\n");
    free(text);
}

static void a_flood_of_errors_is_counted(void **state) {
    (void)state;
    struct sb_buf text = SB_BUF_INIT(SB_CONFIG_MAX_BYTES);
    for (int i = 0; i < 250; i++)
        sb_buf_adds(&text, "x\n");
    char *errors = refused(sb_buf_str(&text), text.len, NULL);
    assert_non_null(strstr(errors, "t.ini:200: expected"));
    assert_null(strstr(errors, "t.ini:201: expected"));
    assert_non_null(strstr(errors, "t.ini: and 52 more\n")); /* 50, and two missing sections */
    free(errors);
    sb_buf_release(&text);
}

static void too_many_sections_are_refused(void **state) {
    (void)state;
    struct sb_buf text = SB_BUF_INIT(SB_CONFIG_MAX_BYTES);
    sb_buf_adds(&text, BENCH "[backend b]\nserver = x\n");
    for (int i = 0; i <= 1000; i++)
        sb_buf_addf(&text, "[model m%d]\npath = x\n", i);
    assert_refused(sb_buf_str(&text), text.len, "t.ini: more than 1000 models or backends\n");
    sb_buf_release(&text);
}

static void too_many_points_are_refused(void **state) {
    (void)state;
    struct sb_buf text = SB_BUF_INIT(SB_CONFIG_MAX_BYTES);
    sb_buf_adds(&text, BENCH "depths =");
    for (int i = 0; i < 65; i++)
        sb_buf_addf(&text, " %d", i);
    sb_buf_adds(&text, "\n" REST);
    assert_refused(sb_buf_str(&text), text.len,
                   "t.ini:3: 'depths' holds 65 values, at most 64 can be measured\n");
    sb_buf_release(&text);
}

static void a_file_that_cannot_be_read_is_named(void **state) {
    (void)state;
    struct sb_config c;
    struct sb_buf errors = SB_BUF_INIT(SB_ERR_MAX);
    assert_int_equal(sb_config_load("/no/such.ini", NULL, &c, &errors), -EINVAL);
    assert_int_equal(sb_config_load("/", NULL, &c, &errors), -EINVAL);
    assert_string_equal(sb_buf_str(&errors), "/no/such.ini: No such file or directory\n"
                                             "/: Is a directory\n");
    sb_buf_release(&errors);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_diagnostic_is_exact),
        cmocka_unit_test(nul_bytes_are_refused),
        cmocka_unit_test(prompts_must_be_text),
        cmocka_unit_test(images_must_be_pictures),
        cmocka_unit_test(a_picture_needs_eyes_and_depth_0),
        cmocka_unit_test(too_big_a_prompt_is_refused),
        cmocka_unit_test(too_big_a_file_or_value_is_refused),
        cmocka_unit_test(a_flood_of_errors_is_counted),
        cmocka_unit_test(too_many_sections_are_refused),
        cmocka_unit_test(too_many_points_are_refused),
        cmocka_unit_test(a_file_that_cannot_be_read_is_named),
        cmocka_unit_test(no_other_file_is_left),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
