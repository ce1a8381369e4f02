"""A run that is broken off keeps its finished rows and leaves no process behind."""

import os
import signal

import pytest

from support import PATIENCE_S, QUICK, Report, cell, engine_path, stop, wait_for, wait_for_hang

FIRST, SECOND = cell("resnet18", "onednn"), cell("resnet34", "onednn")
RUN = ("run", *QUICK, "--depths", "18,34", "--engines", "onednn", "-o", "results")
HANGING = ("run", *QUICK, "--depths", "18", "--engines", engine_path("hang"), "-o", "results")


@pytest.fixture
def hanging(resbench):
    """A run whose worker is inside an engine that never returns."""
    process = resbench.start(*HANGING)
    workers = wait_for_hang(resbench)
    assert process.poll() is None and process.pid not in workers
    return process


def test_interrupt_keeps_finished_rows_and_resume_finishes(resbench):
    results = resbench.directory / "results"
    process = resbench.start(*RUN)
    wait_for((results / "results.json").exists, "the first finished row")
    result = stop(process)
    assert result.code == 130, result
    assert result.err == "resbench: interrupted\n"
    assert resbench.processes() == []
    assert sorted(path.name for path in results.iterdir()) == [
        "results.csv",
        "results.json",
        "results.md",
    ]
    before = Report(results)
    assert list(before.records) == [FIRST]
    assert [row["network"] for row in before.csv] == ["resnet18"]
    assert "resnet18" in result.out and "resnet34" not in result.out  # its table, too

    result = resbench(*RUN, "--resume")
    assert result.code == 0, result
    after = Report(results)
    assert list(after.records) == [FIRST, SECOND]
    assert after.rows(FIRST) == before.rows(FIRST)
    assert after.records[SECOND]["verdict"] == "PASS" and after.samples(SECOND)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_ends_a_worker_that_hangs(resbench, hanging, number):
    result = stop(hanging, number)
    assert result.code == 130 and result.err == "resbench: interrupted\n", result
    assert resbench.processes() == []


def test_killing_the_program_ends_its_workers(resbench, hanging):
    stop(hanging, signal.SIGKILL)
    wait_for(lambda: resbench.processes() == [], "the workers to end")


def test_killing_a_worker_costs_a_row(resbench, hanging):
    for pid in wait_for_hang(resbench):
        os.kill(pid, signal.SIGKILL)
    out, err = hanging.communicate(timeout=PATIENCE_S)
    assert hanging.returncode == 8 and err == ""
    assert "CRASHED" in out and "SIGKILL" in out


def test_interrupt_of_infer_leaves_no_file(resbench):
    resbench("synth-input", "--size", "32", "-o", "x.h5")
    arguments = ("--input", "x.h5", "--engine", engine_path("hang"), "-o", "y.h5")
    process = resbench.start("infer", "resnet18", *arguments)
    wait_for_hang(resbench)
    result = stop(process)
    assert result.code == 130 and result.err == "resbench: interrupted\n", result
    assert resbench.processes() == []
    assert [path.name for path in resbench.directory.iterdir()] == ["x.h5"]
