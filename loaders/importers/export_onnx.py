"""Writes a complete ONNX model: the nodes of 'resbench describe', step by step."""

import math
from pathlib import Path

from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper

from found import Refused
from read_weights import WeightsFile

# Of ONNX 1.10 (2021). Before opset 14 a batch norm did not say whether it trains, and not all readers guess right.
OPSET, IR_VERSION = 15, 8
LARGEST_FILE = (1 << 31) - 1  # of protobuf
ROOM_FOR_NODES = 1 << 24
TO_THE_END = (1 << 63) - 1


def write(weights: WeightsFile, path: Path) -> None:
    if weights.byte_count() > LARGEST_FILE - ROOM_FOR_NODES:
        raise Refused(
            f"{weights.path}: its tensors are {weights.byte_count()} bytes long, and an ONNX model "
            f"ends at {LARGEST_FILE}; --safetensors has no such limit"
        )
    graph = helper.make_graph(
        Builder(weights).nodes,
        weights.info["network"],
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, input_shape(weights))],
        [
            helper.make_tensor_value_info(
                "logits", TensorProto.FLOAT, ["N", weights.info["classes"]]
            )
        ],
    )
    model = helper.make_model(
        graph,
        producer_name="resbench",
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    helper.set_model_props(model, weights.metadata())
    write_model(model, weights, path)


def write_model(model: ModelProto, weights: WeightsFile, path: Path) -> None:
    """Serialises by hand what surrounds the tensors: the library would hold all of them several times."""
    graph = model.graph.SerializeToString()
    model.ClearField("graph")
    heads = {}
    for name, shape in weights.tensors.items():
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
        size = 4 * math.prod(shape)
        values = tensor.SerializeToString() + head(TensorProto.RAW_DATA_FIELD_NUMBER, size)
        initialiser = head(GraphProto.INITIALIZER_FIELD_NUMBER, len(values) + size)
        heads[name] = initialiser + values
    length = len(graph) + sum(map(len, heads.values())) + weights.byte_count()
    with open(path, "wb") as file:
        file.write(model.SerializeToString())
        file.write(head(ModelProto.GRAPH_FIELD_NUMBER, length) + graph)
        for name, values in weights.read():
            file.write(heads[name])
            file.write(values)


def head(field: int, length: int) -> bytes:
    """Of a field of the wire format that has a length (protobuf.dev, Encoding)."""
    return varint(field << 3 | 2) + varint(length)


def varint(value: int) -> bytes:
    groups = [value & 127]
    while value := value >> 7:
        groups.append(value & 127)
    return bytes([group | 128 for group in groups[:-1]] + groups[-1:])


def input_shape(weights: WeightsFile) -> list:
    """Explicit paddings that mean "same" do so for one size only."""
    if weights.padding == "same":
        return ["N", *weights.input_shape[1:]]
    return ["N", 3, "H", "W"]


class Builder:
    """ONNX nodes of the graph's nodes; a value is named after the node that ends it."""

    def __init__(self, weights: WeightsFile):
        self.epsilon = weights.info["epsilon"]
        self.nodes: list[NodeProto] = []
        makers = {
            "conv": self.add_conv,
            "shortcut": self.add_shortcut,
            "maxpool": self.add_maxpool,
            "avgpool": self.add_avgpool,
            "fc": self.add_fc,
        }
        for node in weights.nodes:
            makers[node["type"].partition("+")[0]](node)

    def add(self, operator: str, name: str, inputs: list[str], **attributes) -> str:
        output = attributes.pop("output", name)
        self.nodes.append(helper.make_node(operator, inputs, [output], name, **attributes))
        return output

    def add_conv(self, node: dict) -> None:
        tensors = node["tensors"]
        inputs = [node["source"], tensors["weight"]]
        if "bias" in tensors:
            inputs.append(tensors["bias"])
        name = node["name"]
        steps = [
            ("Conv", name, inputs, {**window(node), "dilations": [1, 1], "group": 1}),
        ]
        if "bn_weight" in tensors:
            bn = tensors["bn_weight"].removesuffix(".weight")
            parameters = [tensors[f"bn_{part}"] for part in ("weight", "bias", "mean", "var")]
            steps.append(("BatchNormalization", bn, parameters, {"epsilon": self.epsilon}))
        if node["add"]:
            steps.append(("Add", f"{name}.add", [node["add"]], {}))
        if node["relu"]:
            steps.append(("Relu", f"{name}.relu", [], {}))
        # Later nodes know the value by the node's name, which the last step's output gets.
        value = None
        for operator, step, inputs, attributes in steps:
            last = step == steps[-1][1]
            output = name if last else f"{step}.value"
            inputs = inputs if value is None else [value, *inputs]
            value = self.add(operator, step, inputs, output=output, **attributes)

    def add_shortcut(self, node: dict) -> None:
        """Option A (He et al. 2015): every second pixel, zeros for the channels that are not there."""
        name, stride = node["name"], node["stride"]
        more = node["output"][1] - node["input"][1]
        before = more // 2
        lists = {
            "starts": [0, 0],
            "ends": [TO_THE_END, TO_THE_END],
            "axes": [2, 3],
            "steps": stride,
            "pads": [0, before, 0, 0, 0, more - before, 0, 0],
        }
        for part, numbers in lists.items():
            value = helper.make_tensor(f"{name}.{part}", TensorProto.INT64, [len(numbers)], numbers)
            self.add("Constant", f"{name}.{part}", [], value=value)
        cut = [f"{name}.{part}" for part in ("starts", "ends", "axes", "steps")]
        sliced = self.add("Slice", f"{name}.slice", [node["source"], *cut])
        self.add("Pad", name, [sliced, f"{name}.pads"], mode="constant")

    def add_maxpool(self, node: dict) -> None:
        self.add("MaxPool", node["name"], [node["source"]], **window(node))

    def add_avgpool(self, node: dict) -> None:
        pooled = self.add("GlobalAveragePool", node["name"], [node["source"]], output="pooled")
        self.add("Flatten", "flatten", [pooled], output=node["name"], axis=1)

    def add_fc(self, node: dict) -> None:
        inputs = [node["source"], node["tensors"]["weight"], node["tensors"]["bias"]]
        self.add("Gemm", node["name"], inputs, output="logits", transB=1)


def window(node: dict) -> dict:
    return {
        "kernel_shape": node["kernel"],
        "strides": node["stride"],
        "pads": node["padding"],  # top, left, bottom, right in both
    }
