/* Verdicts on answers of models that hardly read: nearly the same is expected at every position,
 * and rounding decides whether it is at every one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stratobench/verdict.h"

#include "golden.h"

enum { POSITIONS = 16, CANDIDATES = 10 };

static const struct sb_at here = {0, 0, 1};

/* Candidates 100 to 109, none of which is the true token; the first `one` positions have 100 first,
 * the others 101, by 0.02. `spread` moves all others from what every cell gives them. */
static struct sb_answer answer_of(size_t one, double spread) {
    struct sb_answer a = sb_answer_empty();
    a.launch = 1;
    a.at = here;
    a.context_n = 100;
    a.positions = sb_alloc(POSITIONS, sizeof *a.positions);
    a.n_positions = POSITIONS;
    for (size_t i = 0; i < POSITIONS; i++) {
        struct sb_answer_position *p = &a.positions[i];
        p->token = 200 + (int)i;
        p->logprob = -9;
        p->n_top = p->n_top_logprobs = CANDIDATES;
        p->top = sb_alloc(CANDIDATES, sizeof *p->top);
        p->top_logprobs = sb_alloc(CANDIDATES, sizeof *p->top_logprobs);
        for (int k = 0; k < CANDIDATES; k++) {
            p->top[k] = 100 + (k < 2 && i >= one ? 1 - k : k);
            p->top_logprobs[k] = k < 2 ? -2 - 0.02 * k : -3 - k - spread - 0.01 * (double)i;
        }
    }
    return a;
}

static struct sb_cell cell_of(const char *id, const char *device, size_t one, double spread) {
    struct sb_cell c = {.status = SB_OK};
    c.model.id = sb_strdup("m");
    c.backend.id = sb_strdup(id);
    c.backend.device = sb_strdup(device);
    sb_cell_add_answer(&c, answer_of(one, spread));
    return c;
}

/* In pieces it is `noise` away from the whole. */
static void add_noise(struct sb_cell *c, double spread, double noise) {
    struct sb_answer a = answer_of(3, spread + noise);
    a.pieces = true;
    sb_cell_add_answer(c, a);
}

static enum sb_answers_state states[3];

static void judge_all(struct sb_cell *const *cells, size_t n) {
    struct sb_answers_verdict v[3];
    sb_answers_judge((const struct sb_cell *const *)cells, n, v);
    for (size_t i = 0; i < n; i++) {
        states[i] = v[i].state;
        assert_int_equal(v[i].wrong, v[i].state >= SB_ANSWERS_ODD);
        sb_answers_verdict_release(&v[i]);
        sb_cell_release(cells[i]);
    }
}

static void judge(struct sb_cell a, struct sb_cell b) {
    struct sb_cell *const cells[] = {&a, &b};
    judge_all(cells, 2);
}

static void a_near_tie_is_no_fault(void **state) {
    (void)state;
    judge(cell_of("a", "none", 3, 0), cell_of("b", "Vulkan0", POSITIONS, 0));
    assert_int_equal(states[0], SB_ANSWERS_AGREES); /* in half of them or not */
    assert_int_equal(states[1], SB_ANSWERS_AGREES);
}

/* Which of them is wrong the token does not tell. */
static void nor_where_they_disagree(void **state) {
    (void)state;
    judge(cell_of("a", "none", POSITIONS - 1, 0), cell_of("b", "Vulkan0", POSITIONS, 2));
    assert_int_equal(states[0], SB_ANSWERS_DISAGREES);
    assert_int_equal(states[1], SB_ANSWERS_DISAGREES);
}

static void one_that_is_stuck_is(void **state) {
    (void)state;
    judge(cell_of("a", "none", 3, 0), cell_of("b", "Vulkan0", POSITIONS, 2));
    assert_int_equal(states[1], SB_ANSWERS_DEGENERATE);
}

/* Two on one CPU that differ by less than the noise of the third, which happens to stand at one. */
static void a_noisy_witness(double noise) {
    struct sb_cell a = cell_of("a", "none", 3, 0), b = cell_of("b", "none", 3, 0.1),
                   c = cell_of("c", "Vulkan0", 3, 0.1);
    struct sb_cell *const cells[] = {&a, &b, &c};
    add_noise(&a, 0, 0.001);
    add_noise(&b, 0.1, 0.001);
    add_noise(&c, 0.1, noise);
    judge_all(cells, 3);
}

static void a_witness_tells_no_less_than_its_noise(void **state) {
    (void)state;
    a_noisy_witness(0.06);
    assert_int_equal(states[0], SB_ANSWERS_ODD);
    assert_int_equal(states[1], SB_ANSWERS_AGREES);
    a_noisy_witness(0.2);
    for (size_t i = 0; i < 3; i++)
        assert_true(states[i] < SB_ANSWERS_ODD);
    /* And a noisy one that agrees does not make of two that differ two that agree. */
    assert_int_equal(states[0], SB_ANSWERS_DISAGREES);
    assert_int_equal(states[1], SB_ANSWERS_DISAGREES);
}

/* How a server of others is set nobody knows: it may be another KV cache. */
static void a_server_of_others_is_not_outvoted(void **state) {
    (void)state;
    struct sb_cell a = cell_of("a", "none", 3, 0), b = cell_of("b", "none", 3, 0.1),
                   c = cell_of("c", "Vulkan0", 3, 0.1);
    struct sb_cell *const cells[] = {&a, &b, &c};
    add_noise(&a, 0, 0.001);
    add_noise(&b, 0.1, 0.001);
    add_noise(&c, 0.1, 0.06);
    a.backend.url = sb_strdup("http://10.0.0.5:8080");
    judge_all(cells, 3);
    assert_int_equal(states[0], SB_ANSWERS_DISAGREES);
}

/* ---- many positions -------------------------------------------------------------------------- */

/* Two candidates of equal probability, of which the first is taken for likelier by `shift`. */
static struct sb_answer leaning(int prompt, size_t n, double shift, bool pieces) {
    struct sb_answer a = sb_answer_empty();
    a.launch = 1;
    a.at = (struct sb_at){prompt, 0, 1};
    a.context_n = 100;
    a.pieces = pieces;
    a.positions = sb_alloc(n, sizeof *a.positions);
    a.n_positions = n;
    for (size_t i = 0; i < n; i++) {
        struct sb_answer_position *p = &a.positions[i];
        p->token = 200 + (int)i;
        p->logprob = -9;
        p->n_top = p->n_top_logprobs = CANDIDATES;
        p->top = sb_alloc(CANDIDATES, sizeof *p->top);
        p->top_logprobs = sb_alloc(CANDIDATES, sizeof *p->top_logprobs);
        for (int k = 0; k < CANDIDATES; k++) {
            p->top[k] = 100 + k + (int)i * CANDIDATES;
            p->top_logprobs[k] = k == 0 ? -0.8 + shift : k == 1 ? -0.8 - shift : -5 - k;
        }
    }
    return a;
}

/* Whole and in pieces, apart by `noise`; noise < 0: the whole alone. */
static struct sb_cell cell_leaning(const char *id, int places, size_t n, double shift,
                                   double noise) {
    struct sb_cell c = {.status = SB_OK};
    c.model.id = sb_strdup("m");
    c.backend.id = sb_strdup(id);
    c.backend.device = sb_strdup(id);
    for (int i = 0; i < places; i++) {
        sb_cell_add_answer(&c, leaning(i, n, shift, false));
        if (noise >= 0)
            sb_cell_add_answer(&c, leaning(i, n, shift + noise, true));
    }
    return c;
}

static enum sb_answers_state of_leaning(int places, size_t n, double shift, double noise) {
    judge(cell_leaning("a", places, n, 0, noise), cell_leaning("b", places, n, shift, noise));
    assert_int_equal(states[0], states[1]);
    return states[0];
}

/* What is too little at each place, many of them together show: 1.8 % of divergence. */
static void places_together_tell_more(void **state) {
    (void)state;
    assert_int_equal(of_leaning(1, 32, 0.2, 0), SB_ANSWERS_AGREES);
    assert_int_equal(of_leaning(3, 32, 0.2, 0), SB_ANSWERS_AGREES);
    assert_int_equal(of_leaning(4, 32, 0.2, 0), SB_ANSWERS_DISAGREES);
    assert_int_equal(of_leaning(1, 128, 0.2, 0), SB_ANSWERS_DISAGREES);
    assert_int_equal(of_leaning(4, 32, 0.1, 0), SB_ANSWERS_AGREES);    /* 0.45 % */
    assert_int_equal(of_leaning(4, 32, 0.2, 0.19), SB_ANSWERS_AGREES); /* it is noise */
    assert_int_equal(of_leaning(4, 32, 0.3, -1), SB_ANSWERS_AGREES);   /* may be noise */
}

/* One of three that stands apart by so little is named. */
static void the_odd_one_of_many_places(void **state) {
    (void)state;
    struct sb_cell a = cell_leaning("a", 4, 32, 0, 0), b = cell_leaning("b", 4, 32, 0.01, 0),
                   c = cell_leaning("c", 4, 32, 0.2, 0);
    struct sb_cell *const cells[] = {&a, &b, &c};
    judge_all(cells, 3);
    assert_int_equal(states[0], SB_ANSWERS_AGREES);
    assert_int_equal(states[1], SB_ANSWERS_AGREES);
    assert_int_equal(states[2], SB_ANSWERS_ODD);
}

/* ---- noise that was not seen ------------------------------------------------------------------ */

/* Two CPUs of two builds and another arithmetic, whose pieces show no noise: a constant alone says
 * that it differs, and from well beyond it only that it is wrong. On a real GPU a build of another
 * year stood 0.285 from two CPUs, and computed the right thing. */
static void a_quiet_one_beside_two(double shift, double spread_noise) {
    struct sb_cell a = cell_of("a", "none", 3, 0), b = cell_of("b", "none", 3, 0.01),
                   c = cell_of("c", "CUDA0", 3, shift);
    struct sb_cell *const cells[] = {&a, &b, &c};
    b.backend.server_version = sb_strdup("another");
    add_noise(&a, 0, 0);
    add_noise(&b, 0.01, spread_noise);
    add_noise(&c, shift, 0);
    judge_all(cells, 3);
}

static void a_constant_condemns_from_well_beyond(void **state) {
    (void)state;
    a_quiet_one_beside_two(0.35, 0); /* 0.31 over all candidates */
    assert_int_equal(states[2], SB_ANSWERS_CANNOT_TELL);
    a_quiet_one_beside_two(0.35, 0.1);
    assert_int_equal(states[2], SB_ANSWERS_CANNOT_TELL);
    a_quiet_one_beside_two(0.5, 0);
    assert_int_equal(states[2], SB_ANSWERS_ODD);
}

/* Where others show what the text does to this model, those that show nothing are held to that. */
static void the_noise_of_others_is_the_models(void **state) {
    (void)state;
    struct sb_cell a = cell_of("a", "none", 3, 0), b = cell_of("b", "CUDA0", 3, 0.5),
                   c = cell_of("c", "Vulkan0", 3, 0.25);
    struct sb_cell *const cells[] = {&a, &b, &c};
    add_noise(&a, 0, 0);
    add_noise(&b, 0.5, 0);
    add_noise(&c, 0.25, 0.28);
    judge_all(cells, 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(states[i] == SB_ANSWERS_AGREES || states[i] == SB_ANSWERS_CANNOT_TELL);
}

/* Of four places one shows noise, and three went the same way: the noise is that of the one. */
static void a_place_without_noise_dilutes_none(void **state) {
    (void)state;
    struct sb_cell a = cell_leaning("a", 3, 32, 0, 0), b = cell_leaning("b", 3, 32, 0.2, 0);
    struct sb_cell *cells[] = {&a, &b};
    for (int i = 0; i < 2; i++) {
        sb_cell_add_answer(cells[i], leaning(3, 32, 0.2 * i, false));
        sb_cell_add_answer(cells[i], leaning(3, 32, 0.2 * i + 0.12, true));
    }
    judge_all(cells, 2);
    assert_int_equal(states[0], SB_ANSWERS_AGREES);
    assert_int_equal(states[1], SB_ANSWERS_AGREES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_near_tie_is_no_fault),
        cmocka_unit_test(nor_where_they_disagree),
        cmocka_unit_test(one_that_is_stuck_is),
        cmocka_unit_test(a_witness_tells_no_less_than_its_noise),
        cmocka_unit_test(a_server_of_others_is_not_outvoted),
        cmocka_unit_test(places_together_tell_more),
        cmocka_unit_test(the_odd_one_of_many_places),
        cmocka_unit_test(a_constant_condemns_from_well_beyond),
        cmocka_unit_test(the_noise_of_others_is_the_models),
        cmocka_unit_test(a_place_without_noise_dilutes_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
