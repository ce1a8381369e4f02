"""The memory ledger of resbench run, its page faults and counters, and the look at memory before it."""

import pytest

from support import QUICK, Report, engine_path

MIB = 1 << 20
LEDGER = (
    "start_rss_mib",
    "engine_rss_mib",
    "reader_rss_mib",
    "buffer_mib",
    "packed_weight_mib",
    "activation_mib",
    "scratch_mib",
    "unaccounted_mib",
)
FAULTS = [f"{step}_{kind}_faults" for step in ("load", "open", "first_run") for kind in ("minor", "major")]
HARDWARE = ("cycles_per_call", "instructions_per_call", "cache_misses_per_call", "branch_misses_per_call")


@pytest.fixture(scope="module")
def report(shared):
    engines = f"reference,{engine_path('hoards')}"
    result = shared("run", *QUICK, "--depths", "20", "--batch", "2", "--engines", engines, "-o", "ledger")
    assert result.code == 0, result
    return Report(shared.directory / "ledger")


def row(report, engine):
    (found,) = [row for row in report.csv if row["engine"] == engine]
    return {key: float(found[key]) for key in (*LEDGER, "steady_rss_mib", "passing_mib", "peak_rss_mib") if found[key]}


def record(report, engine):
    (found,) = [record for record in report.records.values() if record["engine"] == engine]
    return found


@pytest.mark.parametrize("engine", ["reference", "hoards"])
def test_the_ledger_adds_up_to_the_peak(report, engine):
    value = row(report, engine)
    assert sum(value.get(key, 0) for key in LEDGER) == pytest.approx(value["steady_rss_mib"], abs=1e-6)
    assert value["steady_rss_mib"] + value["passing_mib"] == pytest.approx(value["peak_rss_mib"], abs=1e-6)
    made = record(report, engine)
    assert value["buffer_mib"] * MIB == 2 * 2 * 3 * 32 * 32 * 4 + 3 * 2 * 10 * 4
    assert made["host_peak_bytes"] >= sum(
        made[key] for key in ("packed_weight_bytes", "activation_bytes", "scratch_bytes")
    )
    peaks = [made[f"{phase}_peak_rss_bytes"] for phase in ("load", "open", "run")]
    if None not in peaks:
        assert max(peaks) <= made["peak_rss_bytes"]


def test_what_is_taken_behind_the_hosts_back_is_unaccounted(report):
    hoard = record(report, "hoards")
    own = record(report, "reference")
    assert hoard["verdict"] == "PASS"
    assert hoard["packed_weight_bytes"] == own["packed_weight_bytes"]
    difference = row(report, "hoards")["unaccounted_mib"] - row(report, "reference")["unaccounted_mib"]
    assert 56 < difference < 96  # 64 MiB, and what an allocator, with a sanitizer a shadow, adds
    faults = hoard["open_minor_faults"] - own["open_minor_faults"]
    assert faults >= 64 // 2  # one for each 2 MiB at least, where pages are huge


def test_page_faults_and_counters_are_numbers_or_null(report):
    missing = report.json["context"]["not_measured"]
    for engine in ("reference", "hoards"):
        made = record(report, engine)
        assert all(made[key] >= 0 for key in FAULTS)
        assert made["load_minor_faults"] > 0
        assert made["minor_faults_per_call"] >= 0
        assert made["context_switches_per_call"] >= 0
        given = [made[key] is not None for key in HARDWARE]
        assert all(given) or "perf_event_open" in missing["hardware counters"]
        assert all(made[key] is None or made[key] > 0 for key in HARDWARE[:2])
        assert (made["task_clock_ns_per_call"] is not None) or missing["software counters"]
        assert (made["package_joules_per_call"] is not None) or missing["energy"]
    for what, why in missing.items():
        assert f"- {what}: {why}\n" in report.markdown


def test_a_row_that_does_not_fit_is_refused_and_the_others_are_measured(resbench):
    arguments = ("run", *QUICK, "--depths", "20", "--engines", "reference", "-o", "limited")
    result = resbench(*arguments, "--batch", "1,65536", "--memory-limit", "512M")
    assert result.code == 0, result
    report = Report(resbench.directory / "limited")
    made = {record["batch"]: record for record in report.records.values()}
    assert made[1]["verdict"] == "PASS"
    assert made[1]["foreseen_bytes"] > 32 * MIB
    assert made[65536]["verdict"] == "UNSUPPORTED"
    note = made[65536]["note"]
    assert note.startswith("memory: not started: needs at least ") and "--memory-limit is 512 MiB" in note
    assert note in result.out
    again = resbench(*arguments, "--batch", "1", "--resume")  # the refused row may stand beside it
    assert again.code == 0, again


def test_engines_that_take_turns_share_the_limit(resbench):
    result = resbench(
        *("run", *QUICK, "--depths", "20", "--engines", f"reference,{engine_path('writes_stdout')}"),
        *("--memory-limit", "50M", "-o", "shared"),
    )
    report = Report(resbench.directory / "shared")
    assert [record["verdict"] for record in report.records.values()] == ["PASS", "UNSUPPORTED"]
    assert "workers beside it 3" in record(report, "writes_stdout")["note"]  # 3. MiB
    assert result.code == 6  # one of the engines was not measured


def test_a_shard_refuses_its_own_rows_alone(resbench):
    arguments = ("run", *QUICK, "--depths", "8", "--engines", "reference", "--batch", "1,65536")
    for shard in ("1/2", "2/2"):
        result = resbench(
            *arguments, "--memory-limit", "512M", "--shard", shard, "-o", shard.replace("/", "of")
        )
        assert result.code in (0, 6), result  # one of them measures nothing
    reports = [Report(resbench.directory / name) for name in ("1of2", "2of2")]
    assert all(len(report.records) == report.json["context"]["planned_rows"] for report in reports)
    result = resbench("merge", "1of2", "2of2", "-o", "merged")
    merged = Report(resbench.directory / "merged").records.values()
    assert sorted((row["batch"], row["verdict"]) for row in merged) == [
        (1, "PASS"),
        (65536, "UNSUPPORTED"),
    ], result


def test_a_set_of_images_is_weighed_too(resbench):
    """2 x 2000 images of 32 x 32 are 47 MiB, which an engine's worker has twice."""
    arguments = ("run", *QUICK, "--depths", "8", "--engines", "reference", "--batch", "2000")
    for scenario in ("calls", "offline"):
        result = resbench(*arguments, "--scenario", scenario, "--memory-limit", "1M", "-o", scenario)
        assert result.code == 6, result
    needs = [
        record["note"].split("its own ")[1].split(" MiB")[0]
        for name in ("calls", "offline")
        for record in Report(resbench.directory / name).records.values()
    ]
    assert 110 < int(needs[1]) - int(needs[0]) < 125


def test_nothing_fits(resbench):
    result = resbench("run", *QUICK, "--depths", "20", "--memory-limit", "1M", "-o", "nothing")
    assert result.code == 6
    assert result.out.count("UNSUPPORTED: memory: not started") == 2


@pytest.mark.parametrize("bytes", ["0", "-1", "12Q", "1G5", "", "G", "nan", "1e30"])
def test_a_limit_is_bytes(resbench, bytes):
    result = resbench("run", *QUICK, f"--memory-limit={bytes}")
    assert result.code == 2
    assert "--memory-limit takes bytes" in result.err
