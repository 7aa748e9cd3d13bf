/* What the kernel says of a child that runs: who listens, from which files it runs, what it takes.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "watchdog.h"

enum { LISTENS = 0x0a }; /* of the kernel's states of a socket */
enum { MAX_SOCKETS = 16, MAX_ANCESTORS = 64, MAX_MAPS_BYTES = 16 << 20, TABLE_ROW_BYTES = 150 };

/* ---- who listens ---------------------------------------------------------------------------- */

/* The sockets that listen on a port, by inode: those of 127.0.0.1 alone where there are any, since
 * it is they that a client there reaches. Adds to n; -1 where the process has no such table (any
 * more).
 *
 * Listeners come first in the table; behind them the kernel looks through every place that a
 * connection may have, hundreds of thousands, which takes longer than all else that is asked of a
 * new server. So it is read a row at a time, up to the first that does not listen. */
static int listening_sockets(const char *process, const char *table, int port,
                             unsigned long *inodes, bool *exact, int n) {
    char path[64], line[512], loopback[16];
    snprintf(path, sizeof path, "/proc/%s/net/%s", process, table);
    snprintf(loopback, sizeof loopback, "%08X", htonl(INADDR_LOOPBACK));
    FILE *f = fopen(path, "re");
    if (!f)
        return -1;
    (void)setvbuf(f, NULL, _IOFBF, TABLE_ROW_BYTES);
    for (unsigned state = LISTENS; state == LISTENS && fgets(line, sizeof line, f);) {
        char address[40];
        unsigned at;
        unsigned long inode;
        if (sscanf(line, " %*d: %39[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*s %*s %lu", address,
                   &at, &state, &inode) != 4 ||
            (int)at != port || state != LISTENS)
            continue;
        bool is_exact = strcmp(address, loopback) == 0;
        if (is_exact && !*exact)
            n = 0;
        if (is_exact == (*exact || is_exact) && n < MAX_SOCKETS)
            inodes[n++] = inode;
        *exact |= is_exact;
    }
    (void)fclose(f); /* only read */
    return n;
}

static bool holds_one(pid_t pid, const unsigned long *inodes, int n) {
    char path[64], target[64];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    bool holds = false;
    for (struct dirent *d; dir && !holds && (d = readdir(dir));) {
        unsigned long inode;
        ssize_t len = readlinkat(dirfd(dir), d->d_name, target, sizeof target - 1);
        target[len > 0 ? len : 0] = '\0';
        if (sscanf(target, "socket:[%lu]", &inode) == 1)
            for (int i = 0; i < n; i++)
                holds |= inode == inodes[i];
    }
    if (dir)
        closedir(dir);
    return holds;
}

/* The fields of /proc/PID/stat from the third on: the name before them may hold anything. */
static bool read_stat(pid_t pid, char *buf, size_t size) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(buf, 1, size - 1, f) : 0;
    if (f)
        (void)fclose(f); /* only read */
    buf[n] = '\0';
    char *end = strrchr(buf, ')');
    if (!end)
        return false;
    memmove(buf, end + 1, strlen(end + 1) + 1);
    return true;
}

static pid_t parent_of(pid_t pid) {
    char stat[1024];
    int parent = 0;
    return read_stat(pid, stat, sizeof stat) && sscanf(stat, " %*c %d", &parent) == 1 ? parent : 0;
}

static bool is_below(pid_t pid, pid_t ancestor) {
    for (int i = 0; i < MAX_ANCESTORS && pid > 1; i++) {
        if (pid == ancestor)
            return true;
        pid = parent_of(pid);
    }
    return false;
}

/* In the network of `process`; -1 where it has none (any more). */
static int listeners(const char *process, int port, unsigned long *inodes) {
    bool exact = false;
    int n = listening_sockets(process, "tcp", port, inodes, &exact, 0);
    int more = n < 0 || exact ? -1 : listening_sockets(process, "tcp6", port, inodes, &exact, n);
    return more < 0 ? n : more;
}

/* `top`: everything below it is looked at, too. */
static pid_t find_listener(pid_t pid, pid_t top, int port) {
    unsigned long inodes[MAX_SOCKETS];
    char process[16];
    snprintf(process, sizeof process, "%d", (int)pid);
    int n = listeners(process, port, inodes);
    if (n < 0) /* it has ended, or is about to: whoever answers us is in our own network */
        n = listeners("self", port, inodes);
    if (n <= 0)
        return -1;
    if (holds_one(pid, inodes, n))
        return pid;
    DIR *dir = opendir("/proc");
    pid_t found = 0;
    for (struct dirent *d; dir && !found && (d = readdir(dir));) {
        pid = (pid_t)strtol(d->d_name, NULL, 10);
        if (pid > 0 && is_below(pid, top) && holds_one(pid, inodes, n))
            found = pid;
    }
    if (dir)
        closedir(dir);
    return found;
}

pid_t sb_proc_listener(const struct sb_proc *p, int port) {
    return find_listener(sb_proc_pid(p), sb_proc_watchdog(p), port);
}

pid_t sb_pid_listener(pid_t pid, int port) {
    return find_listener(pid, pid, port);
}

/* ---- what it is made of, what it takes -------------------------------------------------------- */

void sb_pid_add_files(pid_t pid, struct sb_files *files) {
    char path[64], *line = NULL;
    size_t size = 0, read = 0;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *f = fopen(path, "re");
    for (ssize_t n; f && read < MAX_MAPS_BYTES && (n = getline(&line, &size, f)) > 0;) {
        read += (size_t)n;
        char *file = strchr(line, '/'), flags[5] = "";
        if (!file || sscanf(line, "%*s %4s", flags) != 1 || flags[2] != 'x')
            continue;
        file[strcspn(file, "\n")] = '\0';
        sb_files_add(files, file); /* "… (deleted)" is no file and is not added */
    }
    if (f)
        (void)fclose(f); /* only read */
    free(line);
}

long long sb_pid_peak_rss_bytes(pid_t pid) {
    char path[64], line[256];
    long long kib = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    while (f && kib < 0 && fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %lld kB", &kib) != 1)
            kib = -1;
    if (f)
        (void)fclose(f); /* only read */
    return kib < 0 ? -1 : kib * 1024;
}

double sb_pid_cpu_s(pid_t pid) {
    char stat[1024];
    unsigned long long user, system;
    if (!read_stat(pid, stat, sizeof stat) ||
        sscanf(stat, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) != 2)
        return (double)NAN;
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* ---- which program a name is ------------------------------------------------------------------ */

char *sb_program_path(const char *name, const char *const *envp) {
    if (strchr(name, '/'))
        return access(name, F_OK) == 0 ? sb_strdup(name) : NULL;
    for (const char *dir = sb_search_path(envp); dir; dir = strchr(dir, ':')) {
        dir += *dir == ':';
        int len = (int)strcspn(dir, ":");
        char *path = sb_asprintf("%.*s%s%s", len, dir, len ? "/" : "", name);
        if (*name && access(path, X_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}
