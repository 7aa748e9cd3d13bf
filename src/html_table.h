/* Tables of the HTML page: in a box that scrolls, columns of figures marked as such. */
#ifndef SB_HTML_TABLE_H
#define SB_HTML_TABLE_H

#include "stratobench/base.h"

/* `table` is at "<table>" as md4c writes it. Appends what the page shows instead and returns
 * where md4c's table ends. */
const char *html_put_table(struct sb_buf *b, const char *table);

#endif
