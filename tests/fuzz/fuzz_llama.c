/* Everything that a server prints: --help, --version, --list-devices, its log, its replies. The
 * first byte chooses the parser. */
#include <stdint.h>
#include <stdlib.h>

#include "stratobench/llama.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As if it had come in pieces of 64 bytes, a millisecond each. */
static void parse_stream(const char *text, size_t len, bool openai) {
    struct sb_http_reply r = {.body = SB_BUF_INIT(SIZE_MAX / 4)};
    struct sb_llama_reply reply;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    long status;
    sb_buf_add(&r.body, text, len);
    for (size_t at = 64; at < len + 64; at += 64) {
        r.stamps = sb_grow(r.stamps, r.n_stamps, sizeof *r.stamps);
        r.stamps[r.n_stamps++] = (struct sb_http_stamp){at < len ? at : len, (double)at / 64};
    }
    if (openai ? sb_llama_parse_openai(&r, &reply, &error) == 0
               : sb_llama_parse_stream(&r, &reply, &status, &error) == 0)
        sb_llama_reply_release(&reply);
    sb_buf_release(&error);
    sb_buf_release(&r.body);
    free(r.stamps);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    const char *text = (const char *)data + 1;
    size_t len = size - 1;
    struct sb_llama_build b = {0};
    struct sb_llama_proof proof;
    struct sb_llama_reply reply;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    switch (data[0]) {
    case 'h': sb_llama_parse_help(text, len, &b); break;
    case 'v': sb_llama_parse_version(text, len, &b); break;
    case 'd': sb_llama_parse_devices(text, len, &b); break;
    case 'l':
        sb_llama_parse_log(text, len, &proof);
        sb_llama_proof_release(&proof);
        break;
    case 's':
    case 'o': parse_stream(text, len, data[0] == 'o'); break;
    default:
        if (sb_llama_parse_completion(text, len, &reply, &error) == 0)
            sb_llama_reply_release(&reply);
    }
    sb_llama_build_release(&b);
    sb_buf_release(&error);
    return 0;
}
