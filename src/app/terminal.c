#include "terminal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool sb_terminal_is_live(int fd) {
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    bool plain = (no_color && *no_color) || !term || strcmp(term, "dumb") == 0;
    return isatty(fd) && !plain;
}

size_t sb_terminal_columns(int fd) {
    struct winsize w;
    if (!isatty(fd))
        return SIZE_MAX;
    return ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : 80;
}
