/* Host: what this machine is and how it is set, from procfs and sysfs. Starts no program.
 *
 * Every file is optional: a fact that cannot be read is absent. `root` is put before every
 * path ("" = the real machine) so that tests can show it a tree. */
#ifndef STRATOBENCH_HOST_H
#define STRATOBENCH_HOST_H

#include "stratobench/base.h"
#include "stratobench/base_facts.h"

/* The "host" object of the results file; the caller frees it. Keys (units in the names):
 *   hardware           one line: CPU, GPUs, memory; what the document prints unless configured
 *   node               of the cluster, where STRATOBENCH_NODE names it
 *   cpu, cpu_cores, cpu_threads, cpu_limit_cores and memory_limit_bytes (of our cgroup),
 *   memory_bytes, swap_total_bytes, swap_used_bytes, kernel, kernel_cmdline (what bears on
 *   speed of it), os, governor, energy_performance_preference, platform_profile, thp,
 *   on_battery (bool), load_average_1m,
 *   {cpu,memory,io}_pressure_percent (of the last 10 s, in which some task waited)
 *   gpus: [ {card, name, pci_id, driver, driver_version, gfx, vram_total_bytes,
 *            gtt_total_bytes, power_cap_w, power_dpm_level} ]
 *   software: { package: version } of ROCm, Mesa, AMDVLK, firmware (dpkg, pacman, /opt/rocm)
 *   amdgpu: { parameter: value } of the module, those that bear on compute
 *   environment: { NAME: value } of GGML_*, HSA_*, ROCBLAS_*, HIP_*, VK_*, AMD_*, RADV_*, MESA_*
 *   warnings: [ "..." ]  see sb_host_warnings */
struct sb_fact *sb_host_probe(const char *root, const char *const *envp);

/* What would spoil a measurement, one sentence each: busy machine (load average against
 * cores, GPU busy), on battery, a power-saving governor or profile, swap in use. */
void sb_host_warnings(const char *root, struct sb_strv *ret);

struct sb_memory {
    long long total_bytes, available_bytes; /* -1 unknown; the smaller of machine and cgroup */
};
struct sb_memory sb_host_memory(const char *root);

/* Free bytes for us on the file system that holds `path`, or would hold it once it is made;
 * -1 unknown. */
long long sb_host_disk_free(const char *path);

/* One reading of what changes: NaN / -1 where there is no sensor. A few file reads, done
 * between runs only. The readings of several GPUs: memory is summed, of the rest
 * the highest counts. */
struct sb_reading {
    double temperature_c; /* the hottest of the GPUs and the CPU */
    long long vram_used_bytes, gtt_used_bytes;
    long long oom_kills; /* /proc/vmstat, and the cgroup's memory.events, whichever is higher */
};
struct sb_reading sb_host_read(const char *root);

/* Counted since the machine started; the difference of two readings is a figure. */
struct sb_cpu_use {
    double busy_s; /* of all CPUs and all processes; NaN unknown */
    int cpus;
};
struct sb_cpu_use sb_host_cpu_use(const char *root);
/* Joules of all GPUs (amdgpu's counter), of all CPU packages (powercap; mostly root's to read). NaN
 * where there is no counter. */
double sb_host_gpu_energy_j(const char *root);
double sb_host_package_energy_j(const char *root);

/* Share (0..1) of a file's pages in the page cache (mincore); NaN when it cannot be known: no
 * such file, an empty one, or one that the caller neither owns nor may write (of such a file
 * the kernel says that all of it is cached). A model in shards is asked for shard by shard. */
double sb_host_cached_share(const char *path);
/* Drops a file's pages (fdatasync, posix_fadvise DONTNEED); the share that stays, verified, or
 * NaN. It stays 1 where the page cache is the file (tmpfs), and pages that another process has
 * mapped stay. */
double sb_host_evict(const char *path);

/* Reads memory with `threads` threads for about `seconds` (at least two passes); 10^9 bytes a
 * second, best of the passes. 0 threads = one for each CPU we may use. NaN when memory or
 * threads are short. */
double sb_host_read_bandwidth(int threads, double seconds);

/* Says to every other harness on this machine (to be exact, in this network namespace) that we
 * measure, and adds those that do so already to *ret_others ("pid 4711 of uid 1000 (stratobench
 * run models.ini)": the kernel's word for who it is, /proc's for the command). The descriptor to
 * keep, gone with the process; -EADDRINUSE when there are others and we are not to measure beside
 * them (`concurrent`), or another -errno. Never waits. */
int sb_host_lock(bool concurrent, struct sb_strv *ret_others);

#endif
