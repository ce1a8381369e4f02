"""Progress is for people at a terminal; everybody else gets an empty stderr."""

import os
import pty
import re

from support import PATIENCE_S, QUICK, Report, cell

RUN = ("run", *QUICK, "--depths", "18", "--engines", "onednn", "-o", "results")


def read_terminal(end: int) -> str:
    chunks = []
    while True:
        try:
            chunk = os.read(end, 65536)
        except OSError:  # how Linux says that the other end is closed
            chunk = b""
        if not chunk:
            return b"".join(chunks).decode()
        chunks.append(chunk)


def run_on_terminal(resbench, *arguments):
    """stderr is a terminal, stdout a pipe."""
    mine, theirs = pty.openpty()
    process = resbench.start(*arguments, stderr=theirs)
    os.close(theirs)
    shown = read_terminal(mine)
    os.close(mine)
    out, _ = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out, shown


def test_piped_stderr_is_empty(resbench):
    result = resbench(*RUN)
    assert result.code == 0 and result.err == ""
    assert "\r" not in result.out and "\033" not in result.out


def test_terminal_shows_progress_with_the_time_left(resbench):
    code, out, shown = run_on_terminal(resbench, *RUN)
    assert code == 0
    assert "\r" not in out and "\033" not in out
    lines = [line for line in shown.split("\r\033[K") if line]
    assert lines, shown
    shares = [int(re.match(r"\[ *(\d+)%\] ", line)[1]) for line in lines]
    assert shares == sorted(shares) and shares[0] == 0 and 0 < shares[-1] <= 100
    assert any("resnet18 onednn batch 1, 1 threads: timing" in line for line in lines)
    assert any(re.search(r", \d+:\d\d left$", line) for line in lines)
    assert shown.endswith("\r\033[K")  # nothing stays on the screen
    assert Report(resbench.directory / "results").csv_row(cell("resnet18", "onednn"))


def test_progress_of_a_resumed_run_counts_what_is_left(resbench):
    assert resbench(*RUN).code == 0
    code, _, shown = run_on_terminal(resbench, *RUN, "--batch", "1,2", "--resume")
    assert code == 0
    assert "[  0%]" in shown and "batch 2, 1 threads: timing" in shown and "batch 1" not in shown


def test_error_after_progress_stands_on_a_line_of_its_own(resbench):
    (resbench.directory / "w.h5").write_text("no weights\n")
    code, _, shown = run_on_terminal(resbench, *RUN, "--weights", "w.h5")
    assert code == 3
    last = shown.replace("\r\n", "\n").split("\r\033[K")[-1]
    assert last.startswith("resbench: ") and "w.h5" in last and last.count("\n") == 1
