/* Private to the host module: how the machine is set, for the probe to list and the warnings to
 * judge. */
#ifndef STRATOBENCH_HOST_SETTINGS_H
#define STRATOBENCH_HOST_SETTINGS_H

#include "stratobench/base_facts.h"

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

/* What else probe.c lists: versions of the drivers' packages, amdgpu's parameters. NULL when there
 * is nothing to say; the caller frees it. */
struct sb_fact *sb_host_software(const char *root);
struct sb_fact *sb_host_amdgpu_parameters(const char *root);

/* Takes ownership of text; made printable, since sysfs and the environment hold any bytes and
 * a results file does not. NULL adds nothing. */
void sb_host_put_text(struct sb_fact *o, const char *key, char *text);

#endif
