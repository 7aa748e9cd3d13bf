/* What the files of the bench module share. */
#ifndef STRATOBENCH_BENCH_INTERNAL_H
#define STRATOBENCH_BENCH_INTERNAL_H

#include "stratobench/bench.h"

/* "none" and "cpu" both mean CPU only. */
bool sb_device_is_cpu(const char *configured);

/* Holds what the log shows against what was asked for: a device (NULL = not stated) and a number
 * of GPU layers (as of sb_llama_layers_asked). NULL, or why the cell is invalid (the caller
 * frees). Facts worth a note are added to `remarks`. */
char *sb_judge_device(const char *configured, int layers_asked, const struct sb_llama_proof *p,
                      struct sb_strv *remarks);

/* One launch of one cell: cool down, load, prove, warm up, measure, stop. What it measured is in
 * the cell. The cell's status is set when it ends here (failed, invalid); it stays pending
 * otherwise. 0, or the signal that ended it. */
int sb_bench_launch(const struct sb_bench *b, size_t cell, int launch, double start_temperature_c);

#endif
