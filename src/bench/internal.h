/* What the files of the bench module share. */
#ifndef STRATOBENCH_BENCH_INTERNAL_H
#define STRATOBENCH_BENCH_INTERNAL_H

#include "stratobench/bench.h"
#include "stratobench/sys.h"

/* Of the devices that a build lists; NULL = it lists no such one. */
const struct sb_llama_device *sb_find_device(const struct sb_llama_build *b, const char *name);

/* The names of "Vulkan0,Vulkan1"; none when it is NULL or CPU only. The caller releases. */
struct sb_strv sb_device_names(const char *configured);

/* What a cell says about where it runs. */
struct sb_device_claim {
    const char *device; /* as configured; NULL = not stated */
    int layers;         /* on a GPU; as of sb_llama_layers_asked */
    double lookup_mib;  /* of the model that no GPU takes: the token embedding */
};
/* Holds what the log shows against it. NULL, or why the cell is invalid (the caller frees). Facts
 * worth a note are added to `remarks`. */
char *sb_judge_device(const struct sb_device_claim *claim, const struct sb_llama_proof *p,
                      struct sb_strv *remarks);

/* What the server of a cell is asked to be; borrows from the config. */
struct sb_llama_launch sb_bench_launch_options(const struct sb_config *c,
                                               const struct sb_cell_plan *plan);

/* Which build a program is, "7 files, 84123456 bytes, 2026-11-01T10:00:00.000000000Z": it and the
 * llama and ggml libraries beside it, and when the newest was made. NULL = no such file. The caller
 * frees. */
char *sb_bench_stamp(const char *program);

/* How it was when measuring began. */
struct sb_bench_start {
    double temperature_c;
    struct sb_stops stops;
};
/* One launch of one cell: cool down, load, prove, warm up, measure, stop. What it measured is in
 * the cell. The cell's status is set when it ends here (failed, invalid); it stays pending
 * otherwise. 0, or the signal that ended it. */
int sb_bench_launch(const struct sb_bench *b, size_t index, int launch,
                    struct sb_bench_start *start);

#endif
