/* What the machine's drivers are made of: versions of packages, parameters of the GPU's module.
 * From files alone; a database that only a program can read (rpm's) stays unread. */
#include <stdlib.h>
#include <string.h>

#include "fs.h"
#include "settings.h"

/* Packages that speed or answers have depended on, by the name of their distribution. */
static const char *const packages[] = {
    "amdvlk",          "firmware-amd-graphics", "libdrm-amdgpu1", "linux-firmware",
    "mesa-libgallium", "mesa-vulkan-drivers",   "nvidia-driver",  "rocm-core",
    "hsa-rocr",        "hip-runtime-amd",       "vulkan-radeon",
};

/* amdgpu's own parameters that bear on compute; -1 is "the driver's choice" and says nothing. */
static const char *const parameters[] = {
    "cwsr_enable",      "gttsize",       "lockup_timeout", "mes",
    "noretry",          "ppfeaturemask", "runpm",          "sched_hw_submission",
    "vm_fragment_size", "vm_size",
};

enum { DPKG_MAX_BYTES = 64 << 20 };

/* The value of a field in the paragraph at `text`; NULL when it has none. The caller frees. */
static char *paragraph_field(const char *text, const char *end, const char *field) {
    size_t n = strlen(field);
    for (const char *line = text; line < end;) {
        size_t len = strcspn(line, "\n");
        if (strncmp(line, field, n) == 0)
            return sb_strndup(line + n, len - n);
        line += len + (line[len] == '\n');
    }
    return NULL;
}

static void take_package(struct sb_fact *o, const char *text, const char *end) {
    char *name = paragraph_field(text, end, "Package: ");
    char *status = paragraph_field(text, end, "Status: ");
    for (size_t i = 0; name && status && i < sizeof packages / sizeof *packages; i++)
        if (strcmp(name, packages[i]) == 0 && strstr(status, " installed") &&
            !sb_fact_of(o, name)) {
            char *version = paragraph_field(text, end, "Version: ");
            sb_host_put_text(o, name, version);
        }
    free(name);
    free(status);
}

/* dpkg's database: paragraphs with an empty line between them. */
static void put_packages(struct sb_fact *o, const char *root) {
    char *path = sb_asprintf("%s/var/lib/dpkg/status", root);
    struct sb_buf text = SB_BUF_INIT(DPKG_MAX_BYTES);
    if (sb_file_read(path, &text, NULL) == 0)
        for (const char *s = sb_buf_str(&text); *s;) {
            const char *end = strstr(s, "\n\n");
            end = end ? end + 1 : s + strlen(s);
            take_package(o, s, end);
            s = end + (*end == '\n');
        }
    sb_buf_release(&text);
    free(path);
}

/* pacman's: a folder NAME-VERSION-RELEASE for each package. */
static void put_pacman_packages(struct sb_fact *o, const char *root) {
    for (size_t i = 0; i < sizeof packages / sizeof *packages; i++) {
        char *pattern = sb_asprintf("/var/lib/pacman/local/%s-[0-9]*", packages[i]);
        struct sb_strv found = {0};
        sb_host_glob(root, pattern, &found);
        const char *folder = found.n ? strrchr(found.item[0], '/') : NULL;
        if (folder && !sb_fact_of(o, packages[i]))
            sb_host_put_text(o, packages[i], sb_strdup(folder + strlen(packages[i]) + 2));
        sb_strv_release(&found);
        free(pattern);
    }
}

static struct sb_fact *not_empty(struct sb_fact *o) {
    if (o->child)
        return o;
    sb_facts_free(o);
    return NULL;
}

struct sb_fact *sb_host_software(const char *root) {
    struct sb_fact *o = sb_facts_new();
    sb_host_put_text(o, "rocm", sb_host_text("%s/opt/rocm/.info/version", root));
    put_packages(o, root);
    put_pacman_packages(o, root);
    return not_empty(o);
}

struct sb_fact *sb_host_amdgpu_parameters(const char *root) {
    struct sb_fact *o = sb_facts_new();
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
        char *value = sb_host_text("%s/sys/module/amdgpu/parameters/%s", root, parameters[i]);
        if (value && strcmp(value, "-1") != 0)
            sb_host_put_text(o, parameters[i], value);
        else
            free(value);
    }
    return not_empty(o);
}
