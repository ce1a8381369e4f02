"""plots/plot.py by its command line, on small result files in the shape of results/report.c."""

import copy
import json
import struct
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

PLOT = Path(__file__).resolve().parents[2] / "plots" / "plot.py"
FIGURES = ("latency", "memory", "error")
FILES = sorted(f"{name}.{form}" for name in FIGURES for form in ("png", "svg"))
MIB = 1 << 20

# network: depth, GMACs of one image, median ms of the reference and of onednn
NETWORKS = {
    "resnet18": (18, 1.814, 101.4, 9.123),
    "resnet50": (50, 4.089, 245.6, 22.34),
    "resnet152": (152, 11.514, 712.3, 58.71),
}


def make_record(network: str, engine: str, batch: int, index: int) -> dict:
    depth, gmacs, *_ = NETWORKS[network]
    error = (2.3e-7 if engine == "reference" else 3.1e-7) * (index + 1)
    return {
        "name": f"{network}/{engine}/batch:{batch}/threads:2/size:224x224",
        "verdict": "PASS",
        "network": network,
        "engine": engine,
        "engine_version": "3.9.1 (OMP)" if engine == "onednn" else "0.1.0",
        "depth": depth,
        "blocks": depth // 3,
        "batch": batch,
        "height": 224,
        "width": 224,
        "threads": 2,
        "mode": "steady",
        "macs": int(gmacs * 1e9) * batch,
        "note": "",
        "rel_l2": error,
        "rel_l2_limit": 1.7e-6 + index * 1e-7,
        "packed_weight_bytes": (41 + 60 * index) * MIB,
        "activation_bytes": (11 + index) * MIB,
        "activation_bound_bytes": 7 * MIB + MIB // 2,
        "scratch_bytes": 3 * MIB + MIB // 4,
        "peak_rss_bytes": (137 + 150 * index) * MIB,
        "peak_rss_after_start_bytes": (120 + 150 * index) * MIB,
        "steady_rss_bytes": (90 + 90 * index) * MIB,
    }


def make_median_row(record: dict, median: float) -> dict:
    return {
        "name": record["name"] + "_median",
        "run_name": record["name"],
        "run_type": "aggregate",
        "aggregate_name": "median",
        "real_time": median,
        "time_unit": "ms",
        "median_ms": median,
        "low_ms": 0.98 * median,
        "high_ms": 1.03 * median,
        "label": record["verdict"],
    }


def make_scaling(engine: str, batch: int) -> dict:
    points = [
        {"network": network, "gmacs": row[1] * batch, "residual_percent": -3.4 + 2.5 * index}
        for index, (network, row) in enumerate(NETWORKS.items())
    ]
    return {
        "engine": engine,
        "batch": batch,
        "threads": 2,
        "height": 224,
        "width": 224,
        "mode": "steady",
        "fixed_ms": 1.27,
        "ms_per_gmac": 63.1 if engine == "reference" else 5.02,
        "r_squared": 0.9987,
        "points": points,
    }


def make_results(engines=("reference", "onednn"), batches=(1,)) -> dict:
    records, rows, scaling = [], [], []
    for batch in batches:
        for index, (network, row) in enumerate(NETWORKS.items()):
            for engine in engines:
                record = make_record(network, engine, batch, index)
                records.append(record)
                rows.append(make_median_row(record, row[2 if engine == "reference" else 3] * batch))
        scaling += [make_scaling(engine, batch) for engine in engines]
    context = {"cpu_model": "Example(R) CPU 9000 @ 2.10GHz", "num_cpus": 2, "threads": 2}
    plan = {"resbench": "0.1.0", "weights": None, "images": None}
    ours = {"schema_version": 2, "plan": plan, "records": records, "scaling": scaling,
            "thread_scaling": []}  # fmt: skip
    return {"context": context, "benchmarks": rows, "resbench": ours}


def find_record(results: dict, network: str, engine: str) -> dict:
    return next(
        r
        for r in results["resbench"]["records"]
        if (r["network"], r["engine"]) == (network, engine)
    )


def crash(results: dict, network: str, engine: str) -> None:
    """What a cell is when its worker died."""
    record = find_record(results, network, engine)
    record["verdict"] = "CRASHED"
    for key in record:
        if key.endswith("_bytes") and key != "activation_bound_bytes":
            record[key] = -1
    record["rel_l2"] = record["rel_l2_limit"] = None
    results["benchmarks"] = [
        row for row in results["benchmarks"] if row["run_name"] != record["name"]
    ]


def run_plot(*arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, PLOT, *map(str, arguments)], capture_output=True, text=True, timeout=120
    )


def draw(directory: Path, results: dict, *arguments: object) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "results.json"
    path.write_text(json.dumps(results))
    done = run_plot(path, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return directory


def texts(path: Path) -> list[str]:
    """Every text of an SVG, which must be text and not outlines."""
    root = ElementTree.parse(path).getroot()
    return ["".join(e.itertext()).strip() for e in root.iter("{http://www.w3.org/2000/svg}text")]


def has_part(path: Path, part: str) -> bool:
    return any(part in text for text in texts(path))


def three_digits(value: float) -> str:
    return f"{value:.{max(0, 2 - (value >= 10) - (value >= 100))}f}"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    return draw(tmp_path_factory.mktemp("drawn"), make_results())


def test_writes_six_files_and_nothing_else(drawn):
    assert sorted(p.name for p in drawn.iterdir()) == sorted([*FILES, "results.json"])


@pytest.mark.parametrize("name", FIGURES)
def test_png_is_twice_readme_width(drawn, name):
    data = (drawn / f"{name}.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    assert width == 1800 and 700 < height < 2000


@pytest.mark.parametrize("name", FIGURES)
def test_says_what_was_measured_where(drawn, name):
    found = texts(drawn / f"{name}.svg")
    for word in (*NETWORKS, "reference", "onednn"):
        assert word in found
    head = " ".join(found)
    for part in ("Example CPU 9000, 2 CPUs", "batch 1, 2 threads", "input 224x224",
                 "synthetic weights and images", "resbench 0.1.0",
                 "onednn 3.9.1 (OMP)"):  # fmt: skip
        assert part in head


def test_latency_numbers_are_those_of_the_file(drawn):
    found = texts(drawn / "latency.svg")
    for _, gmacs, *medians in NETWORKS.values():
        assert f"{three_digits(gmacs)} GMAC" in found
        for median in medians:
            assert three_digits(median) in found
    for words in ("1.27 ms + 63.1 ms/GMAC", "1.27 ms + 5.02 ms/GMAC"):
        assert words in found
    for words in ("R² 0.9987", "-3.4 %", "-0.9 %", "+1.6 %"):
        assert found.count(words) == 2
    assert "(measured - line) / measured:" in found  # as in results/scaling.h


def test_memory_numbers_are_those_of_the_file(drawn):
    found = texts(drawn / "memory.svg")
    for index in range(len(NETWORKS)):
        assert found.count(str(137 + 150 * index)) == 2  # peak RSS
        assert found.count(f"{11 + index} (bound 7.5)") == 2
    assert found.count("161") == 2  # packed weights of the deepest
    assert found.count("3.2") == 6  # scratch


def test_error_numbers_and_limit_are_those_of_the_file(drawn):
    found = texts(drawn / "error.svg")
    for words in ("2.3e-7", "4.6e-7", "6.9e-7", "3.1e-7", "6.2e-7", "9.3e-7"):
        assert words in found
    # Both engines have the same limits: drawn once.
    for words in ("limit", "1.7e-6", "1.8e-6", "1.9e-6"):
        assert found.count(words) == 1


def test_same_results_give_the_same_bytes(drawn, tmp_path):
    again = draw(tmp_path, make_results())
    for name in FILES:
        assert (again / name).read_bytes() == (drawn / name).read_bytes()


def test_output_directory_and_format(tmp_path):
    draw(tmp_path / "in", make_results(), "-o", tmp_path / "a" / "b", "--format", "svg")
    assert sorted(p.name for p in (tmp_path / "a" / "b").iterdir()) == [
        "error.svg", "latency.svg", "memory.svg"]  # fmt: skip
    assert [p.name for p in (tmp_path / "in").iterdir()] == ["results.json"]


def test_a_crashed_cell_is_named_and_not_drawn(tmp_path):
    results = make_results()
    crash(results, "resnet50", "onednn")
    draw(tmp_path, results, "--format", "svg")
    for name, label in zip(FIGURES, ("Not timed", "Not measured", "Not compared")):
        assert has_part(tmp_path / f"{name}.svg", f"{label}: resnet50/onednn batch 1 CRASHED.")
    assert three_digits(NETWORKS["resnet50"][3]) not in texts(tmp_path / "latency.svg")


def test_a_verdict_that_is_no_pass_is_marked(tmp_path):
    results = make_results()
    find_record(results, "resnet50", "onednn")["verdict"] = "FAIL"
    draw(tmp_path, results, "--format", "svg")
    assert "FAIL" in texts(tmp_path / "error.svg")
    assert has_part(tmp_path / "latency.svg", "not a PASS: resnet50/onednn batch 1 FAIL")


def test_limits_that_differ_are_drawn_each(tmp_path):
    results = make_results()
    find_record(results, "resnet50", "onednn")["rel_l2_limit"] = 2.6e-6
    draw(tmp_path, results, "--format", "svg")
    found = texts(tmp_path / "error.svg")
    for words in ("limit of reference", "limit of onednn", "1.8e-6", "2.6e-6"):
        assert words in found


def test_batches_and_foreign_engines(tmp_path):
    # $ and & are special to matplotlib and to XML.
    results = make_results(("reference", "onednn", "my$fast$&co"), (1, 8))
    draw(tmp_path, results, "--format", "svg")
    for name in FIGURES:
        found = texts(tmp_path / f"{name}.svg")
        assert found.count("my$fast$&co") >= 2
        assert any(text.startswith("batch 1, 2 threads") for text in found)
        assert any(text.startswith("batch 8, 2 threads") for text in found)
        assert "batch 1 and 8, 2 threads" in " ".join(found)
    found = texts(tmp_path / "latency.svg")
    assert f"{8 * NETWORKS['resnet152'][2]:.0f}" in found
    assert "92.1 GMAC" in found  # of one call


ODD_NAMES = ("$x_1", "_hidden", r"$\frac{$", "<b>&amp;", "a^b%{}", "名前", "x" * 63)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_text_and_no_markup(tmp_path, name):
    results = make_results((name, "onednn"))
    results["context"]["cpu_model"] = f"{name} CPU"
    for record in results["resbench"]["records"]:
        record["engine_version"] = name
        if record["network"] == "resnet50":
            record["network"] = name
    draw(tmp_path, results)
    shown = name if len(name) < 16 else "xxxx"
    for figure in FIGURES:
        found = texts(tmp_path / f"{figure}.svg")
        assert sum(shown in text for text in found) >= 3  # engine, network, caption
        assert (tmp_path / f"{figure}.png").stat().st_size > 10000


def test_an_error_of_exactly_0_is_told_with_its_verdict(tmp_path):
    """It is also what an engine has that gave nothing but NaN."""
    results = make_results()
    find_record(results, "resnet50", "onednn").update(rel_l2=0, verdict="FAIL")
    draw(tmp_path, results, "--format", "svg")
    assert has_part(tmp_path / "error.svg", "not drawn: resnet50/onednn batch 1 FAIL.")


def test_cold_caches_have_panels_of_their_own(tmp_path):
    """Cells that differ in mode alone are not points of one line."""
    results, cold = make_results(("onednn",)), make_results(("onednn",))
    for member in ("records", "scaling"):
        for item in cold["resbench"][member]:
            item["mode"] = "cold"
    for record in cold["resbench"]["records"]:
        record["name"] += "/cold"
    for row in cold["benchmarks"]:
        row["run_name"] += "/cold"
        for key in ("median_ms", "low_ms", "high_ms"):
            row[key] *= 3
    cold["resbench"]["scaling"][0]["fixed_ms"] = 7.77
    for member in ("records", "scaling"):
        results["resbench"][member] += cold["resbench"][member]
    results["benchmarks"] += cold["benchmarks"]
    draw(tmp_path, results, "--format", "svg")
    title = "batch 1, 2 threads, input 224x224"
    for figure in ("latency", "memory"):
        assert [text for text in texts(tmp_path / f"{figure}.svg") if text.startswith(title)] == [
            title,
            f"{title}, cold caches",
        ]
    found = texts(tmp_path / "latency.svg")
    assert "9.12" in found and "27.4" in found  # of resnet18, once each
    assert sum("1.27" in text for text in found) == 1 and sum("7.77" in text for text in found) == 1


def test_little_is_needed(tmp_path):
    """One network: no fit. Few samples: no interval. No context, no kinds of memory."""
    results = make_results(("onednn",))
    results["context"] = {}
    ours = results["resbench"]
    ours["plan"] = {}
    ours["records"] = ours["records"][:1]
    line = make_scaling("onednn", 1)
    ours["scaling"] = [{k: v for k, v in line.items() if k not in ("fixed_ms", "ms_per_gmac")} | {"points": []}]
    for key in ("packed_weight_bytes", "activation_bytes", "scratch_bytes", "steady_rss_bytes"):
        ours["records"][0][key] = -1
    results["benchmarks"] = [
        {k: v for k, v in row.items() if k not in ("low_ms", "high_ms")}
        for row in results["benchmarks"]
    ]
    draw(tmp_path, results)
    assert has_part(tmp_path / "latency.svg", "hardware not recorded")
    assert "137" in texts(tmp_path / "memory.svg")
    assert "9.12" in texts(tmp_path / "latency.svg")


def edited(change) -> str:
    results = make_results()
    change(results)
    return json.dumps(results)


def record_0(results: dict) -> dict:
    return results["resbench"]["records"][0]


BAD = {
    "empty": ("", "JSON"),
    "truncated": (json.dumps(make_results())[:-200], "JSON"),
    "not text": (b"\x89HDF\r\n\x1a\n\xff\xfe", "UTF-8"),
    "endless nesting": ("[" * 100000, "JSON"),
    "a list": ("[1, 2]", "no object resbench"),
    "Google Benchmark without ours": ('{"context": {}, "benchmarks": []}', "no object resbench"),
    "another version": (
        edited(lambda r: r["resbench"].update(schema_version=1)), "schema version 1, expected 2"),
    "no rows": (edited(lambda r: r.pop("benchmarks")), "benchmarks"),
    "records are no list": (edited(lambda r: r["resbench"].update(records={})), "expected a list"),
    "a record is no object": (edited(lambda r: r["resbench"]["records"].append(7)), "records[6]"),
    "no member": (edited(lambda r: record_0(r).pop("peak_rss_bytes")), "no peak_rss_bytes"),
    "wrong type": (edited(lambda r: record_0(r).update(batch="1")), 'batch of record 0 is "1"'),
    "batch 0": (edited(lambda r: record_0(r).update(batch=0)), "at least 1"),
    "huge": (edited(lambda r: record_0(r).update(macs=10**400)), "macs of record 0"),
    "macs 0": (edited(lambda r: record_0(r).update(macs=0)), "macs of record 0 is 0"),
    "depth 0": (edited(lambda r: record_0(r).update(depth=0)), "depth of record 0 is 0"),
    "height is negative": (edited(lambda r: record_0(r).update(height=-1)), "height of record 0"),
    "error is negative": (edited(lambda r: record_0(r).update(rel_l2=-1e-7)), "rel_l2 of record 0"),
    "error is absurd": (edited(lambda r: record_0(r).update(rel_l2=1e300)), "rel_l2 of record 0"),
    "limit is negative": (
        edited(lambda r: record_0(r).update(rel_l2_limit=-1e-6)), "rel_l2_limit of record 0"),
    "limit is 0": (
        edited(lambda r: record_0(r).update(rel_l2_limit=0)), "rel_l2_limit of record 0 is 0"),
    "unknown verdict": (edited(lambda r: record_0(r).update(verdict="FINE")), "one of"),
    "control character": (edited(lambda r: record_0(r).update(engine="a\x01b")), "a name"),
    "twice": (
        edited(lambda r: r["resbench"]["records"].append(copy.copy(record_0(r)))), "two records"),
    "median is text": (edited(lambda r: r["benchmarks"][0].update(median_ms="9")), "median_ms"),
    "median is negative": (edited(lambda r: r["benchmarks"][0].update(median_ms=-9)), "median_ms"),
    "median is null": (edited(lambda r: r["benchmarks"][0].update(median_ms=None)), "median_ms"),
    "median is infinite": (
        edited(lambda r: r["benchmarks"][0].update(median_ms=float("inf"))), "median_ms"),
    "median is absurd": (edited(lambda r: r["benchmarks"][0].update(median_ms=1e300)), "median_ms"),
    "low is 0": (edited(lambda r: r["benchmarks"][0].update(low_ms=0)), "low_ms of the median row"),
    "high is negative": (edited(lambda r: r["benchmarks"][0].update(high_ms=-1)), "high_ms of"),
    "low above median": (
        edited(lambda r: r["benchmarks"][0].update(low_ms=102.5)), "low_ms 102.5, median_ms 101.4"),
    "high below median": (
        edited(lambda r: r["benchmarks"][0].update(high_ms=100.5)), "expected them to ascend"),
    "half a fit": (
        edited(lambda r: r["resbench"]["scaling"][0].pop("fixed_ms")), "scaling 0 has no fixed_ms"),
}  # fmt: skip


def assert_one_sentence(done: subprocess.CompletedProcess, *parts: object) -> None:
    assert done.stdout == ""
    assert done.stderr.startswith("resbench: ")
    assert done.stderr.count("\n") == 1 and done.stderr.endswith("\n")
    assert "Traceback" not in done.stderr and len(done.stderr) < 400
    for part in parts:
        assert str(part) in done.stderr


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_in_one_sentence(tmp_path, case):
    content, expected = BAD[case]
    path = tmp_path / "results.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = run_plot(path)
    assert done.returncode == 3
    assert_one_sentence(done, path, expected)
    assert [p.name for p in tmp_path.iterdir()] == ["results.json"]


def test_missing_file(tmp_path):
    done = run_plot(tmp_path / "none.json", "-o", tmp_path / "out")
    assert done.returncode == 3
    assert_one_sentence(done, tmp_path / "none.json", "No such file")
    assert list(tmp_path.iterdir()) == []


def test_output_that_cannot_be_written(tmp_path):
    path = tmp_path / "results.json"
    path.write_text(json.dumps(make_results()))
    done = run_plot(path, "-o", path)
    assert done.returncode == 3
    assert_one_sentence(done, path, "cannot be written")


@pytest.mark.parametrize("crashed", [False, True])
def test_nothing_to_draw(tmp_path, crashed):
    results = make_results(("onednn",))
    if crashed:
        for network in NETWORKS:
            crash(results, network, "onednn")
    else:
        results["resbench"].update(records=[], scaling=[])
        results["benchmarks"] = []
    path = tmp_path / "results.json"
    path.write_text(json.dumps(results))
    done = run_plot(path)
    assert done.returncode == 6
    assert_one_sentence(done, path, "nothing to draw")
    assert [p.name for p in tmp_path.iterdir()] == ["results.json"]


@pytest.mark.parametrize("arguments", ["", "a b", "a --format pdf", "a --format png,"])
def test_usage(arguments):
    done = run_plot(*arguments.split())
    assert done.returncode == 2 and "usage:" in done.stderr


def test_help_has_an_example():
    done = run_plot("--help")
    assert done.returncode == 0
    assert "example:" in done.stdout and "exit codes:" in done.stdout
