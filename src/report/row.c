/* What a row of a table stands for, and the marks it sets. */
#include "parts.h"

struct report_row report_row_of_point(const struct sb_cell *c, const struct sb_point *p) {
    return (struct report_row){.cell = c, .point = *p};
}

struct report_row report_row_of_cell(const struct sb_cell *c) {
    return (struct report_row){
        .cell = c, .point = {.at = sb_cell_first_at(c), .pp_tps = c->pp_tps, .tg_tps = c->tg_tps}};
}
