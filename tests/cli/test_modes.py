"""Modes of latency and scenarios of resbench run."""

import math
import statistics

import pytest

from support import QUICK, Report, cell, engine_path, table_lines

ENGINE = ("--depths", "8", "--engines", "reference")
STEADY = cell("resnet8", "reference")
COLD = f"{STEADY}/cold"


@pytest.fixture(scope="module")
def modes(shared):
    """A run of both modes, the cold row added to a directory that has the steady one."""
    first = shared("run", *QUICK, *ENGINE, "-o", "modes")
    assert first.code == 0, first
    alone = Report(shared.directory / "modes")
    second = shared("run", *QUICK, *ENGINE, "--mode", "steady,cold", "--resume", "-o", "modes")
    assert second.code == 0, second
    return first.out, alone, second.out, Report(shared.directory / "modes")


def test_steady_is_what_a_run_measures(modes):
    out, report, _, _ = modes
    assert list(report.records) == [STEADY]
    assert report.records[STEADY]["mode"] == "steady"
    assert "mode" not in out.split("\nresnet8")[0].split()


def test_cold_calls_have_a_row_and_samples_of_their_own(modes):
    _, before, out, report = modes
    assert list(report.records) == [STEADY, COLD]
    assert report.records[COLD]["mode"] == "cold"
    assert report.records[COLD]["verdict"] == "PASS"
    assert report.samples(STEADY) == before.samples(STEADY)  # taken over
    turns = {sample[2:] for sample in report.samples(COLD)}
    assert turns == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert report.rows(COLD) and report.rows(COLD) != report.rows(STEADY)
    assert [line.split()[3] for line in table_lines(out)] == ["steady", "cold"]


def test_memory_to_empty_caches_with_is_nobodys(modes):
    report = modes[3]
    assert report.records[STEADY]["peak_rss_bytes"] > 0
    assert report.records[COLD]["peak_rss_bytes"] == -1
    for kind in ("weight", "packed_weight", "activation", "scratch"):
        assert report.records[COLD][f"{kind}_bytes"] == report.records[STEADY][f"{kind}_bytes"]


def test_first_run_is_told_in_both(modes):
    for record in modes[3].records.values():
        assert record["first_run_ns"] > 0 and record["open_ns"] > 0 and record["load_ns"] > 0


@pytest.mark.parametrize(
    "modes, words",
    [
        ("warm", ("'warm'", "steady and cold")),
        ("cold,cold", ("cold is named twice",)),
        ("", ("empty",)),
    ],
)
def test_wrong_modes_are_named(resbench, modes, words):
    sentence = resbench.fails(2, "run", *QUICK, *ENGINE, "--mode", modes, "-o", "r")
    for word in words:
        assert word in sentence
    assert not (resbench.directory / "r").exists()


@pytest.fixture(scope="module")
def stream(shared):
    """A stream of so many calls as p99 needs, of an engine that would not reach them in its time."""
    result = shared(
        *("run", "--quick", "--threads", "1", "--depths", "20", "--engines", "reference"),
        *("--size", "64", "--scenario", "single-stream", "--percentile", "99", "-o", "stream"),
    )
    assert result.code == 0, result
    return result.out, Report(shared.directory / "stream")


def test_a_percentile_has_the_calls_it_needs(stream):
    out, report = stream
    (name,) = report.records
    assert name == cell("resnet20", "reference", size="64x64") + "/single-stream"
    assert "p99 takes at least 368 calls" in out.split("network ")[0]  # said before
    calls = sorted(sample[0] for sample in report.samples(name))
    assert len(calls) >= 368
    (row,) = report.csv
    for key, share in (("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)):
        value = float(row[f"{key}_ms"])
        assert value == pytest.approx(calls[math.ceil(share * len(calls)) - 1], rel=1e-12)
        low, high = float(row[f"{key}_low_ms"]), float(row[f"{key}_high_ms"])
        assert low <= value <= high and low in map(pytest.approx, calls)


def test_a_percentile_without_enough_calls_is_blank_and_says_how_many_it_needs(stream):
    out, report = stream
    (row,) = report.csv
    lines = [line.split() for line in out.splitlines() if " p9" in line or " p50" in line]
    lines = [words for words in lines if words[0] == "resnet20"]
    assert [words[2] for words in lines] == ["p50", "p90", "p95", "p99", "p99.9"]
    if int(row["samples"]) < 3688:
        assert row["p99_9_ms"] == row["p99_9_low_ms"] == row["p99_9_high_ms"] == ""
        assert lines[-1][3:] == ["-", "-", "-", row["samples"], "3688"]
    for words, key in zip(lines[:4], ("p50", "p90", "p95", "p99")):
        assert float(words[3]) == pytest.approx(float(row[f"{key}_ms"]), rel=1e-3, abs=5e-4)
    assert "## Single-stream percentiles" in report.markdown


def test_a_default_run_has_no_table_of_percentiles(modes):
    out, report, _, _ = modes
    assert "percentile" not in out and "percentile" not in report.markdown


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("--scenario", "server"), ("'server'", "single-stream")),
        (("--scenario", "single-stream", "--percentile", "98"), ("'98'", "99.9")),
        (("--scenario", "single-stream", "--batch", "1,2"), ("--batch 1",)),
        (("--percentile", "99"), ("single-stream",)),
        (("--scenario", "offline", "--mode", "cold"), ("--mode steady",)),
    ],
)
def test_wrong_scenarios_are_named(resbench, arguments, words):
    sentence = resbench.fails(2, "run", *QUICK, *ENGINE, *arguments, "-o", "r")
    for word in words:
        assert word in sentence


BATCH = 3


@pytest.fixture(scope="module")
def offline(shared):
    """A stream of an honest engine, and one of an engine that rests once it was compared."""
    result = shared(
        *("run", *QUICK, "--depths", "8", "--engines", f"reference,{engine_path('lazy')}"),
        *("--batch", BATCH, "--scenario", "offline", "-o", "offline"),
    )
    assert result.code == 1, result  # the other one is found out
    return result.out, Report(shared.directory / "offline")


def test_throughput_is_all_images_over_all_time(offline):
    out, report = offline
    name = cell("resnet8", "reference", BATCH) + "/offline"
    record = report.records[name]
    assert record["verdict"] == "PASS" and record["images"] >= 2 * BATCH
    rows = [row for row in report.rows(name) if row["run_type"] == "iteration"]
    assert [(row["worker"], row["turn"]) for row in rows] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    batches = {row["iterations"] for row in rows}
    assert batches == {record["stretch_batches"]}  # as Google Benchmark means it: time is of one
    assert record["stretch_batches"] * BATCH >= record["images"]
    seconds = sum(row["real_time"] * row["iterations"] for row in rows) * 1e-3
    images = sum(row["iterations"] for row in rows) * BATCH
    (row,) = [row for row in report.csv if row["engine"] == "reference"]
    assert float(row["images_per_second"]) == pytest.approx(images / seconds)
    times = [row["real_time"] for row in rows]
    half = 3.1824463 * statistics.stdev(times) / 2  # Student's t, three degrees of freedom
    assert float(row["interval_percent"]) == pytest.approx(100 * half / statistics.mean(times))


def test_a_throughput_has_no_latency(offline):
    out, report = offline
    (row,) = [row for row in report.csv if row["engine"] == "reference"]
    for key in ("median_ms", "low_ms", "high_ms", "min_ms", "p50_ms", "p90_ms", "p99_ms"):
        assert row[key] == "", key
    assert row["peak_rss_mib"] == ""  # the set of images is in that process, too
    assert report.json["resbench"]["scaling"] == []
    assert "offline: 4 stretches" in out


def test_who_rests_while_the_clock_runs_is_found_out(offline):
    record = offline[1].records[cell("resnet8", "lazy", BATCH) + "/offline"]
    assert record["verdict"] == "FAIL", record["note"]


def test_results_of_a_stream_are_drawn_and_resumed(shared, offline):
    again = shared(
        *("run", *QUICK, "--depths", "8", "--engines", "reference", "--batch", BATCH),
        *("--scenario", "offline", "--resume", "-o", "offline"),
    )
    report = Report(shared.directory / "offline")
    name = cell("resnet8", "reference", BATCH) + "/offline"
    assert report.rows(name) == offline[1].rows(name), again
    plot = shared("plot", "offline/results.json")
    assert "Traceback" not in plot.err, plot
