/* SIGKILL at random moments of a short matrix, and a resume after each, until the matrix is done;
 * then again from the start, KILLS times in all (15). After every kill no process is left, the
 * results file is whole, and no cell that was ok has been lost; at the end the ok cells are those
 * of an undisturbed run.
 *
 * KILL_SERVER and KILL_MODEL name a real llama-server and a model for it; SEED repeats a run. */
#include "box.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

enum { KILLS = 15, MAX_CELLS = 16 };

static long number_of(const char *variable, long otherwise) {
    const char *text = getenv(variable);
    return text ? strtol(text, NULL, 10) : otherwise;
}

static void write_config(void) {
    const char *server = getenv("KILL_SERVER"), *model = getenv("KILL_MODEL");
    if (!server) {
        box_write("a.ini", "%s%s%s%s[model m]\npath = m.gguf\n[model n]\npath = m.gguf\n",
                  box_bench(""), box_backend("one", "env = FAKE_MODE=grandchild\n"),
                  box_backend("fails", "env = FAKE_MODE=exit-in-run:3\nenv = FAKE_FROM=2\n"),
                  box_backend("two", "env = FAKE_TG=500\n"));
        return;
    }
    assert_non_null(model);
    box_write("a.ini",
              "%s[backend one]\nserver = %s\nthreads = 2\ndevice = none\n"
              "[backend two]\nserver = %s\nthreads = 1\ndevice = none\n"
              "[model m]\npath = %s\n",
              box_bench(""), server, server, model);
}

/* Which cells are ok, a bit each. The file must load; that there is none yet is fine. */
static unsigned ok_cells(const char *file) {
    unsigned ok = 0;
    if (access(file, F_OK) < 0)
        return 0;
    struct sb_results r;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    if (sb_results_load(file, &r, &error))
        fail_msg("%s", sb_buf_str(&error));
    assert_true(r.n_cells <= MAX_CELLS);
    for (size_t i = 0; i < r.n_cells; i++)
        if (r.cells[i].status == SB_OK)
            ok |= 1U << i;
    sb_results_release(&r);
    return ok;
}

/* Ends the harness by SIGKILL once `after_s` have passed, unless it ends by itself before. True
 * when it was killed. */
static bool kill_after(pid_t pid, double after_s) {
    int status;
    double deadline_s = sb_now_s() + after_s;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (sb_now_s() >= deadline_s) {
            kill(pid, SIGKILL);
            return box_wait(pid) == 128 + SIGKILL;
        }
        usleep(500);
    }
    return false;
}

static void nothing_finished_is_ever_lost(void **state) {
    (void)state;
    long kills = number_of("KILLS", KILLS), seed = number_of("SEED", (long)getpid()), done = 0;
    int matrices = 0;
    write_config();
    double began_s = sb_now_s();
    int rc = SB(MEASURE, "-o", "whole");
    double whole_s = sb_now_s() - began_s;
    unsigned want = ok_cells("whole.json"), kept = 0;
    assert_true(want != 0);
    srand48(seed);
    for (bool fresh = true; done < kills;) {
        pid_t pid =
            box_start(ARGS(STRATOBENCH, MEASURE, "-o", "k", fresh ? "--force" : "--resume"));
        if (kill_after(pid, drand48() * whole_s)) {
            done++;
            box_nothing_left_soon();
            unsigned ok = ok_cells("k.json");
            if ((ok & kept) != kept)
                fail_msg("kill %ld of seed %ld: ok cells were %#x, now %#x", done, seed, kept, ok);
            kept = ok;
            fresh = false;
        } else {
            box_nothing_left();
            assert_int_equal(ok_cells("k.json"), want);
            matrices++;
            fresh = true;
            kept = 0;
        }
    }
    assert_int_equal(SB(MEASURE, "-o", "k", "--resume"), rc);
    box_nothing_left();
    assert_int_equal(ok_cells("k.json"), want);
    printf("%ld kills (seed %ld) over %d matrices of %.2f s; %d ok cells as undisturbed\n", done,
           seed, matrices + 1, whole_s, __builtin_popcount(want));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BOX(nothing_finished_is_ever_lost),
    };
    return BOX_RUN(tests);
}
