/* The keys of a config file. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "value.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define NO_FIELD .offset = 0 /* its type knows where it goes */
#define WORDS(...)                                                                                 \
    (const char *const[]) {                                                                        \
        __VA_ARGS__, NULL                                                                          \
    }
#define BENCH(field)   .offset = offsetof(struct sb_config, field)
#define BACKEND(field) .offset = offsetof(struct sb_backend, field)
#define MODEL(field)   .offset = offsetof(struct sb_model, field)

/* One line a key: to add one, add its field to config.h and its line here. What a measurement is
 * made of stands in sb_settings instead, and comes before these. */
static const struct sb_option bench_options[] = {
    {"hardware", &sb_type_text, BENCH(hardware),
     .help = "what the document says of the machine (default: probed)"},
    {"prompt_label", &sb_type_prompt_label, NO_FIELD, .may_be_empty = true,
     .help = "how the document calls the prompt (default: the file's name)"},
    {"load_timeout", &sb_type_number, BENCH(load_timeout_s), .min = 0.1, .max = 604800,
     .fallback = "900", .help = "seconds for a whole load"},
    {"run_timeout", &sb_type_number, BENCH(run_timeout_s), .min = 0.1, .max = 604800,
     .fallback = "900", .help = "seconds for a whole run"},
    {"answers", &sb_type_int, BENCH(answers), .min = 4, .max = 1000, .words = WORDS("on", "off"),
     .word_value = SB_ANSWERS_ON, .fallback = "on",
     .help = "does the server compute what the others do? on = at 32 tokens"},
    {"image", &sb_type_image, BENCH(image),
     .help = "a PNG or JPEG file that models with an mmproj are shown"},
    {"tune", &sb_type_tune, BENCH(tunes), .repeats = true,
     .help = "try values first: ubatch, batch, threads or flash_attn"},
    {"bandwidth", &sb_type_number, BENCH(bandwidth_gb_s), .min = 0.1, .max = 1000000,
     .help = "memory bandwidth in GB/s (10^9 bytes), for '% of limit'"},
    {"chart", &sb_type_flag, BENCH(chart), .words = WORDS("off", "on"), .fallback = "on",
     .help = "an SVG chart beside the document"},
};

static const struct sb_option backend_options[] = {
    {"label", &sb_type_text, BACKEND(label),
     .help = "what the document calls it (default: the ID)"},
    {"server", &sb_type_server, BACKEND(command),
     .help = "path of a llama-server, or a name to look up on PATH"},
    {"command", &sb_type_command, BACKEND(command),
     .help = "instead: words that start one, as 'podman run ... IMAGE ...'"},
    {"url", &sb_type_url, BACKEND(url),
     .help = "instead: where a server runs already, http://HOST:PORT"},
    {"api_key_env", &sb_type_variable, BACKEND(api_key_env),
     .help = "with url: the environment variable that holds its key"},
    {"ca_file", &sb_type_path, BACKEND(ca_file),
     .help = "with url: the certificates to believe (PEM)"},
    {"before", &sb_type_text, BACKEND(before), .help = "a shell command to run before each launch"},
    {"after", &sb_type_text, BACKEND(after), .help = "the same after each launch"},
    {"device", &sb_type_device, BACKEND(device),
     .help = "what must hold the weights, as in --list-devices; none = CPU"},
    {"gpu_layers", &sb_type_choice, BACKEND(gpu_layers), .max = 100000,
     .words = WORDS("all", "auto"),
     .help = "layers on the GPU; spelled, as the next four, by the binary"},
    {"flash_attn", &sb_type_choice, BACKEND(flash_attn), .words = WORDS("on", "off", "auto"),
     .help = "flash attention"},
    {"mmap", &sb_type_choice, BACKEND(mmap), .words = WORDS("on", "off"),
     .help = "map the model file"},
    {"cache_type", &sb_type_choice, BACKEND(cache_type),
     .words = WORDS("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1"),
     .help = "type of the KV cache, K and V"},
    {"batch", &sb_type_int, BACKEND(batch), .min = 1, .max = 1 << 20,
     .help = "tokens of a prompt that it is given at once"},
    {"ubatch", &sb_type_int, BACKEND(ubatch), .min = 1, .max = 1 << 20,
     .help = "tokens of these that it computes at once"},
    {"threads", &sb_type_int, BACKEND(threads), .min = 1, .max = 4096, .help = "CPU threads"},
    {"tune", &sb_type_tune, BACKEND(tunes), .repeats = true,
     .help = "as in [bench], of this backend, or off"},
    {"spec", &sb_type_spec, BACKEND(spec),
     .help = "speculative decoding: a type, perhaps a number of tokens"},
    {"draft", &sb_type_path, BACKEND(draft), .help = "the draft model's GGUF file"},
    {"args", &sb_type_words, BACKEND(args), .may_be_empty = true,
     .help = "anything else, split as a shell would, passed last"},
    {"env", &sb_type_env, BACKEND(env), .repeats = true, .help = "NAME=VALUE"},
    {"notes", &sb_type_text, BACKEND(notes), .may_be_empty = true, .fallback = "",
     .help = "what the document says about it"},
    {"bandwidth", &sb_type_number, BACKEND(bandwidth_gb_s), .min = 0.1, .max = 1000000,
     .help = "as in [bench], of what this backend reads from"},
};

static const struct sb_option model_options[] = {
    {"label", &sb_type_text, MODEL(label), .line_offset = offsetof(struct sb_model, label_line),
     .help = "what the document calls it (default: as the file says, or ID)"},
    {"path", &sb_type_path, MODEL(path), .line_offset = offsetof(struct sb_model, path_line),
     .help = "the GGUF file; of a model in shards the first"},
    {"name", &sb_type_text, MODEL(name), .line_offset = offsetof(struct sb_model, name_line),
     .help = "what a server with a url calls it, if it has several"},
    {"mmproj", &sb_type_path, MODEL(mmproj), .line_offset = offsetof(struct sb_model, mmproj_line),
     .help = "its multimodal projector, a GGUF file: its eyes"},
    {"image", &sb_type_image, MODEL(image), .line_offset = offsetof(struct sb_model, image_line),
     .help = "as in [bench], of this model"},
    {"backends", &sb_type_words, MODEL(backends),
     .line_offset = offsetof(struct sb_model, backends_line),
     .help = "IDs of the backends it runs on (default: all)"},
    {"quantization", &sb_type_text, MODEL(quantization),
     .help = "as shown (default: what the GGUF says)"},
    {"file_size", &sb_type_text, MODEL(file_size), .help = "as shown"},
    {"total_params", &sb_type_text, MODEL(total_params), .help = "as shown"},
    {"active_params", &sb_type_text, MODEL(active_params), .help = "as shown"},
    {"notes", &sb_type_text, MODEL(notes), .may_be_empty = true, .fallback = "",
     .help = "added to the backend's notes in its rows"},
};

static void *add_backend(struct sb_config *c, const char *id, int line) {
    c->backends = sb_realloc(c->backends, c->n_backends + 1, sizeof *c->backends);
    struct sb_backend *b = &c->backends[c->n_backends++];
    *b = (struct sb_backend){.id = sb_strdup(id), .line = line};
    return b;
}

static void *add_model(struct sb_config *c, const char *id, int line) {
    c->models = sb_realloc(c->models, c->n_models + 1, sizeof *c->models);
    struct sb_model *m = &c->models[c->n_models++];
    *m = (struct sb_model){.id = sb_strdup(id), .line = line};
    return m;
}

/* A setting as an option of [bench]. */
static struct sb_option option_of(const struct sb_setting *s) {
    static const struct sb_type *const types[] = {
        [SB_SETTING_TEXT] = &sb_type_text,       [SB_SETTING_LINES] = &sb_type_header,
        [SB_SETTING_INT] = &sb_type_int,         [SB_SETTING_SHARE] = &sb_type_percent,
        [SB_SETTING_WORD] = &sb_type_flag,       [SB_SETTING_SWITCH] = &sb_type_flag,
        [SB_SETTING_INTS] = &sb_type_ints,       [SB_SETTING_PROMPT] = &sb_type_prompt,
        [SB_SETTING_PROMPTS] = &sb_type_prompts, [SB_SETTING_SECONDS] = &sb_type_number,
    };
    const size_t base = offsetof(struct sb_config, bench);
    bool is_enum = s->type == SB_SETTING_WORD && s->size != sizeof(bool);
    return (struct sb_option){
        .name = s->key,
        .type = is_enum ? &sb_type_word : types[s->type],
        .offset = base + s->offset,
        .count_offset = base + s->count_offset,
        .fallback = s->fallback,
        .min = s->min,
        .max = s->max,
        .words = s->words,
        .word_value = s->type == SB_SETTING_SHARE ? (double)NAN : -1,
        .repeats = s->type == SB_SETTING_LINES,
        .help = s->help,
    };
}

static void add_options(struct sb_section_kind *kind, const struct sb_option *options, size_t n) {
    for (size_t i = 0; i < n && kind->n_options < SB_OPTIONS_MAX; i++)
        kind->options[kind->n_options++] = options[i];
}

void sb_section_kinds(struct sb_section_kind ret[SB_KINDS]) {
    ret[SB_KIND_BENCH] = (struct sb_section_kind){.name = "bench"};
    ret[SB_KIND_BACKEND] = (struct sb_section_kind){.name = "backend", .add = add_backend};
    ret[SB_KIND_MODEL] = (struct sb_section_kind){.name = "model", .add = add_model};
    for (size_t i = 0; i < sb_n_settings; i++) {
        struct sb_option o = option_of(&sb_settings[i]);
        add_options(&ret[SB_KIND_BENCH], &o, 1);
    }
    add_options(&ret[SB_KIND_BENCH], bench_options, COUNT(bench_options));
    add_options(&ret[SB_KIND_BACKEND], backend_options, COUNT(backend_options));
    add_options(&ret[SB_KIND_MODEL], model_options, COUNT(model_options));
}

/* ---- as a screen shows them ---------------------------------------------------------------- */

/* "what it takes; required; may be repeated; default 3" */
static void print_rules(const struct sb_option *o, struct sb_buf *ret) {
    char takes[160];
    bool has_default = o->fallback && *o->fallback;
    const struct {
        bool holds;
        const char *text, *value;
    } rules[] = {{*sb_what_is_expected(o, takes), "", takes},
                 {o->required, "required", ""},
                 {o->repeats, "may be repeated", ""},
                 {has_default, "default ", o->fallback}};
    size_t n = 0;
    for (size_t i = 0; i < COUNT(rules); i++)
        if (rules[i].holds)
            sb_buf_addf(ret, "%s%s%s", n++ ? "; " : "                  ", rules[i].text,
                        rules[i].value);
    sb_buf_adds(ret, n ? "\n" : "");
}

void sb_config_print_keys(struct sb_buf *ret) {
    struct sb_section_kind kinds[SB_KINDS];
    sb_section_kinds(kinds);
    for (size_t k = 0; k < SB_KINDS; k++) {
        sb_buf_addf(ret, "%s[%s%s]\n", k ? "\n" : "", kinds[k].name, kinds[k].add ? " ID" : "");
        for (size_t i = 0; i < kinds[k].n_options; i++) {
            const struct sb_option *o = &kinds[k].options[i];
            sb_buf_addf(ret, "  %-15s %s\n", o->name, o->help);
            print_rules(o, ret);
        }
    }
}
