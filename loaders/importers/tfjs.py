"""Reads TensorFlow.js layers models: model.json, which holds a Keras model config, and its shards."""

import mmap
import os
import stat
from pathlib import Path

import numpy as np

import keras_plan
from found import Found, Refused, Tensor
from keras_config import parse_json
from keras_model import plan_from_model
from keras_plan import Weights

NAME = "TensorFlow.js layers model (model.json or its directory)"

MAX_JSON_BYTES = 32 << 20
MAX_SHARDS = 4096
MAX_TENSORS = 16384


def recognises(path: Path) -> bool:
    try:
        path = _json(path)
        if not stat.S_ISREG(os.stat(path).st_mode):
            return False
        with open(path, "rb") as file:
            text = file.read(MAX_JSON_BYTES + 1)
        return text.lstrip()[:1] == b"{" and b'"weightsManifest"' in text
    except (OSError, ValueError):
        return False


def _json(path: Path) -> Path:
    return path / "model.json" if path.is_dir() else path


def read(path: Path) -> Found:
    path = _json(path)
    with open(path, "rb") as file:
        text = file.read(MAX_JSON_BYTES + 1)
    if len(text) > MAX_JSON_BYTES:
        raise Refused(f"{path}: has more than {MAX_JSON_BYTES} bytes of JSON")
    model = parse_json(path, "the file", text)
    plan = plan_from_model(path, _topology(path, model))
    return keras_plan.found(path, "TensorFlow.js layers model", plan, _weights(path, model))


def _topology(path: Path, model: dict) -> dict:
    if model.get("format") == "graph-model":
        raise Refused(f"{path}: is a graph model of TensorFlow.js; only layers models are read")
    topology = model.get("modelTopology")
    if isinstance(topology, dict) and "model_config" in topology:
        topology = topology["model_config"]
    if isinstance(topology, str):
        topology = parse_json(path, "modelTopology", topology)
    if not isinstance(topology, dict) or "class_name" not in topology:
        raise Refused(f"{path}: has no modelTopology of a layers model")
    return topology


def _weights(path: Path, model: dict) -> Weights:
    groups = model.get("weightsManifest")
    if not isinstance(groups, list) or not all(isinstance(group, dict) for group in groups):
        raise Refused(f"{path}: weightsManifest is not a list of groups")
    weights: Weights = {}
    names: set[str] = set()
    for group in groups:
        entries, paths = group.get("weights"), group.get("paths")
        if not isinstance(entries, list) or not isinstance(paths, list):
            raise Refused(f"{path}: a group of weightsManifest has no list of weights or of paths")
        if len(entries) > MAX_TENSORS or len(paths) > MAX_SHARDS:
            raise Refused(f"{path}: has {len(entries)} tensors in {len(paths)} shards, too many")
        shards = _Shards([_shard(path, name) for name in paths])
        at = 0
        for entry in entries:
            name, shape = _entry(path, entry)
            if name in names:
                raise Refused(f"{path}: two tensors are called {name}")
            names.add(name)
            size = 4 * int(np.prod(shape, dtype=object))
            if size > shards.size - at:
                raise Refused(
                    f"{path}: tensor {name} of shape {shape} ends at byte {at + size} of its group, "
                    f"whose shards have {shards.size}"
                )
            layer, _, variable = name.rpartition("/")
            weights.setdefault(layer, []).append((variable, _tensor(shards, at, shape, name)))
            at += size
        if at != shards.size:
            raise Refused(
                f"{path}: the shards of a group have {shards.size} bytes, its tensors {at}"
            )
    return weights


def _entry(path: Path, entry: object) -> tuple[str, tuple[int, ...]]:
    name = entry.get("name") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not name.isprintable() or len(name) > 500:
        raise Refused(f"{path}: weightsManifest has a tensor without a name")
    if "quantization" in entry:
        raise Refused(f"{path}: tensor {name} is quantised; only float32 weights are read")
    if entry.get("dtype") != "float32":
        raise Refused(
            f"{path}: tensor {name} has the wrong type: expected float32, found "
            f"{str(entry.get('dtype'))[:60]!r}"
        )
    shape = entry.get("shape")
    if (
        not isinstance(shape, list)
        or len(shape) > 4
        or any(type(size) is not int or not 1 <= size < 1 << 31 for size in shape)
    ):
        raise Refused(f"{path}: tensor {name} has the shape {str(shape)[:60]}")
    return name, tuple(shape)


def _shard(path: Path, name: object) -> memoryview:
    """A file beside model.json, or below; mapped, and read when it is needed."""
    directory = path.parent.resolve()
    where = f"{path}: shard {str(name)[:200]!r}"
    if not isinstance(name, str) or not name or "\0" in name or "://" in name:
        raise Refused(f"{where} is not the path of a file")
    if os.path.isabs(name) or ".." in Path(name).parts:
        raise Refused(f"{where} lies outside of the model's directory")
    try:
        shard = (directory / name).resolve()
        if not shard.is_relative_to(directory):
            raise Refused(f"{where} lies outside of the model's directory")
        if not stat.S_ISREG(os.stat(shard).st_mode):
            raise Refused(f"{where} is not a regular file")
        with open(shard, "rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                return memoryview(b"")
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise Refused(f"{where} cannot be read: {reason}") from None


class _Shards:
    """The shards of one group, end to end."""

    def __init__(self, shards: list[memoryview]):
        self._shards = shards
        self.size = sum(len(shard) for shard in shards)

    def copy(self, start: int, target: memoryview) -> None:
        for shard in self._shards:
            if start < len(shard) and len(target):
                count = min(len(shard) - start, len(target))
                target[:count] = shard[start : start + count]
                target, start = target[count:], 0
            else:
                start = max(0, start - len(shard))


def _tensor(shards: _Shards, at: int, shape: tuple[int, ...], name: str) -> Tensor:
    def read() -> np.ndarray:
        values = np.empty(shape, "<f4")
        shards.copy(at, memoryview(values.reshape(-1)).cast("B"))
        return values

    return Tensor(shape, read, name)
