/* Where a server is: what of a URL we take, and what of it says which machine that is. */
#include <stdlib.h>
#include <string.h>

#include "stratobench/base.h"

/* Behind "http://" or "https://"; NULL = it is neither. */
static const char *behind_scheme(const char *url) {
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < 2; i++)
        if (strncmp(url, schemes[i], strlen(schemes[i])) == 0)
            return url + strlen(schemes[i]);
    return NULL;
}

/* Bytes of the host, "[::1]" with its brackets. */
static size_t host_length(const char *authority) {
    size_t n = strcspn(authority, "/");
    if (*authority == '[') {
        const char *end = memchr(authority, ']', n);
        return end ? (size_t)(end - authority) + 1 : 0;
    }
    const char *colon = memchr(authority, ':', n);
    return colon ? (size_t)(colon - authority) : n;
}

/* Of ":8080" up to the path. */
static bool port_is_valid(const char *s, size_t n) {
    char *end;
    if (n == 0)
        return true;
    long port = n < 7 && s[1] >= '0' && s[1] <= '9' ? strtol(s + 1, &end, 10) : 0;
    return port > 0 && port < 65536 && end == s + n;
}

const char *sb_url_problem(const char *url) {
    const char *authority = behind_scheme(url);
    if (!authority)
        return "expected http://HOST:PORT or https://HOST:PORT";
    size_t whole = strcspn(authority, "/"), host = host_length(authority), n = strlen(url);
    for (const char *s = url; *s; s++)
        if (*s <= ' ' || *s > '~' || strchr("\"\\<>^`{|}", *s))
            return "it holds what no URL can";
    if (memchr(authority, '@', whole))
        return "a login in it would be stored: name the variable that holds a key, api_key_env";
    if (host == 0 || strpbrk(authority, "?#"))
        return "expected http://HOST:PORT or https://HOST:PORT, perhaps with a path";
    if (!port_is_valid(authority + host, whole - host))
        return "its port is none";
    if (n > 3 && strcmp(url + n - 3, "/v1") == 0)
        return "leave out /v1: each question has a path of its own";
    return NULL;
}

char *sb_url_address(const char *url) {
    const char *authority = behind_scheme(url);
    if (!authority)
        return NULL;
    int host = (int)host_length(authority);
    return sb_asprintf("%.*s%s", host, authority, authority + strcspn(authority, "/"));
}
