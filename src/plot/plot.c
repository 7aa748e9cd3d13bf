#include "stratobench/plot.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "script.h"
#include "stratobench/sys.h"
#include "stratobench/text.h"

enum { SVG_MAX_BYTES = 64 << 20 };
static const double gnuplot_timeout_s = 120;

/* ---- gnuplot's SVG made ours ---------------------------------------------------------------- */

/* "rgb(  0, 114, 178)" becomes "#0072b2", which the style sheet can match. Returns what of the
 * line was read, 0 when it is no such colour. */
static size_t add_colour(struct sb_buf *b, const char *s) {
    long part[3];
    char *end = (char *)s + strlen("rgb(");
    for (int i = 0; i < 3; i++) {
        part[i] = strtol(end, &end, 10);
        if (*end++ != (i < 2 ? ',' : ')') || part[i] < 0 || part[i] > 255)
            return 0;
    }
    sb_buf_addf(b, "#%02lx%02lx%02lx", part[0], part[1], part[2]);
    return (size_t)(end - s);
}

/* ">T12<" is a placeholder; what stands before the "<" is the text. */
static size_t add_text(struct sb_buf *b, const char *s, const struct sb_strv *texts) {
    char *end;
    if (s[2] < '0' || s[2] > '9')
        return 0;
    unsigned long number = strtoul(s + 2, &end, 10);
    if (*end != '<' || number >= texts->n)
        return 0;
    sb_buf_adds(b, ">");
    sb_xml_escape(b, texts->item[number]);
    return (size_t)(end - s);
}

static const char bold_font[] = "font-family=\"" PLOT_BOLD "\"";

static void add_line(struct sb_buf *b, const char *line, size_t len, const struct sb_strv *texts) {
    char *copy = sb_strndup(line, len);
    for (const char *s = copy; *s;) {
        size_t read = 0;
        if (strncmp(s, "rgb(", 4) == 0)
            read = add_colour(b, s);
        else if (sb_begins(s, "color='white'")) { /* the clearing around a point */
            sb_buf_adds(b, "color=\"white\"");
            read = strlen("color='white'");
        } else if (strncmp(s, ">T", 2) == 0)
            read = add_text(b, s, texts);
        else if (sb_begins(s, "<title>gnuplot_") && strstr(s, "</title>")) /* of what has no name */
            read = (size_t)(strstr(s, "</title>") + strlen("</title>") - s);
        else if (strncmp(s, " id=\"gnuplot_", 13) == 0 && strchr(s + 13, '"'))
            read = (size_t)(strchr(s + 13, '"') + 1 - s);
        else if (strncmp(s, bold_font, strlen(bold_font)) == 0) {
            sb_buf_adds(b, "font-family=\"sans-serif\" font-weight=\"bold\"");
            read = strlen(bold_font);
        }
        if (read == 0) {
            sb_buf_add(b, s, 1);
            read = 1;
        }
        s += read;
    }
    sb_buf_adds(b, "\n");
    free(copy);
}

static const char *next_line(const char *line) {
    const char *end = strchr(line, '\n');
    return end ? end + 1 : line + strlen(line);
}

static void add_head(struct sb_buf *b, const char *title, const struct plot_size *size) {
    sb_buf_addf(b,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" "
                "xmlns:xlink=\"http://www.w3.org/1999/xlink\" class=\"stratobench\" role=\"img\" "
                "width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
                "style=\"max-width:100%%;height:auto\">\n<title>",
                size->width_px, size->height_px, size->width_px, size->height_px);
    sb_xml_escape(b, title);
    sb_buf_adds(b, "</title>\n");
}

/* A picture that stands alone brings its look; within a page it is the page's. */
static void add_look(struct sb_buf *b, const struct plot_size *size) {
    sb_buf_adds(b, "<style>\n"
                   ".stratobench text{font-variant-numeric:tabular-nums;"
                   "paint-order:stroke;stroke:" PLOT_GROUND ";stroke-width:3px}\n"
                   "@media (prefers-color-scheme:dark){\n"
                   ".stratobench text{stroke:#0d1117}\n"
                   ".stratobench [fill=\"" PLOT_GROUND "\"]{fill:#0d1117}\n"
                   ".stratobench [color=\"white\"]{color:#0d1117}\n"
                   ".stratobench [fill=\"" PLOT_INK "\"]{fill:#e6edf3}\n"
                   ".stratobench [stroke=\"" PLOT_INK "\"]{stroke:#e6edf3}\n"
                   ".stratobench [fill=\"" PLOT_SOFT "\"]{fill:#9198a1}\n"
                   ".stratobench [stroke=\"" PLOT_SOFT "\"]{stroke:#9198a1}\n"
                   ".stratobench [stroke=\"" PLOT_GRID "\"]{stroke:#30363d}\n"
                   "}\n"
                   "</style>\n");
    sb_buf_addf(b, "<rect width=\"%d\" height=\"%d\" rx=\"8\" fill=\"" PLOT_GROUND "\"/>\n",
                size->width_px, size->height_px);
}

/* Takes over one picture of what is drawn: without gnuplot's prolog, its name and version, its
 * filters, and the many groups that hold nothing. Returns what follows it, NULL when there is none.
 */
static const char *add_drawing(struct sb_buf *b, const char *raw, const struct sb_strv *texts) {
    const char *line = strstr(raw, "<g id=\"gnuplot_canvas\">");
    bool in_filter = false, end = false;
    if (!line)
        return NULL;
    for (const char *next; *line && !end; line = next) {
        next = next_line(line);
        const char *text = line + strspn(line, " \t");
        size_t len = (size_t)(next - line) - (next > line && next[-1] == '\n');
        bool empty_group = sb_begins(text, "<g ") && sb_begins(next, "</g>\n");
        bool backdrop = sb_begins(text, "<rect x=\"0\" y=\"0\"");
        end = sb_begins(text, "</svg>");
        in_filter |= sb_begins(text, "<filter");
        if (empty_group)
            next = next_line(next);
        else if (!in_filter && !backdrop && *text != '\n')
            add_line(b, line, len, texts);
        in_filter &= !sb_begins(text, "</filter>");
    }
    return end ? line : NULL;
}

/* ---- gnuplot -------------------------------------------------------------------------------- */

static int run_gnuplot(const struct plot_script *p, struct sb_buf *out, struct sb_buf *error) {
    static const char *const argv[] = {"gnuplot", "-d", "-", NULL};
    struct sb_strv env = {0}; /* GNUTERM would be asked for before ours is, and need not exist */
    for (char **e = environ; *e; e++)
        if (strncmp(*e, "GNUTERM=", 8) != 0)
            sb_strv_add(&env, *e);
    sb_strv_add(&env, "GNUTERM=svg");
    struct sb_buf err = SB_BUF_INIT(SB_ERR_MAX);
    struct sb_exit end = {0};
    struct sb_proc_spec spec = {.argv = argv, .envp = (const char *const *)env.item};
    int rc = sb_proc_capture(&spec, &p->commands, gnuplot_timeout_s, -1, out, &err, &end, error);
    sb_strv_release(&env);
    if (rc == -ENOENT) {
        sb_buf_release(error);
        sb_buf_adds(error, "gnuplot is not on PATH; install it (Debian: apt install gnuplot-nox)");
    } else if (rc == 0 && end.code != 0) {
        char *how = sb_exit_text(&end);
        sb_buf_addf(error, "gnuplot ended with %s: %s", how, sb_buf_str(&err));
        free(how);
        rc = -EIO;
    }
    sb_buf_release(&err);
    return rc;
}

static int plot(const struct sb_results *const *sets, size_t n, enum plot_kind kind,
                struct sb_buf *svg, struct sb_buf *error) {
    struct plot_script script;
    struct sb_buf raw = SB_BUF_INIT(SVG_MAX_BYTES);
    plot_script_make(sets, n, kind, &script);
    int rc = script.n_cells ? run_gnuplot(&script, &raw, error) : -ENODATA;
    if (script.n_cells == 0)
        sb_buf_adds(error, "no cells to draw");
    const char *at = rc == 0 && !raw.overflow ? sb_buf_str(&raw) : NULL;
    for (size_t i = 0; at && i < script.n_sheets; i++) {
        add_head(svg, n && sets[0]->bench.title ? sets[0]->bench.title : "", &script.sheets[i]);
        if (kind != PLOT_PANELS)
            add_look(svg, &script.sheets[i]);
        at = add_drawing(svg, at, &script.texts);
    }
    if (rc == 0 && !at) {
        sb_buf_adds(error, "gnuplot printed no chart that could be read");
        rc = -EIO;
    }
    sb_buf_release(&raw);
    plot_script_release(&script);
    return rc;
}

int sb_plot_svg(const struct sb_results *const *sets, size_t n, struct sb_buf *svg,
                struct sb_buf *error) {
    return plot(sets, n, PLOT_DOCUMENT, svg, error);
}

int sb_plot_panels(const struct sb_results *const *sets, size_t n, struct sb_buf *svg,
                   struct sb_buf *error) {
    return plot(sets, n, PLOT_PANELS, svg, error);
}

int sb_plot_history_svg(const struct sb_results *set, struct sb_buf *svg, struct sb_buf *error) {
    return plot(&set, 1, PLOT_HISTORY, svg, error);
}
