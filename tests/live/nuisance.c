/* What happens to a real server, or to the harness, in tests/live/doubts: loaded into it by
 * LD_PRELOAD, told by NUISANCE what to do:
 *
 * slow-clock: every clock runs 100 times slow.
 *
 * failed-reply: the first finished completion is answered with status 500.
 *
 * robbed: the first port that is bound is written to the file NUISANCE_FILE, and bound once there
 * is a file "taken".
 *
 * suspended: once there is the file NUISANCE_FILE, the machine has slept for 100 s. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static bool is_on(const char *what) {
    const char *told = getenv("NUISANCE");
    return told && strcmp(told, what) == 0;
}

/* The C library's own; through memcpy, since ISO C knows no way from data to code. */
#define ORIGINAL(function, pointer)                                                                \
    do {                                                                                           \
        void *found = dlsym(RTLD_NEXT, #function);                                                 \
        memcpy(&(pointer), &found, sizeof found);                                                  \
    } while (0)

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*original)(clockid_t, struct timespec *);
    enum { S_IN_NS = 1000000000 };
    if (!original)
        ORIGINAL(clock_gettime, original);
    int rc = original(clock, now);
    if (rc == 0 && is_on("slow-clock")) {
        int64_t ns = ((int64_t)now->tv_sec * S_IN_NS + now->tv_nsec) / 100;
        *now = (struct timespec){ns / S_IN_NS, ns % S_IN_NS};
    }
    if (rc == 0 && clock == CLOCK_BOOTTIME && is_on("suspended") &&
        access(getenv("NUISANCE_FILE"), F_OK) == 0)
        now->tv_sec += 100;
    return rc;
}

static _Thread_local bool asked_to_complete;

ssize_t recv(int fd, void *data, size_t size, int flags) {
    static const char request[] = "POST /completion ";
    static ssize_t (*original)(int, void *, size_t, int);
    if (!original)
        ORIGINAL(recv, original);
    ssize_t n = original(fd, data, size, flags);
    if (n >= (ssize_t)(sizeof request - 1) && memcmp(data, request, sizeof request - 1) == 0)
        asked_to_complete = true;
    return n;
}

ssize_t send(int fd, const void *data, size_t size, int flags) {
    static const char good[] = "HTTP/1.1 200 OK";
    static ssize_t (*original)(int, const void *, size_t, int);
    static bool failed;
    if (!original)
        ORIGINAL(send, original);
    if (is_on("failed-reply") && asked_to_complete && !failed && size >= sizeof good - 1 &&
        memcmp(data, good, sizeof good - 1) == 0) {
        char *bad = malloc(size);
        if (!bad)
            abort();
        memcpy(bad, data, size);
        memcpy(bad, "HTTP/1.1 500 No", sizeof good - 1);
        failed = true;
        ssize_t n = original(fd, bad, size, flags);
        free(bad);
        return n;
    }
    return original(fd, data, size, flags);
}

static void be_robbed(const struct sockaddr *address) {
    struct sockaddr_in in;
    const char *file = getenv("NUISANCE_FILE");
    if (address->sa_family != AF_INET || access(file, F_OK) == 0)
        return;
    memcpy(&in, address, sizeof in);
    FILE *f = fopen(file, "w");
    if (!f || fprintf(f, "%d\n", ntohs(in.sin_port)) < 0 || fclose(f) != 0)
        abort();
    for (int i = 0; i < 10000 && access("taken", F_OK) != 0; i++)
        usleep(1000);
}

int bind(int fd, const struct sockaddr *address, socklen_t size) {
    static int (*original)(int, const struct sockaddr *, socklen_t);
    if (!original)
        ORIGINAL(bind, original);
    if (is_on("robbed"))
        be_robbed(address);
    return original(fd, address, size);
}
