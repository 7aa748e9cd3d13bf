/* Private to the host module: reading procfs and sysfs, where every file is optional. */
#ifndef STRATOBENCH_HOST_FS_H
#define STRATOBENCH_HOST_FS_H

#include "stratobench/base.h"

/* The text of a file without the white space around it; NULL when it cannot be read or is
 * empty. The caller frees. The format makes the path. */
char *sb_host_text(const char *fmt, ...) SB_PRINTF(1, 2);
/* The integer a file begins with; -1 when it cannot be read or is none. All of those asked for
 * here are never negative. */
long long sb_host_integer(const char *fmt, ...) SB_PRINTF(1, 2);
/* Full paths that match root + pattern, card2 before card10. */
void sb_host_glob(const char *root, const char *pattern, struct sb_strv *ret);

/* From text in lines of "KEY SEPARATOR VALUE" (meminfo, vmstat, cpuinfo, uevent, os-release):
 * the value of the first such line, without white space and quotes around it, NULL when there
 * is none (or no text). The caller frees. */
char *sb_host_field(const char *text, const char *key);
long long sb_host_field_integer(const char *text, const char *key); /* -1 when there is none */
long long sb_host_field_kib(const char *text, const char *key);     /* "12 kB" in bytes, or -1 */

/* Our own cgroup (version 2) and those above it, nearest first: folders under root. */
void sb_host_cgroups(const char *root, struct sb_strv *ret);

/* /sys/class/drm/cardN/device of every GPU. */
void sb_host_gpu_devices(const char *root, struct sb_strv *ret);

/* sb_host_lock under another name. */
int sb_host_lock_named(const char *name, bool concurrent, struct sb_strv *ret_others);

#endif
