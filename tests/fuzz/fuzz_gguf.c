/* The first byte says how much longer than the input the file claims to be. */
#include "stratobench/gguf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sb_gguf g;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    if (size == 0)
        return 0;
    uint64_t file_size = size - 1 + (data[0] < 63 ? (UINT64_C(1) << data[0]) : 0);
    if (sb_gguf_parse("input", data + 1, size - 1, file_size, &g, &error) == SB_GGUF_OK)
        sb_gguf_kv_bytes(&g, file_size, "q4_0");
    sb_gguf_release(&g);
    sb_buf_release(&error);
    return 0;
}
