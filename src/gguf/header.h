/* One GGUF header taken apart, and the tables of types. Private to the gguf module. */
#ifndef STRATOBENCH_GGUF_HEADER_H
#define STRATOBENCH_GGUF_HEADER_H

#include "stratobench/gguf.h"

/* How a tensor's weights are stored: rows of blocks of `block` weights in `bytes` bytes. */
struct sb_gguf_type {
    const char *name;
    uint16_t block, bytes;
    bool cache; /* llama-server takes it for the KV cache */
};
enum { SB_GGUF_TYPES = 43 };
const struct sb_gguf_type *sb_gguf_type(uint32_t id);            /* NULL: not known */
const struct sb_gguf_type *sb_gguf_cache_type(const char *name); /* in lower case; NULL: none */
const char *sb_gguf_file_type(uint64_t file_type);               /* "Q4_K_M"; NULL: not known */

/* The numbers of general.… and other metadata; texts and arrays point into the header. */
enum sb_gguf_kind {
    SB_GGUF_U8,
    SB_GGUF_I8,
    SB_GGUF_U16,
    SB_GGUF_I16,
    SB_GGUF_U32,
    SB_GGUF_I32,
    SB_GGUF_F32,
    SB_GGUF_BOOL,
    SB_GGUF_STRING,
    SB_GGUF_ARRAY,
    SB_GGUF_U64,
    SB_GGUF_I64,
    SB_GGUF_F64,
    SB_GGUF_KINDS
};
struct sb_gguf_text {
    const char *data; /* not terminated, any bytes */
    size_t len;
};
struct sb_gguf_value {
    struct sb_gguf_text key;
    uint32_t kind;           /* of the items when it is an array */
    uint64_t n;              /* items; 1 unless it is an array */
    const unsigned char *at; /* n numbers, or strings with their lengths */
};
struct sb_gguf_tensor {
    struct sb_gguf_text name;
    uint32_t type;
    uint64_t params, bytes;
};
struct sb_gguf_header {
    struct sb_gguf_value *value;
    struct sb_gguf_tensor *tensor;
    size_t n_values, n_tensors;
    size_t len;    /* bytes of the header itself */
    uint64_t need; /* bytes the file must have */
};

/* Takes the first `len` bytes of a file of `file_size` bytes apart; `file` is its name in
 * `error`. The result points into `data`. When the header goes on after `len` bytes and so does
 * the file, *ret_more is set and no error written. On failure nothing is left to release. Seven
 * parameters: the two that call it have the bytes of a file and of a fuzzer. */
enum sb_gguf_status sb_gguf_header_parse(const char *file, const void *data, size_t len,
                                         uint64_t file_size, struct sb_gguf_header *ret,
                                         bool *ret_more, struct sb_buf *error);
void sb_gguf_header_release(struct sb_gguf_header *h);

/* The value ARCH.KEY (KEY alone when arch is NULL), or NULL. */
const struct sb_gguf_value *sb_gguf_find(const struct sb_gguf_header *h, const char *arch,
                                         const char *key);
/* Item i as a whole number; 0 for a missing value, another kind, a negative or an item that is
 * not there. */
uint64_t sb_gguf_number(const struct sb_gguf_value *v, uint64_t i);
/* A text made fit to print: one line of well-formed UTF-8. NULL when v is not a text. */
char *sb_gguf_line(const struct sb_gguf_value *v);

bool sb_gguf_text_is(struct sb_gguf_text t, const char *s);
bool sb_gguf_text_has(struct sb_gguf_text t, const char *part);

#endif
