"""A weights file of ours, judged by the program before Python opens it."""

import json
import math
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np


class Failed(Exception):
    """Nothing was exported: one sentence and the exit code."""

    def __init__(self, sentence: str, code: int = 3):
        super().__init__(sentence)
        self.code = code


class WeightsFile:
    def __init__(self, path: Path):
        self.path = path
        ask("weights", "verify", path)
        self.info = json.loads(ask("weights", "info", path, "--json"))
        shape = [self.info["network"], "--classes", self.info["classes"]]
        if not self.info["batch_norm"]:
            shape.append("--folded")
        elif self.info["conv_bias"]:
            shape.append("--conv-bias")
        graph = json.loads(ask("describe", *shape, "--json"))
        self.nodes = graph["nodes"]
        self.input_shape = graph["input"]
        self.tensors = {entry["name"]: tuple(entry["shape"]) for entry in graph["tensors"]}
        table = json.loads(ask("list", "--json"))["networks"]
        self.row = next(row for row in table if row["name"] == self.info["network"])

    def byte_count(self) -> int:
        return sum(4 * math.prod(shape) for shape in self.tensors.values())

    def read(self) -> Iterator[tuple[str, np.ndarray]]:
        """One tensor in memory at a time."""
        try:
            with h5py.File(self.path) as file:
                for name, shape in self.tensors.items():
                    yield name, np.require(file[name][()], "<f4", "C").reshape(shape)
        except (OSError, KeyError, TypeError, ValueError):
            raise Failed(f"{self.path}: has changed while it was read") from None

    def metadata(self) -> dict[str, str]:
        """The attributes as text, from which own_metadata.py makes them again."""
        names = ("network", "variant", "source", "preprocessing", "sha256")
        texts = {f"resbench.{name}": self.info[name] for name in names}
        texts["resbench.classes"] = str(self.info["classes"])
        texts["resbench.epsilon"] = repr(float(self.info["epsilon"]))
        return texts


def ask(*arguments: object) -> str:
    """What the program prints; its own sentence where it refuses."""
    program = os.environ.get("RESBENCH_PROGRAM")
    if not program:
        raise Failed("RESBENCH_PROGRAM is not set; this is run by 'resbench export'")
    try:
        done = subprocess.run(
            [program, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
    except OSError as problem:
        raise Failed(f"{program}: cannot be run: {problem.strerror}") from None
    if done.returncode != 0:
        sentence = done.stderr.strip().removeprefix("resbench: ") or "the program gave no reason"
        raise Failed(sentence, done.returncode if done.returncode > 0 else 3)
    return done.stdout
