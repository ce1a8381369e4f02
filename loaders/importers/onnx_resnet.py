"""Finds the residual network in an ONNX graph, from the logits back to the images."""

from dataclasses import dataclass

from onnx import NodeProto

from found import Refused
from onnx_graph import Graph, integer, title
from onnx_layers import (
    PRE_ACTIVATION,
    Conv,
    padding_of,
    producer,
    read_average,
    read_conv,
    read_linear,
    read_window,
    source,
)

FLATTENS = {"Flatten", "Reshape", "Squeeze"}


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
    if (stem.kernel, stem.stride, pooled) not in ((7, 2, True), (3, 1, False)):
        raise Refused(
            f"{stem.node} has kernel {stem.kernel}, stride {stem.stride} and {'a' if pooled else 'no'} "
            "max-pool after it, expected 7, 2 and one, or 3, 1 and none"
        )
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
