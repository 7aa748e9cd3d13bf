/* Is a rendered document only what report.c meant to write? Text from outside must not have
 * opened or closed anything: no HTML, link, code span or line of its own, no cell too many. */
#ifndef TESTS_CHECK_MARKDOWN_H
#define TESTS_CHECK_MARKDOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static bool begins_with(const char *line, const char *start) {
    return strncmp(line, start, strlen(start)) == 0;
}

/* Bars that no backslash takes the meaning from. */
static size_t count_bars(const char *line, size_t len) {
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (line[i] == '\\')
            i++;
        else if (line[i] == '|')
            n++;
    }
    return n;
}

static bool is_plain(const char *line, size_t len) {
    static const char *const own_html[] = {"<details><summary>Per-run detail</summary>\n",
                                           "<details><summary>Environment</summary>\n",
                                           "</details>\n"};
    for (size_t i = 0; i < sizeof own_html / sizeof *own_html; i++)
        if (begins_with(line, own_html[i]))
            return true;
    for (size_t i = 0; i < len; i++) {
        if (line[i] == '\\')
            i++;
        else if (line[i] == '<' || line[i] == '>' || line[i] == '`' || line[i] == '$' ||
                 (unsigned char)line[i] < 0x20)
            return false;
        else if (line[i] == ']' && line[i + 1] == '(')
            return false;
    }
    return true;
}

static bool has_known_start(const char *line) {
    static const char *const starts[] = {"\n",
                                         "# ",
                                         "## ",
                                         "### ",
                                         "|",
                                         "**",
                                         "- ",
                                         "---\n",
                                         "<details>",
                                         "</details>\n",
                                         "¹",
                                         "²",
                                         "³",
                                         "⁴",
                                         "⁵",
                                         "⁶",
                                         "⁷",
                                         "⁸",
                                         "⁹",
                                         "Quantization: ",
                                         "File size: ",
                                         "Total params: ",
                                         "Active params",
                                         "Load times of ",
                                         "The files of ",
                                         "The order of ",
                                         "Generation goes on "};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (begins_with(line, starts[i]))
            return true;
    return false;
}

static size_t fence_length(const char *line) {
    return strspn(line, "`");
}

/* NULL, or the first line that is not as it should be. */
static const char *find_breakout(const char *document) {
    size_t fence = 0, bars = 0;
    for (const char *line = document; *line;) {
        const char *end = strchr(line, '\n');
        if (!end)
            return line;
        size_t len = (size_t)(end - line), ticks = fence_length(line);
        if (fence) {
            if (ticks >= fence && ticks == len)
                fence = 0;
            else if (ticks == 0 && line[0] != ' ' && len && end[-1] != ':')
                return line;
        } else if (ticks >= 3 && ticks == len) {
            fence = ticks;
        } else if (!is_plain(line, len) || !has_known_start(line) || begins_with(line, "- [")) {
            return line;
        }
        size_t row = !fence && line[0] == '|' ? count_bars(line, len) : 0;
        if (row && bars && row != bars)
            return line;
        bars = row;
        line = end + 1;
    }
    return fence ? document : NULL;
}

#endif
