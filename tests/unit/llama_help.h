/* Builds of llama-server as their --help tells of them, and the command lines that they are given. */
#ifndef LLAMA_HELP_H
#define LLAMA_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stratobench/llama.h"

/* Excerpts of --help as the builds print it. */
static const char help_new[] =
    "----- common params -----\n"
    "\n"
    "-h,    --help, --usage                  print usage and exit\n"
    "-t,    --threads N                      number of CPU threads to use during generation\n"
    "                                        (env: LLAMA_ARG_THREADS)\n"
    "-c,    --ctx-size N                     size of the prompt context\n"
    "-fa,   --flash-attn [on|off|auto]       set Flash Attention use ('on', 'off', or 'auto')\n"
    "-ctk,  --cache-type-k TYPE              KV cache data type for K\n"
    "                                        allowed values: f32, f16, bf16, q8_0, q4_0, q4_1\n"
    "-ctv,  --cache-type-v TYPE              KV cache data type for V\n"
    "-lm,   --load-mode MODE                 model loading mode (default: auto)\n"
    "                                        - auto: mmap, unless a device does not support it\n"
    "                                        - none: no special loading mode\n"
    "                                        - mmap: memory-map the model\n"
    "-dev,  --device <dev1,dev2,..>          comma-separated list of devices\n"
    "-ngl,  --gpu-layers, --n-gpu-layers N   max. number of layers to store in VRAM, either an\n"
    "                                        exact number, 'auto', or 'all' (default: auto)\n"
    "-fit,  --fit [on|off]                   whether to adjust unset arguments\n"
    "-lv,   --verbosity, --log-verbosity N   Set the verbosity threshold. Values:\n"
    "                                         - 3: info\n"
    "                                         - 4: trace (more info)\n"
    "                                         - 5: debug\n"
    "-cram, --cache-ram N                    set the maximum cache size in MiB\n"
    "-np,   --parallel N                     number of server slots\n"
    "-a,    --alias STRING                   set model name aliases\n"
    "--host HOST                             IP addresses to listen on\n"
    "--port PORT                             port to listen (default: 9931)\n"
    "--list-devices                          print list of available devices and exit\n"
    "--spec-draft-n-max N                    number of tokens to draft (default: 3)\n"
    "--spec-draft-model, -md, --model-draft FNAME\n"
    "                                        draft model for speculative decoding\n"
    "--spec-type none,draft-simple,draft-mtp,ngram-simple,ngram-map-k4v,ngram-mod\n"
    "                                        types of speculative decoding to use\n"
    "--spec-ngram-mod-n-max N                maximum number of ngram tokens to use\n"
    "--spec-ngram-map-k4v-size-m N           length of draft m-gram\n"
    "--draft, --draft-n, --draft-max N       the argument has been removed. use\n"
    "                                        --spec-draft-n-max\n";

static const char help_2025[] =
    "-t,    --threads N                      number of threads to use during generation\n"
    "-c,    --ctx-size N                     size of the prompt context (default: 4096)\n"
    "-fa,   --flash-attn                     enable Flash Attention (default: disabled)\n"
    "-ctk,  --cache-type-k TYPE              KV cache data type for K\n"
    "                                        allowed values: f32, f16, bf16, q8_0, q4_0\n"
    "-ctv,  --cache-type-v TYPE              KV cache data type for V\n"
    "--no-mmap                               do not memory-map model (slower load)\n"
    "-dev,  --device <dev1,dev2,..>          comma-separated list of devices\n"
    "-ngl,  --gpu-layers, --n-gpu-layers N   number of layers to store in VRAM\n"
    "-lv,   --verbosity, --log-verbosity N   Set the verbosity threshold.\n"
    "-np,   --parallel N                     number of parallel sequences to decode\n"
    "-a,    --alias STRING                   set alias for model name\n"
    "-md,   --model-draft FNAME              draft model for speculative decoding\n"
    "--draft-max, --draft, --draft-n N       number of tokens to draft (default: 16)\n"
    "--host HOST                             ip address to listen (default: 127.0.0.1)\n"
    "--port PORT                             port to listen (default: 8080)\n";

static inline struct sb_llama_build build_of(const char *help) {
    struct sb_llama_build b = {.version = sb_strdup("test")};
    sb_strv_add(&b.command, "llama-server");
    sb_llama_parse_help(help, strlen(help), &b);
    return b;
}

static inline char *command(const char *help, const struct sb_llama_launch *asked) {
    struct sb_llama_build b = build_of(help);
    struct sb_llama_launch l = *asked;
    l.model_path = "m.gguf";
    l.ctx = 8192;
    l.port = 4242;
    l.alias = "x";
    struct sb_strv argv = {0};
    struct sb_buf out = SB_BUF_INIT(10000);
    if (sb_llama_argv(&b, &l, &argv, &out) == 0)
        for (size_t i = 0; i < argv.n; i++)
            sb_buf_addf(&out, "%s%s", i ? " " : "", argv.item[i]);
    sb_strv_release(&argv);
    sb_llama_build_release(&b);
    return sb_buf_detach(&out);
}

#endif
