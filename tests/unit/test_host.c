/* Host: made-up machines shown through `root`, and the real page cache. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/magic.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/fs.h"
#include "stratobench/host.h"

/* ---- trees --------------------------------------------------------------------------------- */

struct entry {
    const char *path, *text;
};

static void put(const char *root, const char *path, const char *text) {
    char *full = sb_asprintf("%s%s", root, path);
    for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
        *slash = '/';
    }
    FILE *f = fopen(full, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    free(full);
}

/* A folder of its own for each test; *state is its path. */
static int make_root(void **state) {
    char root[] = "host-root-XXXXXX";
    assert_non_null(mkdtemp(root));
    *state = realpath(root, NULL);
    return *state ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *where) {
    (void)st;
    (void)flag;
    (void)where;
    return remove(path);
}

static int remove_root(void **state) {
    int rc = nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return rc;
}

#define CARD "/sys/class/drm/card1/device"
#define CPU  "/sys/devices/system/cpu"

static const struct entry strix_halo[] = {
    {"/proc/cpuinfo",
     "processor\t: 0\nmodel name\t: AMD RYZEN AI MAX+ 395 w/ Radeon 8060S\nphysical id\t: 0\n"
     "core id\t\t: 0\n\n"
     "processor\t: 1\nmodel name\t: AMD RYZEN AI MAX+ 395 w/ Radeon 8060S\nphysical id\t: 0\n"
     "core id\t\t: 1\n\n"
     "processor\t: 2\nmodel name\t: AMD RYZEN AI MAX+ 395 w/ Radeon 8060S\nphysical id\t: 0\n"
     "core id\t\t: 0\n\n"
     "processor\t: 3\nmodel name\t: AMD RYZEN AI MAX+ 395 w/ Radeon 8060S\nphysical id\t: 0\n"
     "core id\t\t: 1\n\n"},
    {"/proc/meminfo", "MemTotal:       131072000 kB\nMemFree:        1000 kB\n"
                      "MemAvailable:   120000000 kB\nSwapTotal:       8388608 kB\n"
                      "SwapFree:        8388608 kB\n"},
    {"/proc/sys/kernel/osrelease", "6.18.5-amd\n"},
    {"/proc/cmdline",
     "root=UUID=1-2 ro quiet amd_iommu=off rd.luks.key=/k ttm.pages_limit=30720000\n"},
    {"/proc/loadavg", "0.42 0.30 0.20 1/900 12345\n"},
    {"/proc/vmstat", "nr_free_pages 1\npswpin 77\npswpout 5\noom_kill 3\noom_kill_other 9\n"},
    {"/proc/self/cgroup", "0::/user.slice/run.scope\n"},
    {"/proc/pressure/cpu", "some avg10=2.50 avg60=0.00 avg300=0.00 total=1\n"},
    {"/proc/pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n"
                              "full avg10=0.00 avg60=0.00 avg300=0.00 total=1\n"},
    {"/etc/os-release", "NAME=\"Fedora Linux\"\nPRETTY_NAME=\"Fedora Linux 43\"\n"},
    {"/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"},
    {"/sys/firmware/acpi/platform_profile", "performance\n"},
    {"/sys/class/power_supply/AC/type", "Mains\n"},
    {"/sys/class/power_supply/AC/online", "1\n"},
    {"/sys/class/power_supply/BAT0/type", "Battery\n"},
    {"/sys/class/power_supply/BAT0/status", "Charging\n"},
    {CPU "/cpu0/cpufreq/scaling_governor", "powersave\n"},
    {CPU "/cpu1/cpufreq/scaling_governor", "powersave\n"},
    {CPU "/cpu0/cpufreq/energy_performance_preference", "performance\n"},
    {CPU "/cpufreq/policy0/scaling_governor", "not asked\n"},
    {CARD "/uevent", "DRIVER=amdgpu\nPCI_CLASS=38000\nPCI_ID=1002:1586\n"
                     "PCI_SLOT_NAME=0000:c5:00.0\n"},
    {CARD "/drm/renderD128/dev", "226:128\n"},
    {CARD "/gpu_busy_percent", "4\n"},
    {CARD "/mem_info_vram_total", "536870912\n"},
    {CARD "/mem_info_vram_used", "104857600\n"},
    {CARD "/mem_info_gtt_total", "128849018880\n"},
    {CARD "/mem_info_gtt_used", "1073741824\n"},
    {CARD "/pp_dpm_sclk", "0: 600Mhz \n1: 1100Mhz *\n2: 2900Mhz \n"},
    {CARD "/pp_dpm_mclk", "0: 400Mhz \n1: 800Mhz \n2: 1000Mhz *\n"},
    {CARD "/power_dpm_force_performance_level", "auto\n"},
    {CARD "/hwmon/hwmon5/temp1_input", "47500\n"},
    {CARD "/hwmon/hwmon5/power1_average", "31250000\n"},
    {"/sys/class/drm/card1-DP-1/device/gpu_busy_percent", "99\n"},
    {"/sys/class/kfd/kfd/topology/nodes/0/properties", "cpu_cores_count 32\n"
                                                       "gfx_target_version 0\n"
                                                       "drm_render_minor 0\n"},
    {"/sys/class/kfd/kfd/topology/nodes/1/properties", "simd_count 80\n"
                                                       "gfx_target_version 110501\n"
                                                       "drm_render_minor 128\n"},
};

static void put_strix_halo(const char *root) {
    for (size_t i = 0; i < sizeof strix_halo / sizeof *strix_halo; i++)
        put(root, strix_halo[i].path, strix_halo[i].text);
}

/* ---- looking at answers -------------------------------------------------------------------- */

static size_t length(const struct sb_fact *list) {
    size_t n = 0;
    for (const struct sb_fact *f = list->child; f; f = f->next)
        n++;
    return n;
}

static void assert_text(const struct sb_fact *o, const char *key, const char *want) {
    if (!sb_fact_text(o, key))
        fail_msg("%s is absent", key);
    assert_string_equal(sb_fact_text(o, key), want);
}

static void assert_number(const struct sb_fact *o, const char *key, double want) {
    double value = sb_fact_number(o, key);
    if (isnan(value))
        fail_msg("%s is absent", key);
    if (fabs(value - want) > 1e-9)
        fail_msg("%s is %.17g, not %.17g", key, value, want);
}

/* The warnings of a machine in one text, one a line. */
static char *warnings_of(const char *root) {
    struct sb_strv list = {0};
    struct sb_buf text = SB_BUF_INIT(SB_ERR_MAX);
    sb_host_warnings(root, &list);
    for (size_t i = 0; i < list.n; i++)
        sb_buf_addf(&text, "%s\n", list.item[i]);
    sb_strv_release(&list);
    return sb_buf_detach(&text);
}

static void assert_warning(const char *root, const char *want) {
    char *text = warnings_of(root);
    if (*want ? !strstr(text, want) : *text)
        fail_msg("wanted \"%s\" in the warnings:\n%s", want, text);
    free(text);
}

/* ---- probe --------------------------------------------------------------------------------- */

static void test_probe(void **state) {
    put_strix_halo(*state);
    put(*state, "/sys/class/drm/card1/device/hwmon/hwmon3/power1_cap", "120000000\n");
    put(*state, "/opt/rocm/.info/version", "7.2.0-43\n");
    put(*state, "/sys/module/amdgpu/parameters/gttsize", "122880\n");
    put(*state, "/sys/module/amdgpu/parameters/noretry", "-1\n");
    put(*state, "/var/lib/dpkg/status",
        "Package: amdvlk\nStatus: deinstall ok config-files\nVersion: 1\n\n"
        "Package: bash\nStatus: install ok installed\nVersion: 5\n\n"
        "Package: mesa-vulkan-drivers\nStatus: install ok installed\nArchitecture: amd64\n"
        "Version: 25.2.1-1\n");
    put(*state, "/var/lib/pacman/local/linux-firmware-20260110-1/desc", "x\n");
    const char *envp[] = {"HOME=/home/x",
                          "HSA_OVERRIDE_GFX_VERSION=11.5.1",
                          "GGML_EMPTY=",
                          "MESA_BAD=\xff"
                          "x",
                          "VK_DRIVER_FILES=/a=b",
                          "NOT_HIP_X=1",
                          "AMD_API_KEY=sk-1",
                          "AMD_LOG_LEVELS=1",
                          "VK_PASSWORD=x",
                          "GGML_REMOTE_TOKEN=x",
                          "LC_ALL=C",
                          NULL};
    struct sb_fact *host = sb_host_probe(*state, envp);
    assert_text(host, "hardware",
                "AMD RYZEN AI MAX+ 395 w/ Radeon 8060S (4 threads) — amdgpu 1002:1586 (gfx1151, "
                "0.5 GiB VRAM, 120.0 GiB GTT), 125 GiB memory");
    assert_text(host, "cpu", "AMD RYZEN AI MAX+ 395 w/ Radeon 8060S");
    assert_number(host, "cpu_threads", 4);
    assert_number(host, "cpu_cores", 2);
    assert_text(host, "kernel", "6.18.5-amd");
    assert_text(host, "kernel_cmdline", "amd_iommu=off ttm.pages_limit=30720000");
    assert_text(host, "os", "Fedora Linux 43");
    assert_number(host, "memory_bytes", 131072000.0 * 1024);
    assert_null(sb_fact_of(host, "memory_limit_bytes"));
    assert_null(sb_fact_of(host, "cpu_limit_cores"));
    assert_number(host, "swap_total_bytes", 8388608.0 * 1024);
    assert_number(host, "swap_used_bytes", 0); /* measured: none in use */
    assert_text(host, "governor", "powersave");
    assert_text(host, "energy_performance_preference", "performance");
    assert_text(host, "platform_profile", "performance");
    assert_text(host, "thp", "madvise");
    assert_true(sb_fact_of(host, "on_battery")->number == 0);
    assert_number(host, "load_average_1m", 0.42);
    assert_number(host, "cpu_pressure_percent", 2.5);
    assert_number(host, "memory_pressure_percent", 0);
    assert_null(sb_fact_of(host, "io_pressure_percent"));

    assert_int_equal(length(sb_fact_of(host, "gpus")), 1);
    const struct sb_fact *gpu = sb_fact_of(host, "gpus")->child;
    assert_text(gpu, "card", "card1");
    assert_text(gpu, "driver", "amdgpu");
    assert_text(gpu, "pci_id", "1002:1586");
    assert_text(gpu, "gfx", "gfx1151");
    assert_number(gpu, "vram_total_bytes", 536870912);
    assert_number(gpu, "gtt_total_bytes", 128849018880.0);
    assert_text(gpu, "power_dpm_level", "auto");
    assert_number(gpu, "power_cap_w", 120);
    const struct sb_fact *software = sb_fact_of(host, "software");
    const struct sb_fact *amdgpu = sb_fact_of(host, "amdgpu");
    assert_text(software, "rocm", "7.2.0-43");
    assert_text(software, "mesa-vulkan-drivers", "25.2.1-1");
    assert_text(software, "linux-firmware", "20260110-1");
    assert_int_equal(length(software), 3); /* what was removed is not there */
    assert_text(amdgpu, "gttsize", "122880");
    assert_int_equal(length(amdgpu), 1);
    assert_null(sb_fact_of(gpu, "name"));

    const struct sb_fact *environment = sb_fact_of(host, "environment");
    assert_int_equal(length(environment), 4);
    assert_text(environment, "HSA_OVERRIDE_GFX_VERSION", "11.5.1");
    assert_text(environment, "GGML_EMPTY", "");
    assert_text(environment, "MESA_BAD", "\xef\xbf\xbdx");
    assert_text(environment, "VK_DRIVER_FILES", "/a=b");
    assert_int_equal(length(sb_fact_of(host, "warnings")), 0);
    sb_facts_free(host);
}

/* Nothing is there: nothing is said, least of all 0. */
static void test_empty_machine(void **state) {
    struct sb_fact *host = sb_host_probe(*state, NULL);
    static const char *const names[] = {"gpus", "environment", "warnings"};
    assert_int_equal(length(host), 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(length(sb_fact_of(host, names[i])), 0);
    sb_facts_free(host);

    struct sb_reading s = sb_host_read(*state);
    assert_true(isnan(s.temperature_c));
    assert_int_equal(s.vram_used_bytes, -1);
    assert_int_equal(s.gtt_used_bytes, -1);
    assert_int_equal(s.oom_kills, -1);
    struct sb_memory m = sb_host_memory(*state);
    assert_int_equal(m.total_bytes, -1);
    assert_int_equal(m.available_bytes, -1);
}

/* Files that are there but empty, or hold what no kernel writes. */
static void test_garbage(void **state) {
    static const char *const values[] = {
        "",  "\n",  "garbage", "-5",      "99999999999999999999999", "*", ":*",
        "[", "0::", "=",       "1: Mhz *"};
    for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
        for (size_t i = 0; i < sizeof strix_halo / sizeof *strix_halo; i++)
            put(*state, strix_halo[i].path, values[v]);
        struct sb_fact *host = sb_host_probe(*state, NULL);
        assert_null(sb_fact_of(host, "memory_bytes"));
        assert_null(sb_fact_of(host, "cpu_pressure_percent"));
        assert_null(sb_fact_of(host, "hardware"));
        const struct sb_fact *gpus = sb_fact_of(host, "gpus");
        assert_null(sb_fact_of(gpus->child, "vram_total_bytes"));
        sb_facts_free(host);
        struct sb_reading s = sb_host_read(*state);
        assert_true(isnan(s.temperature_c));
        assert_int_equal(s.gtt_used_bytes, -1);
        assert_int_equal(s.oom_kills, -1);
    }
}

static void test_nvidia_without_drm(void **state) {
    put(*state, "/proc/driver/nvidia/gpus/0000:8f:00.0/information",
        "Model: \t\t NVIDIA H200\nIRQ:   \t\t 530\n");
    struct sb_fact *host = sb_host_probe(*state, NULL);
    assert_text(sb_fact_of(host, "gpus")->child, "name", "NVIDIA H200");
    assert_text(host, "hardware", "NVIDIA H200");
    sb_facts_free(host);
}

/* ---- samples ------------------------------------------------------------------------------- */

static void test_sample(void **state) {
    put_strix_halo(*state);
    struct sb_reading s = sb_host_read(*state);
    assert_true(s.temperature_c == 47.5); /* millidegrees */
    assert_int_equal(s.vram_used_bytes, 104857600);
    assert_int_equal(s.gtt_used_bytes, 1073741824);
    assert_int_equal(s.oom_kills, 3);
}

static void test_sample_of_several_gpus(void **state) {
    put_strix_halo(*state);
    const char *root = *state;
    put(root, "/sys/class/drm/card10/device/mem_info_vram_used", "1000\n");
    put(root, "/sys/class/drm/card10/device/gpu_busy_percent", "88\n");
    put(root, "/sys/class/drm/card10/device/hwmon/hwmon2/temp1_input", "61000\n");
    put(root, "/sys/class/drm/card10/device/hwmon/hwmon2/power1_input", "100000000\n");
    put(root, "/sys/class/drm/card2/device/uevent", "DRIVER=nvidia\n");
    struct sb_reading s = sb_host_read(root);
    assert_true(s.temperature_c == 61);
    assert_int_equal(s.vram_used_bytes, 104858600);
    assert_int_equal(s.gtt_used_bytes, 1073741824);

    struct sb_fact *host = sb_host_probe(root, NULL);
    static const char *const order[] = {"card1", "card2", "card10"};
    assert_int_equal(length(sb_fact_of(host, "gpus")), 3);
    const struct sb_fact *gpu = sb_fact_of(host, "gpus")->child;
    for (size_t i = 0; i < 3; i++, gpu = gpu->next)
        assert_text(gpu, "card", order[i]);
    sb_facts_free(host);
    assert_warning(root, "GPU card10 is 88 % busy");
}

static void test_cpu_temperature(void **state) {
    put(*state, "/sys/class/hwmon/hwmon0/name", "nvme\n");
    put(*state, "/sys/class/hwmon/hwmon0/temp1_input", "90000\n");
    assert_true(isnan(sb_host_read(*state).temperature_c));
    put(*state, "/sys/class/hwmon/hwmon1/name", "k10temp\n");
    put(*state, "/sys/class/hwmon/hwmon1/temp1_input", "52125\n");
    assert_true(sb_host_read(*state).temperature_c == 52.125);
}

/* ---- memory and cgroups -------------------------------------------------------------------- */

static void test_memory(void **state) {
    put_strix_halo(*state);
    struct sb_memory m = sb_host_memory(*state);
    assert_int_equal(m.total_bytes, 131072000LL * 1024);
    assert_int_equal(m.available_bytes, 120000000LL * 1024);
}

#define SLICE "/sys/fs/cgroup/user.slice"

static void test_memory_of_cgroup(void **state) {
    const char *root = *state;
    put_strix_halo(root);
    put(root, SLICE "/run.scope/memory.max", "max\n");
    put(root, SLICE "/run.scope/memory.events", "low 0\noom 2\noom_kill 5\noom_group_kill 0\n");
    put(root, SLICE "/memory.max", "4000000000\n"); /* the limit of one above counts too */
    put(root, SLICE "/memory.current", "1500000000\n");
    put(root, SLICE "/memory.stat", "anon 9\ninactive_file 300000000\nactive_file 200000000\n");
    put(root, SLICE "/cpu.max", "max 100000\n");
    put(root, SLICE "/run.scope/cpu.max", "250000 100000\n");
    struct sb_memory m = sb_host_memory(root);
    assert_int_equal(m.total_bytes, 4000000000);
    assert_int_equal(m.available_bytes, 3000000000);
    assert_int_equal(sb_host_read(root).oom_kills, 5);

    put(root, SLICE "/memory.current", "9000000000\n");
    assert_int_equal(sb_host_memory(root).available_bytes, 0);

    struct sb_fact *host = sb_host_probe(root, NULL);
    assert_number(host, "memory_bytes", 131072000.0 * 1024);
    assert_number(host, "memory_limit_bytes", 4e9);
    assert_number(host, "cpu_limit_cores", 2.5);
    sb_facts_free(host);
}

/* In a container the path may be the host's; what is mounted is our part of the tree. With
 * the old and the new hierarchy side by side the new one is the line with 0. */
static void test_memory_of_container(void **state) {
    put_strix_halo(*state);
    put(*state, "/proc/self/cgroup", "4:memory:/old\n1:cpu:/old\n0::/kubepods/pod1/abc\n");
    put(*state, "/sys/fs/cgroup/memory.max", "2000000000\n");
    struct sb_memory m = sb_host_memory(*state);
    assert_int_equal(m.total_bytes, 2000000000);
    assert_int_equal(m.available_bytes, 120000000LL * 1024); /* memory.current is not there */
}

static void test_disk_free(void **state) {
    char *deep = sb_asprintf("%s/not/made/yet.json", (const char *)*state);
    assert_true(sb_host_disk_free(deep) > 0);
    assert_true(sb_host_disk_free("no-such-file.json") > 0);
    assert_int_equal(sb_host_disk_free("/proc/self"), 0);
    free(deep);
}

/* ---- warnings ------------------------------------------------------------------------------ */

static void test_warnings(void **state) {
    const char *root = *state;
    put_strix_halo(root);
    assert_warning(root, ""); /* powersave with a preference of performance is fast */
    static const struct {
        const char *path, *text, *want;
    } cases[] = {
        {"/proc/loadavg", "3.14 1.0 1.0 4/900 1\n", "load average is 3.1"},
        {"/proc/meminfo", "MemTotal: 1000000 kB\nSwapTotal: 8388608 kB\nSwapFree: 4194304 kB\n",
         "4.0 GiB of swap is in use"},
        {"/proc/pressure/cpu", "some avg10=61.09 avg60=0\n", "waited for a CPU in 61 %"},
        {"/proc/pressure/memory", "some avg10=12.00 avg60=0\n", "12 % of the last 10 s"},
        {"/sys/firmware/acpi/platform_profile", "low-power\n", "platform profile is low-power"},
        {CPU "/cpu0/cpufreq/energy_performance_preference", "balance_power\n",
         "energy preference is balance_power"},
        {CPU "/cpu1/cpufreq/scaling_governor", "conservative\n",
         "governor is powersave,conservative"},
        {CARD "/gpu_busy_percent", "45\n", "GPU card1 is 45 % busy"},
        {CARD "/power_dpm_force_performance_level", "low\n", "GPU card1 is held"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put(root, cases[i].path, cases[i].text);
        char *text = warnings_of(root);
        if (strchr(text, '\n') != strrchr(text, '\n')) /* each cause gives one warning */
            fail_msg("more than \"%s\":\n%s", cases[i].want, text);
        free(text);
        assert_warning(root, cases[i].want);
        put_strix_halo(root);
    }
}

static void test_governor_without_preference(void **state) {
    put(*state, CPU "/cpu0/cpufreq/scaling_governor", "powersave\n");
    assert_warning(*state, "governor is powersave");
    put(*state, CPU "/cpu0/cpufreq/scaling_governor", "schedutil\n");
    assert_warning(*state, "");
}

static void test_battery(void **state) {
    const char *root = *state;
    put_strix_halo(root);
    put(root, "/sys/class/power_supply/AC/online", "0\n");
    put(root, "/sys/class/power_supply/BAT0/status", "Discharging\n");
    assert_warning(root, "runs on battery");
    struct sb_fact *host = sb_host_probe(root, NULL);
    assert_true(sb_fact_of(host, "on_battery")->number == 1);
    assert_int_equal(length(sb_fact_of(host, "warnings")), 1);
    sb_facts_free(host);

    put(root, "/sys/class/power_supply/BAT0/scope", "Device\n"); /* a mouse */
    assert_warning(root, "");
    host = sb_host_probe(root, NULL);
    assert_null(sb_fact_of(host, "on_battery"));
    sb_facts_free(host);
}

/* ---- the real page cache ------------------------------------------------------------------- */

enum { FILE_BYTES = 8 << 20 };

static void write_file(const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    char *data = sb_alloc(FILE_BYTES, 1);
    memset(data, 'x', FILE_BYTES);
    assert_int_equal(write(fd, data, FILE_BYTES), FILE_BYTES);
    assert_int_equal(fsync(fd), 0);
    close(fd);
    free(data);
}

static void read_file(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    char *data = sb_alloc(FILE_BYTES, 1);
    assert_int_equal(read(fd, data, FILE_BYTES), FILE_BYTES);
    close(fd);
    free(data);
}

static void evict_half(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(posix_fadvise(fd, FILE_BYTES / 2, FILE_BYTES / 2, POSIX_FADV_DONTNEED), 0);
    close(fd);
}

static void test_cached_share_and_evict(void **state) {
    char *path = sb_asprintf("%s/model.gguf", (const char *)*state);
    write_file(path);
    read_file(path);
    assert_true(sb_host_cached_share(path) > 0.99);

    struct statfs fs;
    assert_int_equal(statfs(path, &fs), 0);
    double share = sb_host_evict(path);
    assert_true(share == sb_host_cached_share(path));
    if (fs.f_type == TMPFS_MAGIC) { /* there the cache is the file */
        assert_true(share > 0.99);
    } else {
        assert_true(share < 0.05);
        read_file(path); /* not half of it: how far the kernel reads ahead is its own affair */
        evict_half(path);
        share = sb_host_cached_share(path);
        assert_true(share > 0.45 && share < 0.55);
    }
    free(path);
}

static void test_cached_share_unknown(void **state) {
    assert_true(isnan(sb_host_cached_share("/no/such/file")));
    assert_true(isnan(sb_host_evict("/no/such/file")));
    assert_true(isnan(sb_host_cached_share(*state))); /* a folder */
    char *empty = sb_asprintf("%s/empty", (const char *)*state);
    put(*state, "/empty", "");
    assert_true(isnan(sb_host_cached_share(empty)));
    free(empty);
}

/* A file of someone else's that we may only read: the kernel would say "all cached". */
static void test_cached_share_of_others(void **state) {
    if (geteuid() != 0)
        skip();
    char *path = sb_asprintf("%s/model.gguf", (const char *)*state);
    write_file(path);
    int fd = open(path, O_RDONLY | O_CLOEXEC); /* the folders above may be closed to others */
    char *link = sb_asprintf("/proc/self/fd/%d", fd);
    pid_t child = fork();
    if (child == 0) {
        bool unknown = setuid(65534) == 0 && isnan(sb_host_cached_share(link));
        free(link);
        free(path);
        _exit(unknown ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(fd);
    free(link);
    free(path);
}

static void test_counters(void **state) {
    const char *root = *state;
    assert_true(isnan(sb_host_cpu_use(root).busy_s));
    assert_true(isnan(sb_host_gpu_energy_j(root)) && isnan(sb_host_package_energy_j(root)));
    put(root, "/proc/stat", "cpu  100 20 30 4000 50 6 7 8 9 0\ncpu0 1 2\ncpu1 1 2\nintr 5\n");
    struct sb_cpu_use use = sb_host_cpu_use(root);
    assert_true(fabs(use.busy_s - 163.0 / (double)sysconf(_SC_CLK_TCK)) <
                1e-9); /* no idle, no steal */
    assert_int_equal(use.cpus, 2);
    put(root, "/sys/class/powercap/intel-rapl:0/name", "package-0\n");
    put(root, "/sys/class/powercap/intel-rapl:0/energy_uj", "2500000\n");
    put(root, "/sys/class/powercap/intel-rapl:0:0/name", "core\n");
    put(root, "/sys/class/powercap/intel-rapl:0:0/energy_uj", "1000000\n");
    assert_true(sb_host_package_energy_j(root) == 2.5);
    put(root, "/sys/class/drm/card1/device/uevent", "DRIVER=amdgpu\n");
    put(root, "/sys/class/drm/card1/device/hwmon/hwmon3/energy1_input", "7000000\n");
    assert_true(sb_host_gpu_energy_j(root) == 7);
}

/* ---- bandwidth, lock ----------------------------------------------------------------------- */

static void test_read_bandwidth(void **state) {
    (void)state;
    for (int threads = 0; threads <= 3; threads++) {
        double gb_s = sb_host_read_bandwidth(threads, 0);
        assert_true(gb_s > 0.01 && gb_s < 10000);
    }
    assert_true(isnan(sb_host_read_bandwidth(1 << 20, 0)));
}

/* Another program, of another user where we may choose, that has bound a place of the lock; it ends
 * when `life` is closed. */
struct holder {
    pid_t pid;
    int life;
};

static struct holder hold(const char *place, bool listens) {
    int life[2], started[2];
    assert_true(pipe2(life, O_CLOEXEC) == 0 && pipe2(started, O_CLOEXEC) == 0);
    struct holder h = {fork(), life[1]};
    if (h.pid == 0) {
        struct sockaddr_un a = {.sun_family = AF_UNIX};
        memcpy(a.sun_path + 1, place, strlen(place));
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if ((geteuid() == 0 && setuid(65534)) ||
            bind(fd, (struct sockaddr *)&a,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(place))) ||
            (listens && listen(fd, 1)) || dup2(life[0], STDIN_FILENO) != STDIN_FILENO)
            _exit(1);
        execlp("sh", "sh", "-c", "read x", "\033[2J", (char *)NULL);
        _exit(1);
    }
    char c;
    close(started[1]);
    assert_int_equal(read(started[0], &c, 1), 0);
    close(started[0]);
    close(life[0]);
    return h;
}

static void let_go(struct holder h) {
    close(h.life);
    waitpid(h.pid, NULL, 0);
}

static char *lock_name(const char *test) {
    return sb_asprintf("stratobench/test/%d/%s", (int)getpid(), test);
}

static int lock(const char *name, bool concurrent, struct sb_strv *ret_others) {
    sb_strv_release(ret_others);
    return sb_host_lock_named(name, concurrent, ret_others);
}

static void test_lock(void **state) {
    (void)state;
    char *name = lock_name("lock"), *us = sb_asprintf("pid %d of uid %u (", (int)getpid(), getuid());
    struct sb_strv others = {0};
    int first = lock(name, false, &others);
    assert_true(first >= 0 && others.n == 0);
    assert_true(fcntl(first, F_GETFD) & FD_CLOEXEC); /* no server may keep it */
    assert_int_equal(lock(name, false, &others), -EADDRINUSE);
    assert_int_equal(others.n, 1);
    assert_memory_equal(others.item[0], us, strlen(us));
    assert_non_null(strstr(others.item[0], "test_host"));

    int second = lock(name, true, &others), third = lock(name, true, &others);
    assert_true(second >= 0 && third >= 0);
    assert_int_equal(others.n, 2);
    close(first);
    close(third);
    assert_int_equal(lock(name, false, &others), -EADDRINUSE); /* of the second */
    assert_int_equal(others.n, 1);
    close(second);
    first = lock(name, false, &others);
    assert_true(first >= 0 && others.n == 0);
    close(first);
    sb_strv_release(&others);
    free(us);
    free(name);
}

/* Whoever takes a place does so in their own name, and nothing of it moves a cursor. */
static void test_lock_of_a_stranger(void **state) {
    (void)state;
    char *name = lock_name("stranger"), *place = sb_asprintf("%s/0", name);
    struct sb_strv others = {0};
    struct holder h = hold(place, true);
    char *who = sb_asprintf("pid %d of uid %u (sh -c read x \xef\xbf\xbd[2J)", (int)h.pid,
                            geteuid() ? getuid() : 65534);
    alarm(60); /* a look never waits */
    for (int i = 0; i < 4; i++) { /* its queue holds two */
        assert_int_equal(lock(name, false, &others), -EADDRINUSE);
        assert_int_equal(others.n, 1);
        assert_string_equal(others.item[0],
                            i < 2 ? who : "a process that does not say who it is");
    }
    alarm(0);
    int fd = lock(name, true, &others);
    assert_true(fd >= 0 && others.n == 1);
    close(fd);
    let_go(h);
    fd = lock(name, false, &others);
    assert_true(fd >= 0 && others.n == 0);
    close(fd);
    sb_strv_release(&others);
    free(who);
    free(place);
    free(name);
}

static void test_lock_that_is_no_lock(void **state) {
    (void)state;
    char *name = lock_name("none"), *place = sb_asprintf("%s/0", name);
    struct sb_strv others = {0};
    struct holder h = hold(place, false);
    assert_int_equal(lock(name, false, &others), -EADDRINUSE);
    assert_int_equal(others.n, 1);
    assert_string_equal(others.item[0], "a process that does not say who it is");
    let_go(h);
    sb_strv_release(&others);
    free(place);
    free(name);
}

int main(void) {
#define IN_ROOT(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)
    const struct CMUnitTest tests[] = {
        IN_ROOT(test_probe),
        IN_ROOT(test_empty_machine),
        IN_ROOT(test_garbage),
        IN_ROOT(test_nvidia_without_drm),
        IN_ROOT(test_sample),
        IN_ROOT(test_sample_of_several_gpus),
        IN_ROOT(test_cpu_temperature),
        IN_ROOT(test_memory),
        IN_ROOT(test_memory_of_cgroup),
        IN_ROOT(test_memory_of_container),
        IN_ROOT(test_disk_free),
        IN_ROOT(test_counters),
        IN_ROOT(test_warnings),
        IN_ROOT(test_governor_without_preference),
        IN_ROOT(test_battery),
        IN_ROOT(test_cached_share_and_evict),
        IN_ROOT(test_cached_share_unknown),
        IN_ROOT(test_cached_share_of_others),
        cmocka_unit_test(test_read_bandwidth),
        cmocka_unit_test(test_lock),
        cmocka_unit_test(test_lock_of_a_stranger),
        cmocka_unit_test(test_lock_that_is_no_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
