/* What the files of the html module share. */
#ifndef SB_HTML_PARTS_H
#define SB_HTML_PARTS_H

#include "stratobench/base.h"

/* Markdown as md4c renders it, tables included; raw HTML in it becomes text. 0 or -EFBIG. */
int html_render(const struct sb_buf *markdown, struct sb_buf *html);

/* `table` is at "<table>" as md4c writes it. Appends what the page shows instead, a box that
 * scrolls with the columns of figures marked as such, and returns where md4c's table ends. */
const char *html_put_table(struct sb_buf *b, const char *table);

#endif
