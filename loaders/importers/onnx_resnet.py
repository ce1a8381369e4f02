"""Finds the residual network in an ONNX graph, from the logits back to the images."""

from dataclasses import dataclass, field

import onnx
from onnx import NodeProto

from found import Refused
from onnx_graph import Graph, integer, number, shown, text, title

FLATTENS = {"Flatten", "Reshape", "Squeeze"}
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


@dataclass
class Block:
    main: list[Conv]
    projection: Conv | None
    strided: bool  # the shortcut takes every second pixel, projection or not
    where: str


@dataclass
class Network:
    convs: dict[str, Conv]  # by our names
    fc: Conv
    variant: str | None
    padding: str | None
    notes: list[str]


def walk(graph: Graph) -> Network:
    notes = []
    fc, value, window = read_head(graph, notes)
    blocks = []
    while (add := block_end(graph, value)) is not None:
        block, value = read_block(graph, add)
        blocks.append(block)
    if not blocks:
        raise Refused("the graph has no residual block before its pool, so it is no ResNet")
    stem, pooled = read_stem(graph, value)
    blocks.reverse()
    convs, variant = name_convs(stem, blocks)
    check_window(graph, window, [*convs.values()], pooled, blocks)
    return Network(convs, fc, variant, common_padding(convs), notes)


def producer(graph: Graph, value: str, wanted: str) -> NodeProto:
    node = graph.producers.get(value)
    if node is None:
        raise Refused(f"the graph begins with its input {shown(value)} where {wanted} was expected")
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


def read_head(graph: Graph, notes: list[str]) -> tuple[Conv, str, int | None]:
    """The last layer, the value that is pooled, and the window of a pool that is not global."""
    node = producer(graph, graph.output, "the last layer")
    if node.op_type in ("Softmax", "LogSoftmax"):
        notes.append(f"the {node.op_type} at the end is left out: resbench compares logits")
        node = producer(graph, source(graph, node), "the last layer")
    fc, value = read_linear(graph, node)
    node = producer(graph, value, "the average pool")
    while node.op_type in FLATTENS:
        node = producer(graph, source(graph, node), "the average pool")
    return fc, source(graph, node), read_average(graph, node)


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
        raise Refused(f"{title(node)} is not a square window without padding, expected a global pool")
    return kernel[0]


def block_end(graph: Graph, value: str) -> NodeProto | None:
    """The addition that ends a block with this value; None where the stem is reached."""
    node = graph.producers.get(value)
    if node is None or node.op_type != "Relu":
        return None
    node = graph.producers.get(source(graph, node))
    if node is not None and node.op_type == "BatchNormalization":
        maker = graph.producers.get(source(graph, node))
        if maker is None or maker.op_type != "Conv":
            raise Refused(f"{title(node)} {PRE_ACTIVATION}")
    return node if node is not None and node.op_type in ("Add", "Sum") else None


def read_block(graph: Graph, add: NodeProto) -> tuple[Block, str]:
    if len(add.input) != 2:
        raise Refused(f"{title(add)} adds {len(add.input)} values, expected 2")
    branches = [climb(graph, graph.resolve(name)) for name in add.input]
    (main, strided, end), (short, also_strided, other_end) = sorted(
        branches, key=lambda branch: len(branch[0]), reverse=True
    )
    where = title(add)
    if end != other_end:
        raise Refused(f"the two branches of {where} begin at different values")
    if len(main) not in (2, 3) or len(short) > 1:
        raise Refused(
            f"{where} adds branches of {len(main)} and {len(short)} convolutions, "
            "expected 2 or 3 and at most 1"
        )
    if strided or (short and also_strided):
        raise Refused(f"{where}: a branch has convolutions and a Slice or Pad of its own")
    flags = [conv.relu for conv in main]
    if flags != [True] * (len(main) - 1) + [False] or any(conv.relu for conv in short):
        raise Refused(f"{where}: a ReLU is missing or one too many in its branches")
    projection = short[0] if short else None
    return Block(main, projection, also_strided, where), end


def climb(graph: Graph, value: str) -> tuple[list[Conv], bool, str]:
    """Up a branch to the value that others read too: its convolutions, whether it is option A."""
    convs, sliced = [], None
    while graph.consumers[value] == 1:
        node = producer(graph, value, "a residual block")
        if node.op_type in ("Slice", "Pad"):
            sliced = sliced or {"steps": [1, 1], "channels": [0, 0]}
            take_option_a(graph, node, sliced)
            value = source(graph, node)
        else:
            conv, value = read_conv(graph, node)
            convs.append(conv)
    if sliced:
        before, after = sliced["channels"]
        if sliced["steps"] != [2, 2] or before != after or before < 1:
            raise Refused(
                f"a shortcut takes every {sliced['steps']} pixel and adds {before} and {after} "
                "channels, expected [2, 2] and as many on both sides"
            )
    return convs[::-1], sliced is not None, value


def take_option_a(graph: Graph, node: NodeProto, sliced: dict) -> None:
    """Every second pixel, and channels of zeros on both sides (He et al. 2015, section 3.3)."""
    if node.op_type == "Slice":
        starts = graph.integers(node, "starts", 1) or []
        axes = graph.integers(node, "axes", 3)
        axes = list(range(len(starts))) if axes is None else [axis % 4 for axis in axes]
        steps = graph.integers(node, "steps", 4) or [1] * len(starts)
        ends = graph.integers(node, "ends", 2) or []
        if any(starts) or not len(axes) == len(steps) == len(ends) == len(starts):
            raise Refused(f"{title(node)} does not begin at the first pixel")
        for axis, step, end in zip(axes, steps, ends, strict=True):
            if axis < 2 and step == 1 and end > 1 << 30:
                continue
            if axis < 2 or end < 1 << 16:  # exporters write a huge number for "to the end"
                raise Refused(f"{title(node)} cuts a part out, expected whole planes")
            sliced["steps"][axis - 2] *= step
        return
    pads = padding_of(graph, node)
    if [pad for place, pad in enumerate(pads) if place % 4 != 1] != [0] * 6:
        raise Refused(f"{title(node)} pads {pads}, expected channels only")
    sliced["channels"] = [sliced["channels"][0] + pads[1], sliced["channels"][1] + pads[5]]


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
    if integer(node, "training_mode", 0) or integer(node, "spatial", 1) != 1:
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


def read_stem(graph: Graph, value: str) -> tuple[Conv, bool]:
    node = producer(graph, value, "the stem")
    pooled = node.op_type == "MaxPool"
    if pooled:
        shape = graph.integers(node, "kernel_shape") or [0]
        stride, pads, value = read_window(graph, node, shape[0])
        dilations = set(graph.integers(node, "dilations") or [1])
        if (shape[0], stride, pads, dilations) != (3, 2, [1] * 4, {1}):
            raise Refused(
                f"{title(node)} has kernel {shape[:8]}, stride {stride} and padding {pads}, expected "
                "a kernel of 3, stride 2, padding 1"
            )
        if integer(node, "ceil_mode", 0):
            raise Refused(f"{title(node)} rounds sizes up (ceil_mode), expected down")
        node = producer(graph, value, "the stem")
    stem, value = read_conv(graph, node)
    if not stem.relu:
        raise Refused(f"{stem.node} begins the network without a ReLU after it")
    first = graph.producers.get(value)
    if first is not None and first.op_type == "Transpose":  # images in TensorFlow's order
        if graph.integers(first, "perm") == [0, 3, 1, 2]:
            value = source(graph, first)
    if value != graph.input:
        node = producer(graph, value, "the input")
        raise Refused(f"{title(node)} stands between the input and {stem.node}, expected nothing")
    return stem, pooled


def name_convs(stem: Conv, blocks: list[Block]) -> tuple[dict[str, Conv], str | None]:
    """Our names; a stage begins where the width of a block's first convolution changes."""
    convs, width, stage, place, variants = {"conv1": stem}, None, 0, 0, {}
    for block in blocks:
        first = block.main[0].weight.proto.dims[0]
        stage, place = (stage + 1, 0) if first != width else (stage, place + 1)
        width = first
        strides = [conv.stride for conv in block.main]
        check_strides(block, strides, 2 if stage > 1 and place == 0 else 1)
        if 2 in strides and len(strides) == 3:
            variants.setdefault("v1" if strides[0] == 2 else "v1.5", block.where)
        prefix = f"layer{stage}.{place}"
        for index, conv in enumerate(block.main, 1):
            convs[f"{prefix}.conv{index}"] = conv
        if block.projection:
            convs[f"{prefix}.downsample.0"] = block.projection
    if len(variants) > 1:
        where = " and ".join(variants.values())
        raise Refused(f"the blocks of {where} stride in different convolutions, expected one way")
    if len(blocks[0].main) == 2:
        return convs, "v1"  # basic blocks know no difference
    return convs, next(iter(variants), None)


def check_strides(block: Block, strides: list[int], stride: int) -> None:
    places = (0, 1) if len(strides) == 3 else (0,)
    allowed = [[stride if i == place else 1 for i in range(len(strides))] for place in places]
    shortcut = block.projection.stride if block.projection else 2 if block.strided else 1
    if strides not in allowed or shortcut != stride:
        raise Refused(
            f"the convolutions before {block.where} have strides {strides} and its shortcut "
            f"{shortcut}, expected a stride of {stride}"
        )


def common_padding(convs: dict[str, Conv]) -> str | None:
    possible, last = {"centred", "same"}, None
    for conv in convs.values():
        if not possible & conv.paddings:
            raise Refused(f"{conv.node} pads another way than {last}, expected one way for all")
        if conv.paddings < possible:
            last = conv.node
        possible &= conv.paddings
    return possible.pop() if len(possible) == 1 else None


def check_window(graph, window, convs, pooled: bool, blocks: list[Block]) -> None:
    """A pool with a fixed window is a global one only for one size of the input."""
    if window is None:
        return
    divisor = convs[0].stride * (2 if pooled else 1)
    for block in blocks:
        divisor *= max(conv.stride for conv in block.main)
    size = graph.input_size()
    if size is None or any(-(-side // divisor) != window for side in size):
        raise Refused(
            f"the average pool has a window of {window}, expected one over the whole plane "
            f"({divisor} pixels of the input for each of the plane's)"
        )
