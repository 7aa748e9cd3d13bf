/* Any bytes as a config file: refused with diagnostics, or a plan with at least one cell. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stratobench/config.h"

/* The corpus names its prompt /proc/self/fd/100. */
static void provide_prompt(void) {
    enum { PROMPT_FD = 100 };
    static bool done;
    if (done)
        return;
    done = true;
    int fd = memfd_create("prompt", 0);
    if (fd < 0 || dup2(fd, PROMPT_FD) < 0 || write(PROMPT_FD, "Why?\n", 5) != 5)
        abort();
    close(fd);
    static char models[] = "MODELS=/models";
    if (putenv(models))
        sb_out_of_memory();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char file[] = "/nowhere/fuzz.ini";
    struct sb_config c;
    struct sb_buf errors = SB_BUF_INIT(SB_ERR_MAX);
    provide_prompt();
    int rc = sb_config_parse(file, (const char *)data, size, NULL, &c, &errors);
    if (rc == 0) {
        if (errors.len || c.n_cells == 0 || c.bench.n_prompts == 0 || c.bench.n_depths == 0)
            abort();
        for (size_t i = 0; i < c.n_cells; i++) {
            const struct sb_model *m = c.cells[i].model;
            const struct sb_backend *b = c.cells[i].backend;
            if (b->url ? b->command.n || !(m->path || m->name) : !m->path || !b->command.n)
                abort();
        }
        sb_config_release(&c);
    } else if (rc != -EINVAL || strncmp(sb_buf_str(&errors), file, sizeof file - 1) != 0) {
        abort();
    }
    sb_buf_release(&errors);
    return 0;
}
