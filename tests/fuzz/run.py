"""Runs the fuzzing harnesses in turn and tells what they did; ci/fuzz builds them first.

Example:  run.py build/fuzz --seconds 600 --target image --target weights
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROUND_SECONDS = 60  # of one harness before the next has its turn, at most
FINDINGS = ("crash-", "oom-", "timeout-", "leak-")
SOURCE = Path(__file__).resolve().parents[2]
IMPORTED = (
    "keras",
    "onnx",
    "pickle",
    "safetensors",
    "tfjs",
    "torch",
)  # of fuzz_import.py
LIMITS = ["-timeout=30", "-rss_limit_mb=2048", "-malloc_limit_mb=4096"]


@dataclass
class Target:
    """One harness, and what its turns have given so far."""

    name: str
    command: list[str]
    build: Path
    seconds: float = 0.0
    executions: int = 0
    edges: int = 0
    known: set[str] = field(default_factory=set)
    failures: int = 0

    @property
    def findings(self) -> Path:
        return self.build / "findings" / self.name

    def inputs(self) -> set[str]:
        """Inputs that broke something, in any run."""
        return {
            entry.name
            for entry in self.findings.iterdir()
            if entry.name.startswith(FINDINGS)
        }

    def prepare(self) -> None:
        self.findings.mkdir(parents=True, exist_ok=True)
        (self.build / "corpus" / self.name).mkdir(parents=True, exist_ok=True)
        self.known = self.inputs()

    def turn(self, seconds: int, environment: dict[str, str]) -> None:
        log = self.findings / "last.log"
        started = time.monotonic()
        with log.open("wb") as out:
            done = subprocess.run(
                [
                    *self.command,
                    *LIMITS,
                    f"-max_total_time={seconds}",
                    "-print_final_stats=1",
                    f"-artifact_prefix={self.findings}/",
                    str(self.build / "corpus" / self.name),
                    str(self.build / "seeds" / self.name),
                ],
                stdout=out,
                stderr=subprocess.STDOUT,
                env=environment,
                check=False,
            )
        self.seconds += time.monotonic() - started
        text = log.read_text(errors="replace")
        for count in re.findall(
            r"^stat::number_of_executed_units: (\d+)", text, re.MULTILINE
        ):
            self.executions += int(count)
        for count in re.findall(r"^#\d+\s.* cov: (\d+) ", text, re.MULTILINE):
            self.edges = max(self.edges, int(count))
        if done.returncode not in (0, -signal.SIGINT):
            self.failures += 1
            log.rename(self.findings / f"failure-{self.failures}.log")


def find_targets(build: Path, wanted: Sequence[str]) -> list[Target]:
    programs = sorted(
        path for path in (build / "bin").glob("fuzz_*") if path.name != "fuzz_seeds"
    )
    targets = [
        Target(path.name.removeprefix("fuzz_"), [str(path)], build) for path in programs
    ]
    script = str(Path(__file__).with_name("fuzz_import.py"))
    targets += [
        Target(f"import_{kind}", [sys.executable, script, kind], build)
        for kind in IMPORTED
    ]
    names = [target.name for target in targets]
    unknown = [name for name in wanted if name not in names]
    if unknown or not targets:
        sys.exit(
            f"ci/fuzz: no target {', '.join(unknown)}; there are: {', '.join(names)}"
        )
    return [target for target in targets if not wanted or target.name in wanted]


def run_turns(targets: list[Target], seconds: float, jobs: int, scratch: str) -> None:
    """Every harness gets the same time, in turns, so that an early stop leaves none out."""
    environment = {
        **os.environ,
        "TMPDIR": scratch,
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "PYTHONPATH": os.pathsep.join(
            str(SOURCE / path) for path in ("loaders/importers", "tests/cli")
        ),
        "RESBENCH_PROGRAM": str(targets[0].build / "bin" / "resbench"),
    }
    ends = time.monotonic() + seconds
    share = seconds * jobs / len(targets)
    turn_seconds = max(1, round(share / max(1, round(share / ROUND_SECONDS))))
    stop = threading.Event()

    def work(target: Target) -> None:
        left = ends - time.monotonic()
        if left >= 1 and not stop.is_set():
            target.turn(min(turn_seconds, round(left)), environment)
            if sys.stderr.isatty():
                print(
                    f"\r{target.name:<16} {max(0, left - turn_seconds):6.0f} s left ",
                    end="",
                    file=sys.stderr,
                )

    with ThreadPoolExecutor(jobs) as pool:
        try:
            while time.monotonic() < ends - 1:
                list(pool.map(work, targets))
        except KeyboardInterrupt:
            stop.set()
    if sys.stderr.isatty():
        print(file=sys.stderr)


def report(targets: list[Target]) -> int:
    """The table, the sentence, and the number of findings."""
    print(
        f"{'target':<16} {'seconds':>8} {'executions':>12} {'edges':>6} {'findings':>8}"
    )
    found = 0
    for target in targets:
        new = target.inputs() - target.known
        count = max(len(new), 1 if target.failures else 0)
        found += count
        print(
            f"{target.name:<16} {target.seconds:8.0f} {target.executions:12d} {target.edges:6d} {count:8d}"
        )
        for name in sorted(new):
            print(f"    {target.findings / name}")
    seconds = sum(target.seconds for target in targets)
    executions = sum(target.executions for target in targets)
    idle = [target.name for target in targets if target.executions == 0]
    if idle:
        print(f"nothing was executed: {', '.join(idle)}")
    print(
        f"fuzz: {len(targets)} targets, {executions} executions in {seconds:.0f} s, {found} findings"
    )
    return found + len(idle)


def main() -> int:
    parser = argparse.ArgumentParser(prog="ci/fuzz", description=__doc__)
    parser.add_argument("build", type=Path, help="where the preset fuzz is built")
    parser.add_argument(
        "--seconds", type=int, default=300, help="of all targets together (300)"
    )
    parser.add_argument(
        "--target", action="append", default=[], help="only this one; may be repeated"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, help="targets at the same time (1)"
    )
    options = parser.parse_args()
    if options.seconds < 1 or options.jobs < 1:
        parser.error("--seconds and --jobs are at least 1")
    for number in (signal.SIGINT, signal.SIGTERM):  # both end the run with its table
        signal.signal(number, signal.default_int_handler)
    targets = find_targets(options.build.resolve(), options.target)
    for target in targets:
        target.prepare()
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        prefix="resbench-fuzz-", dir=memory if os.access(memory, os.W_OK) else None
    ) as scratch:
        run_turns(targets, options.seconds, options.jobs, scratch)
    return 1 if report(targets) else 0


if __name__ == "__main__":
    sys.exit(main())
