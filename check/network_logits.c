/* The logits of a network, as resbench run judges them, without the clock. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/clock.h"
#include "bench/truth.h"
#include "bench/weights_source.h"
#include "check/networks.h"

typedef struct answers {
    rb_parity parity; /* of both passes */
    int64_t top1_agree;
    double seconds;
    char kernel_plan[17];
} answers;

static rb_status compare(rb_net *net, rb_remote *remote, const rb_truth *truth, bool reversed,
                         double *logits, answers *a, rb_error *err) {
    rb_parity pass = {0};
    double run_ns;
    const rb_status status = rb_remote_logits(remote, net->inputs.images, net->inputs.count,
                                              reversed, logits, &run_ns, err);
    if (status != RB_OK)
        return status;
    rb_parity_add(&pass, truth->logits, logits, net->inputs.count, truth->classes, 0);
    rb_parity_add(&a->parity, truth->logits, logits, net->inputs.count, truth->classes, 0);
    a->top1_agree = pass.top1_agree < a->top1_agree ? pass.top1_agree : a->top1_agree;
    return RB_OK;
}

/* In the order of the images, in reverse order within each batch (a permuted batch must give
 * permuted logits), and the end, where an engine may fail, too. */
static rb_status ask(rb_net *net, const rb_truth *truth, answers *a, rb_error *err) {
    rb_remote *remote = NULL;
    double *logits = calloc((size_t)(net->inputs.count * truth->classes), sizeof *logits);
    if (!logits)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for the logits of %s", net->network->name);
    const int64_t from_ns = rb_now_ns();
    rb_status status = rb_remote_open(&net->plan->worker, &net->spec, &remote, err);
    if (status == RB_OK)
        snprintf(a->kernel_plan, sizeof a->kernel_plan, "%s",
                 rb_remote_facts_of(remote)->kernel_plan);
    if (status == RB_OK)
        status = compare(net, remote, truth, false, logits, a, err);
    if (status == RB_OK)
        status = compare(net, remote, truth, true, logits, a, err);
    if (status == RB_OK)
        status = rb_remote_end(remote, err);
    a->seconds = (double)(rb_now_ns() - from_ns) * 1e-9;
    rb_remote_close(remote);
    free(logits);
    return status;
}

static void judge(const rb_net *net, const rb_truth *truth, const answers *a, rb_check_row *row) {
    char note[256];
    const double own = rb_parity_reference_limit(truth->jitter_rel_l2);
    row->limit = rb_net_is(net, net->plan->reference_path)
                     ? own
                     : rb_parity_limit_beside(truth->reference_rel_l2, own);
    row->verdict = rb_parity_judge(&a->parity, row->limit, note, sizeof note);
    snprintf(row->note, sizeof row->note, "%s%s%s", note,
             note[0] && net->offender[0] ? "; the first node out of bounds is " : "",
             note[0] ? net->offender : "");
    rb_net_figures(&a->parity, truth->classes, &row->figures);
    row->images = net->inputs.count;
    if (!rb_weights_are_synthetic(&net->info))
        row->top1_differ = net->inputs.count - a->top1_agree;
}

rb_status rb_net_check_logits(rb_net *net, rb_error *err) {
    rb_truth truth;
    rb_check_row row;
    rb_error why = {""};
    answers a = {.top1_agree = INT64_MAX};
    rb_net_progress(net, 0.6, "logits");
    rb_status status = rb_truth_compute(&net->own, &net->spec, &net->inputs, &truth, err);
    if (status != RB_OK)
        return status;
    rb_net_row_init(net, RB_LEVEL_NETWORK, net->network->name, &row);
    const rb_status asked = ask(net, &truth, &a, &why);
    row.seconds = a.seconds;
    snprintf(row.kernel, sizeof row.kernel, "%s", a.kernel_plan);
    if (asked == RB_OK) {
        judge(net, &truth, &a, &row);
    } else if (rb_net_is_engine_failure(asked)) {
        row.verdict = rb_verdict_of_failure(asked);
        snprintf(row.note, sizeof row.note, "%.500s", why.message);
    } else {
        status = rb_fail(err, asked, "%s", why.message);
    }
    rb_truth_release(&truth);
    return status == RB_OK ? rb_net_row_add(net, &row, err) : status;
}
