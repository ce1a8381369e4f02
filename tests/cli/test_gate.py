"""resbench gate: what it says of builds that differ, its files, its self-test, and what it refuses.

Whether a machine is quiet enough is nothing that a test may ask: where a pair of equal builds is
measured, "noisy" is as good an answer as "fine". A head that takes twice as long is slower on any."""

import csv
import json
import math
import os
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from support import SMALL, engine_path, program_path, stop, wait_for, wait_for_hang

BUILD = os.environ.get("RESBENCH_BUILD", "")
CELL = ("--depths", "resnet8", *SMALL)


def own(name: str) -> str:
    return f"{BUILD}/lib/resbench/{name}.so"


def build_with(directory: Path, engine: str) -> Path:
    """A build directory whose engine `mine` is this shared object."""
    place = directory / "lib/resbench"
    place.mkdir(parents=True)
    (place / "mine.so").symlink_to(engine)
    return directory


@pytest.fixture
def gate(resbench, tmp_path):
    """Runs a gate of two shared objects; returns result and JSON."""

    def run(base: str, head: str, *options):
        pair = [build_with(tmp_path / side, engine) for side, engine in (("base", base), ("head", head))]
        result = resbench("gate", "--base", pair[0], "--head", pair[1], "-e", "mine", *CELL,
                          "--json", "gate.json", "--markdown", "gate.md", "--junit", "gate.xml", *options)
        file = tmp_path / "gate.json"
        return result, json.loads(file.read_text()) if file.exists() else None

    return run


def test_equal_builds_are_no_alarm(gate, tmp_path):
    result, report = gate(own("onednn"), own("onednn"))
    assert result.code in (0, 5), result
    (row,) = report["rows"]
    assert row["verdict"] == ("FINE" if result.code == 0 else "NOISY")
    assert row["parity"] == "PASS" and row["grown_bytes"] == 0
    assert row["base"]["activation_bytes"] == row["head"]["activation_bytes"] > 0
    assert row["base"]["kernel_plan"] == row["head"]["kernel_plan"] != ""
    for series in row["series"]:
        assert len(series["log_ratio"]) == report["rounds"] == 6
        assert series["low"] <= series["ratio"] <= series["high"]
        walsh = sorted(
            (a + b) / 2
            for i, a in enumerate(series["log_ratio"])
            for b in series["log_ratio"][i:]
        )
        assert series["ratio"] == pytest.approx(math.exp(walsh[10]))
    assert "mine" in result.out and "verdict" in result.out
    assert max(map(len, result.out.splitlines()[:2])) <= 120
    markdown = (tmp_path / "gate.md").read_text()
    assert markdown.startswith("### resbench gate") and "| verdict |" in markdown


def test_a_slower_build_is_an_alarm(gate):
    result, report = gate(own("onednn"), own("reference"))
    (row,) = report["rows"]
    assert result.code == 4 and row["verdict"] == "SLOWER", result
    assert [series["said"] for series in row["series"]][-2:].count("SLOWER") == 2
    assert row["series"][-1]["ratio"] > 1.2
    assert "slower" in result.out


def test_more_memory_is_an_alarm(gate):
    """The reference as base is slower, and holds less packed weights than the engine with faults."""
    result, report = gate(own("reference"), own("oracle"))
    (row,) = report["rows"]
    assert result.code == 4 and row["grown_bytes"] > 0, result  # float64 activations


@pytest.mark.parametrize(
    "head, code, verdict, says",
    [
        ("wrong", 1, "WRONG", "head's logits"),
        ("crash", 8, "CRASHED", "head: "),
        ("unsupported", 8, "CRASHED", "head: "),
    ],
)
def test_a_head_that_does_not_work(gate, tmp_path, head, code, verdict, says):
    result, report = gate(own("reference"), engine_path(head))
    (row,) = report["rows"]
    assert (result.code, row["verdict"]) == (code, verdict), result
    assert says in row["note"] and row["note"] in result.out
    suite = ElementTree.parse(tmp_path / "gate.xml").getroot()
    (case,) = suite
    (element,) = case
    assert (suite.get("tests"), element.tag) == ("1", "failure" if code == 1 else "error")
    assert says in element.get("message")


def test_a_base_that_does_not_work_is_nothing_to_compare_with(gate):
    result, report = gate(engine_path("crash"), own("reference"))
    assert (result.code, report["rows"][0]["verdict"]) == (7, "UNCOMPARED"), result
    assert "base: " in report["rows"][0]["note"]


def test_a_base_that_computes_something_else_is_nothing_to_compare_with(gate):
    result, report = gate(engine_path("wrong"), own("reference"))
    (row,) = report["rows"]
    assert (result.code, row["verdict"], row["parity"]) == (7, "UNCOMPARED", "PASS"), result
    assert "base's logits" in row["note"] and report["outcome"] == "UNCOMPARED"


def test_what_was_not_measured_is_null(gate):
    _, report = gate(own("reference"), engine_path("crash"))
    (row,) = report["rows"]
    assert report["outcome"] == "CRASHED"
    for member in ("ns", "peak_rss_bytes", "weight_bytes", "activation_bytes", "scratch_bytes"):
        assert row["head"][member] is None, member


def test_an_interrupt_keeps_the_rows_that_stand(resbench, tmp_path):
    """Of two engines the first has had its series; the second never returns."""
    for side in ("base", "head"):
        build_with(tmp_path / side, own("reference"))
        (tmp_path / side / "lib/resbench/stuck.so").symlink_to(engine_path("hang"))
    process = resbench.start("gate", "--base", "base", "--head", "head", "-e", "mine,stuck", *CELL,
                             "--json", "g.json", "--markdown", "g.md")
    wait_for_hang(resbench)
    result = stop(process)
    assert result.code == 130 and result.err == "resbench: interrupted\n", result
    assert resbench.processes() == []
    report = json.loads((tmp_path / "g.json").read_text())
    rows = {row["engine"]: row for row in report["rows"]}
    assert report["outcome"] == "BROKEN_OFF"
    assert len(rows["mine"]["series"]) == 1 and rows["mine"]["verdict"] in ("FINE", "OPEN")
    assert rows["stuck"]["verdict"] == "OPEN" and rows["stuck"]["series"] == []
    for text in (result.out, (tmp_path / "g.md").read_text()):
        assert "broken off" in text and "too noisy" not in text and "mine" in text


def test_a_file_that_cannot_be_written_is_told_before_the_work(resbench, tmp_path):
    build_with(tmp_path / "build", own("reference"))
    (tmp_path / "g.json").mkdir()
    pair = ("gate", "--base", "build", "--head", "build", "-e", "mine", *CELL)
    assert "is a directory" in resbench.fails(3, *pair, "--json", "g.json")
    assert "is a directory" in resbench.fails(3, *pair, "--markdown", "g.json")


def test_names_of_directories_and_engines(resbench, tmp_path):
    """Any directory but for patterns; names of this program's own engines are judged like others."""
    for side in ("a,b=c", "head"):
        place = tmp_path / side / "lib/resbench"
        place.mkdir(parents=True)
        (place / "reference.so").symlink_to(engine_path("null"))
    pair = ("gate", "--base", "a,b=c", "--head", "head")
    result = resbench(*pair, "-e", "reference", *CELL)
    assert result.code in (0, 1, 5, 7), result
    assert result.out.splitlines()[1].split()[2] == "reference"
    assert "named twice" in resbench.fails(2, *pair, "-e", "reference,reference", *CELL)
    assert "no engine's name" in resbench.fails(2, *pair, "-e", "../reference", *CELL)
    assert "peer:torch" in resbench.fails(2, *pair, "-e", "peer:torch", *CELL)
    assert "names none" in resbench.fails(2, *pair, "-e", "", *CELL)


def test_one_failure_costs_one_row(resbench, tmp_path):
    for side in ("base", "head"):
        build_with(tmp_path / side, own("reference"))
        (tmp_path / side / "lib/resbench/other.so").symlink_to(
            engine_path("crash") if side == "head" else own("reference")
        )
    result = resbench("gate", "--base", tmp_path / "base", "--head", tmp_path / "head",
                      "-e", "other,mine", *CELL, "--json", "g.json")
    rows = {row["engine"]: row for row in json.loads((tmp_path / "g.json").read_text())["rows"]}
    assert result.code == 8
    assert rows["other"]["verdict"] == "CRASHED" and rows["other"]["series"] == []
    assert rows["mine"]["verdict"] in ("FINE", "NOISY") and rows["mine"]["series"]


def test_selftest_records_what_it_replays(resbench, tmp_path):
    result = resbench("gate", "--selftest", *CELL, "--slowdown", "0,100", "--gates", "1",
                      "--record", "times.csv")
    assert result.code in (0, 5), result
    lines = result.out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["0.00", "100"]
    assert lines[2].split()[4] == "1"  # twice the time is caught
    assert 90 < float(lines[2].split()[6]) < 110
    again = resbench("gate", "--replay", "times.csv")
    assert (again.code, again.out) == (result.code, result.out)
    with open(tmp_path / "times.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12 * 3 * 4  # two series of six rounds; three sides; four slices
    assert {row["slowdown_percent"] for row in rows if row["side"] == "2"} == {"100"}


def test_an_interrupted_selftest_judges_what_it_has(resbench, tmp_path):
    process = resbench.start("gate", "--selftest", *CELL, "--slowdown", "0", "--gates", "1000",
                             "--record", "times.csv")
    wait_for(lambda: any(file.read_text().count("\n") > 6 * 2 * 4 for file in tmp_path.glob("*times.csv*")),
             "a series of six rounds")
    result = stop(process)
    assert result.code == 130 and result.err == "resbench: interrupted\n", result
    again = resbench("gate", "--replay", "times.csv")
    assert again.out == result.out and "injected" in result.out


def times(rounds: int, ratio: float, noise=lambda r: 1.0) -> str:
    """A recording of rounds of 2 s, head slower than base by ratio."""
    lines = ["round,start_s,end_s,side,slowdown_percent,slice,yardstick_ns,call_1_ns,call_2_ns"]
    for r in range(rounds):
        for side, ns in ((0, 1e6), (1, 1e6 * ratio * noise(r))):
            lines += [
                f"{r},{2 * r},{2 * r + 2},{side},{0 if side == 0 else (ratio - 1) * 100:g},{s},1000"
                f",{ns + r:.0f},{ns + r + 1:.0f}"
                for s in range(4)
            ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "ratio, noise, words, code",
    [
        (1.0, 1, "0.00 4 4 0 0 0", 0),
        (1.05, 1, "5.00 2 0 0 2 2", 0),
        (1.02, 1, "2.00 4 4 0 0 0", 0),
        (1.0, 1.5, "0.00 1 0 1 0 1", 5),  # every second round takes half as long again
    ],
)
def test_replay_is_a_function_of_the_file(resbench, tmp_path, ratio, noise, words, code):
    text = times(24, ratio, lambda r: noise if r % 2 else 1 / noise)
    (tmp_path / "t.csv").write_text(text)
    result = resbench("gate", "--replay", "t.csv")
    assert result.out.splitlines()[1].split()[:6] == words.split()
    assert result.code == code


SOURCE = Path(__file__).parents[2]
PUBLISHED = SOURCE / "results/published/amd-epyc-model-17-kvm-2-cores/gate"


@pytest.mark.parametrize("recording", sorted(path.name for path in PUBLISHED.glob("*.csv")))
def test_what_the_document_says_of_recordings(resbench, recording):
    """Each published recording has its lines in docs/gate.md, as the program prints them."""
    result = resbench("gate", "--replay", PUBLISHED / recording)
    said = [
        [cell.strip() for cell in line.strip("|").split("|")][1:]
        for line in (SOURCE / "docs/gate.md").read_text().splitlines()
        if line.startswith(f"| {recording} |")
    ]
    assert [line.split() for line in result.out.splitlines()[1:]] == said != []


def test_files_that_are_no_recording_are_refused(resbench, tmp_path):
    whole = times(6, 1.0)
    lines = whole.splitlines(keepends=True)
    for text, says in (
        ("", "line 1 is not the heading"),
        ("a,b\n1,2\n", "line 1 is not the heading"),
        (lines[0], "the last round is not whole"),
        ("".join(lines[:-1]), "the last round is not whole"),
        ("".join(lines[:5] + lines[6:]), "line 6 is not the next slice"),
        (whole.replace(",1000,", ",nan,", 1), "line 2 is not"),
        (whole.replace("\n0,0,2,1,", "\n0,0,2,3,", 1), "line 6 is not"),
    ):
        (tmp_path / "t.csv").write_text(text)
        assert says in resbench.fails(3, "gate", "--replay", "t.csv")
    assert "No such file" in resbench.fails(3, "gate", "--replay", "none.csv")


@pytest.fixture
def callgrind():
    if not shutil.which("valgrind"):
        pytest.skip("valgrind is not installed: nothing counts instructions")
    if b"__asan_init" in program_path().read_bytes():
        pytest.skip("valgrind and AddressSanitizer exclude each other")


@pytest.fixture
def baseline(callgrind, resbench, tmp_path):
    """A baseline of onednn and reference, as a dictionary that a test may change and store."""
    result = resbench("gate", "--against", "base.json", "--update", "-e", "onednn,reference", *CELL)
    assert result.code == 0 and "2 cells" in result.out, result
    return json.loads((tmp_path / "base.json").read_text())


def against(resbench, tmp_path, baseline):
    (tmp_path / "base.json").write_text(json.dumps(baseline))
    result = resbench("gate", "--against", "base.json", "-e", "onednn,reference", *CELL)
    return result, [line.split()[0] for line in result.out.splitlines()[1:3]]


def test_counts_against_a_baseline(resbench, tmp_path, baseline):
    result, words = against(resbench, tmp_path, baseline)
    assert (result.code, words) == (0, ["FINE", "FINE"]), result
    assert "not counted now" not in result.out
    fewer = resbench("gate", "--against", "base.json", "-e", "reference", *CELL)
    assert fewer.code == 0 and "not counted now: 1" in fewer.out, fewer
    onednn, reference = baseline["rows"]
    assert onednn["instructions"] > 12.5e6 / 16  # its MACs, in vectors of any width

    onednn["instructions"] = int(onednn["instructions"] * 0.99)  # 1 % more than there was
    reference["instructions"] = int(reference["instructions"] * 1.01)
    result, words = against(resbench, tmp_path, baseline)
    assert (result.code, words) == (4, ["MORE", "FEWER"]), result
    assert "--update" in result.out

    reference["activation_bytes"] -= 1
    onednn["kernel_plan"] = "0" * 16
    result, words = against(resbench, tmp_path, baseline)
    assert (result.code, words) == (4, ["OTHER", "GREW"]), result

    baseline["rows"] = [onednn]
    result, words = against(resbench, tmp_path, baseline)
    assert (result.code, words) == (7, ["OTHER", "NEW"]), result


def test_counts_of_what_does_not_work(callgrind, resbench, tmp_path):
    engines = f"{engine_path('wrong')},{engine_path('crash')}"
    sentence = resbench.fails(1, "gate", "--against", "b.json", "--update", "-e", engines, *CELL)
    assert "no baseline is written" in sentence and not (tmp_path / "b.json").exists()
    (tmp_path / "b.json").write_text('{"schema_version": 1, "tool": "x", "rows": []}')
    result = resbench("gate", "--against", "b.json", "-e", engines, *CELL)
    assert [line.split()[0] for line in result.out.splitlines()[1:3]] == ["WRONG", "CRASHED"]
    assert result.code == 1


def counts(times=1, **members) -> str:
    row = {"network": "resnet8", "engine": "onednn", "batch": 1, "height": 32, "width": 32,
           "engine_version": "1", "kernel_plan": "0" * 16, "instructions": 1, "weight_bytes": 1,
           "activation_bytes": 1, "scratch_bytes": 1, **members}
    return json.dumps({"schema_version": 1, "tool": "x", "rows": [row] * times})


def test_baselines_that_are_none(resbench, tmp_path):
    for text, says in (
        ("", "line 1"),
        ("{}", "is no baseline of counts"),
        ('{"schema_version": 2, "tool": "x", "rows": []}', "is no baseline"),
        ('{"schema_version": 1, "tool": "x", "rows": [{}]}', "row 1"),
        (counts(instructions=0), "instructions must be 1"),
        (counts(instructions=-1), "instructions must be 1"),
        (counts(network="n" * 64), "network"),
        (counts(times=2), "row 2 is a cell"),
    ):
        (tmp_path / "b.json").write_text(text)
        assert says in resbench.fails(3, "gate", "--against", "b.json")
    assert "no.json" in resbench.fails(3, "gate", "--against", "no.json")


def test_usage(resbench, tmp_path):
    assert "--base and --head" in resbench.fails(2, "gate")
    assert "belong together" in resbench.fails(2, "gate", "--base", ".")
    assert "has no engine" in resbench.fails(2, "gate", "--base", ".", "--head", BUILD)
    assert "less than" in resbench.fails(2, "gate", "--selftest", "--tolerance", "6")
    pair = ("gate", "--base", BUILD, "--head", BUILD)
    assert "--no-worker" in resbench.fails(2, *pair, "--no-worker")
    assert "need 8" in resbench.fails(2, *pair, "-d", "18,20", "-b", "1,2,4,8", "--rounds", "7")
    assert "--threads" in resbench.fails(2, "gate", "--against", "b.json", "--threads", "2")
    assert "peer" in resbench.fails(2, "gate", "--against", "b.json", "--update", "-e", "peer:torch")
    assert "single cell" in resbench.fails(2, "gate", "--selftest", "-d", "18,34")
    assert "not '12x'" in resbench.fails(2, "gate", "--selftest", "--detect", "12x")
    assert "slowdowns in percent" in resbench.fails(2, "gate", "--selftest", "--slowdown", "a")
    sentence = resbench.fails(3, "gate", "--base", BUILD, "--head", BUILD, "--json", "no/such/g.json")
    assert "no/such" in sentence
