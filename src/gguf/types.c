/* The names and sizes of types, and how sizes are shown. */
#include "header.h"

#include <inttypes.h>
#include <math.h>
#include <strings.h>

/* By the number a tensor's header gives; gaps are types that were withdrawn. */
static const struct sb_gguf_type types[SB_GGUF_TYPES] = {
    [0] = {"F32", 1, 4, true},          [1] = {"F16", 1, 2, true},
    [2] = {"Q4_0", 32, 18, true},       [3] = {"Q4_1", 32, 20, true},
    [6] = {"Q5_0", 32, 22, true},       [7] = {"Q5_1", 32, 24, true},
    [8] = {"Q8_0", 32, 34, true},       [9] = {"Q8_1", 32, 36, false},
    [10] = {"Q2_K", 256, 84, false},    [11] = {"Q3_K", 256, 110, false},
    [12] = {"Q4_K", 256, 144, false},   [13] = {"Q5_K", 256, 176, false},
    [14] = {"Q6_K", 256, 210, false},   [15] = {"Q8_K", 256, 292, false},
    [16] = {"IQ2_XXS", 256, 66, false}, [17] = {"IQ2_XS", 256, 74, false},
    [18] = {"IQ3_XXS", 256, 98, false}, [19] = {"IQ1_S", 256, 50, false},
    [20] = {"IQ4_NL", 32, 18, true},    [21] = {"IQ3_S", 256, 110, false},
    [22] = {"IQ2_S", 256, 82, false},   [23] = {"IQ4_XS", 256, 136, false},
    [24] = {"I8", 1, 1, false},         [25] = {"I16", 1, 2, false},
    [26] = {"I32", 1, 4, false},        [27] = {"I64", 1, 8, false},
    [28] = {"F64", 1, 8, false},        [29] = {"IQ1_M", 256, 56, false},
    [30] = {"BF16", 1, 2, true},        [34] = {"TQ1_0", 256, 54, false},
    [35] = {"TQ2_0", 256, 66, false},   [39] = {"MXFP4", 32, 17, false},
    [40] = {"NVFP4", 64, 36, false},    [41] = {"Q1_0", 128, 18, false},
    [42] = {"Q2_0", 64, 18, false},
};

/* By general.file_type. */
static const char *const file_types[] = {
    [0] = "F32",      [1] = "F16",      [2] = "Q4_0",    [3] = "Q4_1",    [7] = "Q8_0",
    [8] = "Q5_0",     [9] = "Q5_1",     [10] = "Q2_K",   [11] = "Q3_K_S", [12] = "Q3_K_M",
    [13] = "Q3_K_L",  [14] = "Q4_K_S",  [15] = "Q4_K_M", [16] = "Q5_K_S", [17] = "Q5_K_M",
    [18] = "Q6_K",    [19] = "IQ2_XXS", [20] = "IQ2_XS", [21] = "Q2_K_S", [22] = "IQ3_XS",
    [23] = "IQ3_XXS", [24] = "IQ1_S",   [25] = "IQ4_NL", [26] = "IQ3_S",  [27] = "IQ3_M",
    [28] = "IQ2_S",   [29] = "IQ2_M",   [30] = "IQ4_XS", [31] = "IQ1_M",  [32] = "BF16",
    [36] = "TQ1_0",   [37] = "TQ2_0",   [38] = "MXFP4",  [39] = "NVFP4",  [40] = "Q1_0",
    [41] = "Q2_0",
};

const struct sb_gguf_type *sb_gguf_type(uint32_t id) {
    return id < SB_GGUF_TYPES && types[id].name ? &types[id] : NULL;
}

const struct sb_gguf_type *sb_gguf_cache_type(const char *name) {
    for (uint32_t id = 0; id < SB_GGUF_TYPES; id++)
        if (types[id].cache && strcasecmp(types[id].name, name) == 0)
            return &types[id];
    return NULL;
}

const char *sb_gguf_file_type(uint64_t file_type) {
    enum { GUESSED = 1024 }; /* a flag of llama.cpp's: by the tensors, not by the maker */
    file_type &= ~(uint64_t)GUESSED;
    return file_type < sizeof file_types / sizeof *file_types ? file_types[file_type] : NULL;
}

char *sb_format_bytes(uint64_t bytes) {
    const double kib = (double)bytes / 1024, mib = kib / 1024, gib = mib / 1024;
    if (bytes < 1024)
        return sb_asprintf("%" PRIu64 " B", bytes);
    if (kib < 1023.5)
        return sb_asprintf("~%.0f KiB", kib);
    if (mib < 1023.5)
        return sb_asprintf("~%.0f MiB", mib);
    return sb_asprintf(gib < 9.95 ? "~%.1f GiB" : "~%.0f GiB", gib);
}

char *sb_format_params(double params) {
    static const char *const units[] = {"", "K", "M", "B", "T"};
    size_t unit = 0;
    if (!(params >= 0) || isinf(params))
        return sb_strdup("unknown");
    for (; params >= 999.5 && unit < 4; unit++)
        params /= 1000;
    bool whole = params >= 9.95 || fabs(params - round(params)) < 0.05;
    return sb_asprintf(whole ? "%.0f%s" : "%.1f%s", params, units[unit]);
}
