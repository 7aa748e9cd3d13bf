/* stratobench check: everything that can be known before hours are spent. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "cmd.h"
#include "plan_print.h"
#include "stratobench/host.h"
#include "stratobench/sys.h"

static const double BANDWIDTH_TEST_S = 2;

static void print_machine(bool bandwidth) {
    struct sb_strv warnings = {0};
    sb_host_warnings("", &warnings);
    for (size_t i = 0; i < warnings.n; i++)
        printf("warning: %s\n", warnings.item[i]);
    long long disk = sb_host_disk_free(".");
    if (disk >= 0 && disk < (64LL << 20))
        printf("warning: %lld MiB are free here for results and logs; free some\n", disk >> 20);
    if (bandwidth) {
        double gb_s = sb_host_read_bandwidth(0, BANDWIDTH_TEST_S);
        if (isnan(gb_s))
            puts("bandwidth: not measured (too little memory)");
        else
            printf("bandwidth = %.0f   # GB/s, read by all CPU threads; for a CPU backend\n", gb_s);
    }
    if (warnings.n || bandwidth)
        puts("");
    sb_strv_release(&warnings);
}

struct options {
    struct sb_selection selection;
    const char *stem;
    bool force_memory, bandwidth, keys;
};

static int print_keys(void) {
    struct sb_buf keys = SB_BUF_INIT(SB_CONFIG_MAX_BYTES);
    sb_config_print_keys(&keys);
    int rc = sb_cli_print("check", &keys);
    sb_buf_release(&keys);
    return rc;
}

static int check(const void *options, const struct sb_operands *files) {
    const struct options *o = options;
    if (o->keys)
        return print_keys();
    if (files->n == 0)
        return sb_cli_usage_error("check", "no config file given");
    struct sb_config config;
    struct sb_buf errors = SB_BUF_INIT(SB_ERR_MAX);
    if (sb_config_load(files->item[0], &o->selection, &config, &errors) < 0) {
        sb_print_indented(stderr, sb_buf_str(&errors), 0);
        sb_buf_release(&errors);
        return SB_EXIT_USAGE;
    }
    sb_config_narrow(&config, NULL);
    struct sb_preflight preflight;
    struct sb_preflight_options how = {.force_memory = o->force_memory,
                                       .signal_fd = sb_signals_open()};
    print_machine(o->bandwidth);
    sb_preflight(&config, &how, &preflight);
    sb_signals_close(how.signal_fd);
    int rc = preflight.interrupted ? 128 + preflight.interrupted
                                   : sb_print_plan(stdout, &config, &preflight, o->stem);
    sb_preflight_release(&preflight);
    sb_config_release(&config);
    return rc;
}

static const struct sb_option table[] = {
    {"model", 0, SB_OPTION_TEXT, offsetof(struct options, selection.model), "GLOB",
     .help = "only models whose id or label matches"},
    {"backend", 0, SB_OPTION_TEXT, offsetof(struct options, selection.backend), "GLOB",
     .help = "only backends whose id or label matches"},
    {"output", 'o', SB_OPTION_TEXT, offsetof(struct options, stem), "STEM",
     .help = "as for run: the times in STEM.json, if it is there, tell how long the launches will "
             "take (default: the config's name)"},
    {"force-memory", 0, SB_OPTION_FLAG, offsetof(struct options, force_memory),
     .help = "do not count missing memory as a problem"},
    {"bandwidth", 0, SB_OPTION_FLAG, offsetof(struct options, bandwidth),
     .help = "measure how fast the CPU reads memory, for `bandwidth =`"},
    {"keys", 0, SB_OPTION_FLAG, offsetof(struct options, keys),
     .help = "print every key of a config: what it means, takes, and its default"},
    {0},
};

const struct sb_command sb_cmd_check = {
    .name = "check",
    .usage = "MODELS.ini [options]",
    .summary = "find everything that would go wrong, without launching a model",
    .about = "Finds every error of the config, looks at the binaries, devices, model files and "
             "memory, and prints the exact command of every cell. Launches no model.",
    .notes = "Exit codes: 0 every cell can run; 1 a cell would fail; 2 bad usage or config.",
    .options = table,
    .options_size = sizeof(struct options),
    .operand = "config file",
    .one = true,
    .none = true, /* --keys needs none */
    .files = "*.ini",
    .run = check,
};
