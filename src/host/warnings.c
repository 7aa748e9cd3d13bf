/* What would spoil a measurement, said so that it can be mended. */
#include <stdlib.h>
#include <string.h>

#include "fs.h"
#include "settings.h"
#include "stratobench/host.h"

/* "performance,powersave" holds "powersave". */
static bool list_has(const char *list, const char *word) {
    size_t len = strlen(word);
    for (const char *at = list; at && *at; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",") == len && strncmp(at, word, len) == 0)
            return true;
    return false;
}

/* Settings that trade speed for watts. With the p-state drivers `powersave` only leaves the
 * choice to the energy preference, so it is no fault where there is one. */
static void warn_of_power_saving(const struct sb_host_settings *s, struct sb_strv *ret) {
    if (list_has(s->governor, "conservative") ||
        (list_has(s->governor, "powersave") && !s->energy_preference))
        sb_strv_take(ret, sb_asprintf("the CPU governor is %s, which holds the clock down; set it "
                                      "with: cpupower frequency-set -g performance",
                                      s->governor));
    if (list_has(s->energy_preference, "power") || list_has(s->energy_preference, "balance_power"))
        sb_strv_take(ret, sb_asprintf("the CPU's energy preference is %s, which holds the clock "
                                      "down; set it with: powerprofilesctl set performance",
                                      s->energy_preference));
    static const char *const slow_profiles[] = {"low-power", "quiet", "cool"};
    for (size_t i = 0; i < sizeof slow_profiles / sizeof *slow_profiles; i++)
        if (list_has(s->platform_profile, slow_profiles[i]))
            sb_strv_take(ret, sb_asprintf("the platform profile is %s, which lowers the power "
                                          "limit; set it with: powerprofilesctl set performance",
                                          s->platform_profile));
    if (s->on_battery == 1)
        sb_strv_add(ret, "the machine runs on battery, which lowers its power limits; plug it in");
}

static void warn_of_load(const struct sb_host_settings *s, struct sb_strv *ret) {
    /* One busy thread is enough to disturb a small machine; on a big one a few go unnoticed. */
    if (s->load_average > 1 + 0.05 * s->cpu_threads)
        sb_strv_take(ret, sb_asprintf("the load average is %.1f: other work runs on this machine; "
                                      "stop it, or wait a minute if it has just ended",
                                      s->load_average));
    else if (s->cpu_pressure_percent > 15) /* work that has just begun shows here first */
        sb_strv_take(ret, sb_asprintf("tasks waited for a CPU in %.0f %% of the last 10 s: other "
                                      "work runs on this machine; stop it",
                                      s->cpu_pressure_percent));
    if (s->swap_used_bytes > 256LL << 20) /* less is idle daemons' pages */
        sb_strv_take(ret, sb_asprintf("%.1f GiB of swap is in use: pages that come back slow a "
                                      "run; free memory, then: swapoff -a && swapon -a",
                                      (double)s->swap_used_bytes / (1 << 30)));
    if (s->memory_pressure_percent > 1)
        sb_strv_take(ret, sb_asprintf("tasks waited for memory in %.0f %% of the last 10 s; close "
                                      "what uses it",
                                      s->memory_pressure_percent));
}

static void warn_of_gpus(const char *root, struct sb_strv *ret) {
    struct sb_strv devices = {0};
    sb_host_gpu_devices(root, &devices);
    for (size_t i = 0; i < devices.n; i++) {
        const char *card = strstr(devices.item[i], "/card") + 1;
        int card_len = (int)strcspn(card, "/");
        long long busy = sb_host_integer("%s/gpu_busy_percent", devices.item[i]);
        char *level = sb_host_text("%s/power_dpm_force_performance_level", devices.item[i]);
        if (busy > 10)
            sb_strv_take(ret, sb_asprintf("GPU %.*s is %lld %% busy before anything was launched; "
                                          "close what uses it",
                                          card_len, card, busy));
        if (level && strcmp(level, "low") == 0)
            sb_strv_take(ret, sb_asprintf("GPU %.*s is held at its lowest clocks; write auto into "
                                          "%s/power_dpm_force_performance_level",
                                          card_len, card, devices.item[i]));
        free(level);
    }
    sb_strv_release(&devices);
}

void sb_host_warnings(const char *root, struct sb_strv *ret) {
    struct sb_host_settings s;
    sb_host_settings_read(root, &s);
    warn_of_load(&s, ret);
    warn_of_power_saving(&s, ret);
    warn_of_gpus(root, ret);
    sb_host_settings_release(&s);
}
