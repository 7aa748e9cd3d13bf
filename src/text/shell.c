/* Words for a shell. */
#include <string.h>

#include "stratobench/text.h"

void sb_shell_quote(struct sb_buf *b, const char *word) {
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "_-+=./:,@%";
    if (*word && word[strspn(word, safe)] == '\0') {
        sb_buf_adds(b, word);
        return;
    }
    sb_buf_adds(b, "'");
    for (; *word; word++)
        if (*word == '\'')
            sb_buf_adds(b, "'\\''");
        else
            sb_buf_add(b, word, 1);
    sb_buf_adds(b, "'");
}
