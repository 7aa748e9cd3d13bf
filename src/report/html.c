/* The file around the page: one that needs nothing else. */
#include <errno.h>
#include <sha2.h>
#include <string.h>

#include "html_assets.h"
#include "html_parts.h"

static void put_base64(struct sb_buf *b, const uint8_t *data, size_t len) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t bits = (uint32_t)data[i] << 16 | (n > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
                        (n > 2 ? data[i + 2] : 0);
        for (size_t k = 0; k < 4; k++)
            sb_buf_add(b, k <= n ? &digits[bits >> (18 - 6 * k) & 63] : "=", 1);
    }
}

/* The one script that may run is named by its hash; nothing may be loaded. */
static void put_policy(struct sb_buf *b) {
    uint8_t hash[SHA256_DIGEST_LENGTH];
    SHA2_CTX context;
    SHA256Init(&context);
    SHA256Update(&context, (const uint8_t *)page_js, strlen(page_js));
    SHA256Final(hash, &context);
    sb_buf_adds(b, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                   "style-src 'unsafe-inline'; script-src 'sha256-");
    put_base64(b, hash, sizeof hash);
    sb_buf_adds(b, "'; base-uri 'none'; form-action 'none'\">\n");
}

int sb_html_page(const struct sb_results *const *sets, size_t n, struct sb_buf *ret) {
    sb_buf_adds(ret, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                     "<meta name=\"color-scheme\" content=\"light dark\">\n"
                     "<meta name=\"generator\" content=\"stratobench\">\n");
    put_policy(ret);
    sb_buf_adds(ret, "<title>");
    sb_xml_escape(ret, n && sets[0]->bench.title ? sets[0]->bench.title : "");
    sb_buf_addf(ret, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n", page_css);
    html_put_page(ret, sets, n);
    sb_buf_addf(ret, "</main>\n<script>%s</script>\n</body>\n</html>\n", page_js);
    return ret->overflow ? -EFBIG : 0;
}
