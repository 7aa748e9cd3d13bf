/* Any text in every place of a document: nothing of it may open or close anything. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../check_markdown.h"
#include "hostile.h"
#include "stratobench/report.h"

enum { MAX_DOCUMENT = 1 << 20 };

static void render(const struct sb_results *set) {
    struct sb_buf b = SB_BUF_INIT(MAX_DOCUMENT);
    sb_report_markdown(&set, 1, &b);
    const char *out = b.overflow ? NULL : find_breakout(sb_buf_str(&b));
    if (out) {
        fprintf(stderr, "not a line of ours: %.200s\n", out);
        abort();
    }
    sb_buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    with_hostile_text(data, size, render);
    return 0;
}
