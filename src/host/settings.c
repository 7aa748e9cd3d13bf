/* How the machine is set at this moment. Each fact is read alone; none depends on another. */
#include "settings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fs.h"

/* "always [madvise] never" -> "madvise" */
static char *transparent_hugepage(const char *root) {
    char *text = sb_host_text("%s/sys/kernel/mm/transparent_hugepage/enabled", root);
    const char *open = text ? strchr(text, '[') : NULL;
    char *chosen = open ? sb_strndup(open + 1, strcspn(open + 1, "]")) : NULL;
    free(text);
    return chosen;
}

/* What all CPUs say, "performance" or, where they differ, "performance,powersave". */
static char *cpufreq(const char *root, const char *file) {
    char *pattern = sb_asprintf("/sys/devices/system/cpu/cpu[0-9]*/cpufreq/%s", file);
    struct sb_strv paths = {0}, values = {0};
    sb_host_glob(root, pattern, &paths);
    struct sb_buf joined = SB_BUF_INIT(1024);
    for (size_t i = 0; i < paths.n; i++) {
        char *value = sb_host_text("%s", paths.item[i]);
        if (value && !sb_strv_has(&values, value)) {
            sb_buf_addf(&joined, "%s%s", values.n ? "," : "", value);
            sb_strv_add(&values, value);
        }
        free(value);
    }
    free(pattern);
    sb_strv_release(&paths);
    sb_strv_release(&values);
    return joined.len ? sb_buf_detach(&joined) : NULL;
}

/* 1 on battery, 0 on mains, -1 unknown (a desktop has no power supply to ask). */
static int on_battery(const char *root) {
    struct sb_strv supplies = {0};
    sb_host_glob(root, "/sys/class/power_supply/*", &supplies);
    bool mains = false, discharging = false, known = false;
    for (size_t i = 0; i < supplies.n; i++) {
        char *type = sb_host_text("%s/type", supplies.item[i]);
        char *scope = sb_host_text("%s/scope", supplies.item[i]);
        char *status = sb_host_text("%s/status", supplies.item[i]);
        long long online = sb_host_integer("%s/online", supplies.item[i]);
        bool battery = type && strcmp(type, "Battery") == 0;
        if (scope && strcmp(scope, "Device") == 0) { /* a mouse's, not the machine's */
        } else if (battery && status) {
            known = true;
            discharging |= strcmp(status, "Discharging") == 0;
        } else if (!battery && online > 0) {
            known = mains = true;
        }
        free(type);
        free(scope);
        free(status);
    }
    sb_strv_release(&supplies);
    return known ? discharging && !mains : -1;
}

static double load_average(const char *root) {
    char *text = sb_host_text("%s/proc/loadavg", root);
    char *end = text;
    double load = text ? strtod(text, &end) : NAN;
    if (end == text || !(load >= 0))
        load = NAN;
    free(text);
    return load;
}

/* /proc/pressure/cpu and its like: "some avg10=1.23 avg60=...": per cent of the last 10 s in
 * which some task waited. */
static double pressure(const char *root, const char *what) {
    char *text = sb_host_text("%s/proc/pressure/%s", root, what);
    char *avg10 = text ? strstr(text, "some avg10=") : NULL;
    double percent = avg10 ? strtod(avg10 + strlen("some avg10="), NULL) : NAN;
    free(text);
    return percent;
}

static int cpu_threads(const char *root) {
    char *info = sb_host_text("%s/proc/cpuinfo", root);
    int threads = 0;
    for (const char *at = info; at && (at = strstr(at, "processor\t")); at++)
        threads += at == info || at[-1] == '\n';
    free(info);
    return threads;
}

void sb_host_settings_read(const char *root, struct sb_host_settings *ret) {
    char *meminfo = sb_host_text("%s/proc/meminfo", root);
    long long swap_total = sb_host_field_kib(meminfo, "SwapTotal");
    long long swap_free = sb_host_field_kib(meminfo, "SwapFree");
    free(meminfo);
    *ret = (struct sb_host_settings){
        .governor = cpufreq(root, "scaling_governor"),
        .energy_preference = cpufreq(root, "energy_performance_preference"),
        .platform_profile = sb_host_text("%s/sys/firmware/acpi/platform_profile", root),
        .thp = transparent_hugepage(root),
        .on_battery = on_battery(root),
        .cpu_threads = cpu_threads(root),
        .load_average = load_average(root),
        .cpu_pressure_percent = pressure(root, "cpu"),
        .memory_pressure_percent = pressure(root, "memory"),
        .io_pressure_percent = pressure(root, "io"),
        .swap_total_bytes = swap_total,
        .swap_used_bytes = swap_total < 0 || swap_free < 0 ? -1 : swap_total - swap_free,
    };
}

void sb_host_settings_release(struct sb_host_settings *s) {
    free(s->governor);
    free(s->energy_preference);
    free(s->platform_profile);
    free(s->thp);
    *s = (struct sb_host_settings){0};
}
