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
    bench->prompts[n] =
        (struct sb_prompt_ref){sb_strdup(file), sb_strdup(label), sb_strdup(sha256)};
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

/* Why a file cannot be read, or is not what it should be; or NULL and its bytes. */
static const char *read_input(const char *path, const char *(*problem_of)(const struct sb_buf *),
                              struct sb_buf *ret) {
    struct stat st;
    int rc = stat(path, &st) < 0 ? -errno : 0;
    if (rc == 0 && !S_ISREG(st.st_mode)) /* a FIFO would wait for a writer */
        return "it is not a file";
    if (rc == 0)
        rc = sb_file_read(path, ret, NULL);
    if (rc < 0)
        return rc == -EFBIG ? "it is larger than 16 MiB" : strerror(-rc);
    return problem_of(ret);
}

/* Reads one prompt. False after a report. */
static bool add_prompt(struct sb_parser *p, const char *given) {
    char *path = sb_resolve(p, sb_strdup(given));
    if (!path)
        return false;
    struct sb_buf b = SB_BUF_INIT(SB_PROMPT_MAX_BYTES);
    const char *problem = read_input(path, prompt_problem, &b);
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

/* ---- pictures ------------------------------------------------------------------------------- */

static const char *image_problem(const struct sb_buf *b) {
    static const struct {
        const char *magic;
        size_t len;
    } kinds[] = {{"\x89PNG\r\n\x1a\n", 8}, {"\xff\xd8\xff", 3}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (b->len > kinds[i].len && memcmp(b->data, kinds[i].magic, kinds[i].len) == 0)
            return NULL;
    return b->len == 0 ? "it is empty" : "it is neither a PNG nor a JPEG file";
}

static void release_image(void *field) {
    struct sb_image *image = field;
    free(image->given);
    free(image->path);
    free(image->bytes);
    *image = (struct sb_image){0};
}

static bool parse_image(struct sb_parser *p, const struct sb_option *o, void *field,
                        const char *raw) {
    struct sb_image *image = field;
    char *given = sb_text_of(p, o, raw), *path = given ? sb_resolve(p, sb_strdup(given)) : NULL;
    struct sb_buf b = SB_BUF_INIT(SB_IMAGE_MAX_BYTES);
    const char *problem = path ? read_input(path, image_problem, &b) : NULL;
    if (problem)
        sb_diag(&p->diags, p->line, "cannot use image '%.1024s': %s", path, problem);
    bool ok = path && !problem;
    if (ok) {
        release_image(image);
        SHA256Data((const uint8_t *)b.data, b.len, image->sha256);
        image->len = b.len;
        image->bytes = sb_buf_detach(&b);
        image->given = given;
        image->path = path;
    } else {
        sb_buf_release(&b);
        free(given);
        free(path);
    }
    return ok;
}
const struct sb_type sb_type_image = {parse_image, release_image};

const struct sb_image *sb_model_image(const struct sb_config *c, const struct sb_model *m) {
    if (m->image.path)
        return &m->image;
    return m->mmproj && c->image.path ? &c->image : NULL;
}
