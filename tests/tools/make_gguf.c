/* The program make_gguf: its options and the shape of the model. make_gguf.h says the rest. */
#include "make_gguf/make_gguf.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_LENGTH = 64 };

static const struct spec defaults = {
    .name = "Random weights",
    .arch = "llama",
    .type_name = "F16",
    .layers = 4,
    .embd = 256,
    .vocab = 4096,
    .ctx = 32768,
    .shards = 1,
    .file_type = UINT64_MAX,
};

enum kind { TEXT, COUNT, SWITCH };
static const struct option_row {
    const char *name, *argument;
    enum kind kind;
    size_t at;
    uint64_t max;
    const char *help;
} options[] = {
#define AT(field) offsetof(struct spec, field)
    {"output", "FILE", TEXT, AT(out), 0,
     "the file; with shards its name less .gguf is their prefix"},
    {"size", "MIB", COUNT, AT(size_mib), 1 << 20, "choose layers, embd and ff for about this size"},
    {"layers", "N", COUNT, AT(layers), 1000, "blocks (4)"},
    {"embd", "N", COUNT, AT(embd), 1 << 16, "embedding length, a multiple of 64 (256)"},
    {"ff", "N", COUNT, AT(ff), 1 << 16, "feed-forward length, a multiple of 32 (3 x embd)"},
    {"heads", "N", COUNT, AT(heads), 1024, "attention heads (embd/64)"},
    {"kv-heads", "N", COUNT, AT(kv_heads), 1024, "key and value heads (heads/4, or 1)"},
    {"type", "F16|Q8_0|Q4_0", TEXT, AT(type_name), 0, "type of the matrices (F16)"},
    {"experts", "N", COUNT, AT(experts), 1024, "make it a mixture of N experts a layer"},
    {"experts-used", "N", COUNT, AT(experts_used), 1024, "of which a token uses N (2)"},
    {"shards", "N", COUNT, AT(shards), 999, "files to spread it over (1)"},
    {"vocab", "N", COUNT, AT(vocab), 1 << 20, "pad the vocabulary to N tokens (4096)"},
    {"ctx", "N", COUNT, AT(ctx), 1 << 24, "context length it claims (32768)"},
    {"tied", NULL, SWITCH, AT(tied), 0, "no output matrix: the token embedding is it"},
    {"name", "TEXT", TEXT, AT(name), 0, "general.name"},
    {"arch", "NAME", TEXT, AT(arch), 0, "general.architecture (llama); another is for error tests"},
    {"file-type", "N", COUNT, AT(file_type), 1 << 16, "general.file_type, if it is to lie"},
    {"no-bos", NULL, SWITCH, AT(no_bos), 0, "tokenizer.ggml.add_bos_token = false"},
    {"eos-first", NULL, SWITCH, AT(eos_first), 0, "a model that ends every text at once"},
    {"mmproj", NULL, SWITCH, AT(mmproj), 0,
     "the eyes of a model of that --embd: its projector file"},
    {"seed", "N", COUNT, AT(seed), UINT64_MAX, "of the random weights (0)"},
    {"no-data", NULL, SWITCH, AT(no_data), 0, "leave the weights a hole: any size, no disk used"},
    {"help", NULL, SWITCH, AT(help), 0, "this text"},
#undef AT
};
enum { N_OPTIONS = sizeof options / sizeof *options };

_Noreturn void die(const char *what, const char *which) {
    fprintf(stderr, "make_gguf: %s: %s\n", which, what);
    exit(2);
}

static void usage(void) {
    puts("usage: make_gguf -o FILE [options]\n"
         "Writes a random-weights model that llama-server loads.\n");
    for (size_t i = 0; i < N_OPTIONS; i++)
        printf("  --%-13s %-14s %s\n", options[i].name,
               options[i].argument ? options[i].argument : "", options[i].help);
}

static void set_option(struct spec *s, const struct option_row *o, const char *value) {
    void *at = (char *)s + o->at;
    if (o->kind == SWITCH) {
        *(bool *)at = true;
    } else if (o->kind == TEXT) {
        *(const char **)at = value;
    } else {
        char *end;
        errno = 0;
        unsigned long long n = strtoull(value, &end, 10);
        if (errno || end == value || *end || *value == '-' || n > o->max)
            die("not a number in range", o->name);
        *(uint64_t *)at = n;
    }
}

static struct spec parse_options(int argc, char **argv) {
    struct option known[N_OPTIONS + 1] = {{0}};
    for (int i = 0; i < N_OPTIONS; i++)
        known[i] = (struct option){options[i].name, options[i].kind != SWITCH, NULL, 256 + i};
    struct spec s = defaults;
    for (int c; (c = getopt_long(argc, argv, "o:h", known, NULL)) != -1;) {
        if (c == 'h')
            s.help = true;
        else if (c == 'o')
            s.out = optarg;
        else if (c >= 256)
            set_option(&s, &options[c - 256], optarg);
        else
            exit(2);
    }
    if (optind < argc)
        die("unexpected argument", argv[optind]);
    return s;
}

/* embd^2 x this is a layer's parameters: attention 2 + 2/4, feed-forward 3 x 3 an expert. */
static double layer_factor(const struct spec *s) {
    return 2.5 + 9.0 * (double)(s->experts ? s->experts : 1);
}

/* Depth grows with width (layers = embd/128, as usual models have it); then the number of
 * layers makes up for the rounding. */
static void choose_shape(struct spec *s, const struct type *type) {
    double params = (double)s->size_mib * 1048576 * type->block / type->block_bytes;
    double embd = cbrt(params * 128 / layer_factor(s));
    uint64_t grain = embd < 256 ? 64 : 256;
    s->embd = embd < 64 ? 64 : (uint64_t)embd / grain * grain;
    double width = (double)s->embd, tables = width * (double)s->vocab * (s->tied ? 1 : 2);
    double layers = (params - tables) / (layer_factor(s) * width * width);
    s->layers = layers < 1 ? 1 : (uint64_t)lrint(layers);
    s->ff = 3 * s->embd;
}

static void complete_spec(struct spec *s, const struct type *type) {
    if (s->experts && !s->experts_used)
        s->experts_used = s->experts < 2 ? s->experts : 2;
    if (s->size_mib)
        choose_shape(s, type);
    if (!s->ff)
        s->ff = 3 * s->embd;
    if (!s->heads)
        s->heads = s->embd / HEAD_LENGTH;
    if (!s->kv_heads)
        s->kv_heads = s->heads % 4 ? 1 : s->heads / 4;
    if (!s->embd || s->embd % 64)
        die("must be a multiple of 64, and at least that", "embd");
    if (s->ff % 32)
        die("must be a multiple of 32", "ff");
    if (!s->heads || s->embd % s->heads || s->embd / s->heads % 32)
        die("must divide embd into heads of a multiple of 32", "heads");
    if (!s->kv_heads || s->heads % s->kv_heads)
        die("must divide heads", "kv-heads");
    if (s->experts_used > s->experts)
        die("must not be more than experts", "experts-used");
    if (!s->layers || !s->shards || !s->ctx)
        die("must be at least 1", !s->layers ? "layers" : !s->shards ? "shards" : "ctx");
}

int main(int argc, char **argv) {
    struct spec s = parse_options(argc, argv);
    if (s.help) {
        usage();
        return 0;
    }
    if (!s.out)
        die("missing; make_gguf --help lists the options", "-o FILE");
    const struct type *type = find_type(s.type_name);
    struct vocab vocab = make_vocab(s.vocab);
    s.vocab = vocab.text.n;
    complete_spec(&s, type);
    struct tensors list = s.mmproj ? list_mmproj(&s, type) : list_tensors(&s, type);
    if (s.shards > list.n)
        die("more than there are tensors", "shards");
    write_model(&s, &list, &vocab);
    free(list.item);
    release_vocab(&vocab);
    return 0;
}
