"""An ONNX graph made safe to walk: every value has one producer, constants are known, names are fit to show."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import AttributeProto, NodeProto

from found import Refused
from onnx_constants import LARGEST, evaluate, small_tensor

PASS_THROUGH = {"Identity", "Dropout"}


def as_text(name: str | bytes) -> str:
    """The library gives bytes where a string of the file is no UTF-8."""
    return name.decode(errors="replace") if isinstance(name, bytes) else name


def shown(name: str | bytes) -> str:
    """A name from the file as one short line."""
    clean = "".join(c if c.isprintable() else "?" for c in as_text(name)[:100])
    return clean if len(clean) <= 80 else clean[:77] + "..."


def title(node: NodeProto) -> str:
    """What a sentence calls a node: its name, or what it computes where it has none."""
    name = node.name or (node.output[0] if node.output else "")
    return f"node {shown(name)} ({shown(node.op_type)})"


@dataclass
class Graph:
    proto: onnx.GraphProto
    input: str = ""
    output: str = ""
    initialisers: dict[str, onnx.TensorProto] = field(default_factory=dict)
    producers: dict[str, NodeProto] = field(default_factory=dict)
    constants: dict[str, np.ndarray] = field(default_factory=dict)  # small ones, with their value
    aliases: dict[str, str] = field(default_factory=dict)  # what passes a value through
    consumers: Counter = field(default_factory=Counter)  # only of nodes that the output needs

    def __post_init__(self):
        self.take_initialisers()
        known = self.take_input()
        for node in self.proto.node:
            self.take_node(node, known)
        self.take_output(known)
        self.count_consumers()

    def take_initialisers(self) -> None:
        if self.proto.sparse_initializer:
            name = shown(self.proto.sparse_initializer[0].values.name)
            raise Refused(f"tensor {name} is sparse, expected dense ones only")
        for tensor in self.proto.initializer:
            if tensor.name in self.initialisers:
                raise Refused(f"tensor {shown(tensor.name)} occurs twice")
            self.initialisers[tensor.name] = tensor
            self.take_constant(tensor.name, tensor)

    def take_constant(self, name: str, tensor: onnx.TensorProto) -> None:
        value = small_tensor(tensor)
        if value is not None:
            self.constants[name] = value

    def take_input(self) -> set[str]:
        """Old models list their initialisers as inputs too."""
        names = [entry.name for entry in self.proto.input if entry.name not in self.initialisers]
        if len(names) != 1:
            text = ", ".join(shown(name) for name in names[:3]) or "none"
            raise Refused(f"the graph has {len(names)} inputs ({text}), expected 1, the images")
        self.input = names[0]
        return {"", self.input, *self.initialisers}

    def take_node(self, node: NodeProto, known: set[str]) -> None:
        for name in node.input:
            if name not in known:
                raise Refused(
                    f"{title(node)} reads {shown(name)}, which nothing before it has computed"
                )
        for name in node.output:
            if name and name in known:
                raise Refused(f"{title(node)} computes {shown(name)}, which exists already")
            known.add(name)
            if name:  # an optional output may have none
                self.producers[name] = node
        if not node.output or node.domain not in ("", "ai.onnx"):
            return
        name = node.output[0]
        if node.input and self.is_neutral(node):
            source = self.aliases[name] = self.resolve(node.input[0])
            if source in self.constants:
                self.constants[name] = self.constants[source]
        elif node.op_type == "Constant":
            self.take_constant_node(node)
        else:
            value = evaluate(node, [self.constants.get(entry) for entry in node.input])
            if value is not None:
                self.constants[name] = value

    def is_neutral(self, node: NodeProto) -> bool:
        """Gives its first input as it is; old exporters pad by nothing before pools."""
        if node.op_type != "Pad":
            return node.op_type in PASS_THROUGH
        attribute = find_attribute(node, "pads")
        pads = self.constants.get(node.input[1]) if len(node.input) > 1 else None
        return not any(attribute.ints) if attribute else pads is not None and not pads.any()

    def take_constant_node(self, node: NodeProto) -> None:
        for attribute in node.attribute:
            if attribute.name == "value":
                self.initialisers[node.output[0]] = attribute.t
                self.take_constant(node.output[0], attribute.t)
            elif attribute.name == "value_int":
                self.constants[node.output[0]] = np.array(attribute.i)
            elif attribute.name == "value_ints" and len(attribute.ints) <= LARGEST:
                self.constants[node.output[0]] = np.array(attribute.ints, np.int64)
            elif attribute.name == "value_float":
                self.constants[node.output[0]] = np.array(attribute.f, np.float32)

    def take_output(self, known: set[str]) -> None:
        names = [entry.name for entry in self.proto.output]
        if len(names) != 1:
            text = ", ".join(shown(name) for name in names[:3]) or "none"
            raise Refused(f"the graph has {len(names)} outputs ({text}), expected 1, the logits")
        if names[0] not in known:
            raise Refused(f"nothing computes the graph's output {shown(names[0])}")
        self.output = self.resolve(names[0])

    def count_consumers(self) -> None:
        """Along activations only: what a shape or a weight is computed from is no branch."""
        waiting, seen = [self.output], {self.output}
        while waiting:
            node = self.producers.get(waiting.pop())
            if node is None:
                continue
            for name in self.activations(node):
                self.consumers[name] += 1
                if name not in seen:
                    seen.add(name)
                    waiting.append(name)

    def activations(self, node: NodeProto) -> list[str]:
        """Inputs of a node that carry images; constants do not count."""
        names = node.input if node.op_type in ("Add", "Sum", "MatMul") else node.input[:1]
        resolved = [self.resolve(name) for name in names]
        return [name for name in resolved if name not in self.initialisers]

    def resolve(self, name: str) -> str:
        return self.aliases.get(name, name)

    def input_size(self) -> list[int] | None:
        """Height and width of the input (N, 3, H, W), where the model fixes them."""
        for entry in self.proto.input:
            if entry.name == self.input:
                dims = entry.type.tensor_type.shape.dim
                if len(dims) == 4 and all(dim.dim_value > 0 for dim in dims[2:]):
                    return [dim.dim_value for dim in dims[2:]]
        return None

    def integers(self, node: NodeProto, name: str, place: int | None = None) -> list[int] | None:
        """A list of integers, from the attribute or (newer opsets) from the input at place."""
        attribute = find_attribute(node, name)
        if attribute is not None:
            if attribute.type != AttributeProto.INTS:
                raise Refused(f"{title(node)}: attribute {name} is not a list of integers")
            return list(attribute.ints)
        if place is None or place >= len(node.input) or not node.input[place]:
            return None
        value = self.constants.get(node.input[place])
        if value is None or value.dtype.kind not in "iu" or value.ndim > 1:
            raise Refused(f"{title(node)}: its {name} are not constant")
        return [int(number) for number in value.reshape(-1)]


def find_attribute(node: NodeProto, name: str) -> AttributeProto | None:
    return next((entry for entry in node.attribute if entry.name == name), None)


def integer(node: NodeProto, name: str, default: int) -> int:
    attribute = find_attribute(node, name)
    return default if attribute is None else attribute.i


def number(node: NodeProto, name: str, default: float) -> float:
    attribute = find_attribute(node, name)
    return default if attribute is None else attribute.f


def text(node: NodeProto, name: str, default: str) -> str:
    attribute = find_attribute(node, name)
    return default if attribute is None else attribute.s.decode(errors="replace")
