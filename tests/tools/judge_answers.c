/* Judges stored answers pair by pair, as a report would if no other backend had been asked, and all
 * of a model together: what the limits of the verdicts are worth is counted from its lines
 * (results/method.md, Answers).
 *
 *   judge_answers [-k POSITIONS] R.json...
 *
 * -k cuts every answer to that many positions. The files' cells are taken together: one may hold
 * right backends and another those with a fault. Lines, tab-separated; states are numbers of enum
 * sb_answers_state:
 *
 *   pair, model, prompt, depth, A, B, state A, state B, difference, noise A, noise B, perplexity A,
 *     perplexity B
 *   three, model, prompt, depth, A, B, C, state A, state B, state C: two can outvote a third
 *   all, model, prompt, depth, backend, state, words
 *   together, model, positions, A, B, state A, state B, divergence, noise A, noise B, difference,
 *     noise A, noise B, how much worse B reads, in how many standard errors
 *
 * pair, three and all are of one place, together is of all that both have answered, in pieces, too. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stratobench/results.h"
#include "stratobench/verdict.h"
#include "verdict/answers.h"

struct cells {
    struct sb_cell *item; /* views: they own nothing but `answers` */
    size_t n;
};

/* The cell with its answers at one place alone, each cut to k positions (0 = all). */
static struct sb_cell view_of(const struct sb_cell *c, struct sb_at at, size_t k) {
    struct sb_cell v = *c;
    v.answers = sb_alloc(c->n_answers + 1, sizeof *v.answers);
    v.n_answers = 0;
    for (size_t i = 0; i < c->n_answers; i++) {
        struct sb_answer a = c->answers[i];
        if (!sb_at_same(a.at, at))
            continue;
        if (k && a.n_positions > k)
            a.n_positions = k;
        v.answers[v.n_answers++] = a;
    }
    return v;
}

static void print_pair(const struct sb_cell *a, const struct sb_cell *b, struct sb_at at) {
    const struct sb_cell *both[] = {a, b};
    struct sb_answers_verdict v[2];
    sb_answers_judge(both, 2, v);
    printf("pair\t%s\t%d\t%d\t%s\t%s\t%d\t%d\t%.4f\t%.4f\t%.4f\t%.4f\t%.4f\n", sb_model_key(a),
           at.prompt, at.depth, a->backend.id, b->backend.id, (int)v[0].state, (int)v[1].state,
           isfinite(v[0].difference) ? v[0].difference : v[1].difference, v[0].noise, v[1].noise,
           v[0].perplexity, v[1].perplexity);
    sb_answers_verdict_release(&v[0]);
    sb_answers_verdict_release(&v[1]);
}

static void print_threes(const struct cells *c, struct sb_at at) {
    for (size_t i = 0; i < c->n; i++)
        for (size_t j = i + 1; j < c->n; j++)
            for (size_t k = j + 1; k < c->n; k++) {
                const struct sb_cell *three[] = {&c->item[i], &c->item[j], &c->item[k]};
                struct sb_answers_verdict v[3];
                sb_answers_judge(three, 3, v);
                printf("three\t%s\t%d\t%d\t%s\t%s\t%s\t%d\t%d\t%d\n", sb_model_key(three[0]),
                       at.prompt, at.depth, three[0]->backend.id, three[1]->backend.id,
                       three[2]->backend.id, (int)v[0].state, (int)v[1].state, (int)v[2].state);
                for (size_t m = 0; m < 3; m++)
                    sb_answers_verdict_release(&v[m]);
            }
}

static void print_all(const struct cells *c, struct sb_at at) {
    const struct sb_cell **all = sb_alloc(c->n, sizeof *all);
    struct sb_answers_verdict *v = sb_alloc(c->n, sizeof *v);
    for (size_t i = 0; i < c->n; i++)
        all[i] = &c->item[i];
    sb_answers_judge(all, c->n, v);
    for (size_t i = 0; i < c->n; i++) {
        printf("all\t%s\t%d\t%d\t%s\t%d\t%s\n", sb_model_key(all[i]), at.prompt, at.depth,
               all[i]->backend.id, (int)v[i].state, v[i].words ? v[i].words : "");
        sb_answers_verdict_release(&v[i]);
    }
    free(all);
    free(v);
}

static void judge_place(const struct sb_cell *const *model, size_t n, struct sb_at at, size_t k) {
    struct cells c = {sb_alloc(n, sizeof *c.item), 0};
    for (size_t i = 0; i < n; i++) {
        struct sb_cell v = view_of(model[i], at, k);
        if (v.n_answers)
            c.item[c.n++] = v;
        else
            free(v.answers);
    }
    for (size_t i = 0; i < c.n; i++)
        for (size_t j = i + 1; j < c.n; j++)
            print_pair(&c.item[i], &c.item[j], at);
    print_threes(&c, at);
    print_all(&c, at);
    for (size_t i = 0; i < c.n; i++)
        free(c.item[i].answers);
    free(c.item);
}

/* Over all places, as a report of the two cells would say. */
static void print_together(const struct sb_cell *a, const struct sb_cell *b, const struct sb_at *at,
                           size_t n_places, size_t k) {
    struct sb_cell views[] = {*a, *b};
    const struct sb_cell *both[] = {&views[0], &views[1]};
    struct sb_answer *answers[2][2];
    struct sb_answers_verdict v[2];
    for (size_t i = 0; i < 2; i++) {
        struct sb_answer *cut = sb_alloc(both[i]->n_answers, sizeof *cut);
        for (size_t j = 0; j < both[i]->n_answers; j++) {
            cut[j] = both[i]->answers[j];
            cut[j].n_positions = k && k < cut[j].n_positions ? k : cut[j].n_positions;
        }
        views[i].answers = cut;
        for (int pieces = 0; pieces < 2; pieces++)
            answers[i][pieces] = answer_join(both[i], at, n_places, pieces);
    }
    sb_answers_judge(both, 2, v);
    if (answers[0][0] && answers[1][0] && answers[0][1] && answers[1][1] &&
        answer_comparable(answers[0][0], answers[1][0])) {
        struct answer_distance d = answer_distance(answers[1][0], answers[0][0]),
                               x = answer_distance(answers[0][0], answers[0][1]),
                               y = answer_distance(answers[1][0], answers[1][1]);
        printf(
            "together\t%s\t%zu\t%s\t%s\t%d\t%d\t%.5f\t%.5f\t%.5f\t%.4f\t%.4f\t%.4f\t%.4f\t%.2f\n",
            sb_model_key(a), answers[0][0]->n_positions, a->backend.id, b->backend.id,
            (int)v[0].state, (int)v[1].state, d.divergence, x.divergence, y.divergence, d.rms,
            x.rms, y.rms, d.worse, d.t);
    }
    for (size_t i = 0; i < 2; i++) {
        sb_answers_verdict_release(&v[i]);
        free(views[i].answers);
        answer_joined_release(answers[i][0]);
        answer_joined_release(answers[i][1]);
    }
}

static void judge_model(const struct sb_cell *const *model, size_t n, size_t k) {
    struct sb_at *done = NULL;
    size_t n_done = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t a = 0; a < model[i]->n_answers; a++) {
            struct sb_at at = model[i]->answers[a].at;
            size_t known = 0;
            while (known < n_done && !sb_at_same(done[known], at))
                known++;
            if (known < n_done)
                continue;
            done = sb_grow(done, n_done, sizeof *done);
            done[n_done++] = at;
            judge_place(model, n, at, k);
        }
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            print_together(model[i], model[j], done, n_done, k);
    free(done);
}

int main(int argc, char **argv) {
    size_t k = 0, n_sets = 0, n_cells = 0;
    if (argc > 2 && strcmp(argv[1], "-k") == 0) {
        k = strtoul(argv[2], NULL, 10);
        argc -= 2;
        argv += 2;
    }
    struct sb_results *sets = sb_alloc((size_t)argc, sizeof *sets);
    for (int i = 1; i < argc; i++) {
        struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
        if (sb_results_load(argv[i], &sets[n_sets], &error) != 0) {
            fprintf(stderr, "%s\n", sb_buf_str(&error));
            return 2;
        }
        n_cells += sets[n_sets++].n_cells;
    }
    struct sb_index models = {0};
    for (size_t s = 0; s < n_sets; s++)
        for (size_t i = 0; i < sets[s].n_cells; i++)
            sb_index_add(&models, sb_model_key(&sets[s].cells[i]));
    const struct sb_cell **own = sb_alloc(n_cells + 1, sizeof *own);
    for (size_t m = 0; m < models.n; m++) {
        size_t n = 0;
        for (size_t s = 0; s < n_sets; s++)
            for (size_t i = 0; i < sets[s].n_cells; i++) {
                const struct sb_cell *c = &sets[s].cells[i];
                if (c->n_answers && sb_index_add(&models, sb_model_key(c)) == m)
                    own[n++] = c;
            }
        judge_model(own, n, k);
    }
    free(own);
    sb_index_release(&models);
    for (size_t s = 0; s < n_sets; s++)
        sb_results_release(&sets[s]);
    free(sets);
    return 0;
}
