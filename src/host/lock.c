/* Each measuring run listens on an abstract socket (a leading NUL), which leaves no file behind,
 * whatever ends us: the first at place 0, one that is allowed beside it at the next free place.
 * Nobody accepts; whoever connects is told by the kernel who listens, so that another user can take
 * a place, but only in their own name. A few connections are all that a look costs. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fs.h"
#include "stratobench/host.h"

enum { PLACES = 64, COMMAND_MAX = 120 };

struct place {
    struct sockaddr_un address;
    socklen_t size;
};

static struct place place_of(const char *name, int number) {
    struct place p = {.address.sun_family = AF_UNIX};
    struct sb_buf b = SB_BUF_INIT(sizeof p.address.sun_path - 1);
    sb_buf_addf(&b, "%s/%d", name, number);
    memcpy(p.address.sun_path + 1, b.data, b.len);
    p.size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + b.len);
    sb_buf_release(&b);
    return p;
}

static int new_socket(void) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd < 0 ? -errno : fd;
}

static int take(const struct place *p) {
    int fd = new_socket();
    if (fd < 0)
        return fd;
    if (bind(fd, (const struct sockaddr *)&p->address, p->size) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int error = errno;
    close(fd);
    return -error;
}

/* "pid 4711 of uid 1000 (stratobench run models.ini)", or what is known of it. */
static char *describe(const struct ucred *who) {
    if (who->pid == 0)
        return sb_asprintf("a process of another container (uid %u)", who->uid);
    struct sb_buf words = SB_BUF_INIT(4096), text = SB_BUF_INIT(COMMAND_MAX);
    char *path = sb_asprintf("/proc/%d/cmdline", (int)who->pid);
    sb_file_read(path, &words, NULL);
    free(path);
    for (size_t i = 0; i < words.len; i++)
        if (words.data[i] == '\0' || words.data[i] == '\n')
            words.data[i] = ' ';
    sb_buf_add_printable(&text, sb_buf_str(&words), words.len ? words.len - 1 : 0);
    char *command = text.len ? sb_asprintf(" (%s%s)", sb_buf_str(&text), text.overflow ? "…" : "")
                             : sb_strdup("");
    char *described = sb_asprintf("pid %d of uid %u%s", (int)who->pid, who->uid, command);
    free(command);
    sb_buf_release(&words);
    sb_buf_release(&text);
    return described;
}

/* Who listens at a place? NULL when nobody does. */
static char *holder_of(const struct place *p) {
    int fd = new_socket();
    struct ucred who = {0};
    socklen_t size = sizeof who;
    char *described = NULL;
    if (fd < 0)
        return NULL;
    if (connect(fd, (const struct sockaddr *)&p->address, p->size) == 0 &&
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0)
        described = describe(&who);
    else if (errno != ECONNREFUSED)
        described = sb_strdup("a process that does not say who it is");
    close(fd);
    return described;
}

int sb_host_lock_named(const char *name, bool concurrent, struct sb_strv *ret_others) {
    int fd = -EADDRINUSE, own = -1;
    size_t before = ret_others->n;
    while (fd == -EADDRINUSE && ++own < (concurrent ? PLACES : 1)) {
        struct place p = place_of(name, own);
        fd = take(&p);
    }
    for (int i = 0; i < PLACES; i++) {
        struct place p = place_of(name, i);
        char *holder = i == own && fd >= 0 ? NULL : holder_of(&p);
        if (holder)
            sb_strv_take(ret_others, holder);
    }
    if (fd == -EADDRINUSE && ret_others->n == before) /* bound, but it does not listen */
        sb_strv_add(ret_others, "a process that does not say who it is");
    if (fd >= 0 && !concurrent && ret_others->n > before) {
        close(fd);
        fd = -EADDRINUSE;
    }
    return fd;
}

int sb_host_lock(bool concurrent, struct sb_strv *ret_others) {
    return sb_host_lock_named("stratobench/measuring", concurrent, ret_others);
}
