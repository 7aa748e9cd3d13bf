/* The GGUF reader: on models that make_gguf writes (a llama-server b11669 was asked for their
 * n_params and size; its answers stand below), on damaged ones, and on headers made by hand. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
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

/* ---- models from make_gguf ----------------------------------------------------------------- */

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

/* ---- files that are not whole -------------------------------------------------------------- */

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

/* ---- headers made by hand ------------------------------------------------------------------ */

enum { U16 = 2, U32 = 4, I32 = 5, STRING = 8, ARRAY = 9, U64 = 10 };
enum { F32 = 0, Q6_K = 14, Q4_K = 12, MXFP4 = 39 };

struct made {
    struct sb_buf bytes;
    uint64_t end; /* of the data so far */
};

static void put(struct made *m, uint64_t x, size_t size) {
    for (size_t i = 0; i < size; i++)
        sb_buf_add(&m->bytes, &(char){(char)(x >> 8 * i)}, 1);
}

static void put_text(struct made *m, const char *s) {
    put(m, strlen(s), 8);
    sb_buf_adds(&m->bytes, s);
}

static struct made begin(uint32_t version, uint64_t n_tensors, uint64_t n_values) {
    struct made m = {.bytes = SB_BUF_INIT(1 << 20)};
    sb_buf_adds(&m.bytes, "GGUF");
    put(&m, version, 4);
    put(&m, n_tensors, 8);
    put(&m, n_values, 8);
    return m;
}

static void put_string(struct made *m, const char *key, const char *value) {
    put_text(m, key);
    put(m, STRING, 4);
    put_text(m, value);
}

static void put_u32(struct made *m, const char *key, uint32_t value) {
    put_text(m, key);
    put(m, U32, 4);
    put(m, value, 4);
}

static void put_tensor(struct made *m, const char *name, uint32_t type, uint64_t rows,
                       uint64_t bytes) {
    uint64_t offset = (m->end + 31) / 32 * 32;
    put_text(m, name);
    put(m, 2, 4);
    put(m, 256, 8);
    put(m, rows, 8);
    put(m, type, 4);
    put(m, offset, 8);
    m->end = offset + bytes;
}

static uint64_t needed(const struct made *m) {
    return (m->bytes.len + 31) / 32 * 32 + m->end;
}

static enum sb_gguf_status parse(struct made *m, uint64_t size, struct sb_gguf *g,
                                 struct sb_buf *error) {
    return sb_gguf_parse("made", m->bytes.data, m->bytes.len, size, g, error);
}

static struct sb_gguf parse_ok(struct made *m) {
    struct sb_gguf g;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    if (parse(m, needed(m), &g, &error) != SB_GGUF_OK)
        fail_msg("%s", sb_buf_str(&error));
    sb_buf_release(&m->bytes);
    return g;
}

static void parse_fails(struct made *m, uint64_t size, enum sb_gguf_status expected,
                        const char *part) {
    struct sb_gguf g;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    enum sb_gguf_status status = parse(m, size, &g, &error);
    if (status != expected || !strstr(sb_buf_str(&error), part))
        fail_msg("status %d, \"%s\"; expected %d, \"%s\"", status, sb_buf_str(&error), expected,
                 part);
    sb_buf_release(&error);
    sb_buf_release(&m->bytes);
}

static void per_layer_heads_and_layers_that_draft(void **state) {
    (void)state;
    struct made m = begin(2, 5, 8);
    put_string(&m, "general.architecture", "odd-arch");
    put_string(&m, "general.name", "two\nlines \x1b[31m\xff");
    put_u32(&m, "odd-arch.block_count", 3);
    put_u32(&m, "odd-arch.nextn_predict_layers", 1);
    put_u32(&m, "odd-arch.attention.key_length", 192);
    put_u32(&m, "odd-arch.attention.value_length", 128);
    put_text(&m, "odd-arch.attention.head_count_kv");
    put(&m, ARRAY, 4);
    put(&m, I32, 4);
    put(&m, 3, 8);
    put(&m, 8, 4);
    put(&m, (uint64_t)-4, 4); /* as if it were not there */
    put(&m, 4, 4);
    put_u32(&m, "general.file_type", 1024 + 15); /* guessed */
    put_tensor(&m, "token_embd.weight", Q4_K, 10, 1440);
    put_tensor(&m, "blk.0.ffn_down.weight", Q6_K, 20, 4200);
    put_tensor(&m, "blk.1.ffn_up.weight", Q4_K, 5, 720);
    put_tensor(&m, "blk.2.ffn_up.weight", Q4_K, 7, 1008);
    put_tensor(&m, "output.weight", MXFP4, 2, 272);
    struct sb_gguf g = parse_ok(&m);
    assert_string_equal(g.name, "two lines \xef\xbf\xbd[31m\xef\xbf\xbd");
    assert_string_equal(g.quantization, "Q4_K_M");
    assert_int_equal(g.n_head_kv, 8);
    assert_int_equal(g.n_head_kv_all, 12);
    assert_true(g.total_params == 44 * 256);
    assert_true(g.active_params == 37 * 256);
    assert_int_equal(g.bytes_per_token, 4200 + 720 + 272);
    const struct {
        const char *type;
        uint64_t bytes; /* 12 heads x (192 + 128) weights x 1000 tokens */
    } kv[] = {{"f32", 15360000},   {"f16", 7680000},  {NULL, 7680000},   {"bf16", 7680000},
              {"q8_0", 4080000},   {"q5_1", 2880000}, {"q5_0", 2640000}, {"q4_1", 2400000},
              {"iq4_nl", 2160000}, {"q4_0", 2160000}, {"q4_k", 0},       {"", 0}};
    for (size_t i = 0; i < sizeof kv / sizeof *kv; i++)
        assert_int_equal(sb_gguf_kv_bytes(&g, 1000, kv[i].type), kv[i].bytes);
    sb_gguf_release(&g);
}

static void quantization_without_a_file_type(void **state) {
    (void)state;
    struct made m = begin(3, 2, 1);
    put_u32(&m, "general.file_type", 999);
    put_tensor(&m, "a", F32, 1, 1024);
    put_tensor(&m, "b", MXFP4, 20, 2720);
    struct sb_gguf g = parse_ok(&m);
    assert_string_equal(g.quantization, "MXFP4");
    assert_null(g.name);
    assert_string_equal(g.architecture, "unknown");
    assert_int_equal(sb_gguf_kv_bytes(&g, 1000, "f16"), 0);
    sb_gguf_release(&g);

    static const struct {
        uint32_t type;
        const char *name;
    } names[] = {{0, "F32"},     {1, "F16"},    {2, "Q4_0"},    {7, "Q8_0"},
                 {15, "Q4_K_M"}, {18, "Q6_K"},  {30, "IQ4_XS"}, {32, "BF16"},
                 {37, "TQ2_0"},  {38, "MXFP4"}, {5, "unknown"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct made n = begin(3, 0, 1);
        put_u32(&n, "general.file_type", names[i].type);
        struct sb_gguf h = parse_ok(&n);
        assert_string_equal(h.quantization, names[i].name);
        sb_gguf_release(&h);
    }
}

static void hybrid_models_keep_keys_in_some_layers_only(void **state) {
    (void)state;
    struct made m = begin(3, 0, 5);
    put_string(&m, "general.architecture", "h");
    put_u32(&m, "h.block_count", 48);
    put_u32(&m, "h.full_attention_interval", 4);
    put_u32(&m, "h.attention.head_count_kv", 2);
    put_u32(&m, "h.attention.key_length", 256);
    struct sb_gguf g = parse_ok(&m);
    assert_int_equal(g.n_head_kv_all, 24);
    assert_int_equal(sb_gguf_kv_bytes(&g, 1, "f16"), 24 * 512 * 2);
    sb_gguf_release(&g);
}

static void wrong_versions(void **state) {
    (void)state;
    struct made m = begin(0x03000000, 0, 0);
    parse_fails(&m, 1000, SB_GGUF_NOT_GGUF, "big-endian");
    m = begin(1, 0, 0);
    parse_fails(&m, 1000, SB_GGUF_NOT_GGUF, "version 1; only 2 and 3");
    m = begin(4, 0, 0);
    parse_fails(&m, 1000, SB_GGUF_NOT_GGUF, "version 4");
}

/* A value of this type whose length or number of items is n. */
static struct made claim(uint32_t type, uint64_t n) {
    struct made m = begin(3, 0, 1);
    put_text(&m, "key");
    put(&m, type, 4);
    if (type == ARRAY)
        put(&m, U32, 4);
    put(&m, n, 8);
    return m;
}

static void claims_over_the_limits_take_no_memory(void **state) {
    (void)state;
    const uint64_t size = UINT64_C(1) << 50;
    struct made m = begin(3, UINT64_MAX, 0);
    parse_fails(&m, size, SB_GGUF_MALFORMED, "more entries");
    m = begin(3, 0, UINT64_MAX / 2);
    parse_fails(&m, size, SB_GGUF_MALFORMED, "more entries");
    m = begin(3, 100000, 10);
    parse_fails(&m, 5000, SB_GGUF_TRUNCATED, "at least");
    m = claim(STRING, UINT64_MAX);
    parse_fails(&m, size, SB_GGUF_MALFORMED, "impossible length");
    m = claim(ARRAY, UINT64_MAX / 4 + 1);
    parse_fails(&m, size, SB_GGUF_MALFORMED, "too many items in 'key'");
    m = claim(STRING, 1000000);
    parse_fails(&m, 100000, SB_GGUF_TRUNCATED, "at least");
    m = claim(STRING, 1000000);
    parse_fails(&m, size, SB_GGUF_TRUNCATED, "longer than what was read");
    m = claim(77, 0);
    parse_fails(&m, size, SB_GGUF_MALFORMED, "unknown type of value in 'key'");
}

static void tensors_that_cannot_be(void **state) {
    (void)state;
    const uint64_t size = UINT64_C(1) << 50;
    static const struct {
        uint32_t n_dims;
        uint64_t dim[2];
        uint32_t type;
        uint64_t offset;
        const char *says;
    } odd[] = {
        {2, {256, 2}, Q4_K, 32, "not where it must be in 'evil"},
        {2, {255, 2}, Q4_K, 0, "not whole blocks"},
        {2, {256, 2}, 4, 0, "tensor type this program does not know"},
        {2, {256, 2}, 4000000000u, 0, "tensor type this program does not know"},
        {2, {UINT64_C(1) << 40, UINT64_C(1) << 40}, F32, 0, "impossible dimensions"},
        {2, {UINT64_C(1) << 62, 1}, F32, 0, "not where it must be"},
        {5, {1, 1}, F32, 0, "more than 4 dimensions"},
    };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        struct made m = begin(3, 1, 0);
        put_text(&m, "evil\x1b");
        put(&m, odd[i].n_dims, 4);
        for (uint32_t d = 0; d < odd[i].n_dims; d++)
            put(&m, odd[i].dim[d % 2], 8);
        put(&m, odd[i].type, 4);
        put(&m, odd[i].offset, 8);
        parse_fails(&m, size, SB_GGUF_MALFORMED, odd[i].says);
    }
    struct made m = begin(3, 1, 1);
    put_u32(&m, "general.alignment", 33);
    put_tensor(&m, "t", F32, 1, 1024);
    parse_fails(&m, size, SB_GGUF_MALFORMED, "no power of two");
}

/* Of two experts a token reads one, whether they share a tensor or, as in old files, do not. */
static void experts_in_tensors_of_their_own(void **state) {
    (void)state;
    static const char *const names[] = {"blk.0.ffn_up.0.weight", "blk.0.ffn_up.1.weight"};
    struct made m = begin(3, 3, 4);
    put_string(&m, "general.architecture", "a");
    put_u32(&m, "a.block_count", 1);
    put_u32(&m, "a.expert_count", 2);
    put_u32(&m, "a.expert_used_count", 1);
    for (size_t i = 0; i < 2; i++)
        put_tensor(&m, names[i], F32, 1, 1024);
    put_tensor(&m, "blk.0.ffn_norm.weight", F32, 1, 1024);
    struct sb_gguf g = parse_ok(&m);
    assert_true(g.total_params == 3 * 256);
    assert_true(g.active_params == 2 * 256);
    sb_gguf_release(&g);
}

/* Cut anywhere, a header is refused; with any one byte changed, it is read or refused, and
 * nothing else happens (the sanitizers watch). */
static void every_cut_and_every_changed_byte(void **state) {
    (void)state;
    struct made m = begin(3, 2, 3);
    put_string(&m, "general.architecture", "a");
    put_u32(&m, "a.block_count", 1);
    put_text(&m, "tokenizer.ggml.tokens");
    put(&m, ARRAY, 4);
    put(&m, STRING, 4);
    put(&m, 2, 8);
    put_text(&m, "x");
    put_text(&m, "yz");
    put_tensor(&m, "blk.0.ffn_up_exps.weight", Q4_K, 1, 144);
    put_tensor(&m, "output.weight", F32, 1, 1024);
    struct sb_gguf g;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    for (uint64_t len = 4; len < needed(&m); len++) {
        size_t there = len < m.bytes.len ? len : m.bytes.len;
        char *copy = malloc(there); /* its very end is the end of what may be read */
        assert_non_null(copy);
        memcpy(copy, m.bytes.data, there);
        assert_int_equal(sb_gguf_parse("cut", copy, there, len, &g, &error), SB_GGUF_TRUNCATED);
        free(copy);
    }
    for (size_t i = 0; i < m.bytes.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            m.bytes.data[i] = (char)(m.bytes.data[i] ^ 1 << bit);
            enum sb_gguf_status status = parse(&m, needed(&m), &g, &error);
            assert_true(status != SB_GGUF_MISSING && status < SB_GGUF_NO_SHARD);
            sb_gguf_release(&g);
            m.bytes.data[i] = (char)(m.bytes.data[i] ^ 1 << bit);
        }
    }
    g = parse_ok(&m);
    assert_int_equal(g.n_layers, 1);
    sb_gguf_release(&g);
    sb_buf_release(&error);
}

static void sizes_and_parameters_as_shown(void **state) {
    (void)state;
    const struct {
        uint64_t bytes;
        const char *shown;
    } size[] = {{0, "0 B"},
                {1023, "1023 B"},
                {2048, "~2 KiB"},
                {325058560, "~310 MiB"},
                {UINT64_C(1073700000), "~1.0 GiB"},
                {UINT64_C(4617089843), "~4.3 GiB"},
                {UINT64_C(10700000000), "~10 GiB"},
                {UINT64_C(74960000000), "~70 GiB"}, /* the reference's decimal "75" */
                {UINT64_C(80530636800), "~75 GiB"}};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        char *shown = sb_format_bytes(size[i].bytes);
        assert_string_equal(shown, size[i].shown);
        free(shown);
    }
    const struct {
        double params;
        const char *shown;
    } count[] = {{70553706496, "71B"}, {3836021760, "3.8B"}, {8030261248, "8B"},
                 {110e6, "110M"},      {999.7e6, "1B"},      {9.96e9, "10B"},
                 {1.04e12, "1T"},      {1.5e12, "1.5T"},     {0, "0"},
                 {NAN, "unknown"},     {INFINITY, "unknown"}};
    for (size_t i = 0; i < sizeof count / sizeof *count; i++) {
        char *shown = sb_format_params(count[i].params);
        assert_string_equal(shown, count[i].shown);
        free(shown);
    }
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
        cmocka_unit_test(per_layer_heads_and_layers_that_draft),
        cmocka_unit_test(quantization_without_a_file_type),
        cmocka_unit_test(hybrid_models_keep_keys_in_some_layers_only),
        cmocka_unit_test(wrong_versions),
        cmocka_unit_test(claims_over_the_limits_take_no_memory),
        cmocka_unit_test(tensors_that_cannot_be),
        cmocka_unit_test(experts_in_tensors_of_their_own),
        cmocka_unit_test(every_cut_and_every_changed_byte),
        cmocka_unit_test(sizes_and_parameters_as_shown),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
