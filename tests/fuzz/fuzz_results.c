/* Any text: parsed or refused with one line. What was parsed prints, and what was printed parses
 * again to the same text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stratobench/results.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition) {
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sb_results r, again;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    char *text = sb_malloc(size ? size : 1); /* exactly as long, so that reading past it is seen */
    memcpy(text, data, size);
    int rc = sb_results_parse("f", text, size, &r, &error);
    free(text);
    require((rc == 0) == (error.len == 0));
    if (rc == 0) {
        char *first = sb_results_print(&r);
        require(sb_results_parse("f", first, strlen(first), &again, &error) == 0);
        char *second = sb_results_print(&again);
        require(strcmp(first, second) == 0);
        for (size_t i = 0; i < again.n_cells; i++)
            sb_cell_summarize(&again.cells[i]);
        free(first);
        free(second);
        sb_results_release(&again);
    }
    sb_results_release(&r);
    sb_buf_release(&error);
    return 0;
}
