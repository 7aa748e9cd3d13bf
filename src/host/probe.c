/* What this machine is, as the "host" object of the results. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fs.h"
#include "settings.h"
#include "stratobench/host.h"

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

/* cgroup v2 cpu.max, "400000 100000" = 4 cores; the tightest of our groups. NaN = no limit. */
static double cpu_limit_cores(const char *root) {
    struct sb_strv groups = {0};
    sb_host_cgroups(root, &groups);
    double cores = NAN;
    for (size_t i = 0; i < groups.n; i++) {
        char *max = sb_host_text("%s/cpu.max", groups.item[i]);
        if (!max)
            continue;
        char *end;
        double quota = strtod(max, &end), period = strtod(end, NULL); /* of "max": 0 and 0 */
        if (period > 0 && !(quota / period >= cores))
            cores = quota / period;
        free(max);
    }
    sb_strv_release(&groups);
    return cores;
}

/* Cores of all packages: hyper-threads share a (package, core) pair. 0 unknown. */
static int count_cores(char *cpuinfo) {
    struct sb_strv cores = {0};
    for (char *block = cpuinfo, *next; block; block = next) {
        next = strstr(block, "\n\n");
        if (next) {
            *next = '\0';
            next += 2;
        }
        char *package = sb_host_field(block, "physical id");
        char *core = sb_host_field(block, "core id");
        char *pair = core ? sb_asprintf("%s/%s", package ? package : "0", core) : NULL;
        if (pair && !sb_strv_has(&cores, pair))
            sb_strv_add(&cores, pair);
        free(pair);
        free(package);
        free(core);
    }
    int n = (int)cores.n;
    sb_strv_release(&cores);
    return n;
}

void sb_host_put_text(struct sb_fact *o, const char *key, char *text) {
    if (text) {
        struct sb_buf safe = SB_BUF_INIT(64 << 10);
        sb_buf_add_printable(&safe, text, strlen(text));
        sb_fact_add_text(o, key, sb_buf_str(&safe));
        sb_buf_release(&safe);
    }
    free(text);
}

static void put_number(struct sb_fact *o, const char *key, double value) {
    if (isfinite(value) && value >= 0)
        sb_fact_add_number(o, key, value);
}

static void put_integer(struct sb_fact *o, const char *key, long long value) {
    put_number(o, key, (double)value);
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

/* The limit that the card is held to, in W; NaN where it does not say. */
static double power_cap_w(const char *device) {
    struct sb_strv caps = {0};
    sb_host_glob(device, "/hwmon/hwmon*/power1_cap", &caps);
    long long microwatt = caps.n ? sb_host_integer("%s", caps.item[0]) : -1;
    sb_strv_release(&caps);
    return microwatt > 0 ? (double)microwatt / 1e6 : NAN;
}

static void put_gpu(struct sb_fact *gpus, const char *root, const char *device) {
    struct sb_fact *gpu = sb_fact_add(gpus, NULL, SB_FACT_GROUP);
    const char *card = strstr(device, "/sys/class/drm/") + strlen("/sys/class/drm/");
    char *uevent = sb_host_text("%s/uevent", device);
    char *slot = sb_host_field(uevent, "PCI_SLOT_NAME");
    sb_host_put_text(gpu, "card", sb_strndup(card, strcspn(card, "/")));
    sb_host_put_text(gpu, "name", gpu_name(root, device, slot));
    sb_host_put_text(gpu, "pci_id", sb_host_field(uevent, "PCI_ID"));
    char *driver = sb_host_field(uevent, "DRIVER");
    if (driver) /* of those that do not come with the kernel */
        sb_host_put_text(gpu, "driver_version",
                         sb_host_text("%s/sys/module/%s/version", root, driver));
    sb_host_put_text(gpu, "driver", driver);
    sb_host_put_text(gpu, "gfx", gfx_target(root, device));
    put_integer(gpu, "vram_total_bytes", sb_host_integer("%s/mem_info_vram_total", device));
    put_integer(gpu, "gtt_total_bytes", sb_host_integer("%s/mem_info_gtt_total", device));
    put_number(gpu, "power_cap_w", power_cap_w(device));
    sb_host_put_text(gpu, "power_dpm_level",
                     sb_host_text("%s/power_dpm_force_performance_level", device));
    free(slot);
    free(uevent);
}

/* Cards that have a driver in DRM and, on machines made for computing alone, those that only
 * NVIDIA's own driver knows. */
static void put_gpus(struct sb_fact *o, const char *root) {
    struct sb_fact *gpus = sb_fact_add(o, "gpus", SB_FACT_LIST);
    struct sb_strv devices = {0}, infos = {0};
    sb_host_gpu_devices(root, &devices);
    for (size_t i = 0; i < devices.n; i++)
        put_gpu(gpus, root, devices.item[i]);
    if (devices.n == 0)
        sb_host_glob(root, "/proc/driver/nvidia/gpus/*/information", &infos);
    for (size_t i = 0; i < infos.n; i++) {
        struct sb_fact *gpu = sb_fact_add(gpus, NULL, SB_FACT_GROUP);
        char *info = sb_host_text("%s", infos.item[i]);
        sb_host_put_text(gpu, "name", sb_host_field(info, "Model"));
        sb_host_put_text(gpu, "driver", sb_strdup("nvidia"));
        free(info);
    }
    sb_strv_release(&devices);
    sb_strv_release(&infos);
}

/* The variables of the caller that are recorded. A name that ends in '_' stands for all that begin
 * with it: those are names of the software that computes. AMD_ and VK_ are anyone's. */
static const char *const recorded[] = {
    "GGML_",
    "HSA_",
    "HIP_",
    "ROCBLAS_",
    "HIPBLASLT_",
    "RADV_",
    "MESA_",
    "ROCR_VISIBLE_DEVICES",
    "GPU_MAX_HW_QUEUES",
    "CUDA_VISIBLE_DEVICES",
    "AMD_LOG_LEVEL",
    "AMD_SERIALIZE_KERNEL",
    "AMD_SERIALIZE_COPY",
    "AMD_DIRECT_DISPATCH",
    "AMD_DEBUG",
    "AMD_VULKAN_ICD",
    "VK_DRIVER_FILES",
    "VK_ADD_DRIVER_FILES",
    "VK_ICD_FILENAMES",
    "VK_INSTANCE_LAYERS",
    "VK_LOADER_DRIVERS_SELECT",
    "VK_LOADER_DRIVERS_DISABLE",
    "VK_LOADER_LAYERS_ENABLE",
    "VK_LOADER_LAYERS_DISABLE",
    "OMP_NUM_THREADS",
    "OMP_PROC_BIND",
    "OMP_PLACES",
    "GOMP_CPU_AFFINITY",
};

static bool is_recorded(const char *name, size_t n) {
    for (size_t i = 0; i < sizeof recorded / sizeof *recorded; i++) {
        size_t length = strlen(recorded[i]);
        bool begins = n >= length && strncmp(name, recorded[i], length) == 0;
        if (begins && (n == length || recorded[i][length - 1] == '_'))
            return !sb_env_is_secret(name);
    }
    return false;
}

/* The manifests of k8s say it. */
static const char *node_of(const char *const *envp) {
    static const char name[] = "STRATOBENCH_NODE=";
    for (; envp && *envp; envp++)
        if (strncmp(*envp, name, sizeof name - 1) == 0)
            return *envp + sizeof name - 1;
    return NULL;
}

static void put_environment(struct sb_fact *o, const char *const *envp) {
    struct sb_fact *environment = sb_fact_add(o, "environment", SB_FACT_GROUP);
    for (; envp && *envp; envp++) {
        size_t n = strcspn(*envp, "=");
        if (!(*envp)[n] || !is_recorded(*envp, n))
            continue;
        char *shown = sb_env_shown(*envp), *name = sb_strndup(*envp, n);
        sb_host_put_text(environment, name, sb_strdup(shown + n + 1));
        free(shown);
        free(name);
    }
}

/* " — NAME (gfx1151, 0.5 GiB VRAM, 120.0 GiB GTT)" of a card that is more than a screen. */
static void describe_gpu(struct sb_buf *line, const struct sb_fact *gpu) {
    const char *name = sb_fact_text(gpu, "name");
    const char *driver = sb_fact_text(gpu, "driver");
    const char *pci_id = sb_fact_text(gpu, "pci_id");
    const char *gfx = sb_fact_text(gpu, "gfx");
    double vram = sb_fact_number(gpu, "vram_total_bytes");
    double gtt = sb_fact_number(gpu, "gtt_total_bytes");
    if (!name && !gfx && isnan(vram))
        return;
    sb_buf_adds(line, line->len ? " — " : "");
    if (name)
        sb_buf_adds(line, name);
    else
        sb_buf_addf(line, "%s %s", driver ? driver : "GPU", pci_id ? pci_id : "");
    struct sb_buf more = SB_BUF_INIT(256);
    if (gfx)
        sb_buf_addf(&more, ", %s", gfx);
    if (!isnan(vram))
        sb_buf_addf(&more, ", %.1f GiB VRAM", vram / (1 << 30));
    if (!isnan(gtt))
        sb_buf_addf(&more, ", %.1f GiB GTT", gtt / (1 << 30));
    if (more.len)
        sb_buf_addf(line, " (%s)", more.data + 2);
    sb_buf_release(&more);
}

static char *hardware_line(const struct sb_fact *host) {
    struct sb_buf line = SB_BUF_INIT(4096);
    const char *cpu = sb_fact_text(host, "cpu");
    double threads = sb_fact_number(host, "cpu_threads");
    double memory = sb_fact_number(host, "memory_bytes");
    const struct sb_fact *gpus = sb_fact_of(host, "gpus");
    if (cpu)
        sb_buf_adds(&line, cpu);
    if (cpu && !isnan(threads))
        sb_buf_addf(&line, " (%.0f threads)", threads);
    for (const struct sb_fact *gpu = gpus ? gpus->child : NULL; gpu; gpu = gpu->next)
        describe_gpu(&line, gpu);
    if (!isnan(memory))
        sb_buf_addf(&line, "%s%.0f GiB memory", line.len ? ", " : "", memory / (1 << 30));
    return line.len ? sb_buf_detach(&line) : NULL;
}

static void put_cpu(struct sb_fact *o, const char *root) {
    char *info = sb_host_text("%s/proc/cpuinfo", root);
    sb_host_put_text(o, "cpu", sb_host_field(info, "model name"));
    int cores = count_cores(info);
    put_integer(o, "cpu_cores", cores ? cores : -1);
    put_number(o, "cpu_limit_cores", cpu_limit_cores(root));
    free(info);
}

static void put_memory(struct sb_fact *o, const char *root) {
    char *meminfo = sb_host_text("%s/proc/meminfo", root);
    long long machine_bytes = sb_host_field_kib(meminfo, "MemTotal");
    long long usable_bytes = sb_host_memory(root).total_bytes;
    put_integer(o, "memory_bytes", machine_bytes);
    put_integer(o, "memory_limit_bytes", usable_bytes != machine_bytes ? usable_bytes : -1);
    free(meminfo);
}

static void put_kernel(struct sb_fact *o, const char *root) {
    sb_host_put_text(o, "kernel", sb_host_text("%s/proc/sys/kernel/osrelease", root));
    sb_host_put_text(o, "kernel_cmdline", kernel_cmdline(root));
    char *release = sb_host_text("%s/etc/os-release", root);
    sb_host_put_text(o, "os", sb_host_field(release, "PRETTY_NAME"));
    free(release);
}

static void put_settings(struct sb_fact *o, const char *root) {
    struct sb_host_settings s;
    sb_host_settings_read(root, &s);
    put_integer(o, "cpu_threads", s.cpu_threads ? s.cpu_threads : -1);
    put_integer(o, "swap_total_bytes", s.swap_total_bytes);
    put_integer(o, "swap_used_bytes", s.swap_used_bytes);
    sb_host_put_text(o, "governor", sb_strdup(s.governor));
    sb_host_put_text(o, "energy_performance_preference", sb_strdup(s.energy_preference));
    sb_host_put_text(o, "platform_profile", sb_strdup(s.platform_profile));
    sb_host_put_text(o, "thp", sb_strdup(s.thp));
    if (s.on_battery >= 0)
        sb_fact_add(o, "on_battery", SB_FACT_SWITCH)->number = s.on_battery;
    put_number(o, "load_average_1m", s.load_average);
    put_number(o, "cpu_pressure_percent", s.cpu_pressure_percent);
    put_number(o, "memory_pressure_percent", s.memory_pressure_percent);
    put_number(o, "io_pressure_percent", s.io_pressure_percent);
    sb_host_settings_release(&s);
}

struct sb_fact *sb_host_probe(const char *root, const char *const *envp) {
    struct sb_fact *host = sb_facts_new();
    sb_host_put_text(host, "node", sb_strdup(node_of(envp)));
    put_cpu(host, root);
    put_memory(host, root);
    put_kernel(host, root);
    put_settings(host, root);
    put_gpus(host, root);
    sb_fact_take(host, "software", sb_host_software(root));
    sb_fact_take(host, "amdgpu", sb_host_amdgpu_parameters(root));
    put_environment(host, envp);
    sb_host_put_text(host, "hardware", hardware_line(host));

    struct sb_strv warnings = {0};
    sb_host_warnings(root, &warnings);
    struct sb_fact *list = sb_fact_add(host, "warnings", SB_FACT_LIST);
    for (size_t i = 0; i < warnings.n; i++)
        sb_fact_add_text(list, NULL, warnings.item[i]);
    sb_strv_release(&warnings);
    return host;
}
