"""resbench trace: which node is named for which fault, and what is written."""

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import termios

import h5py
import numpy as np
import pytest
from PIL import Image

from support import engine_path, graded, stop, wait_for

# layer3.0.conv1 of resnet20 is the node with the fault (tests/engines/node_faults.c).
NODE = "layer3.0.conv1"
NETWORK = ("trace", "resnet20", "--threads", "1")
U = 2.0**-24


def trace(resbench, *arguments, code=0) -> tuple[str, dict]:
    """What was printed, and the file."""
    result = resbench(*arguments, "-o", "trace.json")
    assert result.code == code and result.err == "", result
    return result.out, json.loads((resbench.directory / "trace.json").read_text())["trace"]


def faulty(resbench, fault, *arguments, code=1) -> tuple[str, dict]:
    return trace(resbench, *NETWORK, "--engine", engine_path(fault), *arguments, code=code)


def on_terminal(resbench, columns: int, *arguments) -> str:
    """What a terminal of so many columns shows of standard output."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 50, columns, 0, 0))
    process = subprocess.Popen(
        [os.environ["RESBENCH_PROGRAM"], *map(str, arguments)],
        cwd=resbench.directory, stdout=theirs, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs)
    text = b""
    try:
        while part := os.read(ours, 65536):
            text += part
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait() == 1
    return text.decode()


def node_of(found: dict, name: str = NODE) -> dict:
    (node,) = [node for node in found["nodes"] if node["name"] == name]
    return node


def causes(found: dict) -> dict:
    return {node["name"]: node["cause"] for node in found["nodes"] if node["cause"]}


@pytest.mark.parametrize(
    "engine, network, size",
    [("onednn", "resnet20", 32), ("reference", "resnet20", 32), ("onednn", "resnet18", 64)],
)
def test_a_right_engine_has_no_node_out_of_bounds(resbench, engine, network, size):
    out, found = trace(
        resbench, "trace", network, "-e", engine, "--size", size, "--batch", "2", "-t", "1"
    )
    assert "No node is out of bounds" in out
    assert found["first"] is None and found["run"]["verdict"] == "PASS"
    assert (found["engine"], found["against"], found["batch"]) == (engine, "oracle", 2)
    described = json.loads(resbench("describe", network, "--size", size, "--json").out)
    names = [node["name"] for node in described["nodes"]]
    assert [node["name"] for node in found["nodes"]] == names
    for node in found["nodes"]:
        assert node["verdict"] == "PASS" and node["rel_l2"] <= node["limit"], node
        assert node["limit"] >= 8 * U and node["dims"][0] == 2 and node["finding"] == ""
        (line,) = [line for line in out.splitlines() if line.split(" ")[0] == node["name"]]
        assert f"{node['rel_l2']:.1e}" in line and f"{node['limit']:.1e}" in line
    assert any(node["rel_l2"] > 0 for node in found["nodes"])


def test_the_oracle_agrees_with_itself(resbench):
    _, found = trace(resbench, *NETWORK, "--engine", "oracle")
    assert all(node["rel_l2"] == 0 for node in found["nodes"])


@pytest.mark.parametrize("fault", ["node_relu", "node_padding", "node_epsilon"])
def test_the_fault_is_in_the_node(resbench, fault):
    out, found = faulty(resbench, fault)
    assert found["first"] == NODE and causes(found) == {NODE: "node"}
    node = node_of(found)
    assert node["alone"] == "FAIL" and node["alone_share"] > 10 and node["step"] == "FAIL"
    assert f"The fault is in {NODE}: alone, on the right input, it is " in out
    (line,) = [line for line in out.splitlines() if line.startswith(f"{NODE} ") and "|" in line]
    assert line.endswith("FAIL  <- the first")


def test_a_second_fault_is_named(resbench):
    out, found = faulty(resbench, "node_two")
    assert found["first"] == "layer2.0.conv1"
    assert causes(found) == {"layer2.0.conv1": "node", NODE: "node"}
    assert out.count("The fault is in ") == 2


def test_nan_is_named_where_it_begins(resbench):
    out, found = faulty(resbench, "node_nan")
    values = int(np.prod(node_of(found)["dims"]))
    assert found["first"] == NODE and causes(found) == {NODE: "node"}
    assert node_of(found)["non_finite"] == values
    assert f"{values} of its values are NaN or infinite" in out
    assert found["nodes"][-1]["non_finite"] == 10 and found["run"]["non_finite"] == 10


def test_a_node_that_is_right_alone(resbench):
    out, found = faulty(resbench, "node_among")
    assert found["first"] == NODE and causes(found) == {NODE: "surroundings"}
    assert node_of(found)["alone"] == "PASS" and node_of(found)["alone_share"] <= 1
    assert node_of(found)["step"] == "FAIL"
    assert f"{NODE} is right alone" in out and "The fault is in" not in out


def test_a_node_that_is_wrong_on_the_engines_own_values(resbench):
    out, found = faulty(resbench, "node_values")
    assert found["first"] == NODE and causes(found) == {NODE: "values"}
    assert node_of(found)["alone"] == "PASS" and node_of(found)["step"] == "FAIL"
    assert "on some values only" in out


def test_an_error_that_is_the_nodes_own_rounding_is_not_called_inherited(resbench):
    out, found = faulty(resbench, "node_rounding")
    assert found["first"] == NODE and causes(found) == {NODE: "rounding"}
    assert node_of(found)["alone"] == node_of(found)["step"] == "PASS"
    assert "inherited" not in out and "The fault is in" not in out


def test_an_error_that_is_inherited(resbench):
    out, found = faulty(resbench, "node_inherits")
    assert found["first"] == "avgpool" and causes(found) == {"avgpool": "operands"}
    assert node_of(found, "layer3.2.conv2")["verdict"] == "PASS"
    assert "most of it layer3.2.conv2 with " in out and "the error is inherited" in out


def test_a_value_that_is_shown_but_not_used(resbench):
    out, found = faulty(resbench, "tap_wrong")
    assert found["first"] == NODE and found["run"]["verdict"] == "PASS"
    assert causes(found) == {NODE: "surroundings", "layer3.0.conv2": "not shown"}
    wrong = [node["name"] for node in found["nodes"] if node["verdict"] != "PASS"]
    assert wrong == [NODE]


def test_a_run_that_nobody_watches(resbench):
    out, found = faulty(resbench, "run_wrong")
    assert found["first"] is None and found["run"]["verdict"] == "FAIL"
    assert found["run"]["rel_l2"] == pytest.approx(0.01, rel=1e-3)
    assert "when nobody watches" in out and "No node is out of bounds" not in out


def test_a_crash_alone(resbench):
    out, found = faulty(resbench, "node_crash_alone", code=8)
    assert causes(found) == {NODE: "unknown"} and node_of(found)["alone"] == "CRASHED"
    assert "cannot be told" in out and "SIGSEGV" in out


def test_the_other_engine_may_be_the_wrong_one(resbench):
    out, found = trace(resbench, *NETWORK, "--against", engine_path("node_padding"), code=1)
    assert found["first"] == NODE and found["engine"] == "onednn"
    assert "It is node_padding that is wrong" in out and causes(found) == {}
    first = node_of(found, "conv1")
    assert 0 < first["oracle_share"] <= 1 and 0 < first["against_share"] <= 1


def test_nan_of_the_other_engine_is_not_blamed_on_this_one(resbench):
    out, found = trace(resbench, *NETWORK, "--against", engine_path("node_nan"), code=1)
    assert found["first"] == NODE and causes(found) == {}
    assert node_of(found)["oracle_share"] <= 1 and node_of(found)["against_share"] is None
    assert "It is node_nan that is wrong" in out and "nan times" not in out


@pytest.mark.parametrize(
    "fault, code, words",
    [
        ("tap_crash", 8, "SIGSEGV"),
        ("unsupported", 6, "knows no network"),
        ("tap_none", 6, "does not show the values of its nodes"),
        ("error", 1, "would rather not"),
        ("abi", 1, "ABI"),
    ],
)
def test_an_engine_that_cannot_be_traced(resbench, fault, code, words):
    sentence = resbench.fails(
        code, *NETWORK, "-e", engine_path(fault), "-o", "trace.json", "--dump", "values"
    )
    assert fault in sentence and words in sentence
    directory = resbench.directory
    assert not (directory / "trace.json").exists()
    assert list((directory / "values").glob("*")) == []


def test_no_worker_finds_the_same(resbench):
    _, apart = faulty(resbench, "node_padding")
    _, within = faulty(resbench, "node_padding", "--no-worker")
    assert apart == within


def test_dump_has_the_values_of_both(resbench):
    _, found = trace(resbench, *NETWORK, "--batch", "2", "--dump", "a/values")
    directory = resbench.directory / "a" / "values"
    assert sorted(path.name for path in directory.iterdir()) == [
        "activations-onednn.h5",
        "activations-oracle.h5",
        "input.h5",
    ]
    with (
        h5py.File(directory / "activations-onednn.h5") as own,
        h5py.File(directory / "activations-oracle.h5") as right,
    ):
        assert sorted(own) == sorted(right) == sorted(n["value_name"] for n in found["nodes"])
        assert own.attrs["network"] == right.attrs["network"] == "resnet20"
        assert (own.attrs["engine"], right.attrs["engine"]) == ("onednn", "oracle")
        assert own.attrs["engine_version"] == found["engine_version"]
        assert own.attrs["weights_sha256"] == found["weights_sha256"] != ""
        assert own.attrs["input"] == "synthetic, seed 1"
        for node in found["nodes"]:
            value, truth = own[node["value_name"]], right[node["value_name"]]
            assert (value.dtype, truth.dtype) == (np.float32, np.float64)
            assert list(value.shape) == list(truth.shape) == node["dims"]
            value, truth = (array[...].reshape(2, -1) for array in (value, truth))
            errors = np.linalg.norm(value - truth, axis=1) / np.linalg.norm(truth, axis=1)
            assert max(errors) == pytest.approx(node["rel_l2"], rel=1e-9)
        logits = right["fc"][...].reshape(2, 10)
    # The logits are those that infer gives, on the input that was dumped.
    assert resbench(
        *("infer", "resnet20", "--input", directory / "input.h5", "-e", "oracle", "-o", "y.h5")
    ).code == 0  # fmt: skip
    with h5py.File(resbench.directory / "y.h5") as file:
        assert np.array_equal(file["logits"][...], logits)


def test_an_input_file_is_what_is_traced(resbench):
    assert resbench("synth-input", "--batch", "3", "--size", "32", "-o", "x.h5").code == 0
    _, from_file = trace(resbench, *NETWORK, "--input", "x.h5")
    assert from_file["input"] == "3 images of x.h5" and from_file["batch"] == 1
    sentence = resbench.fails(3, *NETWORK, "--input", "x.h5", "--batch", "4")
    assert "holds 3 images, expected at least 4" in sentence
    before = (resbench.directory / "x.h5").read_bytes()
    assert "is the file that is read" in resbench.fails(
        3, *NETWORK, "--input", "x.h5", "-o", "x.h5"
    )
    assert (resbench.directory / "x.h5").read_bytes() == before
    (resbench.directory / "x.h5").rename(resbench.directory / "input.h5")
    assert "give another directory with --dump" in resbench.fails(
        3, *NETWORK, "--input", "input.h5", "--dump", "."
    )
    assert (resbench.directory / "input.h5").read_bytes() == before


def test_images_are_what_is_traced(resbench):
    (resbench.directory / "photos").mkdir()
    pixels = np.random.default_rng(3).integers(0, 256, (40, 48, 3), np.uint8)
    Image.fromarray(pixels).save(resbench.directory / "photos" / "a.png")
    _, found = trace(resbench, *NETWORK, "--images", "photos", "--dump", "values")
    assert found["input"] == "1 images of photos" and found["first"] is None
    with h5py.File(resbench.directory / "values" / "input.h5") as file:
        assert file["input"].shape == (1, 3, 32, 32) and np.ptp(file["input"]) > 0


def test_refused_before_any_work(resbench):
    assert "cannot be written" in resbench.fails(3, *NETWORK, "-o", "missing/trace.json")
    assert "does not name an engine" in resbench.fails(2, *NETWORK, "-e", "")


@pytest.mark.parametrize("columns", [80, 120])
def test_lines_fit_a_terminal(resbench, columns):
    out = on_terminal(resbench, columns, *NETWORK, "-e", engine_path("node_two"))
    lines = [line for line in out.splitlines() if "|" in line]
    assert len(lines) == 24 and max(map(len, lines)) <= columns
    assert any("  FAIL" in line for line in lines)


def test_interrupted(resbench):
    values = resbench.directory / "values"
    process = resbench.start(*NETWORK, "-e", engine_path("tap_hang"), "--dump", "values")
    wait_for(lambda: len(list(values.glob("*.tmp.*"))) == 2, "the files of the dump")
    result = stop(process, signal.SIGINT)
    assert result.code == 130 and result.err == "resbench: interrupted\n", result
    assert list(values.iterdir()) == []


def test_plot_tells_of_a_run_that_nobody_watches(resbench):
    faulty(resbench, "run_wrong")
    result = resbench("plot", "trace.json", "--format", "svg")
    assert result.code == 0 and result.err == "", result
    text = (resbench.directory / "trace.svg").read_text()
    assert "The logits of a plain run are off by 1.0e-2" in text


def test_plot_of_odd_traces(shared, right_trace):
    odd = json.loads(right_trace)
    for node in odd["trace"]["nodes"]:
        node.update(verdict="FAIL", rel_l2=None, non_finite=7)
    odd["trace"]["first"] = odd["trace"]["nodes"][0]["name"]
    (shared.directory / "odd.json").write_text(json.dumps(odd))
    assert shared("plot", "odd.json").code == 0
    odd["trace"]["nodes"] = odd["trace"]["nodes"][:1]
    (shared.directory / "odd.json").write_text(json.dumps(odd))
    result = shared("plot", "odd.json")
    assert result.code == 0 and result.err == "", result


def test_plot_shows_the_trace(resbench):
    faulty(resbench, "node_two")
    result = resbench("plot", "trace.json", "--format", "svg,png")
    assert result.code == 0 and result.err == "", result
    text = (resbench.directory / "trace.svg").read_text()
    for words in ("layer2.0.conv1: ", "limit", "layer3", "node_two", "out of bounds"):
        assert words in text
    assert (resbench.directory / "trace.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda t: t.update(schema_version=2), "schema version 2, expected 1"),
        (lambda t: t.update(first="layer9"), "layer9"),
        (lambda t: t["nodes"][3].update(rel_l2="small"), "rel_l2 of node 3"),
        (lambda t: t["nodes"][3].pop("limit"), "node 3 has no limit"),
        (lambda t: t.update(nodes=5), "nodes"),
        (lambda t: t.pop("run"), "run"),
        (lambda t: t["run"].pop("limit"), "run has no limit"),
    ],
)
def test_plot_says_what_is_wrong_with_a_trace(shared, right_trace, change, words):
    broken = json.loads(right_trace)
    change(broken["trace"])
    (shared.directory / "broken.json").write_text(json.dumps(broken))
    result = shared("plot", "broken.json")
    assert result.code == 3 and words in result.err and "\n" not in result.err.strip(), result


@pytest.fixture(scope="module")
def right_trace(shared) -> str:
    assert shared(*NETWORK, "-o", "right.json").code == 0
    text = (shared.directory / "right.json").read_text()
    assert graded(json.loads(text)["context"])
    return text
