/* Any text in every place of a page: nothing of it may open or close anything. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../check_html.h"
#include "hostile.h"
#include "stratobench/plot.h"
#include "stratobench/report.h"

enum { MAX_PAGE = 4 << 20 };

/* Instead of the library's: the drawing is not this module's, and no input waits for gnuplot. */
int sb_plot_panels(const struct sb_results *const *sets, size_t n, struct sb_buf *ret,
                   struct sb_buf *error) {
    (void)sets;
    (void)n;
    (void)ret;
    (void)error;
    return -1;
}

/* The part of the page that comes from the results is checked: the rest is the program's own. */
static void render(const struct sb_results *set) {
    struct sb_buf page = SB_BUF_INIT(MAX_PAGE);
    char *begin = NULL, *end = NULL;
    if (sb_html_page(&set, 1, &page) < 0) {
        if (!page.overflow) /* too large is the only way to fail */
            abort();
    } else {
        begin = strstr(page.data, "<main>\n");
        end = begin ? strstr(begin, "<script>") : NULL;
        if (!end)
            abort();
        *end = '\0';
    }
    const char *out = begin ? find_foreign_tag(begin) : NULL;
    if (out) {
        fprintf(stderr, "not a tag of ours, or not closed in its place: %.200s\n", out);
        abort();
    }
    sb_buf_release(&page);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    with_hostile_text(data, size, render);
    return 0;
}
