/* Preflight: everything that can be known before hours are spent. Launches no model. */
#include "internal.h"

#include <errno.h>
#include <sha256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stratobench/host.h"
#include "stratobench/server.h"
#include "stratobench/sys.h"

enum { LABEL_MAX_BYTES = 120 }; /* a name in a file that is longer is no label */

/* ---- what can go wrong -------------------------------------------------------------------- */

void sb_preflight_fault(struct sb_preflight_cell *p, bool skipped, char *reason, char *detail) {
    p->faults = sb_grow(p->faults, p->n_faults, sizeof *p->faults);
    p->faults[p->n_faults++] = (struct sb_fault){skipped, reason, detail};
}

const struct sb_llama_device *sb_find_device(const struct sb_llama_build *b, const char *name) {
    for (size_t i = 0; i < b->n_devices; i++)
        if (strcmp(b->devices[i].name, name) == 0)
            return &b->devices[i];
    return NULL;
}

static void no_such_device(const struct sb_config *c, struct sb_preflight_cell *p,
                           const char *name) {
    const struct sb_backend *b = p->plan->backend;
    struct sb_buf have = SB_BUF_INIT(1024);
    for (size_t i = 0; i < p->build->n_devices; i++)
        sb_buf_addf(&have, "%s%s (%s)", i ? ", " : "", p->build->devices[i].name,
                    p->build->devices[i].description);
    sb_preflight_fault(p, true, sb_asprintf("no device %s", name),
                       sb_asprintf("%s:%d: [backend %s] device = %s, but this binary lists: %s%s%s",
                                   c->file, sb_backend_line(b, "device"), b->id, b->device,
                                   have.len ? sb_buf_str(&have) : "none",
                                   p->build->complaint ? "; it said: " : "",
                                   p->build->complaint ? p->build->complaint : ""));
    sb_buf_release(&have);
}

/* False when it names a device that is not there. */
static bool check_device(const struct sb_config *c, struct sb_preflight_cell *p) {
    struct sb_strv names = sb_device_names(p->plan->backend->device);
    bool all = true;
    for (size_t i = 0; i < names.n && p->build->devices_known; i++)
        if (!sb_find_device(p->build, names.item[i])) {
            no_such_device(c, p, names.item[i]);
            all = false;
        }
    sb_strv_release(&names);
    return all;
}

/* Of the devices it may run on: the ones named, or any. */
static void warn_of_known_faults(struct sb_preflight_cell *p) {
    struct sb_strv names = sb_device_names(p->plan->backend->device);
    for (size_t i = 0; i < p->build->n_devices; i++) {
        const struct sb_llama_device *d = &p->build->devices[i];
        bool meant = names.n ? sb_strv_has(&names, d->name) : !p->plan->backend->device;
        const char *what = meant ? sb_llama_known_wrong(p->build->version, d) : NULL;
        if (what && !sb_strv_has(&p->warnings, what))
            sb_strv_add(&p->warnings, what);
    }
    sb_strv_release(&names);
}

/* Of all devices that are named; 0 = unknown. */
static uint64_t device_bytes(const struct sb_preflight_cell *p) {
    struct sb_strv names = sb_device_names(p->plan->backend->device);
    uint64_t bytes = 0;
    for (size_t i = 0; i < names.n; i++) {
        const struct sb_llama_device *d = sb_find_device(p->build, names.item[i]);
        bytes += d ? (uint64_t)d->total_mib << 20 : 0;
    }
    sb_strv_release(&names);
    return bytes;
}

/* Weights and KV cache against what the machine and the device have. With mmap the weights of a
 * CPU run may exceed memory in principle, but then every token is read from the disk: no
 * measurement of the backend. */
static void check_memory(const struct sb_preflight_options *o, struct sb_preflight_cell *p) {
    const struct sb_backend *b = p->plan->backend;
    struct sb_memory memory = sb_host_memory("");
    uint64_t have = memory.available_bytes > 0 ? (uint64_t)memory.available_bytes : UINT64_MAX;
    uint64_t on_device = device_bytes(p);
    const char *where = "memory available";
    bool all_there = b->gpu_layers && strcmp(b->gpu_layers, "all") == 0;
    if (on_device && !all_there)
        return; /* what does not fit the device stays in main memory: nobody can tell how much */
    if (on_device) {
        have = on_device;
        where = b->device;
    }
    if (p->need_bytes <= have)
        return;
    char *need = sb_format_bytes(p->need_bytes), *got = sb_format_bytes(have);
    char *text = sb_asprintf("needs %s, %s: %s", need, where, got);
    if (o->force_memory)
        sb_strv_take(&p->warnings, text);
    else
        sb_preflight_fault(
            p, true, text,
            sb_asprintf("weights and KV cache need %s, %s: %s; free memory, lower ctx, or try "
                        "with --force-memory",
                        need, where, got));
    free(need);
    free(got);
}

/* What a model's file calls it, or NULL. */
static const char *name_in_file(const struct sb_config *c, const struct sb_preflight *pf,
                                const struct sb_model *m) {
    const char *name = pf->ggufs[m - c->models].name; /* NULL when the file could not be read */
    return name && *name && strlen(name) <= LABEL_MAX_BYTES ? name : NULL;
}

static const char *label_of(const struct sb_config *c, const struct sb_preflight *pf,
                            const struct sb_model *m) {
    const char *name = m->label_line ? NULL : name_in_file(c, pf, m);
    for (const struct sb_model *o = c->models; name && o < c->models + c->n_models; o++) {
        const char *theirs = o->label_line ? o->label : name_in_file(c, pf, o);
        if (o != m && (strcmp(o->label, name) == 0 || (theirs && strcmp(theirs, name) == 0)))
            name = NULL;
    }
    return name ? name : m->label;
}

struct sb_llama_launch sb_bench_launch_options(const struct sb_config *c,
                                               const struct sb_cell_plan *plan) {
    const struct sb_backend *b = plan->backend;
    return (struct sb_llama_launch){.model_path = plan->model->path,
                                    .ctx = c->bench.ctx,
                                    .slots = sb_protocol_most_slots(&c->bench),
                                    .device = b->device,
                                    .gpu_layers = b->gpu_layers,
                                    .flash_attn = b->flash_attn,
                                    .mmap = b->mmap,
                                    .cache_type = b->cache_type,
                                    .ubatch = b->ubatch,
                                    .batch = b->batch,
                                    .threads = b->threads,
                                    .spec = b->spec,
                                    .draft = b->draft,
                                    .mmproj = plan->model->mmproj,
                                    .args = &b->args};
}

/* ---- one cell ----------------------------------------------------------------------------- */

static int line_of(const struct sb_cell_plan *plan, const char *key) {
    return strcmp(key, "mmproj") == 0 ? plan->model->mmproj_line
                                      : sb_backend_line(plan->backend, key);
}

/* What its options are on this build: the command, or a fault for each key that it lacks. */
static void check_options(const struct sb_config *c, struct sb_preflight_cell *p) {
    const struct sb_backend *b = p->plan->backend;
    struct sb_buf errors = SB_BUF_INIT(SB_ERR_MAX);
    struct sb_llama_launch l = sb_bench_launch_options(c, p->plan);
    l.alias = "stratobench";
    sb_llama_argv(p->build, &l, &p->argv, &errors);
    sb_server_name_container(&p->argv, &b->env, l.alias);
    for (char *rest = errors.data, *text; rest && (text = strsep(&rest, "\n")) && *text;) {
        const char *key = strsep(&text, ":");
        bool args = strcmp(key, "args") == 0;
        sb_preflight_fault(p, true,
                           args ? sb_strdup("args set what is stratobench's to set")
                                : sb_asprintf("this build cannot express %s", key),
                           sb_asprintf("%s:%d:%s", c->file, line_of(p->plan, key), text));
    }
    sb_buf_release(&errors);
}

static void check_build(const struct sb_config *c, const struct sb_preflight *pf,
                        struct sb_preflight_cell *p) {
    const struct sb_backend *b = p->plan->backend;
    size_t i = (size_t)(b - c->backends);
    p->stamp = pf->build_stamps[i];
    p->image = pf->build_images[i];
    if (pf->build_errors[i])
        sb_preflight_fault(p, false, sb_strdup(pf->build_reasons[i]),
                           sb_asprintf("%s:%d: %s", c->file,
                                       sb_backend_line(b, sb_backend_source(b)),
                                       pf->build_errors[i]));
    else
        p->build = &pf->builds[i];
}

static void check_model(const struct sb_config *c, const struct sb_preflight *pf,
                        struct sb_preflight_cell *p) {
    const struct sb_model *m = p->plan->model;
    size_t i = (size_t)(m - c->models);
    if (pf->gguf_errors[i])
        sb_preflight_fault(p, true, sb_strdup(pf->gguf_reasons[i]),
                           sb_asprintf("%s:%d: %s", c->file, m->path_line, pf->gguf_errors[i]));
    else
        p->gguf = &pf->ggufs[i];
}

/* Its file need not be here, but where it is it tells whether the server holds the same. */
static void check_model_of_others(const struct sb_config *c, const struct sb_preflight *pf,
                                  struct sb_preflight_cell *p) {
    const struct sb_model *m = p->plan->model;
    if (!m->path)
        return;
    if (pf->gguf_errors[m - c->models])
        sb_strv_take(&p->warnings, sb_asprintf("the server's model is known by its name alone: %s",
                                               pf->gguf_errors[m - c->models]));
    else
        p->gguf = &pf->ggufs[m - c->models];
}

static uint64_t bytes_needed(const struct sb_config *c, const struct sb_preflight_cell *p) {
    uint64_t ctx = (uint64_t)c->bench.ctx * (uint64_t)sb_protocol_most_slots(&c->bench);
    uint64_t need =
        p->gguf->file_bytes + sb_gguf_kv_bytes(p->gguf, ctx, p->plan->backend->cache_type);
    if (p->draft)
        need += p->draft->file_bytes + sb_gguf_kv_bytes(p->draft, ctx, NULL);
    return p->mmproj ? need + p->mmproj->file_bytes : need;
}

static void check_cell(const struct sb_config *c, const struct sb_preflight_options *o,
                       struct sb_preflight *pf, struct sb_preflight_cell *p) {
    const struct sb_backend *b = p->plan->backend;
    p->label = label_of(c, pf, p->plan->model);
    for (size_t i = 0; i < b->env.n; i++)
        sb_strv_take(&p->env, sb_env_shown(b->env.item[i]));
    if (b->url) {
        check_model_of_others(c, pf, p);
        sb_remote_check(c, pf, p);
        return;
    }
    check_build(c, pf, p);
    check_model(c, pf, p);
    bool devices = p->build && check_device(c, p);
    if (p->build)
        warn_of_known_faults(p);
    if (p->build) {
        check_options(c, p);
        sb_check_tuned(c, p);
    }
    sb_argv_hide_secrets(&p->argv);
    sb_check_draft(c, pf, p);
    sb_check_mmproj(c, pf, p);
    if (!p->gguf)
        return;
    p->need_bytes = bytes_needed(c, p);
    if (p->gguf->n_ctx_train > 0 && (uint32_t)c->bench.ctx > p->gguf->n_ctx_train)
        sb_strv_take(&p->warnings, sb_asprintf("ctx %d is more than the %u the model was trained "
                                               "for; llama-server may cut it",
                                               c->bench.ctx, p->gguf->n_ctx_train));
    if (devices)
        check_memory(o, p);
}

/* ---- the whole ---------------------------------------------------------------------------- */

static bool is_wanted(const struct sb_config *c, const void *model_or_backend) {
    for (size_t i = 0; i < c->n_cells; i++)
        if (c->cells[i].selected &&
            (c->cells[i].model == model_or_backend || c->cells[i].backend == model_or_backend))
            return true;
    return false;
}

/* What the name stands for in the environment that the server gets. */
static void note_files(const struct sb_backend *b, struct sb_preflight *pf, size_t i) {
    struct sb_strv env = {0};
    sb_llama_env(&b->env, (const char *const *)environ, NULL, &env);
    char *program = sb_program_path(b->command.item[0], (const char *const *)env.item);
    sb_strv_release(&env);
    if (!program)
        return;
    sb_files_add(&pf->build_files[i], program);
    if (b->draft)
        sb_files_add(&pf->build_files[i], b->draft);
    if (!sb_server_makes_container(&b->command)) /* there its image says it */
        pf->build_stamps[i] = sb_bench_stamp(program);
    free(program);
}

/* Short, for the row; of sb_server_probe. */
static const char *why_no_build(int rc) {
    switch (rc) {
    case -ENOENT: return "binary not found";
    case -ENOEXEC: return "not a llama-server";
    case -EINVAL: return "command cannot be measured";
    case -ENODEV: return "no container can be made";
    default: return "binary does not run";
    }
}

static void probe_builds(const struct sb_config *c, const struct sb_preflight_options *o,
                         struct sb_preflight *pf) {
    for (size_t i = 0; i < c->n_backends && !pf->interrupted; i++) {
        if (!is_wanted(c, &c->backends[i]))
            continue;
        if (c->backends[i].url) {
            sb_remote_look(&c->backends[i], o->signal_fd, &pf->remotes[i], &pf->interrupted);
            continue;
        }
        struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
        int rc = sb_server_probe(&c->backends[i].command, &c->backends[i].env, o->signal_fd,
                                 &pf->builds[i], &pf->build_images[i], &error);
        note_files(&c->backends[i], pf, i);
        if (rc == -EINTR)
            pf->interrupted = sb_signals_take(o->signal_fd);
        if (rc < 0) {
            pf->build_reasons[i] = why_no_build(rc);
            pf->build_errors[i] = sb_buf_detach(&error);
        }
        sb_buf_release(&error);
    }
}

static void read_models(const struct sb_config *c, struct sb_preflight *pf) {
    for (size_t i = 0; i < c->n_models; i++) {
        struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
        if (!c->models[i].path)
            continue;
        sb_files_add(&pf->model_files[i], c->models[i].path);
        enum sb_gguf_status s = sb_gguf_read(c->models[i].path, &pf->ggufs[i], &error);
        for (size_t k = 0; k < pf->ggufs[i].files.n; k++)
            sb_files_add(&pf->model_files[i], pf->ggufs[i].files.item[k]);
        if (c->models[i].mmproj)
            sb_files_add(&pf->model_files[i], c->models[i].mmproj);
        if (s != SB_GGUF_OK) {
            pf->gguf_reasons[i] = sb_bench_gguf_reason(s);
            pf->gguf_errors[i] = sb_buf_detach(&error);
        }
        sb_buf_release(&error);
    }
}

/* A backend that no selected cell uses is not asked: it need not exist. Every model is read, since
 * the names in all files decide what each is called. */
void sb_preflight(const struct sb_config *c, const struct sb_preflight_options *o,
                  struct sb_preflight *ret) {
    struct sb_preflight pf = {.n_cells = c->n_cells,
                              .n_builds = c->n_backends,
                              .n_ggufs = c->n_models,
                              .builds = sb_alloc(c->n_backends, sizeof *pf.builds),
                              .remotes = sb_alloc(c->n_backends, sizeof *pf.remotes),
                              .build_errors = sb_alloc(c->n_backends, sizeof *pf.build_errors),
                              .build_reasons = sb_alloc(c->n_backends, sizeof *pf.build_reasons),
                              .drafts = sb_alloc(c->n_backends, sizeof *pf.drafts),
                              .ggufs = sb_alloc(c->n_models, sizeof *pf.ggufs),
                              .mmprojs = sb_alloc(c->n_models, sizeof *pf.mmprojs),
                              .build_stamps = sb_alloc(c->n_backends, sizeof *pf.build_stamps),
                              .build_images = sb_alloc(c->n_backends, sizeof *pf.build_images),
                              .build_files = sb_alloc(c->n_backends, sizeof *pf.build_files),
                              .model_files = sb_alloc(c->n_models, sizeof *pf.model_files),
                              .gguf_errors = sb_alloc(c->n_models, sizeof *pf.gguf_errors),
                              .gguf_reasons = sb_alloc(c->n_models, sizeof *pf.gguf_reasons),
                              .cells = sb_alloc(c->n_cells, sizeof *pf.cells)};
    probe_builds(c, o, &pf);
    read_models(c, &pf);
    for (size_t i = 0; i < c->n_cells; i++) {
        pf.cells[i].plan = &c->cells[i];
        if (c->cells[i].selected)
            check_cell(c, o, &pf, &pf.cells[i]);
    }
    *ret = pf;
}

void sb_preflight_release(struct sb_preflight *p) {
    for (size_t i = 0; i < p->n_builds; i++) {
        sb_llama_build_release(&p->builds[i]);
        sb_gguf_release(&p->drafts[i]);
        sb_remote_release(&p->remotes[i]);
        free(p->build_errors[i]);
        free(p->build_stamps[i]);
        free(p->build_images[i]);
        sb_files_release(&p->build_files[i]);
    }
    for (size_t i = 0; i < p->n_ggufs; i++) {
        sb_gguf_release(&p->ggufs[i]);
        sb_gguf_release(&p->mmprojs[i]);
        free(p->gguf_errors[i]);
        sb_files_release(&p->model_files[i]);
    }
    for (size_t i = 0; i < p->n_cells; i++) {
        struct sb_preflight_cell *c = &p->cells[i];
        for (size_t k = 0; k < c->n_faults; k++) {
            free(c->faults[k].reason);
            free(c->faults[k].detail);
        }
        free(c->faults);
        sb_strv_release(&c->warnings);
        sb_strv_release(&c->told);
        sb_strv_release(&c->argv);
        sb_strv_release(&c->env);
    }
    free(p->builds);
    free(p->remotes);
    free(p->build_errors);
    free(p->build_stamps);
    free(p->build_images);
    free(p->build_files);
    free(p->model_files);
    free(p->build_reasons);
    free(p->drafts);
    free(p->ggufs);
    free(p->mmprojs);
    free(p->gguf_errors);
    free(p->gguf_reasons);
    free(p->cells);
    *p = (struct sb_preflight){0};
}
