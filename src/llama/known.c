/* Builds that are known to compute wrong, in one place. */
#include <stdlib.h>
#include <string.h>

#include "stratobench/llama.h"

static const struct known {
    long first, last;         /* builds */
    const char *device;       /* what its name begins with */
    const char *const *chips; /* one of which its description holds */
    const char *what;
} known[] = {
    /* From the bisection in #27506 to the last package before the fix of 2026-09-08 (d4389a4). */
    {10040, 10866, "ROCm",
     (const char *const[]){"gfx1150", "gfx1151", "8060S", "8050S", "8040S", "890M", "880M", NULL},
     "builds 10040 to 10866 (2026-07-16 to 2026-09-08) compute wrong logits with ROCm on gfx1150 "
     "and "
     "gfx1151, at full speed (ggml-org/llama.cpp#27506, #28211): take a later build"},
};

/* "0.7.0 (build 11669, commit Debian)", "6040 (66625a59)"; 0 unknown. */
static long build_of(const char *version) {
    const char *at = version ? strstr(version, "build ") : NULL;
    return version ? strtol(at ? at + strlen("build ") : version, NULL, 10) : 0;
}

const char *sb_llama_known_wrong(const char *version, const struct sb_llama_device *device) {
    long build = build_of(version);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const struct known *k = &known[i];
        if (build < k->first || build > k->last ||
            strncmp(device->name, k->device, strlen(k->device)) != 0)
            continue;
        for (const char *const *chip = k->chips; *chip; chip++)
            if (device->description && strstr(device->description, *chip))
                return k->what;
    }
    return NULL;
}
