"""The loop round the timed call, and what it costs itself."""

import gc
import statistics
import time
from collections.abc import Callable, Sequence

from process import Usage

NULL_CALLS = 1000
YARDSTICK_ROUNDS = 1 << 15
# Of results/call_counts.h. What is not told here is unknown: hardware events and energy.
COUNTS = (
    *("minor_faults_per_call", "major_faults_per_call", "context_switches_per_call"),
    *("migrations_per_call", "task_clock_ns_per_call", "cycles_per_call", "instructions_per_call"),
    *("cache_misses_per_call", "branch_misses_per_call", "counted_share"),
    *("package_joules_per_call", "dram_joules_per_call"),
)
TRIAL_SECONDS = 0.5
TRIAL_CALLS = 3


def call(function: Callable, argument: object) -> tuple[int, object]:
    """Wall clock of one call in nanoseconds, and what it gave."""
    start = time.perf_counter_ns()
    result = function(argument)
    return time.perf_counter_ns() - start, result


def null_call_ns() -> float:
    """What the loop adds to every sample: a function that does nothing, timed the same way."""
    return statistics.median(call(lambda argument: argument, None)[0] for _ in range(NULL_CALLS))


def yardstick_ns() -> float:
    """A fixed amount of work of the interpreter, the best of three, as bench/peak.c has one in registers: its spread
    over a cell tells a slow machine."""

    def work() -> int:
        total = 0
        for value in range(YARDSTICK_ROUNDS):
            total += value
        return total

    return float(min(call(lambda _: work(), None)[0] for _ in range(3)))


def trial_ns(function: Callable, argument: object) -> float:
    """The fastest call within a moment: how good settings are, whatever else the machine does."""
    function(argument)
    end = time.perf_counter() + TRIAL_SECONDS
    taken = []
    while len(taken) < TRIAL_CALLS or time.perf_counter() < end:
        taken.append(call(function, argument)[0])
    return float(min(taken))


def warm_up(seconds: float, function: Callable, inputs: Sequence, look: Callable) -> None:
    """By the wall clock, each input at least once."""
    end = time.perf_counter() + seconds
    calls = 0
    while calls < len(inputs) or time.perf_counter() < end:
        index = calls % len(inputs)
        look(index, function(inputs[index]))
        calls += 1


def sample(repetitions: int, function: Callable, inputs: Sequence, look: Callable) -> dict:
    """Times calls on the inputs in turn; look(index, result) after each, outside of its time. Processor time and
    counts are means over all of them, looks included, for kernels account for other threads' time in milliseconds."""
    real = []
    gc.collect()
    gc.disable()
    try:
        usage = Usage()
        before = time.process_time_ns()
        for number in range(repetitions):
            index = number % len(inputs)
            taken, result = call(function, inputs[index])
            look(index, result)
            real.append(float(taken))
        cpu = (time.process_time_ns() - before) / repetitions
        spent = usage.spent()
    finally:
        gc.enable()
    counts = dict.fromkeys(COUNTS)
    counts.update({f"{name}_per_call": count / repetitions for name, count in spent.items()})
    return {"real_ns": real, "cpu_ns": [cpu] * repetitions, "counts": counts}
