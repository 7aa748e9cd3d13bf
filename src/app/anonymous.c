#include "anonymous.h"

#include <ctype.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const plain_names[] = {"root", "localhost", "user", "debian"};

static char *telling(const char *name) {
    for (size_t i = 0; i < sizeof plain_names / sizeof *plain_names; i++)
        if (strcmp(name, plain_names[i]) == 0)
            return NULL;
    return *name ? sb_strdup(name) : NULL;
}

void anonymous_init(struct anonymous *a) {
    char host[256] = "";
    const struct passwd *user = getpwuid(getuid());
    if (gethostname(host, sizeof host - 1) < 0)
        host[0] = '\0';
    host[strcspn(host, ".")] = '\0'; /* its domain goes with the word behind it */
    a->host = telling(host);
    a->user = user ? telling(user->pw_name) : NULL;
}

void anonymous_release(struct anonymous *a) {
    free(a->host);
    free(a->user);
}

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_path_character(char c) {
    return is_word(c) || strchr("/.+-@%~:", c);
}

/* Does s stand behind a line end as JSON writes it, "\\n"? */
static bool is_behind_escape(const char *text, const char *s) {
    return s - text >= 2 && s[-2] == '\\' && strchr("nrt", s[-1]);
}

/* Bytes of an absolute path at s, 0 when there is none: at least two names, so that "tok/s" and a
 * lone "/" stay, not behind a word, and no URL's. */
static size_t path_length(const char *text, const char *s, const char *end) {
    if (*s != '/' || (s > text && is_path_character(s[-1]) && !is_behind_escape(text, s)))
        return 0;
    size_t n = 0, slashes = 0;
    while (s + n < end && s[n] && is_path_character(s[n])) {
        slashes += s[n] == '/';
        n++;
    }
    while (n > 0 && strchr(".:", s[n - 1]))
        n--; /* of the sentence */
    return slashes > 1 ? n : 0;
}

/* "/home/somebody": its last name is the user's. */
static bool is_home(const char *s, size_t n) {
    size_t prefix = strlen("/home/");
    return n > prefix && strncmp(s, "/home/", prefix) == 0 && !memchr(s + prefix, '/', n - prefix);
}

/* Where the last name of a path begins. */
static size_t last_name(const char *s, size_t n) {
    size_t end = n;
    while (end > 1 && s[end - 1] == '/')
        end--;
    while (end > 0 && s[end - 1] != '/')
        end--;
    return end;
}

static size_t name_length(const char *text, const char *s, const char *end, const char *name) {
    size_t n = name ? strlen(name) : 0;
    if (n == 0 || (size_t)(end - s) < n || strncmp(s, name, n) != 0)
        return 0;
    bool alone = (s == text || !is_word(s[-1]) || is_behind_escape(text, s)) &&
                 (s + n == end || !is_word(s[n]));
    return alone ? n : 0;
}

void anonymous_add(struct sb_buf *b, const struct anonymous *a, const char *text, size_t len) {
    const char *end = text + len;
    for (const char *s = text; s < end;) {
        size_t n;
        if ((n = path_length(text, s, end)) > 0 && is_home(s, n)) {
            sb_buf_adds(b, "~");
        } else if (n > 0) {
            size_t name = last_name(s, n);
            anonymous_add(b, a, s + name, n - name);
        } else if ((n = name_length(text, s, end, a->host)) > 0) {
            sb_buf_adds(b, "HOST");
        } else if ((n = name_length(text, s, end, a->user)) > 0) {
            sb_buf_adds(b, "USER");
        } else {
            n = 1;
            sb_buf_add(b, s, 1);
        }
        s += n;
    }
}
