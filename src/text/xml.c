/* Untrusted text in HTML and SVG. */
#include <stdlib.h>
#include <string.h>

#include "stratobench/text.h"

static const char *entity_of(char c) {
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    default: return NULL;
    }
}

void sb_xml_escape(struct sb_buf *b, const char *text) {
    struct sb_buf safe = SB_BUF_INIT(SB_TEXT_MAX);
    sb_buf_add_printable(&safe, text, strlen(text));
    const char *plain = sb_buf_str(&safe);
    for (const char *s = plain; *(s += strcspn(s, "&<>\"")); s++) {
        sb_buf_add(b, plain, (size_t)(s - plain));
        sb_buf_adds(b, entity_of(*s));
        plain = s + 1;
    }
    sb_buf_adds(b, plain);
    sb_buf_release(&safe);
}
