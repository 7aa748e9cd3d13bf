/* GGUF: files and shards, and what their headers add up to. */
#include "header.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <sha256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A header is read piece by piece, each four times as long, until it is whole. */
enum { FIRST_PIECE = 1 << 20, MAX_HEADER = 1 << 28 };

/* ---- what the tensors add up to ------------------------------------------------------------ */

struct amount {
    double params;
    uint64_t bytes;
};

/* Every tensor belongs to one of these, by what generating a token reads of it. */
enum part { WHOLE, EXPERTS, TOKEN_EMBD, LOOKUP, UNUSED, PARTS };

struct model {
    struct sb_gguf *g;
    struct amount part[PARTS];
    uint64_t type_bytes[SB_GGUF_TYPES];
    uint64_t file_type;        /* UINT64_MAX: none given */
    uint64_t expected_tensors; /* over all shards; 0 = not said */
    uint32_t n_generating;     /* layers that generate; those after it only draft ahead */
    bool has_output;
    SHA2_CTX sha256;
};

static void count(struct amount *a, const struct sb_gguf_tensor *t) {
    a->params += (double)t->params;
    a->bytes += t->bytes;
}

static enum part part_of(const struct model *m, struct sb_gguf_text name) {
    static const char *const lookups[] = {"per_layer_token_embd.weight", "position_embd.weight",
                                          "token_types.weight"};
    if (sb_gguf_text_is(name, "token_embd.weight"))
        return TOKEN_EMBD;
    for (size_t i = 0; i < sizeof lookups / sizeof *lookups; i++)
        if (sb_gguf_text_is(name, lookups[i]))
            return LOOKUP;
    char text[64] = "";
    memcpy(text, name.data, name.len < sizeof text - 1 ? name.len : sizeof text - 1);
    unsigned block, expert;
    /* "blk.0.ffn_up_exps.weight" holds every expert; up to 2024 each had a tensor of its own,
     * "blk.0.ffn_up.7.weight". */
    int n = sscanf(text, "blk.%9u.ffn_%*[a-z].%9u.", &block, &expert);
    if (n >= 1 || sscanf(text, "blk.%9u.", &block) == 1)
        if (block >= m->n_generating)
            return UNUSED;
    return n == 2 || sb_gguf_text_has(name, "_exps") ? EXPERTS : WHOLE;
}

static void add_tensors(struct model *m, const struct sb_gguf_header *h) {
    for (size_t i = 0; i < h->n_tensors; i++) {
        const struct sb_gguf_tensor *t = &h->tensor[i];
        count(&m->part[part_of(m, t->name)], t);
        m->type_bytes[t->type] += t->bytes;
        if (sb_gguf_text_is(t->name, "output.weight"))
            m->has_output = true;
    }
    m->g->n_tensors += h->n_tensors;
}

/* ---- metadata ------------------------------------------------------------------------------ */

/* A number, or the greatest of an array that has one for each layer. */
static uint32_t number_u32(const struct sb_gguf_header *h, const char *arch, const char *key) {
    const struct sb_gguf_value *v = sb_gguf_find(h, arch, key);
    uint64_t most = 0;
    for (uint64_t i = 0; v && i < v->n; i++) {
        uint64_t n = sb_gguf_number(v, i);
        if (n > most && n <= UINT32_MAX)
            most = n;
    }
    return (uint32_t)most;
}

/* Heads that keep keys and values, over all layers. In a hybrid model only every so many layers
 * has any: it says so by an interval, or by zeros in a list. */
static uint64_t count_kv_heads(const struct sb_gguf *g, const struct sb_gguf_header *h) {
    const struct sb_gguf_value *v = sb_gguf_find(h, g->architecture, "attention.head_count_kv");
    uint32_t interval = number_u32(h, g->architecture, "full_attention_interval");
    uint64_t sum = 0;
    if (!v || v->n == 1)
        return (uint64_t)g->n_head_kv * (g->n_layers / (interval ? interval : 1));
    for (uint64_t i = 0; i < v->n && i < g->n_layers; i++)
        sum += (uint32_t)sb_gguf_number(v, i);
    return sum;
}

static void read_metadata(struct model *m, const struct sb_gguf_header *h) {
    struct sb_gguf *g = m->g;
    const struct {
        const char *key;
        uint32_t *at;
    } numbers[] = {
        {"block_count", &g->n_layers},
        {"context_length", &g->n_ctx_train},
        {"embedding_length", &g->n_embd},
        {"attention.head_count", &g->n_head},
        {"attention.head_count_kv", &g->n_head_kv},
        {"attention.key_length", &g->key_length},
        {"attention.value_length", &g->value_length},
        {"expert_count", &g->n_experts},
        {"expert_used_count", &g->n_experts_used},
    };
    g->name = sb_gguf_line(sb_gguf_find(h, NULL, "general.name"));
    g->architecture = sb_gguf_line(sb_gguf_find(h, NULL, "general.architecture"));
    if (!g->architecture)
        g->architecture = sb_strdup("unknown");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        *numbers[i].at = number_u32(h, g->architecture, numbers[i].key);
    if (g->key_length == 0 && g->n_head)
        g->key_length = g->n_embd / g->n_head;
    if (g->value_length == 0)
        g->value_length = g->key_length;
    if (g->n_head_kv == 0)
        g->n_head_kv = g->n_head;
    g->n_head_kv_all = count_kv_heads(g, h);

    const struct sb_gguf_value *v = sb_gguf_find(h, NULL, "general.file_type");
    m->file_type = v ? sb_gguf_number(v, 0) : UINT64_MAX;
    uint32_t drafting = number_u32(h, g->architecture, "nextn_predict_layers");
    m->n_generating = g->n_layers > drafting ? g->n_layers - drafting : UINT32_MAX;
}

/* ---- the figures --------------------------------------------------------------------------- */

/* The type that holds most bytes; SB_GGUF_TYPES when there is none. */
static uint32_t main_type(const uint64_t *type_bytes) {
    uint32_t most = 0;
    for (uint32_t i = 1; i < SB_GGUF_TYPES; i++)
        if (type_bytes[i] > type_bytes[most])
            most = i;
    return type_bytes[most] ? most : SB_GGUF_TYPES;
}

static void complete(struct model *m) {
    struct sb_gguf *g = m->g;
    const struct amount *part = m->part;
    bool sparse = g->n_experts_used > 0 && g->n_experts_used < g->n_experts;
    double share = sparse ? (double)g->n_experts_used / g->n_experts : 1;
    uint32_t type = main_type(m->type_bytes);
    const char *quantization = sb_gguf_file_type(m->file_type);
    if (!quantization)
        quantization = type < SB_GGUF_TYPES ? sb_gguf_type(type)->name : "unknown";
    g->quantization = sb_strdup(quantization);
    for (int i = 0; i < PARTS; i++)
        g->total_params += part[i].params;
    g->active_params = g->total_params - part[UNUSED].params - (1 - share) * part[EXPERTS].params;
    g->bytes_per_token = part[WHOLE].bytes + (uint64_t)llrint(share * (double)part[EXPERTS].bytes) +
                         (m->has_output ? 0 : part[TOKEN_EMBD].bytes);
    g->lookup_bytes = part[TOKEN_EMBD].bytes + part[LOOKUP].bytes;
    SHA256End(&m->sha256, g->header_sha256);
}

/* ---- files --------------------------------------------------------------------------------- */

static enum sb_gguf_status cannot_open(int error) {
    return error == EACCES || error == EPERM ? SB_GGUF_FORBIDDEN : SB_GGUF_MISSING;
}

static enum sb_gguf_status refuse(struct sb_buf *error, const char *path, const char *what,
                                  enum sb_gguf_status status) {
    sb_buf_addf(error, "%s: %s", path, what);
    return status;
}

/* The file from its start, at most `max` bytes of it; -1 with errno when that fails. */
static ssize_t read_start(int fd, char *data, size_t have, size_t max) {
    while (have < max) {
        ssize_t n = pread(fd, data + have, max - have, (off_t)have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        have += (size_t)n;
    }
    return (ssize_t)have;
}

static enum sb_gguf_status read_open_file(const char *path, int fd, uint64_t size, char **ret_data,
                                          struct sb_gguf_header *ret, struct sb_buf *error) {
    char *data = NULL;
    ssize_t len = 0;
    for (size_t piece = FIRST_PIECE; piece <= MAX_HEADER; piece *= 4) {
        bool more;
        data = sb_realloc(data, piece, 1);
        len = read_start(fd, data, (size_t)len, piece);
        if (len < 0) {
            free(data);
            return refuse(error, path, strerror(errno), cannot_open(errno));
        }
        /* A file that shrank since its size was taken ends where the reading ended. */
        if ((size_t)len < piece && (uint64_t)len < size)
            size = (uint64_t)len;
        enum sb_gguf_status status =
            sb_gguf_header_parse(path, data, (size_t)len, size, ret, &more, error);
        if (!more) {
            *ret_data = data;
            return status;
        }
    }
    free(data);
    return refuse(error, path, "damaged header: longer than 256 MiB", SB_GGUF_MALFORMED);
}

/* Reads the header of one file. The caller frees *ret_data, which *ret points into; it is set
 * on failure too, when the header was damaged. */
static enum sb_gguf_status read_file(const char *path, char **ret_data, uint64_t *ret_size,
                                     struct sb_gguf_header *ret, struct sb_buf *error) {
    struct stat st = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return refuse(error, path, strerror(errno), cannot_open(errno));
    enum sb_gguf_status status;
    if (fstat(fd, &st) != 0)
        status = refuse(error, path, strerror(errno), SB_GGUF_MISSING);
    else if (!S_ISREG(st.st_mode))
        status = refuse(error, path, "not a regular file", SB_GGUF_MISSING);
    else
        status = read_open_file(path, fd, (uint64_t)st.st_size, ret_data, ret, error);
    *ret_size = (uint64_t)st.st_size;
    close(fd);
    return status;
}

/* ---- shards -------------------------------------------------------------------------------- */

/* PREFIX-00002-of-00003.gguf taken apart. */
struct shard_name {
    size_t prefix; /* its length */
    unsigned no, count;
};

static bool five_digits(const char *s, unsigned *ret) {
    *ret = 0;
    for (int i = 0; i < 5; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        *ret = *ret * 10 + (unsigned)(s[i] - '0');
    }
    return true;
}

static bool parse_shard_name(const char *path, struct shard_name *ret) {
    static const char form[] = "-00000-of-00000.gguf";
    size_t len = strlen(path), tail = sizeof form - 1;
    if (len < tail)
        return false;
    const char *s = path + len - tail;
    ret->prefix = len - tail;
    return s[0] == '-' && five_digits(s + 1, &ret->no) && strncmp(s + 6, "-of-", 4) == 0 &&
           five_digits(s + 10, &ret->count) && strcmp(s + 15, ".gguf") == 0;
}

static char *shard_path(const char *path, const struct shard_name *name, unsigned no) {
    return sb_asprintf("%.*s-%05u-of-%05u.gguf", (int)name->prefix, path, no, name->count);
}

/* Does the file say of itself that it is shard `no` of `count`? */
static enum sb_gguf_status check_shard(const char *path, const struct sb_gguf_header *h,
                                       unsigned no, unsigned count, struct sb_buf *error) {
    uint64_t said_no = sb_gguf_number(sb_gguf_find(h, NULL, "split.no"), 0) + 1;
    uint64_t said_count = sb_gguf_number(sb_gguf_find(h, NULL, "split.count"), 0);
    if (said_no == no && said_count == count)
        return SB_GGUF_OK;
    sb_buf_addf(error,
                "%s: by its name shard %u of %u, by its contents shard %" PRIu64 " of %" PRIu64
                "; was it renamed?",
                path, no, count, said_no, said_count);
    return SB_GGUF_RENAMED;
}

/* The file given must be the first of its shards and named so that the others can be found. */
static enum sb_gguf_status check_first(const char *path, const struct sb_gguf_header *h,
                                       struct shard_name *ret_name, struct sb_buf *error) {
    uint64_t shards = sb_gguf_number(sb_gguf_find(h, NULL, "split.count"), 0);
    if (shards <= 1)
        return SB_GGUF_OK;
    if (!parse_shard_name(path, ret_name)) {
        sb_buf_addf(error,
                    "%s: one of %" PRIu64 " shards, but not named PREFIX-00001-of-%05" PRIu64
                    ".gguf, so the others cannot be found",
                    path, shards, shards);
        return SB_GGUF_RENAMED;
    }
    enum sb_gguf_status status = check_shard(path, h, ret_name->no, ret_name->count, error);
    if (status == SB_GGUF_OK && ret_name->no != 1) {
        char *first = shard_path(path, ret_name, 1);
        sb_buf_addf(error, "%s: shard %u of %u; give the first, %s", path, ret_name->no,
                    ret_name->count, first);
        free(first);
        status = SB_GGUF_NOT_FIRST;
    }
    return status;
}

static enum sb_gguf_status check_all_there(const char *path, const struct shard_name *name,
                                           struct sb_buf *error) {
    unsigned n_missing = 0;
    char *first_missing = NULL;
    for (unsigned no = 2; no <= name->count; no++) {
        char *shard = shard_path(path, name, no);
        if (access(shard, F_OK) == 0 || n_missing++ > 0)
            free(shard);
        else
            first_missing = shard;
    }
    if (n_missing == 0)
        return SB_GGUF_OK;
    sb_buf_addf(error, "%s: shard missing (%u of %u are); fetch it", first_missing, n_missing,
                name->count);
    free(first_missing);
    return SB_GGUF_NO_SHARD;
}

static void add_file(struct model *m, const struct sb_gguf_header *h, const char *data,
                     uint64_t size) {
    add_tensors(m, h);
    SHA256Update(&m->sha256, (const uint8_t *)data, h->len);
    m->g->file_bytes += size;
    m->g->n_shards++;
}

/* One file: the first (name->count as check_first finds it) or shard `no` of the others. */
static enum sb_gguf_status read_shard(struct model *m, const char *path, unsigned no,
                                      struct shard_name *name, struct sb_buf *error) {
    char *data = NULL;
    uint64_t size = 0;
    struct sb_gguf_header h = {0};
    enum sb_gguf_status status = read_file(path, &data, &size, &h, error);
    if (status == SB_GGUF_OK)
        status = no == 1 ? check_first(path, &h, name, error)
                         : check_shard(path, &h, no, name->count, error);
    if (status == SB_GGUF_OK) {
        if (no == 1) {
            read_metadata(m, &h);
            m->expected_tensors = sb_gguf_number(sb_gguf_find(&h, NULL, "split.tensors.count"), 0);
        }
        add_file(m, &h, data, size);
        sb_strv_add(&m->g->files, path);
    }
    sb_gguf_header_release(&h);
    free(data);
    return status;
}

static enum sb_gguf_status read_others(struct model *m, const char *path, struct shard_name *name,
                                       struct sb_buf *error) {
    enum sb_gguf_status status = check_all_there(path, name, error);
    for (unsigned no = 2; status == SB_GGUF_OK && no <= name->count; no++) {
        char *shard = shard_path(path, name, no);
        status = read_shard(m, shard, no, name, error);
        free(shard);
    }
    if (status == SB_GGUF_OK && m->expected_tensors && m->expected_tensors != m->g->n_tensors) {
        sb_buf_addf(error, "%s: %" PRIu64 " tensors in all shards, %" PRIu64 " expected", path,
                    m->g->n_tensors, m->expected_tensors);
        status = SB_GGUF_MALFORMED;
    }
    return status;
}

/* ---- the interface ------------------------------------------------------------------------- */

static enum sb_gguf_status finish(struct model *m, enum sb_gguf_status status) {
    if (status == SB_GGUF_OK)
        complete(m);
    else
        sb_gguf_release(m->g);
    return status;
}

static struct model start(struct sb_gguf *ret) {
    struct model m = {.g = ret};
    *ret = (struct sb_gguf){0};
    SHA256Init(&m.sha256);
    return m;
}

enum sb_gguf_status sb_gguf_read(const char *path, struct sb_gguf *ret, struct sb_buf *error) {
    struct model m = start(ret);
    struct shard_name name = {0};
    enum sb_gguf_status status = read_shard(&m, path, 1, &name, error);
    if (status == SB_GGUF_OK && name.count > 1)
        status = read_others(&m, path, &name, error);
    return finish(&m, status);
}

enum sb_gguf_status sb_gguf_parse(const char *name, const void *data, size_t len,
                                  uint64_t file_size, struct sb_gguf *ret, struct sb_buf *error) {
    struct model m = start(ret);
    struct sb_gguf_header h;
    bool more;
    enum sb_gguf_status status = sb_gguf_header_parse(name, data, len, file_size, &h, &more, error);
    if (more)
        refuse(error, name, "the header is longer than what was read of it", status);
    if (status == SB_GGUF_OK) {
        read_metadata(&m, &h);
        add_file(&m, &h, data, file_size);
        sb_gguf_header_release(&h);
    }
    return finish(&m, status);
}

void sb_gguf_release(struct sb_gguf *g) {
    sb_strv_release(&g->files);
    free(g->name);
    free(g->architecture);
    free(g->quantization);
    *g = (struct sb_gguf){0};
}

uint64_t sb_gguf_kv_bytes(const struct sb_gguf *g, uint64_t depth, const char *cache_type) {
    const struct sb_gguf_type *type = sb_gguf_cache_type(cache_type ? cache_type : "f16");
    if (!type)
        return 0;
    double weights = (double)g->n_head_kv_all * ((double)g->key_length + g->value_length);
    double bytes = ceil(weights / type->block * type->bytes * (double)depth);
    return bytes < 0x1p63 ? (uint64_t)bytes : 0;
}
