"""Kernel plug-ins: what the loader refuses, what their faults cost, and the examples as a stranger builds them."""

import csv
import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest

from support import QUICK, Report, cell, engine_path, program_path

SOURCE = Path(__file__).resolve().parents[2]
EXAMPLES = ("im2col", "blocked")
REFUSED = {
    "abi": ("kernel ABI version 2", "expected 1"),
    "size": ("kernel table of", "expected"),
    "flags": ("kernel flags 0x40", "known are 0x3"),
    "reserved": ("ABI version 1 has no name for",),
    "no_prepare": ("no prepare",),
    "no_table": ("rb_kernel_get returned no table",),
}
# fault: verdict, words of the note, of `resbench run`
BROKEN = {
    "alloc_in_run": ("FAIL", ("allocates while it runs",)),
    "both": ("UNSUPPORTED", ("this is the engine, not the kernel",)),
    "crash": ("CRASHED", ("SIGSEGV",)),
    "fine": ("PASS", ()),
    "overrun": ("FAIL", ("past the end",)),
    "partial": ("PASS", ()),
    "unsupported": ("UNSUPPORTED", ("conv1", "ic3ih32oc16oh32kh3ph1+bn+relu", "no 3x3 today")),
}


def listed(resbench, tmp_path, monkeypatch, names) -> dict:
    for name in names:
        (tmp_path / f"{name}.so").symlink_to(engine_path(f"kernel_{name}"))
    monkeypatch.setenv("RESBENCH_ENGINE_PATH", str(tmp_path))
    result = resbench("list")
    assert result.code == 0 and result.err == "", result
    return {line.split()[0]: line for line in result.out.splitlines() if line.startswith("  ")}


def test_tables_that_are_not_right_are_refused(resbench, tmp_path, monkeypatch):
    found = listed(resbench, tmp_path, monkeypatch, REFUSED)
    for name, words in REFUSED.items():
        assert "cannot be used" in found[name]
        for word in words:
            assert word in found[name], found[name]


def test_a_wrong_size_is_told_with_both_numbers(resbench, tmp_path, monkeypatch):
    words = listed(resbench, tmp_path, monkeypatch, ["size"])["size"].split()
    found, expected = int(words[words.index("of") + 1]), int(words[words.index("expected") + 1])
    pointer = ctypes.sizeof(ctypes.c_void_p)
    # abi, size, three texts, flags and reserved, three functions, four reserved pointers
    assert (found, expected) == (expected + 8, 16 + 10 * pointer)


def test_plugins_are_listed(resbench, tmp_path, monkeypatch):
    found = listed(resbench, tmp_path, monkeypatch, ["fine", "partial", "both"])
    assert "(kernel plug-in)" in found["fine"]
    assert "what it refuses is the reference's" in found["partial"]
    assert "an engine that has a kernel, too" in found["both"]
    assert "kernel_adapter" not in found


@pytest.fixture(scope="module")
def broken(shared):
    engines = ",".join(["reference", *(engine_path(f"kernel_{fault}") for fault in BROKEN)])
    result = shared("run", *QUICK, "-d", "resnet8", "-e", engines, "-o", "broken")
    return result, Report(shared.directory / "broken")


@pytest.mark.parametrize("fault", BROKEN)
def test_faults_cost_their_own_row(broken, fault):
    verdict, words = BROKEN[fault]
    row = broken[1].csv_row(cell("resnet8", f"kernel_{fault}"))
    assert row["parity"] == verdict, row["note"]
    for word in words:
        assert word in row["note"], row["note"]


def test_memory_of_a_plugin_is_known(broken):
    row = broken[1].csv_row(cell("resnet8", "kernel_fine"))
    # its copies of the folded weights, and at least what values need at once
    assert float(row["packed_weight_mib"]) >= 0.9 * float(row["weight_mib"])
    assert float(row["activation_mib"]) > 0 and float(row["scratch_mib"]) > 0


def succeeds(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def examples(tmp_path_factory) -> Path:
    """The shared objects of examples/kernel_plugin, built as docs/plugins.md says, against what is installed."""
    directory = tmp_path_factory.mktemp("examples")
    succeeds("cmake", "--install", program_path().parents[1], "--prefix", directory / "installed")
    for name in EXAMPLES:
        # A copy: nothing of the source tree can be found from there.
        source = directory / name
        shutil.copytree(SOURCE / "examples" / "kernel_plugin" / name, source)
        options = [f"-DCMAKE_PREFIX_PATH={directory}/installed", "-DCMAKE_C_FLAGS=-Wall -Wextra -Werror"]
        succeeds("cmake", "-S", source, "-B", source / "build", *options)
        succeeds("cmake", "--build", source / "build")
    return directory


def test_examples_stand_in_the_table(resbench, examples):
    plugins = ",".join(str(examples / name / "build" / f"{name}.so") for name in EXAMPLES)
    result = resbench("run", *QUICK, "-d", "20", "-b", "3", "-e", f"reference,{plugins}", "-o", "today")
    assert result.code == 0 and result.err == "", result
    report = Report(resbench.directory / "today")
    for name in EXAMPLES:
        assert report.csv_row(cell("resnet20", name, 3))["parity"] == "PASS"
        assert len(report.samples(cell("resnet20", name, 3))) >= 12


PROBLEM = ("--problem", "mb2ic5ih7iw6oc13kh3ph1+bias+add+relu", "--problem", "ic17ih9oc9kh3sh2ph1+bias+relu")


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_right(resbench, examples, name):
    result = resbench("check", examples / name / "build" / f"{name}.so", *PROBLEM)
    assert result.code == 0 and result.err == "", result
    assert "4 of 4 checks PASS" in result.out and "UNSUPPORTED" not in result.out, result


def test_examples_stand_beside_onednn(resbench, examples):
    plugins = [examples / name / "build" / f"{name}.so" for name in EXAMPLES]
    result = resbench("kernels", *plugins, "--quick", "--threads", 1, *PROBLEM, "-o", "beside")
    assert result.code == 0 and result.err == "", result
    with open(resbench.directory / "beside" / "kernels.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["engine"] for row in rows] == [*EXAMPLES, "onednn"] * 2
    for row in rows:
        assert row["parity"] == "PASS" and 0 < float(row["alone_min_us"]) <= float(row["hot_us"]), row


@pytest.mark.parametrize(
    "fault, code, words",
    [
        ("unsupported", 6, "no 3x3 today"),
        ("partial", 6, "no 3x3 today"),  # never what the reference can do
        ("overrun", 1, "has written past the end"),
    ],
)
def test_check_tells_what_a_plugin_does_wrong(resbench, fault, code, words):
    result = resbench("check", engine_path(f"kernel_{fault}"), *PROBLEM[2:], "--level", "operation")
    assert result.code == code, result
    assert words in result.out and PROBLEM[3].replace("kh3", "oh5kh3") in result.out, result


def test_check_leaves_what_is_the_references(resbench):
    result = resbench("check", engine_path("kernel_fine"), "--problem", "fc:ic12oc5+bias")
    assert result.code == 6 and "0 checks" in result.out, result
