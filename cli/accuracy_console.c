#include "cli/accuracy_console.h"

#include "results/accuracy_file.h"
#include "results/accuracy_report.h"
#include "results/accuracy_tables.h"

void rb_accuracy_show(const rb_accuracy *accuracy, const char *directory) {
    rb_accuracy_terminal(accuracy, stdout);
    printf("\n%s/{%s,%s,%s,%s}\n", directory, RB_ACCURACY_MARKDOWN, RB_ACCURACY_CSV,
           RB_ACCURACY_JSON, RB_ACCURACY_IMAGES);
}

rb_exit rb_accuracy_exit(const rb_accuracy *accuracy) {
    bool wrong = false, crashed = false, measured = true;
    for (size_t e = 0; e < accuracy->engine_count; e++) {
        const rb_verdict verdict = accuracy->engines[e].verdict;
        wrong = wrong || verdict == RB_VERDICT_FAIL || verdict == RB_VERDICT_MARGINAL ||
                verdict == RB_VERDICT_MISTRUSTED;
        crashed = crashed || verdict == RB_VERDICT_CRASHED || verdict == RB_VERDICT_TIMEOUT;
        measured = measured && accuracy->engines[e].done > 0;
    }
    if (wrong)
        return RB_EXIT_WRONG;
    if (crashed)
        return RB_EXIT_CRASHED;
    return measured ? RB_EXIT_FINE : RB_EXIT_NOTHING;
}
