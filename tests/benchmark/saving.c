/* What a save after every run costs with many cells in the file.
 *
 *   saving RESULTS.json COUNT     writes beside it
 */
#include <string.h>
#include <unistd.h>

#include "sample.h"
#include "stratobench/results.h"

int main(int argc, char **argv) {
    struct sb_results r;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    if (argc < 3 || sb_results_load(argv[1], &r, &error) < 0) {
        fprintf(stderr, "saving: %s\n", sb_buf_str(&error));
        return 1;
    }
    char *path = sb_asprintf("%s.saved", argv[1]);
    for (int i = 0; i < atoi(argv[2]); i++) {
        double began_s = sb_now_s();
        if (sb_results_save(&r, path, &error) < 0)
            return 1;
        sample("save.1000_cells_ms", (sb_now_s() - began_s) * 1e3);
    }
    unlink(path);
    free(path);
    sb_results_release(&r);
    return 0;
}
