#include <ctype.h>
#include <sha256.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum { NAME_MAX_CHARS = 63, HASH_CHARS = 8 };

/* Lower case letters, digits and single dashes between them. */
static char *dns_text(const char *text) {
    char *name = sb_strdup(text);
    size_t n = 0;
    for (const char *s = text; *s; s++) {
        if (isalnum((unsigned char)*s))
            name[n++] = (char)tolower((unsigned char)*s);
        else if (n > 0 && name[n - 1] != '-')
            name[n++] = '-';
    }
    while (n > 0 && name[n - 1] == '-')
        n--;
    name[n] = '\0';
    return name;
}

char *k8s_name(const char *text, const char *hash_of) {
    char hex[SHA256_DIGEST_STRING_LENGTH], *name = dns_text(text);
    SHA256Data((const uint8_t *)hash_of, strlen(hash_of), hex);
    char *ret = sb_asprintf("%.*s-%.*s", NAME_MAX_CHARS - HASH_CHARS - 1,
                            *name ? name : "stratobench", HASH_CHARS, hex);
    free(name);
    return ret;
}
