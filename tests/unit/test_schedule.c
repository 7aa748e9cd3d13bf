/* Whose launch is next: order as data, no server. */
#include "bench/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "results_fixture.h"
#include "stratobench/config.h"

enum { CELLS = 3, MOST_TURNS = 32 };

struct matrix {
    struct sb_results set;
    const struct sb_cell *cells[CELLS];
    bool skip[CELLS];
    struct sb_schedule schedule;
};

static void setup(struct matrix *m, int launches) {
    static const char *const names[CELLS] = {"A", "B", "C"};
    *m = (struct matrix){.set = fixture_set("T")};
    for (size_t i = 0; i < CELLS; i++)
        fixture_cell(&m->set, "m", names[i], SB_PENDING, NULL);
    for (size_t i = 0; i < CELLS; i++)
        m->cells[i] = &m->set.cells[i];
    m->schedule = (struct sb_schedule){m->cells, m->skip, CELLS, launches};
}

/* What bench.c does around the launches: finishes cells that are complete. */
static void finish_complete(struct matrix *m) {
    for (size_t i = 0; i < CELLS; i++)
        if (!m->skip[i] && m->cells[i]->status == SB_PENDING &&
            sb_schedule_complete(&m->schedule, i))
            m->set.cells[i].status = SB_OK;
}

/* Launch l of cell i runs at speed[i], 0.2 % up or down; a launch of speed 0 fails. Takes at most
 * that many turns and tells them: "ABC CBA". */
static void take_turns(struct matrix *m, const double *speed, size_t most, char *ret) {
    static const double wobble[] = {0, 0.002, -0.002, 0.001, -0.001};
    size_t i, n = 0;
    int launch, round = 1;
    finish_complete(m);
    while (n < most && sb_schedule_next(&m->schedule, &i, &launch)) {
        double s = speed[i] * (1 + wobble[(launch + (int)i) % 5]);
        struct sb_cell *c = &m->set.cells[i];
        assert_int_equal(launch, (int)c->n_launches + 1);
        if (launch != round && n)
            *ret++ = ' ';
        round = launch;
        *ret++ = "ABC"[i];
        n++;
        if (s > 0)
            fixture_launch(c, 100 * s, 10 * s, 10, 1);
        else
            c->status = SB_FAILED;
        finish_complete(m);
    }
    *ret = '\0';
}

static void expect_turns(int launches, const double *speed, const char *want) {
    char turns[MOST_TURNS * 2];
    struct matrix m;
    setup(&m, launches);
    take_turns(&m, speed, MOST_TURNS, turns);
    assert_string_equal(turns, want);
    for (size_t i = 0; i < CELLS; i++)
        assert_int_not_equal(m.cells[i]->status, SB_PENDING);
    sb_results_release(&m.set);
}

#define SPEEDS(...) ((const double[]){__VA_ARGS__})

static void a_fixed_number_goes_to_and_fro(void **state) {
    (void)state;
    expect_turns(1, SPEEDS(1, 2, 3), "ABC");
    expect_turns(3, SPEEDS(1, 2, 3), "ABC CBA ABC");
    expect_turns(3, SPEEDS(1, 0, 3), "ABC CA AC");
}

static void auto_stops_when_all_is_decided(void **state) {
    (void)state;
    expect_turns(SB_LAUNCHES_AUTO, SPEEDS(1, 2, 3), "ABC CBA");
    /* B is clearly out after two; A and C, as fast as each other, need a third. */
    expect_turns(SB_LAUNCHES_AUTO, SPEEDS(1, 0.5, 1), "ABC CBA AC");
    /* Nothing to compare with: two launches, for the spread. */
    expect_turns(SB_LAUNCHES_AUTO, SPEEDS(1, 0, 0), "ABC A");
    expect_turns(SB_LAUNCHES_AUTO, SPEEDS(0, 0, 0), "ABC");
}

/* Just beyond the margin, so that only five tell. */
static void auto_has_an_end(void **state) {
    (void)state;
    expect_turns(SB_LAUNCHES_AUTO, SPEEDS(1, 0.5, 0.9675), "ABC CBA AC CA AC");
}

/* Stopped at any turn, the rest is the same: all is read from the cells. */
static void resumed_is_as_if_never_stopped(void **state) {
    (void)state;
    static const double speed[] = {1, 0.5, 1};
    for (size_t stop = 0; stop <= 8; stop++) {
        char before[MOST_TURNS * 2], after[MOST_TURNS * 2], all[MOST_TURNS * 4], *at = all;
        struct matrix m;
        setup(&m, SB_LAUNCHES_AUTO);
        take_turns(&m, speed, stop, before);
        take_turns(&m, speed, MOST_TURNS, after);
        for (const char *p = before; *p; p++)
            if (*p != ' ')
                *at++ = *p;
        for (const char *p = after; *p; p++)
            if (*p != ' ')
                *at++ = *p;
        *at = '\0';
        assert_string_equal(all, "ABCCBAAC");
        sb_results_release(&m.set);
    }
}

/* Measured by an earlier run: not launched, and still the one to beat. */
static void a_kept_cell_is_a_rival(void **state) {
    (void)state;
    static const double speed[] = {1, 0.5, 1};
    char turns[MOST_TURNS * 2];
    struct matrix m;
    setup(&m, SB_LAUNCHES_AUTO);
    for (int i = 0; i < 3; i++)
        fixture_launch(&m.set.cells[0], 100 + i * 0.2, 10 + i * 0.02, 10, 1);
    m.set.cells[0].status = SB_OK;
    m.skip[0] = true;
    take_turns(&m, speed, MOST_TURNS, turns);
    assert_string_equal(turns, "BC CB");
    sb_results_release(&m.set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fixed_number_goes_to_and_fro),
        cmocka_unit_test(auto_stops_when_all_is_decided),
        cmocka_unit_test(auto_has_an_end),
        cmocka_unit_test(resumed_is_as_if_never_stopped),
        cmocka_unit_test(a_kept_cell_is_a_rival),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
