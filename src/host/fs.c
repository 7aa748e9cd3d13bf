#include "fs.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stratobench/base.h"

/* /proc/cpuinfo of a machine with 512 threads has 800 KB. */
enum { FILE_MAX_BYTES = 4 << 20 };

static char *trimmed(const char *s, size_t len) {
    while (len > 0 && isspace((unsigned char)s[0])) {
        s++;
        len--;
    }
    while (len > 0 && isspace((unsigned char)s[len - 1]))
        len--;
    return len ? sb_strndup(s, len) : NULL;
}

static char *read_text(const char *path) {
    struct sb_buf content = SB_BUF_INIT(FILE_MAX_BYTES);
    int rc = sb_file_read(path, &content, NULL);
    char *text = rc == 0 ? trimmed(sb_buf_str(&content), content.len) : NULL;
    sb_buf_release(&content);
    return text;
}

static char *read_path(const char *fmt, va_list ap) {
    char *path = sb_vasprintf(fmt, ap);
    char *text = read_text(path);
    free(path);
    return text;
}

char *sb_host_text(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    char *text = read_path(fmt, ap);
    va_end(ap);
    return text;
}

/* Takes ownership of text. */
static long long leading_integer(char *text) {
    char *end = text;
    errno = 0;
    long long value = text ? strtoll(text, &end, 10) : -1;
    bool good = end != text && (!*end || isspace((unsigned char)*end)) && errno == 0 && value >= 0;
    free(text);
    return good ? value : -1;
}

long long sb_host_integer(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    char *text = read_path(fmt, ap);
    va_end(ap);
    return leading_integer(text);
}

static int by_version(const void *a, const void *b) {
    return strverscmp(*(char *const *)a, *(char *const *)b);
}

void sb_host_glob(const char *root, const char *pattern, struct sb_strv *ret) {
    char *full = sb_asprintf("%s%s", root, pattern);
    glob_t found = {0};
    size_t first = ret->n;
    int rc = glob(full, GLOB_NOSORT, NULL, &found);
    if (rc == GLOB_NOSPACE)
        sb_out_of_memory();
    if (rc == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            sb_strv_add(ret, found.gl_pathv[i]);
    globfree(&found);
    free(full);
    if (ret->n > first)
        qsort(ret->item + first, ret->n - first, sizeof *ret->item, by_version);
}

char *sb_host_field(const char *text, const char *key) {
    size_t key_len = strlen(key);
    for (const char *line = text; line && *line;) {
        size_t len = strcspn(line, "\n");
        if (len > key_len && strncmp(line, key, key_len) == 0) {
            size_t at = key_len + strspn(line + key_len, " \t");
            if (line[at] == ':' || line[at] == '=')
                at++;
            else if (at == key_len) /* a longer key */
                at = len;
            at += strspn(line + at, " \t\"");
            while (at < len && line[len - 1] == '"')
                len--;
            if (at < len)
                return trimmed(line + at, len - at);
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return NULL;
}

long long sb_host_field_integer(const char *text, const char *key) {
    return leading_integer(sb_host_field(text, key));
}

long long sb_host_field_kib(const char *text, const char *key) {
    long long kib = sb_host_field_integer(text, key);
    return kib < 0 ? -1 : kib * 1024;
}

void sb_host_cgroups(const char *root, struct sb_strv *ret) {
    char *groups = sb_host_text("%s/proc/self/cgroup", root);
    const char *own = groups && strncmp(groups, "0::", 3) == 0 ? groups : NULL;
    if (groups && !own && (own = strstr(groups, "\n0::")))
        own++;
    if (own) {
        /* In a container the path may be the host's while the mount shows only our own part:
         * the walk up then ends at the mount, which is ours. */
        char *path = sb_strndup(own + 3, strcspn(own + 3, "\n"));
        for (char *slash; (slash = strrchr(path, '/')); *slash = '\0')
            if (slash[1])
                sb_strv_take(ret, sb_asprintf("%s/sys/fs/cgroup%s", root, path));
        sb_strv_take(ret, sb_asprintf("%s/sys/fs/cgroup", root));
        free(path);
    }
    free(groups);
}

void sb_host_gpu_devices(const char *root, struct sb_strv *ret) {
    struct sb_strv cards = {0};
    sb_host_glob(root, "/sys/class/drm/card[0-9]*", &cards);
    for (size_t i = 0; i < cards.n; i++) {
        const char *name = strrchr(cards.item[i], '/') + 1;
        if (!strchr(name, '-')) /* card1-DP-2 is a socket of card1 */
            sb_strv_take(ret, sb_asprintf("%s/device", cards.item[i]));
    }
    sb_strv_release(&cards);
}
