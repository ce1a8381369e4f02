"""What several tests let resbench infer compute, and weights that they alter."""

from pathlib import Path

import h5py
import numpy as np


def oracle_logits(resbench, weights: Path, x: np.ndarray, network: str = "resnet8") -> np.ndarray:
    """Of the input x, (N, 3, H, W)."""
    with h5py.File(resbench.directory / "x.h5", "w") as file:
        file["input"] = x
    arguments = ("--weights", weights, "--input", "x.h5", "--engine", "oracle", "-o", "y.h5")
    assert resbench("infer", network, *arguments, "--threads", "1").code == 0
    with h5py.File(resbench.directory / "y.h5") as file:
        return file["logits"][...]


def write_ten_classes(weights: Path, target: Path) -> None:
    """The same network with its first ten classes alone."""
    with h5py.File(weights) as file, h5py.File(target, "w") as ten:
        for name in file:
            ten[name] = file[name][:10] if name.startswith("fc.") else file[name][...]
        for name in file.attrs:
            ten.attrs.create(name, file.attrs[name], dtype=file.attrs.get_id(name).dtype)
        ten.attrs["classes"] = np.int64(10)
