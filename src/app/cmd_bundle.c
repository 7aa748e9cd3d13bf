/* stratobench bundle: one archive with all that a run left, to hand to someone else. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "anonymous.h"
#include "cli.h"
#include "cmd.h"
#include "stratobench/base.h"
#include "stratobench/plot.h"
#include "stratobench/report.h"
#include "stratobench/sys.h"

enum { FILE_MAX_BYTES = 256 << 20, ARCHIVE_MAX_BYTES = 1 << 30 };
static const double tar_timeout_s = 600;

struct bundle_options {
    const char *output; /* NULL: the results' name with .tar.gz */
};

struct bundle {
    struct anonymous names; /* what must not be in it */
    char *folder;           /* where it is gathered; all of it goes */
    char *inside;           /* folder/NAME */
    struct sb_buf error;
};

static char *without_suffix(const char *path, const char *suffix) {
    size_t n = strlen(path), m = strlen(suffix);
    bool has = n > m && strcmp(path + n - m, suffix) == 0;
    return sb_strndup(path, has ? n - m : n);
}

/* Calls `entry` for every name in a folder until it returns other than 0; that, or 0. */
static int each_name(struct bundle *b, const char *folder,
                     int (*entry)(struct bundle *b, const char *folder, const char *name)) {
    DIR *dir = opendir(folder);
    int rc = 0;
    for (const struct dirent *e; dir && rc == 0 && (e = readdir(dir));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            rc = entry(b, folder, e->d_name);
    if (dir)
        closedir(dir);
    return rc;
}

/* What this command made: folders with files in them. */
static int remove_entry(struct bundle *b, const char *folder, const char *name) {
    char *path = sb_asprintf("%s/%s", folder, name);
    if (unlink(path) < 0) {
        each_name(b, path, remove_entry);
        rmdir(path);
    }
    free(path);
    return 0;
}

static void release(struct bundle *b) {
    if (b->folder) {
        each_name(b, b->folder, remove_entry);
        rmdir(b->folder);
    }
    anonymous_release(&b->names);
    free(b->folder);
    free(b->inside);
    sb_buf_release(&b->error);
}

static int begin(struct bundle *b, const char *name) {
    const char *tmp = getenv("TMPDIR");
    b->folder = sb_asprintf("%s/stratobench-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(b->folder)) {
        sb_buf_addf(&b->error, "%s: %s", b->folder, strerror(errno));
        free(b->folder);
        b->folder = NULL;
        return -1;
    }
    b->inside = sb_asprintf("%s/%s", b->folder, name);
    return mkdir(b->inside, 0755);
}

static int put_file(struct bundle *b, const char *name, const struct sb_buf *content) {
    char *path = sb_asprintf("%s/%s", b->inside, name);
    int rc = sb_file_replace(path, sb_buf_str(content), content->len, &b->error);
    free(path);
    return rc;
}

/* A copy of a text without what tells whose machine it was. Absent: 1. */
static int read_anonymous(struct bundle *b, const char *path, struct sb_buf *ret) {
    struct sb_buf raw = SB_BUF_INIT(FILE_MAX_BYTES), error = SB_BUF_INIT(SB_ERR_MAX);
    int rc = sb_file_read(path, &raw, &error);
    if (rc == 0)
        anonymous_add(ret, &b->names, sb_buf_str(&raw), raw.len);
    else if (rc != -ENOENT)
        sb_buf_adds(&b->error, sb_buf_str(&error));
    sb_buf_release(&raw);
    sb_buf_release(&error);
    return rc == -ENOENT ? 1 : rc;
}

/* ---- what is in it -------------------------------------------------------------------------- */

static int copy_log(struct bundle *b, const char *folder, const char *name) {
    struct sb_buf text = SB_BUF_INIT(FILE_MAX_BYTES);
    struct stat st;
    char *path = sb_asprintf("%s/%s", folder, name), *copy = sb_asprintf("logs/%s", name);
    int rc = 0;
    if (lstat(path, &st) == 0 && S_ISREG(st.st_mode)) {
        rc = read_anonymous(b, path, &text);
        rc = rc ? rc : put_file(b, copy, &text);
    }
    free(path);
    free(copy);
    sb_buf_release(&text);
    return rc < 0 ? rc : 0;
}

static int put_logs(struct bundle *b, const char *stem) {
    char *logs = sb_asprintf("%s.logs", stem), *target = sb_asprintf("%s/logs", b->inside);
    int rc = 0;
    if (access(logs, F_OK) == 0)
        rc = mkdir(target, 0755) < 0 ? -1 : each_name(b, logs, copy_log);
    free(logs);
    free(target);
    return rc;
}

typedef int renderer(const struct sb_results *const *sets, size_t n, struct sb_buf *ret);

static int put_rendered(struct bundle *b, const struct sb_results *r, const char *name,
                        renderer *render) {
    struct sb_buf text = SB_BUF_INIT(FILE_MAX_BYTES);
    int rc = render(&r, 1, &text) < 0 ? -1 : put_file(b, name, &text);
    sb_buf_release(&text);
    return rc;
}

/* Without gnuplot there is no chart, and nothing amiss. */
static int put_chart(struct bundle *b, const struct sb_results *r) {
    struct sb_buf svg = SB_BUF_INIT(FILE_MAX_BYTES), error = SB_BUF_INIT(SB_ERR_MAX);
    int rc = sb_plot_svg(&r, 1, &svg, &error) == 0 ? put_file(b, "results.svg", &svg) : 0;
    sb_buf_release(&svg);
    sb_buf_release(&error);
    return rc;
}

static int put_all(struct bundle *b, const char *path, const char *stem) {
    struct sb_buf text = SB_BUF_INIT(FILE_MAX_BYTES);
    struct sb_results r;
    int rc = read_anonymous(b, path, &text);
    if (rc == 1)
        sb_buf_addf(&b->error, "%s: %s", path, strerror(ENOENT));
    if (rc == 0)
        rc = sb_results_parse(path, sb_buf_str(&text), text.len, &r, &b->error);
    if (rc == 0) {
        free(r.chart);
        r.chart = sb_strdup("results.svg");
        rc = put_file(b, "results.json", &text);
        rc = rc ? rc : put_rendered(b, &r, "results.md", sb_report_markdown);
        rc = rc ? rc : put_rendered(b, &r, "results.html", sb_html_page);
        rc = rc ? rc : put_rendered(b, &r, "results.csv", sb_report_csv);
        rc = rc ? rc : put_chart(b, &r);
        rc = rc ? rc : put_logs(b, stem);
        sb_results_release(&r);
    }
    sb_buf_release(&text);
    return rc;
}

/* ---- the archive ---------------------------------------------------------------------------- */

/* The same files give the same bytes, and no owner is named. */
static int pack(struct bundle *b, const char *name, const char *output) {
    size_t n = strlen(output);
    bool zstd = n > 4 && strcmp(output + n - 4, ".zst") == 0;
    const char *const argv[] = {"tar",
                                "-C",
                                b->folder,
                                "--sort=name",
                                "--mtime=@0",
                                "--owner=0",
                                "--group=0",
                                "--numeric-owner",
                                "--mode=u=rwX,go=rX",
                                "--no-xattrs",
                                zstd ? "--zstd" : "--gzip",
                                "-cf",
                                "-",
                                name,
                                NULL};
    struct sb_buf archive = SB_BUF_INIT(ARCHIVE_MAX_BYTES), err = SB_BUF_INIT(SB_ERR_MAX);
    struct sb_exit end = {0};
    struct sb_proc_spec tar = {.argv = argv};
    int rc = sb_proc_capture(&tar, NULL, tar_timeout_s, -1, &archive, &err, &end, &b->error);
    if (rc == 0 && (end.code != 0 || archive.overflow)) {
        sb_buf_addf(&b->error, "tar failed: %s", err.len ? sb_buf_str(&err) : "too large");
        rc = -1;
    }
    if (rc == 0)
        rc = sb_cli_write("bundle", output, &archive);
    else
        rc = sb_cli_fail("bundle", sb_buf_str(&b->error));
    sb_buf_release(&archive);
    sb_buf_release(&err);
    return rc;
}

static int bundle(const void *options, const struct sb_operands *files) {
    const struct bundle_options *o = options;
    struct bundle b = {.error = SB_BUF_INIT(SB_ERR_MAX)};
    char *stem = without_suffix(files->item[0], ".json");
    const char *slash = strrchr(stem, '/'), *name = slash ? slash + 1 : stem;
    char *output = o->output ? sb_strdup(o->output) : sb_asprintf("%s.tar.gz", stem);
    anonymous_init(&b.names);
    int rc = begin(&b, name);
    rc = rc ? rc : put_all(&b, files->item[0], stem);
    if (rc)
        rc = sb_cli_fail("bundle", b.error.len ? sb_buf_str(&b.error) : strerror(errno));
    else if ((rc = pack(&b, name, output)) == 0 && strcmp(output, "-") != 0)
        printf("written: %s\n", output);
    release(&b);
    free(output);
    free(stem);
    return rc;
}

static const struct sb_option table[] = {
    {"output", 'o', SB_OPTION_TEXT, offsetof(struct bundle_options, output), "FILE",
     .help = "the archive, .tar.gz or .tar.zst (default: RESULTS.tar.gz); - for "
             "standard output",
     .files = "*.tar.*"},
    {0},
};

const struct sb_command sb_cmd_bundle = {
    .name = "bundle",
    .usage = "[options] RESULTS.json",
    .summary = "pack results, document, page, chart and logs to hand on",
    .about = "Packs one run: results, document, page, chart, a row a run as CSV, and the servers' "
             "logs. Paths are cut to their last name; the names of the machine, the user and the "
             "home folder are taken out. Look into it before you hand it on.",
    .notes = "Exit codes: 0 done; 2 bad usage, or a file that cannot be read or written.",
    .options = table,
    .options_size = sizeof(struct bundle_options),
    .operand = "results file",
    .one = true,
    .files = "*.json",
    .run = bundle,
};
