/* The ways to have a server besides a binary: words that start one, tools that make containers, hooks
 * around it. */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "box.h"

static void write_script(const char *name, const char *text) {
    box_write(name, "#!/bin/sh\n%s", text);
    assert_int_equal(chmod(name, 0755), 0);
}

static void write_config(const char *more, const char *lines) {
    box_write("a.ini", "%s[backend b]\n%s\n[model m]\npath = m.gguf\n", box_bench(more), lines);
}

/* ---- command -------------------------------------------------------------------------------- */

static void words_of_a_command_are_split_as_a_shell_would(void **state) {
    (void)state;
    write_script("wrap", "[ \"$1\" = 'two words' ] && [ \"$2\" = '$HOME' ] || exit 3\n"
                         "shift 2\nexec " FAKE " \"$@\"\n");
    write_config("", "command = ./wrap \"two words\" '$HOME'\ndevice = Vulkan0\n");
    assert_int_equal(SB(MEASURE), 0);
    box_expect_ok("m", "b");
    const struct sb_cell *c = box_cell("m", "b");
    assert_string_equal(c->backend.argv.item[1], "two words");
    assert_string_equal(c->backend.argv.item[3], "-m");
    box_has(c->backend.server_version, "11669");
    assert_null(c->backend.image);
}

static void a_command_that_is_no_llama_server_says_why(void **state) {
    (void)state;
    write_config("", "command = sh -c 'echo no such verb >&2; exit 2'\n");
    assert_int_equal(SB("check", "a.ini"), 1);
    box_has(box_read("out"), "binary does not run");
    box_has(box_read("out"), "sh --version: exit code 2: no such verb");
    box_has(box_read("out"), "a.ini:10: ");
}

/* ---- containers ------------------------------------------------------------------------------ */

/* A podman that makes a "container" of a process: what it was called with, and what is in its
 * environment, is in the file "calls". */
static void write_podman(void) {
    write_script("podman",
                 "echo \"$*\" >>calls\n"
                 "[ \"$1\" = --quiet ] && shift\n"
                 "verb=$1; shift\n"
                 "case $verb in\n"
                 "create) echo id;;\n"
                 "inspect) case $4 in *Pid*) echo 0;; *) cat image;; esac;;\n"
                 "rm) ;;\n"
                 "run)\n"
                 "  while [ \"$1\" != IMAGE ]; do\n"
                 "    case $1 in --env) eval \"echo env $2=\\$$2 >>calls\"; shift;; esac\n"
                 "    [ \"$1\" = --name ] && echo \"$2\" >names\n"
                 "    shift\n"
                 "  done\n"
                 "  shift\n"
                 "  \"$@\" & wait $!;;\n"
                 "esac\n");
    box_write("image", "registry/IMAGE@sha256:1234\n");
}

static void write_container(const char *options) {
    write_config("", box_text("command = ./podman --quiet run --rm %s IMAGE " FAKE
                              "\nenv = FAKE_DEVICES=Vulkan0\ndevice = Vulkan0\n",
                              options));
}

/* The last word that was had with podman. */
static void expect_removed(void) {
    char *name = box_read("names");
    name[strcspn(name, "\n")] = '\0';
    box_has(name, "stratobench-");
    box_has(box_read("calls"), box_text("--quiet rm --force --ignore %s\n", name));
}

static void a_container_is_named_told_of_and_removed(void **state) {
    (void)state;
    write_podman();
    write_container("--network=host");
    assert_int_equal(SB(MEASURE), 0);
    box_expect_ok("m", "b");
    assert_string_equal(box_cell("m", "b")->backend.image, "registry/IMAGE@sha256:1234");
    assert_null(box_cell("m", "b")->backend.server_build);
    box_has(box_read("a.md"), "image registry/IMAGE@sha256:1234");
    box_has(box_read("calls"), "env FAKE_DEVICES=Vulkan0\n");
    box_has(box_read("calls"), "env LLAMA_API_KEY=");
    box_has_not(box_read("a.json"), "LLAMA_API_KEY=");
    box_has(box_read("calls"), "create --pull=never --name stratobench-");
    expect_removed();
}

static void another_image_is_measured_again(void **state) {
    (void)state;
    write_podman();
    write_container("--net host");
    assert_int_equal(SB(MEASURE), 0);
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    box_has(box_read("err"), "1 of 1 cells kept");
    box_write("image", "registry/IMAGE@sha256:5678\n");
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    box_has_not(box_read("err"), "1 of 1 cells kept");
    assert_string_equal(box_cell("m", "b")->backend.image, "registry/IMAGE@sha256:5678");
}

static void a_container_goes_with_a_killed_harness(void **state) {
    (void)state;
    write_podman();
    write_config("", "command = ./podman --quiet run --network=host IMAGE " FAKE
                     "\nenv = FAKE_MODE=hang\n");
    pid_t pid = box_start(ARGS(STRATOBENCH, MEASURE));
    box_await("a.logs/m--b--1.log", "listening on");
    box_write("calls", "%s", "");
    kill(pid, SIGKILL);
    box_wait(pid);
    box_nothing_left_soon();
    expect_removed();
}

static void what_no_container_may_have_is_said_first(void **state) {
    static const char *const options[][2] = {
        {"", "the container needs --network=host"},
        {"--network=host --name x", "--name is chosen by stratobench"},
        {"--network host -d", "leave out -d"},
    };
    (void)state;
    write_podman();
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        write_container(options[i][0]);
        assert_int_equal(SB("check", "a.ini"), 1);
        box_has(box_read("out"), "command cannot be measured");
        box_has(box_read("out"), options[i][1]);
    }
    assert_string_equal(box_read("calls"), "");
}

static void an_image_that_is_not_there_is_not_fetched(void **state) {
    (void)state;
    write_script(
        "podman",
        "[ \"$1\" = create ] || exit 9\necho 'Error: IMAGE: image not known' >&2\nexit 125\n");
    write_config("", "command = ./podman run --network=host IMAGE " FAKE "\n");
    assert_int_equal(SB("check", "a.ini"), 1);
    box_has(box_read("out"), "no container can be made");
    box_has(box_read("out"), "image not known");
}

static void what_toolbox_loses_is_on_the_command_line(void **state) {
    (void)state;
    write_script("toolbox", "shift 3\nexec env -i \"PATH=$PATH\" \"$@\"\n");
    write_config("", "command = ./toolbox run -c box " FAKE "\n");
    assert_int_equal(SB(MEASURE), 0);
    box_expect_ok("m", "b");
}

static void no_pod_makes_containers(void **state) {
    (void)state;
    write_container("--network=host");
    assert_int_equal(SB("k8s", "a.ini"), 2);
    box_has(box_read("err"), "a.ini:10: [backend b] makes a container, which a pod cannot");
}

/* ---- hooks ----------------------------------------------------------------------------------- */

static void hooks_run_around_every_launch(void **state) {
    (void)state;
    BOX_CONFIG("launches = 2\n", {"b", "env = WHO=me\nbefore = echo \"on $WHO\" | tee -a order\n"
                                       "after = echo off | tee -a order\n"});
    assert_int_equal(SB(MEASURE), 0);
    box_expect_status(box_cell("m", "b"), "ok");
    assert_string_equal(box_read("order"), "on me\noff\non me\noff\n");
    box_has(box_read("a.logs/m--b--1.log"), "listening on");
    box_has(box_read("a.logs/m--b--1.log"),
            "---- before hook ----\non me\n---- after hook ----\noff\n");
}

static void hooks_write_into_no_file_of_another(void **state) {
    (void)state;
    BOX_CONFIG("", {"b", "before = echo over it; exit 3\n"});
    box_write("victim", "precious");
    assert_int_equal(mkdir("a.logs", 0755), 0);
    assert_int_equal(link("victim", "a.logs/m--b--1.log"), 0);
    assert_int_equal(SB(MEASURE), 1);
    assert_string_equal(box_read("victim"), "precious");
}

static void a_hook_that_fails_fails_the_cell(void **state) {
    (void)state;
    BOX_CONFIG(
        "load_timeout = 2\n", {"first", "before = echo why >&2; exit 3\nafter = touch cleaned\n"},
        {"last", "after = exit 4\n"}, {"slow", "before = sleep 60\n"},
        {"dead", "env = FAKE_MODE=exit-before-ready:5\nafter = touch swept\n"}, {"good", ""});
    assert_int_equal(SB(MEASURE), 1);
    box_has(box_row("first"), "ERROR: before hook failed (exit 3)");
    assert_string_equal(box_cell("m", "first")->detail, "why\n");
    assert_int_equal(access("cleaned", F_OK), 0);
    box_has(box_row("last"), "ERROR: after hook failed (exit 4)");
    box_has(box_row("slow"), "ERROR: before hook failed (over 2 s)");
    box_has(box_row("dead"), "ERROR: server died");
    assert_int_equal(access("swept", F_OK), 0);
    box_expect_ok("m", "good");
}

static void an_interrupted_launch_has_its_after(void **state) {
    (void)state;
    BOX_CONFIG("", {"b", "env = FAKE_MODE=hang\nafter = touch swept\n"});
    pid_t pid = box_start(ARGS(STRATOBENCH, MEASURE));
    box_await("a.logs/m--b--1.log", "listening on");
    kill(pid, SIGINT);
    assert_int_equal(box_wait(pid), 128 + SIGINT);
    assert_int_equal(access("swept", F_OK), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BOX(words_of_a_command_are_split_as_a_shell_would),
        IN_BOX(a_command_that_is_no_llama_server_says_why),
        IN_BOX(a_container_is_named_told_of_and_removed),
        IN_BOX(another_image_is_measured_again),
        IN_BOX(a_container_goes_with_a_killed_harness),
        IN_BOX(what_no_container_may_have_is_said_first),
        IN_BOX(an_image_that_is_not_there_is_not_fetched),
        IN_BOX(what_toolbox_loses_is_on_the_command_line),
        IN_BOX(no_pod_makes_containers),
        IN_BOX(hooks_run_around_every_launch),
        IN_BOX(hooks_write_into_no_file_of_another),
        IN_BOX(a_hook_that_fails_fails_the_cell),
        IN_BOX(an_interrupted_launch_has_its_after),
    };
    return BOX_RUN(tests);
}
