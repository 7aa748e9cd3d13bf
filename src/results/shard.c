#include "stratobench/results.h"
#include "stratobench/results_shard.h"

#include <sha256.h>
#include <stdlib.h>
#include <string.h>

#define MARK "stratobench:"
enum { MARK_CHARS = sizeof MARK - 1, ID_CHARS = 16 };

static void id_of(const char *text, size_t len, char *ret) {
    char hex[SHA256_DIGEST_STRING_LENGTH];
    SHA256Data((const uint8_t *)text, len, hex);
    memcpy(ret, hex, ID_CHARS);
    ret[ID_CHARS] = '\0';
}

/* MARK ID "|" a line of the JSON, MARK ID " begin NAME TIME", MARK ID " end": one process has one
 * NAME and TIME. */
void sb_shard_print(const struct sb_results *r, const char *name, struct sb_buf *ret) {
    char *json = sb_results_print(r), id[ID_CHARS + 1];
    if (!json)
        return;
    id_of(json, strlen(json), id);
    sb_buf_addf(ret, MARK "%s begin %s %s\n", id, name, r->started_at ? r->started_at : "");
    for (const char *line = json; *line;) {
        size_t n = strcspn(line, "\n");
        sb_buf_addf(ret, MARK "%s|%.*s\n", id, (int)n, line);
        line += n + (line[n] == '\n');
    }
    sb_buf_addf(ret, MARK "%s end\n", id);
    free(json);
}

/* ---- reading -------------------------------------------------------------------------------- */

struct shard {
    char id[ID_CHARS + 1];
    char *name; /* NAME TIME */
    struct sb_buf json;
    size_t n_lines;
    bool whole;
    bool replaced; /* a later one of the same process is whole, too */
};

struct reader {
    struct shard *item;
    size_t n;
    struct sb_strv *remarks;
};

/* The text after the mark in the line, or NULL. */
static const char *find_mark(const char *line, size_t len) {
    const char *end = line + len;
    for (const char *at = line; (at = memmem(at, (size_t)(end - at), MARK, MARK_CHARS));) {
        at += MARK_CHARS;
        size_t left = (size_t)(end - at);
        if (left > ID_CHARS && strspn(at, "0123456789abcdef") == ID_CHARS &&
            (at[ID_CHARS] == '|' || at[ID_CHARS] == ' '))
            return at;
    }
    return NULL;
}

static struct shard *find_open(const struct reader *r, const char *id) {
    for (size_t i = r->n; i-- > 0;)
        if (strncmp(r->item[i].id, id, ID_CHARS) == 0)
            return r->item[i].whole ? NULL : &r->item[i];
    return NULL;
}

static bool has_id(const struct reader *r, const char *id) {
    for (size_t i = 0; i < r->n; i++)
        if (strncmp(r->item[i].id, id, ID_CHARS) == 0)
            return true;
    return false;
}

static void begin(struct reader *r, const char *id, const char *name, size_t len) {
    struct shard *open = find_open(r, id);
    if (open) { /* cut, and said again */
        sb_buf_release(&open->json);
        open->n_lines = 0;
    } else if (has_id(r, id)) {
        sb_strv_take(r->remarks, sb_asprintf("the results of %.*s are there twice; they count once",
                                             (int)len, name));
    } else {
        r->item = sb_realloc(r->item, r->n + 1, sizeof *r->item);
        open = &r->item[r->n++];
        *open = (struct shard){.name = sb_strndup(name, len),
                               .json = SB_BUF_INIT(SB_RESULTS_MAX_BYTES)};
        memcpy(open->id, id, ID_CHARS);
    }
}

static void end(struct reader *r, struct shard *s) {
    char id[ID_CHARS + 1];
    id_of(sb_buf_str(&s->json), s->json.len, id);
    s->whole = strcmp(id, s->id) == 0;
    for (struct shard *old = r->item; s->whole && old < s; old++)
        old->replaced |= strcmp(old->name, s->name) == 0;
}

static void take_line(struct reader *r, const char *line, size_t len) {
    const char *id = find_mark(line, len);
    if (!id)
        return;
    const char *rest = id + ID_CHARS + 1;
    size_t n = len - (size_t)(rest - line);
    if (n > 0 && rest[n - 1] == '\r')
        n--;
    bool data = id[ID_CHARS] == '|';
    struct shard *open = find_open(r, id);
    if (data && open) {
        sb_buf_add(&open->json, rest, n);
        sb_buf_adds(&open->json, "\n");
        open->n_lines++;
    } else if (!data && n > 6 && strncmp(rest, "begin ", 6) == 0 && memchr(rest + 6, ' ', n - 6)) {
        begin(r, id, rest + 6, n - 6);
    } else if (!data && n == 3 && strncmp(rest, "end", 3) == 0) {
        if (open)
            end(r, open);
        else if (!has_id(r, id))
            sb_strv_take(r->remarks, sb_asprintf("results end here (%.*s) that have no beginning",
                                                 ID_CHARS, id));
    }
}

/* ---- what is to be said --------------------------------------------------------------------- */

static bool has_whole(const struct reader *r, const char *name) {
    for (size_t i = 0; i < r->n; i++)
        if (r->item[i].whole && strcmp(r->item[i].name, name) == 0)
            return true;
    return false;
}

/* The name without its time. */
static size_t word(const struct shard *s) {
    return (size_t)(strrchr(s->name, ' ') - s->name);
}

static void remark(struct reader *r, const struct shard *s) {
    if (!s->whole)
        sb_strv_take(r->remarks,
                     sb_asprintf("the results of %s are cut after %zu lines; %s", s->name,
                                 s->n_lines,
                                 has_whole(r, s->name) ? "what was whole before or after counts"
                                                       : "nothing of them can be used"));
    for (const struct shard *other = r->item; other < s && s->whole && !s->replaced; other++)
        if (other->whole && !other->replaced && word(other) == word(s) &&
            strncmp(other->name, s->name, word(s)) == 0)
            sb_strv_take(r->remarks, sb_asprintf("there are two results of %.*s; of a cell that "
                                                 "both have the newer counts",
                                                 (int)word(s), s->name));
}

bool sb_shards_begin(const char *log, size_t len) {
    return find_mark(log, len) != NULL;
}

void sb_shards_read(const char *log, size_t len, struct sb_shards *ret) {
    *ret = (struct sb_shards){0};
    struct reader r = {.remarks = &ret->remarks};
    for (size_t at = 0, n; at < len; at += n + 1) {
        const char *newline = memchr(log + at, '\n', len - at);
        n = newline ? (size_t)(newline - log) - at : len - at;
        take_line(&r, log + at, n);
    }
    for (size_t i = 0; i < r.n; i++) {
        struct shard *s = &r.item[i];
        remark(&r, s);
        if (s->whole && !s->replaced) {
            sb_strv_add(&ret->name, s->name);
            sb_strv_take(&ret->json, sb_buf_detach(&s->json));
        }
        sb_buf_release(&s->json);
    }
    for (size_t i = 0; i < r.n; i++)
        free(r.item[i].name);
    free(r.item);
}

void sb_shards_release(struct sb_shards *s) {
    sb_strv_release(&s->name);
    sb_strv_release(&s->json);
    sb_strv_release(&s->remarks);
}
