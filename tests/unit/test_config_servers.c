/* What a server is, what is tuned of it, and what its model is shown. */
#include "config_fixture.h"

static void a_server_of_others_has_a_url(void **state) {
    (void)state;
    struct sb_config c;
    setenv("HOST", "shelf", 1);
    accept(BENCH "[backend b]\nurl = https://${HOST}:8443/gate/\napi_key_env = SHELF_KEY\n"
                 "ca_file = ca.pem\nnotes = lent\nbandwidth = 100\n[model m]\nname = org/m:q4\n",
           &c);
    const struct sb_backend *b = &c.backends[0];
    assert_string_equal(b->url, "https://shelf:8443/gate");
    assert_string_equal(b->api_key_env, "SHELF_KEY");
    assert_string_equal(b->ca_file, "ca.pem");
    assert_string_equal(sb_backend_source(b), "url");
    assert_int_equal(b->command.n, 0);
    assert_string_equal(c.models[0].name, "org/m:q4");
    assert_null(c.models[0].path);
    sb_config_release(&c);
}

/* A model's own picture before that of [bench], which is for those that see. */
static void pictures_are_read(void **state) {
    (void)state;
    struct sb_config c;
    accept(BENCH "image = ${FOLDER}/dot.png\n" REST "mmproj = /e.gguf\n"
                 "[model own]\npath = o.gguf\nmmproj = /e.gguf\nimage = ${FOLDER}/dot.jpg\n"
                 "[model blind]\npath = o.gguf\n",
           &c);
    assert_string_equal(c.models[0].mmproj, "/e.gguf");
    const struct sb_image *of[] = {sb_model_image(&c, &c.models[0]),
                                   sb_model_image(&c, &c.models[1])};
    assert_ptr_equal(of[0], &c.image);
    assert_string_equal(of[0]->given, c.image.path);
    assert_int_equal(of[0]->len, sizeof PNG - 1);
    assert_memory_equal(of[0]->bytes, PNG, sizeof PNG - 1);
    assert_string_equal(of[0]->sha256,
                        "8bb4a8c6a1472a364d010c42e6f8fdf20276a5c18d7d27f80f10e3413bcaf02e");
    assert_non_null(strstr(of[1]->path, "/dot.jpg"));
    assert_null(sb_model_image(&c, &c.models[2]));
    sb_config_release(&c);
    accept(BENCH REST "mmproj = /e.gguf\n", &c); /* it sees, and is shown nothing */
    assert_null(sb_model_image(&c, &c.models[0]));
    sb_config_release(&c);
}

/* A backend's own before those of [bench]; nothing of a server that others have started. */
static void what_is_tuned_is_read(void **state) {
    (void)state;
    struct sb_config c;
    accept("[bench]\nprompt = ${PROMPT}\ntune = ubatch 512 0256\ntune = flash_attn on off\n"
           "[backend a]\nserver = x\nubatch = 64\nbatch = 128\nthreads = 3\ntune = off\n"
           "[backend b]\nserver = x\ntune = threads 4 8 16\nbatch = 4096\nubatch = 4096\n"
           "[backend c]\nserver = x\n"
           "[backend d]\nurl = http://127.0.0.1:1\n"
           "[model m]\npath = m.gguf\n",
           &c);
    assert_true(c.backends[0].ubatch == 64 && c.backends[0].batch == 128);
    assert_int_equal(sb_backend_tunes(&c, &c.backends[0])->n, 0);
    const struct sb_tunes *own = sb_backend_tunes(&c, &c.backends[1]);
    assert_int_equal(own->n, 1);
    assert_string_equal(own->item[0].what->key, "threads");
    assert_int_equal(sb_tunes_launches(own), 3);
    const struct sb_tunes *of_bench = sb_backend_tunes(&c, &c.backends[2]);
    assert_int_equal(of_bench->n, 2);
    assert_int_equal(sb_tunes_launches(of_bench), 4);
    char *text = sb_tune_text(&of_bench->item[0]);
    assert_string_equal(text, "ubatch 512 256");
    free(text);
    assert_int_equal(sb_backend_tunes(&c, &c.backends[3])->n, 0);
    sb_config_release(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_of_others_has_a_url),
        cmocka_unit_test(pictures_are_read),
        cmocka_unit_test(what_is_tuned_is_read),
        cmocka_unit_test(no_other_file_is_left),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
