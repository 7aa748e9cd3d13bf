/* Eta: how long launches will take, learned from launches that ended. Nothing is guessed: what no
 * launch has shown yet is NaN. What answers take is learned apart: the first launch is asked twice. */
#ifndef STRATOBENCH_ETA_H
#define STRATOBENCH_ETA_H

#include "stratobench/bench.h"

struct sb_pace {                 /* over the launches that ended */
    double spent_s, weight;      /* without answers */
    double answers_s, positions; /* of a backend, positions times the weight */
};
struct sb_eta {
    const struct sb_config *config;
    const struct sb_preflight *preflight;
    struct sb_pace *backends, *cells; /* of a cell the weight is the number of launches */
};

void sb_eta_init(struct sb_eta *e, const struct sb_config *config,
                 const struct sb_preflight *preflight);
void sb_eta_release(struct sb_eta *e);
/* That launch of that cell of the config took so long, answers and all; the results say what they
 * took. Below 0 it tried a value. */
void sb_eta_learn(struct sb_eta *e, size_t cell, double launch_s, const struct sb_cell *results,
                  int launch);
/* The launches that a results file holds of these very cells (model, backend and fingerprint); with
 * another number of runs the measuring is taken in proportion. How many of the config's cells. */
size_t sb_eta_learn_from(struct sb_eta *e, const struct sb_results *earlier);
/* Seconds of that launch (from 1): what its cell took before, else what launches of the same backend
 * took, in proportion to the bytes that a token reads; NaN when neither is known. */
double sb_eta_launch_s(const struct sb_eta *e, size_t cell, int launch);
/* Seconds of a launch that tries a value (bench tune): one point of those, no answers. */
double sb_eta_try_s(const struct sb_eta *e, size_t cell);
/* How many of these are answers'; 0 where none are asked for or what they take is not known. */
double sb_eta_answers_s(const struct sb_eta *e, size_t cell, int launch);

#endif
