#include "make_gguf.h"

#include <stdio.h>

/* A small vision transformer with Gemma 3's way of making tokens of it: averages over squares of
 * patches, one norm, one projection. Of the kinds that llama-server knows it needs the fewest
 * tensors. */

static void add_named(struct tensors *list, const struct type *type, const char *what, uint64_t ne0,
                      uint64_t ne1) {
    for (int i = 0; i < MMPROJ_LAYERS; i++) {
        char name[48];
        snprintf(name, sizeof name, "v.blk.%d.%s", i, what);
        add_tensor(list, type, name, (uint64_t[4]){ne0, ne1})->ones = ne1 == 0;
    }
}

struct tensors list_mmproj(const struct spec *s, const struct type *type) {
    const struct type *f32 = f32_type();
    const uint64_t side = MMPROJ_IMAGE / MMPROJ_PATCH;
    struct tensors list = {0};
    add_tensor(&list, f32, "v.patch_embd.weight",
               (uint64_t[4]){MMPROJ_PATCH, MMPROJ_PATCH, 3, MMPROJ_EMBD});
    add_tensor(&list, f32, "v.position_embd.weight", (uint64_t[4]){MMPROJ_EMBD, side * side});
    add_named(&list, f32, "ln1.weight", MMPROJ_EMBD, 0);
    add_named(&list, type, "attn_q.weight", MMPROJ_EMBD, MMPROJ_EMBD);
    add_named(&list, type, "attn_k.weight", MMPROJ_EMBD, MMPROJ_EMBD);
    add_named(&list, type, "attn_v.weight", MMPROJ_EMBD, MMPROJ_EMBD);
    add_named(&list, type, "attn_out.weight", MMPROJ_EMBD, MMPROJ_EMBD);
    add_named(&list, f32, "ln2.weight", MMPROJ_EMBD, 0);
    add_named(&list, type, "ffn_up.weight", MMPROJ_EMBD, MMPROJ_FF);
    add_named(&list, type, "ffn_down.weight", MMPROJ_FF, MMPROJ_EMBD);
    add_tensor(&list, f32, "v.post_ln.weight", (uint64_t[4]){MMPROJ_EMBD})->ones = true;
    add_tensor(&list, f32, "mm.soft_emb_norm.weight", (uint64_t[4]){MMPROJ_EMBD})->ones = true;
    add_tensor(&list, type, "mm.input_projection.weight", (uint64_t[4]){s->embd, MMPROJ_EMBD});
    return list;
}
