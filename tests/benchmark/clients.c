/* Does the client disturb the server? The same request by ours, by the least possible client (one
 * blocking socket), and by that in a stream, counted from outside as llama-benchy does; in the
 * order A B C, C B A. And what of a processor ours takes while it waits.
 *
 *   PROMPT=FILE clients PORT PAIRS
 */
#include <arpa/inet.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sample.h"
#include "stratobench/prompt.h"
#include "stratobench/sys.h"

enum { TIMEOUT_S = 600, N_PREDICT = 128, CLIENTS = 3 };

struct speeds {
    double pp, tg;
};

/* ---- the least client -------------------------------------------------------------------------
 */

static int connect_to(int port) {
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
        perror("clients: connect");
        exit(1);
    }
    return fd;
}

static void send_request(int fd, const struct sb_request *r, bool stream) {
    struct sb_buf body = SB_BUF_INIT(1 << 22), all = SB_BUF_INIT(1 << 22);
    sb_buf_adds(&body, "{\"prompt\":[");
    for (size_t i = 0; i < r->body.n_tokens; i++)
        sb_buf_addf(&body, "%s%d", i ? "," : "", r->body.tokens[i]);
    sb_buf_addf(&body,
                "],\"n_predict\":%d,\"temperature\":0,\"seed\":0,\"ignore_eos\":true,"
                "\"cache_prompt\":false,\"stream\":%s}",
                r->body.n_predict, stream ? "true" : "false");
    sb_buf_addf(&all,
                "POST /completion HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                "Content-Length: %zu\r\n\r\n%s",
                body.len, sb_buf_str(&body));
    for (size_t sent = 0; sent < all.len;) {
        ssize_t n = write(fd, sb_buf_str(&all) + sent, all.len - sent);
        if (n <= 0)
            exit(1);
        sent += (size_t)n;
    }
    sb_buf_release(&body);
    sb_buf_release(&all);
}

static double number_after(const char *text, const char *key) {
    const char *last = NULL;
    for (const char *at = text; (at = strstr(at, key)); at++)
        last = at;
    return last ? strtod(last + strlen(key), NULL) : NAN;
}

/* What the server says of it, and (in a stream) what the arrival of the events says. */
static struct speeds least(int port, const struct sb_request *r, bool stream,
                           struct speeds *ret_counted) {
    struct sb_buf reply = SB_BUF_INIT(1 << 26);
    char part[65536];
    double began_s = sb_now_s(), first_s = NAN, last_s = NAN;
    int fd = connect_to(port), events = 0;
    send_request(fd, r, stream);
    for (ssize_t n; (n = read(fd, part, sizeof part - 1)) > 0;) {
        part[n] = '\0';
        sb_buf_add(&reply, part, (size_t)n);
        for (const char *at = part; stream && (at = strstr(at, "data: {")); at++, events++) {
            last_s = sb_now_s();
            first_s = events ? first_s : last_s;
        }
    }
    close(fd);
    const char *text = sb_buf_str(&reply);
    double prompt_n = number_after(text, "\"prompt_n\":"),
           predicted_n = number_after(text, "\"predicted_n\":");
    struct speeds s = {prompt_n * 1e3 / number_after(text, "\"prompt_ms\":"),
                       (predicted_n - 1) * 1e3 / number_after(text, "\"predicted_ms\":")};
    ret_counted->pp = prompt_n / (first_s - began_s);
    ret_counted->tg = (predicted_n - 1) / (last_s - first_s);
    sb_buf_release(&reply);
    return s;
}

/* ---- ours -------------------------------------------------------------------------------------
 */

static double cpu_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct speeds ours(const struct sb_endpoint *at, const struct sb_request *r) {
    struct sb_llama_reply t;
    struct sb_llama_failure f = {0};
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    double cpu0_s = cpu_s();
    if (sb_llama_complete(at, &r->body, TIMEOUT_S, &t, &f) < 0) {
        fprintf(stderr, "clients: %s\n", f.reason);
        exit(1);
    }
    double used_s = cpu_s() - cpu0_s;
    getrusage(RUSAGE_SELF, &after);
    sample("run.cpu_percent", 100 * used_s / (t.wall_ms / 1e3));
    sample("run.cpu_ms", used_s * 1e3);
    sample("run.switches",
           (double)(after.ru_nvcsw - before.ru_nvcsw + after.ru_nivcsw - before.ru_nivcsw));
    struct speeds s = {(double)t.prompt_n * 1e3 / t.prompt_ms,
                       (double)(t.predicted_n - 1) * 1e3 / t.predicted_ms};
    sb_llama_reply_release(&t);
    return s;
}

int main(int argc, char **argv) {
    if (argc < 3)
        return 2;
    int port = atoi(argv[1]), pairs = atoi(argv[2]);
    struct sb_buf prompt = SB_BUF_INIT(1 << 20), error = SB_BUF_INIT(SB_ERR_MAX);
    struct sb_llama_failure f = {0};
    struct sb_prepared prepared;
    char *url = sb_asprintf("http://127.0.0.1:%d", port);
    struct sb_endpoint at = {.http = sb_http_new(&(struct sb_http_server){url, NULL, NULL}),
                             .child_fd = -1,
                             .signal_fd = -1};
    for (double end_s = sb_now_s() + TIMEOUT_S; sb_llama_health(&at, 5) != 200;) {
        if (sb_now_s() > end_s)
            return 1;
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    if (sb_file_read(need("PROMPT"), &prompt, &error) < 0 ||
        sb_prompt_prepare(&at, sb_buf_str(&prompt), prompt.len, TIMEOUT_S, &prepared, &f) < 0)
        return 1;
    for (int i = -1; i < pairs; i++) { /* the first warms up */
        struct speeds by[CLIENTS] = {{0}}, counted = {0}, unused;
        for (int k = 0; k < CLIENTS; k++) {
            int client = i % 2 ? CLIENTS - 1 - k : k;
            struct sb_request r;
            sb_prompt_request(&prepared, 0, (size_t)((i + 1) * CLIENTS + k), 0, N_PREDICT, &r);
            by[client] = client == 0   ? ours(&at, &r)
                         : client == 1 ? least(port, &r, false, &unused)
                                       : least(port, &r, true, &counted);
            sb_request_release(&r);
        }
        if (i < 0)
            continue;
        sample("disturbance.pp_ratio", by[0].pp / by[1].pp);
        sample("disturbance.tg_ratio", by[0].tg / by[1].tg);
        sample("peers.streamed_pp_ratio", counted.pp / by[2].pp);
        sample("peers.streamed_tg_ratio", counted.tg / by[2].tg);
    }
    sb_prepared_release(&prepared);
    sb_http_free(at.http);
    free(url);
    return 0;
}
