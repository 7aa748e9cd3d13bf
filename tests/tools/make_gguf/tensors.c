#include "make_gguf.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* splitmix64: one multiply-shift chain a word, and any state is a good one. */
static uint64_t next_random(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void random_bytes(unsigned char *p, size_t n, uint64_t *rng) {
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t z = next_random(rng);
        memcpy(p, &z, 8);
    }
    uint64_t z = next_random(rng);
    memcpy(p, &z, n);
}

/* Half precision of a normal number; all that is needed here. */
static uint16_t to_f16(double x) {
    int exponent;
    double fraction = frexp(fabs(x), &exponent);
    unsigned mantissa = (unsigned)lrint((fraction * 2 - 1) * 1024);
    return (uint16_t)((x < 0 ? 0x8000u : 0) + (unsigned)(exponent + 14) * 1024 + mantissa);
}

static void put_f16(unsigned char *p, double x) {
    uint16_t h = to_f16(x);
    memcpy(p, &h, sizeof h);
}

/* Random weights of about the given deviation: random sign and mantissa under one exponent
 * for floats, random digits under one scale for quantized blocks. */
static void fill_f16(unsigned char *p, size_t bytes, double deviation, uint64_t *rng) {
    uint64_t exponent = (to_f16(deviation / 1.5) & 0x7c00u) * 0x0001000100010001u;
    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t z = (next_random(rng) & 0x83ff83ff83ff83ffu) | exponent;
        memcpy(p + i, &z, bytes - i < 8 ? bytes - i : 8);
    }
}

static void fill_f32(unsigned char *p, size_t bytes, double deviation, uint64_t *rng) {
    for (size_t i = 0; i < bytes; i += 4) {
        float x = (float)(deviation * sqrt(3) * ((double)(next_random(rng) >> 11) * 0x1p-52 - 1));
        memcpy(p + i, &x, 4);
    }
}

static void fill_q8_0(unsigned char *p, size_t bytes, double deviation, uint64_t *rng) {
    random_bytes(p, bytes, rng);
    for (size_t i = 0; i < bytes; i += 34)
        put_f16(p + i, deviation / 74);
}

static void fill_q4_0(unsigned char *p, size_t bytes, double deviation, uint64_t *rng) {
    random_bytes(p, bytes, rng);
    for (size_t i = 0; i < bytes; i += 18)
        put_f16(p + i, deviation / 4.6);
}

/* Makes the first block of a row zero but for its first weight. */
static void lead_f16(unsigned char *p, double weight) {
    put_f16(p, weight);
}

static void lead_q8_0(unsigned char *p, double weight) {
    put_f16(p, weight / 127);
    memset(p + 2, 0, 32);
    p[2] = 127;
}

static void lead_q4_0(unsigned char *p, double weight) {
    put_f16(p, weight / 7);
    memset(p + 2, 0x88, 16); /* a digit of 8 is zero */
    p[2] = 0x8f;
}

static const struct type types[] = {
    {"F32", 0, 0, 1, 4, fill_f32, NULL},
    {"F16", 1, 1, 1, 2, fill_f16, lead_f16},
    {"Q8_0", 8, 7, 32, 34, fill_q8_0, lead_q8_0},
    {"Q4_0", 2, 2, 32, 18, fill_q4_0, lead_q4_0},
};
enum { N_TYPES = sizeof types / sizeof *types };
static const struct type *const f32 = &types[0];

const struct type *f32_type(void) {
    return f32;
}

const struct type *find_type(const char *name) {
    for (size_t i = 1; i < N_TYPES; i++)
        if (strcmp(types[i].name, name) == 0)
            return &types[i];
    die("not F16, Q8_0 or Q4_0", name);
}

uint64_t row_bytes(const struct tensor *t) {
    return t->ne[0] / t->type->block * t->type->block_bytes;
}

uint64_t n_rows(const struct tensor *t) {
    uint64_t n = 1;
    for (size_t i = 1; i < 4 && t->ne[i]; i++)
        n *= t->ne[i];
    return n;
}

uint64_t padded(uint64_t n) {
    return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

uint64_t tensor_bytes(const struct tensor *t) {
    return padded(row_bytes(t) * n_rows(t));
}

struct tensor *add_tensor(struct tensors *list, const struct type *type, const char *name,
                          const uint64_t ne[4]) {
    list->item = sb_realloc(list->item, list->n + 1, sizeof *list->item);
    struct tensor *t = &list->item[list->n++];
    *t = (struct tensor){.type = type};
    snprintf(t->name, sizeof t->name, "%s", name);
    memcpy(t->ne, ne, sizeof t->ne);
    return t;
}

static void add_matrix(struct tensors *list, const struct type *type, int layer, const char *what,
                       uint64_t ne0, uint64_t ne1, uint64_t ne2) {
    char name[48];
    snprintf(name, sizeof name, "blk.%d.%s.weight", layer, what);
    add_tensor(list, type, name, (uint64_t[4]){ne0, ne1, ne2});
}

static void add_norm(struct tensors *list, int layer, const char *what, uint64_t ne0) {
    add_matrix(list, f32, layer, what, ne0, 0, 0);
    list->item[list->n - 1].ones = true;
}

static void add_layer(struct tensors *list, const struct spec *s, const struct type *type, int i) {
    uint64_t kv = s->embd / s->heads * s->kv_heads;
    add_norm(list, i, "attn_norm", s->embd);
    add_matrix(list, type, i, "attn_q", s->embd, s->embd, 0);
    add_matrix(list, type, i, "attn_k", s->embd, kv, 0);
    add_matrix(list, type, i, "attn_v", s->embd, kv, 0);
    add_matrix(list, type, i, "attn_output", s->embd, s->embd, 0);
    add_norm(list, i, "ffn_norm", s->embd);
    if (s->experts) {
        add_matrix(list, f32, i, "ffn_gate_inp", s->embd, s->experts, 0);
        add_matrix(list, type, i, "ffn_gate_exps", s->embd, s->ff, s->experts);
        add_matrix(list, type, i, "ffn_down_exps", s->ff, s->embd, s->experts);
        add_matrix(list, type, i, "ffn_up_exps", s->embd, s->ff, s->experts);
    } else {
        add_matrix(list, type, i, "ffn_gate", s->embd, s->ff, 0);
        add_matrix(list, type, i, "ffn_down", s->ff, s->embd, 0);
        add_matrix(list, type, i, "ffn_up", s->embd, s->ff, 0);
    }
}

static struct tensor *add_table(struct tensors *list, const struct spec *s, const struct type *type,
                                const char *name) {
    struct tensor *t = add_tensor(list, type, name, (uint64_t[4]){s->embd, s->vocab});
    t->per_token = true;
    t->lead_eos = s->eos_first ? 128 : 0;
    return t;
}

/* Row EOS is zero, so that its logit is 0 and a model never ends by chance. With eos_first the
 * first component of every embedding is so large that no layer can turn its sign, and row EOS
 * reads that component: its logit is always the greatest by far. The figures stay below half
 * precision's largest number in every product. */
struct tensors list_tensors(const struct spec *s, const struct type *type) {
    struct tensors list = {0};
    add_table(&list, s, type, "token_embd.weight")->lead = s->eos_first ? 32 : 0;
    for (int i = 0; i < (int)s->layers; i++)
        add_layer(&list, s, type, i);
    add_tensor(&list, f32, "output_norm.weight", (uint64_t[4]){s->embd})->ones = true;
    if (!s->tied)
        add_table(&list, s, type, "output.weight");
    return list;
}

void fill_row(const struct tensor *t, unsigned char *row, uint64_t index, uint64_t *rng) {
    size_t bytes = row_bytes(t);
    bool eos = t->per_token && index == EOS;
    double lead = eos ? t->lead_eos : t->lead;
    if (t->ones)
        for (size_t i = 0; i < bytes; i += 4)
            memcpy(row + i, &(float){1}, 4);
    else if (eos)
        memset(row, 0, bytes);
    else
        t->type->fill(row, bytes, 1 / sqrt((double)t->ne[0]), rng);
    if (lead > 0)
        t->type->lead(row, lead);
}
