/* The GGUF reader on headers made by hand, and its figures as they are shown. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stratobench/base.h"
#include "stratobench/gguf.h"

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
    return cmocka_run_group_tests(tests, NULL, NULL);
}
