/* A prompt with a picture: a text, since a marker for it is no token. The server puts BOS in front
 * of texts itself, and splits them at the marker: the pieces are tokenized one by one, as here. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum { NONCES = 26, MAX_TEXT_BYTES = 64 << 20 };

static int refuse(struct sb_llama_failure *f, const char *reason) {
    f->invalid = true;
    f->reason = sb_strdup(reason);
    return -1;
}

/* The caller frees *ret. */
static int ask_marker(const struct sb_endpoint *at, char **ret, struct sb_llama_failure *f) {
    struct sb_llama_props props;
    if (sb_llama_props(at, &props, f) < 0)
        return -1;
    int rc = 0;
    if (props.vision == 0)
        rc = refuse(f, "the server sees no pictures");
    else if (!props.media_marker || !*props.media_marker)
        rc = refuse(f, "this build names no marker for pictures");
    else
        *ret = sb_strdup(props.media_marker);
    sb_llama_props_release(&props);
    return rc;
}

static int count_tokens(const struct sb_endpoint *at, const char *text, bool first,
                        double timeout_s, size_t *ret, struct sb_llama_failure *f) {
    struct sb_llama_tokens t;
    if (sb_llama_tokenize(at, text, strlen(text), timeout_s, &t, f) < 0)
        return -1;
    *ret = first ? t.n : t.n - t.n_special;
    free(t.ids);
    return 0;
}

/* What stands in front of the marker, another for each of some requests. */
static int add_nonces(const struct sb_endpoint *at, double timeout_s, struct sb_prepared *p,
                      struct sb_llama_failure *f) {
    p->before_n = sb_alloc(NONCES, sizeof *p->before_n);
    for (size_t i = 0; i < NONCES; i++) {
        sb_strv_take(&p->before, sb_asprintf("%c. Picture:\n", (char)('A' + i)));
        if (count_tokens(at, p->before.item[i], true, timeout_s, &p->before_n[i], f) < 0)
            return -1;
    }
    return 0;
}

int sb_prompt_add_picture(const struct sb_endpoint *at, const char *text, size_t len,
                          const void *picture, size_t picture_len, double timeout_s,
                          struct sb_prepared *p, struct sb_llama_failure *f) {
    struct sb_buf behind = SB_BUF_INIT(MAX_TEXT_BYTES), base64 = SB_BUF_INIT(MAX_TEXT_BYTES);
    char *marker = NULL, *own = sb_strndup(text, len);
    sb_buf_addf(&behind, "\n%s", own);
    int rc = ask_marker(at, &marker, f);
    if (rc == 0)
        rc = add_nonces(at, timeout_s, p, f);
    if (rc == 0)
        rc = count_tokens(at, sb_buf_str(&behind), false, timeout_s, &p->behind_n, f);
    if (rc == 0) {
        sb_buf_add_base64(&base64, picture, picture_len);
        p->picture = sb_buf_detach(&base64);
        p->behind = sb_asprintf("%s%s", marker, sb_buf_str(&behind));
    }
    free(own);
    free(marker);
    sb_buf_release(&behind);
    sb_buf_release(&base64);
    return rc;
}

struct sb_request prompt_picture_request(const struct sb_prepared *p, size_t nonce, int n_predict) {
    size_t i = nonce % p->before.n;
    struct sb_request r = {.text = sb_asprintf("%s%s", p->before.item[i], p->behind)};
    r.body = (struct sb_llama_completion){.text = r.text,
                                          .picture = p->picture,
                                          .n_predict = n_predict,
                                          .seed = PROMPT_SEED,
                                          .ignore_eos = true};
    r.want = (struct sb_expectation){.prompt_n = (long long)(p->before_n[i] + p->behind_n),
                                     .n_predict = n_predict,
                                     .picture = true};
    return r;
}
