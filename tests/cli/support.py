"""What the command-line tests share."""

import csv
import json
import os
import signal
import statistics
import subprocess
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

# Small and single-threaded: quick, and undisturbed by whatever else the machine does.
SMALL = ("--size", "32", "--threads", "1")
QUICK = ("--quick", *SMALL)
PATIENCE_S = 600


@dataclass
class Result:
    code: int
    out: str
    err: str


def program_path() -> Path:
    path = os.environ.get("RESBENCH_PROGRAM")
    assert path, "RESBENCH_PROGRAM must name the program under test"
    return Path(path)


def engine_path(fault: str) -> str:
    directory = os.environ.get("RESBENCH_TEST_ENGINES")
    assert directory, "RESBENCH_TEST_ENGINES must name the directory of tests/engines"
    return f"{directory}/{fault}.so"


@dataclass
class Resbench:
    """The program, with a cache and a working directory of its own. Every process it starts
    carries the mark in its environment, and none may be left at the end."""

    cache: Path
    directory: Path
    mark: str = field(default_factory=lambda: f"RESBENCH_TEST_MARK={uuid.uuid4()}")

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        left = self.processes()
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert not left, f"{len(left)} processes were left running"

    def environment(self) -> dict:
        name, value = self.mark.split("=")
        return {**os.environ, "RESBENCH_CACHE": str(self.cache), name: value}

    def __call__(self, *arguments) -> Result:
        done = subprocess.run(
            [program_path(), *map(str, arguments)],
            cwd=self.directory,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments, **options) -> subprocess.Popen:
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(
            [program_path(), *map(str, arguments)],
            cwd=self.directory,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            text=True,
            **options,
        )

    def fails(self, code: int, *arguments) -> str:
        """Runs a command that must fail with code; returns its one sentence."""
        result = self(*arguments)
        assert result.code == code, result
        sentence = result.err.split("\nTry `")[0].rstrip("\n")  # argp adds a hint
        assert sentence.startswith("resbench") and "\n" not in sentence, result
        return sentence

    def processes(self) -> list[int]:
        """Living processes that carry the mark, the program itself included."""
        mark = self.mark.encode()
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:  # ended meanwhile, or not ours
                pass
        return found


def wait_for_hang(resbench: Resbench) -> list[int]:
    """Waits for workers that have loaded the engine that never returns."""

    def has_loaded_it(pid: int) -> bool:
        try:
            return "/hang.so" in Path(f"/proc/{pid}/maps").read_text()
        except OSError:
            return False

    return wait_for(
        lambda: [pid for pid in resbench.processes() if has_loaded_it(pid)],
        "a worker with the engine that hangs",
    )


def wait_for(condition, what: str):
    """Polls until condition() is true; returns what it returned."""
    deadline = time.monotonic() + PATIENCE_S / 2
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited in vain for {what}")


def stop(process: subprocess.Popen, number: int = signal.SIGINT) -> Result:
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_S)
    return Result(process.returncode, out, err)


@dataclass
class Report:
    """The files of a run."""

    directory: Path

    def __post_init__(self):
        self.json = json.loads((self.directory / "results.json").read_text())
        with open(self.directory / "results.csv", newline="") as file:
            self.csv = list(csv.DictReader(file))
        self.markdown = (self.directory / "results.md").read_text()
        self.records = {record["name"]: record for record in self.json["resbench"]["records"]}

    def rows(self, name: str) -> list[dict]:
        return [row for row in self.json["benchmarks"] if row["run_name"] == name]

    def samples(self, name: str) -> list[tuple]:
        return [
            (row["real_time"], row["cpu_time"], row["worker"], row["turn"])
            for row in self.rows(name)
            if row["run_type"] == "iteration" and not row.get("error_occurred")
        ]

    def median(self, name: str) -> float:
        return statistics.median(sample[0] for sample in self.samples(name))

    def csv_row(self, name: str) -> dict:
        (row,) = [row for row in self.csv if csv_name(row) == name]
        return row


def csv_name(row: dict) -> str:
    return cell(row["network"], row["engine"], row["batch"], row["threads"], row["size"])


def cell(
    network: str, engine: str, batch: int = 1, threads: int = 1, size: str = "32x32"
) -> str:
    return f"{network}/{engine}/batch:{batch}/threads:{threads}/size:{size}"


def graded(context: dict) -> str:
    """The grade that every result file carries, with its reasons."""
    assert context["grade"] in tuple("ABCD") and isinstance(context["grade_reasons"], list)
    assert context["grade"] == "A" or context["grade_reasons"]
    return f"grade {context['grade']}"


def table_lines(out: str) -> list[str]:
    """The rows of the table on the terminal, without its head."""
    lines = out.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("network "))
    rows = []
    for line in lines[first + 1 :]:
        if not line.startswith("resnet") or "/" in line.split()[0]:
            break
        rows.append(line)
    return rows
