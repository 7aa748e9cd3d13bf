#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "yaml.h"

/* `kubectl apply` keeps a copy of what it applies in an annotation, and that is all these hold. */
enum { APPLY_MAX_BYTES = 256 << 10, APPLY_MARGIN_BYTES = 4 << 10 };

static const char introduction[] =
    "# stratobench: a config and its prompts, and %s.\n"
    "#\n"
    "# Backends are compared that ran side by side on one node, in the order A B, B A. No pod "
    "goes\n"
    "# to a node where another stratobench pod is (podAntiAffinity): it stays Pending until that\n"
    "# has ended. Other work is not kept away; choose nodes that have none.\n"
    "#\n"
    "# Every name ends in a hash of what it stands for: another config, prompt, image or option\n"
    "# makes other Jobs, and nothing is ever mixed.\n"
    "#\n"
    "# Make one document of all results:\n";

static const char how_log[] = "#   kubectl logs%s%s -l app.kubernetes.io/instance=%s --tail=-1 |\n"
                              "#     stratobench report - >results.md\n";
static const char how_claim[] =
    "#   stratobench report NAME.json... in the volume of the claim, NAME being the Jobs'\n"
    "# A Job that was deleted and applied again measures only what is missing there.\n";

static void put_introduction(struct sb_buf *b, const struct k8s_set *s) {
    const struct sb_k8s_options *o = s->o;
    sb_buf_addf(b, introduction,
                o->one_job ? "the whole matrix in one Job"
                           : "one Job for each model with all its backends");
    if (o->results_log)
        sb_buf_addf(b, how_log, o->space ? " -n " : "", o->space ? o->space : "", s->name);
    if (o->results_claim)
        sb_buf_adds(b, how_claim);
}

static void put_config_map(struct sb_buf *b, const struct k8s_set *s) {
    sb_buf_adds(b, "---\napiVersion: v1\nkind: ConfigMap\n");
    k8s_put_metadata(b, s, s->name);
    sb_buf_adds(b, "immutable: true\ndata:\n");
    bool pictures = false;
    for (size_t i = 0; i < s->files.n; i++) {
        const struct k8s_file *f = &s->files.item[i];
        if (f->text) {
            sb_buf_addf(b, "  %s: ", f->key);
            yaml_add_block(b, f->text, 2);
            continue;
        }
        sb_buf_addf(b, "%s  %s: ", pictures ? "" : "binaryData:\n", f->key);
        sb_buf_add_base64(b, f->bytes, f->len);
        sb_buf_adds(b, "\n");
        pictures = true; /* they come last */
    }
}

/* ---- the set -------------------------------------------------------------------------------- */

/* All that what is measured depends on, but for what the nodes are. */
static char *set_name(const struct k8s_set *s) {
    struct sb_buf all = SB_BUF_INIT(K8S_TEXT_MAX);
    const char *const words[] = {s->o->image, s->o->again ? s->o->again : ""};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        sb_buf_addf(&all, "%s\n", words[i]);
    for (size_t i = 0; i < s->files.n; i++) {
        const struct k8s_file *f = &s->files.item[i];
        sb_buf_addf(&all, "%s\n%zu\n", f->path, f->len);
        if (f->text)
            sb_buf_adds(&all, f->text);
        else
            sb_buf_add_base64(&all, f->bytes, f->len);
    }
    for (size_t i = 0; i < s->env.n; i++)
        if (!sb_env_is_secret(s->env.item[i]))
            sb_buf_addf(&all, "\n%s=%s", s->env.item[i], getenv(s->env.item[i]));
    char *name = k8s_name(s->o->name, sb_buf_str(&all));
    sb_buf_release(&all);
    return name;
}

static size_t bytes_as_json(const struct k8s_files *f) {
    struct sb_buf b = SB_BUF_INIT(K8S_TEXT_MAX);
    for (size_t i = 0; i < f->n; i++)
        if (f->item[i].text)
            sb_buf_add_json(&b, f->item[i].text);
        else
            sb_buf_add_base64(&b, f->item[i].bytes, f->item[i].len);
    size_t n = b.len;
    sb_buf_release(&b);
    return n;
}

static void warn(const struct k8s_set *s, struct sb_strv *warnings) {
    if (bytes_as_json(&s->files) > APPLY_MAX_BYTES - APPLY_MARGIN_BYTES)
        sb_strv_add(warnings, "the config and its prompts are more than a plain `kubectl apply` "
                              "takes (256 KiB): use `kubectl apply --server-side`");
    for (size_t i = 0; i < s->env.n; i++)
        if (sb_env_is_secret(s->env.item[i]))
            sb_strv_take(warnings,
                         sb_asprintf("%s looks secret and is not in the manifests: the Jobs take "
                                     "it from the Secret %s",
                                     s->env.item[i], s->o->secret));
}

/* ---- the Jobs ------------------------------------------------------------------------------- */

/* A Job picks its model by `--model ID`, which a label is matched against, too. */
static int check_ids(const struct sb_config *c, struct sb_buf *error) {
    int rc = 0;
    for (size_t i = 0; i < c->n_models; i++)
        for (size_t k = 0; k < c->n_models; k++)
            if (i != k && strcmp(c->models[i].id, c->models[k].label) == 0) {
                sb_buf_addf(error,
                            "%s:%d: the label of [model %s] is the id of another model, and the "
                            "Jobs could not tell them apart\n",
                            c->file, c->models[k].line, c->models[k].id);
                rc = -EINVAL;
            }
    return rc;
}

static bool has_device(const struct k8s_job *job) {
    for (size_t i = 0; i < job->n_cells; i++)
        if (sb_device_on_gpu(job->cells[i].backend->device))
            return true;
    return false;
}

/* Without its nodes. The caller frees. */
static struct k8s_job *split(const struct k8s_set *s, size_t *ret_n) {
    const struct sb_config *c = s->config;
    struct k8s_job *jobs = sb_alloc(c->n_cells, sizeof *jobs);
    size_t n = 0;
    for (size_t i = 0; i < c->n_cells; i++) {
        if (i == 0 || (!s->o->one_job && c->cells[i].model != c->cells[i - 1].model))
            jobs[n++] = (struct k8s_job){.cells = &c->cells[i]};
        jobs[n - 1].n_cells++;
    }
    for (size_t i = 0; i < n; i++)
        jobs[i].device = has_device(&jobs[i]);
    *ret_n = n;
    return jobs;
}

static int whole_seconds(double s) {
    return s < INT_MAX ? (int)ceil(s) : INT_MAX;
}

static double deadline_s(const struct k8s_set *s, size_t n_cells) {
    return s->o->deadline_s ? s->o->deadline_s : k8s_deadline_s(s->config, n_cells);
}

/* The hash is of the very Job that is to be named. */
static void put_named_job(struct sb_buf *b, const struct k8s_set *s, const struct k8s_job *job,
                          int set_deadline_s) {
    int own_s = whole_seconds(deadline_s(s, job->n_cells));
    struct sb_buf nameless = SB_BUF_INIT(K8S_TEXT_MAX);
    k8s_put_job(&nameless, s, job, "", own_s, set_deadline_s);
    char *text = sb_asprintf("%s/%s%s%s", s->o->name, s->o->one_job ? "" : job->cells[0].model->id,
                             job->node ? "/" : "", job->node ? job->node : "");
    char *name = k8s_name(text, sb_buf_str(&nameless));
    k8s_put_job(b, s, job, name, own_s, set_deadline_s);
    free(name);
    free(text);
    sb_buf_release(&nameless);
}

static void put_jobs(struct sb_buf *b, const struct k8s_set *s) {
    size_t n, n_nodes = s->o->nodes.n ? s->o->nodes.n : 1;
    struct k8s_job *jobs = split(s, &n);
    double all_s = 0;
    for (size_t i = 0; i < n; i++)
        all_s += deadline_s(s, jobs[i].n_cells);
    for (size_t k = 0; k < n_nodes; k++)
        for (size_t i = 0; i < n; i++) {
            jobs[i].node = s->o->nodes.n ? s->o->nodes.item[k] : NULL;
            put_named_job(b, s, &jobs[i], whole_seconds(all_s));
        }
    free(jobs);
}

int sb_k8s_manifests(const struct sb_config *config, const char *ini,
                     const struct sb_k8s_options *options, struct sb_buf *ret,
                     struct sb_strv *warnings, struct sb_buf *error) {
    struct k8s_set s = {.config = config, .o = options};
    int rc = k8s_files_of(config, ini, &s.files, error);
    if (!options->one_job && check_ids(config, error) < 0)
        rc = -EINVAL;
    if (rc == 0) {
        k8s_variables_of(ini, &s.env);
        s.name = set_name(&s);
        warn(&s, warnings);
        put_introduction(ret, &s);
        put_config_map(ret, &s);
        put_jobs(ret, &s);
        rc = ret->overflow ? -EFBIG : 0;
    }
    k8s_files_release(&s.files);
    sb_strv_release(&s.env);
    free(s.name);
    return rc;
}
