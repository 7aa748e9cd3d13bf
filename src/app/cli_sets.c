#include "cli_sets.h"

#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"

int sb_cli_load_sets(const char *command, char *const *paths, size_t n, struct sb_cli_sets *ret) {
    struct sb_cli_sets s = {sb_alloc(n, sizeof *s.item), sb_alloc(n, sizeof *s.pointers), 0};
    bool failed = false;
    for (size_t i = 0; i < n; i++) {
        struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
        if (sb_results_load(paths[i], &s.item[s.n], &error) < 0) {
            fprintf(stderr, "stratobench %s: %s\n", command, sb_buf_str(&error));
            failed = true;
        } else {
            s.pointers[s.n] = &s.item[s.n];
            s.n++;
        }
        sb_buf_release(&error);
    }
    if (failed) {
        sb_cli_sets_release(&s);
        return SB_EXIT_USAGE;
    }
    *ret = s;
    return 0;
}

void sb_cli_sets_release(struct sb_cli_sets *s) {
    for (size_t i = 0; i < s->n; i++)
        sb_results_release(&s->item[i]);
    free(s->item);
    free(s->pointers);
    *s = (struct sb_cli_sets){0};
}
