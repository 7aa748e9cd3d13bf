/* What is to be believed: a run by its figures, a device by the server's log. */
#include "internal.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- runs -------------------------------------------------------------------------------- */

static bool positive(double x) {
    return isfinite(x) && x > 0;
}

/* Sending, waking and reading took 1 to 6 ms in 143 runs on three machines. */
static const double MOST_OVERHEAD_MS = 50;
/* Name, connection, TLS and reply over a slow line; a queue behind others' requests is longer. */
static const double MOST_OVERHEAD_FAR_MS = 1000;

bool sb_run_is_late(const struct sb_run *r, bool far) {
    double claimed_ms = r->prompt_ms + r->predicted_ms;
    return r->wall_ms - claimed_ms >
           fmax(far ? MOST_OVERHEAD_FAR_MS : MOST_OVERHEAD_MS, claimed_ms);
}

const char *sb_run_check(const struct sb_run *r, const struct sb_expectation *want, int truncated,
                         char *buf, size_t size) {
    if (r->cache_n < 0 || r->prompt_n < 0 || r->predicted_n < 0)
        return "token counts missing in timings";
    if (r->cache_n != want->cache_n)
        snprintf(buf, size, "%lld prompt tokens came from the cache, not %lld", r->cache_n,
                 want->cache_n);
    else if (want->picture && r->prompt_n <= want->prompt_n)
        snprintf(buf, size,
                 "%lld prompt tokens processed, no more than the %lld of the text: the "
                 "picture is not in them",
                 r->prompt_n, want->prompt_n);
    else if (!want->picture && r->prompt_n != want->prompt_n)
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
    else if (sb_run_is_late(r, want->far))
        snprintf(buf, size, "server claims %.1f ms of work, but it took %.0f ms",
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

/* A device that computed other than the CPU, or NULL. */
static const char *other_device(const struct sb_llama_proof *p) {
    for (size_t i = 0; i < p->n_weights; i++)
        if (!is_cpu(p->weights[i].device))
            return p->weights[i].device;
    for (size_t i = 0; i < p->compute.n; i++)
        if (!is_cpu(p->compute.item[i]))
            return p->compute.item[i];
    return NULL;
}

struct sb_strv sb_device_names(const char *configured) {
    struct sb_strv names = {0};
    if (!configured || !sb_device_on_gpu(configured))
        return names;
    for (const char *at = configured; *at; at += *at == ',') {
        size_t len = strcspn(at, ",");
        sb_strv_take(&names, sb_strndup(at, len));
        at += len;
    }
    return names;
}

/* "Vulkan1", and not a kind of buffer such as "ROCm_Split", which lies on several devices. */
static bool is_device_name(const char *buffer) {
    const char *digits = buffer;
    while (isalpha((unsigned char)*digits))
        digits++;
    return digits > buffer && *digits && digits[strspn(digits, "0123456789")] == '\0';
}

/* Where the weights are, in MiB. */
struct weights {
    double total, cpu, configured;
    size_t n_devices; /* other than the CPU */
    size_t n_named;   /* devices that the claim names */
    bool elsewhere;   /* some are on a device that is not configured */
    char *devices;    /* other than the CPU, "Vulkan0, Vulkan1"; "CPU" when there is none */
};

static struct weights weigh(const struct sb_llama_proof *p, const char *configured) {
    struct sb_strv names = sb_device_names(configured);
    struct weights w = {.n_named = names.n};
    struct sb_buf devices = SB_BUF_INIT(1024);
    for (size_t i = 0; i < p->n_weights; i++) {
        const struct sb_llama_buffer *b = &p->weights[i];
        w.total += b->mib;
        if (is_cpu(b->device)) {
            w.cpu += b->mib;
            continue;
        }
        sb_buf_addf(&devices, "%s%s", w.n_devices++ ? ", " : "", b->device);
        if (sb_strv_has(&names, b->device))
            w.configured += b->mib;
        else
            w.elsewhere |= is_device_name(b->device);
    }
    if (devices.len == 0)
        sb_buf_adds(&devices, "CPU");
    w.devices = sb_buf_detach(&devices);
    sb_strv_release(&names);
    return w;
}

/* Why the device is not the one claimed, or NULL. Who asks for GPU layers claims a GPU, and who
 * asks for none the CPU. */
static char *contradiction(const struct sb_device_claim *claim, const struct weights *w,
                           const char *other) {
    if (claim->device ? !sb_device_on_gpu(claim->device) : claim->layers == 0)
        return other ? sb_asprintf("%s computed, not the CPU alone", other) : NULL;
    if (claim->device && w->configured <= 0)
        return sb_asprintf("ran on %s, not %s", w->devices, claim->device);
    if (claim->device && w->elsewhere)
        return sb_asprintf("ran on %s, not %s alone", w->devices, claim->device);
    if (claim->layers > 0 && w->cpu >= w->total)
        return sb_strdup("ran on CPU, not on a GPU as asked");
    return NULL;
}

/* A GPU row with more than this share of the weights on the CPU says so, the token embedding not
 * counted, which is there whatever the device: a few per cent of most models. */
static const double REMARKABLE_SHARE = 0.10;

/* What the Notes say of a row whose device is believed. */
static void remark(const struct sb_device_claim *claim, const struct sb_llama_proof *p,
                   const struct weights *w, const char *other, struct sb_strv *remarks) {
    if (!claim->device && other && w->cpu >= w->total)
        sb_strv_take(remarks, sb_asprintf("weights on CPU, %s computed too", other));
    else if (!claim->device)
        sb_strv_take(remarks, sb_asprintf("on %s", w->devices));
    else if (w->n_devices && w->n_devices < w->n_named)
        sb_strv_take(remarks, sb_asprintf("on %s alone", w->devices));
    if (w->cpu >= w->total)
        return;
    double cpu_percent = 100 * w->cpu / w->total;
    if (p->layers > 0 && p->offloaded < p->layers)
        sb_strv_take(remarks,
                     sb_asprintf("%d/%d layers on the GPU, %.0f %% of the weights on the CPU",
                                 p->offloaded, p->layers, cpu_percent));
    else if (w->cpu - claim->lookup_mib > REMARKABLE_SHARE * w->total)
        sb_strv_take(remarks, sb_asprintf("%.0f %% of the weights on the CPU", cpu_percent));
}

char *sb_judge_device(const struct sb_device_claim *claim, const struct sb_llama_proof *p,
                      struct sb_strv *remarks) {
    struct weights w = weigh(p, claim->device);
    char *why = NULL;
    if (w.total <= 0 && w.n_named) {
        why = sb_strdup("device not proved");
    } else if (w.total <= 0) {
        sb_strv_add(remarks, "device not proved");
    } else {
        const char *other = other_device(p);
        why = contradiction(claim, &w, other);
        if (!why)
            remark(claim, p, &w, other, remarks);
    }
    free(w.devices);
    return why;
}
