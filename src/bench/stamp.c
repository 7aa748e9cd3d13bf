/* When a server was built, as far as its files tell: two builds may print the same version. */
#include <dirent.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "internal.h"

static bool is_of_the_build(const char *name) {
    static const char *const begin[] = {"libllama", "libggml", "libmtmd"};
    for (size_t i = 0; i < sizeof begin / sizeof *begin; i++)
        if (strncmp(name, begin[i], strlen(begin[i])) == 0)
            return true;
    return false;
}

struct stamp {
    int files;
    long long bytes;
    struct timespec newest;
};

static void count(struct stamp *s, const char *path) {
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return;
    s->files++;
    s->bytes += st.st_size;
    if (st.st_mtim.tv_sec > s->newest.tv_sec ||
        (st.st_mtim.tv_sec == s->newest.tv_sec && st.st_mtim.tv_nsec > s->newest.tv_nsec))
        s->newest = st.st_mtim;
}

char *sb_bench_stamp(const char *program) {
    char *path = realpath(program, NULL);
    if (!path)
        return NULL;
    struct stamp s = {0};
    count(&s, path);
    char *folder = dirname(path); /* cuts path short */
    DIR *dir = opendir(folder);
    for (struct dirent *d; dir && (d = readdir(dir));) {
        char *file = is_of_the_build(d->d_name) ? sb_asprintf("%s/%s", folder, d->d_name) : NULL;
        if (file)
            count(&s, file);
        free(file);
    }
    if (dir)
        closedir(dir);
    free(path);
    char text[32] = "";
    struct tm utc;
    if (gmtime_r(&s.newest.tv_sec, &utc))
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    return sb_asprintf("%d file%s, %lld bytes, %s.%09ldZ", s.files, s.files == 1 ? "" : "s",
                       s.bytes, text, s.newest.tv_nsec);
}
