/* What changes while a machine works: memory, temperature, kills. */
#include "stratobench/host.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "fs.h"

static long long least_known(long long a, long long b) {
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

/* What a limited cgroup has left: page cache counts as used there, but gives way. */
static long long cgroup_available(const char *group, long long limit) {
    long long used = sb_host_integer("%s/memory.current", group);
    if (used < 0)
        return -1;
    char *stat = sb_host_text("%s/memory.stat", group);
    long long cache[] = {sb_host_field_integer(stat, "inactive_file"),
                         sb_host_field_integer(stat, "active_file")};
    free(stat);
    for (size_t i = 0; i < 2; i++)
        used -= cache[i] > 0 ? cache[i] : 0;
    return used < limit ? limit - used : 0;
}

struct sb_memory sb_host_memory(const char *root) {
    char *meminfo = sb_host_text("%s/proc/meminfo", root);
    struct sb_memory m = {.total_bytes = sb_host_field_kib(meminfo, "MemTotal"),
                          .available_bytes = sb_host_field_kib(meminfo, "MemAvailable")};
    free(meminfo);
    struct sb_strv groups = {0};
    sb_host_cgroups(root, &groups);
    for (size_t i = 0; i < groups.n; i++) {
        long long limit = sb_host_integer("%s/memory.max", groups.item[i]); /* or "max" */
        if (limit < 0)
            continue;
        m.total_bytes = least_known(m.total_bytes, limit);
        m.available_bytes = least_known(m.available_bytes, cgroup_available(groups.item[i], limit));
    }
    sb_strv_release(&groups);
    return m;
}

long long sb_host_disk_free(const char *path) {
    char *folder = sb_strdup(path);
    struct statvfs fs;
    int rc;
    while ((rc = statvfs(folder, &fs)) != 0) {
        char *slash = strrchr(folder, '/');
        if (!slash || slash == folder) {
            rc = statvfs(slash ? "/" : ".", &fs);
            break;
        }
        *slash = '\0';
    }
    free(folder);
    return rc == 0 ? (long long)fs.f_bavail * (long long)fs.f_frsize : -1;
}

/* NaN and -1 mean that nothing was read yet. */
static void keep_highest(double *kept, double value) {
    if (isnan(*kept) || value > *kept)
        *kept = value;
}

static void add_known(long long *sum, long long value) {
    if (value >= 0)
        *sum = (*sum < 0 ? 0 : *sum) + value;
}

static void highest_temperature(double *kept, const char *hwmon) {
    long long millidegrees = sb_host_integer("%s/temp1_input", hwmon);
    if (millidegrees >= 0)
        keep_highest(kept, (double)millidegrees / 1e3);
}

static void read_gpu(struct sb_reading *s, const char *device) {
    add_known(&s->vram_used_bytes, sb_host_integer("%s/mem_info_vram_used", device));
    add_known(&s->gtt_used_bytes, sb_host_integer("%s/mem_info_gtt_used", device));
    struct sb_strv hwmons = {0};
    sb_host_glob(device, "/hwmon/hwmon*", &hwmons);
    for (size_t i = 0; i < hwmons.n; i++) {
        highest_temperature(&s->temperature_c, hwmons.item[i]);
    }
    sb_strv_release(&hwmons);
}

static void read_cpu(struct sb_reading *s, const char *root) {
    static const char *const drivers[] = {"k10temp", "coretemp", "zenpower", "cpu_thermal"};
    struct sb_strv hwmons = {0};
    sb_host_glob(root, "/sys/class/hwmon/hwmon*", &hwmons);
    for (size_t i = 0; i < hwmons.n; i++) {
        char *name = sb_host_text("%s/name", hwmons.item[i]);
        for (size_t k = 0; name && k < sizeof drivers / sizeof *drivers; k++)
            if (strcmp(name, drivers[k]) == 0)
                highest_temperature(&s->temperature_c, hwmons.item[i]);
        free(name);
    }
    sb_strv_release(&hwmons);
}

static void read_kernel(struct sb_reading *s, const char *root) {
    char *vmstat = sb_host_text("%s/proc/vmstat", root);
    s->oom_kills = sb_host_field_integer(vmstat, "oom_kill");
    free(vmstat);

    struct sb_strv groups = {0};
    sb_host_cgroups(root, &groups);
    for (size_t i = 0; i < groups.n; i++) {
        char *events = sb_host_text("%s/memory.events", groups.item[i]);
        long long kills = sb_host_field_integer(events, "oom_kill");
        if (kills > s->oom_kills)
            s->oom_kills = kills;
        free(events);
    }
    sb_strv_release(&groups);
}

struct sb_reading sb_host_read(const char *root) {
    struct sb_reading s = {
        .temperature_c = NAN, .vram_used_bytes = -1, .gtt_used_bytes = -1, .oom_kills = -1};
    struct sb_strv devices = {0};
    sb_host_gpu_devices(root, &devices);
    for (size_t i = 0; i < devices.n; i++)
        read_gpu(&s, devices.item[i]);
    sb_strv_release(&devices);
    read_cpu(&s, root);
    read_kernel(&s, root);
    return s;
}
