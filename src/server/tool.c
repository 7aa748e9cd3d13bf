/* Tools that a command may go through: those that make a container for the server (podman, docker)
 * and those that enter one that is there (toolbox). Everything else, a wrapper script, `llama serve`,
 * `distrobox enter`, is a child like any other. */
#include "tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { ASK_TIMEOUT_S = 30, MAX_REPLY_BYTES = 4096 };

static const struct {
    const char *program;
    struct server_tool tool;
} tools[] = {
    {"podman",
     {.makes_container = true,
      .lets_env_through = true,
      .remove = {"rm", "--force", "--ignore"},
      .identity = "{{.ImageName}}@{{.ImageDigest}}"}},
    {"docker",
     {.makes_container = true,
      .lets_env_through = true,
      .remove = {"rm", "--force"},
      .identity = "{{.Config.Image}}@{{.Image}}"}},
    {"toolbox", {.lets_env_through = false}},
};

static const char *last_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The tool need not be the first word: `sudo -n podman run`, `env X=1 podman --remote run`. */
bool server_tool_find(const struct sb_strv *command, struct server_tool *ret) {
    for (size_t i = 0; i + 1 < command->n; i++)
        for (size_t k = 0; k < sizeof tools / sizeof *tools; k++) {
            if (strcmp(last_name(command->item[i]), tools[k].program) != 0)
                continue;
            for (size_t verb = i + 1; verb < command->n; verb++)
                if (strcmp(command->item[verb], "run") == 0) {
                    *ret = tools[k].tool;
                    ret->verb = verb;
                    return true;
                }
        }
    return false;
}

bool sb_server_makes_container(const struct sb_strv *command) {
    struct server_tool t;
    return server_tool_find(command, &t) && t.makes_container;
}

void server_tool_words(const struct sb_strv *command, const struct server_tool *t,
                       const char *const *words, const char *name, struct sb_strv *ret) {
    for (size_t i = 0; i < t->verb; i++)
        sb_strv_add(ret, command->item[i]);
    for (; *words; words++)
        sb_strv_add(ret, *words);
    sb_strv_add(ret, name);
}

void sb_server_removal(const struct sb_strv *command, const char *name, struct sb_strv *ret) {
    struct server_tool t;
    if (server_tool_find(command, &t) && t.makes_container)
        server_tool_words(command, &t, t.remove, name, ret);
}

/* ---- the command line ----------------------------------------------------------------------- */

static void add_env(struct sb_strv *words, const char *assignment) {
    sb_strv_add(words, "--env");
    sb_strv_take(words, sb_strndup(assignment, strcspn(assignment, "=")));
}

/* Variables by their names alone: the tool takes the values from its environment, where nobody else
 * sees them. A container whose first process has no handler ignores TERM, as a server does that still
 * loads: then it is not waited for. */
void sb_server_name_container(struct sb_strv *argv, const struct sb_strv *env, const char *name) {
    struct server_tool t;
    struct sb_strv all = {0};
    if (!server_tool_find(argv, &t) || !t.makes_container)
        return;
    for (size_t i = 0; i < argv->n; i++) {
        sb_strv_add(&all, argv->item[i]);
        if (i != t.verb)
            continue;
        sb_strv_add(&all, "--name");
        sb_strv_add(&all, name);
        sb_strv_add(&all, "--stop-timeout=0");
        add_env(&all, "LLAMA_API_KEY");
        add_env(&all, "LLAMA_ARG_ALIAS");
        for (size_t k = 0; k < env->n; k++)
            add_env(&all, env->item[k]);
    }
    sb_strv_release(argv);
    *argv = all;
}

/* ---- what it is asked ----------------------------------------------------------------------- */

/* One line that the tool prints. 0, or -errno with what it said. */
static int ask(const struct sb_strv *argv, int signal_fd, char **ret, struct sb_buf *error) {
    struct sb_buf out = SB_BUF_INIT(MAX_REPLY_BYTES), err = SB_BUF_INIT(MAX_REPLY_BYTES);
    struct sb_exit how;
    struct sb_proc_spec spec = {.argv = (const char *const *)argv->item};
    int rc = sb_proc_capture(&spec, NULL, ASK_TIMEOUT_S, signal_fd, &out, &err, &how, error);
    if (rc == 0 && how.code != 0) {
        sb_buf_addf(error, "%s: ", argv->item[0]);
        sb_buf_add_printable(error, sb_buf_str(&err), strcspn(sb_buf_str(&err), "\n"));
        rc = -ENODEV;
    }
    if (rc == 0) {
        struct sb_buf line = SB_BUF_INIT(MAX_REPLY_BYTES);
        sb_buf_add_printable(&line, sb_buf_str(&out), strcspn(sb_buf_str(&out), "\n"));
        *ret = sb_buf_detach(&line);
    }
    sb_buf_release(&out);
    sb_buf_release(&err);
    return rc;
}

static int inspect(const struct sb_strv *command, const struct server_tool *t, const char *format,
                   const char *name, char **ret) {
    struct sb_strv argv = {0};
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    const char *const words[] = {"inspect", "--type", "container", "--format", format, NULL};
    server_tool_words(command, t, words, name, &argv);
    int rc = ask(&argv, -1, ret, &error);
    sb_strv_release(&argv);
    sb_buf_release(&error);
    return rc;
}

pid_t server_tool_pid(const struct sb_strv *command, const struct server_tool *t,
                      const char *name) {
    char *text = NULL;
    long pid = inspect(command, t, "{{.State.Pid}}", name, &text) == 0 ? strtol(text, NULL, 10) : 0;
    free(text);
    return pid > 1 ? (pid_t)pid : 0;
}

/* Made, but not started, and removed: of which image it is says more than the word in the command. An
 * image that is not there is not fetched: that would be no load time. */
static int find_image(const struct sb_strv *command, const struct server_tool *t, const char *name,
                      int signal_fd, char **ret, struct sb_buf *error) {
    struct sb_strv create = {0}, removal = {0};
    char *id = NULL, *ignored = NULL;
    struct sb_buf silent = SB_BUF_INIT(SB_ERR_MAX);
    for (size_t i = 0; i < command->n; i++) {
        sb_strv_add(&create, i == t->verb ? "create" : command->item[i]);
        if (i != t->verb)
            continue;
        sb_strv_add(&create, "--pull=never");
        sb_strv_add(&create, "--name");
        sb_strv_add(&create, name);
    }
    int rc = ask(&create, signal_fd, &id, error);
    if (rc == 0 && inspect(command, t, t->identity, name, ret) < 0)
        *ret = NULL;
    sb_server_removal(command, name, &removal);
    ask(&removal, -1, &ignored, &silent);
    sb_strv_release(&create);
    sb_strv_release(&removal);
    sb_buf_release(&silent);
    free(id);
    free(ignored);
    return rc;
}

/* ---- what may not stand in it ---------------------------------------------------------------- */

static bool is_option(const char *word, const char *option) {
    size_t n = strlen(option);
    return strncmp(word, option, n) == 0 && (word[n] == '\0' || word[n] == '=');
}

static bool shares_network(const struct sb_strv *command) {
    static const char *const options[] = {"--network", "--net"};
    for (size_t i = 0; i < command->n; i++)
        for (size_t k = 0; k < 2; k++) {
            const char *word = command->item[i], *value = word + strlen(options[k]);
            if (!is_option(word, options[k]))
                continue;
            value = *value == '=' ? value + 1 : i + 1 < command->n ? command->item[i + 1] : "";
            if (strcmp(value, "host") == 0)
                return true;
        }
    return false;
}

/* NULL, or why a container so made cannot be measured. */
static const char *unfit(const struct sb_strv *command, const struct server_tool *t) {
    if (!shares_network(command))
        return "the container needs --network=host: the server listens on 127.0.0.1, which would "
               "be "
               "the container's own";
    for (size_t i = t->verb + 1; i < command->n; i++) {
        const char *word = command->item[i];
        if (is_option(word, "--name"))
            return "--name is chosen by stratobench, which removes the container by it";
        if (is_option(word, "--detach") || strcmp(word, "-d") == 0)
            return "a container that is detached has no log to prove its device: leave out -d";
    }
    return NULL;
}

/* ---- the probe -------------------------------------------------------------------------------- */

void server_random_hex(char *ret, size_t bytes) {
    unsigned char raw[32];
    if (getrandom(raw, bytes, 0) != (ssize_t)bytes)
        abort(); /* cannot fail for so few bytes once the machine has booted */
    for (size_t i = 0; i < bytes; i++)
        snprintf(ret + 2 * i, 3, "%02x", raw[i]);
}

void server_random_name(char ret[SERVER_NAME_BYTES]) {
    memcpy(ret, "stratobench-", 12);
    server_random_hex(ret + 12, 8);
}

int sb_server_probe(const struct sb_strv *command, const struct sb_strv *env, int signal_fd,
                    struct sb_llama_build *ret, char **ret_image, struct sb_buf *error) {
    struct server_tool t;
    struct sb_strv asked = {0}, removal = {0};
    char name[SERVER_NAME_BYTES];
    server_random_name(name);
    bool container = server_tool_find(command, &t) && t.makes_container;
    const char *why = container ? unfit(command, &t) : NULL;
    int rc = 0;
    *ret_image = NULL;
    if (why) {
        sb_buf_adds(error, why);
        return -EINVAL;
    }
    if (container)
        rc = find_image(command, &t, name, signal_fd, ret_image, error);
    sb_strv_copy(&asked, command);
    sb_server_name_container(&asked, env, name);
    sb_server_removal(command, name, &removal);
    struct sb_llama_asked a = {&asked, env, container ? &removal : NULL, signal_fd};
    if (rc == 0)
        rc = sb_llama_probe(&a, ret, error);
    if (rc == 0) { /* the name was this question's */
        sb_strv_release(&ret->command);
        sb_strv_copy(&ret->command, command);
    }
    sb_strv_release(&asked);
    sb_strv_release(&removal);
    return rc;
}
