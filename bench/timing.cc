#include "bench/timing.h"

#include <benchmark/benchmark.h>

#include <chrono>
#include <ctime>
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
                real_ns.push_back(run.real_accumulated_time * 1e9);
    }

    std::vector<double> real_ns;
};

using Clock = std::chrono::steady_clock;

/* By the wall clock: Google Benchmark's own warm-up counts manual time alone, and would run an
 * engine that takes no time for ever. */
rb_status warm_up(double seconds, const rb_timing_body *body, rb_error *err) {
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    rb_status status;
    do {
        body->before(body->ctx);
        status = body->call(body->ctx, err);
        body->after(body->ctx);
    } while (status == RB_OK && Clock::now() < end);
    return status;
}

double process_cpu_ns() {
    timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

} // namespace

rb_status rb_timing_run(const rb_timing_spec *spec, const rb_timing_body *body,
                        rb_timing_sample *samples, rb_error *err) {
    SampleReporter reporter;
    rb_status status = warm_up(spec->warmup_seconds, body, err);
    if (status != RB_OK)
        return status;
    if (body->start)
        body->start(body->ctx);
    double cpu_before = 0;
    const auto one_call = [&](benchmark::State &state) {
        for (auto _ : state) {
            const double cpu = process_cpu_ns();
            body->before(body->ctx);
            cpu_before += process_cpu_ns() - cpu;
            const auto start = Clock::now();
            if (status == RB_OK)
                status = body->call(body->ctx, err);
            auto end = Clock::now();
            if (spec->slowdown > 0) {
                const auto until = start + (end - start) * (1 + spec->slowdown);
                while (end < until)
                    end = Clock::now();
            }
            body->after(body->ctx);
            state.SetIterationTime(std::chrono::duration<double>(end - start).count());
        }
        if (status != RB_OK)
            state.SkipWithError("the engine failed");
    };
    benchmark::ClearRegisteredBenchmarks();
    benchmark::RegisterBenchmark(spec->name, one_call)
        ->UseManualTime()
        ->Iterations(1)
        ->Repetitions(static_cast<int>(spec->repetitions));
    const double cpu_start = process_cpu_ns();
    benchmark::RunSpecifiedBenchmarks(&reporter, "."); /* whatever BENCHMARK_FILTER says */
    const double cpu_ns =
        (process_cpu_ns() - cpu_start - cpu_before) / static_cast<double>(spec->repetitions);
    benchmark::ClearRegisteredBenchmarks();
    if (status != RB_OK)
        return status;
    if (reporter.real_ns.size() != spec->repetitions)
        return rb_fail(err, RB_ERR_ENGINE, "the timing loop gave %zu samples, expected %zu",
                       reporter.real_ns.size(), spec->repetitions);
    for (size_t i = 0; i < spec->repetitions; i++)
        samples[i] = {reporter.real_ns[i], cpu_ns};
    return RB_OK;
}
