"""resbench check: right engines pass, every other one is named, and its rows can be repeated."""

import csv
import json
import re
import shlex
import signal
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from support import Resbench, Result, engine_path, graded, program_path, stop, wait_for_hang
from test_progress import run_on_terminal

SMALL = "mb3ic7ih9oc5oh5kh3sh2ph1+bias+relu"
ISSUE = "ic64ih56oc64oh56kh3ph1"
FILES = ("--json", "check.json", "--junit", "check.xml")
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
    """Counts of the last line but those of 0: {"checks": 4, "PASS": 3, "FAIL": 1}."""
    line = out.splitlines()[-1]
    passed, checks = re.match(r"\S+: (\d+) of (\d+) checks PASS\b", line).groups()
    others = {name: int(n) for n, name in re.findall(r"(\d+) ([A-Z]+)\b", line)}
    return {"checks": int(checks), "PASS": int(passed), **others}


def repeat(resbench: Resbench, command: str, *more, in_worker: bool) -> Result:
    """Runs what a shell makes of a printed command."""
    words = shlex.split(command)
    assert words[:2] == ["resbench", "check"] and words[-1] == "--no-worker"
    return resbench(*words[1:-1], *more) if in_worker else resbench(*words[1:])


@pytest.mark.parametrize("engine", ["reference", "onednn"])
def test_engines_of_resbench_pass(resbench, engine):
    result = resbench("check", engine, "--quick", *PROBLEMS)
    assert result.code == 0 and result.err == "", result
    counts = summary(result.out)
    assert counts["checks"] == counts["PASS"] > 50 and len(counts) == 2
    assert rows(result.out) == []
    assert "\r" not in result.out and "\033" not in result.out


def test_oracle_has_no_error(resbench):
    arguments = ("--problem", SMALL, "--level", "operation", *FILES)
    assert resbench("check", "oracle", *arguments).code == 0
    (row,) = read_json(resbench)["rows"]
    assert row["verdict"] == "PASS" and row["figures"]["max_abs"] == 0


def test_one_problem(resbench):
    result = resbench("check", "onednn", "--problem", ISSUE, "--seed", "7", "--verbose")
    assert result.code == 0, result
    assert [row[:4] for row in rows(result.out)] == [
        ("exact", "integer", ISSUE, "PASS"),
        ("operation", "seeded", ISSUE, "PASS"),
    ]
    assert summary(result.out) == {"checks": 2, "PASS": 2}
    assert "seed 7" in result.out


def test_several_problems_keep_their_order(resbench):
    texts = ["fc:ic7oc3", SMALL, "maxpool:ic3ih9oh5kh3sh2ph1"]
    options = [word for text in texts for word in ("--problem", text)]
    result = resbench("check", "reference", *options, "--level", "exact", "--verbose")
    assert result.code == 0, result
    assert [row[2] for row in rows(result.out)] == texts


# fault: exit code, verdict, words of the note
FAULTS = {
    "alloc_in_run": (1, ("FAIL",), ("run", "allocates while it runs")),
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
    return resbench("check", engine_path(fault), "--problem", SMALL, *arguments)


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_named_and_can_be_repeated(resbench, fault):
    code, verdicts, words = FAULTS[fault]
    patience = ("--timeout", "1") if verdicts == ("TIMEOUT",) else ()
    result = check_fault(resbench, fault, *patience)
    assert result.code == code, result
    found = rows(result.out)
    assert [row[:2] for row in found] == [("exact", "integer"), ("operation", "seeded")]
    for level, fill, problem, verdict, note, again in found:
        assert problem == SMALL and verdict in verdicts
        assert note and note.isprintable() and all(word in note for word in words), note
        once_more = repeat(resbench, again, *patience, in_worker=True)
        (row,) = rows(once_more.out)
        assert once_more.code == code
        assert row[:4] == (level, fill, problem, verdict) and row[5] == again
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


def test_a_crash_that_needs_earlier_problems_says_so(resbench):
    """Every problem opens two sessions, so that the second problem meets the third."""
    problems = ("--problem", SMALL, "--problem", "fc:ic7oc3", "--level", "exact", "--verbose")
    first, second = rows(resbench("check", engine_path("crash_third_open"), *problems).out)
    assert first[3] == "PASS" and second[3] == "CRASHED"
    assert "SIGSEGV" in second[4] and "in a fresh process it does not" in second[4]


def test_an_engine_that_never_answers_is_not_asked_for_ever(resbench):
    arguments = ("--quick", *PROBLEMS, "--timeout", "0.5")
    result = resbench("check", engine_path("hang"), *arguments)
    assert result.code == 8, result
    assert summary(result.out) == {"checks": 3, "PASS": 0, "TIMEOUT": 3}
    assert result.err.startswith("resbench: no answer to 3 problems in a row")


def read_json(resbench) -> dict:
    return json.loads((resbench.directory / "check.json").read_text())


def junit_verdicts(resbench) -> list[str]:
    root = ElementTree.parse(resbench.directory / "check.xml").getroot()
    cases = list(root.iter("testcase"))
    kinds = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    for node in (root, *root.iter("testsuite")):
        assert int(node.get("tests")) == len(list(node.iter("testcase")))
        for count, tag in kinds.items():
            assert int(node.get(count)) == len(list(node.iter(tag)))
    return [case[0].tag if len(case) else "passed" for case in cases]


@pytest.mark.parametrize(
    "fault, verdict, kind",
    [
        ("wrong", "FAIL", "failure"),
        ("crash", "CRASHED", "error"),
        ("unsupported", "UNSUPPORTED", "skipped"),
        ("writes_stdout", "PASS", "passed"),
    ],
)
def test_files_say_what_the_terminal_says(resbench, fault, verdict, kind):
    result = check_fault(resbench, fault, *FILES, "-o", "results", "--verbose")
    shown = rows(result.out)
    report = read_json(resbench)
    assert report["schema_version"] == 1 and report["engine"] == fault
    assert report["plan"]["complete"] is True and report["plan"]["problems"] == [SMALL]
    assert report["plan"]["levels"] == ["exact", "operation"]
    assert report["context"]["num_cpus"] >= 1 and graded(report["context"])
    assert [row["verdict"] for row in report["rows"]] == [verdict] * 2
    for row, (level, fill, problem, _, note, again) in zip(report["rows"], shown):
        assert (row["level"], row["input"], row["name"]) == (level, fill, problem)
        assert (row["note"], row["again"] or None) == (note, again)
    assert junit_verdicts(resbench) == [kind] * 2
    directory = resbench.directory / "results"
    names = ["check.csv", "check.json", "check.md"]
    assert sorted(path.name for path in directory.iterdir()) == names
    with open(directory / "check.csv", newline="") as file:
        assert [row["verdict"] for row in csv.DictReader(file)] == [verdict] * 2
    assert SMALL in (directory / "check.md").read_text()


def test_figures_follow_from_the_seed(resbench):
    """The same seed, the same bits; another one, other operands."""

    def figures(seed):
        arguments = ("--level", "operation", "--seed", seed, "--json", "check.json")
        assert resbench("check", "reference", "--problem", SMALL, *arguments).code == 0
        (row,) = read_json(resbench)["rows"]
        return row["figures"]

    first = figures("3")
    assert first["elements"] == 3 * 5 * 5 * 5 and 0 < first["element_share"] <= 1
    assert figures("3") == first
    assert figures("4")["found"] != first["found"]


def test_files_that_cannot_be_written_are_told_before_the_work(resbench):
    for option in ("--json", "--junit"):
        sentence = resbench.fails(3, "check", "reference", option, "nowhere/check.json")
        assert "nowhere/check.json" in sentence
    (resbench.directory / "file").write_text("")
    assert "file" in resbench.fails(3, "check", "reference", "-o", "file/results")
    for option in ("--json", "--junit"):
        assert "directory" in resbench.fails(3, "check", "reference", option, ".")
    one = ("--json", "one.x", "--junit", "one.x")
    assert "one.x" in resbench.fails(2, "check", "reference", *one)


def test_a_problem_that_no_network_has_is_not_passed_over(resbench, weights8):
    network = ("--level", "operation", "--input", "recorded", "--weights", weights8)
    mine = ("--problem", "ic3ih32oc16oh32kh3ph1+bn+relu", "--problem", "fc:ic7oc3")
    result = resbench("check", "reference", *network, *mine, "--verbose")
    assert [row[2:4] for row in rows(result.out)] == [(mine[1], "PASS"), (mine[3], "UNSUPPORTED")]
    assert resbench("check", "reference", *network, *mine[2:]).code == 6
    batches = (*mine[:2], "--problem", "mb3ic3ih32oc16oh32kh3ph1+bn+relu")
    assert "1 and 3" in resbench.fails(2, "check", "reference", *network, *batches)


def test_recorded_activations_of_a_network(resbench, weights8):
    arguments = ("--level", "operation", "--input", "recorded", "--weights", weights8)
    result = resbench("check", "reference", *arguments, "--json", "check.json", "--verbose")
    assert result.code == 0, result
    found = read_json(resbench)["rows"]
    assert {row["network"].split("/")[0] for row in found} == {"resnet8"}
    assert all(row["input"] == "recorded" for row in found)
    names = [row["name"] for row in found]
    assert len(set(names)) == len(names)
    assert any(name.endswith("+bn+add+relu") for name in names)
    result = resbench("check", engine_path("wrong"), *arguments, "--problem", names[1])
    (row,) = rows(result.out)
    assert result.code == 1 and row[:4] == ("operation", "recorded", names[1], "FAIL")
    (once_more,) = rows(repeat(resbench, row[5], in_worker=True).out)
    assert once_more == row


def test_levels_of_networks_can_be_repeated(resbench, cache):
    arguments = ("--depths", "8", "--level", "chained,network")
    result = resbench("check", "onednn", *arguments, "--json", "check.json")
    assert result.code == 0, result
    found = read_json(resbench)["rows"]
    assert [row["name"] for row in found if row["level"] == "network"] == ["resnet8"]
    assert "conv1" in [row["name"] for row in found if row["level"] == "chained"]
    result = resbench("check", engine_path("wrong"), *arguments, "--json", "check.json")
    assert result.code == 1, result
    (wrong,) = [row for row in read_json(resbench)["rows"] if row["level"] == "network"]
    assert wrong["verdict"] == "FAIL"
    assert repeat(resbench, wrong["again"], in_worker=True).code == 1


def test_of_a_kernel_only_convolutions_are_checked(resbench):
    kernel = engine_path("kernel_fine")
    result = resbench("check", kernel, "--problem", SMALL, "--problem", "fc:ic7oc3", "--verbose")
    assert result.code == 0, result
    assert {row[2] for row in rows(result.out)} == {SMALL}
    assert "only convolutions are checked" in result.out
    assert resbench("check", kernel, "--problem", "fc:ic7oc3").code == 6


def test_a_kernel_that_allocates_while_it_runs_is_noticed(resbench):
    result = resbench("check", engine_path("kernel_alloc_in_run"), "--problem", SMALL)
    assert result.code == 1, result
    for row in rows(result.out):
        assert row[3] == "FAIL" and "allocates while it runs" in row[4]


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
    arguments = ("--verbose", "--json", "check.json", "--junit", "check.xml")
    process = resbench.start("check", "reference", *PROBLEMS, *arguments)
    while not ROW.match(process.stdout.readline()):
        assert process.poll() is None
    result = stop(process)
    assert result.code == 130 and result.err == "resbench: interrupted\n", result
    counts = summary(result.out)
    assert 0 < counts["PASS"] == counts["checks"]
    report = read_json(resbench)
    assert len(report["rows"]) == counts["checks"] and report["plan"]["complete"] is False
    assert junit_verdicts(resbench) == ["passed"] * counts["checks"]


def test_interrupt_ends_an_engine_that_hangs(resbench):
    process = resbench.start("check", engine_path("hang"), "--problem", SMALL)
    assert process.stdout.readline().startswith("hang ")  # the engine is known
    wait_for_hang(resbench)
    result = stop(process)
    assert result.code == 130 and result.err == "resbench: interrupted\n", result
    assert summary(result.out)["checks"] == 0
    assert resbench.processes() == []


TEN = [word for n in range(2, 12) for word in ("--problem", f"ic{n * 16}ih28oc64oh28kh3ph1")]


def test_terminal_shows_progress_with_the_time_left(resbench):
    code, out, shown = run_on_terminal(resbench, "check", "reference", *TEN)
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
