/* What a gate would have said, over and over, of a long recording. */
#ifndef RESULTS_GATE_REPLAY_H
#define RESULTS_GATE_REPLAY_H

#include "results/gate_samples.h"

/* Gates replayed over the rounds, side by side with the base: each takes up `rounds` of them, and
 * more where it asks for another series; the next one begins behind it. */
typedef struct rb_gate_tally {
    double slowdown;
    size_t gates, fine, noisy, slower;
    size_t reruns;     /* gates that took more than one series */
    double longest_s;  /* by the clock, from the first round of a gate to the end of its last */
    double ratio;      /* median over first series: what the injected slowdown came to */
    double half_width; /* of the interval of the ratio, median over first series */
} rb_gate_tally;

rb_status rb_gate_replay(const rb_gate_samples *samples, const rb_gate_limits *limits,
                         size_t rounds, size_t side, rb_gate_tally *tally, rb_error *err);

#endif
