/* Why two cells are not comparable: what differs between their fingerprints, in words. */
#ifndef SB_FINGERPRINT_DIFF_H
#define SB_FINGERPRINT_DIFF_H

#include "stratobench/results.h"

/* Adds a line for each difference: "n_predict: 128 → 64", "args: -c 8192 → -c 4096". Nothing
 * when the fingerprints agree or a cell has none; and one where two clocks timed them. */
void sb_fingerprint_diff(const struct sb_cell *a, const struct sb_cell *b, struct sb_strv *ret);

#endif
