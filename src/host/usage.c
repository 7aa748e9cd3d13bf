/* What is counted since the machine started: the CPUs' busy time, energy. Two readings make a figure. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs.h"
#include "stratobench/host.h"

struct sb_cpu_use sb_host_cpu_use(const char *root) {
    struct sb_cpu_use use = {.busy_s = NAN};
    char *stat = sb_host_text("%s/proc/stat", root);
    unsigned long long t[7];
    if (stat && sscanf(stat, "cpu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3],
                       &t[4], &t[5], &t[6]) == 7) /* user nice system idle iowait irq softirq */
        use.busy_s = (double)(t[0] + t[1] + t[2] + t[5] + t[6]) / (double)sysconf(_SC_CLK_TCK);
    for (const char *line = stat; line && (line = strstr(line, "\ncpu")); line++)
        use.cpus++;
    free(stat);
    return use;
}

static void add_microjoules(double *sum_j, long long microjoules) {
    if (microjoules >= 0)
        *sum_j = (isnan(*sum_j) ? 0 : *sum_j) + (double)microjoules / 1e6;
}

double sb_host_gpu_energy_j(const char *root) {
    double sum_j = NAN;
    struct sb_strv devices = {0};
    sb_host_gpu_devices(root, &devices);
    for (size_t i = 0; i < devices.n; i++) {
        struct sb_strv hwmons = {0};
        sb_host_glob(devices.item[i], "/hwmon/hwmon*", &hwmons);
        for (size_t k = 0; k < hwmons.n; k++)
            add_microjoules(&sum_j, sb_host_integer("%s/energy1_input", hwmons.item[k]));
        sb_strv_release(&hwmons);
    }
    sb_strv_release(&devices);
    return sum_j;
}

double sb_host_package_energy_j(const char *root) {
    double sum_j = NAN;
    struct sb_strv zones = {0};
    sb_host_glob(root, "/sys/class/powercap/*-rapl:*", &zones);
    for (size_t i = 0; i < zones.n; i++) {
        char *name = sb_host_text("%s/name", zones.item[i]); /* cores and memory are parts of it */
        if (name && strncmp(name, "package", 7) == 0)
            add_microjoules(&sum_j, sb_host_integer("%s/energy_uj", zones.item[i]));
        free(name);
    }
    sb_strv_release(&zones);
    return sum_j;
}
