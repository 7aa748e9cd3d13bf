/* `tune = ubatch 256 512`: what is tried before a backend is measured. */
#include <stdlib.h>
#include <string.h>

#include "value.h"

enum { MOST_VALUES = 16, LLAMA_BATCH = 2048 }; /* what llama-server takes when it is not told */

static void release_tune(struct sb_tune *t) {
    sb_strv_release(&t->values);
}

static void release_tunes(void *field) {
    struct sb_tunes *t = field;
    for (size_t i = 0; i < t->n; i++)
        release_tune(&t->item[i]);
    free(t->item);
    *t = (struct sb_tunes){0};
}

/* ---- a value -------------------------------------------------------------------------------- */

static const struct sb_tunable *tunable(struct sb_parser *p, const char *key) {
    const struct sb_tunable *what = sb_tunable_named(key);
    const char **names = sb_alloc(sb_n_tunables, sizeof *names);
    struct sb_buf all = SB_BUF_INIT(SB_ERR_MAX);
    char hint[80];
    for (size_t i = 0; i < sb_n_tunables; i++) {
        names[i] = sb_tunables[i].key;
        sb_buf_addf(&all, "%s%s", i ? ", " : "", names[i]);
    }
    if (!what)
        sb_diag(&p->diags, p->line, "'tune' knows no '%.80s'%s: it tries %s", key,
                sb_did_you_mean(hint, key, names, sb_n_tunables), sb_buf_str(&all));
    sb_buf_release(&all);
    free(names);
    return what;
}

/* The value as it is written in results, "0512" being 512; NULL after a report. */
static char *value_of(struct sb_parser *p, const struct sb_tunable *what, const char *word) {
    for (size_t i = 0; what->words && what->words[i]; i++)
        if (strcmp(what->words[i], word) == 0)
            return sb_strdup(word);
    char *end;
    long n = strtol(word, &end, 10);
    if (what->max && *word >= '0' && *word <= '9' && !*end && n >= 1 && n <= what->max)
        return sb_asprintf("%ld", n);
    if (what->max)
        sb_diag(&p->diags, p->line,
                "'tune' tries '%.80s' of %s: expected a whole number from 1 to %d", word, what->key,
                what->max);
    else
        sb_diag(&p->diags, p->line, "'tune' tries '%.80s' of %s: expected on, off or auto", word,
                what->key);
    return NULL;
}

static bool add_values(struct sb_parser *p, const struct sb_strv *words, struct sb_tune *t) {
    for (size_t i = 1; i < words->n; i++) {
        char *value = value_of(p, t->what, words->item[i]);
        bool twice = value && sb_strv_has(&t->values, value);
        if (twice)
            sb_diag(&p->diags, p->line, "'tune' tries %s %s twice", t->what->key, value);
        if (!value || twice) {
            free(value);
            return false;
        }
        sb_strv_take(&t->values, value);
    }
    if (t->values.n >= 2 && t->values.n <= MOST_VALUES)
        return true;
    sb_diag(&p->diags, p->line, "'tune' holds %zu value%s of %s: it tries 2 to %d", t->values.n,
            t->values.n == 1 ? "" : "s", t->what->key, MOST_VALUES);
    return false;
}

static bool is_tuned(const struct sb_tunes *t, const struct sb_tunable *what) {
    for (size_t i = 0; i < t->n; i++)
        if (t->item[i].what == what)
            return true;
    return false;
}

static bool add_tune(struct sb_parser *p, const struct sb_strv *words, struct sb_tunes *ret) {
    struct sb_tune t = {.what = tunable(p, words->item[0])};
    bool ok = t.what && add_values(p, words, &t);
    if (ok && is_tuned(ret, t.what)) {
        sb_diag(&p->diags, p->line, "'tune' tries %s a second time", t.what->key);
        ok = false;
    }
    if (!ok) {
        release_tune(&t);
        return false;
    }
    ret->item = sb_grow(ret->item, ret->n, sizeof *ret->item);
    ret->item[ret->n++] = t;
    return true;
}

static bool parse_tune(struct sb_parser *p, const struct sb_option *o, void *field,
                       const char *raw) {
    struct sb_tunes *t = field;
    struct sb_strv words = {0};
    if (!sb_words_of(p, o, raw, &words))
        return false;
    bool off = words.n == 1 && strcmp(words.item[0], "off") == 0, ok = true;
    if (off ? t->n > 0 : t->off) {
        sb_diag(&p->diags, p->line, "'tune = off' stands alone");
        ok = false;
    } else if (off) {
        t->off = true;
    } else {
        ok = add_tune(p, &words, t);
    }
    sb_strv_release(&words);
    return ok;
}
const struct sb_type sb_type_tune = {parse_tune, release_tunes};

/* ---- what is tuned -------------------------------------------------------------------------- */

const struct sb_tunes *sb_backend_tunes(const struct sb_config *c, const struct sb_backend *b) {
    static const struct sb_tunes none = {0};
    if (b->url || b->tunes.off)
        return &none;
    return b->tunes.n ? &b->tunes : &c->tunes;
}

size_t sb_tunes_launches(const struct sb_tunes *t) {
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        n += t->item[i].values.n;
    return n;
}

char *sb_tune_text(const struct sb_tune *t) {
    struct sb_buf b = SB_BUF_INIT(SB_ERR_MAX);
    sb_buf_adds(&b, t->what->key);
    for (size_t i = 0; i < t->values.n; i++)
        sb_buf_addf(&b, " %s", t->values.item[i]);
    return sb_buf_detach(&b);
}

static long greatest(const struct sb_tunes *t, const char *key, long otherwise) {
    long most = otherwise;
    for (size_t i = 0; i < t->n; i++)
        for (size_t k = 0; strcmp(t->item[i].what->key, key) == 0 && k < t->item[i].values.n; k++) {
            long n = strtol(t->item[i].values.item[k], NULL, 10);
            most = n > most ? n : most;
        }
    return most;
}

/* A server cuts its ubatch to its batch and says nothing. */
static void check_batches(struct sb_parser *p, const struct sb_backend *b, const struct sb_tunes *t,
                          int line) {
    long batch = greatest(t, "batch", b->batch ? b->batch : LLAMA_BATCH);
    long ubatch = greatest(t, "ubatch", b->ubatch);
    if (ubatch > batch)
        sb_diag(&p->diags, line,
                "[backend %s] asks for a ubatch of %ld and has a batch of %ld, to which "
                "llama-server would cut it: set 'batch = %ld'",
                b->id, ubatch, batch, ubatch);
}

void sb_check_tunes(struct sb_parser *p) {
    for (size_t i = 0; i < p->c->n_backends; i++) {
        const struct sb_backend *b = &p->c->backends[i];
        const struct sb_tunes *t = sb_backend_tunes(p->c, b);
        int line = t == &b->tunes ? sb_backend_line(b, "tune") : sb_bench_key_line(p, "tune");
        for (size_t k = 0; k < t->n; k++) {
            int set = sb_backend_line(b, t->item[k].what->key);
            if (set != b->line)
                sb_diag(&p->diags, set,
                        "[backend %s] sets '%s', which 'tune' (line %d) tries: use one, or "
                        "'tune = off' here",
                        b->id, t->item[k].what->key, line);
        }
        check_batches(p, b, t, t->n ? line : sb_backend_line(b, "ubatch"));
    }
}
