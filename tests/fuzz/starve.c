/* Feeds every file of the folders given to the fuzz target it is linked with, again and again:
 * the first allocation fails, then the second instead, until none is left to fail. Whichever fails,
 * the program must say so and abort (base.h): no crash, no hang, and no end that looks like an
 * answer. What takes many allocations makes most of them at the same places for every file: there
 * each file has its share, and all together they have them all. */
#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "stratobench/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATIENCE_S = 60, NEVER = -1, ANSWERED = 0, ANSWERED_WITHOUT = 1 };

/* ---- memory that is out ---------------------------------------------------------------------- */

static long left = NEVER; /* allocations until the one that fails; 0: it did */

static bool fails(void) {
    if (left <= 0 || --left > 0)
        return false;
    errno = ENOMEM;
    return true;
}

/* glibc's own, under the names that stay its own when a program brings a malloc. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

void *malloc(size_t size) {
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
    return fails() ? NULL : __libc_calloc(n, size);
}

/* No memory is needed for what fits where it is. */
void *realloc(void *p, size_t size) {
    bool fits = p && size <= malloc_usable_size(p);
    return !fits && fails() ? NULL : __libc_realloc(p, size);
}

/* ---- one input ------------------------------------------------------------------------------ */

static _Noreturn void child(const struct sb_buf *input, long allocations, int said) {
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    dup2(said, STDERR_FILENO);
    alarm(PATIENCE_S);
    left = allocations + 1;
    LLVMFuzzerTestOneInput((const uint8_t *)sb_buf_str(input), input->len);
    _exit(left == 0 ? ANSWERED_WITHOUT : ANSWERED);
}

/* How the child ended, and what it said. */
static int starve(const struct sb_buf *input, long allocations, struct sb_buf *said) {
    int fds[2], status;
    char chunk[4096];
    if (pipe(fds))
        abort();
    pid_t pid = fork();
    if (pid == 0)
        child(input, allocations, fds[1]);
    close(fds[1]);
    for (ssize_t n; (n = read(fds[0], chunk, sizeof chunk)) > 0;)
        sb_buf_add(said, chunk, (size_t)n);
    close(fds[0]);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        abort();
    return status;
}

/* The one that fails after the n-th, in the file of that number. */
static long next(long n, long file) {
    enum { ALL_OF_THE_FIRST = 256, SHARES = 7 };
    do
        n++;
    while (n > ALL_OF_THE_FIRST && n % SHARES != file % SHARES);
    return n;
}

/* The number of times it ended for want of memory, or -1. */
static long starve_always(const char *path, const struct sb_buf *input, long file) {
    for (long n = 0, times = 0;; n = next(n, file), times++) {
        struct sb_buf said = SB_BUF_INIT(4096);
        int status = starve(input, n, &said);
        bool answered = WIFEXITED(status) && WEXITSTATUS(status) == ANSWERED;
        bool aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
                       strcmp(sb_buf_str(&said), "stratobench: out of memory\n") == 0;
        if (!answered && !aborted)
            fprintf(stderr, "%s, memory for %ld allocations: status %#x, it said: %s\n", path, n,
                    (unsigned)status, sb_buf_str(&said));
        sb_buf_release(&said);
        if (!aborted)
            return answered ? times : -1;
    }
}

int main(int argc, char **argv) {
    int failed = 0;
    long starved = 0;
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = sb_malloc, .free_fn = free}); /* as main does */
    for (int i = 1; i < argc; i++) {
        struct dirent **entries;
        int n_entries = scandir(argv[i], &entries, NULL, alphasort);
        for (int k = 0; k < n_entries; free(entries[k++])) {
            struct sb_buf input = SB_BUF_INIT(64 << 20);
            char *path = sb_asprintf("%s/%s", argv[i], entries[k]->d_name);
            if (entries[k]->d_name[0] != '.' && sb_file_read(path, &input, NULL) == 0) {
                long n = starve_always(path, &input, k);
                failed += n < 0;
                starved += n;
            }
            sb_buf_release(&input);
            free(path);
        }
        if (n_entries >= 0)
            free(entries);
    }
    printf("out of memory at %ld places\n", starved);
    return failed || starved <= 0; /* where nothing is allocated, nothing was tested */
}
