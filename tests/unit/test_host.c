/* What is found on a machine. */
#include <math.h>
#include <unistd.h>

#include "host_fixture.h"

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

/* ---- probe ----------------------------------------------------------------------------------- */

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

/* ---- samples --------------------------------------------------------------------------------- */

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

/* ---- memory and cgroups ---------------------------------------------------------------------- */

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

/* ---- bandwidth ------------------------------------------------------------------------------- */

static void test_read_bandwidth(void **state) {
    (void)state;
    for (int threads = 0; threads <= 3; threads++) {
        double gb_s = sb_host_read_bandwidth(threads, 0);
        assert_true(gb_s > 0.01 && gb_s < 10000);
    }
    assert_true(isnan(sb_host_read_bandwidth(1 << 20, 0)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_ROOT(test_probe),
        IN_ROOT(test_empty_machine),
        IN_ROOT(test_garbage),
        IN_ROOT(test_nvidia_without_drm),
        IN_ROOT(test_sample),
        IN_ROOT(test_sample_of_several_gpus),
        IN_ROOT(test_cpu_temperature),
        IN_ROOT(test_counters),
        IN_ROOT(test_memory),
        IN_ROOT(test_memory_of_cgroup),
        IN_ROOT(test_memory_of_container),
        cmocka_unit_test(test_read_bandwidth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
