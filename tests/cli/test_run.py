"""resbench run: the table, the files, and whether they say the same."""

import math
import shutil
import statistics

import h5py
import numpy as np
import pytest
from PIL import Image

from support import QUICK, Report, cell, csv_name, graded, table_lines

CELLS = [cell("resnet18", engine, batch) for batch in (1, 3) for engine in ("reference", "onednn")]
WIDTH = 120
SECTIONS = (
    "Parity",
    "Latency",
    "Memory",
    "Memory: bounds and phases",
    "Page faults",
    "Counters and energy",
)


@pytest.fixture(scope="module")
def run(shared):
    """One run of two engines at two batch sizes: what it printed."""
    result = shared("run", *QUICK, "--depths", "18", "--batch", "1,3", "-o", "results")
    assert result.code == 0 and result.err == "", result
    return result


@pytest.fixture(scope="module")
def report(run, shared):
    return Report(shared.directory / "results")


def test_files(report):
    assert sorted(path.name for path in report.directory.iterdir()) == [
        "results.csv",
        "results.json",
        "results.md",
    ]


def test_rows(report):
    assert list(report.records) == CELLS
    assert [csv_name(row) for row in report.csv] == CELLS
    for name in CELLS:
        assert report.records[name]["verdict"] == "PASS"
        assert len(report.samples(name)) >= 12  # 2 workers, 2 turns, at least 3 calls each
        turns = [sample[2:] for sample in report.samples(name)]
        assert sorted(set(turns)) == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_terminal(run, report):
    assert "quick tier, 1 threads" in run.out
    assert "weights: synthetic; input: synthetic" in run.out
    rows = table_lines(run.out)
    assert len(rows) == len(CELLS)
    for line, row in zip(rows, report.csv):
        words = line.split()
        assert words[:4] == [row["network"], row["engine"], row["batch"], "PASS"]
        assert f"{float(row['rel_l2']):.1e}" in words
        assert any(close(word, float(row["median_ms"])) for word in words[5:])
    assert max(map(len, run.out.splitlines())) <= WIDTH


def close(word: str, value: float) -> bool:
    """Whether word is value with at least three digits."""
    try:
        return math.isclose(float(word), value, rel_tol=5e-4)
    except ValueError:
        return False


def test_markdown(report):
    lines = [line for line in report.markdown.splitlines() if line.startswith("| resnet18 ")]
    assert len(lines) == (1 + len(SECTIONS)) * len(CELLS)  # the first is the summary
    for index, row in enumerate(report.csv):
        words = [word.strip() for word in lines[index].strip("|").split("|")]
        assert words[:4] == [row["network"], row["engine"], row["batch"], "PASS"]
        assert any(close(word, float(row["median_ms"])) for word in words[5:])
    for title in SECTIONS:
        assert f"\n## {title}\n" in report.markdown
    assert report.markdown.count("```") % 2 == 0
    assert "``````" not in report.markdown  # a fence with nothing in it


def test_medians_agree_everywhere(report):
    for name in CELLS:
        (median,) = [row for row in report.rows(name) if row.get("aggregate_name") == "median"]
        real = [sample[0] for sample in report.samples(name)]
        cpu = [sample[1] for sample in report.samples(name)]
        assert median["real_time"] == pytest.approx(statistics.median(real), rel=1e-12)
        assert median["cpu_time"] == pytest.approx(statistics.median(cpu), rel=1e-12)
        row = report.csv_row(name)
        assert float(row["median_ms"]) == pytest.approx(median["real_time"], rel=1e-12)
        assert float(row["min_ms"]) == pytest.approx(min(real), rel=1e-12)
        assert int(row["samples"]) == len(real) == median["repetitions"]
        for key, value in row.items():
            if key in median and key not in ("network", "engine", "batch", "threads"):
                assert float(value) == pytest.approx(median[key], rel=1e-12), key


def test_columns_follow_from_each_other(report):
    reference = {batch: report.median(cell("resnet18", "reference", batch)) for batch in (1, 3)}
    for row in report.csv:
        value = {key: float(text) for key, text in row.items() if is_number(text)}
        seconds, batch = value["median_ms"] * 1e-3, int(value["batch"])
        rate = value["gmacs"] / seconds
        assert value["parameters"] == 11_689_512
        assert value["images_per_second"] == pytest.approx(batch / seconds)
        assert value["gmacs_per_second"] == pytest.approx(rate)
        assert value["peak_percent"] == pytest.approx(100 * rate / value["peak_gmacs_per_second"])
        expected = reference[batch] / value["median_ms"]
        assert value["speedup_over_reference"] == pytest.approx(expected)
        assert value["low_ms"] <= value["median_ms"] <= value["high_ms"]
        assert value["min_ms"] <= value["median_ms"] <= value.get("p90_ms", math.inf)
        assert value["rel_l2"] <= value["rel_l2_limit"]
        assert value["images"] == 3
        assert row["top1_agree"] == ""  # synthetic weights: a class means nothing
        assert value["activation_mib"] >= value["activation_bound_mib"] > 0
        assert value["weight_mib"] == pytest.approx(11_699_112 * 4 / 2**20)  # + running statistics
        assert value["packed_weight_mib"] > 40
        assert value["peak_rss_mib"] > value["peak_rss_after_start_mib"] > 40
        assert min(value[key] for key in ("load_ms", "open_ms", "first_run_ms")) > 0
    one, three = (float(report.csv_row(cell("resnet18", "onednn", b))["gmacs"]) for b in (1, 3))
    assert three == pytest.approx(3 * one)


def is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def test_schema_is_google_benchmarks(run, report):
    assert list(report.json)[:2] == ["context", "benchmarks"]
    context = report.json["context"]
    for key, kind in {
        "date": str,
        "host_name": str,
        "executable": str,
        "num_cpus": int,
        "cpu_scaling_enabled": bool,
        "caches": list,
        "load_avg": list,
        "library_build_type": str,
    }.items():
        assert isinstance(context[key], kind), key
    assert context["peak_gmacs_per_second"] > 0
    assert graded(context) in report.markdown and graded(context) in run.out
    for row in report.json["benchmarks"]:
        assert row["run_name"] in CELLS
        assert row["time_unit"] == "ms"
        assert row["run_type"] in ("iteration", "aggregate")
        assert row["real_time"] > 0 and row["cpu_time"] > 0
        suffix = f"_{row['aggregate_name']}" if row["run_type"] == "aggregate" else ""
        assert row["name"] == row["run_name"] + suffix
    for name in CELLS:
        aggregates = [row["aggregate_name"] for row in report.rows(name) if "aggregate_name" in row]
        assert aggregates == ["mean", "median", "stddev"]
        iterations = [row for row in report.rows(name) if row["run_type"] == "iteration"]
        indices = [row["repetition_index"] for row in iterations]
        assert indices == list(range(len(iterations)))


def test_directory_with_results_is_not_overwritten(shared, report):
    before = (report.directory / "results.json").read_bytes()
    sentence = shared.fails(2, "run", *QUICK, "--depths", "18", "-o", "results")
    assert "--resume" in sentence and "results" in sentence
    assert (report.directory / "results.json").read_bytes() == before


def run_onednn(resbench, *arguments) -> Report:
    result = resbench("run", *QUICK, "--engines", "onednn", *arguments, "-o", "results")
    assert result.code == 0 and result.err == "", result
    return Report(resbench.directory / "results")


def test_default_directory(resbench):
    result = resbench("run", *QUICK, "--engines", "onednn", "--depths", "18")
    assert result.code == 0, result
    (directory,) = (resbench.directory / "resbench-results").iterdir()
    assert f"resbench-results/{directory.name}/" in result.out
    assert list(Report(directory).records) == [cell("resnet18", "onednn")]


def test_scaling_over_depths(resbench):
    report = run_onednn(resbench, "--depths", "34,18,50-v1")
    (scaling,) = report.json["resbench"]["scaling"]
    assert (scaling["engine"], scaling["batch"], scaling["threads"]) == ("onednn", 1, 1)
    points = {point["network"]: point for point in scaling["points"]}
    assert list(points) == ["resnet18", "resnet34", "resnet50-v1"]  # by MACs
    latency = {name: report.median(cell(name, "onednn")) for name in points}
    for name, point in points.items():
        assert point["latency_ms"] == pytest.approx(latency[name])
        fitted = scaling["fixed_ms"] + scaling["ms_per_gmac"] * point["gmacs"]
        assert point["fitted_ms"] == pytest.approx(fitted)
        residual = 100 * (1 - fitted / point["latency_ms"])
        assert point["residual_percent"] == pytest.approx(residual)
    slope, fixed = np.polyfit(
        [point["gmacs"] for point in points.values()], list(latency.values()), 1
    )
    assert scaling["ms_per_gmac"] == pytest.approx(slope)
    assert scaling["fixed_ms"] == pytest.approx(fixed, rel=1e-6, abs=1e-9)
    marginal = (latency["resnet34"] - latency["resnet18"]) / (16 - 8)
    assert points["resnet34"]["marginal_ms_per_block"] == pytest.approx(marginal)
    assert "marginal_ms_per_block" not in points["resnet50-v1"]  # bottlenecks: another kind
    assert "ms/GMAC" in report.markdown and "## Depth scaling" in report.markdown


def make_images(folder, count: int):
    folder.mkdir()
    random = np.random.default_rng(2)
    for i in range(count):
        pixels = random.integers(0, 256, (8, 8, 3), "u1")
        image = Image.fromarray(pixels).resize((50, 40), Image.Resampling.BICUBIC)
        image.save(folder / f"{i}.{'png' if i % 2 else 'jpg'}")


@pytest.mark.parametrize("as_directory", [False, True])
def test_top1_is_told_for_weights_that_are_not_synthetic(resbench, weights18, as_directory):
    """...given as a file or as a directory of <network>.h5."""
    (resbench.directory / "weights").mkdir()
    weights = shutil.copyfile(weights18, resbench.directory / "weights" / "resnet18.h5")
    with h5py.File(weights, "r+") as file:
        file.attrs["source"] = "a test that says it has trained them"
    make_images(resbench.directory / "images", 5)
    given = weights.parent if as_directory else weights
    report = run_onednn(resbench, "--weights", given, "--images", "images")
    (row,) = report.csv
    assert row["network"] == "resnet18"  # without --depths: those there are weights for
    assert row["parity"] == "PASS" and row["images"] == row["top1_agree"] == "5"
    plan = report.json["resbench"]["plan"]
    assert plan["weights"] == str(given) and plan["images"] == "images"


def test_top1_is_not_told_for_synthetic_weights(resbench, weights18):
    make_images(resbench.directory / "images", 9)
    report = run_onednn(resbench, "--depths", "18", "--weights", weights18, "--images", "images")
    (row,) = report.csv
    assert row["parity"] == "PASS" and row["top1_agree"] == ""
    assert row["images"] == "8"  # as many as the quick tier takes


def test_weights_of_another_network(resbench, weights18):
    arguments = ("--depths", "34", "--weights", weights18, "-o", "results")
    sentence = resbench.fails(3, "run", *QUICK, *arguments)
    assert "resnet18" in sentence and "resnet34" in sentence


def test_bad_weights_keep_the_rows_before_them(resbench, weights18):
    (resbench.directory / "weights").mkdir()
    shutil.copyfile(weights18, resbench.directory / "weights" / "resnet18.h5")
    arguments = ("--depths", "18,34", "--weights", "weights", "-o", "results")
    sentence = resbench.fails(3, "run", *QUICK, "--engines", "onednn", *arguments)
    assert "resnet34.h5" in sentence
    report = Report(resbench.directory / "results")
    assert list(report.records) == [cell("resnet18", "onednn")]
    assert report.samples(cell("resnet18", "onednn"))


def test_directory_without_weights(resbench):
    (resbench.directory / "empty").mkdir()
    assert "empty" in resbench.fails(3, "run", *QUICK, "--weights", "empty", "-o", "results")
    assert not (resbench.directory / "results").exists()


def test_bad_images(resbench):
    (resbench.directory / "empty").mkdir()
    for images, named in (("empty", "empty"), ("missing", "missing")):
        arguments = ("--depths", "18", "--images", images, "-o", "results")
        assert named in resbench.fails(3, "run", *QUICK, *arguments)


def test_unwritable_directory(resbench):
    (resbench.directory / "file").write_text("in the way\n")
    for output in ("file", "file/results"):
        assert "file" in resbench.fails(3, "run", *QUICK, "--depths", "18", "-o", output)
    assert [path.name for path in resbench.directory.iterdir()] == ["file"]


def test_engines_in_this_process(resbench):
    report = run_onednn(resbench, "--depths", "18", "--no-worker")
    assert report.csv_row(cell("resnet18", "onednn"))["parity"] == "PASS"
