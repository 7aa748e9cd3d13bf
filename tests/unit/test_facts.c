/* Facts: a tree of named values that several rooms hand each other. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stratobench/base_facts.h"

static struct sb_fact *machine(void) {
    struct sb_fact *m = sb_facts_new();
    sb_fact_add_text(m, "cpu", "AMD");
    struct sb_fact *gpus = sb_fact_add(m, "gpus", SB_FACT_LIST);
    for (int i = 0; i < 2; i++)
        sb_fact_add_number(sb_fact_add(gpus, NULL, SB_FACT_GROUP), "vram_bytes", i);
    sb_fact_take(m, "nothing", NULL);
    return m;
}

static void test_what_is_there(void **state) {
    (void)state;
    struct sb_fact *m = machine();
    assert_string_equal(sb_fact_text(m, "cpu"), "AMD");
    const struct sb_fact *gpus = sb_fact_of(m, "gpus");
    assert_true(sb_fact_number(gpus->child, "vram_bytes") == 0);
    assert_true(sb_fact_number(gpus->child->next, "vram_bytes") == 1);
    assert_null(gpus->child->next->next);
    sb_facts_free(m);
}

static void test_what_is_not_there(void **state) {
    (void)state;
    struct sb_fact *m = machine();
    assert_null(sb_fact_of(m, "nothing"));
    assert_null(sb_fact_of(m, NULL));
    assert_null(sb_fact_of(NULL, "cpu"));
    assert_null(sb_fact_of(sb_fact_of(m, "gpus"), "vram_bytes")); /* a list's have no names */
    assert_null(sb_fact_text(m, "gpus"));
    assert_true(isnan(sb_fact_number(m, "cpu")));
    sb_facts_free(m);
    sb_facts_free(NULL);
    assert_null(sb_facts_copy(NULL));
}

/* Whatever it was, and in its place. */
static void test_set_text(void **state) {
    (void)state;
    struct sb_fact *m = machine();
    sb_fact_set_text(m, "gpus", "two");
    sb_fact_set_text(m, "new", "x");
    sb_fact_set_text(m, "new", "y");
    assert_string_equal(sb_fact_text(m, "gpus"), "two");
    assert_null(sb_fact_of(m, "gpus")->child);
    assert_ptr_equal(sb_fact_of(m, "gpus")->next, sb_fact_of(m, "new"));
    assert_string_equal(sb_fact_text(m, "new"), "y");
    assert_null(sb_fact_of(m, "new")->next);
    sb_facts_free(m);
}

static void test_a_copy_stands_alone(void **state) {
    (void)state;
    struct sb_fact *m = machine(), *copy = sb_facts_copy(m);
    sb_facts_free(m);
    assert_string_equal(sb_fact_text(copy, "cpu"), "AMD");
    assert_true(sb_fact_number(sb_fact_of(copy, "gpus")->child->next, "vram_bytes") == 1);
    sb_facts_free(copy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_there),
        cmocka_unit_test(test_what_is_not_there),
        cmocka_unit_test(test_set_text),
        cmocka_unit_test(test_a_copy_stands_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
