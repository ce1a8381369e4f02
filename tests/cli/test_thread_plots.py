"""The figure of scaling over threads, on a results.json made by hand."""

import json

import pytest
from test_plots import draw, make_results, run_plot, texts


def make_line(network="resnet50", engine="onednn", batch=1, knee=2, cliff=8) -> dict:
    points = [
        {"threads": threads, "speedup": speedup, "efficiency": speedup / threads}
        for threads, speedup in ((1, 1.0), (2, 1.9), (4, 2.1), (8, 1.2), (16, 1.1))
    ]
    return {
        "network": network,
        "engine": engine,
        "batch": batch,
        "height": 224,
        "width": 224,
        "mode": "steady",
        "scenario": "calls",
        "knee": knee and {"threads": knee, "reason": ""},
        "cliff": cliff and {"threads": cliff, "reason": "beyond the 4 physical cores"},
        "points": points,
    }


def with_lines(*lines: dict) -> dict:
    results = make_results()
    results["resbench"]["thread_scaling"] = list(lines)
    return results


def test_knee_and_cliff_are_marked(tmp_path):
    draw(tmp_path, with_lines(make_line(), make_line(engine="reference", knee=None, cliff=None)))
    found = texts(tmp_path / "threads.svg")
    assert found.count("knee") == found.count("cliff") == 2  # in speed-up, and in efficiency
    for words in ("resnet50, batch 1, input 224x224", "onednn", "reference", "threads"):
        assert words in found
    assert any("Speed-up over 1 thread" in text for text in found)
    assert found.count("resnet50, batch 1, input 224x224") == 1
    assert (tmp_path / "threads.png").read_bytes()[:4] == b"\x89PNG"


def test_each_network_and_batch_has_a_panel(tmp_path):
    lines = [make_line(batch=batch, knee=4, cliff=None) for batch in (1, 8)]
    draw(tmp_path, with_lines(*lines, make_line("resnet18")), "--format", "svg")
    found = texts(tmp_path / "threads.svg")
    for title in ("resnet50, batch 1", "resnet50, batch 8", "resnet18, batch 1"):
        assert f"{title}, input 224x224" in found
    assert found.count("cliff") == 2 and found.count("knee") == 6


def test_lines_with_other_fewest_threads_are_not_said_to_be_over_one(tmp_path):
    """A cell that failed has no point, so its line is over the next number of threads."""
    late = make_line(engine="reference", knee=None, cliff=None)
    late["points"] = [
        {"threads": threads, "speedup": threads / 2, "efficiency": 1.0} for threads in (2, 4, 8, 16)
    ]
    draw(tmp_path, with_lines(make_line(), late), "--format", "svg")
    titles = [text for text in texts(tmp_path / "threads.svg") if "Speed-up" in text]
    assert titles == ["Speed-up over the fewest threads of each engine (dashed: ideal)"]


def test_without_lines_there_is_no_figure(tmp_path):
    draw(tmp_path, with_lines(), "--format", "svg")  # says nothing on stderr
    assert not (tmp_path / "threads.svg").exists()
    assert (tmp_path / "latency.svg").exists()


def altered(**changes) -> dict:
    return {**make_line(), **changes}


BAD = {
    "no list": ({}, "thread_scaling"),
    "no object": ([7], "thread_scaling[0]"),
    "no points": ([altered(points=[])], "points of thread_scaling 0"),
    "one point": ([altered(points=make_line()["points"][:1])], "points of thread_scaling 0"),
    "falling": ([altered(points=make_line()["points"][::-1])], "expected them to ascend"),
    "speed-up 0": (
        [altered(points=[{"threads": 1, "speedup": 0, "efficiency": 1}])], "speedup of a point"),
    "no threads": ([altered(points=[{"speedup": 1, "efficiency": 1}])], "has no threads"),
    "a knee nowhere": ([altered(knee={"threads": 3})], "knee of thread_scaling 0 is at 3"),
    "a cliff of text": ([altered(cliff="8")], "cliff of thread_scaling 0"),
    "a stranger": ([altered(engine="nobody")], "of which there is no record"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_lines_are_refused_in_one_sentence(tmp_path, case):
    lines, expected = BAD[case]
    results = with_lines()
    results["resbench"]["thread_scaling"] = lines
    path = tmp_path / "results.json"
    path.write_text(json.dumps(results))
    done = run_plot(path)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1 and str(path) in done.stderr and expected in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["results.json"]
