/* stratobench report: stored results -> a document. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "cli_sets.h"
#include "cmd.h"
#include "stratobench/base.h"
#include "stratobench/report.h"
#include "stratobench/sys.h"

enum { DOCUMENT_MAX_BYTES = 256 << 20 };
static const double diff_timeout_s = 60;

typedef int renderer(const struct sb_results *const *sets, size_t n, struct sb_buf *ret);
/* `auto` is the first, as what is not said: by the file's name, and Markdown where that tells
 * nothing. */
static const char *const formats[] = {"auto",  "markdown",    "html", "csv",
                                      "jsonl", "llama-bench", NULL};
enum { FORMAT_AUTO, FORMAT_MARKDOWN, FORMAT_HTML, FORMAT_CSV, FORMAT_JSONL };
static renderer *const renderers[] = {NULL,          sb_report_markdown, sb_html_page,
                                      sb_report_csv, sb_report_jsonl,    sb_report_llama_bench};
static const struct {
    const char *end;
    int format;
} endings[] = {
    {".html", FORMAT_HTML}, {".htm", FORMAT_HTML}, {".csv", FORMAT_CSV}, {".jsonl", FORMAT_JSONL}};

struct report_options {
    int format;
    const char *output; /* NULL: standard output */
    const char *check;  /* NULL: write */
};

static int fail(const char *message) {
    return sb_cli_fail("report", message);
}

static void print_printable(const struct sb_buf *text) {
    struct sb_buf clean = SB_BUF_INIT(DOCUMENT_MAX_BYTES);
    sb_buf_add_printable(&clean, sb_buf_str(text), text->len);
    fputs(sb_buf_str(&clean), stdout);
    sb_buf_release(&clean);
}

/* The two differ: shows how, as far as the diff program can be had. */
static void show_difference(const char *path, const struct sb_buf *document) {
    const char *const argv[] = {"diff",      "-u", "--label", path, "--label",
                                "(results)", "--", path,      "-",  NULL};
    struct sb_buf out = SB_BUF_INIT(DOCUMENT_MAX_BYTES), err = SB_BUF_INIT(SB_ERR_MAX),
                  error = SB_BUF_INIT(SB_ERR_MAX);
    struct sb_exit end;
    struct sb_proc_spec diff = {.argv = argv};
    if (sb_proc_capture(&diff, document, diff_timeout_s, -1, &out, &err, &end, &error) == 0)
        print_printable(out.len ? &out : &err);
    else
        fail(sb_buf_str(&error));
    sb_buf_release(&out);
    sb_buf_release(&err);
    sb_buf_release(&error);
}

static int check_document(const char *path, const struct sb_buf *document) {
    struct sb_buf found = SB_BUF_INIT(DOCUMENT_MAX_BYTES), error = SB_BUF_INIT(SB_ERR_MAX);
    int rc = SB_EXIT_OK;
    if (sb_file_read(path, &found, &error) < 0) {
        rc = fail(sb_buf_str(&error));
    } else if (found.len != document->len ||
               memcmp(sb_buf_str(&found), sb_buf_str(document), found.len) != 0) {
        show_difference(path, document);
        fflush(stdout);
        char *message = sb_asprintf("%s is not what the results render to", path);
        fail(message);
        free(message);
        rc = SB_EXIT_NOT_OK;
    }
    sb_buf_release(&found);
    sb_buf_release(&error);
    return rc;
}

static int format_of(const struct report_options *o) {
    const char *path = o->check ? o->check : o->output, *end = path ? strrchr(path, '.') : NULL;
    for (size_t i = 0; o->format == FORMAT_AUTO && end && i < sizeof endings / sizeof *endings; i++)
        if (sb_same(end, endings[i].end))
            return endings[i].format;
    return o->format == FORMAT_AUTO ? FORMAT_MARKDOWN : o->format;
}

static int render(const struct report_options *o, const struct sb_cli_sets *sets) {
    struct sb_buf document = SB_BUF_INIT(DOCUMENT_MAX_BYTES);
    int rc;
    if (renderers[format_of(o)](sets->pointers, sets->n, &document) < 0)
        rc = fail("the document is too large");
    else if (o->check)
        rc = check_document(o->check, &document);
    else
        rc = sb_cli_write("report", o->output, &document);
    sb_buf_release(&document);
    return rc;
}

static int report(const void *options, const struct sb_operands *files) {
    const struct report_options *o = options;
    struct sb_cli_sets sets;
    if (o->check && o->output)
        return sb_cli_usage_error("report", "--check writes nothing, so --output has no use");
    int rc = sb_cli_load_sets("report", files->item, files->n, &sets);
    if (rc)
        return rc;
    rc = render(o, &sets);
    sb_cli_sets_release(&sets);
    return rc;
}

static const struct sb_option table[] = {
    {"format", 'f', SB_OPTION_CHOICE, offsetof(struct report_options, format), "FORMAT",
     .help = "markdown; html: one page that needs nothing else; csv, jsonl: a row a run; "
             "llama-bench: its "
             "Markdown table; auto (default): by the name of the file, else markdown",
     .choices = formats},
    {"output", 'o', SB_OPTION_TEXT, offsetof(struct report_options, output), "FILE",
     .help = "write to FILE; - or nothing: standard output", .files = "*"},
    {"check", 'c', SB_OPTION_TEXT, offsetof(struct report_options, check), "FILE",
     .help = "write nothing; exit 1 and show a diff if FILE is not what the results render to",
     .files = "*"},
    {0},
};

const struct sb_command sb_cmd_report = {
    .name = "report",
    .usage = "[options] RESULTS.json...",
    .summary = "render stored results: Markdown, HTML, CSV and more",
    .about = "Renders stored results as one document. Files with the same title make one section, "
             "in which the newer result of a cell stands. A file may be a log with results in it "
             "(run --log-results); - is standard input.",
    .notes = "Exit codes: 0 done; 1 --check found a difference; 2 bad usage, or a file that cannot "
             "be read or written.",
    .options = table,
    .options_size = sizeof(struct report_options),
    .operand = "results file",
    .files = "*.json",
    .run = report,
};
