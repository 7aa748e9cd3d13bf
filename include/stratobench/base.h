/* Base: the one growable buffer, a list of strings, allocation that aborts, the clock.
 *
 * Out of memory aborts here and nowhere else: sb_alloc and friends never return NULL. Libraries
 * that would go on without what they had no memory for are given these functions, or are asked.
 * Every other module may call this one; it calls none.
 */
#ifndef STRATOBENCH_BASE_H
#define STRATOBENCH_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SB_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

_Noreturn void sb_out_of_memory(void); /* says so and aborts */
void *sb_malloc(size_t size);          /* malloc, but aborts; not zeroed */
/* Zeroed memory for n objects of size bytes; aborts with a message when there is none. */
void *sb_alloc(size_t n, size_t size);
void *sb_realloc(void *p, size_t n, size_t size);
/* Room for one more in an array of n that has only ever been grown by this, or is NULL: there is
 * always room for the next power of two. */
void *sb_grow(void *p, size_t n, size_t size);
char *sb_strdup(const char *s); /* NULL stays NULL */
char *sb_strndup(const char *s, size_t n);
bool sb_same(const char *a, const char *b); /* NULL is the same as NULL alone */
bool sb_begins(const char *s, const char *with);
char *sb_asprintf(const char *fmt, ...) SB_PRINTF(1, 2);
char *sb_vasprintf(const char *fmt, va_list ap) SB_PRINTF(1, 0);

/* A growable byte buffer, always NUL-terminated once anything was added (data is NULL
 * before). `limit` is the most bytes it will ever hold and must be set: what does not fit is
 * cut there, `overflow` is set, and the call returns -EFBIG. */
struct sb_buf {
    char *data;
    size_t len;
    size_t cap;
    size_t limit;
    bool overflow;
};
#define SB_BUF_INIT(max)                                                                           \
    { .limit = (max) }
enum { SB_ERR_MAX = 64 * 1024 }; /* limit of a buffer that collects error messages */

int sb_buf_add(struct sb_buf *b, const void *data, size_t len);
int sb_buf_adds(struct sb_buf *b, const char *s);
/* No argument may be text of the buffer itself. */
int sb_buf_addf(struct sb_buf *b, const char *fmt, ...) SB_PRINTF(2, 3);
/* As %lld, but several times as fast: thousands of token ids, millions of figures. */
int sb_buf_add_integer(struct sb_buf *b, long long x);
const char *sb_buf_str(const struct sb_buf *b); /* never NULL; valid until the next change */
char *sb_buf_detach(struct sb_buf *b);          /* the caller frees; the buffer is empty again */
void sb_buf_release(struct sb_buf *b);

/* A list of owned strings, NULL-terminated, so that .item can be passed to exec. */
struct sb_strv {
    char **item; /* NULL while empty */
    size_t n;
};
void sb_strv_add(struct sb_strv *v, const char *s); /* copies */
void sb_strv_take(struct sb_strv *v, char *s);      /* takes ownership */
bool sb_strv_has(const struct sb_strv *v, const char *s);
void sb_strv_copy(struct sb_strv *dst, const struct sb_strv *src); /* appends */
void sb_strv_release(struct sb_strv *v);

/* CLOCK_MONOTONIC in seconds. */
double sb_now_s(void);
/* For how long this machine has been suspended since its boot, in seconds. */
double sb_suspended_s(void);
/* Milliseconds from now to that moment of sb_now_s, for poll(2): rounded up, 0 once it is past. */
int sb_poll_ms(double deadline_s);
/* Now as RFC 3339 UTC, "2026-02-22T19:42:07Z". The caller frees. */
char *sb_now_rfc3339(void);

/* Bytes (1 to 4) of the well-formed UTF-8 sequence that begins `text`, 0 when there is none;
 * `len` at least 1. */
size_t sb_utf8_length(const char *text, size_t len);
/* The code point of the character that sb_utf8_length found to be of n bytes. */
uint32_t sb_utf8_code(const char *text, size_t n);

/* Appends `len` bytes of untrusted text made safe for a terminal: control characters
 * (C0 but newline and tab, DEL, C1), characters that end lines or turn the direction of writing
 * (U+2028 to 202E, U+2066 to 2069) and malformed UTF-8 become U+FFFD. */
void sb_buf_add_printable(struct sb_buf *b, const char *text, size_t len);

/* Appends a text as a string of JSON, which is one of YAML, too; malformed UTF-8 becomes U+FFFD. */
void sb_buf_add_json(struct sb_buf *b, const char *text);

/* Appends bytes as base64, on one line. */
void sb_buf_add_base64(struct sb_buf *b, const void *data, size_t len);

/* The candidate nearest to `word` by edit distance, else one that it shortens ("md": markdown); NULL
 * when none is near enough to be a likely slip (distance > 1 + length/3). For "did you mean". */
const char *sb_nearest(const char *word, const char *const *candidates, size_t n);

/* Files: read a whole one up to a limit; replace one atomically. */

/* Appends the whole of `path` to *ret (set its limit first; the caller releases). 0, or -errno with
 * one line "PATH: why" in `error` (NULL: not wanted); -EFBIG when it is over the limit. */
int sb_file_read(const char *path, struct sb_buf *ret, struct sb_buf *error);

/* Writes a temporary file beside `path`, fsyncs it, renames it over `path`, fsyncs the folder:
 * `path` is the old file or the new one, whole, at every moment. A symbolic link stays one, and the
 * file it leads to is replaced; mode and, where that is allowed, owner are those of the old file.
 * 0, or -errno with one line in `error`; then the old file is untouched and no temporary file is
 * left. -ENOTSUP for what is no regular file, -EISDIR for a folder or a name like one. */
int sb_file_replace(const char *path, const void *data, size_t len, struct sb_buf *error);

/* The same, but a device or a pipe is written to, and may keep the caller waiting. */
int sb_file_write(const char *path, const void *data, size_t len, struct sb_buf *error);

/* Secrets: what a variable is called says whether its value may be published. */

/* Does the name ("HF_TOKEN", "DB_PASSWORD", "api-key"; what follows a '=' does not count) look like
 * that of a secret? A place of one ("KEY_FILE") does not. */
bool sb_env_is_secret(const char *name);
/* "NAME=value" as it may be shown: "NAME=(secret)" where the name, or a login in a URL, says so. The
 * caller frees. */
char *sb_env_shown(const char *assignment);
/* Replaces, in a command line, the values of options whose names look like those of secrets. */
void sb_argv_hide_secrets(struct sb_strv *argv);

/* URLs of servers: http or https, a host, perhaps a port and a path, no slash at the end. */

/* Why a text is none that we take, or NULL. Static. */
const char *sb_url_problem(const char *url);
/* What says which machine it is, "10.0.0.5": the host and, since a gateway may lead from each path to
 * another machine, the path; servers on several ports of a host are on one machine. The caller frees. */
char *sb_url_address(const char *url);

/* Files that must stay what they are: each with the device, inode, size and time it had. */
struct sb_file_state {
    char *path;
    unsigned long long device, inode;
    long long bytes, modified_ns;
};
struct sb_files {
    struct sb_file_state *item;
    size_t n;
};
/* Adds a file as it is now; nothing when it is in the list or cannot be looked at. */
void sb_files_add(struct sb_files *f, const char *path);
/* The first that is another file now, or gone; NULL = all are what they were. */
const char *sb_files_changed(const struct sb_files *f);
void sb_files_release(struct sb_files *f);

/* Index: strings -> small numbers, in the order of their first appearance (a balanced tree of
 * libc's tsearch, so that matching thousands of cells stays n log n). Keys are copied. */

struct sb_index {
    void *root;
    size_t n; /* different keys so far */
};

#define SB_INDEX_NONE ((size_t)-1)

/* The number of `key`, a new one (n, then n grows) when it is not there yet. */
size_t sb_index_add(struct sb_index *x, const char *key);
/* The number of `key`, or SB_INDEX_NONE. */
size_t sb_index_find(const struct sb_index *x, const char *key);
void sb_index_release(struct sb_index *x);

#endif
