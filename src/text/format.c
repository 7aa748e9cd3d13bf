/* Figures as text. */
#include <math.h>

#include "stratobench/text.h"

void sb_format_load(struct sb_buf *b, double load_s) {
    if (!isfinite(load_s) || load_s < 0 || load_s > 1e9) {
        sb_buf_adds(b, SB_ABSENT);
        return;
    }
    long whole_s = lround(load_s);
    if (load_s < 9.95)
        sb_buf_addf(b, "%.1fs", load_s);
    else if (whole_s < 60)
        sb_buf_addf(b, "%lds", whole_s);
    else
        sb_buf_addf(b, "%ldm%02lds", whole_s / 60, whole_s % 60);
}

void sb_format_duration(struct sb_buf *b, double duration_s) {
    long long t = llround(duration_s);
    if (t >= 3600)
        sb_buf_addf(b, "%lldh%02lldm", t / 3600, t / 60 % 60);
    else if (t >= 60)
        sb_buf_addf(b, "%lldm%02llds", t / 60, t % 60);
    else
        sb_buf_addf(b, "%llds", t);
}

void sb_mean_add(struct sb_buf *b, double mean, double stddev) {
    if (!isfinite(mean)) {
        sb_buf_adds(b, SB_ABSENT);
        return;
    }
    sb_buf_addf(b, "%.1f", mean);
    if (isfinite(stddev))
        sb_buf_addf(b, " ±%.1f", stddev);
}

void sb_ratio_add(struct sb_buf *b, double ratio) {
    sb_buf_addf(b, ratio < 1.995 ? "%.2f×" : ratio < 99.95 ? "%.1f×" : "%.0f×", ratio);
}
