/* Terminal: what the screen can show. */
#ifndef STRATOBENCH_TERMINAL_H
#define STRATOBENCH_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#define SB_RED    "\x1b[31m"
#define SB_GREEN  "\x1b[32m"
#define SB_YELLOW "\x1b[33m"
#define SB_PLAIN  "\x1b[0m"

/* A terminal that understands control sequences, and a person who wants them (NO_COLOR). */
bool sb_terminal_is_live(int fd);
/* Its width, 80 where it does not say; SIZE_MAX where there is no terminal: nothing is too wide. */
size_t sb_terminal_columns(int fd);

#endif
