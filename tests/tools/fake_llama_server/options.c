#include "fake.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(name) offsetof(struct args, name)
enum { NO_VALUE = -1, HELP = -2, VERSION = -3, LIST_DEVICES = -4 };

static const struct {
    unsigned builds;
    const char *names, *value, *help;
    long field;
} options[] = {
    {ALL, "-h,    --help, --usage", "", "print usage and exit", HELP},
    {ALL, "--version", "", "show version and build info", VERSION},
    {ALL, "-t,    --threads", "N", "number of CPU threads to use during generation",
     FIELD(threads)},
    {ALL, "-c,    --ctx-size", "N", "size of the prompt context", FIELD(ctx)},
    {ALL, "-b,    --batch-size", "N", "logical maximum batch size (default: 2048)", FIELD(ignored)},
    {ALL, "-ub,   --ubatch-size", "N", "physical maximum batch size (default: 512)", FIELD(ubatch)},
    {OLD, "-fa,   --flash-attn", "", "enable Flash Attention (default: disabled)", NO_VALUE},
    {FEB | NEW, "-fa,   --flash-attn", "[on|off|auto]",
     "set Flash Attention use ('on', 'off', or 'auto', default: 'auto')", FIELD(ignored)},
    {ALL, "-ctk,  --cache-type-k", "TYPE", "KV cache data type for K", FIELD(ignored)},
    {ALL, "-ctv,  --cache-type-v", "TYPE", "KV cache data type for V", FIELD(ignored)},
    {ALL, "--mlock", "", "force system to keep model in RAM", NO_VALUE},
    {OLD, "--no-mmap", "", "do not memory-map model", NO_VALUE},
    {FEB, "--mmap, --no-mmap", "", "whether to memory-map model", NO_VALUE},
    {NEW, "-lm,   --load-mode", "MODE",
     "model loading mode (default: auto) - auto: mmap, unless a device does not support it - none: "
     "no special loading "
     "mode - mmap: memory-map model - mlock: force system to keep model in RAM",
     FIELD(ignored)},
    {ALL, "-dev,  --device", "<dev1,dev2,..>",
     "comma-separated list of devices to use for offloading (none = don't offload)", FIELD(device)},
    {ALL, "--list-devices", "", "print list of available devices and exit", LIST_DEVICES},
    {OLD, "-ngl,  --gpu-layers, --n-gpu-layers", "N", "number of layers to store in VRAM",
     FIELD(gpu_layers)},
    {FEB | NEW, "-ngl,  --gpu-layers, --n-gpu-layers", "N",
     "max. number of layers to store in VRAM, either an exact number, 'auto', or 'all'",
     FIELD(gpu_layers)},
    {FEB | NEW, "-mm,   --mmproj", "FILE", "path to a multimodal projector file", FIELD(mmproj)},
    {FEB | NEW, "-fit,  --fit", "[on|off]", "whether to adjust unset arguments to fit",
     FIELD(ignored)},
    {ALL, "-m,    --model", "FNAME", "model path to load", FIELD(model)},
    {NEW, "-lv,   --verbosity, --log-verbosity", "N",
     "Set the verbosity threshold. Values: - 0: generic output - 1: error - 2: warning "
     "- 3: info - 4: trace (more info) - 5: debug",
     FIELD(verbosity)},
    {OLD | FEB, "-lv,   --verbosity, --log-verbosity", "N", "Set the verbosity threshold",
     FIELD(verbosity)},
    {FEB | NEW, "-cram, --cache-ram", "N", "set the maximum cache size in MiB", FIELD(ignored)},
    {NEW, "--warmup, --no-warmup", "", "whether to perform warmup with an empty run", NO_VALUE},
    {OLD | FEB, "--no-warmup", "", "skip warming up the model with an empty run", NO_VALUE},
    {ALL, "-np,   --parallel", "N", "number of server slots", FIELD(slots)},
    {OLD, "-a,    --alias", "STRING", "set model name aliases", FIELD(alias)},
    {FEB | NEW, "-a,    --alias", "STRING", "set model name aliases (env: LLAMA_ARG_ALIAS)",
     FIELD(alias)},
    {ALL, "--host", "HOST", "ip address to listen", FIELD(host)},
    {ALL, "--port", "PORT", "port to listen", FIELD(port)},
    {ALL, "--api-key-file", "FNAME", "path to file containing API keys", FIELD(api_key_file)},
    {NEW, "--spec-type", "none,draft-simple,ngram-mod",
     "comma-separated list of types of speculative decoding to use (default: none)",
     FIELD(ignored)},
    {NEW, "--spec-draft-model, -md, --model-draft", "FNAME", "draft model for speculative decoding",
     FIELD(ignored)},
    {ALL, "-s,    --seed", "SEED", "RNG seed", FIELD(ignored)},
};
#define N_OPTIONS (sizeof options / sizeof *options)

const char *devices(void) {
    const char *names = getenv("FAKE_DEVICES");
    return names ? names : "Vulkan0,ROCm0";
}

/* True when `name` is one of a list separated by commas and blanks. */
static bool is_in(const char *list, const char *name, size_t len) {
    for (const char *at = list; *at; at += strspn(at, ", ")) {
        size_t n = strcspn(at, ", ");
        if (n == len && memcmp(at, name, n) == 0)
            return true;
        at += n;
    }
    return false;
}

static void print_help(unsigned build) {
    puts("----- common params -----\n");
    for (size_t i = 0; i < N_OPTIONS; i++) {
        char left[128];
        snprintf(left, sizeof left, "%s%s%s", options[i].names, *options[i].value ? " " : "",
                 options[i].value);
        if (options[i].builds & build)
            printf("%-39s%s%s\n", left, strlen(left) < 39 ? "" : "  ", options[i].help);
    }
}

static void print_devices(void) {
    const char *at = devices();
    puts("Available devices:");
    if (!*at) {
        fputs("ggml_cuda_init: failed to initialize ROCm: no ROCm-capable device\n", stderr);
        puts("  (none)");
    }
    for (size_t n; (n = strcspn(at, ",")) > 0; at += n + (at[n] == ','))
        printf("  %.*s: Fake GPU (24105 MiB, 23726 MiB free)\n", (int)n, at);
}

static _Noreturn void inform(long what, unsigned build) {
    if (what == HELP)
        print_help(build);
    else if (what == LIST_DEVICES)
        print_devices();
    else if (!mode("no-version"))
        fprintf(stderr, "version: %s\nbuilt with a C compiler for Linux\n",
                build == NEW ? "0.7.0 (build 11669, commit fake)" : "6040 (66625a59)");
    exit(0);
}

static _Noreturn void refuse(const char *what, const char *value) {
    fprintf(stderr, "error: %s: %s\n", what, value);
    exit(1);
}

struct args parse_args(char **argv) {
    const char *style = getenv("FAKE_HELP");
    struct args a = {.build = !style ? NEW : strcmp(style, "old") == 0 ? OLD : FEB};
    a.ctx = "4096";
    a.alias = a.build == OLD ? NULL : getenv("LLAMA_ARG_ALIAS");
    a.host = "127.0.0.1";
    a.port = a.build == NEW ? "9931" : "8080";
    a.slots = a.build == OLD ? "1" : "4";
    a.verbosity = "3";
    for (argv++; *argv; argv++) {
        size_t i = 0;
        while (i < N_OPTIONS &&
               !((options[i].builds & a.build) && is_in(options[i].names, *argv, strlen(*argv))))
            i++;
        if (i == N_OPTIONS)
            refuse("invalid argument", *argv);
        if (options[i].field < NO_VALUE)
            inform(options[i].field, a.build);
        if (options[i].field == NO_VALUE)
            continue;
        if (!argv[1])
            refuse("expected value for argument", *argv);
        *(const char **)((char *)&a + options[i].field) = *++argv;
    }
    const char *device = a.device && strcmp(a.device, "none") != 0 ? a.device : "";
    for (size_t len; (len = strcspn(device, ",")) > 0; device += len + (device[len] == ','))
        if (!is_in(devices(), device, len))
            refuse("invalid device", device);
    return a;
}
