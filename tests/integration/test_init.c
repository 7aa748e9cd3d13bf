/* `init`, and the five minutes that begin with it: in a tree of its own, with servers that list
 * devices as the fake one is told to. */
#include "box.h"

#include <sys/stat.h>

static void place_server(const char *path, const char *devices) {
    assert_int_equal(box_run(ARGS("mkdir", "-p", "--",
                                  box_text("%.*s", (int)(strrchr(path, '/') - path), path))),
                     0);
    box_write(path, "#!/bin/sh\nFAKE_DEVICES=%s exec " FAKE " \"$@\"\n", devices);
    assert_int_equal(chmod(path, 0755), 0);
}

static void place_model(const char *path, const char *name) {
    assert_int_equal(box_run(ARGS("mkdir", "-p", "--",
                                  box_text("%.*s", (int)(strrchr(path, '/') - path), path))),
                     0);
    assert_int_equal(box_run(ARGS(MAKE_GGUF, "--output", path, "--name", name, "--layers", "1",
                                  "--embd", "64", "--vocab", "300")),
                     0);
}

/* A machine with nothing on it but this folder. */
static int setup(void **state) {
    static const char *const unset[] = {"MODELS", "HF_HOME", "LLAMA_CACHE",
                                        "GGML_VK_VISIBLE_DEVICES"};
    int rc = box_setup(state);
    char *here = getcwd(NULL, 0);
    setenv("HOME", box_text("%s/home", here), 1);
    setenv("STRATOBENCH_ROOT", box_text("%s/root", here), 1);
    setenv("PATH", box_text("%s/bin:/usr/bin:/bin", here), 1);
    for (size_t i = 0; i < sizeof unset / sizeof *unset; i++)
        unsetenv(unset[i]);
    box_write("podman", "#!/bin/sh\nexit 1\n"); /* not what this machine has */
    assert_int_equal(box_run(ARGS("sh", "-c",
                                  "mkdir bin home root && mv podman bin && "
                                  "chmod +x bin/podman && rm m.gguf p.txt")),
                     0);
    free(here);
    return rc;
}

/* Two builds, two models: init, check and run, and nothing is edited. */
static void from_nothing_to_results(void **state) {
    (void)state;
    place_server("root/opt/llama-vulkan/bin/llama-server", "Vulkan0");
    place_server("home/llama.cpp/build-cpu/bin/llama-server", "");
    place_model("store/Alpha.gguf", "Alpha 1B");
    place_model("store/deep/er/Beta.gguf", "Beta 2B");
    assert_int_equal(SB("init", "store"), 0);
    box_write("models.ini", "%s", box_read("out"));
    box_has(box_read("err"), "found: 2 llama-servers, 2 backends, 2 models: 4 cells\n");
    box_has(box_read("err"), "next:  stratobench check models.ini\n");
    assert_int_equal(SB("check", "models.ini"), 0);
    box_has(box_read("out"), "[1/4] Alpha 1B F16 / Vulkan (");
    box_has(box_read("out"), "[4/4] Beta 2B F16 / CPU: ok\n");
    assert_int_equal(SB("run", "--allow-concurrent", "models.ini"), 0);
    const struct sb_results *r = box_results("models.json");
    assert_int_equal(r->n_cells, 4);
    for (size_t i = 0; i < r->n_cells; i++) {
        box_expect_status(&r->cells[i], "ok");
        assert_int_equal(r->cells[i].n_launches, 3);
    }
    box_has(box_read("models.md"), "## Beta 2B F16\n");
}

static void nothing_is_overwritten(void **state) {
    (void)state;
    place_server("bin/llama-server", "");
    place_model("home/models/Alpha.gguf", "Alpha");
    box_write("mine.ini", "precious\n");
    assert_int_equal(SB("init", "-o", "mine.ini"), 2);
    box_has(box_read("err"), "mine.ini is there already and is not overwritten");
    assert_string_equal(box_read("mine.ini"), "precious\n");
    assert_int_equal(SB("init", "-o", "new.ini"), 0);
    assert_string_equal(box_read("out"), "");
    box_has(box_read("new.ini"), "# Next: stratobench check new.ini\n");
    assert_int_equal(SB("check", "new.ini"), 0);
    assert_int_equal(SB("init", "-o", "-"), 0);
    box_has(box_read("out"), "[model alpha]\n");
    assert_int_equal(SB("init", "-o", "/dev/full"), 2);
    box_has(box_read("err"), "/dev/full: No space left on device");
    assert_int_equal(SB("init", "nowhere"), 2);
    box_has(box_read("err"), "nowhere is no folder");
    assert_int_equal(SB("init", "home", "bin"), 2);
    box_has(box_read("err"), "more than one folder");
}

static void what_was_looked_for_is_said(void **state) {
    (void)state;
    box_write("bin/podman", "#!/bin/sh\necho 'toolbox-rocm (docker.io/kyuz0/"
                            "amd-strix-halo-toolboxes:rocm)'\necho 'db (postgres)'\n");
    assert_int_equal(chmod("bin/podman", 0755), 0);
    assert_int_equal(SB("init"), 2);
    char *said = box_read("err"), *here = getcwd(NULL, 0);
    assert_string_equal(box_read("out"), "");
    box_has(said, "no llama-server found; looked for\n  llama-server on PATH\n  /opt/*/bin/");
    box_has(said, "  ~/llama.cpp/build*/bin/llama-server\n");
    box_has(said, box_text("no model found; looked for *.gguf below\n  %s\n", here));
    box_has(said, box_text("  %s/home/models\n", here));
    box_has(said, "stratobench init DIR\n");
    box_has(said, "  toolbox-rocm (docker.io/kyuz0/amd-strix-halo-toolboxes:rocm)\n");
    box_has_not(said, "postgres");
    free(here);
    place_server("bin/llama-server", "");
    assert_int_equal(SB("init"), 2);
    box_has_not(box_read("err"), "no llama-server found");
    place_model("./Here.gguf", "Here");
    assert_int_equal(SB("init"), 0);
    box_has(box_read("out"), "a container that may hold a server: toolbox-rocm (");
}

/* What `check` would refuse is left out, and the file says why. */
static void what_cannot_run_stands_in_comments(void **state) {
    (void)state;
    place_server("bin/llama-server", "Vulkan0");
    place_server("root/opt/a/bin/llama-server", "");
    box_write("root/opt/a/bin/llama-server", "#!/bin/sh\necho broken >&2\nexit 3\n");
    place_model("home/models/Alpha.gguf", "Alpha");
    place_model("home/models/mmproj-Alpha.gguf", "Alpha");
    assert_int_equal(
        box_run(ARGS("sh", "-c",
                     "cd home/models && head -c 800000 Alpha.gguf >cut.gguf && "
                     "ln -s Alpha.gguf link.gguf && " MAKE_GGUF
                     " --arch clip -o proj.gguf && " MAKE_GGUF
                     " --ctx 512 -o short.gguf && " MAKE_GGUF
                     " --layers 400 --embd 8192 --no-data --name Huge -o huge.gguf &&" MAKE_GGUF
                     " --shards 2 -o sh.gguf --name Shards --layers 2")),
        0);
    assert_int_equal(SB("init", "home/models"), 0);
    char *text = box_read("out");
    box_has(text, "# left out: ");
    box_has(text, "opt/a/bin/llama-server --version: exit code 3: broken\n");
    box_has(text, "/cut.gguf: truncated: ");
    box_has(text, "/mmproj-Alpha.gguf: a projector for pictures");
    box_has(text, "/proj.gguf: a projector for pictures");
    box_has(text, "/short.gguf: made for fewer than 1024 tokens");
    box_has(text, "# not on cpu: needs ~");
    box_has(text, "\n# [model huge]\n");
    box_has(text, "\n[model sh]\n");
    box_has_not(text, "[model link]"); /* the same file */
    box_has_not(text, "-00002-of");
    box_has(box_read("err"), "what was left out stands in the comments");
    box_write("a.ini", "%s", text);
    assert_int_equal(SB("check", "a.ini"), 0);
    assert_int_equal(box_run(ARGS("sh", "-c", "cd home/models && rm -f [!h]*.gguf")), 0);
    assert_int_equal(SB("init", "home/models"), 2);
    box_has(box_read("err"), "no model can run on any backend here:\n  huge on vulkan: needs ~");
}

/* Devices that are there because a variable says so must be there when the config is used, too. */
static void variables_that_show_devices_are_kept(void **state) {
    (void)state;
    place_server("bin/llama-server", "Vulkan0");
    place_model("home/.cache/huggingface/hub/models--x/snapshots/1/Alpha.gguf", "Alpha");
    setenv("GGML_VK_VISIBLE_DEVICES", "0", 1);
    assert_int_equal(SB("init"), 0);
    unsetenv("GGML_VK_VISIBLE_DEVICES");
    box_has(box_read("out"), "env        = GGML_VK_VISIBLE_DEVICES=0\n");
}

#define ON_A_BARE_MACHINE(test) cmocka_unit_test_setup_teardown(test, setup, box_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_A_BARE_MACHINE(from_nothing_to_results),
        ON_A_BARE_MACHINE(nothing_is_overwritten),
        ON_A_BARE_MACHINE(what_was_looked_for_is_said),
        ON_A_BARE_MACHINE(what_cannot_run_stands_in_comments),
        ON_A_BARE_MACHINE(variables_that_show_devices_are_kept),
    };
    return BOX_RUN(tests);
}
