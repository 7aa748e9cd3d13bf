#include "script.h"

#include <stdint.h>
#include <stdlib.h>

#include "sheet.h"
#include "stratobench/results_merge.h"

static void draw_section(struct chart *c, const struct sb_results *set) {
    const char *title = set->bench.title ? set->bench.title : "";
    if (!c->panels) {
        chart_text(c, TEXT_TITLE, c->edge, c->y + TITLE_HEIGHT / 2.0, title,
                   0.7 * (c->width - 2 * c->edge));
        c->y += TITLE_HEIGHT;
    }
    if (!c->history)
        bars_draw(c, set);
    lines_draw(c, set);
}

void plot_script_make(const struct sb_results *const *sets, size_t n, enum plot_kind kind,
                      struct plot_script *ret) {
    bool panels = kind == PLOT_PANELS;
    struct plot_script script = {.commands = SB_BUF_INIT(SIZE_MAX)};
    struct chart c = {.script = &script,
                      .panels = panels,
                      .history = kind == PLOT_HISTORY,
                      .width = panels ? 380 : 1000,
                      .edge = panels ? 4 : 20,
                      .names = panels ? 116 : 170,
                      .values = panels ? 112 : 120,
                      .legend = SB_BUF_INIT(SIZE_MAX)};
    struct sb_sections all = sb_results_merge(sets, n);
    for (int k = 0; k < N_TEXTS; k++)
        c.labels[k] = (struct sb_buf)SB_BUF_INIT(SIZE_MAX);
    double height = c.edge;
    for (size_t i = 0; i < all.n; i++) {
        const struct sb_results *set = &all.item[i].set;
        script.n_cells += set->n_cells;
        height += TITLE_HEIGHT + (c.history ? 0 : bars_height(set)) + lines_height(set);
    }
    if (!panels)
        chart_begin_sheet(&c, height);
    for (size_t i = 0; i < all.n; i++)
        if (!panels || all.item[i].set.n_cells)
            draw_section(&c, &all.item[i].set);
    if (!panels)
        chart_end_sheet(&c);
    sb_index_release(&c.backends);
    sb_sections_release(&all);
    *ret = script;
}

void plot_script_release(struct plot_script *p) {
    sb_buf_release(&p->commands);
    sb_strv_release(&p->texts);
    free(p->sheets);
}
