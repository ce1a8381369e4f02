"""ONNX models as several exporters write them, made node by node; the tests know which tensor is which."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PLANES = {"resnet20": (16, 32, 64), "resnet8": (16, 32, 64), "resnet18": (64, 128, 256, 512),
          "resnet50": (64, 128, 256, 512)}  # fmt: skip
BLOCKS = {
    "resnet20": (3, 3, 3),
    "resnet8": (1, 1, 1),
    "resnet18": (2, 2, 2, 2),
    "resnet50": (3, 4, 6, 3),
}


class Model:
    """A ResNet with random weights. expected: our name of every tensor and what it must hold."""

    def __init__(
        self,
        network: str,
        *,
        v1: bool = False,
        norm: bool = True,
        bias: str = "none",  # of convolutions: none, all or 1x1 (as MXNet's)
        same: str = "",  # auto or explicit: TensorFlow's padding
        epsilon: float | None = 1e-5,
        opset: int = 13,
        prefix: str = "onnx::Conv_",  # names mean nothing
        sum_operator: str = "Add",
        classes: int = 10,
    ):
        self.random = np.random.default_rng(7)
        self.nodes, self.initialisers, self.expected, self.metadata = [], [], {}, {}
        self.v1, self.norm, self.bias, self.same, self.epsilon = v1, norm, bias, same, epsilon
        self.opset, self.prefix, self.sum_operator, self.classes = (
            opset,
            prefix,
            sum_operator,
            classes,
        )
        self.cifar = network in ("resnet20", "resnet8")
        self.size = 32 if self.cifar else 224
        self.network = network
        self.inputs_too = False
        x = self.body()
        self.output = self.head(x)

    def fresh(self) -> str:
        return f"{self.prefix}{len(self.nodes) + len(self.initialisers)}"

    def node(self, operator: str, inputs: list, **attributes) -> str:
        output = self.fresh()
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def tensor(self, values: np.ndarray) -> str:
        name = self.fresh()
        self.initialisers.append(numpy_helper.from_array(values, name))
        return name

    def weight(self, ours: str, shape: tuple, low: float = -1) -> str:
        values = self.random.uniform(low, 1, shape).astype(np.float32)
        self.expected[ours] = values
        return self.tensor(values)

    def conv(self, ours: str, x: str, shape: tuple, stride: int = 1, bn: str | None = None) -> str:
        kernel = shape[2]
        attributes = {
            "kernel_shape": [kernel] * 2,
            "strides": [stride] * 2,
            "group": 1,
            "dilations": [1, 1],
        }
        if self.same == "auto":
            attributes["auto_pad"] = "SAME_UPPER"
        else:
            total = kernel - stride if self.same and kernel > 1 else 0
            attributes["pads"] = (
                [total // 2] * 2 + [total - total // 2] * 2 if self.same else [kernel // 2] * 4
            )
        inputs = [x, self.weight(f"{ours}.weight", shape)]
        has_bias = self.bias == "all" or not self.norm or (self.bias == "1x1" and kernel == 1)
        if has_bias:
            inputs.append(self.weight(f"{ours}.bias", shape[:1]))
        elif self.bias == "1x1":
            self.expected[f"{ours}.bias"] = np.zeros(shape[0], np.float32)
        x = self.node("Conv", inputs, **attributes)
        if bn is None or not self.norm:
            return x
        parts = ("weight", "bias", "running_mean", "running_var")
        inputs = [self.weight(f"{bn}.{part}", shape[:1], 0.5) for part in parts]
        extra = {} if self.epsilon is None else {"epsilon": self.epsilon}
        return self.node("BatchNormalization", [x, *inputs], **extra)

    def body(self) -> str:
        planes = PLANES[self.network]
        kernel, stride = (3, 1) if self.cifar else (7, 2)
        x = self.conv("conv1", "images", (planes[0], 3, kernel, kernel), stride, "bn1")
        x = self.node("Relu", [x])
        if not self.cifar:
            x = self.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        channels = planes[0]
        for stage, width in enumerate(planes, 1):
            for place in range(BLOCKS[self.network][stage - 1]):
                stride = 2 if stage > 1 and place == 0 else 1
                x, channels = self.block(f"layer{stage}.{place}", x, channels, width, stride)
        self.channels = channels
        return x

    def block(self, name: str, x: str, channels: int, width: int, stride: int) -> tuple[str, int]:
        wide = width * 4 if self.network == "resnet50" else width
        if self.network == "resnet50":
            strides = (stride, 1) if self.v1 else (1, stride)
            y = self.node(
                "Relu",
                [self.conv(f"{name}.conv1", x, (width, channels, 1, 1), strides[0], f"{name}.bn1")],
            )
            y = self.node(
                "Relu",
                [self.conv(f"{name}.conv2", y, (width, width, 3, 3), strides[1], f"{name}.bn2")],
            )
            y = self.conv(f"{name}.conv3", y, (wide, width, 1, 1), 1, f"{name}.bn3")
        else:
            y = self.node(
                "Relu",
                [self.conv(f"{name}.conv1", x, (width, channels, 3, 3), stride, f"{name}.bn1")],
            )
            y = self.conv(f"{name}.conv2", y, (width, width, 3, 3), 1, f"{name}.bn2")
        short = x
        if channels != wide and self.network == "resnet20":
            short = self.option_a(x, wide - channels)
        elif channels != wide:
            bn = None if self.network == "resnet8" else f"{name}.downsample.1"
            short = self.conv(f"{name}.downsample.0", x, (wide, channels, 1, 1), stride, bn)
        # Which branch comes first differs between exporters.
        pair = [y, short] if stride == 1 else [short, y]
        return self.node("Relu", [self.node(self.sum_operator, pair)]), wide

    def option_a(self, x: str, more: int) -> str:
        """As torch 1.13 writes F.pad(x[:, :, ::2, ::2], ...): two slices, paddings that are computed."""
        for axis in (2, 3):
            numbers = ([0], [2**63 - 1], [axis], [2])
            x = self.node("Slice", [x, *(self.tensor(np.array(n, np.int64)) for n in numbers)])
        reversed_pads = self.tensor(np.array([0, 0, 0, 0, more // 2, more // 2], np.int64))
        none = self.node("ConstantOfShape", [self.tensor(np.array([2], np.int64))],
                         value=helper.make_tensor("", TensorProto.INT64, [1], [0]))  # fmt: skip
        pads = self.node("Concat", [reversed_pads, none], axis=0)
        pads = self.node("Reshape", [pads, self.tensor(np.array([-1, 2], np.int64))])
        numbers = ([-1], [-(2**63) + 1], [0], [-1])
        pads = self.node("Slice", [pads, *(self.tensor(np.array(n, np.int64)) for n in numbers)])
        pads = self.node("Transpose", [pads], perm=[1, 0])
        pads = self.node("Reshape", [pads, self.tensor(np.array([-1], np.int64))])
        pads = self.node("Cast", [pads], to=TensorProto.INT64)
        return self.node("Pad", [x, pads, self.tensor(np.float32(0))], mode="constant")

    def head(self, x: str) -> str:
        x = self.node("Flatten", [self.node("GlobalAveragePool", [x])])
        weight = self.weight("fc.weight", (self.classes, self.channels))
        return self.node("Gemm", [x, weight, self.weight("fc.bias", (self.classes,))], transB=1)

    def proto(self) -> onnx.ModelProto:
        inputs = [
            helper.make_tensor_value_info(
                "images", TensorProto.FLOAT, ["n", 3, self.size, self.size]
            )
        ]
        if self.inputs_too:
            inputs += [
                helper.make_tensor_value_info(t.name, t.data_type, t.dims)
                for t in self.initialisers
            ]
        outputs = [
            helper.make_tensor_value_info(self.output, TensorProto.FLOAT, ["n", self.classes])
        ]
        graph = helper.make_graph(self.nodes, "graph", inputs, outputs, self.initialisers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)])
        model.ir_version = 3 if self.opset < 9 else 7
        return model

    def save(self, path: Path) -> Path:
        path.write_bytes(self.proto().SerializeToString())
        return path
