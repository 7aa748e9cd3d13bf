/* What a llama-server prints of itself: --version, --help, --list-devices. */
#include "stratobench/llama.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_OPTIONS = 4096,
    MAX_DEVICES = 64,
};

/* One line of a text that need not end in NUL. */
static const char *next_line(const char **cursor, const char *end, size_t *ret_len) {
    const char *line = *cursor;
    if (line >= end)
        return NULL;
    const char *nl = memchr(line, '\n', (size_t)(end - line));
    *ret_len = (size_t)((nl ? nl : end) - line);
    *cursor = nl ? nl + 1 : end;
    return line;
}

static bool is_name_char(char c) {
    return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.';
}

static void add_option(struct sb_llama_build *b, const char *name, size_t len, size_t entry) {
    if (b->n_options == MAX_OPTIONS)
        return;
    b->options = sb_realloc(b->options, b->n_options + 1, sizeof *b->options);
    b->options[b->n_options++] =
        (struct sb_llama_option){.name = sb_strndup(name, len), .value = NULL, .entry = entry};
}

/* "-fa,   --flash-attn [on|off|auto]   set Flash Attention use": names, then what they take
 * after one blank, then the description after two or more. Returns where that starts. */
static size_t parse_entry(const char *line, size_t len, size_t entry, struct sb_llama_build *b) {
    size_t first = b->n_options, i = 0;
    for (;;) {
        size_t start = i;
        while (i < len && is_name_char(line[i]))
            i++;
        add_option(b, line + start, i - start, entry);
        size_t next = i;
        while (next < len && (line[next] == ',' || line[next] == ' '))
            next++;
        if (i >= len || line[i] != ',' || next >= len || line[next] != '-')
            break;
        i = next;
    }
    size_t value = i, end = i;
    if (i + 1 < len && line[i] == ' ' && line[i + 1] != ' ') {
        value = i + 1;
        end = value;
        while (end < len && !(line[end] == ' ' && (end + 1 >= len || line[end + 1] == ' ')))
            end++;
    }
    for (size_t k = first; k < b->n_options; k++)
        b->options[k].value = sb_strndup(line + value, end - value);
    return end;
}

void sb_llama_parse_help(const char *text, size_t len, struct sb_llama_build *b) {
    const char *end = text + len, *line;
    size_t n;
    struct sb_buf help = SB_BUF_INIT(16384);
    bool open = false;
    while ((line = next_line(&text, end, &n))) {
        size_t from = 0;
        bool starts = n > 1 && line[0] == '-' &&
                      (line[1] == '-' ? n > 2 && isalnum(line[2] & 0x7f) : isalnum(line[1] & 0x7f));
        if (starts) {
            if (open)
                sb_strv_take(&b->helps, sb_buf_detach(&help));
            open = true;
            from = parse_entry(line, n, b->helps.n, b);
        } else if (n > 0 && line[0] == '-') { /* "----- sampling params -----" */
            continue;
        }
        while (from < n && line[from] == ' ')
            from++;
        if (open && from < n) {
            sb_buf_add(&help, line + from, n - from);
            sb_buf_adds(&help, " ");
        }
    }
    if (open)
        sb_strv_take(&b->helps, sb_buf_detach(&help));
    sb_buf_release(&help);
}

/* "version: 0.7.0 (build 11669, commit Debian)", older "version: 6040 (66625a59)". */
void sb_llama_parse_version(const char *text, size_t len, struct sb_llama_build *b) {
    static const char key[] = "version:";
    const char *end = text + len, *line;
    size_t n;
    while ((line = next_line(&text, end, &n))) {
        size_t k = sizeof key - 1;
        if (n < k || memcmp(line, key, k) != 0)
            continue;
        while (k < n && line[k] == ' ')
            k++;
        while (n > k && isspace((unsigned char)line[n - 1]))
            n--;
        struct sb_buf clean = SB_BUF_INIT(200);
        sb_buf_add_printable(&clean, line + k, n - k);
        free(b->version);
        b->version = sb_buf_detach(&clean);
        return;
    }
}

/* "  Vulkan0: NAME (24105 MiB, 23726 MiB free)". NAME may hold brackets: the last pair counts. */
static bool parse_device(const char *line, struct sb_llama_device *ret) {
    char *colon = strstr(line, ": ");
    const char *open = strrchr(line, '(');
    long long total, free_mib;
    if (!colon || !open || open < colon + 2 ||
        sscanf(open, "(%9lld MiB, %9lld MiB free)", &total, &free_mib) != 2 || total < 0)
        return false;
    while (*line == ' ')
        line++;
    for (const char *p = line; p < colon; p++)
        if (!is_name_char(*p))
            return false;
    if (colon == line)
        return false;
    size_t len = (size_t)(open - colon - 2);
    while (len > 0 && colon[2 + len - 1] == ' ')
        len--;
    struct sb_buf clean = SB_BUF_INIT(200);
    sb_buf_add_printable(&clean, colon + 2, len);
    *ret = (struct sb_llama_device){.name = sb_strndup(line, (size_t)(colon - line)),
                                    .description = sb_buf_detach(&clean),
                                    .total_mib = total,
                                    .free_mib = free_mib};
    return true;
}

void sb_llama_parse_devices(const char *text, size_t len, struct sb_llama_build *b) {
    const char *end = text + len, *line;
    size_t n;
    while ((line = next_line(&text, end, &n)) && b->n_devices < MAX_DEVICES) {
        struct sb_llama_device d;
        char *copy = sb_strndup(line, n);
        if (line[0] == ' ' && parse_device(copy, &d)) {
            b->devices = sb_realloc(b->devices, b->n_devices + 1, sizeof d);
            b->devices[b->n_devices++] = d;
        }
        free(copy);
    }
}

const struct sb_llama_option *sb_llama_option(const struct sb_llama_build *b, const char *name) {
    for (size_t i = 0; i < b->n_options; i++)
        if (strcmp(b->options[i].name, name) == 0)
            return &b->options[i];
    return NULL;
}

void sb_llama_build_release(struct sb_llama_build *b) {
    sb_strv_release(&b->command);
    sb_strv_release(&b->env);
    free(b->version);
    free(b->complaint);
    for (size_t i = 0; i < b->n_options; i++) {
        free(b->options[i].name);
        free(b->options[i].value);
    }
    free(b->options);
    sb_strv_release(&b->helps);
    for (size_t i = 0; i < b->n_devices; i++) {
        free(b->devices[i].name);
        free(b->devices[i].description);
    }
    free(b->devices);
    *b = (struct sb_llama_build){0};
}
