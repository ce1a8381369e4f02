"""resbench profile: what is written, what adds up, and engines that lie about their times."""

import copy
import csv
import json
import re
import time
from pathlib import Path

import pytest

from support import engine_path, stop, wait_for

RESNET8 = ("--network", "resnet8", "--threads", "1", "--quick")
IN_NETWORK = (*RESNET8, "--no-alone")


def profile(resbench, *arguments, code=0) -> tuple[str, dict]:
    """What was printed, and the file."""
    result = resbench("profile", *arguments, "-o", "profiled")
    assert result.code == code and result.err == "", result
    return result.out, json.loads((resbench.directory / "profiled/profile.json").read_text())["profile"]


@pytest.fixture(scope="module")
def both(shared) -> tuple[str, dict, Path]:
    """Two engines, in the network and alone."""
    out, found = profile(shared, "reference", "onednn", *RESNET8)
    return out, found, shared.directory / "profiled"


def test_every_node_has_its_times(both, resbench):
    _, found, _ = both
    described = json.loads(resbench("describe", "resnet8", "--json").out)
    for engine, name in zip(found["engines"], ("reference", "onednn"), strict=True):
        assert engine["engine"] == name and engine["verdict"] == "PASS"
        assert engine["rel_l2"] <= engine["rel_l2_limit"]
        assert [node["name"] for node in engine["nodes"]] == [node["name"] for node in described["nodes"]]
        for node in engine["nodes"]:
            assert node["alone"] == "PASS" and node["kernel"] and node["alone_kernel"]
            for key in ("network_ms", "hot_ms", "cold_ms", "bound_ms", "roof_percent"):
                assert node[key] > 0, (node["name"], key)
            # (A node is part of its call, which the worker holds it to; these are medians of other calls.)
            assert node["hot_call_ms"] > 0 and node["cold_call_ms"] > 0


def test_figures_follow_from_each_other(both):
    _, found, _ = both
    peak, bandwidth = found["peak_gmacs_per_second"], found["memory_bytes_per_ns"]
    for engine in found["engines"]:
        assert engine["unaccounted_ms"] == pytest.approx(engine["call_ms"] - engine["nodes_ms"])
        assert found["complete"] and engine["calls"] > 0 and engine["workers"] == 1
        for node in engine["nodes"]:
            moved = sum(node[f"{part}_bytes"] for part in ("weight", "src", "dst", "addend"))
            computing, moving = node["macs"] / peak * 1e-6, moved / bandwidth * 1e-6
            assert node["bound_ms"] == pytest.approx(max(computing, moving))
            assert node["memory_bound"] == int(moving > computing)
            assert node["bandwidth_percent"] == pytest.approx(100 * moving / node["network_ms"])
            if node["macs"]:
                assert node["peak_percent"] == pytest.approx(100 * computing / node["network_ms"])
                assert node["macs_per_byte"] == pytest.approx(node["macs"] / moved)
        for groups in (engine["by_op"], engine["by_stage"]):
            for key in ("macs", "network_ms", "nodes"):
                total = sum(node[key] for node in engine["nodes"])
                assert sum(group[key] for group in groups) == pytest.approx(total)
        assert [group["name"] for group in engine["by_stage"]] == ["stem", "layer1", "layer2", "layer3", "head"]


def test_nominal_and_executed_macs(both):
    """ResNet-8 by hand (MLPerf Tiny's 12.5 million); the reference computes 16 lanes and 7 columns
    at a time."""
    _, found, _ = both
    reference, onednn = (engine["nodes"] for engine in found["engines"])
    for nodes in (reference, onednn):
        assert sum(node["macs"] for node in nodes) == 12501632
    by_name = {node["name"]: node for node in reference}
    assert by_name["layer1.0.conv1"]["executed_macs"] == 16 * 32 * 35 * 16 * 9
    assert by_name["layer3.0.conv2"]["executed_macs"] == 64 * 8 * 14 * 64 * 9
    assert by_name["fc"]["executed_macs"] == 16 * 64
    assert by_name["avgpool"]["executed_macs"] == 0 and by_name["avgpool"]["executed_ratio"] is None
    for node in onednn:
        assert node["executed_macs"] >= node["macs"]


def test_equal_problems_are_run_once(resbench):
    out, found = profile(resbench, "onednn", "--network", "resnet20", "-t", "1", "--quick")
    nodes = {node["name"]: node for node in found["engines"][0]["nodes"]}
    first, later = nodes["layer1.0.conv1"], nodes["layer1.2.conv1"]
    assert first["problem"] == later["problem"] and later["alone_as"] == "layer1.0.conv1"
    assert first["hot_ms"] == later["hot_ms"] and first["network_ms"] != later["network_ms"]
    assert nodes["layer1.0.conv2"]["alone_as"] == "layer1.0.conv2"  # it adds
    assert "Where the time goes: 10 of 23 nodes" in out


def test_tables_and_files_say_the_same(both):
    out, found, directory = both
    with open(directory / "profile.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    nodes = [node for engine in found["engines"] for node in engine["nodes"]]
    assert [(row["engine"], row["name"]) for row in rows] == [(node["engine"], node["name"]) for node in nodes]
    for row, node in zip(rows, nodes, strict=True):
        assert float(row["network_ms"]) == pytest.approx(node["network_ms"])
        assert row["kernel"] == node["kernel"] and row["problem"] == node["problem"]
    markdown = (directory / "profile.md").read_text()
    for heading in ("## reference", "## onednn", "### Nodes", "### By stage", "### What a call is made of"):
        assert heading in markdown
    for words in ("By operation", "Where the time goes", "unaccounted", "Side by side, ms", "looking costs"):
        assert words in out
    assert [line for line in out.splitlines() if len(line) > 120] == []


def test_batch_and_size(resbench):
    _, found = profile(resbench, *IN_NETWORK, "--batch", "3", "--size", "40x32")
    assert (found["batch"], found["height"], found["width"]) == (3, 40, 32)
    assert found["engines"][0]["engine"] == "onednn" and not found["alone"]
    conv1 = found["engines"][0]["nodes"][0]
    assert conv1["macs"] == 3 * 16 * 40 * 32 * 27 and conv1["hot_ms"] is None and conv1["alone"] == ""


def test_a_kernel_plugin_has_times_and_tells_its_products(resbench):
    """F(2x2, 3x3) takes 16 products where plain sums take 36; the reference does what it refuses."""
    _, found = profile(resbench, engine_path("winograd2_as_winograd"), *RESNET8)
    nodes = {node["name"]: node for node in found["engines"][0]["nodes"]}
    assert nodes["layer1.0.conv1"]["executed_ratio"] == pytest.approx(16 / 36)
    assert nodes["layer1.0.conv1"]["kernel"].startswith("winograd2x2")
    assert nodes["layer2.0.conv1"]["kernel"].startswith("reference:")
    assert nodes["layer2.0.conv1"]["alone"] == "UNSUPPORTED" and nodes["layer2.0.conv1"]["hot_ms"] is None
    assert found["engines"][0]["verdict"] == "PASS"


def test_it_is_drawn(both, resbench):
    _, _, directory = both
    result = resbench("plot", directory / "profile.json", "-o", "figures")
    assert result.code == 0 and result.err == "", result
    drawn = sorted(path.name for path in (resbench.directory / "figures").iterdir())
    assert drawn == ["profile.png", "profile.svg"]
    picture = (resbench.directory / "figures/profile.svg").read_text()
    for words in ("Where the time of resnet8 goes", "layer3.0.conv2", "GMAC/s", "looking costs", "onednn"):
        assert words in picture


@pytest.mark.parametrize(
    "spoil, words",
    [
        (lambda found: found.update(schema_version=9), "schema version 9, expected 1"),
        (lambda found: found["engines"][0]["nodes"][2].update(network_ms="long"), "network_ms of node 2 of engine 0"),
        (lambda found: found["engines"][0]["nodes"].pop(), "the engines have other nodes"),
        (lambda found: found.pop("engines"), "profile has no engines"),
    ],
)
def test_a_spoilt_file_is_refused(both, resbench, spoil, words):
    spoilt = copy.deepcopy(both[1])
    spoil(spoilt)
    (resbench.directory / "spoilt.json").write_text(json.dumps({"profile": spoilt}))
    assert words in resbench.fails(3, "plot", "spoilt.json")


def test_nothing_measured_is_nothing_to_draw(both, resbench):
    empty = copy.deepcopy(both[1])
    for engine in empty["engines"]:
        engine["call_ms"] = None
    (resbench.directory / "empty.json").write_text(json.dumps({"profile": empty}))
    assert "nothing to draw" in resbench.fails(6, "plot", "empty.json")


LIARS = {
    "profile_negative": r"profile tells of -\d+ ns for layer1\.0\.conv1",
    "profile_partly": "profile leaves the time of fc untold",
    "profile_something_else": r"logits of (\d+) of \1 profiled calls are not those of ordinary ones",
    "profile_too_much": r"profile tells of nodes that took \d+ ns, in a call of \d+ ns",
}


@pytest.fixture(scope="module")
def crowd(shared) -> tuple[str, dict]:
    """Liars, one that is wrong, one that crashes, and one that is right, in one profile."""
    faults = [engine_path(fault) for fault in (*LIARS, "profile_wrong", "crash")]
    result = shared("profile", *faults, "onednn", *IN_NETWORK, "-o", "crowd")
    assert result.code == 8 and result.err == "", result
    found = json.loads((shared.directory / "crowd/profile.json").read_text())["profile"]
    return result.out, {engine["engine"]: engine for engine in found["engines"]}


@pytest.mark.parametrize("fault", LIARS)
def test_a_liar_is_not_believed(crowd, fault):
    out, engines = crowd
    engine = engines[fault]
    assert engine["verdict"] == "MISTRUSTED" and f"{fault} 0.1.0: MISTRUSTED" in out
    assert engine["call_ms"] is None and all(node["network_ms"] is None for node in engine["nodes"])
    assert re.fullmatch(LIARS[fault], engine["note"]) and engine["note"] in out


def test_a_wrong_result_is_told(crowd):
    out, engines = crowd
    assert engines["profile_wrong"]["verdict"] == "FAIL" and "profile_wrong 0.1.0: FAIL" in out
    assert engines["profile_wrong"]["call_ms"] > 0


def test_a_crash_costs_its_engine_alone(crowd):
    _, engines = crowd
    assert engines["crash"]["verdict"] == "CRASHED" and "SIGSEGV" in engines["crash"]["note"]
    assert engines["onednn"]["verdict"] == "PASS" and engines["onednn"]["call_ms"] > 0


def test_a_liar_alone_is_a_wrong_result(resbench):
    profile(resbench, engine_path("profile_too_much"), *IN_NETWORK, code=1)


def test_an_engine_without_a_profile_says_so(resbench):
    out, found = profile(resbench, engine_path("keeps"), *IN_NETWORK, code=6)
    assert found["engines"][0]["verdict"] == "UNSUPPORTED"
    assert "engine keeps does not tell the times of its nodes" in out


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("nobody",), "nobody"),
        (("--network", "resnet7"), "resnet7"),
        (("onednn", "--batch", "0"), "batch"),
    ],
)
def test_rubbish_is_refused(resbench, arguments, words):
    result = resbench("profile", *arguments, "-o", "profiled")
    assert result.code == 2 and words in result.err
    assert not (resbench.directory / "profiled").exists()


def test_an_interruption_keeps_what_was_measured(resbench):
    """Two oracles at a time, one for the network and one for problems: nodes are being run alone."""

    def has_oracle(pid: int) -> bool:
        try:
            return "/oracle.so" in Path(f"/proc/{pid}/maps").read_text()
        except OSError:
            return False

    def both_stay() -> bool:
        """While the truth is found one oracle follows the other, and for a moment there are two as well."""
        before = {pid for pid in resbench.processes() if has_oracle(pid)}
        if len(before) != 2:
            return False
        time.sleep(1)
        return before == {pid for pid in resbench.processes() if has_oracle(pid)}

    process = resbench.start("profile", "onednn", "--network", "resnet20", "--threads", "1", "-o", "profiled")
    wait_for(both_stay, "nodes that are run alone")
    result = stop(process)
    assert result.code == 130 and "interrupted" in result.err, result
    assert "ended before all nodes were run alone" in result.out
    found = json.loads((resbench.directory / "profiled/profile.json").read_text())["profile"]
    (engine,) = found["engines"]
    assert not found["complete"] and engine["verdict"] == "PASS" and engine["call_ms"] > 0
    assert all(node["network_ms"] > 0 for node in engine["nodes"])
    assert engine["nodes"][-1]["hot_ms"] is None


def test_an_earlier_profile_is_kept(resbench, both):
    sentence = resbench.fails(2, "profile", *IN_NETWORK, "-o", both[2])
    assert "holds results already" in sentence
