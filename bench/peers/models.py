"""The harness's weights as files that other programs read, made once and kept beside the synthetic weights."""

import json
import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from process import end_with_parent
from protocol import UNSUPPORTED, Refused


@dataclass(frozen=True)
class Case:
    """One network at one shape, and where its exported weights are."""

    program: str  # resbench
    cache: Path
    network: str
    weights: str  # path of the HDF5 file
    batch: int
    height: int
    width: int
    classes: int
    threads: int
    asked_ns: list[int] = field(default_factory=list)  # what each of our own commands took

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return self.batch, 3, self.height, self.width

    def info(self) -> dict:
        return json.loads(self.ask("weights", "info", self.weights, "--json"))

    def description(self) -> dict:
        """The graph as 'resbench describe' tells it, at this size."""
        info = self.info()
        words = ["--classes", self.classes, "--size", f"{self.height}x{self.width}"]
        if not info["batch_norm"]:
            words.append("--folded")
        elif info["conv_bias"]:
            words.append("--conv-bias")
        return json.loads(self.ask("describe", self.network, *words, "--json"))

    def onnx(self) -> Path:
        return self.exported("onnx")

    def safetensors(self) -> Path:
        return self.exported("safetensors")

    def exported(self, kind: str) -> Path:
        """The program writes a temporary file and renames it, so what is there is whole."""
        path = self.kept(kind)
        if not path.exists():
            self.ask("export", self.weights, f"--{kind}", path)
        return path

    def kept(self, suffix: str) -> Path:
        """Where a file made of these weights is kept."""
        return self.cache / f"{self.network}-{self.info()['sha256']}.{suffix}"

    def ask(self, *words: object) -> str:
        """What the program prints, which is no part of the peer's own time."""
        start = time.perf_counter_ns()
        try:
            return run([self.program, *words])
        finally:
            self.asked_ns.append(time.perf_counter_ns() - start)


def run(command: list, **options) -> str:
    """What a command prints. Its failure costs the peer's row alone: the weights are sound, or nothing would run. It
    ends with this process."""
    done = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        preexec_fn=end_with_parent,
        **options,
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Refused(UNSUPPORTED, f"{os.path.basename(command[0])}: {last.removeprefix('resbench: ')}")
    return done.stdout
