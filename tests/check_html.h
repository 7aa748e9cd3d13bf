/* Has a rendered page only tags that html.c writes, each closed in its place? Text from outside
 * must not have opened or closed anything. */
#ifndef TESTS_CHECK_HTML_H
#define TESTS_CHECK_HTML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "stratobench/base.h"

static const char *const own_tags[] = {"h1",     "h2",
                                       "h3",     "p",
                                       "strong", "p class=\"head\"",
                                       "ul",     "p class=\"notes\"",
                                       "li",     "div class=\"table\"",
                                       "table",  "th scope=\"col\"",
                                       "thead",  "th scope=\"col\" class=\"figure\"",
                                       "tbody",  "th scope=\"row\"",
                                       "tr",     "th scope=\"row\" class=\"figure\"",
                                       "td",     "td class=\"figure\"",
                                       "pre",    "td class=\"problem\"",
                                       "code",   "td class=\"figure problem\"",
                                       "main",   "details",
                                       "summary"};
static const char *const own_void_tags[] = {"br", "hr"};

static bool is_one_of(const char *tag, const char *const *list, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(tag, list[i]) == 0)
            return true;
    return false;
}
#define IS_ONE_OF(tag, list) is_one_of(tag, list, sizeof(list) / sizeof *(list))

/* Opens or closes what `tag` says; false when that is not allowed here. */
static bool follow_tag(struct sb_strv *open, const char *tag) {
    if (IS_ONE_OF(tag, own_tags)) {
        sb_strv_add(open, tag);
        return true;
    }
    if (tag[0] != '/' || open->n == 0)
        return IS_ONE_OF(tag, own_void_tags);
    const char *last = open->item[open->n - 1];
    size_t n = strlen(tag + 1);
    if (strncmp(last, tag + 1, n) != 0 || (last[n] != '\0' && last[n] != ' '))
        return false;
    free(open->item[--open->n]);
    return true;
}

/* Where the first tag stands that is foreign or out of place, or the end of the page when
 * something is left open; else NULL. */
static const char *find_foreign_tag(const char *html) {
    struct sb_strv open = {0};
    const char *s = html;
    bool good = true;
    while (good && (s = strchr(s, '<'))) {
        size_t len = strcspn(s + 1, ">");
        char *tag = sb_strndup(s + 1, len);
        good = follow_tag(&open, tag);
        free(tag);
        if (good)
            s++;
    }
    const char *found = !good ? s : open.n ? html + strlen(html) : NULL;
    sb_strv_release(&open);
    return found;
}

#endif
