/* stratobench compare: the regression gate. */
#include <stdio.h>

#include "cli.h"
#include "cli_sets.h"
#include "cmd.h"
#include "stratobench/verdict.h"

static const char help[] =
    "usage: stratobench compare [options] BASE.json NEW.json...\n"
    "       stratobench compare [options] R.json... --backends OLD NEW\n"
    "\n"
    "Says whether NEW has lost speed against BASE, cell by cell: the ratio of speeds, its 95 %\n"
    "interval, a verdict, and the gate. PP and TG are gated at every prompt and depth; the\n"
    "load is shown.\n"
    "\n"
    "      --backends OLD NEW   compare two backends of R.json, such as an old and a new build,\n"
    "                           launch by launch in the order they were made: what the machine\n"
    "                           did to both of a pair cancels. --max-drop is 2.5% then\n"
    "      --bisect             with --backends, exit as `git bisect run` wants it: 0 good,\n"
    "                           1 bad, 125 cannot tell. Set --max-drop to half of the loss that\n"
    "                           is hunted; the manual page has a recipe\n"
    "  -b, --base FILE          one more file of BASE; with it every file after the options\n"
    "                           belongs to NEW. Several files a side make one set, in which\n"
    "                           the newer result of a cell stands\n"
    "  -d, --max-drop SHARE     drop that is tolerated in any case (default 5%)\n"
    "  -s, --assumed-spread SHARE\n"
    "                           spread between launches where a side has one launch\n"
    "                           (default 2%; more where its runs leave the mean less\n"
    "                           certain)\n"
    "  -m, --margin SHARE       two speeds within it are a tie (default 3%)\n"
    "      --force              compare cells that were made under different conditions\n"
    "      --allow-missing      cells of BASE that NEW lacks do not matter\n"
    "  -f, --format FORMAT      text (default), markdown or json\n"
    "      --ci                 a GitHub annotation line (::error ...) for each regression: on\n"
    "                           standard output with text, else on standard error\n"
    "  -h, --help               show this help\n"
    "\n"
    "A regression is a drop beyond both --max-drop and what noise can do (3 x sqrt(2) x the\n"
    "spread between launches), or a cell that was ok and now is not. A drop between the two is\n"
    "inconclusive where its whole 95 % interval is a loss: measure more launches. Any other is\n"
    "no regression, whatever its verdict; how much the noise can hide is said. Cells whose\n"
    "fingerprints differ (model bytes, arguments, prompt, n_predict, ctx, device) are not\n"
    "comparable, and what differs is named.\n"
    "\n"
    "Exit codes: 0 no regression; 1 a regression, whatever else; 3 none, but a drop is\n"
    "inconclusive, a cell is missing, pending or not comparable, or nothing was compared;\n"
    "2 bad usage, or a file that cannot be read (125 with --bisect).\n";

enum format { FORMAT_TEXT, FORMAT_MARKDOWN, FORMAT_JSON, N_FORMATS };
static const char *const format_names[N_FORMATS] = {"text", "markdown", "json"};
static void (*const writers[N_FORMATS])(const struct sb_comparison *c, struct sb_buf *ret) = {
    sb_comparison_text, sb_comparison_markdown, sb_comparison_json};

struct request {
    struct sb_compare_options options;
    struct sb_strv base;
    const char *old, *new; /* --backends */
    int format;
    bool ci, bisect, max_drop_given;
};

static int print(const struct request *r, const struct sb_comparison *c) {
    struct sb_buf out = SB_BUF_INIT(SB_RESULTS_MAX_BYTES);
    struct sb_buf annotations = SB_BUF_INIT(SB_RESULTS_MAX_BYTES);
    writers[r->format](c, &out);
    if (r->ci)
        sb_comparison_annotations(c, &annotations);
    if (r->format == FORMAT_TEXT)
        sb_buf_add(&out, sb_buf_str(&annotations), annotations.len);
    else
        fputs(sb_buf_str(&annotations), stderr);
    int rc = sb_cli_print("compare", &out);
    sb_buf_release(&out);
    sb_buf_release(&annotations);
    return rc;
}

static int bisect_says(const struct sb_comparison *c) {
    int rc = sb_comparison_bisect(c);
    fprintf(stderr, "bisect: %s\n", rc == 0 ? "good" : rc == 1 ? "bad" : "cannot tell");
    return rc;
}

static int compare_backends(const struct request *r, char *const *files, size_t n) {
    struct sb_cli_sets sets;
    int rc = sb_cli_load_sets("compare", files, n, &sets);
    if (rc)
        return rc;
    struct sb_comparison c;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    if (sb_comparison_make_paired(sets.pointers, sets.n, r->old, r->new, &r->options, &c, &error) <
        0) {
        fprintf(stderr, "stratobench compare: %s\n", sb_buf_str(&error));
        rc = SB_EXIT_USAGE;
    } else {
        rc = print(r, &c);
        if (rc == SB_EXIT_OK)
            rc = r->bisect ? bisect_says(&c) : c.exit_code;
        sb_comparison_release(&c);
    }
    sb_buf_release(&error);
    sb_cli_sets_release(&sets);
    return rc;
}

static int compare(const struct request *r, char *const *next, size_t n_next) {
    struct sb_cli_sets base, new;
    int rc = sb_cli_load_sets("compare", r->base.item, r->base.n, &base);
    if (rc)
        return rc;
    rc = sb_cli_load_sets("compare", next, n_next, &new);
    if (rc == 0) {
        struct sb_comparison c;
        sb_comparison_make(base.pointers, base.n, new.pointers, new.n, &r->options, &c);
        rc = print(r, &c);
        if (rc == SB_EXIT_OK)
            rc = c.exit_code;
        sb_comparison_release(&c);
        sb_cli_sets_release(&new);
    }
    sb_cli_sets_release(&base);
    return rc;
}

/* 0, or an exit code; -1 = the help was asked for. */
static int parse(int argc, char **argv, struct request *r) {
    enum { OPT_FORCE = 1000, OPT_ALLOW_MISSING, OPT_CI, OPT_BACKENDS, OPT_BISECT };
    static const struct option options[] = {
        {"base", required_argument, NULL, 'b'},
        {"max-drop", required_argument, NULL, 'd'},
        {"assumed-spread", required_argument, NULL, 's'},
        {"margin", required_argument, NULL, 'm'},
        {"backends", required_argument, NULL, OPT_BACKENDS},
        {"bisect", no_argument, NULL, OPT_BISECT},
        {"force", no_argument, NULL, OPT_FORCE},
        {"allow-missing", no_argument, NULL, OPT_ALLOW_MISSING},
        {"format", required_argument, NULL, 'f'},
        {"ci", no_argument, NULL, OPT_CI},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":b:d:s:m:f:h", options, NULL)) != -1;) {
        double *share = c == 'd'   ? &r->options.max_drop
                        : c == 's' ? &r->options.assumed_spread
                        : c == 'm' ? &r->options.margin
                                   : NULL;
        if (share && !sb_cli_share(optarg, share))
            return sb_cli_usage_error("compare", "'%s' is no share; write 5%% or 0.05", optarg);
        switch (c) {
        case 'b': sb_strv_add(&r->base, optarg); break;
        case 'f':
            r->format = sb_cli_choice(optarg, format_names, N_FORMATS);
            if (r->format < 0)
                return sb_cli_unknown("compare", "format", optarg, format_names, N_FORMATS);
            break;
        case 'd': r->max_drop_given = true; break;
        case OPT_BACKENDS:
            if (optind >= argc)
                return sb_cli_usage_error("compare", "--backends needs two: OLD and NEW");
            r->old = optarg;
            r->new = argv[optind++];
            break;
        case OPT_BISECT: r->bisect = true; break;
        case OPT_FORCE: r->options.force = true; break;
        case OPT_ALLOW_MISSING: r->options.allow_missing = true; break;
        case OPT_CI: r->ci = true; break;
        case 'h': return -1;
        case '?':
        case ':': return sb_cli_bad_option(c, argv, options);
        }
    }
    return 0;
}

/* 0, or an exit code: do the words make one request? */
static int check_request(struct request *r, size_t n_files) {
    if (!r->old && r->bisect)
        return sb_cli_usage_error("compare", "--bisect needs --backends OLD NEW");
    if (r->old && r->base.n)
        return sb_cli_usage_error("compare", "--base and --backends exclude each other");
    if (r->old && n_files == 0)
        return sb_cli_usage_error("compare", "no results file given");
    if (!r->old && (n_files == 0 || n_files + r->base.n < 2))
        return sb_cli_usage_error("compare", "two results files are needed, BASE and NEW");
    if (r->old && !r->max_drop_given)
        r->options.max_drop = SB_GATE_LEAST_DROP_PAIRED;
    return 0;
}

static int run(struct request *r, int argc, char **argv) {
    size_t n = (size_t)(argc - optind);
    int rc = check_request(r, n);
    if (rc)
        return rc;
    if (r->old)
        return compare_backends(r, argv + optind, n);
    if (r->base.n == 0) {
        sb_strv_add(&r->base, argv[optind++]);
        n--;
    }
    return compare(r, argv + optind, n);
}

int sb_cmd_compare(int argc, char **argv) {
    enum { CANNOT_TELL = 125 }; /* of sb_comparison_bisect */
    struct request r = {.options = SB_COMPARE_DEFAULT};
    int rc = parse(argc, argv, &r);
    if (rc < 0)
        fputs(help, stdout);
    else if (rc == 0)
        rc = run(&r, argc, argv);
    sb_strv_release(&r.base);
    if (r.bisect && rc == SB_EXIT_USAGE)
        return CANNOT_TELL; /* git would take a 2 for "bad" */
    return rc < 0 ? SB_EXIT_OK : rc;
}
