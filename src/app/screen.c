#include "screen.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stratobench/base.h"

struct screen {
    int fd;
    struct sb_buf kept;
    bool cut; /* what was lost began in this line: what comes next begins another */
};

/* A pipe that is ready takes this much at once. */
static bool is_ready(int fd, int wait_ms) {
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return poll(&p, 1, wait_ms) == 1;
}

/* Gives away what is kept, as far as it is taken within wait_ms a piece (-1: at any time). */
static void give(struct screen *s, int wait_ms) {
    size_t done = 0;
    while (done < s->kept.len && is_ready(s->fd, wait_ms)) {
        size_t left = s->kept.len - done;
        ssize_t n = write(s->fd, s->kept.data + done, left < PIPE_BUF ? left : PIPE_BUF);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            n = (ssize_t)left; /* nobody is there to read it */
        done += n > 0 ? (size_t)n : 0;
    }
    if (done == 0)
        return;
    s->kept.len -= done;
    memmove(s->kept.data, s->kept.data + done, s->kept.len);
}

/* A text may be larger than what is kept. */
static ssize_t on_write(void *cookie, const char *text, size_t len) {
    struct screen *s = cookie;
    size_t done = 0;
    give(s, 0);
    while (done < len && s->kept.len < SB_SCREEN_KEEPS) {
        if (s->cut)
            sb_buf_adds(&s->kept, "\n");
        s->cut = false;
        size_t room = SB_SCREEN_KEEPS - s->kept.len, left = len - done;
        sb_buf_add(&s->kept, text + done, left < room ? left : room);
        done += left < room ? left : room;
        give(s, 0);
    }
    s->cut |= done < len;
    return (ssize_t)done;
}

static int on_close(void *cookie) {
    struct screen *s = cookie;
    if (s->cut)
        sb_buf_adds(&s->kept, "\n");
    give(s, -1);
    sb_buf_release(&s->kept);
    free(s);
    return 0;
}

FILE *sb_screen_open(int fd) {
    struct screen *s = sb_alloc(1, sizeof *s);
    *s = (struct screen){.fd = fd, .kept = SB_BUF_INIT(SB_SCREEN_KEEPS + 1)};
    FILE *f = fopencookie(s, "w", (cookie_io_functions_t){.write = on_write, .close = on_close});
    if (!f)
        sb_out_of_memory();
    setvbuf(f, NULL, _IONBF, 0);
    return f;
}
