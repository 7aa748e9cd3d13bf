/* Where a section was measured: the host object and the backends' own words, a table of what and
 * value. */
#include <stdlib.h>
#include <string.h>

#include "parts.h"

/* Host objects nest a few levels; a hand-edited file must not take the stack. */
enum { MAX_DEPTH = 4 };

static bool ends_with(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* "memory_bytes" reads "memory" before a figure in GiB. */
static void put_name(struct sb_buf *b, const char *key) {
    char *name = sb_strdup(key);
    if (ends_with(name, "_bytes"))
        name[strlen(name) - strlen("_bytes")] = '\0';
    for (char *s = name; *s; s++)
        if (*s == '_')
            *s = ' ';
    sb_markdown_escape(b, name);
    free(name);
}

static bool is_empty(const struct sb_fact *value) {
    return value->kind == SB_FACT_NOTHING ||
           (!value->child && (value->kind == SB_FACT_LIST || value->kind == SB_FACT_GROUP));
}

static void put_value(struct sb_buf *b, const struct sb_fact *value, int depth);

static void put_members(struct sb_buf *b, const struct sb_fact *parent, int depth) {
    bool first = true;
    for (const struct sb_fact *v = parent->child; v; v = v->next) {
        if (is_empty(v))
            continue;
        sb_buf_adds(b, first ? "" : parent->kind == SB_FACT_LIST ? "; " : ", ");
        first = false;
        if (v->name) {
            put_name(b, v->name);
            sb_buf_adds(b, " ");
        }
        put_value(b, v, depth + 1);
    }
}

static void put_value(struct sb_buf *b, const struct sb_fact *value, int depth) {
    if (value->kind == SB_FACT_TEXT)
        sb_markdown_escape(b, value->text);
    else if (value->kind == SB_FACT_SWITCH)
        sb_buf_adds(b, value->number != 0 ? "yes" : "no");
    else if (value->kind == SB_FACT_NUMBER && value->name && ends_with(value->name, "_bytes"))
        report_figure(b, value->number / (1 << 30), 1, " GiB");
    else if (value->kind == SB_FACT_NUMBER)
        sb_buf_addf(b, "%.10g", value->number);
    else if (depth < MAX_DEPTH)
        put_members(b, value, depth);
}

static void put_environment_variables(struct sb_buf *b, const struct sb_fact *environment) {
    for (const struct sb_fact *v = environment->child; v; v = v->next) {
        sb_buf_adds(b, v == environment->child ? "" : " ");
        sb_markdown_escape(b, v->name);
        sb_buf_adds(b, "=");
        put_value(b, v, MAX_DEPTH);
    }
}

/* What a group or list holds is told apart, a row each. */
static void put_rows(struct sb_buf *b, const struct sb_fact *v) {
    bool environment = strcmp(v->name, "environment") == 0;
    bool apart = v->kind == SB_FACT_LIST || (v->kind == SB_FACT_GROUP && !environment);
    const struct sb_fact *first = apart ? v->child : v;
    for (const struct sb_fact *row = first; row; row = apart ? row->next : NULL) {
        if (is_empty(row))
            continue;
        sb_buf_adds(b, "| ");
        put_name(b, v->name);
        if (v->kind == SB_FACT_GROUP && apart) {
            sb_buf_adds(b, ": ");
            put_name(b, row->name);
        }
        sb_buf_adds(b, " | ");
        if (environment && v->kind == SB_FACT_GROUP)
            put_environment_variables(b, v);
        else
            put_value(b, row, apart ? 1 : 0);
        sb_buf_adds(b, " |\n");
    }
}

static void put_host(struct sb_buf *b, const struct sb_fact *host) {
    for (const struct sb_fact *v = host ? host->child : NULL; v; v = v->next)
        if (v->name && strcmp(v->name, "hardware") != 0 && !is_empty(v))
            put_rows(b, v); /* the section's head names the hardware */
}

/* "| Vulkan | llama-server b6000, device Vulkan0 (Radeon 8060S, RADV) |" */
static char *describe_backend(const struct sb_cell *c) {
    struct sb_buf b = SB_BUF_INIT(SB_TEXT_MAX);
    const char *device = c->backend.device, *name = c->backend.device_name;
    if (!c->backend.server_version && !name && !c->backend.image && !c->backend.url)
        return NULL;
    sb_buf_adds(&b, "| ");
    sb_markdown_escape(&b, sb_backend_label(c));
    sb_buf_adds(&b, " |");
    if (c->backend.server_version) {
        sb_buf_adds(&b, " llama-server ");
        sb_markdown_escape(&b, c->backend.server_version);
    }
    if (c->backend.url) {
        sb_buf_adds(&b, " at ");
        sb_markdown_escape(&b, c->backend.url);
    }
    if (c->backend.served && c->backend.served->child) {
        sb_buf_adds(&b, ", which says: ");
        put_members(&b, c->backend.served, 0);
    }
    if (device || name) {
        sb_buf_adds(&b, c->backend.server_version ? ", device " : " device ");
        sb_markdown_escape(&b, device ? device : name);
    }
    if (device && name) {
        sb_buf_adds(&b, " (");
        sb_markdown_escape(&b, name);
        sb_buf_adds(&b, ")");
    }
    if (c->backend.image) {
        sb_buf_adds(&b, c->backend.server_version || name ? ", image " : " image ");
        sb_markdown_escape(&b, c->backend.image);
    }
    sb_buf_adds(&b, " |\n");
    return sb_buf_detach(&b);
}

static void put_backends(struct sb_buf *b, const struct sb_results *set) {
    struct sb_strv said = {0};
    for (size_t i = 0; i < set->n_cells; i++) {
        char *line = describe_backend(&set->cells[i]);
        if (line && !sb_strv_has(&said, line)) {
            sb_buf_adds(b, line);
            sb_strv_add(&said, line);
        }
        free(line);
    }
    sb_strv_release(&said);
}

/* One machine is named once. Where it is not known whether it was one, all that is said is. */
static void put_hosts(struct sb_buf *b, const struct sb_section *s) {
    if (*s->host_id) {
        put_host(b, s->set.host);
        return;
    }
    struct sb_strv said = {0};
    for (size_t i = 0; i < s->n_parts; i++) {
        struct sb_buf host = SB_BUF_INIT(SB_TEXT_MAX);
        put_host(&host, s->parts[i]->host);
        if (!sb_strv_has(&said, sb_buf_str(&host))) {
            sb_buf_adds(b, sb_buf_str(&host));
            sb_strv_add(&said, sb_buf_str(&host));
        }
        sb_buf_release(&host);
    }
    sb_strv_release(&said);
}

void report_environment(struct report_doc *d, const struct sb_section *s) {
    struct sb_buf rows = SB_BUF_INIT(SB_TEXT_MAX);
    put_backends(&rows, &s->set);
    put_hosts(&rows, s);
    if (s->set.generator && rows.len) {
        sb_buf_adds(&rows, "| measured by | ");
        sb_markdown_escape(&rows, s->set.generator);
        sb_buf_adds(&rows, " |\n");
    }
    if (rows.len) {
        report_doc_begin_details(d, "Environment");
        sb_buf_adds(d->text, "| What | Value |\n|---|---|\n");
        sb_buf_adds(d->text, sb_buf_str(&rows));
        report_doc_end_details(d);
    }
    sb_buf_release(&rows);
}
