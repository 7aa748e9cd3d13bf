/* Code blocks, marks and figures of the document. */
#include <math.h>
#include <string.h>

#include "parts.h"

void report_code_text(struct sb_buf *b, const char *text) {
    struct sb_buf safe = SB_BUF_INIT(SB_TEXT_MAX);
    sb_buf_add_printable(&safe, text, strlen(text));
    for (size_t i = 0; i < safe.len; i++)
        if (safe.data[i] == '\n' || safe.data[i] == '\t')
            safe.data[i] = ' ';
    sb_buf_adds(b, sb_buf_str(&safe));
    sb_buf_release(&safe);
}

void report_code_block(struct sb_buf *b, const char *code) {
    size_t fence = 3, run = 0;
    for (const char *s = code; *s; s++) {
        run = *s == '`' ? run + 1 : 0;
        if (run >= fence)
            fence = run + 1;
    }
    for (size_t i = 0; i < fence; i++)
        sb_buf_adds(b, "`");
    sb_buf_adds(b, "\n");
    sb_buf_adds(b, code);
    for (size_t i = 0; i < fence; i++)
        sb_buf_adds(b, "`");
    sb_buf_adds(b, "\n");
}

void report_superscript(struct sb_buf *b, size_t number) {
    static const char *const digits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    if (number >= 10)
        report_superscript(b, number / 10);
    sb_buf_adds(b, digits[number % 10]);
}

void report_figure(struct sb_buf *b, double x, int decimals, const char *unit) {
    if (isfinite(x))
        sb_buf_addf(b, "%.*f%s", decimals, x, unit);
    else
        sb_buf_adds(b, SB_ABSENT);
}

void report_mean(struct sb_buf *b, const struct sb_summary *s) {
    sb_mean_add(b, s->n ? s->mean : NAN, s->stddev);
}
