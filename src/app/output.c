#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "overwrite.h"
#include "stratobench/base.h"
#include "stratobench/plot.h"
#include "stratobench/report.h"
#include "stratobench/verdict.h"

enum { MAX_DOCUMENT_BYTES = 256 << 20 };

static int cannot(const char *path, int error_number, struct sb_buf *error) {
    sb_buf_addf(error, "%s: %s", path, strerror(error_number));
    return -error_number;
}

static bool is_input(const struct stat *st, const struct sb_strv *inputs) {
    struct stat input;
    for (size_t i = 0; i < inputs->n; i++)
        if (stat(inputs->item[i], &input) == 0 && input.st_dev == st->st_dev &&
            input.st_ino == st->st_ino)
            return true;
    return false;
}

/* Opening a FIFO would wait for its other end, with signals blocked; a device is no place for
 * results. */
static int prove_ours(const char *path, enum sb_ours as, const struct sb_strv *inputs,
                      struct sb_buf *error) {
    struct stat st;
    if (stat(path, &st) < 0)
        return errno == ENOENT ? 0 : cannot(path, errno, error);
    if (S_ISDIR(st.st_mode))
        return cannot(path, EISDIR, error);
    if (S_ISREG(st.st_mode) && !is_input(&st, inputs))
        return sb_may_overwrite(path, as, error);
    sb_buf_addf(error, "%s: %s; give another -o STEM", path,
                S_ISREG(st.st_mode) ? "belongs to what is measured" : "is no regular file");
    return -EEXIST;
}

/* Full disks and read-only folders are found now, not after the first hour. */
static int prove_writable(const struct sb_output *o, struct sb_buf *error) {
    char *probe = sb_asprintf("%s/.write-test", o->logs);
    char *beside = sb_asprintf("%s.write-test", o->json);
    int rc = sb_file_replace(probe, "stratobench\n", 12, error);
    if (rc == 0)
        rc = sb_file_replace(beside, "stratobench\n", 12, error);
    unlink(probe);
    unlink(beside);
    free(probe);
    free(beside);
    return rc;
}

char *sb_output_default_stem(const char *config) {
    char *copy = sb_strdup(config), *stem = sb_strdup(basename(copy));
    size_t n = strlen(stem);
    if (n > 4 && strcmp(stem + n - 4, ".ini") == 0)
        stem[n - 4] = '\0';
    free(copy);
    return stem;
}

int sb_output_open(const char *stem, bool chart, const struct sb_strv *inputs,
                   struct sb_output *ret, struct sb_buf *error) {
    struct sb_output o = {
        .stem = sb_strdup(stem),
        .json = sb_asprintf("%s.json", stem),
        .markdown = sb_asprintf("%s.md", stem),
        .chart = sb_asprintf("%s.svg", stem),
        .logs = sb_asprintf("%s.logs", stem),
        .lock_fd = -1,
    };
    int rc = prove_ours(o.json, SB_OURS_RESULTS, inputs, error);
    if (rc == 0)
        rc = prove_ours(o.markdown, SB_OURS_DERIVED, inputs, error);
    if (rc == 0 && chart)
        rc = prove_ours(o.chart, SB_OURS_DERIVED, inputs, error);
    if (rc == 0 && mkdir(o.logs, 0777) < 0 && errno != EEXIST)
        rc = cannot(o.logs, errno, error);
    if (rc == 0 && (o.lock_fd = open(o.logs, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        rc = cannot(o.logs, errno, error);
    if (rc == 0 && flock(o.lock_fd, LOCK_EX | LOCK_NB) < 0) {
        rc = errno == EWOULDBLOCK ? -EBUSY : cannot(o.logs, errno, error);
        if (rc == -EBUSY)
            sb_buf_addf(error, "another stratobench is writing %s; give this one its own -o STEM",
                        o.json);
    }
    if (rc == 0)
        rc = prove_writable(&o, error);
    if (rc < 0)
        sb_output_close(&o);
    else
        *ret = o;
    return rc;
}

void sb_output_close(struct sb_output *o) {
    if (o->lock_fd >= 0)
        close(o->lock_fd);
    free(o->stem);
    free(o->json);
    free(o->markdown);
    free(o->chart);
    free(o->logs);
    *o = (struct sb_output){.lock_fd = -1};
}

int sb_output_back_up(const struct sb_output *o, struct sb_buf *error) {
    struct sb_buf text = SB_BUF_INIT(SB_RESULTS_MAX_BYTES);
    char *backup = sb_asprintf("%s~", o->json);
    int rc = access(o->json, F_OK) < 0 ? -ENOENT : sb_file_read(o->json, &text, error);
    if (rc == 0)
        rc = sb_file_replace(backup, sb_buf_str(&text), text.len, error);
    free(backup);
    sb_buf_release(&text);
    return rc == -ENOENT ? 0 : rc;
}

/* The results as they are to be shown: wrong answers marked. */
static int load_marked(const struct sb_output *o, struct sb_results *ret, struct sb_buf *error) {
    int rc = sb_results_load(o->json, ret, error);
    if (rc == 0)
        sb_answers_apply(&ret, 1);
    return rc;
}

int sb_output_draw(const struct sb_output *o, struct sb_results *r, struct sb_buf *error) {
    struct sb_buf svg = SB_BUF_INIT(MAX_DOCUMENT_BYTES);
    struct sb_results shown;
    const struct sb_results *set = &shown;
    int rc = load_marked(o, &shown, error);
    if (rc < 0)
        return rc;
    rc = sb_plot_svg(&set, 1, &svg, error);
    sb_results_release(&shown);
    if (rc == 0)
        rc = sb_file_replace(o->chart, sb_buf_str(&svg), svg.len, error);
    if (rc == 0) {
        const char *slash = strrchr(o->chart, '/');
        free(r->chart);
        r->chart = sb_strdup(slash ? slash + 1 : o->chart);
    }
    sb_buf_release(&svg);
    return rc;
}

int sb_output_render(const struct sb_output *o, struct sb_buf *error) {
    struct sb_results r;
    int rc = load_marked(o, &r, error);
    if (rc < 0)
        return rc;
    struct sb_buf document = SB_BUF_INIT(MAX_DOCUMENT_BYTES);
    const struct sb_results *set = &r;
    rc = sb_report_markdown(&set, 1, &document);
    if (rc == 0)
        rc = sb_file_replace(o->markdown, sb_buf_str(&document), document.len, error);
    sb_buf_release(&document);
    sb_results_release(&r);
    return rc;
}
