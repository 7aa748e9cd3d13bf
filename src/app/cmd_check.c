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

static const char help[] =
    "usage: stratobench check MODELS.ini [options]\n\n"
    "Finds every error of the config, looks at the binaries, devices, model files and memory, and\n"
    "prints the exact command of every cell. Launches no model.\n\n"
    "      --model GLOB     only models whose id or label matches\n"
    "      --backend GLOB   only backends whose id or label matches\n"
    "      --force-memory   do not count missing memory as a problem\n"
    "      --bandwidth      measure how fast the CPU reads memory, for `bandwidth =`\n"
    "  -h, --help           this text\n\n"
    "Exit: 0 every cell can run, 1 a cell would fail, 2 bad usage or config.\n";

enum { OPT_MODEL = 256, OPT_BACKEND, OPT_MEMORY, OPT_BANDWIDTH };

static const struct option long_options[] = {
    {"model", required_argument, NULL, OPT_MODEL},
    {"backend", required_argument, NULL, OPT_BACKEND},
    {"force-memory", no_argument, NULL, OPT_MEMORY},
    {"bandwidth", no_argument, NULL, OPT_BANDWIDTH},
    {"help", no_argument, NULL, 'h'},
    {0},
};

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

int sb_cmd_check(int argc, char **argv) {
    struct sb_selection selection = {0};
    struct sb_preflight_options options = {.signal_fd = -1};
    bool bandwidth = false;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", long_options, NULL)) != -1;) {
        switch (c) {
        case OPT_MODEL: selection.model = optarg; break;
        case OPT_BACKEND: selection.backend = optarg; break;
        case OPT_MEMORY: options.force_memory = true; break;
        case OPT_BANDWIDTH: bandwidth = true; break;
        case 'h': fputs(help, stdout); return SB_EXIT_OK;
        default: return sb_cli_bad_option(c, argv, long_options);
        }
    }
    if (optind + 1 != argc)
        return sb_cli_usage_error("check",
                                  optind == argc ? "no config file" : "more than one config file");
    struct sb_config config;
    struct sb_buf errors = SB_BUF_INIT(SB_ERR_MAX);
    if (sb_config_load(argv[optind], &selection, &config, &errors) < 0) {
        sb_print_indented(stderr, sb_buf_str(&errors), 0);
        sb_buf_release(&errors);
        return SB_EXIT_USAGE;
    }
    struct sb_preflight preflight;
    options.signal_fd = sb_signals_open();
    print_machine(bandwidth);
    sb_preflight(&config, &options, &preflight);
    int rc = preflight.interrupted ? 128 + preflight.interrupted
                                   : sb_print_plan(stdout, &config, &preflight);
    sb_preflight_release(&preflight);
    sb_config_release(&config);
    close(options.signal_fd);
    return rc;
}
