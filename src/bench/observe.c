/* What the machine does while runs are measured: read at both edges of a run, never within. */
#include <math.h>
#include <string.h>

#include "launch.h"

/* The kernel counts in hundredths of a second: less than this of measuring says nothing of others. */
static const double LEAST_OBSERVED_S = 1;

static bool is_on_gpu(const struct launch *l) {
    const char *device = l->plan->backend->device;
    return device && strcmp(device, "none") != 0;
}

static struct edge look(const struct launch *l) {
    if (!sb_server_is_ours(l->server)) /* this machine's sensors say nothing of it */
        return (struct edge){sb_now_s(), (double)NAN, 0, (double)NAN};
    struct sb_cpu_use cpu = sb_host_cpu_use("");
    double server_s = sb_server_cpu_s(l->server);
    return (struct edge){.at_s = sb_now_s(),
                         .cpus = cpu.cpus,
                         .others_s = cpu.busy_s - server_s,
                         .energy_j = is_on_gpu(l) ? sb_host_gpu_energy_j("")
                                                  : sb_host_package_energy_j("")};
}

void sb_launch_before_run(struct launch *l) {
    l->edge = look(l);
}

static void observe_peaks(struct sb_launch *rec) {
    struct sb_reading s = sb_host_read("");
    if (s.vram_used_bytes > rec->peak_vram_bytes)
        rec->peak_vram_bytes = s.vram_used_bytes;
    if (s.gtt_used_bytes > rec->peak_gtt_bytes)
        rec->peak_gtt_bytes = s.gtt_used_bytes;
    rec->temperature_max_c = fmax(rec->temperature_max_c, s.temperature_c); /* fmax ignores NaN */
}

void sb_launch_after_run(struct launch *l, const struct sb_run *r) {
    struct edge now = look(l);
    double others_s = now.others_s - l->edge.others_s, energy_j = now.energy_j - l->edge.energy_j;
    if (sb_server_is_ours(l->server))
        observe_peaks(&l->record);
    if (r->warmup)
        return;
    if (others_s >= 0) {
        l->seen.watched_s += now.at_s - l->edge.at_s;
        l->seen.others_s += others_s;
        l->record.cores = now.cpus;
    }
    /* A counter that wrapped says nothing; turns would make another figure of it: most is prompt. */
    if (energy_j > 0 && r->turn == 0) {
        l->seen.energy_j += energy_j;
        l->seen.energy_s += now.at_s - l->edge.at_s;
        l->seen.tokens += (double)r->predicted_n;
    }
}

void sb_launch_sum_up(struct launch *l) {
    struct sb_launch *rec = &l->record;
    if (l->seen.watched_s >= LEAST_OBSERVED_S)
        rec->other_cores = l->seen.others_s / l->seen.watched_s;
    if (l->seen.energy_j > 0) {
        rec->energy_j = l->seen.energy_j;
        rec->power_w = l->seen.energy_j / l->seen.energy_s;
        rec->energy_tok_per_j = l->seen.tokens / l->seen.energy_j;
    }
    const char *busy = sb_flag_name(SB_FLAG_BUSY);
    if (sb_launch_was_busy(rec) && !sb_strv_has(&l->cell->flags, busy))
        sb_strv_add(&l->cell->flags, busy);
}
