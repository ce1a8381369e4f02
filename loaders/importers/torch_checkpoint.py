"""PyTorch checkpoints without PyTorch: torch.save's zip archives and the legacy form before 1.6."""

import math
import mmap
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

import float_values
import names
import torch_pickle
from float_values import STORED, as_float32, item_bytes
from found import Found, Refused, Tensor
from torch_pickle import Storage, View

NAME = "PyTorch checkpoints (.pth, .pt, .th)"

LEGACY_MAGIC = (
    b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # pickle of torch.serialization.MAGIC_NUMBER
)
LEGACY_PROTOCOL = 1001
ENCRYPTED = 1  # bit of a zip entry's flags
LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature; lengths of name and extra field
MAX_PICKLE_BYTES = 64 << 20
STATE_DICTS = ("state_dict", "model_state_dict", "model", "net")
AVERAGES = ("state_dict_ema", "model_ema", "ema_state_dict", "ema")
TOLD = ("arch", "epoch", "best_prec1", "best_acc1")  # beside the state dict: of use to a person
INTEGER_BYTES = {"int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint8": 1, "bool": 1}


def recognises(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            start = file.read(512)
        if start.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(path) as archive:
                return any(name.endswith("/data.pkl") for name in archive.namelist())
        return is_tar(start) or (start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05")
    except Exception:  # whatever a library raises on rubbish
        return False


def is_tar(start: bytes) -> bool:
    return start[257:262] == b"ustar"


def read(path: Path) -> Found:
    with open(path, "rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if data[:4] == b"PK\x03\x04":
        form, value, find = "zip", *read_zip(path, data)
    elif is_tar(data[:512]):
        raise Refused(
            f"{path}: is a tar archive, the form of PyTorch before 0.1.10; load it with a PyTorch that "
            "can and save it again"
        )
    else:
        form, value, find = "legacy", *read_legacy(path, data)
    found = Found(format=f"PyTorch checkpoint ({form})", tensors={})
    state = choose_state(path, value, found.notes)
    collect(path, data, state, find, found)
    return found


# Where the values of a storage begin in the file, in bytes.
Finder = Callable[[Storage], int]


def read_zip(path: Path, data: mmap.mmap) -> tuple[Any, Finder]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except Exception as problem:
        raise Refused(f"{path}: its zip directory cannot be read: {problem}") from None
    by_name = {entry.filename: entry for entry in entries}
    if len(by_name) < len(entries):
        raise Refused(f"{path}: has two zip entries of one name")
    pickles = [name for name in by_name if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(pickles) != 1:
        raise Refused(f"{path}: has {len(pickles)} entries called data.pkl, expected one")
    root = pickles[0].removesuffix("data.pkl")
    if f"{root}constants.pkl" in by_name:
        raise Refused(
            f"{path}: is a TorchScript archive, a program with its weights; save the state_dict() of the "
            "model it was made from"
        )
    order = by_name.get(f"{root}byteorder")
    if order is not None and zip_bytes(path, data, order, limit=16) != b"little":
        raise Refused(f"{path}: its values are big-endian, expected little-endian")
    pickle = zip_bytes(path, data, by_name[pickles[0]], MAX_PICKLE_BYTES)
    value, _storages = torch_pickle.load(BytesIO(pickle), str(path))

    @cache
    def find(storage: Storage) -> int:
        entry = by_name.get(f"{root}data/{storage.key}")
        if entry is None:
            raise Refused(
                f"{path}: has no zip entry data/{storage.key[:60]}, which its pickle names"
            )
        start, size = zip_extent(path, data, entry)
        expected = storage.count * kind_bytes(storage.kind)
        if size != expected:
            raise Refused(
                f"{path}: zip entry {entry.filename} has {size} bytes, expected {expected}"
            )
        check_crc(path, data, entry, start)
        return start

    return value, find


def zip_extent(path: Path, data: mmap.mmap, entry: zipfile.ZipInfo) -> tuple[int, int]:
    """Where the bytes of an entry lie, and how many there are."""
    what = f"{path}: zip entry {entry.filename[:80]}"
    if entry.flag_bits & ENCRYPTED:
        raise Refused(f"{what} is encrypted")
    if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
        raise Refused(f"{what} is compressed, expected it stored as PyTorch does")
    header = data[entry.header_offset : entry.header_offset + LOCAL_HEADER.size]
    if entry.header_offset < 0 or len(header) < LOCAL_HEADER.size or header[:4] != b"PK\x03\x04":
        raise Refused(f"{what} is not where the zip directory says")
    _signature, name_bytes, extra_bytes = LOCAL_HEADER.unpack(header)
    start = entry.header_offset + LOCAL_HEADER.size + name_bytes + extra_bytes
    if start + entry.file_size > len(data):
        raise Refused(f"{what} ends beyond the file")
    return start, entry.file_size


def check_crc(path: Path, data: mmap.mmap, entry: zipfile.ZipInfo, start: int) -> None:
    with memoryview(data) as whole, whole[start : start + entry.file_size] as part:
        if zlib.crc32(part) != entry.CRC:
            raise Refused(
                f"{path}: zip entry {entry.filename[:80]} does not agree with its CRC-32: it is damaged"
            )


def zip_bytes(path: Path, data: mmap.mmap, entry: zipfile.ZipInfo, limit: int) -> bytes:
    start, size = zip_extent(path, data, entry)
    if size > limit:
        raise Refused(
            f"{path}: zip entry {entry.filename[:80]} has {size} bytes, expected at most {limit}"
        )
    check_crc(path, data, entry, start)
    return data[start : start + size]


def read_legacy(path: Path, data: mmap.mmap) -> tuple[Any, Finder]:
    """Five pickles (magic number, protocol, machine, value, order of the storages), then the storages, each its
    length and its values."""
    torch_pickle.load(data, str(path))
    if data[: len(LEGACY_MAGIC)] != LEGACY_MAGIC:
        raise Refused(f"{path}: is a pickle, but no PyTorch checkpoint")
    protocol, _storages = torch_pickle.load(data, str(path))
    if protocol != LEGACY_PROTOCOL:
        raise Refused(
            f"{path}: is of PyTorch's protocol {protocol!r:.40}, expected {LEGACY_PROTOCOL}"
        )
    machine, _storages = torch_pickle.load(data, str(path))
    if not isinstance(machine, dict) or machine.get("little_endian") is not True:
        raise Refused(f"{path}: its values are big-endian, expected little-endian")
    value, storages = torch_pickle.load(data, str(path))
    keys, _storages = torch_pickle.load(data, str(path))
    if not isinstance(keys, list) or len(keys) != len(storages):
        raise Refused(f"{path}: does not list the {len(storages)} storages that its pickle names")
    starts: dict[str, int] = {}
    position = data.tell()
    for key in map(str, keys):
        if key not in storages or key in starts:
            raise Refused(f"{path}: lists storage {key[:60]}, which its pickle does not name once")
        end = position + 8 + storages[key].count * kind_bytes(storages[key].kind)
        count = data[position : position + 8]
        if end > len(data):
            raise Refused(
                f"{path}: is cut off: storage {key[:60]} ends at byte {end}, the file has {len(data)}"
            )
        if int.from_bytes(count, "little") != storages[key].count:
            raise Refused(
                f"{path}: storage {key[:60]} does not begin with its length, {storages[key].count}"
            )
        starts[key] = position + 8
        position = end
    return value, lambda storage: starts[storage.key]


def kind_bytes(kind: str) -> int:
    return item_bytes(kind) if kind in STORED else INTEGER_BYTES[kind]


def holds_tensors(value: Any) -> bool:
    return isinstance(value, dict) and any(isinstance(item, View) for item in value.values())


def choose_state(path: Path, value: Any, notes: list[str]) -> dict:
    """The state dict in what was saved: itself, or under one of the usual names."""
    if not isinstance(value, dict):
        raise Refused(f"{path}: holds no dictionary, expected a state dict or one around it")
    plain = [key for key in STATE_DICTS if holds_tensors(value.get(key))]
    averages = [key for key in AVERAGES if holds_tensors(value.get(key))]
    if not plain and not averages:
        if holds_tensors(value):
            return value
        held = ", ".join([key[:40] for key in value if isinstance(key, str)][:8])
        raise Refused(
            f"{path}: holds no tensors, neither itself nor under {', '.join(STATE_DICTS)}; "
            f"it has {held or 'nothing'}"
        )
    chosen = (plain + averages)[0]
    notes.append(f"the state dict is under {chosen}")
    others = [key for key in plain + averages if key != chosen]
    if others:
        notes.append(f"it also holds {', '.join(others)}, which was not taken")
    told = [(key, value[key]) for key in TOLD if isinstance(value.get(key), int | float | str)]
    notes += [f"{key} is {item!r:.40}" for key, item in told]
    return value[chosen]


def collect(path: Path, data: mmap.mmap, state: dict, find: Finder, found: Found) -> None:
    kept = {}
    for name, value in state.items():
        if isinstance(value, View) and isinstance(name, str) and not name.endswith(names.IGNORED):
            kept[name] = value
        else:
            found.ignored.append(name[:80] if isinstance(name, str) else "a key that is no text")
    renamed, notes = names.ours(list(kept))
    found.notes += notes
    taken_bytes, kinds = 0, set()
    for name, view in kept.items():
        check_view(path, name, view)
        taken_bytes += math.prod(view.shape) * kind_bytes(view.storage.kind)
        if taken_bytes > len(data):
            raise Refused(
                f"{path}: its tensors are larger than the file, {len(data)} bytes: they share values"
            )
        kinds.add(view.storage.kind)
        found.tensors[renamed[name]] = Tensor(
            view.shape, reader(path, data, name, view, find), name
        )
    found.notes += float_values.notes(kinds)


def check_view(path: Path, name: str, view: View) -> None:
    """A tensor lies within its storage, and shows no more values than that has."""
    what = f"{path}: tensor {name[:80]}"
    count = math.prod(view.shape)
    last = view.offset + sum(
        (size - 1) * stride for size, stride in zip(view.shape, view.strides, strict=True)
    )
    if count > view.storage.length:
        raise Refused(f"{what} has {count} values, but its storage only {view.storage.length}")
    if count > 0 and last >= view.storage.length:
        raise Refused(
            f"{what} reaches to value {last} of its storage, which has {view.storage.length}"
        )


def reader(
    path: Path, data: mmap.mmap, name: str, view: View, find: Finder
) -> Callable[[], np.ndarray]:
    def values() -> np.ndarray:
        kind = view.storage.kind
        if kind not in STORED:
            raise Refused(f"{path}: tensor {name[:80]} is {kind}, expected floats")
        size = item_bytes(kind)
        start = find(view.storage) + (view.storage.start + view.offset) * size
        stored = np.ndarray(
            view.shape, STORED[kind], data, start, [stride * size for stride in view.strides]
        )
        return as_float32(stored, kind, f"{path}: tensor {name[:80]}")

    return values
