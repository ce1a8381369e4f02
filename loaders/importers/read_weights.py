"""A weights file of ours, judged by the program before Python opens it."""

import math
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import h5py
import network_table
import numpy as np
import own_metadata
from found import Refused


class WeightsFile:
    def __init__(self, path: Path):
        self.path = path
        verify(path)
        self.info = network_table.ask("weights", "info", str(path))
        folded = not self.info["batch_norm"]
        graph = network_table.describe(
            self.info["network"], self.info["classes"], self.info["conv_bias"], folded
        )
        self.nodes = graph["nodes"]
        self.input_shape = graph["input"]
        self.tensors = {entry["name"]: tuple(entry["shape"]) for entry in graph["tensors"]}
        rows = {row["name"]: row for row in network_table.rows()}
        self.padding = rows[self.info["network"]]["padding"]

    def byte_count(self) -> int:
        return sum(4 * math.prod(shape) for shape in self.tensors.values())

    def read(self) -> Iterator[tuple[str, np.ndarray]]:
        """One tensor in memory at a time."""
        try:
            with h5py.File(self.path) as file:
                for name, shape in self.tensors.items():
                    yield name, np.require(file[name][()], "<f4", "C").reshape(shape)
        except (OSError, KeyError, TypeError, ValueError):
            raise Refused(f"{self.path}: has changed while it was read") from None

    def metadata(self) -> dict[str, str]:
        return own_metadata.make(self.info)


def verify(path: Path) -> None:
    """Refuses with the program's own sentence; it reads foreign files in a child with limits."""
    program = os.environ.get("RESBENCH_PROGRAM")
    if not program:
        raise Refused("RESBENCH_PROGRAM is not set; start this as 'resbench export'")
    try:
        done = subprocess.run(
            [program, "weights", "verify", str(path)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
        )
    except OSError as problem:
        raise Refused(f"{program}: cannot be run: {problem.strerror}") from None
    if done.returncode != 0:
        sentence = " ".join(done.stderr.split()).removeprefix("resbench: ")
        raise Refused(sentence or f"{path}: 'resbench weights verify' ended without a reason")
