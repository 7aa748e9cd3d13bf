/* Results on their way through a log: what `run --log-results` prints and `report` finds. */
#include "box.h"

#define LOGGED STRATOBENCH " run --allow-concurrent a.ini -v --log-results "

/* The document of the results in the file "log" is that of a.json; what is said of the log. */
static const char *expect_in_log(void) {
    assert_int_equal(box_run(ARGS("sh", "-c", STRATOBENCH " report - <log >log.md")), 0);
    assert_string_equal(box_read("log.md"), box_read("a.md"));
    return box_read("err");
}

static void results_come_back_from_a_log(void **state) {
    (void)state;
    BOX_CONFIG("", {"x", ""}, {"y", ""});
    assert_int_equal(box_run(ARGS("sh", "-c", LOGGED ">log 2>&1")), 0);
    assert_string_equal(expect_in_log(), "");
    assert_int_equal(SB("report", "a.md"), 2); /* a file without any */
}

/* Without a chart the end follows the last cell at once, and adds nothing. */
static void nothing_is_said_twice(void **state) {
    (void)state;
    BOX_CONFIG("chart = off\n", {"x", ""});
    assert_int_equal(box_run(ARGS("sh", "-c", LOGGED ">log 2>&1")), 0);
    assert_string_equal(expect_in_log(), "");
}

/* A header whose JSON is more than 1 MiB: more than is kept for who does not read yet. */
static char *much(void) {
    char line[1000] = "";
    struct sb_buf b = SB_BUF_INIT(1 << 20);
    memset(line, '\\', sizeof line - 1);
    for (size_t i = 0; i < 700; i++)
        sb_buf_addf(&b, "header = H%zu: %s\n", i, line);
    char *text = box_text("chart = off\n%s", sb_buf_str(&b));
    sb_buf_release(&b);
    return text;
}

static void large_results_are_whole(void **state) {
    (void)state;
    BOX_CONFIG(much(), {"x", ""}, {"y", ""});
    assert_int_equal(box_run(ARGS("sh", "-c", LOGGED ">log 2>&1")), 0);
    assert_string_equal(expect_in_log(), "");
}

/* What was lost meanwhile is lost in a line of its own: the last results are whole. */
static void who_reads_late_has_the_last_results(void **state) {
    (void)state;
    BOX_CONFIG(much(), {"x", ""}, {"y", ""});
    box_write("late",
              "until [ \"$(grep -c '\"status\": \"ok\"' a.json)\" = 2 ]; do sleep 0.1; done\n"
              "exec cat\n");
    assert_int_equal(box_run(ARGS("sh", "-c", LOGGED "2>&1 | sh late >log")), 0);
    box_has(expect_in_log(), "are cut after ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BOX(results_come_back_from_a_log),
        IN_BOX(nothing_is_said_twice),
        IN_BOX(large_results_are_whole),
        IN_BOX(who_reads_late_has_the_last_results),
    };
    return BOX_RUN(tests);
}
