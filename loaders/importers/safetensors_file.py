"""Safetensors files. The library checks the header; the values are taken where they lie, so that types
that NumPy does not know are no trouble."""

import json
import mmap
from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

import float_values
import names
import own_metadata
from float_values import STORED, as_float32
from found import Found, Refused, Tensor

NAME = "safetensors files"

MAX_FORMAT_HEADER_BYTES = 100_000_000  # of the format
MAX_HEADER_BYTES = (
    8 << 20
)  # ResNet-1202's is a tenth of it; the library needs gigabytes for the format's
MAX_DIMENSIONS = 8  # as many as a tensor of a checkpoint; sentences tell shapes
KINDS = {"F32": "float32", "F16": "float16", "BF16": "bfloat16", "F64": "float64"}


def recognises(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            start = file.read(9)
    except OSError:
        return False
    return (
        len(start) == 9
        and int.from_bytes(start[:8], "little") <= MAX_FORMAT_HEADER_BYTES
        and start[8:] == b"{"
    )


def read(path: Path) -> Found:
    with open(path, "rb") as file:
        header_bytes = int.from_bytes(file.read(8), "little")
    if header_bytes > MAX_HEADER_BYTES:
        raise Refused(
            f"{path}: has a header of {header_bytes} bytes, expected at most {MAX_HEADER_BYTES}"
        )
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            slices = {name: file.get_slice(name) for name in file.offset_keys()}
            entries = {
                name: (part.get_dtype(), tuple(part.get_shape())) for name, part in slices.items()
            }
    except (SafetensorError, OSError, ValueError, OverflowError) as problem:
        raise Refused(
            f"{path}: is no valid safetensors file: {' '.join(str(problem).split())[:200]}"
        ) from None
    with open(path, "rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    start = 8 + header_bytes
    header = json.loads(data[8:start])
    renamed, notes = names.ours([name for name in entries if not name.endswith(names.IGNORED)])
    found = Found(format="safetensors", tensors={}, notes=notes)
    for name, (kind, shape) in entries.items():
        if name.endswith(names.IGNORED):
            found.ignored.append(name)
            continue
        if len(shape) > MAX_DIMENSIONS:
            raise Refused(
                f"{path}: tensor {name[:80]} has {len(shape)} dimensions, expected at most {MAX_DIMENSIONS}"
            )
        offset = start + header[name]["data_offsets"][0]
        found.tensors[renamed[name]] = Tensor(
            shape, reader(path, data, name, KINDS.get(kind, kind), shape, offset), name
        )
    found.network = metadata.get("resbench.network")
    own_metadata.take(str(path), metadata, found)
    kinds = {KINDS.get(kind) for kind, _shape in entries.values()}
    found.notes += float_values.notes(kinds)
    return found


def reader(
    path: Path, data: mmap.mmap, name: str, kind: str, shape: tuple[int, ...], offset: int
) -> Callable[[], np.ndarray]:
    def values() -> np.ndarray:
        if kind not in STORED:
            raise Refused(f"{path}: tensor {name[:80]} is {kind}, expected floats")
        stored = np.ndarray(shape, STORED[kind], data, offset)
        return as_float32(stored, kind, f"{path}: tensor {name[:80]}")

    return values
