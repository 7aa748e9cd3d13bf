/* Prompts: read where the config names them, so that no cell meets one that cannot be. */
#include "value.h"

#include <errno.h>
#include <sha256.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void sb_prompt_release(struct sb_prompt *prompt) {
    free(prompt->given);
    free(prompt->text);
    *prompt = (struct sb_prompt){0};
}

void sb_prompt_add(struct sb_config *c, const char *given, const char *file, const char *label,
                   struct sb_buf *text) {
    char sha256[SHA256_DIGEST_STRING_LENGTH];
    SHA256Data((const uint8_t *)text->data, text->len, sha256);
    struct sb_protocol *bench = &c->bench;
    size_t n = bench->n_prompts++;
    bench->prompts = sb_realloc(bench->prompts, n + 1, sizeof *bench->prompts);
    bench->prompts[n] = (struct sb_prompt_ref){sb_strdup(file), sb_strdup(label), sb_strdup(sha256)};
    c->prompts = sb_realloc(c->prompts, n + 1, sizeof *c->prompts);
    c->prompts[n] = (struct sb_prompt){.given = sb_strdup(given), .text_len = text->len};
    c->prompts[n].text = sb_buf_detach(text);
}

/* Why the text is no prompt, or NULL. */
static const char *prompt_problem(const struct sb_buf *b) {
    size_t blank = 0;
    for (size_t i = 0, n; i < b->len; i += n) {
        n = sb_utf8_length(b->data + i, b->len - i);
        if (n == 0 || b->data[i] == '\0')
            return "it is not UTF-8 text";
        blank += strchr(" \t\r\n", b->data[i]) != NULL;
    }
    return blank == b->len ? "it is empty" : NULL;
}

/* Reads one prompt. False after a report. */
static bool add_prompt(struct sb_parser *p, const char *given) {
    char *path = sb_resolve(p, sb_strdup(given));
    if (!path)
        return false;
    struct sb_buf b = SB_BUF_INIT(SB_PROMPT_MAX_BYTES);
    struct stat st;
    const char *problem = NULL;
    int rc = stat(path, &st) < 0 ? -errno : 0;
    if (rc == 0 && !S_ISREG(st.st_mode)) /* a FIFO would wait for a writer */
        problem = "it is not a file";
    else if (rc == 0)
        rc = sb_file_read(path, &b, NULL);
    if (rc < 0)
        problem = rc == -EFBIG ? "it is larger than 16 MiB" : strerror(-rc);
    else if (!problem)
        problem = prompt_problem(&b);
    const char *slash = strrchr(path, '/');
    if (problem)
        sb_diag(&p->diags, p->line, "cannot use prompt '%.1024s': %s", path, problem);
    else
        sb_prompt_add(p->c, given, path, slash ? slash + 1 : path, &b);
    sb_buf_release(&b);
    free(path);
    return !problem;
}

static bool parse_prompt(struct sb_parser *p, const struct sb_option *o, void *field,
                         const char *raw) {
    (void)field;
    char *given = sb_text_of(p, o, raw);
    bool ok = given && add_prompt(p, given);
    free(given);
    return ok;
}
const struct sb_type sb_type_prompt = {parse_prompt, NULL};

static bool parse_prompts(struct sb_parser *p, const struct sb_option *o, void *field,
                          const char *raw) {
    (void)field;
    struct sb_strv words = {0};
    bool ok = sb_points_of(p, o, raw, &words);
    for (size_t i = 0; i < words.n; i++)
        ok &= add_prompt(p, words.item[i]);
    sb_strv_release(&words);
    return ok;
}
const struct sb_type sb_type_prompts = {parse_prompts, NULL};

static bool parse_prompt_label(struct sb_parser *p, const struct sb_option *o, void *field,
                               const char *raw) {
    (void)field;
    char *text = sb_text_of(p, o, raw);
    if (text) {
        free(p->prompt_label);
        p->prompt_label = text;
    }
    return text;
}
const struct sb_type sb_type_prompt_label = {parse_prompt_label, NULL};
