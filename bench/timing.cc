#include "bench/timing.h"

#include <benchmark/benchmark.h>

#include <chrono>
#include <vector>

namespace {

/* Keeps the rows that are single repetitions; Google Benchmark's own output is not wanted. */
class SampleReporter : public benchmark::BenchmarkReporter {
  public:
    bool ReportContext(const Context &) override {
        return true;
    }

    void ReportRuns(const std::vector<Run> &runs) override {
        for (const Run &run : runs)
            if (run.run_type == Run::RT_Iteration && run.iterations == 1)
                samples.push_back(
                    {run.real_accumulated_time * 1e9, run.cpu_accumulated_time * 1e9});
    }

    std::vector<rb_timing_sample> samples;
};

using Clock = std::chrono::steady_clock;

/* By the wall clock: Google Benchmark's own warm-up counts manual time alone, and would run an
 * engine that takes no time for ever. */
rb_status warm_up(double seconds, const rb_timing_body *body, rb_error *err) {
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    rb_status status;
    do {
        body->prepare(body->ctx);
        status = body->call(body->ctx, err);
    } while (status == RB_OK && Clock::now() < end);
    return status;
}

} // namespace

rb_status rb_timing_run(const rb_timing_spec *spec, const rb_timing_body *body,
                        rb_timing_sample *samples, rb_error *err) {
    SampleReporter reporter;
    rb_status status = warm_up(spec->warmup_seconds, body, err);
    if (status != RB_OK)
        return status;
    benchmark::ClearRegisteredBenchmarks();
    benchmark::RegisterBenchmark(spec->name,
                                 [&](benchmark::State &state) {
                                     for (auto _ : state) {
                                         body->prepare(body->ctx);
                                         const auto start = Clock::now();
                                         if (status == RB_OK)
                                             status = body->call(body->ctx, err);
                                         const auto end = Clock::now();
                                         state.SetIterationTime(
                                             std::chrono::duration<double>(end - start).count());
                                     }
                                     if (status != RB_OK)
                                         state.SkipWithError("the engine failed");
                                 })
        ->UseManualTime()
        ->MeasureProcessCPUTime()
        ->Iterations(1)
        ->Repetitions(static_cast<int>(spec->repetitions));
    benchmark::RunSpecifiedBenchmarks(&reporter);
    benchmark::ClearRegisteredBenchmarks();
    if (status != RB_OK)
        return status;
    if (reporter.samples.size() != spec->repetitions)
        return rb_fail(err, RB_ERR_ENGINE, "the timing loop gave %zu samples, expected %zu",
                       reporter.samples.size(), spec->repetitions);
    for (size_t i = 0; i < spec->repetitions; i++)
        samples[i] = reporter.samples[i];
    return RB_OK;
}
