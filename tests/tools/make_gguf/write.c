#include "make_gguf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WRITE_BUFFER = 1 << 20 };

enum { KV_U16 = 2, KV_U32 = 4, KV_I32 = 5, KV_F32 = 6, KV_BOOL = 7, KV_STRING = 8, KV_ARRAY = 9 };

struct metadata {
    struct sb_buf bytes;
    uint64_t n;
};

static void put_u32(struct sb_buf *b, uint32_t x) {
    sb_buf_add(b, &x, sizeof x);
}

static void put_u64(struct sb_buf *b, uint64_t x) {
    sb_buf_add(b, &x, sizeof x);
}

static void put_string(struct sb_buf *b, const char *s) {
    put_u64(b, strlen(s));
    sb_buf_adds(b, s);
}

/* A key; one that starts with a full stop belongs to the architecture. */
static struct sb_buf *put_key(struct metadata *m, const char *arch, const char *key,
                              uint32_t type) {
    char *full = sb_asprintf("%s%s", *key == '.' ? arch : "", key);
    put_string(&m->bytes, full);
    free(full);
    put_u32(&m->bytes, type);
    m->n++;
    return &m->bytes;
}

static void put_array(struct metadata *m, const char *key, uint32_t type, uint64_t n) {
    struct sb_buf *b = put_key(m, "", key, KV_ARRAY);
    put_u32(b, type);
    put_u64(b, n);
}

static void put_model(struct metadata *m, const struct spec *s, const struct type *type) {
    const float epsilon = 1e-5f;
    const struct {
        const char *key;
        uint64_t value;
    } numbers[] = {
        {"general.alignment", ALIGNMENT},
        {"general.quantization_version", 2},
        {"general.file_type", s->file_type == UINT64_MAX ? type->file_type : s->file_type},
        {".block_count", s->layers},
        {".context_length", s->ctx},
        {".embedding_length", s->embd},
        {".feed_forward_length", s->ff},
        {".attention.head_count", s->heads},
        {".attention.head_count_kv", s->kv_heads},
        {".rope.dimension_count", s->embd / s->heads},
        {".vocab_size", s->vocab},
        {"tokenizer.ggml.unknown_token_id", 0},
        {"tokenizer.ggml.bos_token_id", BOS},
        {"tokenizer.ggml.eos_token_id", EOS},
        {".expert_count", s->experts},
        {".expert_used_count", s->experts_used},
    };
    size_t n = sizeof numbers / sizeof *numbers - (s->experts ? 0 : 2);
    put_string(put_key(m, "", "general.architecture", KV_STRING), s->arch);
    put_string(put_key(m, "", "general.name", KV_STRING), s->name);
    for (size_t i = 0; i < n; i++)
        put_u32(put_key(m, s->arch, numbers[i].key, KV_U32), (uint32_t)numbers[i].value);
    sb_buf_add(put_key(m, s->arch, ".attention.layer_norm_rms_epsilon", KV_F32), &epsilon, 4);
}

static void put_tokenizer(struct metadata *m, const struct spec *s, const struct vocab *v) {
    put_string(put_key(m, "", "tokenizer.ggml.model", KV_STRING), "llama");
    put_array(m, "tokenizer.ggml.tokens", KV_STRING, v->text.n);
    for (size_t i = 0; i < v->text.n; i++)
        put_string(&m->bytes, v->text.item[i]);
    put_array(m, "tokenizer.ggml.scores", KV_F32, v->text.n);
    sb_buf_add(&m->bytes, v->score.data, v->score.len);
    put_array(m, "tokenizer.ggml.token_type", KV_I32, v->text.n);
    sb_buf_add(&m->bytes, v->type.data, v->type.len);
    sb_buf_add(put_key(m, "", "tokenizer.ggml.add_bos_token", KV_BOOL), &(char){!s->no_bos}, 1);
}

static void put_floats(struct metadata *m, const char *key, float value, uint64_t n) {
    put_array(m, key, KV_F32, n);
    for (uint64_t i = 0; i < n; i++)
        sb_buf_add(&m->bytes, &value, sizeof value);
}

static void put_mmproj(struct metadata *m, const struct spec *s, const struct type *type) {
    const float epsilon = 1e-6f;
    const struct {
        const char *key;
        uint64_t value;
    } numbers[] = {
        {"general.file_type", type->file_type},
        {"clip.vision.image_size", MMPROJ_IMAGE},
        {"clip.vision.patch_size", MMPROJ_PATCH},
        {"clip.vision.embedding_length", MMPROJ_EMBD},
        {"clip.vision.feed_forward_length", MMPROJ_FF},
        {"clip.vision.projection_dim", s->embd},
        {"clip.vision.block_count", MMPROJ_LAYERS},
        {"clip.vision.attention.head_count", MMPROJ_HEADS},
        {"clip.vision.projector.scale_factor", MMPROJ_MERGE},
    };
    put_string(put_key(m, "", "general.architecture", KV_STRING), "clip");
    put_string(put_key(m, "", "general.name", KV_STRING), s->name);
    put_string(put_key(m, "", "clip.projector_type", KV_STRING), "gemma3");
    sb_buf_add(put_key(m, "", "clip.has_vision_encoder", KV_BOOL), &(char){true}, 1);
    sb_buf_add(put_key(m, "", "clip.use_gelu", KV_BOOL), &(char){true}, 1);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        put_u32(put_key(m, "", numbers[i].key, KV_U32), (uint32_t)numbers[i].value);
    sb_buf_add(put_key(m, "", "clip.vision.attention.layer_norm_epsilon", KV_F32), &epsilon, 4);
    put_floats(m, "clip.vision.image_mean", 0.5f, 3);
    put_floats(m, "clip.vision.image_std", 0.5f, 3);
}

static void put_split(struct metadata *m, uint16_t shard, uint16_t n_shards, int32_t n_tensors) {
    sb_buf_add(put_key(m, "", "split.no", KV_U16), &shard, sizeof shard);
    sb_buf_add(put_key(m, "", "split.count", KV_U16), &n_shards, sizeof n_shards);
    sb_buf_add(put_key(m, "", "split.tensors.count", KV_I32), &n_tensors, sizeof n_tensors);
}

static void put_tensor_list(struct sb_buf *b, const struct tensor *t, size_t n) {
    uint64_t offset = 0;
    for (size_t i = 0; i < n; i++, offset += tensor_bytes(t++)) {
        uint32_t n_dims = 1;
        while (n_dims < 4 && t->ne[n_dims])
            n_dims++;
        put_string(b, t->name);
        put_u32(b, n_dims);
        sb_buf_add(b, t->ne, n_dims * sizeof *t->ne);
        put_u32(b, t->type->id);
        put_u64(b, offset);
    }
}

static void check_write(bool good, const char *path) {
    if (good)
        return;
    fprintf(stderr, "make_gguf: %s: %s\n", path, strerror(errno));
    exit(1);
}

static void write_tensor(FILE *f, const char *path, const struct tensor *t, uint64_t seed) {
    static const unsigned char zeros[ALIGNMENT];
    size_t bytes = row_bytes(t);
    unsigned char *row = sb_alloc(bytes, 1);
    for (uint64_t i = 0, n = n_rows(t); i < n; i++) {
        fill_row(t, row, i, &seed);
        check_write(fwrite(row, 1, bytes, f) == bytes, path);
    }
    size_t rest = tensor_bytes(t) - bytes * n_rows(t);
    check_write(fwrite(zeros, 1, rest, f) == rest, path);
    free(row);
}

/* One file: the metadata given, then tensors first..last-1 of the list. */
static void write_file(const struct spec *s, const char *path, const struct metadata *m,
                       const struct tensors *list, size_t first, size_t last) {
    struct sb_buf header = SB_BUF_INIT(HEADER_MAX);
    sb_buf_adds(&header, "GGUF");
    put_u32(&header, 3);
    put_u64(&header, last - first);
    put_u64(&header, m->n);
    sb_buf_add(&header, m->bytes.data, m->bytes.len);
    put_tensor_list(&header, list->item + first, last - first);
    while (header.len % ALIGNMENT)
        sb_buf_add(&header, "", 1);

    FILE *f = fopen(path, "wb");
    check_write(f != NULL, path);
    setvbuf(f, NULL, _IOFBF, WRITE_BUFFER);
    check_write(fwrite(header.data, 1, header.len, f) == header.len, path);
    uint64_t end = header.len;
    for (size_t i = first; i < last; i++) {
        end += tensor_bytes(&list->item[i]);
        /* Each tensor has a sequence of its own, so that shards hold what one file would. */
        if (!s->no_data)
            write_tensor(f, path, &list->item[i], (s->seed << 20) + i * 0x632be59bd9b4e019u);
    }
    check_write(fflush(f) == 0 && ftruncate(fileno(f), (off_t)end) == 0, path);
    check_write(fclose(f) == 0, path);
    sb_buf_release(&header);
}

static char *shard_path(const char *out, uint64_t shard, uint64_t n_shards) {
    size_t n = strlen(out);
    if (n > 5 && strcmp(out + n - 5, ".gguf") == 0)
        n -= 5;
    return n_shards == 1 ? sb_strdup(out)
                         : sb_asprintf("%.*s-%05llu-of-%05llu.gguf", (int)n, out,
                                       (unsigned long long)shard + 1, (unsigned long long)n_shards);
}

/* Spreads the tensors in order: a shard takes them until it holds its part of all bytes. */
void write_model(const struct spec *s, const struct tensors *list, const struct vocab *v) {
    uint64_t total = 0, done = 0;
    for (size_t i = 0; i < list->n; i++)
        total += tensor_bytes(&list->item[i]);
    size_t first = 0;
    for (uint64_t shard = 0; shard < s->shards; shard++) {
        size_t last = first, left = s->shards - 1 - shard;
        while (last < list->n - left &&
               (last == first || left == 0 || done * s->shards < total * (shard + 1)))
            done += tensor_bytes(&list->item[last++]);
        struct metadata m = {.bytes = SB_BUF_INIT(HEADER_MAX)};
        if (s->mmproj) {
            put_mmproj(&m, s, find_type(s->type_name));
        } else if (shard == 0) {
            put_model(&m, s, find_type(s->type_name));
            put_tokenizer(&m, s, v);
        }
        if (s->shards > 1)
            put_split(&m, (uint16_t)shard, (uint16_t)s->shards, (int32_t)list->n);
        char *path = shard_path(s->out, shard, s->shards);
        write_file(s, path, &m, list, first, last);
        free(path);
        sb_buf_release(&m.bytes);
        first = last;
    }
}
