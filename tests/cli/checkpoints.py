"""Writes what PyTorch's torch.save writes, without PyTorch: the zip archive and the older form.

Names and shapes of the networks are written down here a second time, from the papers and torchvision."""

import io
import json
import math
import os
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np

BN = ("weight", "bias", "running_mean", "running_var")
CIFAR = {"resnet20": 3, "resnet32": 5, "resnet56": 9}  # blocks in each of three stages
IMAGENET = {"resnet18": (False, (2, 2, 2, 2)), "resnet50": (True, (3, 4, 6, 3))}
STORAGES = {
    "<f4": "FloatStorage",
    "<f2": "HalfStorage",
    "<f8": "DoubleStorage",
    "<i8": "LongStorage",
    "<u2": "BFloat16Storage",  # the upper halves of float32
}
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


def add_bn(shapes: dict, name: str, channels: int) -> None:
    shapes.update({f"{name}.{part}": (channels,) for part in BN})


def cifar_shapes(name: str, last: str = "linear") -> dict:
    shapes = {"conv1.weight": (16, 3, 3, 3)}
    add_bn(shapes, "bn1", 16)
    before = 16
    for stage, width in enumerate((16, 32, 64), start=1):
        for block in range(CIFAR[name]):
            for index, source in ((1, before), (2, width)):
                shapes[f"layer{stage}.{block}.conv{index}.weight"] = (width, source, 3, 3)
                add_bn(shapes, f"layer{stage}.{block}.bn{index}", width)
            before = width
    return {**shapes, f"{last}.weight": (10, 64), f"{last}.bias": (10,)}


def imagenet_shapes(name: str, classes: int = 1000) -> dict:
    bottleneck, blocks = IMAGENET[name]
    shapes = {"conv1.weight": (64, 3, 7, 7)}
    add_bn(shapes, "bn1", 64)
    before = 64
    for stage, (width, count) in enumerate(zip((64, 128, 256, 512), blocks, strict=True), start=1):
        out = 4 * width if bottleneck else width
        kernels = (1, 3, 1) if bottleneck else (3, 3)
        for block in range(count):
            prefix, source = f"layer{stage}.{block}", before
            for index, k in enumerate(kernels, start=1):
                channels = out if index == len(kernels) else width
                shapes[f"{prefix}.conv{index}.weight"] = (channels, source, k, k)
                add_bn(shapes, f"{prefix}.bn{index}", channels)
                source = channels
            if before != out:
                shapes[f"{prefix}.downsample.0.weight"] = (out, before, 1, 1)
                add_bn(shapes, f"{prefix}.downsample.1", out)
            before = out
    return {**shapes, "fc.weight": (classes, before), "fc.bias": (classes,)}


def values(shapes: dict, seed: int = 1) -> dict[str, np.ndarray]:
    """Every tensor differs from every other; variances are positive."""
    noise = np.random.default_rng(seed).uniform(0.5, 1.5, 1 << 16).astype("<f4")
    result = {}
    for index, (name, shape) in enumerate(shapes.items()):
        result[name] = np.resize(np.roll(noise, -index), shape).astype("<f4")
    return result


@dataclass(frozen=True)
class Stored:
    """A tensor that is a view of a storage: shape and strides in values."""

    storage: np.ndarray  # of one dimension
    shape: tuple
    strides: tuple
    offset: int = 0


def whole(array: np.ndarray) -> Stored:
    strides = tuple(step // array.itemsize for step in array.strides)
    return Stored(array.reshape(-1), array.shape, strides)


def bfloat16(array: np.ndarray) -> Stored:
    """Truncated to the upper half; array must be C-contiguous."""
    return whole((array.view("<u4") >> 16).astype("<u2"))


def fake_torch() -> dict[str, types.ModuleType]:
    """Modules with the names that torch.save writes into a pickle; none of them does anything."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in STORAGES.values():
        setattr(torch, name, type(name, (), {"__module__": "torch"}))

    def rebuild(*arguments):
        raise AssertionError("only pickled, never called")

    rebuild.__module__, rebuild.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = rebuild
    torch._utils = utils
    return {"torch": torch, "torch._utils": utils}


class Pickler(pickle._Pickler):  # the one in Python: the other does not look at sys.modules alone
    """Writes Stored as torch does, and hands out keys for storages."""

    def __init__(self, file, modules: dict, location: str) -> None:
        super().__init__(file, 2)
        self.modules, self.location = modules, location
        self.storages: list[np.ndarray] = []

    def reducer_override(self, item):
        if not isinstance(item, Stored):
            return NotImplemented
        rebuild = self.modules["torch._utils"]._rebuild_tensor_v2
        hooks = OrderedDict()
        place = StorageOf(item.storage)
        return rebuild, (place, item.offset, item.shape, item.strides, False, hooks)

    def persistent_id(self, item):
        if not isinstance(item, StorageOf):
            return None
        known = [index for index, other in enumerate(self.storages) if other is item.array]
        if not known:
            self.storages.append(item.array)
        key = known[0] if known else len(self.storages) - 1
        kind = getattr(self.modules["torch"], STORAGES[item.array.dtype.str])
        return "storage", kind, str(key), self.location, len(item.array)


@dataclass(frozen=True)
class StorageOf:
    array: np.ndarray


def pickled(value) -> tuple[bytes, list[np.ndarray]]:
    stream, modules = io.BytesIO(), fake_torch()
    with mock.patch.dict(sys.modules, modules):
        pickler = Pickler(stream, modules, "cpu")
        pickler.dump(value)
    return stream.getvalue(), pickler.storages


def state_dict(tensors: dict, prefix: str = "") -> OrderedDict:
    """Arrays become whole storages; bn layers get the counter that PyTorch has since 0.4.1."""
    result = OrderedDict()
    for name, tensor in tensors.items():
        result[prefix + name] = tensor if isinstance(tensor, Stored) else whole(tensor)
        if name.endswith("running_var"):
            counter = f"{prefix}{name.removesuffix('running_var')}num_batches_tracked"
            result[counter] = Stored(np.array([7], "<i8"), (), ())
    return result


def zip_entries(pickle_bytes: bytes, storages: list) -> dict[str, bytes]:
    entries = {"archive/data.pkl": pickle_bytes, "archive/byteorder": b"little"}
    for key, array in enumerate(storages):
        entries[f"archive/data/{key}"] = array.tobytes()
    return {**entries, "archive/version": b"3\n"}


def write_zip(path: Path, value, **changes: bytes) -> Path:
    """changes: other contents for entries, by their names."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in zip_entries(*pickled(value)).items():
            archive.writestr(name, changes.get(name.removeprefix("archive/"), content))
    return path


def legacy_bytes(pickle_bytes: bytes, storages: list, little: bool = True) -> bytes:
    machine = {"protocol_version": PROTOCOL, "little_endian": little, "type_sizes": {"int": 4}}
    parts = [pickle.dumps(part, 2) for part in (MAGIC, PROTOCOL, machine)]
    parts += [pickle_bytes, pickle.dumps([str(key) for key in range(len(storages))], 2)]
    parts += [struct.pack("<q", len(array)) + array.tobytes() for array in storages]
    return b"".join(parts)


def write_legacy(path: Path, value) -> Path:
    path.write_bytes(legacy_bytes(*pickled(value)))
    return path


def write_hollow_safetensors(path: Path, shapes: dict) -> Path:
    """Zeros that take no room on disk."""
    header, end = {}, 0
    for name, shape in shapes.items():
        start, end = end, end + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    os.truncate(path, path.stat().st_size + end)
    return path


WRITERS = {"zip": write_zip, "legacy": write_legacy}
