"""Tools for Google Benchmark's files read ours: its own compare.py, which is run here, and
github-action-benchmark, whose rule is applied here."""

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support import QUICK, Report, cell, engine_path

ENGINES = ("reference", "onednn")


@pytest.fixture(scope="module")
def runs(shared) -> tuple[Report, Report]:
    """Two runs, in which one engine of three is never timed."""
    engines = ",".join((*ENGINES, engine_path("error")))
    for name in ("a", "b"):
        result = shared(
            "run", "--quick", "-d", "resnet8", "--threads", "1", "--engines", engines, "-o", name
        )
        assert (shared.directory / name / "results.json").exists(), result
    return Report(shared.directory / "a"), Report(shared.directory / "b")


def compare_py(*arguments) -> subprocess.CompletedProcess:
    program = Path(os.environ.get("RESBENCH_BENCHMARK_TOOLS", "")) / "compare.py"
    return subprocess.run(
        [sys.executable, "-W", "ignore", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


@pytest.fixture(scope="module")
def tool():
    """Google Benchmark's compare.py; skips where it is not there or lacks a module, and fails where it is broken."""
    if not os.environ.get("RESBENCH_BENCHMARK_TOOLS"):
        pytest.skip("no compare.py: RESBENCH_BENCHMARK_TOOLS is not set; ci/setup installs it")
    done = compare_py("--help")
    missing = re.search(r"ModuleNotFoundError: No module named '(\w+)'", done.stderr)
    if missing and missing[1] != "gbench":
        pytest.skip(f"no compare.py: it needs Python's {missing[1]}")
    assert done.returncode == 0, done
    return compare_py


def untimed(report: Report) -> str:
    (name,) = [name for name in report.records if name.split("/")[1] not in ENGINES]
    return name


def test_compare_py_reads_our_files(tool, runs, tmp_path):
    a, b = runs
    files = (a.directory / "results.json", b.directory / "results.json")
    dump = tmp_path / "dump.json"
    done = tool("--no-color", "-d", dump, "benchmarks", *files)
    assert done.returncode == 0 and done.stderr == "", done
    entries = {entry["name"]: entry for entry in json.loads(dump.read_text())}
    for engine in ENGINES:
        name = cell("resnet8", engine)
        # Every call is a repetition to it, and it makes a test of its own of them.
        entry = entries[name]
        counts = [len(report.samples(name)) for report in (a, b)]
        assert entry["run_type"] == "iteration" and len(entry["measurements"]) == min(counts)
        assert entry["measurements"][0]["real_time"] == pytest.approx(a.samples(name)[0][0])
        assert entry["utest"]["nr_of_repetitions"] == counts[0]
        assert entry["utest"]["nr_of_repetitions_other"] == counts[1]
        # Its ratio of the medians is the one of our medians.
        (median,) = entries[f"{name}_median"]["measurements"]
        assert median["time"] == pytest.approx(b.median(name) / a.median(name) - 1)
        assert entries[f"{name}_median"]["aggregate_name"] == "median"
        assert re.search(rf"^{re.escape(name)}_median +[+-]\d+\.\d{{4}} ", done.stdout, re.M)
    (nothing,) = entries[untimed(a)]["measurements"]
    assert nothing["real_time"] == nothing["real_time_other"] == 0  # as of its own errors


def test_compare_py_compares_two_engines_of_one_file(tool, runs, tmp_path):
    """Its mode `filters`: the reference against oneDNN, in one file."""
    report = runs[0]
    dump = tmp_path / "dump.json"
    file = report.directory / "results.json"
    done = tool("--no-color", "-a", "-d", dump, "filters", file, *ENGINES)
    assert done.returncode == 0 and done.stderr == "", done
    entries = {entry["name"]: entry for entry in json.loads(dump.read_text())}
    (name,) = [n for n in entries if n.endswith("_median")]
    reference, onednn = (report.median(cell("resnet8", engine)) for engine in ENGINES)
    (median,) = entries[name]["measurements"]
    assert median["time"] == pytest.approx(onednn / reference - 1)


def test_compare_py_takes_another_file_for_what_it_is(tool, runs, tmp_path):
    """That it succeeds says something: it does not with a file that is none."""
    broken = tmp_path / "broken.json"
    broken.write_text('{"context": {}}')
    assert tool("benchmarks", runs[0].directory / "results.json", broken).returncode != 0


def action_rows(text: str) -> list[dict]:
    """What github-action-benchmark keeps with `tool: googlecpp`: src/extract.ts of
    benchmark-action/github-action-benchmark, extractGoogleCppResult, reads these six members of
    every row of `benchmarks` and looks at nothing else."""
    return [
        {
            "name": row["name"],
            "value": row["real_time"],
            "unit": row["time_unit"] + "/iter",
            "extra": f"iterations: {row['iterations']}\ncpu: {row['cpu_time']} {row['time_unit']}"
            f"\nthreads: {row['threads']}",
        }
        for row in json.loads(text)["benchmarks"]
    ]


def test_github_action_benchmark_finds_its_members(runs):
    report = runs[0]
    rows = action_rows((report.directory / "results.json").read_text())
    assert len(rows) == len(report.json["benchmarks"])
    for row in rows:
        # A value that is no number would end up in its page as NaN.
        assert isinstance(row["value"], (int, float)) and math.isfinite(row["value"])
        assert row["unit"] == "ms/iter"
        assert row["extra"].count("\n") == 2 and "None" not in row["extra"]
    medians = {row["name"]: row["value"] for row in rows if row["name"].endswith("_median")}
    # One median a cell, and the names tell cells apart: it joins runs by name.
    assert medians == {
        f"{cell('resnet8', engine)}_median": pytest.approx(report.median(cell("resnet8", engine)))
        for engine in ENGINES
    }
    (nothing,) = [row for row in rows if row["name"] == untimed(report)]
    assert nothing["value"] == 0


def test_strict_parsers_read_our_file(runs):
    """JSON.parse knows neither NaN nor Infinity, which Python's would let pass."""

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    json.loads((runs[0].directory / "results.json").read_text(), parse_constant=refuse)


@pytest.mark.parametrize(
    "name, value",
    [
        ("BENCHMARK_FILTER", "-.*"),
        ("BENCHMARK_LIST_TESTS", "true"),
        ("BENCHMARK_MIN_WARMUP_TIME", "60"),
        ("BENCHMARK_OUT", "elsewhere.json"),
        ("BENCHMARK_REPETITIONS", "2"),
        ("BENCHMARK_REPORT_AGGREGATES_ONLY", "true"),
    ],
)
def test_options_for_other_programs_change_nothing(resbench, monkeypatch, name, value):
    """Google Benchmark reads its options from the environment, too."""
    monkeypatch.setenv(name, value)
    result = resbench(
        *("run", *QUICK, "-d", "8", "--engines", "reference", "-o", "results", "--timeout", "20"),
    )
    assert result.code == 0, result
    report = Report(resbench.directory / "results")
    assert len(report.samples(cell("resnet8", "reference"))) >= 12
    assert [path.name for path in resbench.directory.iterdir()] == ["results"]
