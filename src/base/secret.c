/* What must not be published. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "stratobench/base.h"

static const char HIDDEN[] = "(secret)";

static bool is_one_of(const char *word, size_t n, const char *const *words) {
    for (; *words; words++)
        if (strlen(*words) == n && strncasecmp(word, *words, n) == 0)
            return true;
    return false;
}

/* One word of a name: HF_TOKEN has two. */
static bool is_secret_word(const char *word, size_t n) {
    static const char *const whole[] = {"key", "keys", "pass", "pwd", "auth", "pat", NULL};
    static const char *const ends[] = {"token",       "secret",     "secrets", "password",
                                       "passwd",      "passphrase", "apikey",  "credential",
                                       "credentials", NULL};
    if (is_one_of(word, n, whole))
        return true;
    for (const char *const *end = ends; *end; end++) {
        size_t m = strlen(*end);
        if (n >= m && strncasecmp(word + n - m, *end, m) == 0)
            return true;
    }
    return false;
}

bool sb_env_is_secret(const char *name) {
    static const char *const places[] = {"file", "path", "dir", NULL}; /* of a secret, at the end */
    size_t length = strcspn(name, "="), n = 0;
    bool secret = false;
    if (is_one_of(name, length, (const char *const[]){"pwd", "oldpwd", NULL}))
        return false; /* the shell's working folder */
    for (size_t i = 0; i < length; i += n + 1) {
        n = strcspn(name + i, "_-.=");
        if (i + n == length && is_one_of(name + i, n, places))
            return false;
        secret |= is_secret_word(name + i, n);
    }
    return secret;
}

/* "https://user:password@host" */
static bool holds_a_login(const char *value) {
    const char *host = strstr(value, "://");
    if (!host)
        return false;
    size_t n = strcspn(host + 3, "/?# ");
    return memchr(host + 3, '@', n) != NULL;
}

char *sb_env_shown(const char *assignment) {
    size_t name = strcspn(assignment, "=");
    const char *value = assignment + name + (assignment[name] == '=');
    if (*value && (sb_env_is_secret(assignment) || holds_a_login(value)))
        return sb_asprintf("%.*s=%s", (int)name, assignment, HIDDEN);
    return sb_strdup(assignment);
}

void sb_argv_hide_secrets(struct sb_strv *argv) {
    bool follows = false; /* the word is the value of the option before it */
    for (size_t i = 0; i < argv->n; i++) {
        char *word = argv->item[i], *shown = NULL;
        const char *name = word + strspn(word, "-");
        if (follows || (name == word && holds_a_login(word)))
            shown = sb_strdup(HIDDEN);
        else if (name > word && strchr(name, '='))
            shown = sb_env_shown(word);
        follows = !follows && name > word && !strchr(name, '=') &&
                  (sb_env_is_secret(name) || strcmp(word, "-hft") == 0);
        if (!shown)
            continue;
        free(word);
        argv->item[i] = shown;
    }
}
