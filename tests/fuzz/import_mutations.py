"""Changes to files that the importers read, most of them to the structure rather than to a byte."""

import io
import json
import pickletools
import random
import struct
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnx

from import_seeds import Case

NUMBERS = (
    0,
    1,
    -1,
    2,
    3,
    7,
    8,
    255,
    1 << 15,
    (1 << 31) - 1,
    1 << 31,
    1 << 32,
    1 << 60,
    (1 << 63) - 1,
    1 << 64,
    -(1 << 63),
)
TEXTS = (
    "",
    ".",
    "..",
    "../../etc/passwd",
    "/etc/passwd",
    "\x1b[31m\n",
    "\0",
    "a" * 5000,
    "\ud800",
    "é",
    "http://x/y",
)
# What a pickle that wants to run something would ask for, and what a checkpoint does.
GLOBALS = (
    b"posix system", b"os system", b"nt system", b"subprocess Popen", b"builtins eval", b"builtins exec", b"builtins getattr",
    b"builtins __import__", b"builtins open", b"builtins set", b"__builtin__ eval", b"pickle loads", b"torch load",
    b"torch.hub load", b"numpy.core.multiarray _reconstruct", b"numpy.core.multiarray scalar", b"numpy dtype",
    b"collections OrderedDict", b"collections defaultdict", b"_codecs encode", b"operator attrgetter", b"functools partial",
    b"torch._utils _rebuild_tensor_v2", b"torch._utils _rebuild_parameter", b"torch FloatStorage", b"torch HalfStorage",
    b"torch LongStorage", b"torch Size", b"argparse Namespace", b"copyreg _reconstructor", b"runpy run_path", b"shutil rmtree",
)  # fmt: skip


def any_number(rng: random.Random) -> int:
    return (
        rng.choice(NUMBERS)
        if rng.random() < 0.8
        else rng.randrange(-(1 << 33), 1 << 33)
    )


def any_bytes(data: bytes, rng: random.Random) -> bytes:
    """A few bytes changed, cut, doubled, or replaced by a number of some width."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        near_start = rng.random() < 0.5  # headers are there
        at = (
            rng.randrange(min(len(changed), 4096) if near_start else len(changed))
            if changed
            else 0
        )
        end = at + rng.choice((1, 2, 4, 8, 64, 1000))
        choice = rng.randrange(6)
        if choice == 0 and changed:
            changed[at] ^= 1 << rng.randrange(8)
        elif choice == 1:
            changed[at:end] = b""
        elif choice == 2:
            changed[at:at] = changed[at:end]
        elif choice == 3:
            changed[at : at + 8] = struct.pack("<Q", any_number(rng) & ((1 << 64) - 1))
        elif choice == 4:
            changed[at : at + 4] = struct.pack("<I", any_number(rng) & 0xFFFFFFFF)
        elif rng.random() < 0.3:
            del changed[at:]
    return bytes(changed)


def any_json(value: Any, rng: random.Random) -> Any:
    """One place of a tree of JSON changed."""
    if isinstance(value, dict | list) and value and rng.random() < 0.9:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = rng.choice(keys)
        changed = value.copy()
        choice = rng.random()
        if choice < 0.85:
            changed[key] = any_json(value[key], rng)
        elif choice < 0.95:
            del changed[key]
        elif isinstance(changed, list):
            changed += [changed[key]] * rng.choice((1, 3))
        else:
            changed[rng.choice(TEXTS)] = value[key]
        return changed
    nested: Any = 0
    for _ in range(rng.choice((1, 50, 2000)) if rng.random() < 0.05 else 0):
        nested = [nested]
    return rng.choice(
        (
            any_number(rng),
            rng.choice(TEXTS),
            None,
            True,
            [],
            {},
            [any_number(rng)] * 4,
            1e308,
            nested,
        )
    )


def dump_json(value: Any) -> bytes:
    try:
        return json.dumps(value).encode("utf-8", "surrogatepass")
    except RecursionError:
        return b"[" * 100_000


def pickle_opcodes(data: bytes) -> list[bytes]:
    """The pickle as the bytes of its opcodes; what follows its STOP is the last of them."""
    places = [place for _opcode, _argument, place in pickletools.genops(data)]
    return [
        data[a:b] for a, b in zip(places, [*places[1:], places[-1] + 1], strict=True)
    ] + [data[places[-1] + 1 :]]


def any_opcode(rng: random.Random) -> bytes:
    number = any_number(rng)
    return rng.choice((
        b"c" + rng.choice(GLOBALS).replace(b" ", b"\n") + b"\n",
        b"".join(b"\x8c" + bytes([len(word)]) + word for word in rng.choice(GLOBALS).split()) + b"\x93",
        b"\x8a\x09" + (number & ((1 << 72) - 1)).to_bytes(9, "little"),
        b"J" + struct.pack("<I", number & 0xFFFFFFFF),
        b"X\x04\x00\x00\x00data", b"X" + struct.pack("<I", number & 0xFFFFFFFF), b"\x8d" + struct.pack("<Q", number & ((1 << 64) - 1)),
        b"\x8e" + struct.pack("<Q", number & ((1 << 64) - 1)), b"\x8b" + struct.pack("<I", number & 0x7FFFFFFF),
        b"h" + bytes([rng.randrange(256)]), b"q" + bytes([rng.randrange(256)]), b"r" + struct.pack("<I", number & 0xFFFFFFFF),
        b"I" + str(number).encode() + b"\n", b"L" + b"9" * rng.choice((5, 5000)) + b"L\n", b"F1e999\n",
        *(bytes([byte]) for byte in b"(.012)]}NQRabcdeiloqstu\x81\x82\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98"),
    ))  # fmt: skip


def any_pickle(data: bytes, rng: random.Random) -> bytes:
    try:
        opcodes = pickle_opcodes(data)
    except Exception:
        return any_bytes(data, rng)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(opcodes))
        choice = rng.randrange(5)
        if choice == 0:
            opcodes[at] = any_opcode(rng)
        elif choice == 1:
            opcodes[at:at] = [any_opcode(rng) for _ in range(rng.choice((1, 2, 4)))]
        elif choice == 2:
            del opcodes[at : at + rng.choice((1, 2, 20))]
        elif choice == 3:
            opcodes[at:at] = opcodes[at : at + rng.choice((1, 5, 20))] * rng.choice(
                (1, 2)
            )
        else:
            opcodes[at] = any_bytes(opcodes[at], rng)
        opcodes = opcodes or [b"."]
    return b"".join(opcodes)


def any_zip(
    data: bytes,
    rng: random.Random,
    change: Callable[[str, bytes, random.Random], bytes],
) -> bytes:
    """An archive with an entry changed, renamed, doubled, compressed or left out; sometimes its directory lies."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [
                (entry.filename, archive.read(entry)) for entry in archive.infolist()
            ]
    except Exception:
        return any_bytes(data, rng)
    at = rng.randrange(len(entries)) if rng.random() < 0.4 else 0
    name, content = entries[at]
    choice = rng.randrange(10)
    method = zipfile.ZIP_DEFLATED if choice == 0 else zipfile.ZIP_STORED
    if choice == 1:
        entries[at] = (
            rng.choice(
                (*TEXTS[:8], "archive/data.pkl", "other/data.pkl", "archive/data/0")
            ),
            content,
        )
    elif choice == 2:
        entries.append((name, change(name, content, rng)))
    elif choice == 3:
        del entries[at]
    else:
        entries[at] = (name, change(name, content, rng))
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", method) as archive:
        warnings.simplefilter("ignore")
        for entry_name, entry_content in entries:
            name = entry_name.replace("\ud800", "?").split("\0")[0] or "-"
            archive.writestr(name, entry_content)
    packed = stream.getvalue()
    if rng.random() < 0.2:
        tail = packed.rfind(b"PK\x01\x02", 0, rng.randrange(len(packed)))
        packed = packed[:tail] + any_bytes(packed[tail:], rng) if tail > 0 else packed
    return packed


def torch_file(data: bytes, rng: random.Random) -> bytes:
    if data.startswith(b"PK"):
        return any_zip(
            data,
            rng,
            lambda name, part, rng: (
                any_pickle if name.endswith(".pkl") else any_bytes
            )(part, rng),
        )
    pickles, rest = [], data
    try:
        while len(pickles) < 5:
            opcodes = pickle_opcodes(rest)
            pickles.append(b"".join(opcodes[:-1]))
            rest = opcodes[-1]
    except Exception:
        return any_bytes(data, rng)
    at = rng.choice((3, 3, 3, 0, 1, 2, 4))
    pickles[at] = any_pickle(pickles[at], rng)
    return b"".join(pickles) + (any_bytes(rest, rng) if rng.random() < 0.1 else rest)


def safetensors_file(data: bytes, rng: random.Random) -> bytes:
    size = int.from_bytes(data[:8], "little")
    try:
        header = json.loads(data[8 : 8 + size])
    except ValueError:
        return any_bytes(data, rng)
    text = dump_json(any_json(header, rng))
    claimed = any_number(rng) & ((1 << 64) - 1) if rng.random() < 0.05 else len(text)
    return struct.pack("<Q", claimed) + text + data[8 + size :]


def any_message(message: Any, rng: random.Random) -> None:
    """One field of a protobuf message changed in place, at any depth."""
    fields = message.ListFields()
    if not fields:
        return
    descriptor, value = rng.choice(fields)
    repeated = hasattr(value, "append") or hasattr(value, "add")
    if rng.random() < 0.1:
        message.ClearField(descriptor.name)
    elif descriptor.message_type and repeated:
        entry = rng.choice(value)
        if rng.random() < 0.1:
            value.add().CopyFrom(entry)
        elif rng.random() < 0.1:
            value.remove(entry)
        else:
            any_message(entry, rng)
    elif descriptor.message_type:
        any_message(value, rng)
    else:
        old = value[0] if repeated else value
        new: Any
        if isinstance(old, int):
            new = rng.choice((0, 1, 2, -1, 8, 11, (1 << 31) - 1))
        elif isinstance(old, float):
            new = rng.choice((0.0, float("nan"), -1.0, 1e30))
        elif isinstance(old, bytes):
            new = any_bytes(old, rng) if rng.random() < 0.5 else b""
        else:
            new = rng.choice(
                (
                    *TEXTS[:8],
                    "Conv",
                    "Add",
                    "Relu",
                    "Gemm",
                    "Slice",
                    "Reshape",
                    "ConstantOfShape",
                    old + "x",
                )
            )
        if not repeated:
            setattr(message, descriptor.name, new)
        elif rng.random() < 0.2:
            value.append(new)
        else:
            value[rng.randrange(len(value))] = new


def onnx_file(data: bytes, rng: random.Random) -> bytes:
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
        for _ in range(rng.choice((1, 1, 2, 4))):
            any_message(model, rng)
        if rng.random() < 0.1 and model.graph.initializer:
            tensor = rng.choice(model.graph.initializer)
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value=rng.choice(TEXTS[:5]))
        return model.SerializeToString()
    except Exception:
        return any_bytes(data, rng)


def any_h5(file: h5py.File, rng: random.Random) -> None:
    places: list[str] = []
    file.visit(places.append)
    place = rng.choice(places)
    owner, _, name = place.rpartition("/")
    parent = file[owner or "/"]
    holder = file[place] if rng.random() < 0.7 else file
    choice = rng.randrange(8)
    if choice == 0:
        del parent[name]
        parent[name] = rng.choice(
            (
                h5py.SoftLink("/model_weights"),
                h5py.ExternalLink("/etc/passwd", "/"),
                h5py.SoftLink(f"/{place}"),
            )
        )
    elif choice == 1:
        del parent[name]
        parent.create_dataset(
            name,
            rng.choice(((), (0,), (3,), (3, 3, 3, 16), (1, 1, 1, 1, 1))),
            rng.choice(("<f4", "<f8", ">f4", "<i8", "S5")),
        )
    elif choice == 2:
        del parent[name]
        parent.create_dataset(
            name,
            (3, 3, 3, 1 << rng.choice((4, 29, 40))),
            "<f4",
            chunks=(3, 3, 3, 1 << rng.choice((4, 20))),
            compression=9,
        )
    elif choice == 3:
        del parent[name]
    elif choice == 4:
        parent[rng.choice(("vars", "layers", "model_weights", "\x1b[31m", "0"))] = (
            parent
        )
    elif holder.attrs:
        attribute = rng.choice(list(holder.attrs))
        old = holder.attrs[attribute]
        if choice == 5 and isinstance(old, str | bytes):
            try:
                holder.attrs[attribute] = dump_json(any_json(json.loads(old), rng))
            except ValueError:
                holder.attrs[attribute] = rng.choice(TEXTS[:4])
        else:
            holder.attrs[attribute] = rng.choice(
                (
                    1,
                    2.5,
                    b"x",
                    [b"a", b"b"],
                    np.zeros(3),
                    "\x1b[31m",
                    [b"conv2d"] * 3000,
                )
            )


def keras_file(data: bytes, rng: random.Random) -> bytes:
    if data.startswith(b"PK"):
        return any_zip(
            data,
            rng,
            lambda name, part, rng: keras_file(part, rng)
            if name.endswith(".h5")
            else json_file(part, rng),
        )
    if rng.random() < 0.3:
        return any_bytes(data, rng)
    with (
        tempfile.TemporaryDirectory() as directory
    ):  # HDF5 would rather write to a file
        path = Path(directory) / "m.h5"
        path.write_bytes(data)
        try:
            with h5py.File(path, "r+") as file:
                for _ in range(rng.choice((1, 1, 2, 4))):
                    any_h5(file, rng)
        except Exception:
            return any_bytes(data, rng)
        return path.read_bytes()


def json_file(data: bytes, rng: random.Random) -> bytes:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return any_bytes(data, rng)
    for _ in range(rng.choice((1, 1, 2, 4))):
        value = any_json(value, rng)
    return dump_json(value)


def case(kind: str, files: Case, rng: random.Random) -> Case:
    """The case with one file changed, nearly always the one that is imported."""
    changed = dict(files)
    name = next(iter(files)) if rng.random() < 0.9 else rng.choice(list(files))
    first = name == next(iter(files))
    change = CHANGES[kind] if first and rng.random() < 0.85 else any_bytes
    changed[name] = change(files[name], rng)
    if not first and rng.random() < 0.3:
        del changed[name]
    return changed


CHANGES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "torch": torch_file,
    "pickle": any_pickle,
    "safetensors": safetensors_file,
    "onnx": onnx_file,
    "keras": keras_file,
    "tfjs": json_file,
}
