#include "make_gguf.h"

#include "english_words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* A sentencepiece vocabulary for greedy pair merging. Merging " incident" needs every step on
 * the way (" i", " in", …), so each prefix of a known word is a token with a high score: the
 * start of a word is eaten letter by letter to its longest known prefix. What is left of it
 * merges into pairs of letters, which score lower. All else falls back to characters and bytes. */
enum token_type { NORMAL = 1, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE };
#define SPACE "\xe2\x96\x81" /* U+2581, how sentencepiece writes a leading space */

static void add_token(struct vocab *v, char *text, float score, int32_t type) {
    sb_strv_take(&v->text, text);
    sb_buf_add(&v->score, &score, sizeof score);
    sb_buf_add(&v->type, &type, sizeof type);
}

static int compare_words(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The words, and single letters and digits. Of sorted words, every prefix that the word before
 * does not share is new. */
static void add_words(struct vocab *v) {
    struct sb_strv words = {0};
    for (const char *p = english_words; *p;) {
        size_t n = strcspn(p, " ");
        sb_strv_take(&words, sb_strndup(p, n));
        p += n + (p[n] == ' ');
    }
    for (char c = '0'; c <= 'z'; c++)
        if (isalnum((unsigned char)c))
            sb_strv_take(&words, sb_asprintf("%c", c));
    qsort(words.item, words.n, sizeof *words.item, compare_words);
    const char *before = "";
    for (size_t i = 0; i < words.n; i++) {
        const char *word = words.item[i];
        size_t shared = 0;
        while (word[shared] && word[shared] == before[shared])
            shared++;
        for (size_t n = shared + 1; n <= strlen(word); n++)
            add_token(v, sb_asprintf(SPACE "%.*s", (int)n, word), (float)n, NORMAL);
        before = word;
    }
    sb_strv_release(&words);
}

struct vocab make_vocab(uint64_t least) {
    struct vocab v = {.score = SB_BUF_INIT(HEADER_MAX), .type = SB_BUF_INIT(HEADER_MAX)};
    add_token(&v, sb_strdup("<unk>"), 0, UNKNOWN);
    add_token(&v, sb_strdup("<s>"), 0, CONTROL);
    add_token(&v, sb_strdup("</s>"), 0, CONTROL);
    for (int byte = 0; byte < 256; byte++)
        add_token(&v, sb_asprintf("<0x%02X>", (unsigned)byte), 0, BYTE);
    add_token(&v, sb_strdup(SPACE), -2, NORMAL);
    for (char c = '!'; c <= '~'; c++)
        add_token(&v, sb_asprintf("%c", c), -2, NORMAL);
    for (char a = 'a'; a <= 'z'; a++)
        for (char b = 'a'; b <= 'z'; b++)
            add_token(&v, sb_asprintf("%c%c", a, b), -1, NORMAL);
    add_words(&v);
    while (v.text.n < least || v.text.n % 64)
        add_token(&v, sb_asprintf("<unused_%zu>", v.text.n), 0, UNUSED);
    return v;
}

void release_vocab(struct vocab *v) {
    sb_strv_release(&v->text);
    sb_buf_release(&v->score);
    sb_buf_release(&v->type);
}
