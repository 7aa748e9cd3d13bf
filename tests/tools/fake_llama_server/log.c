/* What it says on standard error, as the build that it stands for. */
#include "fake.h"

#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double started_s;

void begin_log(void) {
    started_s = sb_now_s();
}

void say(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    if (args.build == NEW) {
        double t = sb_now_s() - started_s;
        long us = (long)(t * 1e6);
        fprintf(stderr, "%ld.%02ld.%03ld.%03ld I ", us / 60000000, us / 1000000 % 60,
                us / 1000 % 1000, us % 1000);
    }
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
}

void misuse_log(void) {
    const char *argument;
    char chunk[1024];
    if (mode("binary-log")) {
        static const char junk[] = "\0\0\x1b[2J\x1b]0;title\a\x80\xff\xc3 \xe2\x82\r\b\x9b"
                                   "31m\n";
        fwrite(junk, 1, sizeof junk - 1, stderr);
    }
    memset(chunk, 'x', sizeof chunk);
    if ((argument = mode("long-lines")))
        for (long i = mode_number(argument, 4) * 1024; i > 0; i--)
            fwrite(chunk, 1, sizeof chunk, stderr);
    chunk[sizeof chunk - 1] = '\n';
    if ((argument = mode("flood-stderr")))
        for (long i = mode_number(argument, 64) * 1024; i > 0; i--)
            fwrite(chunk, 1, sizeof chunk, stderr);
}

static void tell_buffers(void) {
    enum { LAYERS = 25 };
    const char *device = args.device ? args.device : *devices() ? devices() : "none";
    int len = (int)strcspn(device, ",");
    bool gpu = strcmp(device, "none") != 0 && !mode("on-cpu");
    bool told = args.build != NEW || strtol(args.verbosity, NULL, 10) >= 4;
    int layers = mode("partial") ? 4 : LAYERS;
    if (args.gpu_layers && strspn(args.gpu_layers, "0123456789") == strlen(args.gpu_layers))
        layers = (int)fmin(LAYERS, strtod(args.gpu_layers, NULL));
    if (!told || mode("silent"))
        return;
    if (!gpu)
        device = "CPU", len = 3, layers = 0;
    else
        say("llama_prepare_model_devices: using device %.*s (Fake GPU) (unknown id) - 23726 MiB "
            "free",
            len, device);
    if (gpu || mode("on-cpu")) /* it says so even when every buffer is on the CPU */
        say("load_tensors: offloaded %d/%d layers to GPU", gpu ? layers : LAYERS, LAYERS);
    say("load_tensors:   CPU_Mapped model buffer size = %8.2f MiB",
        1.72 + 79.28 * (LAYERS - layers) / LAYERS);
    if (layers > 0)
        say("load_tensors: %12.*s model buffer size = %8.2f MiB", len, device,
            79.28 * layers / LAYERS);
    say("llama_kv_cache: %10.*s KV buffer size = %8.2f MiB", len, device, 12.5);
    say("sched_reserve: %10.*s compute buffer size = %8.2f MiB", len, device, 7.01);
}

static void *tell_late(void *argument) {
    const struct timespec lag = {.tv_nsec = 500000000};
    nanosleep(&lag, NULL);
    tell_buffers();
    return argument;
}

void log_buffers(void) {
    pthread_t thread;
    if (!mode("late-log") || pthread_create(&thread, NULL, tell_late, NULL) != 0)
        tell_buffers();
    else
        pthread_detach(thread);
}
