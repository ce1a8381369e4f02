"""A weights file of ours, judged by the program before Python opens it."""

import math
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
        network_table.run("weights", "verify", str(path))  # in a child with limits
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
