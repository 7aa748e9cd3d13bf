/* YAML: any text as a scalar that every parser reads back as that text. */
#ifndef SB_YAML_H
#define SB_YAML_H

#include "stratobench/base.h"

/* Double-quoted, in one line. Malformed UTF-8 becomes U+FFFD. */
void yaml_add_string(struct sb_buf *b, const char *text);

/* What follows "key: " at `indent` blanks, line end included: a literal block, which people can
 * read, or the double-quoted string where a block would not give the text back to the byte. */
void yaml_add_block(struct sb_buf *b, const char *text, int indent);

#endif
