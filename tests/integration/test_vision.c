/* Prompts with a picture: what reaches the server, what must come back, what is refused. */
#include "box.h"

#include <math.h>
#include <signal.h>
#include <unistd.h>

#include "stratobench/base.h"
#include "stratobench/sys.h"

#define SEES    "mmproj = e.gguf\n"
#define PICTURE "image = dot.png\n"

static void draw(const char *file, const char *rest) {
    box_write(file, "\x89PNG\r\n\x1a\n%s", rest);
}

static void make_eyes(void) {
    assert_int_equal(box_run(ARGS(MAKE_GGUF, "--output", "e.gguf", "--mmproj", "--embd", "64")), 0);
}

/* a.ini: model m with those lines. */
#define CONFIG(bench, model, ...)                                                                  \
    do {                                                                                           \
        BOX_CONFIG(bench, __VA_ARGS__);                                                            \
        box_write("a.ini", "%s%s", box_read("a.ini"), model);                                      \
    } while (0)

static void the_picture_is_in_every_run(void **state) {
    (void)state;
    make_eyes();
    draw("dot.png", "one");
    CONFIG(PICTURE "answers = on\nturns = 2\nturn_tokens = 30\n",
           SEES "[model blind]\npath = m.gguf\n", {"b", "device = Vulkan0\n"});
    if (SB("check", "a.ini"))
        fail_msg("%s", box_read("err"));
    box_has(box_read("out"), "prompt with a picture: ");
    box_has(box_read("out"), "--mmproj ");
    assert_int_equal(SB(MEASURE), 0);
    box_expect_ok("m", "b");
    const struct sb_cell *c = box_cell("m", "b"), *blind = box_cell("blind", "b");
    assert_true(c->n_runs == 3 && c->n_turns == 3 * 2 && c->n_answers > 0);
    for (size_t i = 0; i < c->n_runs; i++) {
        assert_int_equal(c->runs[i].image_n, 16);
        /* Of the text "A. Picture:\n" is three words of the fake, a nonce alone is one. */
        assert_int_equal(c->runs[i].prompt_n, 16 + blind->runs[i].prompt_n + 2);
        assert_true(c->runs[i].image_encode_ms >= 1.9);
        assert_int_equal(blind->runs[i].image_n, -1);
    }
    assert_int_equal(c->turns[0].image_n, -1);
    assert_string_equal(c->model.image, "dot.png");
    assert_string_equal(c->model.mmproj, "e.gguf");
    assert_int_equal(strlen(c->model.image_sha256), 64);
    assert_null(blind->model.mmproj);
    assert_null(blind->model.image);
    box_has(box_read("a.md"), "with a picture: dot.png");
    box_has(box_read("a.md"), "Vision: dot.png, 16 image tokens");
    box_has_not(box_read("a.md"), "not tested");
    assert_int_equal(SB("report", "--format", "csv", "a.json"), 0);
    box_has(box_read("out"), ",image_tokens,image_encode_ms,");
    box_has(box_read("out"), ",16,2"); /* the milliseconds that the fake encodes for */
}

static void who_cannot_see_says_why(void **state) {
    (void)state;
    make_eyes();
    draw("dot.png", "one");
    CONFIG(PICTURE, SEES, {"unmarked", "env = FAKE_MODE=no-marker\n"},
           {"blind", "env = FAKE_MODE=blind\n"}, {"ignores", "env = FAKE_MODE=ignored-picture\n"},
           {"wavers", "env = FAKE_MODE=other-picture\nenv = FAKE_FROM=3\n"},
           {"old", "env = FAKE_HELP=old\n"});
    assert_int_equal(SB(MEASURE), 1);
    box_has(box_row("unmarked"), "INVALID: this build names no marker for pictures");
    box_has(box_row("blind"), "INVALID: the server sees no pictures");
    box_has(box_row("ignores"), "INVALID: 12 prompt tokens processed, no more than the 12 of the "
                                "text: the picture is not in them");
    box_has(box_row("wavers"), "INVALID: the picture was 16 tokens, then 17");
    box_has(box_row("old"), "SKIPPED: this build cannot express mmproj");
    box_has(box_cell("m", "old")->detail, "a.ini:33: ");
}

static void what_is_no_projector_is_not_launched(void **state) {
    (void)state;
    draw("dot.png", "one");
    static const struct {
        const char *lines, *reason, *detail;
    } cases[] = {
        {"mmproj = none.gguf\n", "mmproj: model file missing", "a.ini:15: "},
        {"mmproj = m.gguf\n", "mmproj: not a projector", "a.ini:15: "},
        {"mmproj = p.txt\n", "mmproj: ", "a.ini:15: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CONFIG(PICTURE, cases[i].lines, {"b", ""});
        assert_int_equal(SB("check", "a.ini"), 1);
        box_has(box_read("out"), cases[i].reason);
        box_has(box_read("out"), cases[i].detail);
        assert_int_equal(SB(MEASURE, "--force"), 1);
        box_has(box_row("b"), cases[i].reason);
        assert_int_equal(box_cell("m", "b")->n_launches, 0);
    }
}

static void a_bad_picture_is_refused_before_anything(void **state) {
    (void)state;
    make_eyes();
    box_write("empty.png", "%s", "");
    static const char *const cases[][2] = {{"missing.png", "No such file or directory"},
                                           {"empty.png", "it is empty"},
                                           {"p.txt", "it is neither a PNG nor a JPEG file"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CONFIG("", box_text(SEES "image = %s\n", cases[i][0]), {"b", ""});
        assert_int_equal(SB(MEASURE), 2);
        box_has(box_read("err"), box_text("a.ini:15: cannot use image '"));
        box_has(box_read("err"), cases[i][1]);
        assert_int_equal(access("a.json", F_OK), -1);
    }
}

static void another_picture_is_another_prompt(void **state) {
    (void)state;
    make_eyes();
    draw("dot.png", "one");
    CONFIG(PICTURE, SEES, {"b", ""});
    assert_int_equal(SB(MEASURE), 0);
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    box_has(box_read("err"), "1 of 1 cells kept");
    assert_int_equal(rename("a.json", "was.json"), 0);
    assert_int_equal(box_run(ARGS("cp", "was.json", "a.json")), 0);

    draw("dot.png", "two");
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    box_has_not(box_read("err"), "1 of 1 cells kept");
    assert_string_not_equal(box_cell("m", "b")->model.image_sha256,
                            box_results("was.json")->cells[0].model.image_sha256);
    assert_int_equal(SB("compare", "was.json", "a.json"), 3);
    box_has(box_read("out"), "image: ");
    assert_int_equal(SB("report", "was.json", "a.json"), 0);

    CONFIG("", "", {"b", ""}); /* and none is another, too */
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    assert_null(box_cell("m", "b")->model.image);
    box_has_not(box_read("a.md"), "icture");
}

static void its_own_picture_is_not_overwritten(void **state) {
    (void)state;
    make_eyes();
    draw("a.md", "one");
    CONFIG("image = a.md\n", SEES, {"b", ""});
    assert_int_equal(SB(MEASURE), 2);
    box_has(box_read("a.md"), "PNG");
}

/* Its projector is its own affair; and nothing of it can be tuned. */
static void a_server_of_others_is_shown_it_too(void **state) {
    (void)state;
    make_eyes();
    draw("dot.png", "one");
    int port = sb_http_free_port();
    pid_t pid =
        box_start(ARGS("sh", "-c",
                       box_text("exec " FAKE " -m m.gguf --mmproj e.gguf -c 512 -np 1 --port %d "
                                ">other.log 2>&1",
                                port)));
    box_await("other.log", "listening on");
    box_write(
        "a.ini",
        "%s[backend b]\nurl = http://127.0.0.1:%d\n[model m]\nname = m.gguf\nimage = dot.png\n",
        box_bench("tune = ubatch 64 128\n"), port);
    assert_int_equal(SB(MEASURE), 0);
    const struct sb_cell *c = box_cell("m", "b");
    box_expect_status(c, "ok");
    assert_int_equal(c->runs[1].image_n, 16);
    assert_null(c->model.mmproj);
    assert_int_equal(c->n_tried, 0);
    kill(pid, SIGTERM);
    box_wait(pid);
}

static void a_cluster_is_given_the_picture(void **state) {
    (void)state;
    make_eyes();
    draw("dot.png", "one");
    CONFIG(PICTURE, "mmproj = /models/e.gguf\n", {"b", ""});
    assert_int_equal(SB("k8s", "a.ini", "--image", "registry.example/i:1", "-o", "-"), 0);
    box_has(box_read("out"), "binaryData:\n  image-1: iVBORw0KGgpvbmU=\n");
    box_has(box_read("out"), "path: \"dot.png\"");
    box_has(box_read("out"), "mmproj = /models/e.gguf\n");
    CONFIG(PICTURE, "mmproj = /elsewhere/e.gguf\n", {"b", ""});
    assert_int_equal(SB("k8s", "a.ini", "--image", "registry.example/i:1", "--models-claim",
                        "models", "-o", "-"),
                     0);
    box_has(box_read("err"), "a.ini:15: /elsewhere/e.gguf is not in /models");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BOX(the_picture_is_in_every_run),
        IN_BOX(who_cannot_see_says_why),
        IN_BOX(what_is_no_projector_is_not_launched),
        IN_BOX(a_bad_picture_is_refused_before_anything),
        IN_BOX(another_picture_is_another_prompt),
        IN_BOX(its_own_picture_is_not_overwritten),
        IN_BOX(a_server_of_others_is_shown_it_too),
        IN_BOX(a_cluster_is_given_the_picture),
    };
    return BOX_RUN(tests);
}
