/* Screen: where messages go while servers run. */
#ifndef STRATOBENCH_SCREEN_H
#define STRATOBENCH_SCREEN_H

#include <stdio.h>

/* A stream to a terminal or pipe that never keeps its writer waiting: what nobody takes now is
 * tried again with the next write, and lost beyond SB_SCREEN_KEEPS bytes: fwrite says so, and what
 * comes next begins a new line. fclose waits for what is kept, so let signals end the program again
 * before; the descriptor stays open. */
enum { SB_SCREEN_KEEPS = 1 << 20 };
FILE *sb_screen_open(int fd);

#endif
