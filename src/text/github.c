/* GitHub's workflow commands: lines of a log that its runner obeys. */
#include <string.h>

#include "stratobench/text.h"

void sb_github_escape(struct sb_buf *b, const char *text, bool property) {
    for (; *text; text++) {
        if (*text == '%' || *text == '\r' || *text == '\n' ||
            (property && (*text == ':' || *text == ',')))
            sb_buf_addf(b, "%%%02X", (unsigned)(unsigned char)*text);
        else
            sb_buf_add(b, text, 1);
    }
}

/* The runner obeys "::error::" at the start of a line, blanks before it or not, and "##[error]"
 * anywhere. A ratio sign and a sharp look alike and take the same room. */
void sb_github_inert(struct sb_buf *b, const char *text) {
    while (*text) {
        size_t blanks = strspn(text, " \t"), n = strcspn(text, "\n");
        const char *end = text + n, *at = text;
        if (strncmp(text + blanks, "::", 2) == 0) {
            sb_buf_add(b, text, blanks + 1);
            sb_buf_adds(b, "\u2236");
            at = text + blanks + 2;
        }
        for (const char *old; (old = memmem(at, (size_t)(end - at), "##[", 3)); at = old + 2) {
            sb_buf_add(b, at, (size_t)(old - at));
            sb_buf_adds(b, "#\u266f");
        }
        sb_buf_add(b, at, (size_t)(end - at));
        if (*end)
            sb_buf_adds(b, "\n");
        text = end + (*end == '\n');
    }
}
