/* Which device holds the weights, from the server's own log.
 *
 * No endpoint names the device. "offloaded 9/9 layers to GPU" is printed even when every buffer
 * is on the CPU, so the "model buffer size" lines alone are believed:
 *     load_tensors:      Vulkan0 model buffer size =    79.28 MiB
 *     llama_kv_cache:    Vulkan0 KV buffer size =     4.00 MiB
 *     sched_reserve:     Vulkan0 compute buffer size =    98.50 MiB */
#include "stratobench/llama.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEVICES = 64, MAX_LINE_BYTES = 1024 };

static void add_weights(struct sb_llama_proof *p, const char *device, double mib) {
    for (size_t i = 0; i < p->n_weights; i++)
        if (strcmp(p->weights[i].device, device) == 0) {
            p->weights[i].mib += mib;
            return;
        }
    if (p->n_weights == MAX_DEVICES)
        return;
    p->weights = sb_realloc(p->weights, p->n_weights + 1, sizeof *p->weights);
    p->weights[p->n_weights++] = (struct sb_llama_buffer){.device = sb_strdup(device), .mib = mib};
}

/* The word before `what` and the number after its "=". False when the line has no such pair. */
static bool buffer_line(const char *line, const char *what, char device[64], double *ret_mib) {
    const char *at = strstr(line, what);
    if (!at || sscanf(at + strlen(what), " = %lf MiB", ret_mib) != 1 || !isfinite(*ret_mib) ||
        *ret_mib < 0)
        return false;
    while (at > line && at[-1] == ' ')
        at--;
    const char *start = at;
    while (start > line && start[-1] != ' ' && start[-1] != ':')
        start--;
    size_t n = (size_t)(at - start);
    if (n == 0 || n >= 64)
        return false;
    struct sb_buf clean = SB_BUF_INIT(63);
    sb_buf_add_printable(&clean, start, n);
    snprintf(device, 64, "%s", sb_buf_str(&clean));
    sb_buf_release(&clean);
    return true;
}

static void parse_line(const char *line, struct sb_llama_proof *p) {
    char device[64];
    double mib;
    int a, b;
    if (buffer_line(line, "model buffer size", device, &mib)) {
        if (mib > 0)
            add_weights(p, device, mib);
    } else if (buffer_line(line, "compute buffer size", device, &mib) ||
               buffer_line(line, "KV buffer size", device, &mib)) {
        if (mib > 0 && p->compute.n < MAX_DEVICES && !sb_strv_has(&p->compute, device))
            sb_strv_add(&p->compute, device);
    } else {
        const char *off = strstr(line, "offloaded ");
        if (off && sscanf(off, "offloaded %9d/%9d layers", &a, &b) == 2 && a >= 0 && b >= a) {
            p->offloaded = a;
            p->layers = b;
        }
    }
}

void sb_llama_parse_log(const char *text, size_t len, struct sb_llama_proof *ret) {
    *ret = (struct sb_llama_proof){.offloaded = -1, .layers = -1};
    for (size_t i = 0; i < len;) {
        const char *nl = memchr(text + i, '\n', len - i);
        size_t n = nl ? (size_t)(nl - (text + i)) : len - i;
        if (n < MAX_LINE_BYTES) {
            char line[MAX_LINE_BYTES];
            memcpy(line, text + i, n);
            line[n] = '\0';
            parse_line(line, ret);
        }
        i += n + 1;
    }
}

/* Line by line, since a server may flood its log before it says what counts. */
int sb_llama_parse_log_file(const char *path, struct sb_llama_proof *ret) {
    FILE *f = fopen(path, "re");
    if (!f)
        return -1;
    *ret = (struct sb_llama_proof){.offloaded = -1, .layers = -1};
    char line[MAX_LINE_BYTES] = "";
    for (bool whole = true; fgets(line, sizeof line, f); memset(line, 0, sizeof line)) {
        bool ends = memchr(line, '\n', sizeof line) != NULL; /* there may be NULs before it */
        if (whole && ends)
            parse_line(line, ret);
        whole = ends;
    }
    (void)fclose(f); /* only read */
    return 0;
}

void sb_llama_proof_release(struct sb_llama_proof *p) {
    for (size_t i = 0; i < p->n_weights; i++)
        free(p->weights[i].device);
    free(p->weights);
    sb_strv_release(&p->compute);
    *p = (struct sb_llama_proof){0};
}
