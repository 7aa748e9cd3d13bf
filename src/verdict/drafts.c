/* Speculative decoding: what was drafted, and what it gained over the same backend without. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stratobench/verdict.h"

/* ---- conditions ----------------------------------------------------------------------------- */

static bool ends(const char *text, const char *with) {
    size_t n = strlen(text), m = strlen(with);
    return n >= m && strcmp(text + n - m, with) == 0;
}

/* An option of llama-server that is about drafts, in the spellings of all builds. */
static bool is_option(const char *word) {
    static const char *const first[] = {"--spec-", "--no-spec-", "--draft", "--lookup-cache-"};
    static const char *const whole[] = {"-md",  "-hfd",   "-hfrd", "-devd", "-ngld",
                                        "-td",  "-tbd",   "-ctkd", "-ctvd", "-cd",
                                        "-otd", "-cmoed", "-lcs",  "-lcd"};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        if (sb_begins(word, first[i]))
            return true;
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (strcmp(word, whole[i]) == 0)
            return true;
    return sb_begins(word, "--") && ends(word, "-draft");
}

/* A cell's conditions without those, and whether it had any of those. */
struct conditions {
    struct sb_strv other; /* borrows nothing */
    bool drafts;
};

static struct conditions conditions_of(const struct sb_cell *c) {
    static const char arg[] = "arg=";
    const struct sb_strv *lines = &c->fingerprint_of;
    struct conditions ret = {0};
    bool value = false; /* of an option about drafts */
    for (size_t i = 0; i < lines->n; i++) {
        const char *line = lines->item[i], *word = sb_begins(line, arg) ? line + strlen(arg) : NULL;
        bool option = word && is_option(word);
        value = word && !option && value && word[0] != '-';
        bool own = option || value || sb_begins(line, "spec=") || sb_begins(line, "draft=") ||
                   sb_begins(line, "env=LLAMA_ARG_SPEC_") || sb_begins(line, "env=LLAMA_ARG_DRAFT");
        ret.drafts |= own;
        if (!own)
            sb_strv_add(&ret.other, line);
        value = option;
    }
    return ret;
}

static bool has_drafted(const struct sb_cell *c) {
    for (size_t i = 0; i < c->n_runs; i++)
        if (sb_run_counts(&c->runs[i]) && c->runs[i].draft_n > 0)
            return true;
    return false;
}

bool sb_cell_drafts(const struct sb_cell *c) {
    struct conditions own = conditions_of(c);
    sb_strv_release(&own.other);
    return own.drafts || has_drafted(c);
}

/* ---- the same backend without ---------------------------------------------------------------- */

/* The program, and what stands before the server's own options. */
static bool same_command(const struct sb_strv *a, const struct sb_strv *b) {
    for (size_t i = 0; i < a->n && i < b->n; i++) {
        if (strcmp(a->item[i], b->item[i]) != 0)
            return false;
        if (strcmp(a->item[i], "-m") == 0)
            return true;
    }
    return a->n == b->n;
}

static bool same_lines(const struct sb_strv *a, const struct sb_strv *b) {
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->item[i], b->item[i]) != 0)
            return false;
    return true;
}

static bool is_without(const struct sb_cell *c, const struct conditions *theirs,
                       const struct sb_cell *other) {
    bool same = other->status == SB_OK && theirs->other.n && sb_same_model(c, other) &&
                sb_same(c->backend.server_version, other->backend.server_version) &&
                sb_same(c->backend.server_build, other->backend.server_build) &&
                c->backend.argv.n && same_command(&c->backend.argv, &other->backend.argv) &&
                !has_drafted(other);
    if (!same)
        return false;
    struct conditions own = conditions_of(other);
    same = !own.drafts && same_lines(&own.other, &theirs->other);
    sb_strv_release(&own.other);
    return same;
}

static const struct sb_cell *find_without(const struct sb_cell *cells, size_t n, size_t i) {
    struct conditions c = conditions_of(&cells[i]);
    const struct sb_cell *found = NULL;
    for (size_t k = 0; k < n && !found; k++)
        if (k != i && is_without(&cells[i], &c, &cells[k]))
            found = &cells[k];
    sb_strv_release(&c.other);
    return found;
}

static struct sb_ratio speed_up(const struct sb_cell *with, const struct sb_cell *without,
                                struct sb_at at) {
    size_t n_with, n_without;
    double *a = sb_cell_launch_means(with, SB_TG, at, &n_with);
    double *b = sb_cell_launch_means(without, SB_TG, at, &n_without);
    struct sb_ratio r = sb_compare(a, n_with, b, n_without, SB_TIE_MARGIN, SB_ASSUMED_LAUNCH_CV);
    free(a);
    free(b);
    return r;
}

struct sb_drafts sb_drafts_at(const struct sb_cell *cells, size_t n, size_t i, struct sb_at at) {
    const struct sb_cell *c = &cells[i];
    double drafted = 0, accepted = 0, generated = 0, runs = 0;
    for (size_t k = 0; k < c->n_runs; k++) {
        const struct sb_run *r = &c->runs[k];
        if (!sb_run_counts(r) || !sb_at_same(r->at, at))
            continue;
        drafted += r->draft_n > 0 ? (double)r->draft_n : 0;
        accepted += r->draft_n_accepted > 0 ? (double)r->draft_n_accepted : 0;
        generated += (double)r->predicted_n;
        runs++;
    }
    struct sb_drafts ret = {
        .per_run = runs > 0 ? drafted / runs : (double)NAN,
        .accepted_share = drafted > 0 ? accepted / drafted : (double)NAN,
        /* Each pass of the model gives a token of its own, behind those it accepts. */
        .per_pass = generated > accepted ? generated / (generated - accepted) : (double)NAN,
        .without = find_without(cells, n, i),
        .tg = {.ratio = (double)NAN, .verdict = SB_VERDICT_INCONCLUSIVE}};
    if (ret.without)
        ret.tg = speed_up(c, ret.without, at);
    return ret;
}
