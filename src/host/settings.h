/* Private to the host module: how the machine is set, for the probe to list and the warnings to
 * judge. */
#ifndef STRATOBENCH_HOST_SETTINGS_H
#define STRATOBENCH_HOST_SETTINGS_H

struct sb_host_settings {
    char *governor, *energy_preference; /* of all CPUs: "performance", "performance,powersave" */
    char *platform_profile, *thp;       /* NULL: the machine does not say */
    int on_battery;                     /* 1, 0, -1 unknown (a desktop has nothing to ask) */
    int cpu_threads;                    /* 0 unknown */
    double load_average;                /* of a minute; NaN unknown */
    double cpu_pressure_percent, memory_pressure_percent, io_pressure_percent; /* NaN unknown */
    long long swap_total_bytes, swap_used_bytes;                               /* -1 unknown */
};
void sb_host_settings_read(const char *root, struct sb_host_settings *ret);
void sb_host_settings_release(struct sb_host_settings *s);

#endif
