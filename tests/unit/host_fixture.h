/* Made-up machines, shown through `root`: a folder of its own for each test. */
#ifndef HOST_FIXTURE_H
#define HOST_FIXTURE_H

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "stratobench/host.h"

static inline void put(const char *root, const char *path, const char *text) {
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
static inline int make_root(void **state) {
    char root[] = "host-root-XXXXXX";
    assert_non_null(mkdtemp(root));
    *state = realpath(root, NULL);
    return *state ? 0 : -1;
}

static inline int remove_one(const char *path, const struct stat *st, int flag, struct FTW *where) {
    (void)st;
    (void)flag;
    (void)where;
    return remove(path);
}

static inline int remove_root(void **state) {
    int rc = nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return rc;
}

#define IN_ROOT(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

/* ---- a machine ------------------------------------------------------------------------------- */

#define CARD "/sys/class/drm/card1/device"
#define CPU  "/sys/devices/system/cpu"

struct entry {
    const char *path, *text;
};

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

static inline void put_strix_halo(const char *root) {
    for (size_t i = 0; i < sizeof strix_halo / sizeof *strix_halo; i++)
        put(root, strix_halo[i].path, strix_halo[i].text);
}

/* ---- looking at answers ---------------------------------------------------------------------- */

static inline size_t length(const struct sb_fact *list) {
    size_t n = 0;
    for (const struct sb_fact *f = list->child; f; f = f->next)
        n++;
    return n;
}

/* The warnings of a machine in one text, one a line. */
static inline char *warnings_of(const char *root) {
    struct sb_strv list = {0};
    struct sb_buf text = SB_BUF_INIT(SB_ERR_MAX);
    sb_host_warnings(root, &list);
    for (size_t i = 0; i < list.n; i++)
        sb_buf_addf(&text, "%s\n", list.item[i]);
    sb_strv_release(&list);
    return sb_buf_detach(&text);
}

static inline void assert_warning(const char *root, const char *want) {
    char *text = warnings_of(root);
    if (*want ? !strstr(text, want) : *text)
        fail_msg("wanted \"%s\" in the warnings:\n%s", want, text);
    free(text);
}

#endif
