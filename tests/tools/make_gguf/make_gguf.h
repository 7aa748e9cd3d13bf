/* make_gguf: writes random-weights models that a real llama-server loads.
 *
 * The demo and the tests need models of any size and shape without a download: dense or
 * mixture-of-experts, one file or shards, F16, Q8_0 or Q4_0. The bytes depend on the options
 * and the seed alone, and are written as they are made, so memory does not limit the size.
 *
 * make_gguf.c: options and shape; tensors.c: which tensors there are and what their rows hold;
 * mmproj.c: the same for the eyes of such a model; vocab.c: the tokenizer; write.c: the files. */
#ifndef MAKE_GGUF_H
#define MAKE_GGUF_H

#include "stratobench/base.h"

enum { ALIGNMENT = 32, HEADER_MAX = 256 << 20 };
enum { UNK = 0, BOS = 1, EOS = 2 }; /* token ids */

struct spec {
    const char *out, *name, *arch, *type_name;
    uint64_t size_mib, layers, embd, ff, heads, kv_heads, experts, experts_used;
    uint64_t shards, vocab, ctx, file_type, seed; /* file_type UINT64_MAX: the true one */
    bool tied, no_bos, eos_first, no_data, mmproj, help;
};

/* Ends the program: exit 2, "make_gguf: which: what". */
_Noreturn void die(const char *what, const char *which);

/* A way to store weights: rows of blocks. */
struct type {
    const char *name;
    uint32_t id, file_type, block, block_bytes;
    void (*fill)(unsigned char *row, size_t bytes, double deviation, uint64_t *rng);
    void (*lead)(unsigned char *row, double weight); /* first block = weight, 0, 0 … */
};
const struct type *find_type(const char *name); /* of matrices; ends the program if unknown */

struct tensor {
    char name[48];
    const struct type *type;
    uint64_t ne[4];        /* trailing zeros: fewer dimensions */
    bool ones;             /* a norm: all 1.0 */
    bool per_token;        /* a row for each token; that of EOS is zero but for its lead */
    double lead, lead_eos; /* first weight of every row, of row EOS; 0: none */
};
struct tensors {
    struct tensor *item;
    size_t n;
};
struct tensors list_tensors(const struct spec *s, const struct type *type); /* free .item */
/* A picture becomes MMPROJ_TOKENS tokens as wide as the text model's embedding. */
enum { MMPROJ_IMAGE = 224, MMPROJ_PATCH = 14, MMPROJ_MERGE = 4, MMPROJ_TOKENS = 16 };
enum { MMPROJ_EMBD = 64, MMPROJ_FF = 128, MMPROJ_LAYERS = 1, MMPROJ_HEADS = 2 };
struct tensors list_mmproj(const struct spec *s, const struct type *type); /* free .item */
struct tensor *add_tensor(struct tensors *list, const struct type *type, const char *name,
                          const uint64_t ne[4]);
const struct type *f32_type(void);
uint64_t padded(uint64_t n); /* up to the alignment */
uint64_t row_bytes(const struct tensor *t);
uint64_t n_rows(const struct tensor *t);
uint64_t tensor_bytes(const struct tensor *t); /* padded */
void fill_row(const struct tensor *t, unsigned char *row, uint64_t index, uint64_t *rng);

struct vocab {
    struct sb_strv text;
    struct sb_buf score, type; /* arrays of float, of int32 */
};
struct vocab make_vocab(uint64_t least);
void release_vocab(struct vocab *v);

void write_model(const struct spec *s, const struct tensors *list, const struct vocab *v);

#endif
