/* What a launch costs: our load against the server's own log and against an outside observer, and
 * what the harness itself adds, step by step.
 *
 *   LLAMA_SERVER=PATH MODEL=FILE PROMPT=FILE RESULTS=FILE PROGRAM=PATH launches COUNT [DEVICE]
 *
 * The observer is a process of its own: it finds the server by its command line, connects until it
 * is accepted, then asks /health until it says 200. Clocks are the machine's monotonic one, so that
 * both processes read the same. */
#include <arpa/inet.h>
#include <dirent.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sample.h"
#include "stratobench/host.h"
#include "stratobench/prompt.h"
#include "stratobench/results.h"
#include "stratobench/server.h"

enum { TIMEOUT_S = 120, CTX = 2048 };

/* ---- the observer ---------------------------------------------------------------------------- */

struct seen {
    double accepted_s, ready_s; /* monotonic */
};

static void nap(void) {
    nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
}

/* The value of --port of a process that serves this model; 0 when it is none. */
static int port_of(const char *pid, const char *model) {
    char path[300], text[16384];
    snprintf(path, sizeof path, "/proc/%s/cmdline", pid);
    FILE *f = fopen(path, "r");
    if (!f)
        return 0;
    size_t n = fread(text, 1, sizeof text - 1, f);
    bool serves = false;
    int port = 0;
    fclose(f);
    text[n] = '\0';
    for (char *word = text; word < text + n; word += strlen(word) + 1) {
        serves |= strcmp(word, model) == 0;
        if (strcmp(word, "--port") == 0)
            port = atoi(word + strlen(word) + 1);
    }
    return serves ? port : 0;
}

static int find_port(const char *model) {
    for (double end_s = sb_now_s() + TIMEOUT_S; sb_now_s() < end_s; nap()) {
        DIR *proc = opendir("/proc");
        int port = 0;
        for (struct dirent *e; !port && proc && (e = readdir(proc));)
            if (atol(e->d_name) > getpid())
                port = port_of(e->d_name, model);
        if (proc)
            closedir(proc);
        if (port)
            return port;
    }
    return 0;
}

static int connect_to(int port) {
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool is_ready(int port) {
    static const char ask[] = "GET /health HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n";
    char reply[64] = "";
    int fd = connect_to(port);
    if (fd < 0)
        return false;
    bool ready = write(fd, ask, sizeof ask - 1) > 0 && read(fd, reply, sizeof reply - 1) > 0 &&
                 strstr(reply, " 200 ");
    close(fd);
    return ready;
}

static void observe(const char *model, int to) {
    struct seen s = {NAN, NAN};
    int port = find_port(model), fd = -1;
    double end_s = sb_now_s() + TIMEOUT_S;
    while (port && (fd = connect_to(port)) < 0 && sb_now_s() < end_s)
        nap();
    s.accepted_s = fd >= 0 ? sb_now_s() : NAN;
    close(fd);
    while (port && !is_ready(port) && sb_now_s() < end_s)
        nap();
    s.ready_s = sb_now_s();
    _exit(write(to, &s, sizeof s) == sizeof s ? 0 : 1);
}

/* ---- the server's own log ---------------------------------------------------------------------
 */

/* Seconds from the start of its log to "listening on": lines begin with minutes.seconds.ms.us. */
static double listening_s(const char *path) {
    char line[4096];
    double at_s = NAN;
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) {
        int minutes, seconds, ms, us;
        if (strstr(line, "listening on http") &&
            sscanf(line, "%d.%d.%d.%d", &minutes, &seconds, &ms, &us) == 4)
            at_s = minutes * 60 + seconds + ms / 1e3 + us / 1e6;
    }
    if (f)
        fclose(f);
    return at_s;
}

/* ---- a launch ---------------------------------------------------------------------------------
 */

struct timer {
    double began_s, total_s;
};

/* What has passed since the last step, in ms, as one of the steps that the harness adds. */
static void step(struct timer *t, const char *key) {
    double now_s = sb_now_s();
    sample(key, (now_s - t->began_s) * 1e3);
    t->total_s += now_s - t->began_s;
    t->began_s = sb_now_s();
}

static void fail(const struct sb_llama_failure *f) {
    fprintf(stderr, "launches: %s: %s\n", f->reason ? f->reason : "", f->detail ? f->detail : "");
    exit(1);
}

struct bed { /* what all launches share */
    struct sb_server_spec spec;
    struct sb_results results; /* to be saved */
    struct sb_buf prompt;
    char *folder;
};

static void one_launch(struct bed *b) {
    struct sb_llama_failure failure = {0};
    struct sb_llama_proof proof;
    struct sb_prepared prepared;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    struct seen seen = {NAN, NAN};
    int ends[2];
    double load_s;
    if (pipe(ends) < 0)
        exit(1);
    pid_t observer = fork();
    if (observer == 0)
        observe(b->spec.launch.model_path, ends[1]);
    struct timer t = {.began_s = sb_now_s()};
    double called_s = t.began_s;
    sb_host_read("");
    step(&t, "launch.reading_ms");
    double start_s = sb_now_s();
    struct sb_server *server = sb_server_new(&b->spec);
    if (sb_server_start(server, &load_s, &failure) < 0)
        fail(&failure);
    t.began_s += load_s;
    step(&t, "launch.spawn_and_identity_ms");
    if (sb_server_proof(server, &proof) == 0)
        sb_llama_proof_release(&proof);
    step(&t, "launch.proof_ms");
    if (sb_prompt_prepare(sb_server_endpoint(server), sb_buf_str(&b->prompt), b->prompt.len,
                          TIMEOUT_S, &prepared, &failure) < 0)
        fail(&failure);
    step(&t, "launch.tokenize_ms");
    sb_prepared_release(&prepared);
    char *path = sb_asprintf("%s/r.json", b->folder);
    if (sb_results_save(&b->results, path, &error) < 0)
        fprintf(stderr, "launches: %s\n", sb_buf_str(&error));
    step(&t, "launch.save_ms");
    free(path);
    double stop_s = sb_server_stop(server);
    t.began_s += stop_s;
    step(&t, "launch.reap_ms");
    sb_server_free(server);
    step(&t, "launch.free_ms");
    sample("launch.added_ms", t.total_s * 1e3);
    sample("launch.stop_ms", stop_s * 1e3);
    sample("load.ours_ms", load_s * 1e3);
    double own_s = listening_s(b->spec.log_path);
    sample("load.after_own_log_ms", (load_s - own_s) * 1e3);
    if (read(ends[0], &seen, sizeof seen) == (ssize_t)sizeof seen) {
        sample("load.after_observer_ms", (start_s + load_s - seen.ready_s) * 1e3);
        sample("load.observer_accepted_ms", (seen.accepted_s - called_s) * 1e3);
    }
    close(ends[0]);
    close(ends[1]);
    waitpid(observer, NULL, 0);
}

/* The least that any command of ours needs: its libraries, loaded and linked. */
static void least_memory(const char *program) {
    struct rusage used;
    pid_t child = fork();
    if (child == 0) {
        if (freopen("/dev/null", "w", stdout))
            execl(program, program, "--version", (char *)NULL);
        _exit(127);
    }
    if (wait4(child, NULL, 0, &used) == child)
        sample("run.least_rss_mib", (double)used.ru_maxrss / 1024);
}

int main(int argc, char **argv) {
    int count = argc > 1 ? atoi(argv[1]) : 50;
    struct sb_llama_build build;
    struct sb_strv command = {0}, env = {0};
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    char folder[] = "/tmp/stratobench-benchmark-XXXXXX";
    struct bed b = {.folder = mkdtemp(folder), .prompt = SB_BUF_INIT(1 << 20)};
    sb_strv_add(&command, need("LLAMA_SERVER"));
    if (!b.folder || sb_file_read(need("PROMPT"), &b.prompt, &error) < 0 ||
        sb_llama_probe(&(struct sb_llama_asked){&command, &env, NULL, -1}, &build, &error) < 0 ||
        sb_results_load(need("RESULTS"), &b.results, &error) < 0) {
        fprintf(stderr, "launches: %s\n", sb_buf_str(&error));
        return 1;
    }
    b.spec = (struct sb_server_spec){
        .build = &build,
        .launch = {.model_path = need("MODEL"), .device = argc > 2 ? argv[2] : "none", .ctx = CTX},
        .log_path = sb_asprintf("%s/log", b.folder),
        .load_timeout_s = TIMEOUT_S,
        .signal_fd = -1};
    least_memory(need("PROGRAM"));
    for (int i = 0; i < count; i++)
        one_launch(&b);
    char *remove = sb_asprintf("%s/r.json", b.folder);
    unlink(remove);
    unlink(b.spec.log_path);
    rmdir(b.folder);
    return 0;
}
