"""resbench check: right engines pass, every other one is named, and its rows can be repeated."""

import re
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from support import Resbench, engine_path, program_path, stop, wait_for_hang
from test_progress import run_on_terminal

SMALL = "mb3ic7ih9oc5oh5kh3sh2ph1+bias+relu"
ISSUE = "ic64ih56oc64oh56kh3ph1"
PROBLEMS = ("--level", "exact,operation", "--input", "integer,seeded")
ROW = re.compile(r"^(exact|operation) (?:(\S+/\S+) )?(\S+) (integer|seeded|recorded): (\w+)(?:: (.*))?$")


def rows(out: str) -> list[tuple]:
    """(level, input, problem, verdict, note, command) of the rows that are printed as they come."""
    lines = out.splitlines()
    found = []
    for i, line in enumerate(lines):
        match = ROW.match(line)
        if not match:
            continue
        level, _, problem, fill, verdict, note = match.groups()
        again = re.match(r"  again: (.*)", lines[i + 1])
        found.append((level, fill, problem, verdict, note or "", again and again[1]))
    return found


def summary(out: str) -> dict:
    (line,) = [line for line in out.splitlines() if re.match(r"\S+: \d+ checks?: ", line)]
    counts = {name: int(n) for n, name in re.findall(r"(\d+) ([A-Z]+)\b", line)}
    return {"checks": int(re.search(r": (\d+) check", line)[1]), **counts}


def repeat(resbench: Resbench, command: str, *, in_worker: bool) -> subprocess.CompletedProcess:
    """Runs what a shell makes of a printed command."""
    words = shlex.split(command)
    assert words[:2] == ["resbench", "check"] and words[-1] == "--no-worker"
    return resbench(*words[1:-1], "--timeout", "2") if in_worker else resbench(*words[1:])


@pytest.mark.parametrize("engine", ["reference", "oracle", "onednn"])
def test_engines_of_resbench_pass(resbench, engine):
    result = resbench("check", engine, "--quick", *PROBLEMS)
    assert result.code == 0 and result.err == "", result
    counts = summary(result.out)
    assert counts["checks"] == counts["PASS"] > 50 and counts["FAIL"] == 0
    assert rows(result.out) == []
    assert "\r" not in result.out and "\033" not in result.out


def test_one_problem(resbench):
    result = resbench("check", "onednn", "--problem", ISSUE, "--seed", "7", "--verbose")
    assert result.code == 0, result
    assert [row[:4] for row in rows(result.out)] == [
        ("exact", "integer", ISSUE, "PASS"),
        ("operation", "seeded", ISSUE, "PASS"),
    ]
    assert summary(result.out) == {"checks": 2, "PASS": 2, "FAIL": 0}
    assert "seed 7" in result.out


def test_several_problems_keep_their_order(resbench):
    texts = ["fc:ic7oc3", SMALL, "maxpool:ic3ih9oh5kh3sh2ph1"]
    options = [word for text in texts for word in ("--problem", text)]
    result = resbench("check", "reference", *options, "--level", "exact", "--verbose")
    assert result.code == 0, result
    assert [row[2] for row in rows(result.out)] == texts


# fault: exit code, verdict, words of the note
FAULTS = {
    "constant": (1, ("FAIL", "MISTRUSTED"), ()),
    "crash": (8, ("CRASHED",), ("run", "SIGSEGV")),
    "crash_open": (8, ("CRASHED",), ("open", "SIGSEGV")),
    "error": (1, ("FAIL",), ("run", "this engine would rather not")),
    "exit": (8, ("CRASHED",), ("exit code 0",)),
    "garbage": (1, ("FAIL",), ("garbage",)),
    "hang": (8, ("TIMEOUT",), ("1 s",)),
    "nan": (1, ("FAIL",), ("NaN",)),
    "overrun": (1, ("FAIL",), ("past the end",)),
    "rude": (1, ("FAIL",), ("one line", "another")),
    "stale": (1, ("FAIL",), ("NaN",)),
    "swap": (1, ("FAIL",), ()),
    "unsupported": (6, ("UNSUPPORTED",), ("this engine knows no network at all",)),
    "wrong": (1, ("FAIL",), ()),
    "zeros": (1, ("FAIL", "MISTRUSTED"), ()),
}


def check_fault(resbench, fault, *arguments):
    return resbench("check", engine_path(fault), "--problem", SMALL, "--timeout", "1", *arguments)


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_named_and_can_be_repeated(resbench, fault):
    code, verdicts, words = FAULTS[fault]
    result = check_fault(resbench, fault)
    assert result.code == code, result
    found = rows(result.out)
    assert [row[:2] for row in found] == [("exact", "integer"), ("operation", "seeded")]
    for level, fill, problem, verdict, note, again in found:
        assert problem == SMALL and verdict in verdicts
        assert note and note.isprintable() and all(word in note for word in words), note
        once_more = repeat(resbench, again, in_worker=True)
        (row,) = rows(once_more.out)
        assert once_more.code == code
        assert row[:4] == (level, fill, problem, verdict) and row[5] == again
        if verdict != "TIMEOUT":
            assert row[4] == note


def test_commands_repeat_in_process(resbench):
    (_, _, _, _, note, again), _ = rows(check_fault(resbench, "wrong").out)
    result = repeat(resbench, again, in_worker=False)
    assert result.code == 1
    assert [row[3:] for row in rows(result.out)] == [("FAIL", note, again)]


def test_crash_in_process_is_the_plain_signal(resbench):
    """So that a debugger stops where it happens."""
    result = check_fault(resbench, "crash", "--no-worker")
    assert result.code == -signal.SIGSEGV, result


def test_commands_are_words_of_a_shell(resbench):
    directory = resbench.directory / "it's a $HOME"
    directory.mkdir()
    (directory / "wrong.so").symlink_to(Path(engine_path("wrong")))
    copy = directory / "copy.so"
    copy.write_bytes(Path(engine_path("wrong")).read_bytes())
    (*_, again), _ = rows(resbench("check", copy, "--problem", SMALL).out)
    words = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {again}"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert str(copy) in words and words[:2] == ["resbench", "check"]


def test_a_crash_costs_its_row_only(resbench):
    result = resbench("check", engine_path("crash"), "--quick", *PROBLEMS)
    counts = summary(result.out)
    assert result.code == 8 and counts["CRASHED"] == counts["checks"] > 50
    assert len(rows(result.out)) == 12 and "more rows are CRASHED" in result.out


def test_an_engine_that_never_answers_is_not_asked_for_ever(resbench):
    arguments = ("--quick", *PROBLEMS, "--timeout", "0.5")
    result = resbench("check", engine_path("hang"), *arguments)
    assert result.code == 8, result
    assert summary(result.out) == {"checks": 3, "PASS": 0, "FAIL": 0, "TIMEOUT": 3}
    assert result.err.startswith("resbench: no answer to 3 problems in a row")


def test_an_engine_that_prints_spoils_nothing(resbench):
    result = resbench("check", engine_path("writes_stdout"), "--problem", SMALL)
    assert result.code == 0 and "garbage" not in result.out


def test_what_is_no_engine(resbench):
    text = resbench.directory / "text.so"
    text.write_text("no shared object\n")
    assert "text.so" in resbench.fails(3, "check", text)
    sentence = resbench.fails(3, "check", engine_path("no_symbol"))
    assert "no_symbol.so" in sentence and "rb_engine_get" in sentence
    sentence = resbench.fails(3, "check", engine_path("abi"))
    assert "2" in sentence and "1" in sentence
    assert "table of" in resbench.fails(3, "check", engine_path("size"))


@pytest.mark.parametrize(
    "arguments, named",
    [
        ((), "engine"),
        (("tensorfire",), "tensorfire"),
        (("./tensorfire.so",), "tensorfire"),
        (("onednn", "reference"), "reference"),
        (("onednn,reference",), "one engine"),
        (("onednn", "--level", "exakt"), "exakt"),
        (("onednn", "--level", ""), "level"),
        (("onednn", "--input", "real"), "real"),
        (("onednn", "--problem", "ic64oc64kh3"), "shapes"),
        (("onednn", "--problem", "64x56"), "64x56"),
        (("onednn", "--problem", ISSUE, "--level", "network"), "--problem"),
        (("onednn", "--level", "exact", "--input", "seeded"), "integer"),
        (("onednn", "--level", "operation", "--input", "integer"), "seeded"),
        (("onednn", "--level", "task"), "--data"),
        (("onednn", "--data", "set.h5"), "--weights"),
        (("onednn", "--depths", "19"), "resnet19"),
        (("onednn", "--depths", ""), "empty"),
        (("onednn", "--threads", "0"), "'0'"),
        (("onednn", "--seed", "-1"), "'-1'"),
    ],
)
def test_usage_errors_are_one_sentence(resbench, arguments, named):
    assert named in resbench.fails(2, "check", *arguments)
    assert list(resbench.directory.iterdir()) == []


def test_a_stranger_may_not_be_called_oracle(resbench):
    oracle = resbench.directory / "oracle.so"
    oracle.write_bytes(Path(engine_path("wrong")).read_bytes())
    assert "oracle" in resbench.fails(2, "check", oracle)


def test_interrupt_keeps_what_is_done(resbench):
    process = resbench.start("check", "reference", *PROBLEMS, "--verbose")
    while not ROW.match(process.stdout.readline()):
        assert process.poll() is None
    result = stop(process)
    assert result.code == 130 and result.err == "resbench: interrupted\n", result
    counts = summary(result.out)
    assert 0 < counts["PASS"] == counts["checks"]


def test_interrupt_ends_an_engine_that_hangs(resbench):
    process = resbench.start("check", engine_path("hang"), "--problem", SMALL)
    wait_for_hang(resbench)
    result = stop(process)
    assert result.code == 130 and result.err == "resbench: interrupted\n", result
    assert summary(result.out)["checks"] == 0
    assert resbench.processes() == []


def test_terminal_shows_progress_with_the_time_left(resbench):
    code, out, shown = run_on_terminal(resbench, "check", "reference", "--quick", *PROBLEMS)
    assert code == 0 and "\r" not in out and "\033" not in out
    lines = [line for line in shown.split("\r\033[K") if line]
    shares = [int(re.match(r"\[ *(\d+)%\] ", line)[1]) for line in lines]
    assert shares == sorted(shares) and shares[0] == 0 and 50 < shares[-1] <= 100
    assert any(re.search(r"operation seeded \S+, \d+:\d\d left$", line) for line in lines)
    assert shown.endswith("\r\033[K")  # nothing stays on the screen


def test_gdb_reaches_the_fault(resbench):
    """The way that --help names."""
    if subprocess.run(["which", "gdb"], capture_output=True).returncode:
        pytest.skip("no gdb here")
    command = ["gdb", "-batch", "-ex", "run", "-ex", "bt", "--args", program_path(), "check"]
    arguments = [engine_path("crash"), "--problem", SMALL, "--no-worker"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=120)
    assert "SIGSEGV" in done.stdout and "run_crash" in done.stdout, done
