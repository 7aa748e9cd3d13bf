#include "overwrite.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Words by which a file of ours is known, among its first bytes. Every form that a command can
 * write needs one (a test writes them all twice). */
enum { LOOK_AT_BYTES = 1 << 20 };
static const struct {
    enum sb_ours sort;
    const char *words;
} marks[] = {
    {SB_OURS_RESULTS, "\"schema\": \"stratobench/"},
    {SB_OURS_DERIVED, "**PP** = prompt processing speed (tok/s"},              /* document */
    {SB_OURS_DERIVED, "<strong>PP</strong> = prompt processing speed (tok/s"}, /* page, once */
    {SB_OURS_DERIVED, "<meta name=\"generator\" content=\"stratobench\">"},
    {SB_OURS_DERIVED, "title,hardware,model_id,model,quantization,"}, /* csv */
    {SB_OURS_DERIVED, ",\"pp_tokens_per_s\":"},                       /* jsonl */
    {SB_OURS_DERIVED, "| model                          |       size |     params | backend "},
    {SB_OURS_DERIVED, "<svg xmlns=\"http://www.w3.org/2000/svg\" "
                      "xmlns:xlink=\"http://www.w3.org/1999/xlink\" class=\"stratobench\""},
    {SB_OURS_DERIVED, "# stratobench: "}, /* manifests */
};

static int read_start(int fd, struct sb_buf *ret) {
    char piece[4096];
    ssize_t n;
    while ((n = read(fd, piece, sizeof piece)) > 0 && !ret->overflow)
        sb_buf_add(ret, piece, (size_t)n);
    return n < 0 ? -errno : 0;
}

static bool has_mark(const struct sb_buf *start, enum sb_ours as) {
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (marks[i].sort == as &&
            memmem(sb_buf_str(start), start->len, marks[i].words, strlen(marks[i].words)))
            return true;
    return start->len == 0;
}

static int look_into(const char *path, enum sb_ours as) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    struct sb_buf start = SB_BUF_INIT(LOOK_AT_BYTES);
    int rc = read_start(fd, &start);
    if (rc == 0 && !has_mark(&start, as))
        rc = -EEXIST;
    sb_buf_release(&start);
    close(fd);
    return rc;
}

int sb_may_overwrite(const char *path, enum sb_ours as, struct sb_buf *error) {
    struct stat st;
    int rc = stat(path, &st) == 0 ? 0 : -errno;
    if (rc == 0 && S_ISREG(st.st_mode))
        rc = look_into(path, as);
    if (rc == 0 || rc == -ENOENT)
        return 0;
    sb_buf_addf(error, "%s: %s", path,
                rc == -EEXIST ? "was not written by stratobench, so it is not written over; take "
                                "another name or remove it"
                              : strerror(-rc));
    return rc;
}
