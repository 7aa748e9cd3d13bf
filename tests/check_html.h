/* Has a rendered page only tags that html.c writes, each closed in its place? Text from outside
 * must not have opened or closed anything. */
#ifndef TESTS_CHECK_HTML_H
#define TESTS_CHECK_HTML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "stratobench/base.h"

/* Tags that may have attributes: of each only its name and what the page itself writes there. An
 * attribute holds no '<' or '>', and its quotes are closed. */
static const char *const own_tags[] = {
    "h1",      "h2",    "h3",      "p",       "strong",  "ul",    "li",  "div", "table",
    "caption", "thead", "b",       "tbody",   "tr",      "th",    "td",  "pre", "code",
    "a",       "main",  "section", "details", "summary", "small", "span"};
static const char *const own_attributes[] = {
    "class",        "scope",     "id",         "href",
    "title",        "colspan",   "rowspan",    "data-quantization",
    "data-backend", "data-name", "data-value", "data-time",
    "aria-label"};
static const char *const own_void_tags[] = {"br", "hr"};

static bool is_one_of(const char *tag, const char *const *list, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(tag, list[i]) == 0)
            return true;
    return false;
}
#define IS_ONE_OF(tag, list) is_one_of(tag, list, sizeof(list) / sizeof *(list))

/* name="value" name="value"...: names of ours, every value closed. */
static bool are_own_attributes(const char *s) {
    while (*s == ' ') {
        size_t len = strcspn(++s, "=");
        char *name = sb_strndup(s, len);
        bool own = IS_ONE_OF(name, own_attributes);
        free(name);
        if (!own || s[len] != '=' || s[len + 1] != '"')
            return false;
        s += len + 2;
        s += strcspn(s, "\"");
        if (*s++ != '"')
            return false;
    }
    return *s == '\0';
}

/* Opens or closes what `tag` says; false when that is not allowed here. */
static bool follow_tag(struct sb_strv *open, const char *tag) {
    char *name = sb_strndup(tag, strcspn(tag, " "));
    bool own = IS_ONE_OF(name, own_tags) && are_own_attributes(tag + strlen(name));
    if (own)
        sb_strv_take(open, name);
    else
        free(name);
    if (own)
        return true;
    if (tag[0] != '/' || open->n == 0)
        return IS_ONE_OF(tag, own_void_tags);
    if (strcmp(open->item[open->n - 1], tag + 1) != 0)
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
