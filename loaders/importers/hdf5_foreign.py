"""Reads HDF5 files of others: what loaders/hdf5_access.c accepts, and nothing else."""

from pathlib import Path
from typing import IO

import h5py
import numpy as np

from found import Refused, Tensor

MAX_TEXT_BYTES = 32 << 20  # the model config of ResNet-152 has half a megabyte
MAX_NAMES = 16384
MAX_TENSOR_BYTES = 1 << 30
FILTERS = (h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32)


def open_hdf5(path: Path, stream: IO[bytes] | None = None) -> h5py.File:
    """stream: the HDF5 file within another file. Tensors keep the file open until they have gone."""
    try:
        if stream is None:
            return h5py.File(path, "r", driver="sec2")
        return h5py.File(stream, "r")
    except (OSError, RuntimeError, ValueError):
        raise Refused(
            f"{path}: holds an HDF5 file that cannot be opened: truncated or damaged"
        ) from None


def child(path: Path, group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset:
    """What lies at name, slashes included, below group; only through hard links."""
    found = group
    for part in name.split("/"):
        where = f"{path}: {_of(group)}{name}"
        try:
            link = found.get(part, getlink=True) if part not in ("", ".", "..") else None
            if link is not None and not isinstance(link, h5py.HardLink):
                raise Refused(f"{where} is a link to somewhere else")
            found = found[part] if link is not None else None
        except (KeyError, OSError, RuntimeError, ValueError, TypeError, AttributeError):
            found = None
        if found is None:
            raise Refused(f"{where} is missing or damaged")
    return found


def child_group(path: Path, group: h5py.Group, name: str) -> h5py.Group:
    found = child(path, group, name)
    if not isinstance(found, h5py.Group):
        raise Refused(f"{path}: {_of(group)}{name} should be a group and is not")
    return found


def names(path: Path, group: h5py.Group) -> list[str]:
    if len(group) > MAX_NAMES:
        raise Refused(f"{path}: {group.name} has {len(group)} members, more than {MAX_NAMES}")
    return list(group)


def text(path: Path, owner: h5py.Group, name: str) -> str | None:
    """A text attribute of one element; None when there is none of that name."""
    value = _strings(path, owner, name)
    if value is None:
        return None
    if value.shape not in ((), (1,)):
        raise Refused(f"{path}: attribute {name} should be one text, found {value.size}")
    return _decoded(path, name, value.reshape(-1)[0])


def texts(path: Path, owner: h5py.Group, name: str) -> list[str] | None:
    """A list of texts. Keras cuts a long one into name0, name1, ..."""
    parts = [_strings(path, owner, name)]
    if parts[0] is None:
        parts = []
        while (part := _strings(path, owner, f"{name}{len(parts)}")) is not None:
            parts.append(part)
    if not parts:
        return None
    return [_decoded(path, name, value) for part in parts for value in part.reshape(-1)]


def _strings(path: Path, owner: h5py.Group, name: str) -> np.ndarray | None:
    try:
        if name not in owner.attrs:
            return None
        attribute = h5py.h5a.open(owner.id, name.encode())
        kind = attribute.get_type()
        shape = attribute.shape
        count = int(np.prod(shape, dtype=object)) if shape is not None else -1
        if count == 0:
            return np.empty((0,), object)  # of a layer without weights; Keras makes it a float
        if not isinstance(kind, h5py.h5t.TypeStringID) or not 1 <= count <= MAX_NAMES:
            raise Refused(f"{path}: attribute {name} of {owner.name} is not text")
        size = attribute.get_storage_size()
        if size > MAX_TEXT_BYTES:
            raise Refused(f"{path}: attribute {name} of {owner.name} has {size} bytes of text")
        return np.asarray(owner.attrs[name], object)
    except (OSError, RuntimeError, ValueError, TypeError, KeyError):
        raise Refused(f"{path}: attribute {name} of {owner.name} cannot be read") from None


def _decoded(path: Path, name: str, value: object) -> str:
    try:
        value = value.decode() if isinstance(value, bytes) else value
        if isinstance(value, str) and len(value.encode()) <= MAX_TEXT_BYTES:
            return value
    except UnicodeError:
        pass
    raise Refused(f"{path}: attribute {name} is not UTF-8 text of a sensible length")


def tensor(path: Path, dataset: h5py.Group | h5py.Dataset) -> Tensor:
    """A data set of little-endian float32 as it lies in the file."""
    origin = dataset.name
    where = f"{path}: tensor {origin}"
    if not isinstance(dataset, h5py.Dataset):
        raise Refused(f"{where} is not a data set")
    try:
        objection = _objection(dataset)
    except (OSError, RuntimeError, ValueError, TypeError):
        objection = "cannot be read: damaged"
    if objection:
        raise Refused(f"{where} {objection}")

    def read() -> np.ndarray:
        try:
            return np.ascontiguousarray(dataset[()], "<f4")
        except (OSError, RuntimeError, ValueError):
            raise Refused(f"{where} cannot be read: truncated or damaged") from None

    return Tensor(dataset.shape, read, origin)


def _objection(dataset: h5py.Dataset) -> str | None:
    properties = dataset.id.get_create_plist()
    layout = properties.get_layout()
    if layout == h5py.h5d.VIRTUAL:
        return "is a virtual data set"
    if layout == h5py.h5d.CONTIGUOUS and properties.get_external_count() != 0:
        return "keeps its data in another file"
    for i in range(properties.get_nfilters()):
        if properties.get_filter(i)[0] not in FILTERS:
            return "is compressed by a filter other than deflate"
    if not dataset.id.get_type().equal(h5py.h5t.IEEE_F32LE):
        return f"has the wrong type: expected little-endian float32, found {dataset.dtype}"
    shape = dataset.shape
    if shape is None or not 1 <= len(shape) <= 4 or min(shape) < 1:
        return f"has the shape {shape}; expected 1 to 4 dimensions"
    size = 4 * int(np.prod(shape, dtype=object))
    if size > MAX_TENSOR_BYTES:
        return f"has the shape {shape}, {size} bytes; more than {MAX_TENSOR_BYTES}"
    stored = dataset.id.get_storage_size()
    if layout == h5py.h5d.CHUNKED:
        needed = 1
        for extent, chunk in zip(shape, properties.get_chunk(), strict=True):
            if chunk > extent:
                return f"has chunks of {properties.get_chunk()} for a shape of {shape}"
            needed *= -(-extent // chunk)
        complete = dataset.id.get_num_chunks() == needed
    else:
        complete = stored == size
    return None if complete else "holds no data, or not all of it"


def _of(group: h5py.Group) -> str:
    return group.name if group.name.endswith("/") else f"{group.name}/"
