/* GGUF: what a model file says of itself, read from its header(s) alone.
 *
 * Bounded: counts, string lengths and nesting above the limits are errors, not memory; no
 * offset is believed before it was checked against the file's size. */
#ifndef STRATOBENCH_GGUF_H
#define STRATOBENCH_GGUF_H

#include "stratobench/base.h"

struct sb_gguf {
    char *name;          /* general.name in one line of well-formed UTF-8, or NULL */
    char *architecture;  /* general.architecture, or "unknown" */
    char *quantization;  /* "Q8_0", "Q4_K_M", "MXFP4": general.file_type, else the type that holds
                            most bytes */
    uint64_t file_bytes; /* exact, over all shards */
    uint64_t n_tensors;
    double total_params;
    double active_params; /* `*_exps` tensors x expert_used_count/expert_count, no nextn layers */
    uint64_t bytes_per_token; /* read for one generated token at depth 0: all tensors, less
                                 token_embd unless it is the output too (tied), experts in
                                 proportion, layers that only draft ahead (nextn) not at all */
    uint64_t lookup_bytes;    /* of tensors of which a token takes one row (token_embd): they stay
                                 in main memory whatever the device */
    uint64_t n_head_kv_all;   /* heads with a KV cache over all layers, which may differ */
    uint32_t n_layers, n_ctx_train, n_embd, n_head, n_head_kv /* most of any layer */, key_length,
        value_length;
    uint32_t n_experts, n_experts_used;
    uint32_t n_shards;
    struct sb_strv files;   /* the paths of all shards; empty after sb_gguf_parse */
    char header_sha256[65]; /* of every shard's header bytes, in order: names the content for
                               fingerprints */
};

/* Why a file was refused. The text in `error` always says which file and what. */
enum sb_gguf_status {
    SB_GGUF_OK,
    SB_GGUF_MISSING,   /* there is no such file */
    SB_GGUF_NOT_GGUF,  /* wrong magic, version or endianness */
    SB_GGUF_MALFORMED, /* header over a limit, or contradicts itself */
    SB_GGUF_TRUNCATED, /* shorter than its header says: the missing bytes are named */
    SB_GGUF_NO_SHARD,  /* a shard is missing */
    SB_GGUF_NOT_FIRST, /* the path is a shard, but not the first */
    SB_GGUF_RENAMED,   /* a shard under another name than its own */
    SB_GGUF_FORBIDDEN, /* it is there, but may not be read */
};
/* Reads `path` and, when it is the first of several shards (PREFIX-00001-of-000NN.gguf), all
 * the others. On failure *ret is released and `error` holds one line. */
enum sb_gguf_status sb_gguf_read(const char *path, struct sb_gguf *ret, struct sb_buf *error);
/* One header in memory (for fuzzing and tests); file_size is what the file is said to have. */
enum sb_gguf_status sb_gguf_parse(const char *name, const void *data, size_t len,
                                  uint64_t file_size, struct sb_gguf *ret, struct sb_buf *error);
void sb_gguf_release(struct sb_gguf *g);

/* Bytes of KV cache at `depth` tokens, K and V of `cache_type` ("f16" when NULL); 0 = unknown.
 * What full attention would take: sliding windows and shared keys (MLA) need less. */
uint64_t sb_gguf_kv_bytes(const struct sb_gguf *g, uint64_t depth, const char *cache_type);

/* As the document shows them. The caller frees. "~75 GiB" (true GiB; below 10 GiB one decimal:
 * "~4.3 GiB", below 1 GiB "~310 MiB"); "71B", "3.8B", "8B", "110M", and "unknown" for NaN. */
char *sb_format_bytes(uint64_t bytes);
char *sb_format_params(double params);

#endif
