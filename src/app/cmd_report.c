/* stratobench report: stored results -> a document. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "cli_sets.h"
#include "cmd.h"
#include "stratobench/base.h"
#include "stratobench/report.h"
#include "stratobench/sys.h"

enum { DOCUMENT_MAX_BYTES = 256 << 20 };
static const double diff_timeout_s = 60;

static const char help[] =
    "usage: stratobench report [options] RESULTS.json...\n"
    "\n"
    "Renders stored results as one document. Files with the same title make one section, in\n"
    "which the newer result of a cell stands.\n"
    "\n"
    "  -f, --format FORMAT  markdown (default), or html: one page that needs nothing else\n"
    "  -o, --output FILE    write to FILE instead of standard output\n"
    "  -c, --check FILE     write nothing; exit 1 and show a diff if FILE is not what the\n"
    "                       results render to\n"
    "  -h, --help           show this help\n"
    "\n"
    "Exit codes: 0 done; 1 --check found a difference; 2 bad usage, or a file that cannot be\n"
    "read or written.\n";

typedef int renderer(const struct sb_results *const *sets, size_t n, struct sb_buf *ret);
static const char *const formats[] = {"markdown", "html"};
static renderer *const renderers[] = {sb_report_markdown, sb_html_page};
enum { N_FORMATS = sizeof formats / sizeof *formats };

struct report_options {
    int format;
    const char *output; /* NULL: standard output */
    const char *check;  /* NULL: write */
};

static int fail(const char *message) {
    fprintf(stderr, "stratobench report: %s\n", message);
    return SB_EXIT_USAGE;
}

static int write_document(const char *path, const struct sb_buf *document) {
    if (!path)
        return sb_cli_print("report", document);
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    int rc = SB_EXIT_OK;
    if (sb_file_replace(path, sb_buf_str(document), document->len, &error) < 0)
        rc = fail(sb_buf_str(&error));
    sb_buf_release(&error);
    return rc;
}

/* The two differ: shows how, as far as the diff program can be had. */
static void show_difference(const char *path, const struct sb_buf *document) {
    const char *const argv[] = {"diff",      "-u", "--label", path, "--label",
                                "(results)", "--", path,      "-",  NULL};
    struct sb_buf out = SB_BUF_INIT(DOCUMENT_MAX_BYTES), err = SB_BUF_INIT(SB_ERR_MAX),
                  error = SB_BUF_INIT(SB_ERR_MAX);
    struct sb_exit end;
    if (sb_proc_capture(argv, NULL, document, diff_timeout_s, -1, &out, &err, &end, &error) == 0)
        fputs(sb_buf_str(out.len ? &out : &err), stdout);
    else
        fprintf(stderr, "stratobench report: no diff to show: %s\n", sb_buf_str(&error));
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
        fprintf(stderr, "stratobench report: %s is not what the results render to\n", path);
        rc = SB_EXIT_NOT_OK;
    }
    sb_buf_release(&found);
    sb_buf_release(&error);
    return rc;
}

static int report(const struct report_options *o, char *const *paths, size_t n) {
    struct sb_cli_sets sets;
    int rc = sb_cli_load_sets("report", paths, n, &sets);
    if (rc)
        return rc;
    struct sb_buf document = SB_BUF_INIT(DOCUMENT_MAX_BYTES);
    if (renderers[o->format](sets.pointers, sets.n, &document) < 0)
        rc = fail("the document is too large");
    else if (o->check)
        rc = check_document(o->check, &document);
    else
        rc = write_document(o->output, &document);
    sb_buf_release(&document);
    sb_cli_sets_release(&sets);
    return rc;
}

int sb_cmd_report(int argc, char **argv) {
    static const struct option options[] = {
        {"format", required_argument, NULL, 'f'},
        {"output", required_argument, NULL, 'o'},
        {"check", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct report_options o = {0};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":f:o:c:h", options, NULL)) != -1;) {
        switch (c) {
        case 'f':
            o.format = sb_cli_choice(optarg, formats, N_FORMATS);
            if (o.format < 0)
                return sb_cli_unknown("report", "format", optarg, formats, N_FORMATS);
            break;
        case 'o': o.output = optarg; break;
        case 'c': o.check = optarg; break;
        case 'h': fputs(help, stdout); return SB_EXIT_OK;
        default: return sb_cli_bad_option(c, argv, options);
        }
    }
    if (optind == argc)
        return sb_cli_usage_error("report", "no results file given");
    if (o.check && o.output)
        return sb_cli_usage_error("report", "--check writes nothing, so --output has no use");
    return report(&o, argv + optind, (size_t)(argc - optind));
}
