/* Which machine measured what. */
#include <sha256.h>
#include <stdlib.h>
#include <string.h>

#include "stratobench/results_tune.h"

enum { ID_CHARS = 12, TEXT_MAX_BYTES = 64 << 10 };

/* What tells one machine from another, and then from itself after an update. */
static const char *const parts[] = {"node",         "address", "cpu",    "cpu_threads",
                                    "memory_bytes", "gpus",    "kernel", "software"};
static const char *const of_gpu[] = {"name",   "pci_id",        "gfx", "vram_total_bytes",
                                     "driver", "driver_version"};
enum {
    N_PARTS = sizeof parts / sizeof *parts,
    N_BOX_PARTS = 6,
    N_OF_GPU = sizeof of_gpu / sizeof *of_gpu,
    N_BOX_OF_GPU = 4
};

/* A boot more or less may find a few pages more or less. */
static void put_value(struct sb_buf *b, const struct sb_fact *value, bool bytes) {
    if (value->kind == SB_FACT_TEXT)
        sb_buf_adds(b, value->text);
    else if (value->kind == SB_FACT_NUMBER && bytes)
        sb_buf_addf(b, "%.0f GiB", value->number / (1 << 30));
    else if (value->kind == SB_FACT_NUMBER)
        sb_buf_addf(b, "%.10g", value->number);
}

static bool is_bytes(const char *key) {
    const char *end = strstr(key, "_bytes");
    return end && end[strlen("_bytes")] == '\0';
}

static void put_gpus(struct sb_buf *b, const struct sb_fact *gpus, size_t n) {
    for (const struct sb_fact *gpu = gpus->child; gpu; gpu = gpu->next) {
        sb_buf_adds(b, gpu == gpus->child ? "" : "; ");
        size_t before = b->len;
        for (size_t i = 0; i < n; i++) {
            const struct sb_fact *value = sb_fact_of(gpu, of_gpu[i]);
            if (!value)
                continue;
            sb_buf_adds(b, b->len > before ? " " : "");
            put_value(b, value, is_bytes(of_gpu[i]));
        }
    }
}

/* "mesa 26.1, rocm 7.2" */
static void put_versions(struct sb_buf *b, const struct sb_fact *software) {
    for (const struct sb_fact *version = software->child; version; version = version->next) {
        sb_buf_addf(b, "%s%s ", version == software->child ? "" : ", ", version->name);
        put_value(b, version, false);
    }
}

/* One part as text, of the box alone or with its drivers, "" where the object does not say. The
 * caller frees. */
static char *text_of(const struct sb_fact *host, const char *part, bool box) {
    struct sb_buf b = SB_BUF_INIT(TEXT_MAX_BYTES);
    const struct sb_fact *value = sb_fact_of(host, part);
    if (value && value->kind == SB_FACT_LIST)
        put_gpus(&b, value, box ? N_BOX_OF_GPU : N_OF_GPU);
    else if (value && value->kind == SB_FACT_GROUP)
        put_versions(&b, value);
    else if (value)
        put_value(&b, value, is_bytes(part));
    char *text = sb_strdup(sb_buf_str(&b));
    sb_buf_release(&b);
    return text;
}

char *sb_host_id(const struct sb_fact *host) {
    if (sb_fact_text(host, "address"))
        return sb_strdup(sb_fact_text(host, "address"));
    if (!sb_fact_of(host, "cpu") && !sb_fact_of(host, "memory_bytes") &&
        !sb_fact_of(host, "kernel"))
        return NULL;
    struct sb_buf all = SB_BUF_INIT(N_PARTS * TEXT_MAX_BYTES);
    for (size_t i = 0; i < N_PARTS; i++) {
        if (strcmp(parts[i], "address") == 0)
            continue; /* ids are what they were before there were any */
        char *text = text_of(host, parts[i], false);
        sb_buf_addf(&all, "%s\n", text);
        free(text);
    }
    char hex[SHA256_DIGEST_STRING_LENGTH];
    SHA256Data((const uint8_t *)sb_buf_str(&all), all.len, hex);
    sb_buf_release(&all);
    return sb_strndup(hex, ID_CHARS);
}

bool sb_host_diff(const struct sb_fact *a, const struct sb_fact *b, struct sb_strv *ret) {
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
    if (c->backend.address)
        return c->backend.address;
    const char *id = c->n_launches ? c->launches[c->n_launches - 1].host
                     : c->n_tried  ? c->tried[c->n_tried - 1].host
                                   : NULL;
    return id ? id : file_id;
}

const struct sb_fact *sb_host_of(const struct sb_results *r, const char *id) {
    const struct sb_fact *host = sb_fact_of(r->hosts, id);
    return host && host->kind == SB_FACT_GROUP ? host : r->host;
}

void sb_results_add_address(struct sb_results *r, const struct sb_cell *c, const char *hardware) {
    const char *address = c->backend.address;
    if (!address || sb_fact_of(r->hosts, address))
        return;
    struct sb_fact *host = sb_facts_new();
    char *text = sb_asprintf("%s, not looked at", address);
    sb_fact_add_text(host, "hardware", hardware ? hardware : text);
    sb_fact_add_text(host, "address", address);
    if (!r->hosts)
        r->hosts = sb_facts_new();
    sb_fact_take(r->hosts, address, host);
    free(text);
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
        r->hosts = sb_facts_new();
    if (!sb_fact_of(r->hosts, id))
        sb_fact_take(r->hosts, id, sb_facts_copy(r->host));
    free(id);
}
