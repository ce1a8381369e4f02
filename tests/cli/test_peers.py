"""Peers in the rows of engines: with peers of NumPy's, for those from PyPI are not there in CI."""

import json
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support import Report, cell, program_path, table_lines

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench" / "peers"))
import settings  # noqa: E402

HEAD = struct.Struct("=QQQ")
MAGIC = 0x47534D4252
OK, USAGE, UNSUPPORTED, ENGINE = 0, 1, 5, 6  # resbench/status.h
RUN = ("run", "--quick", "--threads", "1", "--depths", "8")
CANDIDATES = ["slow", "raises", "dies", "quick", "slower"]


@pytest.fixture(autouse=True)
def fake_peers(monkeypatch, tmp_path):
    monkeypatch.setenv("RESBENCH_ENGINE_PATH", str(ROOT / "tests" / "peers" / "fake"))
    monkeypatch.setenv("RESBENCH_PYTHON", sys.executable)
    monkeypatch.delenv("RESBENCH_PEERS_PYTHON", raising=False)
    monkeypatch.setenv("PEER_LOG", str(tmp_path / "log"))


def events(tmp_path) -> list[dict]:
    return [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]


def test_a_peer_stands_in_the_same_table(resbench, tmp_path):
    """Its settings are tried, then fixed and printed, and the timed processes know none but the winner."""
    result = resbench(*RUN, "-e", "onednn,peer:numpy", "-b", "2", "-o", "r")
    assert result.code == 0, result
    report = Report(tmp_path / "r")
    assert list(report.records) == [cell("resnet8", name, 2) for name in ("onednn", "peer:numpy")]
    engine, peer = report.records.values()
    assert peer["verdict"] == "PASS" and peer["weights_sha256"] == engine["weights_sha256"]
    assert peer["engine_version"].startswith("numpy ") and peer["threads"] == 1
    assert peer["peak_rss_bytes"] > peer["peak_rss_after_start_bytes"] > 0
    assert peer["activation_bytes"] == -1  # a framework does not say
    assert len(report.samples(cell("resnet8", "peer:numpy", 2))) >= 12
    assert len(table_lines(result.out)) == 2 and max(map(len, table_lines(result.out))) <= 120

    log = events(tmp_path)
    tried = [event for event in log if event["event"] == "open"][: len(CANDIDATES)]
    assert [event["settings"] for event in tried] == CANDIDATES
    assert len({event["pid"] for event in tried}) == len(CANDIDATES)  # a process for each
    fixed = log.index(tried[-1])
    trials = {event["pid"] for event in tried}
    measured = [event for event in log if event["pid"] not in trials]
    assert {event["settings"] for event in measured} == {"quick"}  # opened, compared and timed with one
    assert [event["event"] for event in measured].count("open") == 2  # workers of the quick tier
    assert log.index(measured[0]) > fixed
    assert not [event for event in log[log.index(measured[0]) :] if event["pid"] in trials]

    assert 0 < peer["harness_overhead_ns"] != engine["harness_overhead_ns"]  # each of its own loop
    assert f"an empty call takes {peer['harness_overhead_ns']:.0f} ns" in result.out
    assert peer["open_minor_faults"] > 0 and peer["minor_faults_per_call"] >= 0
    assert peer["settings"] == "quick" and engine["settings"] == engine["settings_tried"] == ""
    told = peer["settings_tried"].split(", ")
    assert [words.split()[0] for words in told] == CANDIDATES
    assert "raises fails (ValueError: not with these settings)" in told
    assert "dies fails (killed by SIGKILL)" in told
    name = cell("resnet8", "peer:numpy", 2)
    sentence = f"{name}: settings quick, fixed before timing ({peer['settings_tried']})"
    assert result.out.count("fixed before timing") == 1 and sentence in result.out
    assert result.out.index(sentence) < result.out.index("network ")
    assert report.csv_row(cell("resnet8", "peer:numpy", 2))["settings"] == "quick"
    assert "quick" in report.markdown


def test_resume_keeps_the_row_of_a_peer(resbench, tmp_path):
    assert resbench(*RUN, "-e", "peer:faulty", "-o", "r").code == 0
    before = Report(tmp_path / "r").records
    (tmp_path / "log").unlink()
    assert resbench(*RUN, "-e", "peer:faulty,reference", "-o", "r", "--resume").code == 0
    assert not (tmp_path / "log").exists()
    after = Report(tmp_path / "r").records
    assert len(after) == 2 and before.items() <= after.items()

    path = tmp_path / "r" / "results.json"
    version = after[cell("resnet8", "peer:faulty")]["engine_version"]
    path.write_text(path.read_text().replace(f'"{version}"', '"numpy 0.1"'))  # an earlier one
    assert resbench(*RUN, "-e", "peer:faulty,reference", "-o", "r", "--resume").code == 0
    assert {event["event"] for event in events(tmp_path)} == {"open", "call"}  # measured anew
    assert Report(tmp_path / "r").records[cell("resnet8", "peer:faulty")]["engine_version"] == version


def test_a_missing_package_is_skipped(resbench, tmp_path):
    result = resbench(*RUN, "-e", "peer:missing,reference", "-o", "r")
    assert result.code == 6, result  # nothing measured of one that was asked for
    missing, reference = Report(tmp_path / "r").records.values()
    assert missing["verdict"] == "UNSUPPORTED" and reference["verdict"] == "PASS"
    assert missing["note"] == (
        "open: Python package resbench_no_such_package is not installed (ci/setup --peers installs it)"
    )
    assert "resbench_no_such_package is not installed" in result.out


def test_what_a_peer_prints_is_not_among_the_tables(resbench, tmp_path):
    result = resbench(*RUN, "-e", "peer:prints", "-o", "r")
    assert result.code == 0, result
    printed = ("printed on import", "printed on open", "written to descriptor 1")
    assert all(text in result.err and text not in result.out for text in printed), result


@pytest.mark.parametrize(
    ("script", "code", "verdict", "note"),
    [
        ("def (", 1, "FAIL", "broken_peer.py cannot be loaded: SyntaxError: invalid syntax (broken_peer.py, line 1)"),
        ("1 / 0", 1, "FAIL", "broken_peer.py cannot be loaded: ZeroDivisionError: division by zero"),
        ("PACKAGES = ('numpy',)\nABOUT = 'x'", 1, "FAIL", "broken_peer.py has no SETTINGS"),
        ("import resbench_no_such", 6, "UNSUPPORTED", "Python package resbench_no_such is not installed"),
    ],
)
def test_a_script_that_cannot_be_used(resbench, tmp_path, script, code, verdict, note):
    (tmp_path / "broken_peer.py").write_text(f"{script}\n")
    result = resbench(*RUN, "-e", tmp_path / "broken_peer.py", "-o", "r")
    assert result.code == code and result.err == "", result
    (peer,) = Report(tmp_path / "r").records.values()
    assert peer["verdict"] == verdict and note in peer["note"], peer


def test_the_next_python_has_what_the_first_lacks(resbench, tmp_path, monkeypatch):
    poor = tmp_path / "poor"
    poor.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E "$@"\n')  # -S: no packages
    poor.chmod(0o755)
    monkeypatch.setenv("RESBENCH_PEERS_PYTHON", f"{tmp_path}:{poor}")  # a directory is no program
    result = resbench(*RUN, "-e", "peer:faulty", "-o", "r")
    assert result.code == 0, result
    (peer,) = Report(tmp_path / "r").records.values()
    assert peer["verdict"] == "PASS", peer


def test_a_candidate_that_hangs_costs_half_of_the_time_left(tmp_path):
    def try_one(name: str) -> float:
        if name == "hangs":
            (tmp_path / "pid").write_text(str(os.getpid()))
            time.sleep(1e6)
        return 5e6

    name, told = settings.choose(["quick", "hangs"], try_one, 10)
    assert name == "quick" and told.startswith("quick 5 ms, hangs fails (no end within "), told
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize(
    ("fault", "code", "verdict", "note"),
    [
        ("wrong", 1, "FAIL", ""),
        ("remembers", 1, "FAIL", ""),
        ("nan", 1, "FAIL", ""),
        ("shape", 1, "FAIL", "logits of shape (1, 9), expected (1, 10)"),
        ("raises", 1, "FAIL", "RuntimeError: the framework"),
        ("crash", 8, "CRASHED", "killed by signal SIGSEGV"),
    ],
)
def test_what_is_wrong_costs_its_own_row(resbench, tmp_path, monkeypatch, fault, code, verdict, note):
    monkeypatch.setenv("PEER_FAULT", fault)
    result = resbench(*RUN, "-e", "peer:faulty,reference", "-o", "r")
    assert result.code == code, result
    peer, reference = Report(tmp_path / "r").records.values()
    assert peer["verdict"] == verdict and note in peer["note"], peer
    assert reference["verdict"] == "PASS"


def test_no_settings_that_work(resbench, tmp_path, monkeypatch):
    monkeypatch.setenv("PEER_FAULT", "raises")
    result = resbench(*RUN, "-e", "peer:numpy", "-o", "r")
    assert result.code == 6, result
    (peer,) = Report(tmp_path / "r").records.values()
    assert peer["verdict"] == "UNSUPPORTED", peer
    assert "open: none of its settings works: slow fails (RuntimeError: the framework" in peer["note"]
    assert "\n" not in peer["note"]


def test_refusals(resbench):
    sentence = resbench.fails(2, *RUN, "-e", "peer:numpy", "--no-worker")
    assert sentence.endswith("leave out --no-worker")
    assert "no peer is called 'nobody'" in resbench.fails(2, *RUN, "-e", "peer:nobody")
    assert "'' is not the name of a peer" in resbench.fails(2, *RUN, "-e", "peer:")
    for command in (("check", "peer:numpy"), ("trace", "resnet8", "--engine", "peer:numpy")):
        assert "peer:numpy is a peer" in resbench.fails(2, *command)


def test_list(resbench):
    result = resbench("list", "--peers")
    assert result.code == 0, result
    names = [line.split()[0] for line in result.out.splitlines()]
    assert names == ["peer:ncnn", "peer:onnxruntime", "peer:openvino", "peer:torch"]


def test_weights_are_exported_once(resbench, tmp_path, monkeypatch):
    monkeypatch.setenv("RESBENCH_CACHE", str(tmp_path / "own"))
    resbench.cache = tmp_path / "own"
    assert resbench(*RUN, "-e", "peer:faulty", "-o", "r").code == 0
    (record,) = Report(tmp_path / "r").records.values()
    kept = tmp_path / "own" / f"resnet8-{record['weights_sha256']}.safetensors"
    assert sorted(path.suffix for path in kept.parent.iterdir()) == [".h5", ".safetensors"]
    before = kept.stat()
    assert resbench(*RUN, "-e", "peer:faulty", "-o", "again").code == 0
    assert kept.stat().st_mtime_ns == before.st_mtime_ns and kept.stat().st_ino == before.st_ino


def ask(peer: str, requests: list[dict], cache: Path) -> list[dict]:
    """What its worker answers, request by request."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, ROOT / "bench" / "peers" / "worker.py", ROOT / "tests/peers/fake" / peer]
    options = ["--program", program_path(), "--cache", cache, "--timeout", "300"]
    answers = []
    with theirs, subprocess.Popen([*command, *options], stdin=theirs, env=os.environ) as process:
        theirs.close()
        with ours:
            for request in requests:
                text = json.dumps(request).encode()
                ours.sendall(HEAD.pack(MAGIC, len(text), 0) + text)
                magic, length, block = HEAD.unpack(ours.recv(HEAD.size, socket.MSG_WAITALL))
                assert magic == MAGIC and block == 0
                answers.append(json.loads(ours.recv(length, socket.MSG_WAITALL)))
    assert process.returncode == 0  # it ends when the harness closes its end
    return answers


def test_what_the_worker_refuses(tmp_path):
    requests = [{"op": "tap"}, {"op": "run"}, {"op": "describe"}, {"op": "open", "problem": "x"}, {}]
    requests.append({"op": "open", "network": "resnet8"})
    answers = ask("numpy_peer.py", requests, tmp_path)
    assert [told["status"] for told in answers] == [UNSUPPORTED, USAGE, OK, UNSUPPORTED, UNSUPPORTED, ENGINE]
    assert answers[2]["name"] == "peer:numpy" and answers[2]["version"].startswith("numpy ")
