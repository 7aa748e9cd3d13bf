/* How fast this machine's CPUs read memory: what bounds token generation on them. */
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stratobench/host.h"

/* Read with the widest loads every compiler makes of plain C, several sums at once, so that
 * it is the memory that is waited for and not an addition. */
typedef uint64_t lane __attribute__((vector_size(32)));
enum { LANES = 8, BLOCK_BYTES = LANES * (int)sizeof(lane), MAX_THREADS = 1024 };

/* Far beyond any cache, but not so much that a small machine has not got it. */
static const long long MAX_BYTES = 1LL << 30, MIN_BYTES = 64LL << 20;

struct reader {
    pthread_t thread;
    struct gang *gang;
    lane *part;
    size_t blocks;
    uint64_t sum;
    double start_s, end_s; /* of its last pass */
};

struct gang {
    pthread_mutex_t gate;   /* held until it is known how many readers there are */
    pthread_barrier_t line; /* all readers and who waits for them: begin and end of each pass */
    bool over;
};

static uint64_t sum_blocks(const lane *p, size_t blocks) {
    lane sum[LANES] = {{0}};
    for (size_t i = 0; i < blocks; i++)
        for (size_t k = 0; k < LANES; k++)
            sum[k] += p[i * LANES + k];
    uint64_t total = 0;
    for (size_t k = 0; k < LANES; k++)
        for (size_t j = 0; j < sizeof(lane) / sizeof(uint64_t); j++)
            total += sum[k][j];
    return total;
}

/* Fills its part itself, so that on a machine of several nodes the pages lie near. */
static void fill_blocks(lane *p, size_t blocks) {
    uint64_t *words = (uint64_t *)p;
    for (size_t i = 0; i < blocks * BLOCK_BYTES / sizeof *words; i++)
        words[i] = i;
}

static void *read_part(void *arg) {
    struct reader *r = arg;
    struct gang *g = r->gang;
    pthread_mutex_lock(&g->gate);
    pthread_mutex_unlock(&g->gate);
    if (g->over)
        return NULL;
    fill_blocks(r->part, r->blocks);
    for (;;) {
        pthread_barrier_wait(&g->line);
        if (g->over)
            return NULL;
        r->start_s = sb_now_s();
        r->sum = sum_blocks(r->part, r->blocks);
        r->end_s = sb_now_s();
        pthread_barrier_wait(&g->line);
    }
}

/* The sums are compared with what they must be: a compiler can then not leave the reading
 * out, and a wrong figure is not printed. */
static bool sums_are_right(const struct reader *r, int threads) {
    bool right = true;
    for (int i = 0; i < threads; i++) {
        uint64_t words = r[i].blocks * BLOCK_BYTES / sizeof(uint64_t);
        right &= r[i].sum == words / 2 * (words - 1); /* words is even */
    }
    return right;
}

/* From the first to start to the last to end. By their own clocks: whoever waits for them gets a
 * processor when they are under way, or done. */
static double pass_time_s(const struct reader *r, int threads) {
    double start_s = INFINITY, end_s = -INFINITY;
    for (int i = 0; i < threads; i++) {
        start_s = fmin(start_s, r[i].start_s);
        end_s = fmax(end_s, r[i].end_s);
    }
    return end_s - start_s;
}

static double best_pass_s(struct gang *g, const struct reader *r, int threads, double seconds) {
    double best_s = NAN, end = sb_now_s() + seconds;
    bool right = true;
    for (int pass = 0; pass < 2 || (right && sb_now_s() < end); pass++) {
        pthread_barrier_wait(&g->line);
        pthread_barrier_wait(&g->line);
        best_s = fmin(best_s, pass_time_s(r, threads));
        right &= sums_are_right(r, threads);
    }
    g->over = true;
    pthread_barrier_wait(&g->line);
    return right ? best_s : NAN;
}

static double read_all(lane *buffer, size_t blocks, int threads, double seconds) {
    struct gang gang = {.over = false};
    struct reader *readers = sb_alloc((size_t)threads, sizeof *readers);
    pthread_mutex_init(&gang.gate, NULL);
    pthread_barrier_init(&gang.line, NULL, (unsigned)threads + 1);

    pthread_mutex_lock(&gang.gate);
    int started = 0;
    size_t per_reader = blocks / (size_t)threads;
    for (; started < threads; started++) {
        struct reader *r = &readers[started];
        *r = (struct reader){.gang = &gang,
                             .part = buffer + (size_t)started * per_reader * LANES,
                             .blocks = per_reader};
        if (pthread_create(&r->thread, NULL, read_part, r) != 0)
            break;
    }
    gang.over = started < threads;
    pthread_mutex_unlock(&gang.gate);

    double pass_s = started == threads ? best_pass_s(&gang, readers, threads, seconds) : NAN;
    for (int i = 0; i < started; i++)
        pthread_join(readers[i].thread, NULL);
    pthread_barrier_destroy(&gang.line);
    pthread_mutex_destroy(&gang.gate);
    free(readers);
    return (double)(per_reader * (size_t)threads * BLOCK_BYTES) / pass_s / 1e9;
}

static int usable_cpus(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                       : (int)sysconf(_SC_NPROCESSORS_ONLN);
}

double sb_host_read_bandwidth(int threads, double seconds) {
    if (threads <= 0)
        threads = usable_cpus();
    if (threads > MAX_THREADS)
        return NAN;
    long long available = sb_host_memory("").available_bytes;
    long long bytes = available < 0 || available / 4 > MAX_BYTES ? MAX_BYTES : available / 4;
    if (bytes < MIN_BYTES)
        return NAN;
    void *buffer = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (buffer == MAP_FAILED)
        return NAN;
    madvise(buffer, (size_t)bytes, MADV_HUGEPAGE); /* misses of the page table are not asked for */
    double gb_s = read_all(buffer, (size_t)bytes / BLOCK_BYTES, threads, seconds);
    munmap(buffer, (size_t)bytes);
    return gb_s;
}
