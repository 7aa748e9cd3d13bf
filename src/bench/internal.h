/* What the files of the bench module share. */
#ifndef STRATOBENCH_BENCH_INTERNAL_H
#define STRATOBENCH_BENCH_INTERNAL_H

#include "stratobench/bench.h"
#include "stratobench/server.h"
#include "stratobench/sys.h"

/* One more that keeps a cell from running. Takes over both texts. */
void sb_preflight_fault(struct sb_preflight_cell *p, bool skipped, char *reason, char *detail);

/* Why a GGUF file cannot be used, for a row. */
const char *sb_bench_gguf_reason(enum sb_gguf_status s);
/* The draft model of its backend, the projector of its model: where there is one, it is read. */
void sb_check_draft(const struct sb_config *c, struct sb_preflight *pf,
                    struct sb_preflight_cell *p);
void sb_check_mmproj(const struct sb_config *c, struct sb_preflight *pf,
                     struct sb_preflight_cell *p);

/* Of the devices that a build lists; NULL = it lists no such one. */
const struct sb_llama_device *sb_find_device(const struct sb_llama_build *b, const char *name);

/* A backend that is a server of others: asked what it is before hours are spent. */
struct sb_remote {
    struct sb_http_server server; /* its strings belong to the config and the environment */
    struct sb_server_look look;
    bool reached;
    char *reason, *error; /* short and long, where it was not */
};
/* Fills in a zeroed one. False with the reason, or with the signal that ended it. */
bool sb_remote_look(const struct sb_backend *b, int signal_fd, struct sb_remote *ret,
                    int *ret_interrupted);
void sb_remote_release(struct sb_remote *r);
/* That it answers, and has the model of the cell: p->remote, p->served, or faults. */
void sb_remote_check(const struct sb_config *c, const struct sb_preflight *pf,
                     struct sb_preflight_cell *p);
/* What results say of such a cell before it is measured. */
void sb_remote_describe(const struct sb_preflight_cell *p, struct sb_cell *c);

/* Depths and turns, which a server must keep in its cache, and say so; slots and pictures. */
bool sb_needs_completion(const struct sb_config *c, const struct sb_model *m);
#define SB_NEEDS_COMPLETION "depths, turns, slots and images need /completion"

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

/* Tries the values that the cell's backend tunes and that the cell has not tried yet, a short launch
 * each, and chooses. The cell fails when it can take none of them. 0, or the signal that ended it. */
int sb_bench_tune(const struct sb_bench *b, size_t index, struct sb_bench_start *start);
/* The launch of one value, whose key and value are set: what it gave is in it. Its number is below 0,
 * so that an observer can tell it from a launch that is measured. 0, or the signal that ended it. */
int sb_bench_try(const struct sb_bench *b, size_t index, struct sb_try *t, int number,
                 struct sb_bench_start *start);
/* Puts a value where a launch keeps its setting. */
void sb_tune_set(struct sb_llama_launch *l, const struct sb_try *t);
/* That this build can be asked for what is tried, and `args` do not set it: else faults. */
void sb_check_tuned(const struct sb_config *c, struct sb_preflight_cell *p);

#endif
