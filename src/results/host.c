/* Which machine measured what. */
#include <sha256.h>
#include <stdlib.h>
#include <string.h>

#include "stratobench/results.h"

enum { ID_CHARS = 12, TEXT_MAX_BYTES = 64 << 10 };

/* What tells one machine from another, and then from itself after an update. */
static const char *const parts[] = {"node", "cpu",    "cpu_threads", "memory_bytes",
                                    "gpus", "kernel", "software"};
static const char *const of_gpu[] = {"name",   "pci_id",        "gfx", "vram_total_bytes",
                                     "driver", "driver_version"};
enum {
    N_PARTS = sizeof parts / sizeof *parts,
    N_BOX_PARTS = 5,
    N_OF_GPU = sizeof of_gpu / sizeof *of_gpu,
    N_BOX_OF_GPU = 4
};

static const cJSON *member(const cJSON *o, const char *key) {
    return cJSON_GetObjectItemCaseSensitive(o, key);
}

/* A boot more or less may find a few pages more or less. */
static void put_value(struct sb_buf *b, const cJSON *value, bool bytes) {
    if (cJSON_IsString(value))
        sb_buf_adds(b, value->valuestring);
    else if (cJSON_IsNumber(value) && bytes)
        sb_buf_addf(b, "%.0f GiB", value->valuedouble / (1 << 30));
    else if (cJSON_IsNumber(value))
        sb_buf_addf(b, "%.10g", value->valuedouble);
}

static bool is_bytes(const char *key) {
    const char *end = strstr(key, "_bytes");
    return end && end[strlen("_bytes")] == '\0';
}

static void put_gpus(struct sb_buf *b, const cJSON *gpus, size_t n) {
    const cJSON *gpu;
    cJSON_ArrayForEach(gpu, gpus) {
        sb_buf_adds(b, gpu == gpus->child ? "" : "; ");
        size_t before = b->len;
        for (size_t i = 0; i < n; i++) {
            const cJSON *value = member(gpu, of_gpu[i]);
            if (value && b->len > before)
                sb_buf_adds(b, " ");
            put_value(b, value, is_bytes(of_gpu[i]));
        }
    }
}

/* "mesa 26.1, rocm 7.2" */
static void put_versions(struct sb_buf *b, const cJSON *software) {
    const cJSON *version;
    cJSON_ArrayForEach(version, software) {
        sb_buf_addf(b, "%s%s ", version == software->child ? "" : ", ", version->string);
        put_value(b, version, false);
    }
}

/* One part as text, of the box alone or with its drivers, "" where the object does not say. The
 * caller frees. */
static char *text_of(const cJSON *host, const char *part, bool box) {
    struct sb_buf b = SB_BUF_INIT(TEXT_MAX_BYTES);
    const cJSON *value = member(host, part);
    if (cJSON_IsArray(value))
        put_gpus(&b, value, box ? N_BOX_OF_GPU : N_OF_GPU);
    else if (cJSON_IsObject(value))
        put_versions(&b, value);
    else
        put_value(&b, value, is_bytes(part));
    char *text = sb_strdup(sb_buf_str(&b));
    sb_buf_release(&b);
    return text;
}

char *sb_host_id(const cJSON *host) {
    if (!member(host, "cpu") && !member(host, "memory_bytes") && !member(host, "kernel"))
        return NULL;
    struct sb_buf all = SB_BUF_INIT(N_PARTS * TEXT_MAX_BYTES);
    for (size_t i = 0; i < N_PARTS; i++) {
        char *text = text_of(host, parts[i], false);
        sb_buf_addf(&all, "%s\n", text);
        free(text);
    }
    char hex[SHA256_DIGEST_STRING_LENGTH];
    SHA256Data((const uint8_t *)sb_buf_str(&all), all.len, hex);
    sb_buf_release(&all);
    return sb_strndup(hex, ID_CHARS);
}

bool sb_host_diff(const cJSON *a, const cJSON *b, struct sb_strv *ret) {
    char *ids[] = {sb_host_id(a), sb_host_id(b)};
    bool known = ids[0] && ids[1];
    for (size_t i = 0; i < N_BOX_PARTS && known; i++) {
        char *of_a = text_of(a, parts[i], true), *of_b = text_of(b, parts[i], true);
        size_t name = strcspn(parts[i], "_");
        bool either = i == 0 && !(*of_a && *of_b); /* out of the cluster it has no node */
        if (!either && strcmp(of_a, of_b) != 0)
            sb_strv_take(ret, sb_asprintf("%.*s: %s → %s", (int)name, parts[i],
                                          *of_a ? of_a : "none", *of_b ? of_b : "none"));
        free(of_a);
        free(of_b);
    }
    free(ids[0]);
    free(ids[1]);
    return known;
}

const char *sb_cell_host_id(const struct sb_cell *c, const char *file_id) {
    const char *id = c->n_launches ? c->launches[c->n_launches - 1].host : NULL;
    return id ? id : file_id;
}

const cJSON *sb_host_of(const struct sb_results *r, const char *id) {
    const cJSON *host = member(r->hosts, id);
    return cJSON_IsObject(host) ? host : r->host;
}

void sb_results_settle_hosts(struct sb_results *r) {
    char *id = sb_host_id(r->host);
    if (!id)
        return;
    for (size_t i = 0; i < r->n_cells; i++)
        for (size_t k = 0; k < r->cells[i].n_launches; k++)
            if (!r->cells[i].launches[k].host)
                r->cells[i].launches[k].host = sb_strdup(id);
    if (!r->hosts)
        r->hosts = cJSON_CreateObject();
    if (!member(r->hosts, id))
        cJSON_AddItemToObject(r->hosts, id, cJSON_Duplicate(r->host, true));
    free(id);
}
