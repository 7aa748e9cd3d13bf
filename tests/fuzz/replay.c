/* Feeds every file of the folders given to the fuzz target it is linked with. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "stratobench/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f)
        return -1;
    struct sb_buf b = SB_BUF_INIT(64 << 20);
    char chunk[65536];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        sb_buf_add(&b, chunk, n);
    fclose(f);
    LLVMFuzzerTestOneInput((const uint8_t *)sb_buf_str(&b), b.len);
    sb_buf_release(&b);
    return 0;
}

int main(int argc, char **argv) {
    int played = 0;
    for (int i = 1; i < argc; i++) {
        DIR *d = opendir(argv[i]);
        for (struct dirent *e; d && (e = readdir(d));) {
            if (e->d_name[0] == '.')
                continue;
            char *path = sb_asprintf("%s/%s", argv[i], e->d_name);
            played += replay(path) == 0;
            free(path);
        }
        if (d)
            closedir(d);
    }
    printf("%d inputs replayed\n", played);
    return played > 0 ? 0 : 1; /* an empty corpus tests nothing */
}
