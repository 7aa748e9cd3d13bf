#include "stratobench/report.h"

#include <errno.h>
#include <md4c-html.h>
#include <sha2.h>
#include <string.h>

#include "html_assets.h"
#include "html_parts.h"
#include "stratobench/plot.h"

enum { HTML_MAX_BYTES = 256 << 20, CHART_MAX_CELLS = 500 };

/* ---- Markdown to HTML ----------------------------------------------------------------------- */

static void take_output(const MD_CHAR *text, MD_SIZE len, void *arg) {
    sb_buf_add(arg, text, len);
}

int html_render(const struct sb_buf *markdown, struct sb_buf *html) {
    unsigned flags = MD_FLAG_TABLES | MD_FLAG_NOHTML | MD_FLAG_NOINDENTEDCODEBLOCKS;
    if (md_html(sb_buf_str(markdown), (MD_SIZE)markdown->len, take_output, html, flags, 0) < 0)
        sb_out_of_memory();
    return html->overflow ? -EFBIG : 0;
}

static int render_body(const struct sb_results *const *sets, size_t n, struct sb_buf *html) {
    struct sb_buf markdown = SB_BUF_INIT(HTML_MAX_BYTES);
    int rc = sb_report_text(sets, n, &markdown);
    if (rc == 0)
        rc = html_render(&markdown, html);
    sb_buf_release(&markdown);
    return rc;
}

/* ---- what the page writes otherwise --------------------------------------------------------- */

/* Each is a paragraph that only the document's own lines can be: raw HTML is off, so whatever else
 * looks like a tag is text. */
#define DETAILS_START "<p>&lt;details&gt;&lt;summary&gt;"
#define SUMMARY_END   "&lt;/summary&gt;</p>"
static const struct {
    const char *from, *to;
} replacements[] = {
    {"<p>&lt;/details&gt;</p>", "</details>"},
    {"<p>¹", "<p class=\"notes\">¹"},
    {"<p><strong>Date:", "<p class=\"head\"><strong>Date:"},
};
enum { N_REPLACEMENTS = sizeof replacements / sizeof *replacements };

static bool begins(const char *s, const char *with) {
    return strncmp(s, with, strlen(with)) == 0;
}

/* Returns what follows, or NULL when it is no summary of ours. */
static const char *put_details_start(struct sb_buf *b, const char *s) {
    const char *summary = s + strlen(DETAILS_START), *end = strchr(summary, '<');
    size_t tail = strlen(SUMMARY_END) - strlen("</p>");
    if (!end || (size_t)(end - summary) < tail || !begins(end - tail, SUMMARY_END))
        return NULL;
    sb_buf_adds(b, "<details><summary>");
    sb_buf_add(b, summary, (size_t)(end - tail - summary));
    sb_buf_adds(b, "</summary>");
    return end + strlen("</p>");
}

/* Writes what stands for the tag at s and returns what follows, or NULL to leave it as it is. */
static const char *put_instead(struct sb_buf *b, const char *s) {
    if (begins(s, "<table>"))
        return html_put_table(b, s);
    if (begins(s, DETAILS_START))
        return put_details_start(b, s);
    for (size_t i = 0; i < N_REPLACEMENTS; i++)
        if (begins(s, replacements[i].from)) {
            sb_buf_adds(b, replacements[i].to);
            return s + strlen(replacements[i].from);
        }
    return NULL;
}

static void put_part(struct sb_buf *b, const char *html, const char *end) {
    const char *plain = html;
    for (const char *s = html; (s = strchr(s, '<')) && s < end;) {
        sb_buf_add(b, plain, (size_t)(s - plain));
        const char *next = put_instead(b, s);
        plain = next ? next : s;
        s = next ? next : s + 1;
    }
    sb_buf_add(b, plain, (size_t)(end - plain));
}

/* Where the head of the document ends: at its first table or model. */
static const char *end_of_head(const char *html) {
    const char *table = strstr(html, "<table>"), *model = strstr(html, "<h2>");
    if (table && model)
        return table < model ? table : model;
    return table ? table : model ? model : html + strlen(html);
}

static void put_body(struct sb_buf *b, const char *html, const struct sb_buf *chart) {
    const char *head_end = end_of_head(html);
    put_part(b, html, head_end);
    if (chart->len)
        sb_buf_addf(b, "<figure class=\"chart\">%s</figure>\n", chart->data);
    put_part(b, head_end, html + strlen(html));
}

/* ---- the page ------------------------------------------------------------------------------- */

static void put_base64(struct sb_buf *b, const uint8_t *data, size_t len) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t bits = (uint32_t)data[i] << 16 | (n > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
                        (n > 2 ? data[i + 2] : 0);
        for (size_t k = 0; k < 4; k++)
            sb_buf_add(b, k <= n ? &digits[bits >> (18 - 6 * k) & 63] : "=", 1);
    }
}

/* The one script that may run is named by its hash; nothing may be loaded. */
static void put_policy(struct sb_buf *b) {
    uint8_t hash[SHA256_DIGEST_LENGTH];
    SHA2_CTX context;
    SHA256Init(&context);
    SHA256Update(&context, (const uint8_t *)page_js, strlen(page_js));
    SHA256Final(hash, &context);
    sb_buf_adds(b, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                   "style-src 'unsafe-inline'; script-src 'sha256-");
    put_base64(b, hash, sizeof hash);
    sb_buf_adds(b, "'; base-uri 'none'; form-action 'none'\">\n");
}

/* The first heading is text alone and escaped already. */
static void put_title(struct sb_buf *b, const char *html) {
    const char *start = strstr(html, "<h1>"), *end = start ? strstr(start, "</h1>") : NULL;
    sb_buf_adds(b, "<title>");
    if (end)
        sb_buf_add(b, start + 4, (size_t)(end - start - 4));
    sb_buf_adds(b, "</title>\n");
}

/* A page without a chart is whole: there may be no gnuplot, nothing to draw, or so many cells that
 * nobody would read the picture. */
static void draw_chart(const struct sb_results *const *sets, size_t n, struct sb_buf *svg) {
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    size_t n_cells = 0;
    for (size_t i = 0; i < n; i++)
        n_cells += sets[i]->n_cells;
    if (n_cells > CHART_MAX_CELLS)
        return;
    if (sb_plot_svg(sets, n, svg, &error) < 0)
        sb_buf_release(svg);
    sb_buf_release(&error);
}

int sb_html_page(const struct sb_results *const *sets, size_t n, struct sb_buf *ret) {
    struct sb_buf html = SB_BUF_INIT(HTML_MAX_BYTES), chart = SB_BUF_INIT(HTML_MAX_BYTES);
    int rc = render_body(sets, n, &html);
    if (rc == 0) {
        sb_buf_adds(ret, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                         "<meta name=\"viewport\" content=\"width=device-width\">\n"
                         "<meta name=\"color-scheme\" content=\"light dark\">\n");
        put_policy(ret);
        put_title(ret, sb_buf_str(&html));
        sb_buf_addf(ret, "<style>\n%s</style>\n</head>\n<body>\n<main>\n", page_css);
        draw_chart(sets, n, &chart);
        put_body(ret, sb_buf_str(&html), &chart);
        sb_buf_addf(ret, "</main>\n<script>%s</script>\n</body>\n</html>\n", page_js);
        rc = ret->overflow ? -EFBIG : 0;
    }
    sb_buf_release(&html);
    sb_buf_release(&chart);
    return rc;
}
