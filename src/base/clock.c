#include <limits.h>
#include <math.h>
#include <time.h>

#include "stratobench/base.h"

double sb_now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double sb_suspended_s(void) {
    struct timespec since_boot, awake;
    clock_gettime(CLOCK_MONOTONIC, &awake);
    clock_gettime(CLOCK_BOOTTIME, &since_boot);
    return (double)(since_boot.tv_sec - awake.tv_sec) +
           (double)(since_boot.tv_nsec - awake.tv_nsec) * 1e-9;
}

int sb_poll_ms(double deadline_s) {
    double ms = ceil((deadline_s - sb_now_s()) * 1e3);
    return ms <= 0 ? 0 : ms < INT_MAX ? (int)ms : INT_MAX;
}

char *sb_now_rfc3339(void) {
    time_t now = time(NULL);
    struct tm tm;
    char text[32];
    gmtime_r(&now, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return sb_strdup(text);
}
