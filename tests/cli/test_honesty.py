"""What the tables say is what was measured, and what was measured is the engine."""

import math
import statistics

import pytest

from support import QUICK, Report, cell, table_lines

CELLS = [cell("resnet18", engine) for engine in ("reference", "onednn")]


@pytest.fixture(scope="module")
def run(shared):
    """ResNet-18 on small images, on which it is faster, and the harness weighs more."""
    result = shared("run", *QUICK, "--depths", "18", "-o", "results")
    assert result.code == 0, result
    return result.out, Report(shared.directory / "results")


def google_median(report: Report, name: str) -> float:
    (row,) = [row for row in report.rows(name) if row["name"] == f"{name}_median"]
    assert (row["run_type"], row["aggregate_name"], row["time_unit"]) == ("aggregate", "median", "ms")
    return row["real_time"]


def as_told(value: float) -> str:
    """Four significant digits, no exponent, no more than three decimals."""
    return f"{value:.{min(3, max(0, 3 - math.floor(math.log10(value))))}f}"


def column(lines: list[list[str]], title: str) -> list[str]:
    return [words[lines[0].index(title)] for words in lines[1:]]


def split(line: str) -> list[str]:
    return [word.strip() for word in line.strip("|").split("|")]


def test_the_row_of_google_benchmark_is_the_median_of_its_rows(run):
    report = run[1]
    for name in CELLS:
        rows = [row for row in report.rows(name) if row["run_type"] == "iteration"]
        assert len(rows) >= 12 and all(row["iterations"] == 1 for row in rows)
        median = statistics.median(row["real_time"] for row in rows)
        assert google_median(report, name) == pytest.approx(median, rel=1e-12)


def test_the_number_in_every_table_is_the_number_in_its_row(run):
    out, report = run
    medians = [google_median(report, name) for name in CELLS]
    told = [as_told(value) for value in medians]
    # Terminal: the heading has titles of two words, so columns are found from the right.
    rows = [line.split() for line in table_lines(out)]
    (heading,) = [line for line in out.splitlines() if line.startswith("network ")]
    behind = len(heading.replace("lat. ms", "lat").replace("x ref", "x").replace("act MiB", "act")
                 .replace("RSS MiB", "rss").replace("rel. L2", "rel").split("lat")[1].split())
    assert [words[-behind - 1] for words in rows] == told
    # Markdown: the summary, and the section on latency.
    lines = report.markdown.splitlines()
    tables = [i for i, line in enumerate(lines) if "| lat. ms |" in line]
    assert len(tables) == 2
    for start in tables:
        table = [split(lines[start]), *[split(line) for line in lines[start + 2 : start + 4]]]
        assert column(table, "lat. ms") == told
    # CSV, in full precision.
    for name, value in zip(CELLS, medians):
        assert float(report.csv_row(name)["median_ms"]) == pytest.approx(value, rel=1e-14)


def test_the_harness_tells_what_it_takes_itself(run):
    out, report = run
    overhead_ns = report.json["context"]["harness_overhead_ns"]
    assert overhead_ns > 0
    for name in CELLS:
        row = report.csv_row(name)
        assert report.records[name]["harness_overhead_ns"] == pytest.approx(overhead_ns)
        assert float(row["harness_overhead_us"]) == pytest.approx(overhead_ns * 1e-3)
        share = 100 * overhead_ns * 1e-6 / google_median(report, name)
        assert float(row["harness_overhead_percent"]) == pytest.approx(share)
    fastest = min(CELLS, key=lambda name: google_median(report, name))
    sentence = f"harness overhead: {overhead_ns * 1e-3:.3g} us per call"
    for text in (out, report.markdown):
        (line,) = [line for line in text.splitlines() if line.startswith("harness overhead: ")]
        assert line.startswith(sentence) and line.endswith(" ".join(fastest.split("/")[:2]))


def test_the_harness_takes_less_than_a_hundredth_of_resnet18(run):
    for row in run[1].csv:
        assert float(row["harness_overhead_percent"]) < 1
