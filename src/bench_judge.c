/* What is to be believed: a run by its figures, a device by the server's log. */
#include "bench_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- runs -------------------------------------------------------------------------------- */

static bool positive(double x) {
    return isfinite(x) && x > 0;
}

const char *sb_run_check(const struct sb_run *r, const struct sb_run_expectation *want,
                         int truncated, char *buf, size_t size) {
    if (r->cache_n < 0 || r->prompt_n < 0 || r->predicted_n < 0)
        return "token counts missing in timings";
    if (r->cache_n != want->cache_n)
        snprintf(buf, size, "%lld prompt tokens came from the cache, not %lld", r->cache_n,
                 want->cache_n);
    else if (r->prompt_n != want->prompt_n)
        snprintf(buf, size, "%lld prompt tokens processed, not the %lld sent", r->prompt_n,
                 want->prompt_n);
    else if (truncated == 1)
        return "generation was cut by the context";
    else if (r->predicted_n != want->n_predict)
        snprintf(buf, size, "%lld tokens generated, not %lld (stop: %s)", r->predicted_n,
                 want->n_predict, r->stop_type ? r->stop_type : "not said");
    else if (r->predicted_n < 2)
        return "one generated token has no speed";
    else if (r->stop_type && strcmp(r->stop_type, "limit") != 0)
        snprintf(buf, size, "generation stopped by %s, not by the limit", r->stop_type);
    else if (!positive(r->prompt_ms) || !positive(r->predicted_ms))
        return "times missing, negative or not finite in timings";
    else if (!positive(r->pp_tps) || !positive(r->tg_tps))
        return "speed is not a finite positive number";
    else if (r->wall_ms < r->prompt_ms + r->predicted_ms)
        snprintf(buf, size, "server claims %.0f ms of work in %.0f ms",
                 r->prompt_ms + r->predicted_ms, r->wall_ms);
    else
        return NULL;
    return buf;
}

/* ---- devices ----------------------------------------------------------------------------- */

/* Buffers that are main memory whatever the device: the CPU's own kinds, and memory pinned for a
 * GPU ("Vulkan_Host"), which holds no weights of its own accord and computes nothing. */
static bool is_cpu(const char *buffer) {
    static const char *const kinds[] = {"CPU", "CPU_Mapped", "CPU_REPACK", "CPU_AARCH64", "CPU_HBM",
                                        "AMX", "BLAS",       "KleidiAI",   "CPU_KLEIDIAI"};
    size_t n = strlen(buffer);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(buffer, kinds[i]) == 0)
            return true;
    return n > 5 && strcmp(buffer + n - 5, "_Host") == 0;
}

bool sb_device_is_cpu(const char *configured) {
    return strcmp(configured, "none") == 0 || strcmp(configured, "cpu") == 0;
}

/* The device that a CPU-only backend used all the same, or NULL. */
static const char *other_device(const struct sb_llama_proof *p) {
    for (size_t i = 0; i < p->n_weights; i++)
        if (!is_cpu(p->weights[i].device))
            return p->weights[i].device;
    for (size_t i = 0; i < p->compute.n; i++)
        if (!is_cpu(p->compute.item[i]))
            return p->compute.item[i];
    return NULL;
}

/* True when the configured list ("Vulkan0,Vulkan1") names this device. */
static bool listed(const char *configured, const char *device) {
    size_t n = strlen(device);
    for (const char *p = configured; *p; p += strcspn(p, ","), p += *p == ',')
        if (strncmp(p, device, n) == 0 && (p[n] == ',' || p[n] == '\0'))
            return true;
    return false;
}

/* A GPU row with more than this share of the weights elsewhere says so. Below it lies what is
 * always on the CPU: the token embedding is a few per cent of most models. */
static const double REMARKABLE_SHARE = 0.10;

char *sb_judge_device(const char *configured, const struct sb_llama_proof *p,
                      struct sb_strv *remarks) {
    double total_mib = 0, there_mib = 0, cpu_mib = 0;
    for (size_t i = 0; i < p->n_weights; i++) {
        total_mib += p->weights[i].mib;
        if (is_cpu(p->weights[i].device))
            cpu_mib += p->weights[i].mib;
        if (configured && listed(configured, p->weights[i].device))
            there_mib += p->weights[i].mib;
    }
    if (total_mib <= 0) {
        sb_strv_add(remarks, "device not proved");
        return NULL;
    }
    if (configured && sb_device_is_cpu(configured)) {
        const char *other = other_device(p);
        return other ? sb_asprintf("%s computed, not the CPU alone", other) : NULL;
    }
    if (configured && there_mib <= 0) {
        const char *where = "CPU";
        for (size_t i = 0; i < p->n_weights; i++)
            if (!is_cpu(p->weights[i].device))
                where = p->weights[i].device;
        return sb_asprintf("ran on %s, not %s", where, configured);
    }
    bool gpu = configured || cpu_mib < total_mib;
    if (gpu && p->layers > 0 && p->offloaded < p->layers)
        sb_strv_take(remarks,
                     sb_asprintf("%d/%d layers on the GPU, %.0f %% of the weights on the CPU",
                                 p->offloaded, p->layers, 100 * cpu_mib / total_mib));
    else if (gpu && cpu_mib / total_mib > REMARKABLE_SHARE)
        sb_strv_take(remarks,
                     sb_asprintf("%.0f %% of the weights on the CPU", 100 * cpu_mib / total_mib));
    return NULL;
}
