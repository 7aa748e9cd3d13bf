#include "stratobench/report.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "parts.h"
#include "stratobench/verdict.h"

bool report_is_transcribed(const struct sb_results *set) {
    return !set->generator;
}

/* ---- the head of a section ----------------------------------------------------------------- */

static void put_head_line(struct sb_buf *b, const char *name, const char *value) {
    if (!value || !*value)
        return;
    sb_buf_addf(b, "**%s:** ", name);
    sb_markdown_escape(b, value);
    sb_buf_adds(b, "  \n");
}

/* "2026-02-22T19:42:07Z" reads "2026-02-22 19:42 UTC". */
static void put_date(struct sb_buf *b, const char *rfc3339) {
    struct tm tm = {0};
    char text[32];
    if (rfc3339 && strptime(rfc3339, "%Y-%m-%dT%H:%M:%S", &tm) &&
        strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm))
        put_head_line(b, "Date", text);
    else
        put_head_line(b, "Date", rfc3339);
}

/* Header lines of the config that have a place of their own; all others follow the prompt. */
static const char *const placed[] = {"Access", "Note"};

static bool is_named(const char *line, const char *name) {
    size_t n = strlen(name);
    return strncmp(line, name, n) == 0 && line[n] == ':';
}

static bool is_placed(const char *line) {
    for (size_t i = 0; i < ARRAY_LEN(placed); i++)
        if (is_named(line, placed[i]))
            return true;
    return false;
}

/* "Access: text" reads "**Access:** text"; a line without a name is bold as a whole, so that
 * nothing of it stands where a list or a heading could begin. */
static void put_header_line(struct sb_buf *b, const char *line) {
    const char *colon = strchr(line, ':');
    char *name = sb_strndup(line, colon ? (size_t)(colon - line) : strlen(line));
    sb_buf_adds(b, "**");
    sb_markdown_escape(b, name);
    sb_buf_adds(b, colon ? ":** " : "**");
    if (colon)
        sb_markdown_escape(b, colon + 1 + strspn(colon + 1, " \t"));
    sb_buf_adds(b, "  \n");
    free(name);
}

static void put_header_lines(struct sb_buf *b, const struct sb_results *r, const char *name) {
    for (size_t i = 0; i < r->bench.header.n; i++) {
        const char *line = r->bench.header.item[i];
        if (name ? is_named(line, name) : !is_placed(line))
            put_header_line(b, line);
    }
}

/* "3-run average after 1 warmup" */
void report_protocol(struct sb_buf *b, const struct sb_results *r) {
    int runs = r->bench.runs, warmup = r->bench.warmup, launches = r->bench.launches;
    if (isfinite(r->bench.until) && r->bench.until > 0)
        sb_buf_adds(b, "runs");
    else if (runs == 1)
        sb_buf_adds(b, "1 run");
    else
        sb_buf_addf(b, "%d-run average", runs);
    if (launches < 0)
        sb_buf_addf(b, " in each of %d to %d launches", SB_LEAST_LAUNCHES, SB_MOST_LAUNCHES);
    else if (launches > 1)
        sb_buf_addf(b, " in each of %d launches", launches);
    if (isfinite(r->bench.until) && r->bench.until > 0)
        sb_buf_addf(b, " until the 95 %% interval is within ±%g %%, at most %d,",
                    100 * r->bench.until, r->bench.max_runs);
    if (warmup < 0)
        sb_buf_adds(b, " after automatic warmup");
    else if (warmup > 0)
        sb_buf_addf(b, " after %d warmup%s", warmup, warmup == 1 ? "" : "s");
    else
        sb_buf_adds(b, " without warmup");
}

static void put_benchmark(struct sb_buf *b, const struct sb_results *r) {
    sb_buf_adds(b, "**Benchmark:** ");
    report_protocol(b, r);
    sb_buf_addf(b, "; %d max %stokens; %d context", r->bench.n_predict,
                r->bench.table ? "" : "generated ", r->bench.ctx);
    if (r->bench.n_depths && r->bench.depths[0] > 0)
        sb_buf_addf(b, "; at depth %d", r->bench.depths[0]);
    if (r->bench.n_slots && r->bench.slots[0] > 1)
        sb_buf_addf(b, "; %d requests at once", r->bench.slots[0]);
    if (r->bench.load_cold)
        sb_buf_adds(b, "; cold loads");
    sb_buf_adds(b, "  \n");
}

/* "; with a picture: gradient.png" */
static void put_pictures(struct sb_buf *b, const struct sb_results *r) {
    struct sb_strv pictures = {0};
    size_t blind = 0;
    for (size_t i = 0; i < r->n_cells; i++) {
        const char *picture = report_picture(&r->cells[i]);
        blind += !picture;
        if (picture && !sb_strv_has(&pictures, picture))
            sb_strv_add(&pictures, picture);
    }
    for (size_t i = 0; i < pictures.n; i++)
        sb_buf_addf(b, "%s%s%s",
                    i        ? ", "
                    : b->len ? "; "
                             : "",
                    i       ? ""
                    : blind ? "for models that see, with a picture: "
                            : "with a picture: ",
                    pictures.item[i]);
    sb_strv_release(&pictures);
}

static void put_prompts(struct sb_buf *b, const struct sb_results *r) {
    struct sb_buf labels = SB_BUF_INIT(SB_TEXT_MAX);
    for (size_t i = 0; i < r->bench.n_prompts; i++) {
        const char *label = r->bench.prompts[i].label;
        if (label && *label)
            sb_buf_addf(&labels, "%s%s", labels.len ? "; " : "", label);
    }
    put_pictures(&labels, r);
    put_head_line(b, "Prompt", sb_buf_str(&labels));
    sb_buf_release(&labels);
}

/* "node-1, image registry.example/stratobench@sha256:…": of a cluster's results. */
static void put_place(struct sb_buf *b, const struct sb_results *r) {
    struct sb_buf place = SB_BUF_INIT(SB_TEXT_MAX);
    struct sb_strv images = {0};
    const char *node = sb_fact_text(r->host, "node");
    for (size_t i = 0; i < r->n_cells; i++)
        for (size_t k = 0; k < r->cells[i].n_launches; k++) {
            const char *image = r->cells[i].launches[k].image;
            if (image && !sb_strv_has(&images, image))
                sb_strv_add(&images, image);
        }
    if (node)
        sb_buf_adds(&place, node);
    for (size_t i = 0; i < images.n; i++)
        sb_buf_addf(&place, "%simage %s", place.len ? ", " : "", images.item[i]);
    put_head_line(b, "Measured on", sb_buf_str(&place));
    sb_buf_release(&place);
    sb_strv_release(&images);
}

void report_head(struct sb_buf *b, const struct sb_results *r) {
    put_date(b, r->started_at);
    put_head_line(b, "Hardware", sb_results_hardware(r));
    put_place(b, r);
    put_header_lines(b, r, "Access");
    put_benchmark(b, r);
    put_header_lines(b, r, "Note");
    put_prompts(b, r);
    put_header_lines(b, r, NULL);
    sb_buf_adds(b, "\n");
}

/* ---- the legend ---------------------------------------------------------------------------- */

char *report_legend(const struct sb_results *r) {
    if (!r->bench.table)
        return sb_strdup("**PP** = prompt processing speed (tok/s)  \n"
                         "**TG** = token generation speed (tok/s)  \n"
                         "**Load** = server startup + model load time  \n\n");
    bool whole = r->bench.ctx % 1024 == 0;
    return sb_asprintf("**PP** = prompt processing speed (tok/s, from llama.cpp timings field)  \n"
                       "**TG** = token generation speed (tok/s)  \n"
                       "**Load** = server start + model load time (%d%s context)  \n\n",
                       whole ? r->bench.ctx / 1024 : r->bench.ctx, whole ? "K" : "-token");
}

/* A document explains itself once: a legend that was printed before is not repeated. */
static void put_legend(struct sb_buf *b, const struct sb_results *r, struct sb_strv *printed) {
    char *legend = report_legend(r);
    if (!sb_strv_has(printed, legend)) {
        sb_buf_adds(b, legend);
        sb_strv_add(printed, legend);
    }
    free(legend);
}

/* ---- sections and tables ------------------------------------------------------------------- */

struct report_group report_group_of(const struct sb_section *s, size_t first, size_t n) {
    struct report_group g = {
        .section = s, .cells = s->set.cells + first, .n_cells = n, .table = s->set.bench.table};
    for (size_t i = 1; i < n; i++)
        if (strcmp(sb_backend_label(&g.cells[0]), sb_backend_label(&g.cells[i])) != 0)
            g.many_backends = true;
    return g;
}

void report_group(struct report_doc *d, struct report_group *g) {
    report_main_table(d, g);
    report_runs(d, g);
    report_depths(d, g);
    report_slots(d, g);
    report_drafts(d, g);
    report_turns(d, g);
    report_vision(d, g);
    report_tune(d, g);
    report_launches(d, g);
    report_answers(d, g);
    report_extras(d, g);
}

size_t report_model_length(const struct sb_results *set, size_t first) {
    size_t n = 1;
    while (first + n < set->n_cells && sb_same_model(&set->cells[first], &set->cells[first + n]))
        n++;
    return n;
}

static void put_heading(struct sb_buf *b, int level, const char *title) {
    sb_buf_addf(b, "%.*s ", level, "######");
    sb_markdown_escape(b, title);
    sb_buf_adds(b, "\n");
}

static void put_models(struct report_doc *d, const struct sb_section *s, int level) {
    const struct sb_results *set = &s->set;
    for (size_t i = 0, n; i < set->n_cells; i += n) {
        n = report_model_length(set, i);
        put_heading(d->text, level, sb_model_label(&set->cells[i]));
        report_model_facts(d->text, set, &set->cells[i]);
        sb_buf_adds(d->text, "\n");
        struct report_group g = report_group_of(s, i, n);
        report_group(d, &g);
        sb_buf_adds(d->text, "---\n\n");
    }
}

static void put_section_head(struct sb_buf *b, const struct sb_section *s, int level,
                             struct sb_strv *legends) {
    put_heading(b, level, s->set.bench.title ? s->set.bench.title : "");
    sb_buf_adds(b, "\n");
    report_head(b, &s->set);
    put_legend(b, &s->set, legends);
    for (size_t i = 0; i < s->warnings.n; i++)
        sb_buf_addf(b, "%s  \n%s", s->warnings.item[i], i + 1 == s->warnings.n ? "\n" : "");
}

static void put_section_body(struct report_doc *d, const struct sb_section *s, int level) {
    if (s->set.bench.table) {
        struct report_group g = report_group_of(s, 0, s->set.n_cells);
        report_group(d, &g);
        sb_buf_adds(d->text, "\n---\n\n");
    } else {
        put_models(d, s, level);
    }
    size_t end = d->text->len;
    report_environment(d, s);
    if (d->text->len != end)
        sb_buf_adds(d->text, "---\n\n");
}

/* The document ends with one line end. */
static void trim_end(struct sb_buf *b) {
    while (b->len > 1 && b->data[b->len - 1] == '\n' && b->data[b->len - 2] == '\n')
        b->data[--b->len] = '\0';
}

static void put_charts(struct sb_buf *b, const struct sb_results *const *sets, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (!sets[i]->chart)
            continue;
        sb_buf_adds(b, "\n![PP, TG and load by model and backend, with standard deviations](");
        sb_markdown_escape(b, sets[i]->chart);
        sb_buf_adds(b, ")\n");
    }
}

/* Which backend to take, over the sets that want it there. */
static void put_summary(struct sb_buf *b, const struct sb_results *const *sets, size_t n,
                        bool top) {
    const struct sb_results **asking = sb_alloc(n, sizeof *asking);
    size_t n_asking = 0;
    for (size_t i = 0; i < n; i++)
        if (sets[i]->bench.summary && (sets[i]->bench.summary == SB_SUMMARY_TOP) == top)
            asking[n_asking++] = sets[i];
    struct sb_buf section = SB_BUF_INIT(b->limit);
    struct sb_workload workload = SB_WORKLOAD_DEFAULT;
    if (n_asking > 0 && sb_rank_markdown(asking, n_asking, &workload, &section) == 0 &&
        section.len) {
        sb_buf_adds(b, top ? "" : "\n");
        sb_buf_adds(b, sb_buf_str(&section));
        sb_buf_adds(b, top ? "\n---\n\n" : "");
    }
    sb_buf_release(&section);
    free(asking);
}

int sb_report_markdown(const struct sb_results *const *sets, size_t n, struct sb_buf *ret) {
    struct report_doc d = {.text = ret};
    struct sb_sections all = sb_results_merge(sets, n);
    struct sb_strv legends = {0};
    for (size_t i = 0; i < all.n; i++) {
        put_section_head(ret, &all.item[i], i == 0 ? 1 : 2, &legends);
        if (i == 0)
            put_summary(ret, sets, n, true);
        put_section_body(&d, &all.item[i], i == 0 ? 2 : 3);
    }
    trim_end(ret);
    put_summary(ret, sets, n, false);
    put_charts(ret, sets, n);
    sb_strv_release(&legends);
    sb_sections_release(&all);
    report_doc_release(&d);
    return ret->overflow ? -EFBIG : 0;
}
