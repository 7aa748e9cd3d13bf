/* What this machine is and how it is set. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host_fs.h"
#include "stratobench/host.h"

/* ---- single facts, each absent (NULL, -1, NaN) where the machine does not say -------------- */

/* "always [madvise] never" -> "madvise" */
static char *transparent_hugepage(const char *root) {
    char *text = sb_host_text("%s/sys/kernel/mm/transparent_hugepage/enabled", root);
    const char *open = text ? strchr(text, '[') : NULL;
    char *chosen = open ? sb_strndup(open + 1, strcspn(open + 1, "]")) : NULL;
    free(text);
    return chosen;
}

/* The words of the kernel's command line that bear on speed. The rest names disks, keys and
 * hosts, which is nobody's business in a file made for publishing. */
static char *kernel_cmdline(const char *root) {
    static const char *const about_speed[] = {"amd_iommu=",
                                              "amd_pstate",
                                              "amdgpu.",
                                              "clocksource=",
                                              "cpufreq.",
                                              "cpuidle",
                                              "default_hugepag",
                                              "hugepage",
                                              "idle=",
                                              "init_on_",
                                              "intel_idle.",
                                              "intel_iommu=",
                                              "intel_psta",
                                              "iommu",
                                              "isolcpus=",
                                              "maxcpus=",
                                              "mem=",
                                              "mitigation",
                                              "nohz",
                                              "nosmt",
                                              "nr_cpus=",
                                              "numa",
                                              "nvidia",
                                              "pcie_aspm",
                                              "preempt=",
                                              "processor.",
                                              "rcu_nocbs=",
                                              "threadirqs",
                                              "transparent_",
                                              "ttm.",
                                              "tsc="};
    char *text = sb_host_text("%s/proc/cmdline", root);
    struct sb_buf kept = SB_BUF_INIT(4096);
    char *rest = text;
    for (char *word; text && (word = strsep(&rest, " "));)
        for (size_t i = 0; i < sizeof about_speed / sizeof *about_speed; i++)
            if (strncmp(word, about_speed[i], strlen(about_speed[i])) == 0) {
                sb_buf_addf(&kept, "%s%s", kept.len ? " " : "", word);
                break;
            }
    free(text);
    return kept.len ? sb_buf_detach(&kept) : NULL;
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

/* cgroup v2 cpu.max, "400000 100000" = 4 cores; the tightest of our groups. NaN = no limit. */
static double cpu_limit_cores(const char *root) {
    struct sb_strv groups = {0};
    sb_host_cgroups(root, &groups);
    double cores = NAN;
    for (size_t i = 0; i < groups.n; i++) {
        char *max = sb_host_text("%s/cpu.max", groups.item[i]);
        char *end = max;
        double quota = max ? strtod(max, &end) : 0;
        double period = quota > 0 ? strtod(end, NULL) : 0;
        if (period > 0 && !(quota / period >= cores))
            cores = quota / period;
        free(max);
    }
    sb_strv_release(&groups);
    return cores;
}

struct cpu {
    char *model;
    int threads, cores; /* 0 unknown */
};

static struct cpu probe_cpu(const char *root) {
    char *info = sb_host_text("%s/proc/cpuinfo", root);
    struct cpu cpu = {.model = sb_host_field(info, "model name")};
    struct sb_strv cores = {0};
    for (char *block = info, *next; block; block = next) {
        next = strstr(block, "\n\n");
        if (next) {
            *next = '\0';
            next += 2;
        }
        char *package = sb_host_field(block, "physical id");
        char *core = sb_host_field(block, "core id");
        char *pair = core ? sb_asprintf("%s/%s", package ? package : "0", core) : NULL;
        cpu.threads += sb_host_field_integer(block, "processor") >= 0;
        if (pair && !sb_strv_has(&cores, pair))
            sb_strv_add(&cores, pair);
        free(pair);
        free(package);
        free(core);
    }
    cpu.cores = (int)cores.n;
    sb_strv_release(&cores);
    free(info);
    return cpu;
}

struct swap {
    long long total_bytes, used_bytes;
};

static struct swap probe_swap(const char *root) {
    char *meminfo = sb_host_text("%s/proc/meminfo", root);
    long long total = sb_host_field_kib(meminfo, "SwapTotal");
    long long unused = sb_host_field_kib(meminfo, "SwapFree");
    free(meminfo);
    return (struct swap){total, total < 0 || unused < 0 ? -1 : total - unused};
}

/* ---- the JSON object ----------------------------------------------------------------------- */

/* Takes ownership of text; made printable, since sysfs and the environment hold any bytes and
 * JSON does not. */
static void put_text(cJSON *o, const char *key, char *text) {
    if (text) {
        struct sb_buf safe = SB_BUF_INIT(64 * 1024);
        sb_buf_add_printable(&safe, text, strlen(text));
        cJSON_AddStringToObject(o, key, sb_buf_str(&safe));
        sb_buf_release(&safe);
    }
    free(text);
}

static void put_number(cJSON *o, const char *key, double value) {
    if (isfinite(value) && value >= 0)
        cJSON_AddNumberToObject(o, key, value);
}

static void put_integer(cJSON *o, const char *key, long long value) {
    put_number(o, key, (double)value);
}

static cJSON *member(cJSON *o, const char *key) {
    return cJSON_GetObjectItemCaseSensitive(o, key);
}

/* The compute architecture as ROCm writes it, "gfx1151", from the KFD node that shares the
 * card's render device. NULL where there is none. */
static char *gfx_target(const char *root, const char *device) {
    struct sb_strv renders = {0}, nodes = {0};
    sb_host_glob(device, "/drm/renderD*", &renders);
    sb_host_glob(root, "/sys/class/kfd/kfd/topology/nodes/*/properties", &nodes);
    long long minor = -1;
    if (renders.n > 0)
        minor = strtoll(strstr(renders.item[0], "/drm/renderD") + strlen("/drm/renderD"), NULL, 10);
    char *gfx = NULL;
    for (size_t i = 0; i < nodes.n && minor > 0 && !gfx; i++) {
        char *properties = sb_host_text("%s", nodes.item[i]);
        long long version = sb_host_field_integer(properties, "gfx_target_version");
        if (version > 0 && sb_host_field_integer(properties, "drm_render_minor") == minor)
            gfx = sb_asprintf("gfx%lld%llx%llx", version / 10000, version / 100 % 100,
                              version % 100); /* 110501, 90010 -> gfx1151, gfx90a */
        free(properties);
    }
    sb_strv_release(&renders);
    sb_strv_release(&nodes);
    return gfx;
}

/* Few drivers name the card: amdgpu some, NVIDIA's its own way. */
static char *gpu_name(const char *root, const char *device, const char *pci_slot) {
    char *name = sb_host_text("%s/product_name", device);
    if (!name && pci_slot) {
        char *info = sb_host_text("%s/proc/driver/nvidia/gpus/%s/information", root, pci_slot);
        name = sb_host_field(info, "Model");
        free(info);
    }
    return name;
}

static cJSON *probe_gpu(const char *root, const char *device) {
    cJSON *gpu = cJSON_CreateObject();
    const char *card = strstr(device, "/sys/class/drm/") + strlen("/sys/class/drm/");
    char *uevent = sb_host_text("%s/uevent", device);
    char *slot = sb_host_field(uevent, "PCI_SLOT_NAME");
    put_text(gpu, "card", sb_strndup(card, strcspn(card, "/")));
    put_text(gpu, "name", gpu_name(root, device, slot));
    put_text(gpu, "pci_id", sb_host_field(uevent, "PCI_ID"));
    put_text(gpu, "driver", sb_host_field(uevent, "DRIVER"));
    put_text(gpu, "gfx", gfx_target(root, device));
    put_integer(gpu, "vram_total_bytes", sb_host_integer("%s/mem_info_vram_total", device));
    put_integer(gpu, "gtt_total_bytes", sb_host_integer("%s/mem_info_gtt_total", device));
    put_text(gpu, "power_dpm_level", sb_host_text("%s/power_dpm_force_performance_level", device));
    free(slot);
    free(uevent);
    return gpu;
}

/* Cards that have a driver in DRM and, on machines made for computing alone, those that only
 * NVIDIA's own driver knows. */
static cJSON *probe_gpus(const char *root) {
    cJSON *gpus = cJSON_CreateArray();
    struct sb_strv devices = {0}, infos = {0};
    sb_host_gpu_devices(root, &devices);
    for (size_t i = 0; i < devices.n; i++)
        cJSON_AddItemToArray(gpus, probe_gpu(root, devices.item[i]));
    if (devices.n == 0)
        sb_host_glob(root, "/proc/driver/nvidia/gpus/*/information", &infos);
    for (size_t i = 0; i < infos.n; i++) {
        cJSON *gpu = cJSON_CreateObject();
        char *info = sb_host_text("%s", infos.item[i]);
        put_text(gpu, "name", sb_host_field(info, "Model"));
        put_text(gpu, "driver", sb_strdup("nvidia"));
        cJSON_AddItemToArray(gpus, gpu);
        free(info);
    }
    sb_strv_release(&devices);
    sb_strv_release(&infos);
    return gpus;
}

static cJSON *probe_environment(const char *const *envp) {
    static const char *const prefixes[] = {"GGML_", "HSA_", "ROCBLAS_", "HIP_",
                                           "VK_",   "AMD_", "RADV_",    "MESA_"};
    cJSON *environment = cJSON_CreateObject();
    for (; envp && *envp; envp++) {
        const char *equals = strchr(*envp, '=');
        for (size_t i = 0; equals && i < sizeof prefixes / sizeof *prefixes; i++) {
            if (strncmp(*envp, prefixes[i], strlen(prefixes[i])) != 0)
                continue;
            char *name = sb_strndup(*envp, (size_t)(equals - *envp));
            put_text(environment, name, sb_strdup(equals + 1));
            free(name);
        }
    }
    return environment;
}

/* " — NAME (gfx1151, 0.5 GiB VRAM, 120.0 GiB GTT)" of a card that is more than a screen. */
static void describe_gpu(struct sb_buf *line, cJSON *gpu) {
    const char *name = cJSON_GetStringValue(member(gpu, "name"));
    const char *driver = cJSON_GetStringValue(member(gpu, "driver"));
    const char *pci_id = cJSON_GetStringValue(member(gpu, "pci_id"));
    const char *gfx = cJSON_GetStringValue(member(gpu, "gfx"));
    cJSON *vram = member(gpu, "vram_total_bytes");
    cJSON *gtt = member(gpu, "gtt_total_bytes");
    if (!name && !gfx && !vram)
        return;
    sb_buf_adds(line, line->len ? " — " : "");
    if (name)
        sb_buf_adds(line, name);
    else
        sb_buf_addf(line, "%s %s", driver ? driver : "GPU", pci_id ? pci_id : "");
    struct sb_buf more = SB_BUF_INIT(256);
    if (gfx)
        sb_buf_addf(&more, ", %s", gfx);
    if (vram)
        sb_buf_addf(&more, ", %.1f GiB VRAM", cJSON_GetNumberValue(vram) / (1 << 30));
    if (gtt)
        sb_buf_addf(&more, ", %.1f GiB GTT", cJSON_GetNumberValue(gtt) / (1 << 30));
    if (more.len)
        sb_buf_addf(line, " (%s)", more.data + 2);
    sb_buf_release(&more);
}

static char *hardware_line(cJSON *host) {
    struct sb_buf line = SB_BUF_INIT(4096);
    cJSON *cpu = member(host, "cpu"), *threads = member(host, "cpu_threads");
    cJSON *memory = member(host, "memory_bytes");
    if (cpu)
        sb_buf_adds(&line, cJSON_GetStringValue(cpu));
    if (cpu && threads)
        sb_buf_addf(&line, " (%.0f threads)", cJSON_GetNumberValue(threads));
    cJSON *gpu;
    cJSON_ArrayForEach(gpu, member(host, "gpus")) describe_gpu(&line, gpu);
    if (memory)
        sb_buf_addf(&line, "%s%.0f GiB memory", line.len ? ", " : "",
                    cJSON_GetNumberValue(memory) / (1 << 30));
    return line.len ? sb_buf_detach(&line) : NULL;
}

static void put_cpu_and_memory(cJSON *o, const char *root) {
    struct cpu cpu = probe_cpu(root);
    put_text(o, "cpu", cpu.model);
    put_integer(o, "cpu_cores", cpu.cores ? cpu.cores : -1);
    put_integer(o, "cpu_threads", cpu.threads ? cpu.threads : -1);
    put_number(o, "cpu_limit_cores", cpu_limit_cores(root));

    char *meminfo = sb_host_text("%s/proc/meminfo", root);
    long long machine_bytes = sb_host_field_kib(meminfo, "MemTotal");
    free(meminfo);
    long long usable_bytes = sb_host_memory(root).total_bytes;
    put_integer(o, "memory_bytes", machine_bytes);
    put_integer(o, "memory_limit_bytes", usable_bytes != machine_bytes ? usable_bytes : -1);

    struct swap swap = probe_swap(root);
    put_integer(o, "swap_total_bytes", swap.total_bytes);
    put_integer(o, "swap_used_bytes", swap.used_bytes);
}

static void put_settings(cJSON *o, const char *root) {
    put_text(o, "governor", cpufreq(root, "scaling_governor"));
    put_text(o, "energy_performance_preference", cpufreq(root, "energy_performance_preference"));
    put_text(o, "platform_profile", sb_host_text("%s/sys/firmware/acpi/platform_profile", root));
    put_text(o, "thp", transparent_hugepage(root));
    int battery = on_battery(root);
    if (battery >= 0)
        cJSON_AddBoolToObject(o, "on_battery", battery);
    put_number(o, "load_average_1m", load_average(root));
    put_number(o, "cpu_pressure_percent", pressure(root, "cpu"));
    put_number(o, "memory_pressure_percent", pressure(root, "memory"));
    put_number(o, "io_pressure_percent", pressure(root, "io"));
}

cJSON *sb_host_probe(const char *root, const char *const *envp) {
    cJSON *host = cJSON_CreateObject();
    put_cpu_and_memory(host, root);
    put_text(host, "kernel", sb_host_text("%s/proc/sys/kernel/osrelease", root));
    put_text(host, "kernel_cmdline", kernel_cmdline(root));
    char *release = sb_host_text("%s/etc/os-release", root);
    put_text(host, "os", sb_host_field(release, "PRETTY_NAME"));
    free(release);
    put_settings(host, root);
    cJSON_AddItemToObject(host, "gpus", probe_gpus(root));
    cJSON_AddItemToObject(host, "environment", probe_environment(envp));
    put_text(host, "hardware", hardware_line(host));

    struct sb_strv warnings = {0};
    sb_host_warnings(root, &warnings);
    cJSON *list = cJSON_AddArrayToObject(host, "warnings");
    for (size_t i = 0; i < warnings.n; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(warnings.item[i]));
    sb_strv_release(&warnings);
    return host;
}

/* ---- warnings ------------------------------------------------------------------------------ */

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
static void warn_of_power_saving(const char *root, struct sb_strv *ret) {
    char *governor = cpufreq(root, "scaling_governor");
    char *preference = cpufreq(root, "energy_performance_preference");
    char *profile = sb_host_text("%s/sys/firmware/acpi/platform_profile", root);
    if (list_has(governor, "conservative") || (list_has(governor, "powersave") && !preference))
        sb_strv_take(ret, sb_asprintf("the CPU governor is %s, which holds the clock down; set it "
                                      "with: cpupower frequency-set -g performance",
                                      governor));
    if (list_has(preference, "power") || list_has(preference, "balance_power"))
        sb_strv_take(ret, sb_asprintf("the CPU's energy preference is %s, which holds the clock "
                                      "down; set it with: cpupower set --epp performance, or "
                                      "powerprofilesctl set performance",
                                      preference));
    if (profile && (strcmp(profile, "low-power") == 0 || strcmp(profile, "quiet") == 0 ||
                    strcmp(profile, "cool") == 0))
        sb_strv_take(ret, sb_asprintf("the platform profile is %s, which lowers the power limit; "
                                      "set it with: powerprofilesctl set performance",
                                      profile));
    free(governor);
    free(preference);
    free(profile);
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
    double load = load_average(root);
    struct cpu cpu = probe_cpu(root);
    /* One busy thread is enough to disturb a small machine; on a big one a few go unnoticed. */
    if (load > 1 + 0.05 * cpu.threads)
        sb_strv_take(ret, sb_asprintf("the load average is %.1f: other work runs on this machine; "
                                      "stop it, or wait a minute if it has just ended",
                                      load));
    free(cpu.model);

    if (on_battery(root) == 1)
        sb_strv_add(ret, "the machine runs on battery, which lowers its power limits; plug it in");
    warn_of_power_saving(root, ret);
    warn_of_gpus(root, ret);

    struct swap swap = probe_swap(root);
    if (swap.used_bytes > 256LL << 20) /* less is idle daemons' pages */
        sb_strv_take(ret, sb_asprintf("%.1f GiB of swap is in use: pages that come back slow a "
                                      "run; free memory, then: swapoff -a && swapon -a",
                                      (double)swap.used_bytes / (1 << 30)));
    double waiting = pressure(root, "memory");
    if (waiting > 1)
        sb_strv_take(ret, sb_asprintf("tasks waited for memory in %.0f %% of the last 10 s; close "
                                      "what uses it",
                                      waiting));
}
