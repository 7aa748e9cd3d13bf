/* Results as text: documents in pieces, and what they load to. */
#ifndef RESULTS_JSON_H
#define RESULTS_JSON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stratobench/base.h"
#include "stratobench/results.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* Documents in pieces: the least that loads, with room for more. */
#define HEAD         "{\"schema\":\"stratobench/1\","
#define BENCH_KEYS   "\"title\":\"T\",\"runs\":3,\"n_predict\":128,\"ctx\":8192"
#define DOC(b, rest) HEAD "\"bench\":{" BENCH_KEYS b "}," rest "}"
#define CELL(rest)   "{\"model\":{\"id\":\"m\"},\"backend\":{\"id\":\"b\"}," rest "}"
#define CELLS(cells) DOC("", "\"cells\":[" cells "]")
#define RUN          "{\"pp_tps\":100,\"tg_tps\":20,\"valid\":true}"
#define RUNS(runs)   CELLS(CELL("\"status\":\"ok\",\"runs\":[" runs "]"))

static inline struct sb_results parse(const char *text) {
    struct sb_results r;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    if (sb_results_parse("R.json", text, strlen(text), &r, &error) != 0)
        fail_msg("%s", sb_buf_str(&error));
    return r;
}

static inline char *read_text(const char *path) {
    struct sb_buf text = SB_BUF_INIT(1 << 20), error = SB_BUF_INIT(SB_ERR_MAX);
    assert_int_equal(sb_file_read(path, &text, &error), 0);
    return sb_buf_detach(&text);
}

static inline struct sb_results one_cell(struct sb_run run) {
    struct sb_results r = sb_results_empty();
    r.bench.title = sb_strdup("T");
    r.bench.runs = 1;
    r.n_cells = 1;
    r.cells = sb_alloc(1, sizeof *r.cells);
    r.cells[0] = sb_cell_empty();
    r.cells[0].model.id = sb_strdup("m");
    r.cells[0].model.label = sb_strdup("M");
    r.cells[0].backend.id = sb_strdup("b");
    r.cells[0].backend.label = sb_strdup("B");
    sb_cell_add_run(&r.cells[0], run);
    return r;
}

#endif
