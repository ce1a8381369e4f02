"""Writes a weights file (docs/weights.md): one tensor in memory at a time."""

import hashlib
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import preprocessing as steps

from found import Refused
from match import Match

SCHEMA_VERSION = 2
ALIGNMENT = 64  # tensors are used where they lie
SOURCE_BYTES = 255


def write(temporary: Path | None, target: str, path: str, source: str, match: Match) -> str:
    """Writes the file (None: only reads and checks) and returns its SHA-256; target and path
    are the names of the new and of the foreign file, for sentences."""
    if temporary is None:
        return take_tensors(path, match, lambda name, values: None)
    with writing(target):
        file = h5py.File(
            temporary,
            "x",  # never through a link that is there already
            libver=("v108", "latest"),
            alignment_threshold=ALIGNMENT,
            alignment_interval=ALIGNMENT,
        )

    def put(name: str, values: np.ndarray) -> None:
        with writing(target):
            file.create_dataset(name, data=values)

    try:
        digest = take_tensors(path, match, put)
        with writing(target):
            file.attrs.update(attributes(source, digest, match))
    finally:
        with writing(target):
            file.close()
    return digest


@contextmanager
def writing(target: str) -> Iterator[None]:
    """What HDF5 raises when it cannot write, as a sentence. Reading has errors of its own."""
    try:
        yield
    except (OSError, RuntimeError) as problem:
        errno = getattr(problem, "errno", None)
        reason = os.strerror(errno) if errno else "is the disk full?"
        raise Refused(f"{target}: cannot be written: {reason}") from None


def attributes(source: str, digest: str, match: Match) -> dict:
    return {
        "network": match.row["name"],
        "variant": match.row["variant"],
        "source": source.encode(errors="replace")[:SOURCE_BYTES].decode(errors="ignore"),
        "preprocessing": steps.to_text(match.preprocessing),
        "sha256": digest,
        "schema_version": np.int64(SCHEMA_VERSION),
        "classes": np.int64(match.classes),
        "epsilon": np.float64(match.epsilon),
        "conv_bias": np.int64(match.conv_bias),
        "batch_norm": np.int64(match.batch_norm),
    }


def take_tensors(path: str, match: Match, put: Callable[[str, np.ndarray], object]) -> str:
    """In the byte order of the names, which is the order of the digest."""
    sha256 = hashlib.sha256()
    for name in sorted(match.tensors, key=str.encode):
        tensor = match.tensors[name]
        values = tensor.read()
        if values.shape != tensor.shape or values.dtype != np.dtype("<f4"):
            raise Refused(
                f"{path}: tensor {tensor.origin} is {values.dtype} of shape {values.shape}, "
                f"expected float32 of shape {tensor.shape}"
            )
        check_values(values, f"{path}: tensor {tensor.origin}", name)
        sha256.update(f"{name}\n{' '.join(map(str, tensor.shape))}\n".encode())
        sha256.update(values)
        put(name, values)
    sha256.update(b"epsilon\n" + struct.pack("<d", match.epsilon))
    return sha256.hexdigest()


def check_values(values: np.ndarray, what: str, name: str) -> None:
    if not np.isfinite(values).all():
        raise Refused(f"{what} holds a NaN or an infinity")
    if name.endswith(".running_var") and values.min() < 0:
        raise Refused(f"{what} holds a negative variance, {values.min():g}")
