"""Values of the float types that checkpoints come in, as float32. Nothing is rounded."""

from collections.abc import Iterable

import numpy as np

from found import Refused

# How a type lies in a file. NumPy knows no bfloat16: the upper half of a float32.
STORED = {"float32": "<f4", "float16": "<f2", "bfloat16": "<u2", "float64": "<f8"}


def item_bytes(kind: str) -> int:
    return np.dtype(STORED[kind]).itemsize


def as_float32(stored: np.ndarray, kind: str, where: str) -> np.ndarray:
    """C-contiguous float32 of the same shape; `where` names file and tensor."""
    if kind == "bfloat16":
        return (np.ascontiguousarray(stored).astype("<u4") << 16).view("<f4")
    if kind == "float64":
        with np.errstate(over="ignore"):
            narrow = stored.astype("<f4", order="C")
        if not np.array_equal(narrow.astype("<f8"), stored, equal_nan=True):
            raise Refused(
                f"{where} is float64 with values that no float32 holds; expected float32, "
                "or float64 that was float32 once"
            )
        return narrow
    if kind == "float16":
        return stored.astype("<f4", order="C")
    return np.require(stored, "<f4", ["C", "A"])


def notes(kinds: Iterable[str]) -> list[str]:
    """What was done to values of these types, for people."""
    told = [f"values are {kind}, widened exactly" for kind in ("float16", "bfloat16") if kind in kinds]
    if "float64" in kinds:
        told.append("values are float64, each of them exactly a float32")
    return told
