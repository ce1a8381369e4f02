/* The median of our tables is the one that Google Benchmark computes from the same repetitions. */
#include <benchmark/benchmark.h>

#include <cmath>
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <vector>

extern "C" {
#include <cmocka.h>

#include "results/statistics.h"
}

namespace {

/* Keeps what Google Benchmark says of the repetitions, and of all of them together. */
class Listener : public benchmark::BenchmarkReporter {
  public:
    bool ReportContext(const Context &) override {
        return true;
    }

    void ReportRuns(const std::vector<Run> &runs) override {
        for (const Run &run : runs) {
            const double ns = run.GetAdjustedRealTime(); /* as its files tell it */
            if (run.run_type == Run::RT_Iteration)
                repetitions.push_back(ns);
            else if (run.aggregate_name == "median")
                median = ns;
        }
    }

    std::vector<double> repetitions;
    double median = NAN;
};

/* Some nanoseconds to some seconds, many of them twice. */
double made_up_seconds(size_t i) {
    return std::exp(static_cast<double>(i * 2654435761u % 97) / 5 - 18);
}

void listen(size_t count, Listener *listener) {
    size_t i = 0;
    benchmark::ClearRegisteredBenchmarks();
    benchmark::RegisterBenchmark("made up",
                                 [&](benchmark::State &state) {
                                     for (auto _ : state)
                                         state.SetIterationTime(made_up_seconds(i++));
                                 })
        ->UseManualTime()
        ->Iterations(1)
        ->Repetitions(static_cast<int>(count));
    benchmark::RunSpecifiedBenchmarks(listener, ".");
    benchmark::ClearRegisteredBenchmarks();
    assert_int_equal(listener->repetitions.size(), count);
}

void medians_are_google_benchmarks(void **) {
    for (const size_t count : {2u, 3u, 4u, 7u, 12u, 101u, 250u}) {
        Listener listener;
        listen(count, &listener);
        std::vector<double> values = listener.repetitions;
        const double own = rb_median(values.data(), count);
        if (!(std::fabs(own - listener.median) <= 1e-12 * own))
            fail_msg("of %zu repetitions: %.17g, Google Benchmark's %.17g", count, own,
                     listener.median);
    }
}

} // namespace

int main() {
    const CMUnitTest tests[] = {cmocka_unit_test(medians_are_google_benchmarks)};
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
