#include "header.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VALUES = 1 << 16, MAX_TENSORS = 1 << 18, MAX_DIMS = 4 };
enum { MAX_KEY = 1 << 16, MAX_TEXT = 1 << 26, MAX_ITEMS = 1 << 26 };
enum { LEAST_VALUE = 8 + 4 + 1, LEAST_TENSOR = 8 + 4 + 4 + 8 }; /* bytes of the shortest ones */
enum { SHOWN_NAME = 80, SHOWN_LINE = 256 };

static const uint8_t kind_bytes[SB_GGUF_KINDS] = {
    [SB_GGUF_U8] = 1,  [SB_GGUF_I8] = 1,  [SB_GGUF_U16] = 2, [SB_GGUF_I16] = 2,
    [SB_GGUF_U32] = 4, [SB_GGUF_I32] = 4, [SB_GGUF_F32] = 4, [SB_GGUF_BOOL] = 1,
    [SB_GGUF_U64] = 8, [SB_GGUF_I64] = 8, [SB_GGUF_F64] = 8,
};

/* Where the reading stands. Once anything failed `status` says so and every function returns
 * false; `more` instead of an error text when the caller holds too little of the file. */
struct cursor {
    const unsigned char *data;
    size_t len, pos;
    uint64_t file_size;
    const char *file;
    enum sb_gguf_status status;
    bool more;
    struct sb_buf *error;
};

/* Marks the failure; the caller adds to the line returned what is wrong. */
static struct sb_buf *refuse(struct cursor *c, enum sb_gguf_status status) {
    c->status = status;
    sb_buf_addf(c->error, "%s: ", c->file);
    return c->error;
}

static bool malformed(struct cursor *c, const char *what, struct sb_gguf_text name) {
    struct sb_buf *error = refuse(c, SB_GGUF_MALFORMED);
    sb_buf_addf(error, "damaged header: %s", what);
    if (name.len) {
        sb_buf_adds(error, " in '");
        sb_buf_add_printable(error, name.data, name.len < SHOWN_NAME ? name.len : SHOWN_NAME);
        sb_buf_adds(error, "'");
    }
    return false;
}

static const struct sb_gguf_text nameless = {0};

/* The next n bytes. */
static bool take(struct cursor *c, uint64_t n, const unsigned char **ret) {
    if (n > c->file_size - c->pos) {
        sb_buf_addf(refuse(c, SB_GGUF_TRUNCATED),
                    "truncated inside its header: the file ends at byte %" PRIu64
                    ", at least %" PRIu64 " more are missing; fetch it again",
                    c->file_size, n - (c->file_size - c->pos));
        return false;
    }
    if (n > c->len - c->pos) {
        c->status = SB_GGUF_TRUNCATED;
        c->more = true;
        return false;
    }
    *ret = c->data + c->pos;
    c->pos += (size_t)n;
    return true;
}

static uint64_t little_endian(const unsigned char *p, size_t n) {
    uint64_t x = 0;
    for (size_t i = 0; i < n; i++)
        x |= (uint64_t)p[i] << (8 * i);
    return x;
}

static bool take_u32(struct cursor *c, uint32_t *ret) {
    const unsigned char *p;
    if (!take(c, 4, &p))
        return false;
    *ret = (uint32_t)little_endian(p, 4);
    return true;
}

static bool take_u64(struct cursor *c, uint64_t *ret) {
    const unsigned char *p;
    if (!take(c, 8, &p))
        return false;
    *ret = little_endian(p, 8);
    return true;
}

static bool take_text(struct cursor *c, uint64_t max, struct sb_gguf_text *ret) {
    uint64_t n;
    const unsigned char *p;
    if (!take_u64(c, &n))
        return false;
    if (n > max)
        return malformed(c, "a text of impossible length", nameless);
    if (!take(c, n, &p))
        return false;
    *ret = (struct sb_gguf_text){(const char *)p, (size_t)n};
    return true;
}

static bool take_value(struct cursor *c, struct sb_gguf_value *v) {
    uint64_t n = 1;
    const unsigned char *p;
    if (!take_text(c, MAX_KEY, &v->key) || !take_u32(c, &v->kind))
        return false;
    if (v->kind == SB_GGUF_ARRAY && (!take_u32(c, &v->kind) || !take_u64(c, &n)))
        return false;
    if (v->kind >= SB_GGUF_KINDS || v->kind == SB_GGUF_ARRAY)
        return malformed(c, "unknown type of value", v->key);
    if (n > MAX_ITEMS)
        return malformed(c, "too many items", v->key);
    v->n = n;
    v->at = c->data + c->pos;
    if (v->kind != SB_GGUF_STRING)
        return take(c, n * kind_bytes[v->kind], &p);
    for (struct sb_gguf_text text; n > 0; n--)
        if (!take_text(c, MAX_TEXT, &text))
            return false;
    return true;
}

/* One entry of the tensor list. `end` is where the one before ends, from the start of the data:
 * they follow each other, each at the next multiple of the alignment, or the loader refuses. */
static bool take_tensor(struct cursor *c, uint64_t alignment, uint64_t *end,
                        struct sb_gguf_tensor *t) {
    uint32_t n_dims;
    uint64_t dim[MAX_DIMS] = {1, 1, 1, 1}, offset,
             start = (*end + alignment - 1) & ~(alignment - 1);
    if (!take_text(c, MAX_KEY, &t->name) || !take_u32(c, &n_dims))
        return false;
    if (n_dims > MAX_DIMS)
        return malformed(c, "more than 4 dimensions", t->name);
    t->params = 1;
    for (uint32_t i = 0; i < n_dims; i++) {
        if (!take_u64(c, &dim[i]))
            return false;
        if (dim[i] > INT64_MAX || __builtin_mul_overflow(t->params, dim[i], &t->params))
            return malformed(c, "impossible dimensions", t->name);
    }
    if (!take_u32(c, &t->type) || !take_u64(c, &offset))
        return false;
    const struct sb_gguf_type *type = sb_gguf_type(t->type);
    if (!type)
        return malformed(c, "a tensor type this program does not know", t->name);
    if (dim[0] % type->block != 0)
        return malformed(c, "rows that are not whole blocks", t->name);
    if (__builtin_mul_overflow(t->params / type->block, (uint64_t)type->bytes, &t->bytes) ||
        offset != start || __builtin_add_overflow(offset, t->bytes, end) || *end > INT64_MAX)
        return malformed(c, "data that is not where it must be", t->name);
    return true;
}

/* What else is found under the name of a model, by how it begins. */
static const struct {
    const char *begin, *what;
} impostors[] = {
    {"version https://git-lfs", "a Git LFS pointer, not the model; run git lfs pull"},
    {"<", "a web page, not the model; fetch it again"},
    {"ggml", "a GGML file of 2023; convert it to GGUF"},
    {"lmgg", "a GGML file of 2023; convert it to GGUF"},
    {"tjgg", "a GGML file of 2023; convert it to GGUF"},
    {"PK", "a zip archive, not a GGUF file"},
};

static bool wrong_magic(struct cursor *c) {
    struct sb_buf *error = refuse(c, SB_GGUF_NOT_GGUF);
    for (size_t i = 0; i < sizeof impostors / sizeof *impostors; i++) {
        size_t n = strlen(impostors[i].begin);
        if (n <= c->len && memcmp(c->data, impostors[i].begin, n) == 0) {
            sb_buf_adds(error, impostors[i].what);
            return false;
        }
    }
    sb_buf_adds(error, c->file_size == 0 ? "empty, not a GGUF file"
                                         : "not a GGUF file: it does not begin with GGUF");
    return false;
}

static bool take_preamble(struct cursor *c, uint64_t *ret_tensors, uint64_t *ret_values) {
    const unsigned char *magic;
    uint32_t version;
    if (c->len < 4 || memcmp(c->data, "GGUF", 4) != 0)
        return wrong_magic(c);
    if (!take(c, 4, &magic) || !take_u32(c, &version))
        return false;
    if ((version & 0xffff) == 0 && version) {
        sb_buf_adds(refuse(c, SB_GGUF_NOT_GGUF), "a big-endian GGUF file; this machine needs a "
                                                 "little-endian one");
        return false;
    }
    if (version < 2 || version > 3) {
        sb_buf_addf(refuse(c, SB_GGUF_NOT_GGUF), "GGUF version %u; only 2 and 3 are known",
                    version);
        return false;
    }
    if (!take_u64(c, ret_tensors) || !take_u64(c, ret_values))
        return false;
    if (*ret_values > MAX_VALUES || *ret_tensors > MAX_TENSORS)
        return malformed(c, "more entries than any model has", nameless);
    /* Before memory is taken for them: there must be room for so many in the file. */
    const unsigned char *p;
    uint64_t least = *ret_values * LEAST_VALUE + *ret_tensors * LEAST_TENSOR;
    return least <= c->file_size - c->pos || take(c, least, &p);
}

static bool take_header(struct cursor *c, struct sb_gguf_header *h) {
    uint64_t n_tensors = 0, n_values = 0, end = 0;
    if (!take_preamble(c, &n_tensors, &n_values))
        return false;
    h->value = sb_alloc(n_values, sizeof *h->value);
    for (; h->n_values < n_values; h->n_values++)
        if (!take_value(c, &h->value[h->n_values]))
            return false;
    const struct sb_gguf_value *v = sb_gguf_find(h, NULL, "general.alignment");
    uint64_t alignment = v ? sb_gguf_number(v, 0) : 32;
    if (alignment == 0 || (alignment & (alignment - 1)) || alignment > UINT32_MAX)
        return malformed(c, "an alignment that is no power of two", nameless);
    h->tensor = sb_alloc(n_tensors, sizeof *h->tensor);
    for (; h->n_tensors < n_tensors; h->n_tensors++)
        if (!take_tensor(c, alignment, &end, &h->tensor[h->n_tensors]))
            return false;
    h->len = c->pos;
    h->need = n_tensors ? ((c->pos + alignment - 1) & ~(alignment - 1)) + end : c->pos;
    if (h->need > c->file_size) {
        char *missing = sb_format_bytes(h->need - c->file_size);
        sb_buf_addf(refuse(c, SB_GGUF_TRUNCATED),
                    "truncated: %" PRIu64 " of %" PRIu64 " bytes are there, %" PRIu64
                    " (%s) are missing; fetch it again",
                    c->file_size, h->need, h->need - c->file_size, missing);
        free(missing);
        return false;
    }
    return true;
}

enum sb_gguf_status sb_gguf_header_parse(const char *file, const void *data, size_t len,
                                         uint64_t file_size, struct sb_gguf_header *ret,
                                         bool *ret_more, struct sb_buf *error) {
    struct cursor c = {
        .data = data, .len = len, .file_size = file_size, .file = file, .error = error};
    if (c.len > file_size)
        c.len = (size_t)file_size;
    *ret = (struct sb_gguf_header){0};
    if (!take_header(&c, ret))
        sb_gguf_header_release(ret);
    *ret_more = c.more;
    return c.status;
}

void sb_gguf_header_release(struct sb_gguf_header *h) {
    free(h->value);
    free(h->tensor);
    *h = (struct sb_gguf_header){0};
}

bool sb_gguf_text_is(struct sb_gguf_text t, const char *s) {
    return t.len == strlen(s) && memcmp(t.data, s, t.len) == 0;
}

bool sb_gguf_text_has(struct sb_gguf_text t, const char *part) {
    return memmem(t.data, t.len, part, strlen(part)) != NULL;
}

const struct sb_gguf_value *sb_gguf_find(const struct sb_gguf_header *h, const char *arch,
                                         const char *key) {
    size_t n = arch ? strlen(arch) + 1 : 0;
    for (size_t i = 0; i < h->n_values; i++) {
        struct sb_gguf_text k = h->value[i].key;
        if (k.len < n || (arch && (memcmp(k.data, arch, n - 1) != 0 || k.data[n - 1] != '.')))
            continue;
        if (sb_gguf_text_is((struct sb_gguf_text){k.data + n, k.len - n}, key))
            return &h->value[i];
    }
    return NULL;
}

uint64_t sb_gguf_number(const struct sb_gguf_value *v, uint64_t i) {
    static const bool is_signed[SB_GGUF_KINDS] = {
        [SB_GGUF_I8] = true, [SB_GGUF_I16] = true, [SB_GGUF_I32] = true, [SB_GGUF_I64] = true};
    if (!v || i >= v->n || v->kind == SB_GGUF_STRING || v->kind == SB_GGUF_F32 ||
        v->kind == SB_GGUF_F64)
        return 0;
    size_t size = kind_bytes[v->kind];
    uint64_t x = little_endian(v->at + i * size, size);
    bool negative = is_signed[v->kind] && x >> (8 * size - 1);
    return negative ? 0 : x;
}

char *sb_gguf_line(const struct sb_gguf_value *v) {
    if (!v || v->kind != SB_GGUF_STRING || v->n != 1)
        return NULL;
    uint64_t len = little_endian(v->at, 8);
    struct sb_buf line = SB_BUF_INIT(4UL * SHOWN_LINE);
    sb_buf_add_printable(&line, (const char *)v->at + 8,
                         len < SHOWN_LINE ? (size_t)len : SHOWN_LINE);
    for (size_t i = 0; i < line.len; i++)
        if (line.data[i] == '\n' || line.data[i] == '\t')
            line.data[i] = ' ';
    return sb_buf_detach(&line);
}
