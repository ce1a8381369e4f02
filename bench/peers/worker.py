#!/usr/bin/env python3
"""A worker that runs another program's ResNet: it speaks on standard input as bench/worker.c does.

A peer is a file NAME_peer.py with
  PACKAGES     the Python packages that it needs, the one that names its version first
  ABOUT        one line
  SETTINGS     name -> what it sets: the candidates, of which the fastest is measured
  open(case, settings) -> an object with
    take(array)     an input (N, 3, H, W) float32 of NumPy, as the framework wants it
    call(input)     what is timed: input to logits, in the framework's hands
    logits(result)  (N, classes) float32 of NumPy
and imports its framework, NumPy included, in open alone: memory is counted from before, and candidates are tried in
forks of this process, which must have no threads yet."""

import argparse
import importlib
import importlib.util
import os
import signal
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from time import perf_counter_ns
from types import ModuleType

import process
import settings
import timing
from models import Case
from protocol import ENGINE, MEMORY, OK, UNSUPPORTED, USAGE, Refused, receive, send, take_socket

INPUTS = 2  # RB_CASE_INPUTS
MEMORY_KINDS = 3
# Of results/ledger.h. What is not told here is unknown: peaks by phase, and what the framework keeps for itself.
LEDGER = (
    *("engine_rss_bytes", "reader_rss_bytes", "buffer_bytes", "host_peak_bytes"),
    *("load_peak_rss_bytes", "open_peak_rss_bytes", "run_peak_rss_bytes"),
    *("load_minor_faults", "load_major_faults", "open_minor_faults", "open_major_faults"),
    *("first_run_minor_faults", "first_run_major_faults"),
)


class Worker:
    def __init__(self, peer: ModuleType, name: str, arguments: argparse.Namespace):
        self.peer, self.name, self.arguments = peer, name, arguments
        self.start_bytes = process.memory_bytes()["resident"]
        self.overhead_ns = timing.null_call_ns()
        self.case: Case | None = None
        self.session = None
        self.inputs: list = [None] * INPUTS
        self.ledger: dict = dict.fromkeys(LEDGER)

    def handle(self, request: dict, block: bytearray) -> tuple[dict, bytes]:
        operations = {
            "describe": self.describe,
            "open": self.open,
            "input": self.input,
            "run": self.run,
            "time": self.time,
            "account": self.account,
            "close": self.close,
        }
        operation = operations.get(request.get("op"))
        if not operation:
            raise Refused(UNSUPPORTED, f"peer:{self.name} has no operation '{request.get('op')}'")
        if self.session is None and operation not in (self.describe, self.open, self.close):
            raise Refused(USAGE, f"'{request['op']}' needs an open case")
        return operation(request, block)

    def version(self) -> str:
        return ", ".join(f"{package} {process.version_of(package)}" for package in self.peer.PACKAGES)

    def describe(self, _request: dict, _block: bytearray) -> tuple[dict, bytes]:
        return {
            "name": f"peer:{self.name}",
            "version": self.version(),
            "description": self.peer.ABOUT,
            "conv_only": False,
        }, b""

    def open(self, request: dict, _block: bytearray) -> tuple[dict, bytes]:
        self.session = None
        if not request.get("verbose"):
            warnings.simplefilter("ignore")  # of deprecated functions, say, in the midst of tables
        if "problem" in request or request.get("jitter"):
            raise Refused(UNSUPPORTED, f"peer:{self.name} runs whole networks with weights as they are")
        members = ("network", "weights", "batch", "height", "width", "classes", "threads")
        self.case = Case(
            program=self.arguments.program,
            cache=Path(self.arguments.cache),
            **{member: request[member] for member in members},
        )
        chosen, tried = self.settle(request.get("settings") or "")
        before = process.memory_bytes()["resident"]
        importlib.import_module(self.peer.PACKAGES[0])
        self.ledger["engine_rss_bytes"] = process.memory_bytes()["resident"] - before
        usage, start = process.Usage(), perf_counter_ns()
        self.session = self.peer.open(self.case, chosen)
        open_ns = perf_counter_ns() - start - sum(self.case.asked_ns)
        self.book("open", usage)
        return {
            "version": self.version(),
            "output_f64": False,
            "load_ns": None,  # the framework reads the file in its own open
            "open_ns": float(open_ns),
            "kernels": [],
            "algorithms": [],
            "executed_macs": [],
            "settings": chosen,
            "settings_tried": tried,
            "call_overhead_ns": self.overhead_ns,
        }, b""

    def book(self, phase: str, usage: process.Usage) -> None:
        spent = usage.spent()
        for kind in ("minor_faults", "major_faults"):
            self.ledger[f"{phase}_{kind}"] = spent[kind]

    def settle(self, given: str) -> tuple[str, str]:
        """The settings of the session to come: those given, or else the fastest of all."""
        names = list(self.peer.SETTINGS)
        if given:
            if given not in names:
                raise Refused(USAGE, f"peer:{self.name} has no settings '{given}', but {', '.join(names)}")
            return given, ""
        return settings.choose(names, self.try_settings, self.arguments.timeout)

    def try_settings(self, name: str) -> float:
        import numpy

        session = self.peer.open(self.case, name)
        values = numpy.random.default_rng(1).standard_normal(self.case.shape, numpy.float32)
        return timing.trial_ns(session.call, session.take(values))

    def input(self, request: dict, block: bytearray) -> tuple[dict, bytes]:
        import numpy

        expected = 4 * numpy.prod(self.case.shape)
        if request["index"] not in range(INPUTS) or len(block) != expected:
            raise Refused(USAGE, f"input {request['index']} of {len(block)} bytes, expected {expected}")
        # A buffer that is aligned as the frameworks like it.
        values = numpy.frombuffer(block, numpy.float32).reshape(self.case.shape).copy()
        self.inputs[request["index"]] = self.session.take(values)
        return {}, b""

    def logits(self, result: object) -> bytes:
        import numpy

        values = numpy.ascontiguousarray(self.session.logits(result), numpy.float32)
        if values.shape != (self.case.batch, self.case.classes):
            raise Refused(
                ENGINE, f"logits of shape {values.shape}, expected {(self.case.batch, self.case.classes)}"
            )
        return values.tobytes()

    def run(self, _request: dict, _block: bytearray) -> tuple[dict, bytes]:
        usage = process.Usage()
        taken, result = timing.call(self.session.call, self.inputs[0])
        if self.ledger["first_run_minor_faults"] is None:
            self.book("first_run", usage)
        return {"run_ns": float(taken)}, self.logits(result)

    def time(self, request: dict, _block: bytearray) -> tuple[dict, bytes]:
        import numpy

        repetitions = request["repetitions"]
        if not 1 <= repetitions <= 1000000:
            raise Refused(USAGE, f"repetitions must lie in 1..1000000, not {repetitions}")
        if request.get("slowdown"):
            raise Refused(UNSUPPORTED, "a peer is not slowed down for a gate's self-test")
        if request.get("cold"):
            raise Refused(UNSUPPORTED, "caches are not emptied before the calls of a peer: --mode steady")
        last = [b""] * INPUTS

        def look(index: int, result: object) -> None:
            last[index] = self.logits(result)
            if not numpy.isfinite(numpy.frombuffer(last[index], numpy.float32)).all():
                raise Refused(ENGINE, "a timed call left a logit that is not finite")

        yardstick = [timing.yardstick_ns()]
        timing.warm_up(request["warmup_seconds"], self.session.call, self.inputs, look)
        samples = timing.sample(repetitions, self.session.call, self.inputs, look)
        yardstick.append(timing.yardstick_ns())
        return {**samples, "yardstick_ns": yardstick}, b"".join(last)

    def account(self, _request: dict, _block: bytearray) -> tuple[dict, bytes]:
        now = process.memory_bytes()
        return {
            "bytes": [-1] * MEMORY_KINDS,  # by kind: a framework does not say
            "peak_rss_bytes": now["peak"],
            "resident_bytes": now["resident"],
            "start_rss_bytes": self.start_bytes,
            **self.ledger,
            "buffer_bytes": 4 * self.case.batch * (3 * self.case.height * self.case.width + self.case.classes) * INPUTS,
        }, b""

    def close(self, _request: dict, _block: bytearray) -> tuple[dict, bytes]:
        self.session = None
        self.inputs = [None] * INPUTS
        return {}, b""


def answer(worker: "Worker | Unusable", request: dict, block: bytearray) -> tuple[dict, bytes]:
    """Failures are answers too."""
    try:
        told, logits = worker.handle(request, block)
        return {"status": OK, **told}, logits
    except Refused as problem:
        return {"status": problem.status, "message": str(problem)}, b""
    except MemoryError:
        return {"status": MEMORY, "message": "no memory"}, b""
    except Exception as problem:  # a framework may fail in any way
        return {"status": ENGINE, "message": sentence_of(problem)}, b""


def sentence_of(problem: Exception) -> str:
    lines = str(problem).strip().splitlines() or ["no reason given"]
    return f"{type(problem).__name__}: {lines[0][:400]}"


class Unusable:
    """Stands for a peer that cannot be asked anything: every answer is the reason."""

    def __init__(self, reason: Refused):
        self.reason = reason

    def handle(self, _request: dict, _block: bytearray) -> tuple[dict, bytes]:
        raise self.reason


def not_installed(packages: list[str]) -> Refused:
    what = "packages {} are" if packages[1:] else "package {} is"
    return Refused(
        UNSUPPORTED,
        f"Python {what.format(' and '.join(packages))} not installed (ci/setup --peers installs it)",
    )


def load(path: Path) -> ModuleType:
    """The peer, with its packages there; UNSUPPORTED where another Python may have them."""
    sys.path.append(str(path.parent))  # a peer may have modules of its own
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as problem:
        raise not_installed([problem.name or str(problem)]) from problem
    except Exception as problem:
        raise Refused(ENGINE, f"{path.name} cannot be loaded: {sentence_of(problem)}") from problem
    for name in ("PACKAGES", "ABOUT", "SETTINGS", "open"):
        if not getattr(module, name, None):
            raise Refused(ENGINE, f"{path.name} has no {name}")
    missing = process.missing_of((*module.PACKAGES, "numpy"))
    if missing:
        raise not_installed(missing)
    return module


def make_worker(arguments: argparse.Namespace) -> "Worker | Unusable":
    """Does not return where another Python takes this one's place."""
    path = arguments.peer
    try:
        return Worker(load(path), path.stem.removesuffix("_peer"), arguments)
    except Refused as reason:
        if reason.status == UNSUPPORTED:
            own = [__file__, str(path), "--program", arguments.program, "--cache", arguments.cache]
            own += ["--timeout", str(arguments.timeout)]
            process.try_next_python(arguments.pythons, own)
        return Unusable(reason)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", type=Path, metavar="NAME_peer.py")
    parser.add_argument("--program", required=True, help="resbench, which exports the weights")
    parser.add_argument("--cache", required=True, help="where exported weights are kept")
    parser.add_argument("--pythons", default="", help="others that may have the packages, ':' between")
    parser.add_argument("--timeout", type=float, required=True, help="seconds that the harness waits for an answer")
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the harness decides when to stop
    os.dup2(2, 1)  # what a peer prints has no place among tables
    worker = make_worker(arguments)
    connection = take_socket()
    with suppress(ConnectionError):  # the harness stops a worker by closing its end
        while (message := receive(connection)) is not None:
            send(connection, *answer(worker, *message))


if __name__ == "__main__":
    main()
