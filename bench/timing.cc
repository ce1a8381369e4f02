#include "bench/timing.h"

#include <benchmark/benchmark.h>

#include <chrono>
#include <string>
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

void set_warmup(double seconds) {
    std::string program = "resbench";
    std::string flag = "--benchmark_min_warmup_time=" + std::to_string(seconds);
    char *arguments[] = {program.data(), flag.data(), nullptr};
    int count = 2;
    benchmark::Initialize(&count, arguments);
}

} // namespace

rb_status rb_timing_run(const rb_timing_spec *spec, const rb_timing_body *body,
                        rb_timing_sample *samples, rb_error *err) {
    rb_status status = RB_OK;
    SampleReporter reporter;
    set_warmup(spec->warmup_seconds);
    benchmark::ClearRegisteredBenchmarks();
    benchmark::RegisterBenchmark(spec->name,
                                 [&](benchmark::State &state) {
                                     for (auto _ : state) {
                                         body->prepare(body->ctx);
                                         const auto start = std::chrono::steady_clock::now();
                                         if (status == RB_OK)
                                             status = body->call(body->ctx, err);
                                         const auto end = std::chrono::steady_clock::now();
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
