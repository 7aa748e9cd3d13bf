/* The GGUF reader on files: models that make_gguf writes (a llama-server b11669 was asked for their
 * n_params and size; its answers stand below), and damaged ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "stratobench/base.h"
#include "stratobench/gguf.h"

/* ---- models from make_gguf ------------------------------------------------------------------- */

static char dir[] = "/tmp/test_gguf.XXXXXX";

static int make_dir(void **state) {
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state) {
    (void)state;
    char *command = sb_asprintf("rm -r '%s'", dir);
    int rc = system(command);
    free(command);
    return rc;
}

static char *in_dir(const char *name) {
    return sb_asprintf("%s/%s", dir, name);
}

/* Writes DIR/name with these options and returns its path. */
static char *make(const char *name, const char *args) {
    char *path = in_dir(name);
    char *command = sb_asprintf("'%s/make_gguf' -o '%s' %s", TOOLS_DIR, path, args);
    assert_int_equal(system(command), 0);
    free(command);
    return path;
}

static struct sb_gguf read_ok(const char *path) {
    struct sb_gguf g;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    enum sb_gguf_status status = sb_gguf_read(path, &g, &error);
    if (status != SB_GGUF_OK)
        fail_msg("%s", sb_buf_str(&error));
    return g;
}

/* The read fails so, and its one line begins with DIR/name and holds `part`. */
static void read_fails(const char *path, enum sb_gguf_status expected, const char *name,
                       const char *part) {
    struct sb_gguf g;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    char *begin = sb_asprintf("%s/%s: ", dir, name);
    enum sb_gguf_status status = sb_gguf_read(path, &g, &error);
    const char *text = sb_buf_str(&error);
    if (status != expected || strncmp(text, begin, strlen(begin)) || !strstr(text, part) ||
        strchr(text, '\n'))
        fail_msg("status %d, \"%s\"; expected %d, \"%s…%s\"", status, text, expected, begin, part);
    assert_null(g.architecture);
    free(begin);
    sb_buf_release(&error);
}

static uint64_t file_bytes(const char *path) {
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return (uint64_t)st.st_size;
}

static void dense_model(void **state) {
    (void)state;
    char *path = make("dense.gguf", "--name 'A model'");
    struct sb_gguf g = read_ok(path);
    assert_string_equal(g.name, "A model");
    assert_string_equal(g.architecture, "llama");
    assert_string_equal(g.quantization, "F16");
    assert_int_equal(g.n_layers, 4);
    assert_int_equal(g.n_ctx_train, 32768);
    assert_int_equal(g.n_embd, 256);
    assert_int_equal(g.n_head, 4);
    assert_int_equal(g.n_head_kv, 1);
    assert_int_equal(g.key_length, 64);
    assert_int_equal(g.value_length, 64);
    assert_int_equal(g.n_experts, 0);
    assert_int_equal(g.n_shards, 1);
    assert_int_equal(g.n_tensors, 4 * 9 + 3);
    assert_true(g.total_params == 5114112); /* the server's n_params */
    assert_true(g.active_params == 5114112);
    /* The server's size, less token_embd. */
    assert_int_equal(g.bytes_per_token, 10232832 - 4096 * 256 * 2);
    assert_int_equal(g.lookup_bytes, 4096 * 256 * 2);
    assert_int_equal(g.file_bytes, file_bytes(path));
    /* The server's own words for 2048 cells: 2.00 MiB. */
    assert_int_equal(sb_gguf_kv_bytes(&g, 2048, NULL), 2 << 20);
    sb_gguf_release(&g);
    free(path);
}

static void mixture_of_experts_in_shards(void **state) {
    (void)state;
    char *path = make("moe.gguf", "--type Q4_0 --experts 4 --shards 4");
    char *first = in_dir("moe-00001-of-00004.gguf");
    struct sb_gguf g = read_ok(first);
    uint64_t expert_params = 4 * 4 * 3 * 256 * 768, bytes = 0;
    assert_int_equal(g.n_shards, 4);
    assert_int_equal(g.n_experts, 4);
    assert_int_equal(g.n_experts_used, 2);
    assert_string_equal(g.quantization, "Q4_0");
    assert_true(g.total_params == 12196096);
    assert_true(g.active_params == 12196096 - (double)expert_params / 2);
    assert_int_equal(g.bytes_per_token,
                     6882304 - 4096 * 256 * 18 / 32 - expert_params / 2 * 18 / 32);
    for (int i = 1; i <= 4; i++) {
        char *shard = sb_asprintf("%s/moe-0000%d-of-00004.gguf", dir, i);
        bytes += file_bytes(shard);
        free(shard);
    }
    assert_int_equal(g.file_bytes, bytes);
    sb_gguf_release(&g);
    free(first);
    free(path);
}

static void tied_embeddings_are_read_for_every_token(void **state) {
    (void)state;
    char *path = make("tied.gguf", "--type Q8_0 --tied --layers 2");
    struct sb_gguf g = read_ok(path);
    assert_true(g.total_params == 2557184);
    assert_int_equal(g.bytes_per_token, 2720768);
    sb_gguf_release(&g);
    free(path);
}

static void header_names_the_content(void **state) {
    (void)state;
    char *path[3] = {make("a.gguf", "--layers 1"), make("b.gguf", "--layers 1"),
                     make("c.gguf", "--layers 1 --name other")};
    struct sb_gguf g[3];
    for (int i = 0; i < 3; i++) {
        g[i] = read_ok(path[i]);
        free(path[i]);
        assert_int_equal(strspn(g[i].header_sha256, "0123456789abcdef"), 64);
    }
    assert_string_equal(g[0].header_sha256, g[1].header_sha256);
    assert_string_not_equal(g[0].header_sha256, g[2].header_sha256);
    for (int i = 0; i < 3; i++)
        sb_gguf_release(&g[i]);
}

static void huge_model_with_a_long_header(void **state) {
    (void)state;
    /* 101 GiB on paper; its tokenizer alone is longer than the first piece that is read. */
    char *path = make("huge.gguf", "--no-data --type Q8_0 --vocab 256000 --layers 80 --embd 8192 "
                                   "--ff 45056 --heads 128 --kv-heads 8 --tied");
    struct sb_gguf g = read_ok(path);
    uint64_t layer = 2ul * 8192 * 8192 + 2ul * 8192 * 512 + 3ul * 8192 * 45056;
    assert_true(g.total_params == 256000. * 8192 + 80. * (double)layer + 161 * 8192);
    assert_int_equal(g.file_bytes, file_bytes(path));
    char *size = sb_format_bytes(g.file_bytes);
    assert_string_equal(size, "~101 GiB");
    free(size);
    assert_int_equal(unlink(path), 0);
    sb_gguf_release(&g);
    free(path);
}

/* ---- files that are not whole ---------------------------------------------------------------- */

static void truncated_file_is_named_with_what_is_missing(void **state) {
    (void)state;
    char *path = make("short.gguf", "--layers 1");
    uint64_t size = file_bytes(path);
    assert_int_equal(truncate(path, (off_t)size - 1000), 0);
    read_fails(path, SB_GGUF_TRUNCATED, "short.gguf", " 1000 (1000 B) are missing");
    assert_int_equal(truncate(path, 5000), 0);
    read_fails(path, SB_GGUF_TRUNCATED, "short.gguf",
               "inside its header: the file ends at byte 5000");
    assert_int_equal(truncate(path, 0), 0);
    read_fails(path, SB_GGUF_NOT_GGUF, "short.gguf", "empty");
    assert_int_equal(unlink(path), 0);
    read_fails(path, SB_GGUF_MISSING, "short.gguf", "No such file");
    assert_int_equal(mkdir(path, 0700), 0);
    read_fails(path, SB_GGUF_MISSING, "short.gguf", "not a regular file");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0); /* must not wait for a writer */
    read_fails(path, SB_GGUF_MISSING, "short.gguf", "not a regular file");
    free(path);
}

static void shards_that_do_not_fit_together(void **state) {
    (void)state;
    free(make("s.gguf", "--layers 2 --shards 3"));
    char *one = in_dir("s-00001-of-00003.gguf"), *two = in_dir("s-00002-of-00003.gguf"),
         *three = in_dir("s-00003-of-00003.gguf"), *plain = in_dir("plain.gguf");
    read_fails(two, SB_GGUF_NOT_FIRST, "s-00002-of-00003.gguf", "give the first");

    assert_int_equal(rename(one, plain), 0);
    read_fails(plain, SB_GGUF_RENAMED, "plain.gguf", "one of 3 shards, but not named");
    assert_int_equal(rename(plain, one), 0);

    assert_int_equal(rename(two, plain), 0);
    read_fails(one, SB_GGUF_NO_SHARD, "s-00002-of-00003.gguf", "missing (1 of 3 are)");
    assert_int_equal(rename(three, two), 0);
    read_fails(one, SB_GGUF_NO_SHARD, "s-00003-of-00003.gguf", "missing (1 of 3 are)");
    assert_int_equal(rename(plain, three), 0); /* two and three have changed places */
    read_fails(one, SB_GGUF_RENAMED, "s-00002-of-00003.gguf",
               "by its name shard 2 of 3, by its contents shard 3 of 3");
    assert_int_equal(rename(three, plain), 0);
    assert_int_equal(rename(two, three), 0);
    assert_int_equal(rename(plain, two), 0);

    uint64_t size = file_bytes(three);
    assert_int_equal(truncate(three, (off_t)size - 77), 0);
    read_fails(one, SB_GGUF_TRUNCATED, "s-00003-of-00003.gguf", " 77 (77 B) are missing");
    assert_int_equal(truncate(three, 0), 0);
    read_fails(one, SB_GGUF_NOT_GGUF, "s-00003-of-00003.gguf", "empty");
    free(one);
    free(two);
    free(three);
    free(plain);
}

static void shard_of_another_model(void **state) {
    (void)state;
    free(make("m.gguf", "--layers 2 --shards 2"));
    free(make("n.gguf", "--layers 3 --shards 2"));
    char *one = in_dir("m-00001-of-00002.gguf"), *two = in_dir("m-00002-of-00002.gguf"),
         *other = in_dir("n-00002-of-00002.gguf");
    assert_int_equal(rename(other, two), 0);
    read_fails(one, SB_GGUF_MALFORMED, "m-00001-of-00002.gguf", "21 expected");
    free(one);
    free(two);
    free(other);
}

static void other_files_under_a_models_name(void **state) {
    (void)state;
    const struct {
        const char *bytes, *says;
    } file[] = {
        {"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"},
        {"<!DOCTYPE html><html>404</html>", "a web page"},
        {"lmgg\1\0\0\0", "a GGML file of 2023"},
        {"XXXX and more", "does not begin with GGUF"},
        {"GG", "does not begin with GGUF"},
    };
    char *path = in_dir("odd.gguf");
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
        assert_int_equal(sb_file_replace(path, file[i].bytes, strlen(file[i].bytes), &error), 0);
        read_fails(path, SB_GGUF_NOT_GGUF, "odd.gguf", file[i].says);
    }
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense_model),
        cmocka_unit_test(mixture_of_experts_in_shards),
        cmocka_unit_test(tied_embeddings_are_read_for_every_token),
        cmocka_unit_test(header_names_the_content),
        cmocka_unit_test(huge_model_with_a_long_header),
        cmocka_unit_test(truncated_file_is_named_with_what_is_missing),
        cmocka_unit_test(shards_that_do_not_fit_together),
        cmocka_unit_test(shard_of_another_model),
        cmocka_unit_test(other_files_under_a_models_name),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
