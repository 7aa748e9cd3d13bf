/* YAML: any text as a scalar that every parser reads back as that text; in one line it is a string
 * of JSON (sb_buf_add_json). */
#ifndef SB_YAML_H
#define SB_YAML_H

#include "stratobench/base.h"

/* What follows "key: " at `indent` blanks, line end included: a literal block, which people can
 * read, or the double-quoted string where a block would not give the text back to the byte. */
void yaml_add_block(struct sb_buf *b, const char *text, int indent);

#endif
