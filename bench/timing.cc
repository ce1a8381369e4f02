#include "bench/timing.h"

#include <benchmark/benchmark.h>

#include <chrono>
#include <ctime>
#include <vector>

#include "bench/evict.h"

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

/* Google Benchmark takes its options from the environment, too (BENCHMARK_LIST_TESTS,
 * BENCHMARK_OUT, BENCHMARK_REPORT_AGGREGATES_ONLY ...): the loop has to be the same whatever a
 * person has set for other programs. What a version does not know, it leaves alone. */
void forget_environment() {
    static bool done;
    char arguments[][48] = {"resbench",
                            "--benchmark_dry_run=false",
                            "--benchmark_enable_random_interleaving=false",
                            "--benchmark_filter=.",
                            "--benchmark_list_tests=false",
                            "--benchmark_min_warmup_time=0",
                            "--benchmark_out=",
                            "--benchmark_perf_counters=",
                            "--benchmark_report_aggregates_only=false"};
    constexpr int most = sizeof arguments / sizeof arguments[0];
    char *argv[most + 1] = {};
    int argc = most;
    for (int i = 0; i < most; i++)
        argv[i] = arguments[i];
    if (!done)
        benchmark::Initialize(&argc, argv);
    done = true;
}

} // namespace

double rb_timing_patience_seconds(const rb_timing_spec *spec, double call_ns) {
    const double each = 4 * call_ns * 1e-9 + (spec->cold ? RB_EVICTOR_SECONDS : 0);
    return spec->warmup_seconds + each * static_cast<double>(spec->repetitions + 1);
}

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
        if (status != RB_OK) { /* an earlier one */
            state.SkipWithError("the engine failed");
            return;
        }
        for (auto _ : state) {
            const double cpu = process_cpu_ns();
            body->before(body->ctx);
            cpu_before += process_cpu_ns() - cpu;
            const auto start = Clock::now();
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
    forget_environment();
    benchmark::ClearRegisteredBenchmarks();
    benchmark::RegisterBenchmark(spec->name, one_call)
        ->UseManualTime()
        ->Iterations(1)
        ->Repetitions(static_cast<int>(spec->repetitions));
    const double cpu_start = process_cpu_ns();
    benchmark::RunSpecifiedBenchmarks(&reporter);
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
