"""Reads ONNX models: the graph tells which tensor is which, names do not count."""

import math
from pathlib import Path

import float_values
import numpy as np
import onnx
import own_metadata
from google.protobuf.message import DecodeError

from float_values import STORED, as_float32, item_bytes
from found import Found, Refused, Tensor
from onnx_graph import Graph, as_text, shown
from onnx_layers import Conv, Weights
from onnx_resnet import Network, walk

NAME = "ONNX"

# Fields of onnx.ModelProto that hold bytes, and those that hold a number (onnx.proto).
BYTE_FIELDS = {2, 3, 4, 6, 7, 8, 14, 20, 25, 26}
NUMBER_FIELDS = {1, 5}
GRAPH_FIELD = 7
FIRST_OPSET = 7  # before it, batch norm and broadcasting meant something else
LARGEST_FILE = (1 << 31) - 1  # of protobuf
KINDS = {
    onnx.TensorProto.FLOAT: "float32",
    onnx.TensorProto.FLOAT16: "float16",
    onnx.TensorProto.BFLOAT16: "bfloat16",
    onnx.TensorProto.DOUBLE: "float64",
}
BATCH_NORM = ("weight", "bias", "running_mean", "running_var")


def recognises(path: Path) -> bool:
    """Fields of a ModelProto, from the first (ir_version, as every writer orders them) to the graph."""
    try:
        with open(path, "rb") as file:
            return find_graph(file)
    except OSError:
        return False


def find_graph(file) -> bool:
    if file.read(1) != b"\x08":
        return False
    file.seek(0)
    for _ in range(1000):  # real models have a handful of fields
        key = read_varint(file)
        field, wire_type = (None, None) if key is None else (key >> 3, key & 7)
        if field == GRAPH_FIELD and wire_type == 2:
            return True
        value = read_varint(file)
        if value is None:
            return False
        if wire_type == 2 and field in BYTE_FIELDS and value < LARGEST_FILE:
            file.seek(value, 1)
        elif wire_type != 0 or field not in NUMBER_FIELDS:
            return False
    return False


def read_varint(file) -> int | None:
    value = 0
    for shift in range(0, 64, 7):
        byte = file.read(1)
        if not byte:
            return None
        value |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return value
    return None


def read(path: Path) -> Found:
    try:
        model = parse(path)
        graph = Graph(model.graph)
        network = walk(graph)
        found = Found(format=describe(model), tensors=name_tensors(path, network))
        found.variant, found.padding = network.variant, network.padding
        found.epsilon = common_epsilon(network)
        found.notes = network.notes + float_values.notes(kinds_of(network))
    except Refused as problem:
        raise Refused(f"{path}: {problem}") from None
    take_metadata(path, model, found)
    return found


def take_metadata(path: Path, model: onnx.ModelProto, found: Found) -> None:
    """Of an exported weights file: an epsilon of 64 bits, where the graph does not contradict it."""
    epsilon = found.epsilon
    texts = {as_text(entry.key): as_text(entry.value) for entry in model.metadata_props}
    own_metadata.take(str(path), texts, found)
    if epsilon is not None and np.float32(found.epsilon) != np.float32(epsilon):
        found.epsilon = epsilon


def parse(path: Path) -> onnx.ModelProto:
    """Nothing but this file is opened: tensors kept in other files are refused where they are used."""
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise Refused(f"is {size} bytes long, and ONNX models end at {LARGEST_FILE}")
        model = onnx.ModelProto.FromString(path.read_bytes())
    except OSError as problem:
        raise Refused(f"cannot be read: {problem.strerror}") from None
    except DecodeError:
        raise Refused("is truncated or not an ONNX model") from None
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    version = opsets.get("", opsets.get("ai.onnx"))
    if version is None:
        raise Refused("does not say which opset of ONNX it uses")
    latest = onnx.defs.onnx_opset_version()
    if not FIRST_OPSET <= version <= latest:
        raise Refused(f"uses opset {version} of ONNX, expected {FIRST_OPSET} to {latest}")
    if model.functions:
        name = shown(model.functions[0].name)
        raise Refused(f"calls functions of its own ({name}), expected operators of ONNX only")
    return model


def describe(model: onnx.ModelProto) -> str:
    producer = f"{shown(model.producer_name)} {shown(model.producer_version)}".strip()
    return f"ONNX (written by {producer})" if producer else "ONNX"


def common_epsilon(network: Network) -> float | None:
    """ONNX keeps float32: the shortest decimal that gives the same one is what was meant (1e-5)."""
    values = {}
    for conv in network.convs.values():
        if conv.norm:
            values.setdefault(np.float32(conv.norm.epsilon), conv.norm.node)
    if len(values) > 1:
        (one, first), (two, second) = list(values.items())[:2]
        raise Refused(
            f"{first} has epsilon {one} and {second} {two}, expected one for all"
        )
    return float(str(next(iter(values)))) if values else None


def name_tensors(path: Path, network: Network) -> dict[str, Tensor]:
    tensors = {}
    biased = [conv for conv in network.convs.values() if conv.bias]
    folded = not any(conv.norm for conv in network.convs.values())
    for name, conv in network.convs.items():
        tensors[f"{name}.weight"] = float_tensor(path, conv.weight)
        if conv.bias:
            tensors[f"{name}.bias"] = float_tensor(path, conv.bias)
        elif biased or folded:
            # Our files have biases for every convolution or for none; adding 0 changes nothing.
            tensors[f"{name}.bias"] = zeros(tensors[f"{name}.weight"].shape[:1], conv)
        if conv.norm:
            for member, weights in zip(BATCH_NORM, conv.norm.tensors, strict=True):
                tensors[f"{norm_name(name)}.{member}"] = float_tensor(path, weights)
    tensors["fc.weight"] = float_tensor(path, network.fc.weight)
    classes = tensors["fc.weight"].shape[:1]
    if network.fc.bias:
        tensors["fc.bias"] = flat(float_tensor(path, network.fc.bias), classes)
    else:
        tensors["fc.bias"] = zeros(classes, network.fc)
    if biased and len(biased) < len(network.convs):
        network.notes.append(
            f"{len(network.convs) - len(biased)} of {len(network.convs)} convolutions have no "
            "bias; they get one of zeros"
        )
    return tensors


def kinds_of(network: Network) -> set[str]:
    return {KINDS[conv.weight.proto.data_type] for conv in network.convs.values()}


def norm_name(conv: str) -> str:
    """conv1 -> bn1, layer1.0.conv2 -> layer1.0.bn2, layer1.0.downsample.0 -> layer1.0.downsample.1"""
    head, _, last = conv.rpartition(".")
    last = "1" if last == "0" else last.replace("conv", "bn")
    return f"{head}.{last}" if head else last


def flat(tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A bias may be stored as (1, classes)."""
    if tensor.shape != (1, *shape):
        return tensor
    return Tensor(shape, lambda: tensor.read().reshape(shape), tensor.origin)


def zeros(shape: tuple[int, ...], owner: Conv) -> Tensor:
    return Tensor(shape, lambda: np.zeros(shape, np.float32), f"no bias at {owner.node}")


def float_tensor(path: Path, weights: Weights) -> Tensor:
    proto = weights.proto
    name = shown(proto.name) if proto.name else shown(weights.value)
    if proto.data_location == onnx.TensorProto.EXTERNAL or proto.external_data:
        raise Refused(
            f"tensor {name} is kept in another file; save the model with its tensors inside"
        )
    kind = KINDS.get(proto.data_type)
    if kind is None:
        raise Refused(f"tensor {name} holds {type_name(proto.data_type)}, expected FLOAT")
    if proto.HasField("segment"):
        raise Refused(f"tensor {name} is a segment of one, expected a whole tensor")
    shape = tuple(proto.dims)
    check_length(proto, name, shape, item_bytes(kind))

    def load() -> np.ndarray:
        if proto.HasField("raw_data"):
            stored = np.frombuffer(proto.raw_data, STORED[kind])
        else:
            stored = np.asarray(proto.float_data, np.float32)
        stored = stored.reshape(shape)
        values = as_float32(stored, kind, f"{path}: tensor {name}")
        return np.ascontiguousarray(values.T) if weights.transposed else values

    return Tensor(shape[::-1] if weights.transposed else shape, load, name)


def check_length(proto: onnx.TensorProto, name: str, shape: tuple[int, ...], size: int) -> None:
    text = "(" + ", ".join(map(str, shape)) + ")"
    if any(dim < 1 for dim in shape) or len(shape) > 4:
        raise Refused(f"tensor {name} has shape {text[:100]}, expected 1 to 4 positive dimensions")
    expected = math.prod(shape) * size
    found = len(proto.raw_data) if proto.HasField("raw_data") else len(proto.float_data) * 4
    if found != expected:
        raise Refused(f"tensor {name} of shape {text} holds {found} bytes, expected {expected}")


def type_name(data_type: int) -> str:
    try:
        return onnx.TensorProto.DataType.Name(data_type)
    except ValueError:
        return f"values of unknown type {data_type}"
