"""Reads Keras's HDF5 files (model or weights alone, `.weights.h5`) and its `.keras` archives."""

import io
import os
import re
import zipfile
from pathlib import Path
from typing import IO

import h5py

import hdf5_foreign as hdf5
import keras_names as names
import keras_plan
from found import Found, Refused, Tensor
from keras_config import parse_json
from keras_model import plan_from_model
from keras_plan import Weights

NAME = "Keras HDF5 (.h5, .weights.h5) and .keras"

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MEMBERS = ("config.json", "model.weights.h5")
_CONTAINERS = (
    "layers",
    "_layer_checkpoint_dependencies",
)  # Keras 3; TensorFlow 2.12 to 2.15

Counted = dict[str, tuple[str | None, list[tuple[str, Tensor]]]]  # own name and weights


def recognises(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            start = file.read(8)
        return start == _SIGNATURE or (start[:2] == b"PK" and _is_archive(path))
    except (OSError, ValueError):
        return False


def _is_archive(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return set(_MEMBERS) <= set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
        return False


def read(path: Path) -> Found:
    with open(path, "rb") as file:
        if file.read(8) != _SIGNATURE:
            return _read_archive(path)
    file = hdf5.open_hdf5(path)
    if "schema_version" in file.attrs:
        kind = "data set" if "images" in file else "weights file"
        raise Refused(f"{path}: is a {kind} of resbench already")
    config = hdf5.text(path, file, "model_config")
    if config is not None:
        plan = plan_from_model(path, parse_json(path, "attribute model_config", config))
        root = hdf5.child_group(path, file, "model_weights")
        return keras_plan.found(path, "Keras HDF5 model", plan, _named(path, file, root))
    if any(name in file for name in _CONTAINERS):
        weights = _own_names(path, _counted(path, file))
        plan = names.plan_from_names(path, weights)
        return keras_plan.found(path, "Keras weights (.weights.h5)", plan, weights)
    weights = _named(path, file, file)
    plan = names.plan_from_names(path, weights)
    return keras_plan.found(path, "Keras HDF5 weights", plan, weights)


def _named(path: Path, file: h5py.File, root: h5py.Group) -> Weights:
    """The older form: layer_names at the root, weight_names at each layer."""
    backend = hdf5.text(path, root, "backend") or hdf5.text(path, file, "backend")
    if backend == "theano":
        raise Refused(f"{path}: was written with the backend theano, whose kernels are flipped")
    layers = hdf5.texts(path, root, "layer_names")
    if layers is None:
        raise Refused(f"{path}: is an HDF5 file, but none of Keras: no attribute layer_names")
    weights: Weights = {}
    for layer in layers:
        group = hdf5.child_group(path, root, layer)
        variables = hdf5.texts(path, group, "weight_names") or []
        if layer in weights:
            raise Refused(f"{path}: two layers are called {layer}")
        weights[layer] = [
            (name, hdf5.tensor(path, hdf5.child(path, group, name))) for name in variables
        ]
    return weights


def _counted(path: Path, file: h5py.File) -> Counted:
    """The newer form: layers/conv2d_5/vars/0; each with its own name where vars states that."""
    container = next(name for name in _CONTAINERS if name in file)
    root = hdf5.child_group(path, file, container)
    counted: Counted = {}
    for layer in hdf5.names(path, root):
        group = hdf5.child_group(path, root, layer)
        members = hdf5.names(path, group)
        if any(name in members for name in _CONTAINERS):
            raise Refused(f"{path}: layer {layer} is a model of its own, which is not read")
        if "vars" not in members:
            continue
        variables = hdf5.child_group(path, group, "vars")
        ordered = sorted(hdf5.names(path, variables), key=lambda name: (len(name), name))
        tensors = [(name, hdf5.tensor(path, hdf5.child(path, variables, name))) for name in ordered]
        counted[layer] = (hdf5.text(path, variables, "name"), tensors)
    return counted


def _own_names(path: Path, counted: Counted) -> Weights:
    """Without a model config: by the names that the layers state, or by their order."""
    if not any(own for own, _ in counted.values()):
        return names.names_by_order(path, {layer: value for layer, (_, value) in counted.items()})
    weights: Weights = {}
    for layer, (own, tensors) in counted.items():
        if (own or layer) in weights:
            raise Refused(f"{path}: two layers are called {own or layer}")
        weights[own or layer] = tensors
    return weights


def _read_archive(path: Path) -> Found:
    try:
        with zipfile.ZipFile(path) as archive:
            config, member = (archive.getinfo(name) for name in _MEMBERS)
            if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
                raise Refused(f"{path}: {member.filename} is compressed; Keras stores it as it is")
            if config.file_size > hdf5.MAX_TEXT_BYTES:
                raise Refused(f"{path}: config.json has {config.file_size} bytes")
            with archive.open(config) as file:
                model = parse_json(path, "config.json", file.read(hdf5.MAX_TEXT_BYTES))
            with archive.open(member) as file:  # its checksum, before HDF5 sees it
                while file.read(1 << 20):
                    pass
    except (
        zipfile.BadZipFile,
        OSError,
        KeyError,
        ValueError,
        NotImplementedError,
        EOFError,
    ):
        raise Refused(f"{path}: is a zip archive of Keras that is damaged") from None
    plan = plan_from_model(path, model)
    weights_file = hdf5.open_hdf5(path, _member(path, member))
    if not any(name in weights_file for name in _CONTAINERS):
        raise Refused(f"{path}: {member.filename} holds no layers")
    counted = _counted(path, weights_file)
    weights = {
        layer: counted[group][1] for layer, group in _groups(model).items() if group in counted
    }
    left = counted.keys() - set(_groups(model).values())
    if left:
        raise Refused(f"{path}: {member.filename} holds {sorted(left)[0]}, no layer of the model")
    return keras_plan.found(path, "Keras archive (.keras)", plan, weights)


def _groups(model: dict) -> dict[str, str]:
    """Layer -> its group in the weights: the class in snake case, counted in the model's order."""
    groups, counts = {}, {}
    for layer in model["config"]["layers"]:
        kind = layer["class_name"]
        snake = re.sub(r"\W+", "", kind)
        snake = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", snake)
        snake = re.sub("([a-z])([A-Z])", r"\1_\2", snake).lower()
        number = counts[snake] = counts.get(snake, -1) + 1
        groups[layer.get("name") or layer["config"]["name"]] = (
            f"{snake}_{number}" if number else snake
        )
    return groups


def _member(path: Path, member: zipfile.ZipInfo) -> IO[bytes]:
    with open(path, "rb") as file:
        file.seek(member.header_offset + 26)
        lengths = file.read(4)
    start = (
        member.header_offset
        + 30
        + sum(int.from_bytes(lengths[i : i + 2], "little") for i in (0, 2))
    )
    return _Slice(path, start, member.file_size)


class _Slice(io.RawIOBase):
    """Bytes start to start + size of a file, as a file."""

    def __init__(self, path: Path, start: int, size: int):
        self._file = open(path, "rb", buffering=0)
        self._start, self._size, self._at = start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:
        count = max(0, min(len(buffer), self._size - self._at))
        got = os.preadv(self._file.fileno(), [memoryview(buffer)[:count]], self._start + self._at)
        self._at += got
        return got
