"""Single layers of an ONNX graph: what a convolution, a batch norm, a pool or the last layer says of itself."""

from dataclasses import dataclass, field

import onnx
from onnx import NodeProto

from found import Refused
from onnx_graph import Graph, integer, number, shown, text, title

PRE_ACTIVATION = (
    "normalises what no convolution has made, as pre-activation ResNets (v2) do; "
    "no network of the table is one"
)


@dataclass
class Weights:
    value: str  # its name in the graph
    proto: onnx.TensorProto
    transposed: bool = False


@dataclass
class Norm:
    node: str
    epsilon: float
    tensors: list[Weights]  # weight, bias, mean, variance


@dataclass
class Conv:
    """A convolution, or the last layer, with what follows it."""

    node: str  # for sentences
    weight: Weights
    bias: Weights | None = None
    norm: Norm | None = None
    relu: bool = False
    kernel: int = 1
    stride: int = 1
    paddings: set[str] = field(default_factory=lambda: {"centred", "same"})  # which it can be


def producer(graph: Graph, value: str, wanted: str) -> NodeProto:
    node = graph.producers.get(value)
    if node is None:
        raise Refused(f"{shown(value)} is an input or a stored tensor where {wanted} was expected")
    if node.domain not in ("", "ai.onnx"):
        raise Refused(f"{title(node)} is an operator of {shown(node.domain)}, expected {wanted}")
    return node


def source(graph: Graph, node: NodeProto) -> str:
    if not node.input:
        raise Refused(f"{title(node)} has no input")
    return graph.resolve(node.input[0])


def weights(graph: Graph, node: NodeProto, place: int, what: str) -> Weights:
    name = graph.resolve(node.input[place]) if place < len(node.input) else ""
    maker = graph.producers.get(name)
    transposed = False
    if maker is not None and maker.op_type == "Transpose" and name not in graph.initialisers:
        if graph.integers(maker, "perm") not in (None, [1, 0]):
            raise Refused(f"{title(maker)} reorders the {what} of {title(node)}, expected [1, 0]")
        transposed, name = True, source(graph, maker)
        maker = graph.producers.get(name)
    if name not in graph.initialisers:
        by = f"come from {title(maker)}" if maker is not None else "are missing"
        raise Refused(f"{title(node)}: its {what} {by}, expected a stored tensor")
    return Weights(name, graph.initialisers[name], transposed)


def read_linear(graph: Graph, node: NodeProto) -> tuple[Conv, str]:
    if node.op_type == "Gemm":
        factors = (number(node, "alpha", 1), number(node, "beta", 1), integer(node, "transA", 0))
        if factors != (1, 1, 0):
            raise Refused(f"{title(node)} has alpha, beta, transA {factors}, expected (1, 1, 0)")
        weight = weights(graph, node, 1, "weights")
        weight.transposed ^= not integer(node, "transB", 0)
        bias = weights(graph, node, 2, "bias") if len(node.input) > 2 else None
        return Conv(title(node), weight, bias), source(graph, node)
    bias = None
    if node.op_type == "Add" and len(node.input) == 2:
        left, right = (graph.resolve(name) for name in node.input)
        place = 0 if left in graph.initialisers else 1
        bias = weights(graph, node, place, "bias")
        node = producer(graph, (right, left)[place], "the product of the last layer")
    if node.op_type != "MatMul":
        raise Refused(f"{title(node)} ends the graph, expected a fully connected layer (Gemm)")
    weight = weights(graph, node, 1, "weights")
    weight.transposed ^= True
    return Conv(title(node), weight, bias), source(graph, node)


def read_average(graph: Graph, node: NodeProto) -> int | None:
    if node.op_type == "GlobalAveragePool":
        return None
    if node.op_type == "ReduceMean":
        axes = graph.integers(node, "axes", 1)
        if axes is None or sorted(axis % 4 for axis in axes) != [2, 3]:
            raise Refused(f"{title(node)} averages over axes {axes}, expected [2, 3]")
        return None
    if node.op_type != "AveragePool":
        raise Refused(f"{title(node)} precedes the last layer, expected a global average pool")
    kernel = graph.integers(node, "kernel_shape") or []
    if any(graph.integers(node, "pads") or []) or len(set(kernel)) != 1:
        raise Refused(
            f"{title(node)} is not a square window without padding, expected a global pool"
        )
    return kernel[0]


def padding_of(graph: Graph, node: NodeProto) -> list[int]:
    """All eight numbers of a Pad with zeros; the first four before, the others after."""
    value = number(node, "value", 0.0)
    if len(node.input) > 2 and node.input[2]:
        constant = graph.constants.get(node.input[2])
        value = None if constant is None or constant.size != 1 else constant.item()
    pads = graph.integers(node, "pads", 1) or []
    if len(node.input) > 3 and node.input[3]:
        raise Refused(f"{title(node)} names axes, expected the padding of all four")
    if value != 0 or text(node, "mode", "constant") != "constant" or len(pads) != 8:
        raise Refused(f"{title(node)} does not pad four dimensions with zeros")
    return pads


def read_conv(graph: Graph, node: NodeProto) -> tuple[Conv, str]:
    """Up from a ReLU, a batch norm or a convolution to what the convolution reads."""
    relu, norm = node.op_type == "Relu", None
    if relu:
        node = producer(graph, source(graph, node), "a convolution")
    if node.op_type == "BatchNormalization":
        norm = read_norm(graph, node)
        maker = producer(graph, source(graph, node), "a convolution")
        if maker.op_type in ("Add", "Sum", "MaxPool", "Relu"):
            raise Refused(f"{title(node)} {PRE_ACTIVATION}")
        node = maker
    if node.op_type != "Conv":
        raise Refused(f"{title(node)} is where a convolution was expected")
    if integer(node, "group", 1) != 1:
        raise Refused(f"{title(node)} has {integer(node, 'group', 1)} groups, expected 1")
    if set(graph.integers(node, "dilations") or [1]) != {1}:
        dilations = graph.integers(node, "dilations")
        raise Refused(f"{title(node)} has dilations {dilations}, expected 1")
    conv = Conv(title(node), weights(graph, node, 1, "weights"), norm=norm, relu=relu)
    if len(node.input) > 2 and node.input[2]:
        conv.bias = weights(graph, node, 2, "bias")
    if conv.weight.transposed:
        raise Refused(f"{title(node)}: its weights are transposed, expected them as stored")
    dims = list(conv.weight.proto.dims)
    if len(dims) != 4 or dims[2] != dims[3]:
        raise Refused(f"{title(node)} has weights of shape {dims[:8]}, expected a square kernel")
    conv.kernel = dims[2]
    conv.stride, pads, value = read_window(graph, node, conv.kernel)
    conv.paddings = possible_paddings(conv, pads)
    if not conv.paddings:
        raise Refused(
            f"{title(node)} pads {pads} at kernel {conv.kernel} and stride {conv.stride}, expected "
            f"{conv.kernel // 2} on all sides or what SAME_UPPER would"
        )
    return conv, value


def read_norm(graph: Graph, node: NodeProto) -> Norm:
    trains = integer(node, "training_mode", 0) or any(node.output[1:])
    if trains or integer(node, "spatial", 1) != 1:
        raise Refused(f"{title(node)} is in training mode or not spatial, expected inference")
    tensors = [weights(graph, node, place, "parameters") for place in range(1, 5)]
    return Norm(title(node), number(node, "epsilon", 1e-5), tensors)


def read_window(graph: Graph, node: NodeProto, kernel: int) -> tuple[int, object, str]:
    """Stride; top, left, bottom, right or "SAME_UPPER"; and the value before a Pad that is part of it."""
    strides = graph.integers(node, "strides") or [1, 1]
    shape = graph.integers(node, "kernel_shape") or [kernel, kernel]
    if len(set(strides)) != 1 or shape != [kernel, kernel]:
        raise Refused(
            f"{title(node)} has strides {strides[:8]} and kernel {shape[:8]}, expected equal sides "
            f"and kernel {kernel}"
        )
    value = source(graph, node)
    rule = text(node, "auto_pad", "NOTSET")
    if rule == "SAME_UPPER":
        return strides[0], rule, value
    if rule not in ("NOTSET", "VALID"):
        raise Refused(f"{title(node)} has auto_pad {shown(rule)}, expected SAME_UPPER or none")
    pads = (graph.integers(node, "pads") if rule == "NOTSET" else None) or [0] * 4
    before = graph.producers.get(value)
    if before is not None and before.op_type == "Pad" and graph.consumers[value] == 1:
        more = padding_of(graph, before)
        if any(more[:2] + more[4:6]) or len(pads) != 4:
            raise Refused(f"{title(before)} pads {more}, expected height and width only")
        pads = [own + extra for own, extra in zip(pads, more[2:4] + more[6:], strict=True)]
        value = source(graph, before)
    return strides[0], pads, value


def possible_paddings(conv: Conv, pads: object) -> set[str]:
    """An explicit "same" is that of sides which the stride divides, as ours are."""
    centre, total = conv.kernel // 2, max(conv.kernel - conv.stride, 0)
    same = [total // 2] * 2 + [total - total // 2] * 2
    if pads == "SAME_UPPER":
        return {"same", "centred"} if same == [centre] * 4 else {"same"}
    found = {"centred"} if pads == [centre] * 4 else set()
    return found | {"same"} if pads == same else found
