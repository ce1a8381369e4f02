"""resbench check, levels chained, network and task: right engines pass, others fail where they are
wrong; and the files."""

import csv
import json
import xml.etree.ElementTree as ET

import pytest

from support import engine_path

SMALL = ("--size", "32x32", "--threads", "1")
NETWORKS = ("--level", "chained,network", "--depths", "20", *SMALL)


def check(resbench, engine, *arguments, code):
    """Rows by level, from the JSON file."""
    result = resbench("check", engine, "--json", "check.json", *arguments)
    assert result.code == code, result
    rows = json.loads((resbench.directory / "check.json").read_text())["rows"]
    return {
        level: [row for row in rows if row["level"] == level]
        for level in ("chained", "network", "task")
    }


@pytest.mark.parametrize("engine", ["reference", "oracle", "onednn"])
def test_engines_of_resbench_pass(resbench, engine):
    rows = check(resbench, engine, "--level", "chained,network", "--depths", "18,20", *SMALL, code=0)
    nodes = {row["name"] for row in rows["chained"] if row["network"] == "resnet18"}
    assert {"conv1", "maxpool", "layer2.0.downsample.0", "layer4.1.conv2", "avgpool", "fc"} <= nodes
    assert [row["name"] for row in rows["network"]] == ["resnet18", "resnet20"]
    for row in rows["chained"] + rows["network"]:
        assert row["verdict"] == "PASS" and row["note"] == row["again"] == ""
        assert row["figures"]["rel_l2"] <= row["limit"] and row["limit"] >= 8 * 2**-24
        assert row["figures"]["elements"] > 0
        if engine == "oracle":
            assert row["figures"]["rel_l2"] == 0


# What only run does wrong shows in the logits.
@pytest.mark.parametrize("fault", ["wrong", "nan", "swap", "constant", "zeros", "stale"])
def test_wrong_logits_fail_at_the_level_of_the_network(resbench, fault):
    rows = check(resbench, engine_path(fault), *NETWORKS, code=1)
    (network,) = rows["network"]
    assert network["verdict"] == "FAIL" and network["note"]
    assert len(rows["chained"]) > 20
    assert {row["verdict"] for row in rows["chained"]} == {"PASS"}
    if fault == "nan":
        assert network["figures"]["non_finite"] > 0
    if fault == "wrong":
        assert network["figures"]["rel_l2"] == pytest.approx(1e-3, rel=0.01)


def test_a_swapped_batch_needs_a_batch(resbench):
    swap = engine_path("swap")
    alone = ("--level", "network", "--depths", "20", *SMALL, "--batch", "1")
    assert check(resbench, swap, *alone, code=0)["network"][0]["verdict"] == "PASS"


@pytest.mark.parametrize(
    ("fault", "verdict", "code"),
    [
        ("crash", "CRASHED", 8),
        ("crash_open", "CRASHED", 8),
        ("error", "FAIL", 1),
        ("unsupported", "UNSUPPORTED", 6),
    ],
)
def test_an_engine_that_fails_costs_its_row(resbench, fault, verdict, code):
    arguments = ("--level", "network", "--depths", "20", *SMALL)
    (row,) = check(resbench, engine_path(fault), *arguments, code=code)["network"]
    assert row["verdict"] == verdict and row["note"] and row["again"].startswith("resbench check")
    assert row["figures"]["rel_l2"] is None and row["limit"] is None


def test_the_first_wrong_node_is_named_and_the_rest_inherits(resbench):
    rows = check(resbench, engine_path("node_padding"), *NETWORKS, code=1)
    wrong = [row for row in rows["chained"] if row["verdict"] != "PASS"]
    names = [row["name"] for row in rows["chained"]]
    assert wrong[0]["name"] == "layer3.0.conv1"
    assert wrong[0]["note"].startswith("the first node out of bounds; relative L2 error")
    for row in wrong[1:]:
        assert row["note"].startswith("inherited, first was layer3.0.conv1;"), row
    before = names.index("layer3.0.conv1")
    assert all(row["verdict"] == "PASS" for row in rows["chained"][:before])
    assert wrong[-1]["name"] == "fc"
    assert "the first node out of bounds is layer3.0.conv1" in rows["network"][0]["note"]


def test_the_task_counts_images(resbench, weights8, data):
    arguments = ("--level", "task", "--weights", weights8, "--data", data, "--threads", "1")
    (row,) = check(resbench, "onednn", *arguments, "--limit", "16", code=0)["task"]
    assert row["verdict"] == "PASS" and row["images"] == 16
    assert 0 <= row["top1_differ"] <= row["near_ties"]
    (row,) = check(resbench, engine_path("swap"), *arguments, "--limit", "16", code=1)["task"]
    assert row["verdict"] == "FAIL" and row["figures"]["rel_l2"] > row["limit"] and row["note"]


def test_files(resbench):
    outputs = ("--junit", "check.xml", "--json", "check.json", "-o", "out")
    result = resbench("check", engine_path("node_padding"), *NETWORKS, *outputs)
    assert result.code == 1, result
    rows = json.loads((resbench.directory / "check.json").read_text())["rows"]
    suites = ET.parse(resbench.directory / "check.xml").getroot()
    cases = suites.findall("testsuite/testcase")
    assert [suite.get("name") for suite in suites] == ["chained", "network"]
    assert int(suites.get("tests")) == len(cases) == len(rows)
    wrong = [row for row in rows if row["verdict"] != "PASS"]
    failures = suites.findall("testsuite/testcase/failure")
    assert int(suites.get("failures")) == len(failures) == len(wrong) > 1
    assert int(suites.get("errors")) == int(suites.get("skipped")) == 0
    for failure, row in zip(failures, wrong):
        assert failure.get("type") == row["verdict"] and failure.get("message") == row["note"]
        assert failure.text == f"again: {row['again']}"
    with open(resbench.directory / "out" / "check.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert [(line["name"], line["verdict"]) for line in table] == [
        (row["name"], row["verdict"]) for row in rows
    ]
    for line, row in zip(table, rows):
        assert float(line["rel_l2"]) == row["figures"]["rel_l2"]
    markdown = (resbench.directory / "out" / "check.md").read_text()
    assert markdown.count("| resnet20 | layer3.0.conv1 |") == 1
