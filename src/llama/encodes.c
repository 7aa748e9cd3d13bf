/* How long pictures took to encode, from the server's own log.
 *
 * Builds of 2025 say it ("image slice encoded in 84 ms"); build 11669 tells when it began and when it
 * went on:
 *     0.01.637.107 I slot encode_mtmd_: id  0 | task 0 | encoding mtmd batch from idx = 15, n_chunks = 1
 *     0.01.722.168 I decoding image batch 1/1, n_tokens_batch = 16
 *     0.01.725.543 I image decoded (batch 1/1) in 3 ms
 *     0.02.523.631 I slot print_timing: id  0 | task 0 | prompt eval time =     708.01 ms / …
 * A picture may come in several slices; the line with the prompt's time ends the request. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "stratobench/llama.h"

enum { MAX_LINE_BYTES = 1024, MAX_ENCODES = 1 << 20 };

struct encodes {
    double *ms;
    size_t n;
    double began_ms; /* of the slice that is being encoded; NaN */
    double sum_ms;   /* of the request that is being read; NaN: it has no picture yet */
};

/* "M.SS.mmm.uuu", the time since its start; NaN where a line begins with something else. */
static double stamp_ms(const char *line) {
    int minutes, seconds, ms, us;
    if (sscanf(line, "%9d.%2d.%3d.%3d ", &minutes, &seconds, &ms, &us) != 4)
        return (double)NAN;
    return minutes * 60e3 + seconds * 1e3 + ms + us / 1e3;
}

static void add(struct encodes *e, double ms) {
    if (isfinite(ms) && ms >= 0)
        e->sum_ms = isnan(e->sum_ms) ? ms : e->sum_ms + ms;
    e->began_ms = (double)NAN;
}

static void read_line(struct encodes *e, const char *line) {
    static const char said[] = "slice encoded in ";
    const char *told = strstr(line, said);
    double ms;
    if (told && sscanf(told + strlen(said), "%lf ms", &ms) == 1) {
        add(e, ms);
    } else if (strstr(line, "encoding mtmd batch") || strstr(line, "encoding image")) {
        e->began_ms = stamp_ms(line);
    } else if (strstr(line, "decoding image batch 1/") && isfinite(e->began_ms)) {
        add(e, round((stamp_ms(line) - e->began_ms) * 1e3) / 1e3); /* as exact as the stamps */
    } else if (strstr(line, "prompt eval time") && isfinite(e->sum_ms) && e->n < MAX_ENCODES) {
        e->ms = sb_grow(e->ms, e->n, sizeof *e->ms);
        e->ms[e->n++] = e->sum_ms;
        e->sum_ms = (double)NAN;
    }
}

int sb_llama_encode_times(const char *log_path, double **ret_ms, size_t *ret_n) {
    struct encodes e = {.began_ms = (double)NAN, .sum_ms = (double)NAN};
    FILE *f = fopen(log_path, "re");
    if (!f)
        return -1;
    char line[MAX_LINE_BYTES];
    for (bool whole = true; fgets(line, sizeof line, f);) {
        bool ends = strchr(line, '\n') != NULL;
        if (whole && ends)
            read_line(&e, line);
        whole = ends;
    }
    (void)fclose(f); /* only read */
    *ret_ms = e.ms;
    *ret_n = e.n;
    return 0;
}
