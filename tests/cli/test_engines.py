"""Engines that misbehave (tests/engines): each costs its own row and is named."""

import shutil

import pytest

from support import QUICK, Report, cell, engine_path, program_path, table_lines

# fault: verdict, words of the note. These never come as far as a sample.
BROKEN = {
    "abi": ("FAIL", ("ABI version 2", "expected 1")),
    "alloc_in_run": ("FAIL", ("allocates while it runs",)),
    "crash": ("CRASHED", ("run:", "SIGSEGV")),
    "crash_late": ("CRASHED", ("timing:", "SIGSEGV")),
    "crash_open": ("CRASHED", ("open:", "SIGSEGV")),
    "error": ("FAIL", ("this engine would rather not",)),
    "exit": ("CRASHED", ("exit code 0",)),
    "garbage": ("FAIL", ("garbage",)),
    "hang": ("TIMEOUT", ("4 s",)),
    "late_input": ("FAIL", ("timing:", "changed its input")),
    "no_symbol": ("FAIL", ("rb_engine_get",)),
    "overrun": ("FAIL", ("past the ends of logits",)),
    "rude": ("FAIL", ("one line", "another")),
    "size": ("FAIL", ("table of",)),
    "unsupported": ("UNSUPPORTED", ("this engine knows no network at all",)),
}
# These answer, and the answers are judged.
WRONG = {
    "constant": ("FAIL", ("relative L2",)),
    "lazy": ("FAIL", ("NaN",)),
    "memory_absurd": ("MISTRUSTED", ("memory:", "never had more")),
    "memory_lie": ("MISTRUSTED", ("memory:", "of the host's")),
    "nan": ("FAIL", ("NaN",)),
    "null": ("FAIL", ("relative L2",)),
    "stale": ("FAIL", ("NaN",)),
    "swap": ("FAIL", ("relative L2",)),
    "wrong": ("FAIL", ("relative L2", "1.00e-03")),
    "zeros": ("FAIL", ("relative L2",)),
}
RIGHT = ("keeps", "writes_stdout")
BATCH = 2


def run(resbench, faults, *arguments, output="results"):
    engines = ",".join(["reference", *map(engine_path, faults)])
    return resbench(
        *("run", *QUICK, "--depths", "18", "--timeout", "4", "--engines", engines),
        *("-o", output, *arguments),
    )


@pytest.fixture(scope="module")
def broken(shared):
    result = run(shared, BROKEN, output="broken")
    return result, Report(shared.directory / "broken")


@pytest.fixture(scope="module")
def wrong(shared):
    result = run(shared, [*WRONG, *RIGHT], "--batch", BATCH, output="wrong")
    return result, Report(shared.directory / "wrong")


def judge_row(run_and_report, fault, batch, verdict, words):
    result, report = run_and_report
    name = cell("resnet18", fault, batch)
    row = report.csv_row(name)
    record = report.records[name]
    assert (row["parity"], record["verdict"]) == (verdict, verdict), row["note"]
    assert row["note"] == record["note"]
    for word in words:
        assert word in row["note"], row["note"]
    assert row["note"].isprintable(), row["note"]
    assert f"{name}: {verdict}: {row['note']}\n" in result.out
    assert row["note"].replace("|", "/") in report.markdown
    return name, report


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_engine_has_a_row_without_samples(broken, fault):
    name, report = judge_row(broken, fault, 1, *BROKEN[fault])
    (error,) = report.rows(name)
    assert error["error_occurred"] is True
    assert error["error_message"] == report.records[name]["note"]
    assert report.csv_row(name)["median_ms"] == ""


@pytest.mark.parametrize("fault", WRONG)
def test_wrong_engine_is_judged(wrong, fault):
    judge_row(wrong, fault, BATCH, *WRONG[fault])


def test_wrong_engine_is_still_timed(wrong):
    _, report = wrong
    for fault in ("null", "wrong", "zeros"):
        assert len(report.samples(cell("resnet18", fault, BATCH))) >= 12
    # what is not computed takes no time: the cost of the harness itself
    null, reference = (report.median(cell("resnet18", e, BATCH)) for e in ("null", "reference"))
    assert null < reference


def test_others_are_measured_all_the_same(broken, wrong):
    for (_, report), batch in ((broken, 1), (wrong, BATCH)):
        name = cell("resnet18", "reference", batch)
        assert report.records[name]["verdict"] == "PASS"
        assert report.records[name]["note"] == ""
        assert len({sample[2] for sample in report.samples(name)}) == 2  # both its workers


def test_each_engine_has_one_row(broken, wrong):
    for (result, report), faults in ((broken, BROKEN), (wrong, [*WRONG, *RIGHT])):
        engines = ["reference", *faults]
        assert [row["engine"] for row in report.csv] == engines
        lines = table_lines(result.out)
        assert len(lines) == len(engines)
        assert max(map(len, lines)) <= 120
        for line, engine in zip(lines, engines):
            assert line.split()[1] in (engine, engine[:11] + "~")


def test_printing_spoils_no_table(wrong):
    result, report = wrong
    assert report.csv_row(cell("resnet18", "writes_stdout", BATCH))["parity"] == "PASS"
    assert "garbage" not in result.out
    assert set(result.err.splitlines()) == {"resnet18  garbage from an engine"}


def test_kept_weights_count_beside_the_engine_own(wrong):
    _, report = wrong
    keeps = report.records[cell("resnet18", "keeps", BATCH)]
    own = report.records[cell("resnet18", "reference", BATCH)]
    assert keeps["verdict"] == "PASS", keeps["note"]
    assert keeps["weight_bytes"] > 0
    assert keeps["packed_weight_bytes"] == own["packed_weight_bytes"] + keeps["weight_bytes"]


def test_nothing_is_left_running(broken, wrong, shared):
    assert shared.processes() == []


def test_exit_code_wrong_is_graver_than_crashed(broken, wrong):
    assert broken[0].code == 1 and wrong[0].code == 1


@pytest.mark.parametrize(
    "fault, code",
    [("crash", 8), ("hang", 8), ("exit", 8), ("error", 1), ("overrun", 1), ("unsupported", 6)],
)
def test_exit_code_of_one_broken_engine(resbench, fault, code):
    arguments = ("--depths", "18", "--timeout", "4", "--engines", engine_path(fault))
    result = resbench("run", *QUICK, *arguments, "-o", "results")
    assert result.code == code and result.err == "", result
    verdict, _ = BROKEN[fault]
    assert Report(resbench.directory / "results").csv[0]["parity"] == verdict


def test_an_engine_that_only_refuses_was_not_measured(resbench):
    result = run(resbench, ["unsupported"])
    assert result.code == 6 and result.err == "", result


def test_two_builds_with_files_of_one_name(resbench):
    own = program_path().parent.parent / "lib" / "resbench" / "reference.so"
    for name in ("old", "new"):
        (resbench.directory / name).mkdir()
        shutil.copy(own, resbench.directory / name / "mine.so")
    engines = "reference,old/mine.so,new/mine.so,third=new/mine.so"
    result = resbench("run", *QUICK, "-d", "8", "-e", engines, "-o", "today")
    assert result.code == 0 and result.err == "", result
    report = Report(resbench.directory / "today")
    for name in ("mine", "mine#2", "third"):
        assert report.csv_row(cell("resnet8", name))["parity"] == "PASS"
    assert "x y" in resbench.fails(2, "run", "-d", "8", "-e", "x y=old/mine.so")
    assert "called a" in resbench.fails(2, "run", "-d", "8", "-e", "a=old/mine.so,a=new/mine.so")
    assert "kept" in resbench.fails(2, "run", "-d", "8", "-e", "reference=old/mine.so")


def test_two_builds_in_one_process_are_refused(resbench):
    """The second would run on the libraries of the first."""
    shutil.copy(program_path().parent.parent / "lib" / "resbench" / "onednn.so", resbench.directory)
    resbench("run", *QUICK, "-d", "8", "-e", "a=onednn,b=./onednn.so", "--no-worker", "-o", "inside")
    report = Report(resbench.directory / "inside")
    assert report.csv_row(cell("resnet8", "a"))["parity"] == "PASS"
    row = report.csv_row(cell("resnet8", "b"))
    assert row["parity"] == "UNSUPPORTED" and "another build" in row["note"]
