"""resbench import of ONNX models that are none of ours, damaged or hostile: one sentence, never a traceback."""

import contextlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from importing import Refused, onnx_file, refusal_of, refused_by
from onnx import TensorProto, helper, numpy_helper
from onnx_models import Model


def refused(resbench, proto) -> str:
    path = resbench.directory / "bad.onnx"
    path.write_bytes(proto if isinstance(proto, bytes) else proto.SerializeToString())
    sentence = resbench.fails(3, "import", path, "-o", "w.h5")
    assert "bad.onnx" in sentence and "Traceback" not in sentence
    assert not (resbench.directory / "w.h5").exists()
    return sentence


def refused_by_reader(directory: Path, proto: onnx.ModelProto) -> str:
    """The same without starting the program."""
    path = directory / "bad.onnx"
    path.write_bytes(proto.SerializeToString())
    sentence = refused_by(onnx_file, path)
    assert sentence.startswith(str(path))
    return sentence


# What is refused, each by a sentence that names the culprit.


def first(model: Model, operator: str) -> onnx.NodeProto:
    return next(node for node in model.nodes if node.op_type == operator)


def set_attribute(node: onnx.NodeProto, name: str, value) -> None:
    for attribute in [a for a in node.attribute if a.name == name]:
        node.attribute.remove(attribute)
    node.attribute.extend([helper.make_attribute(name, value)])


def spoil_groups(model):
    set_attribute(first(model, "Conv"), "group", 3)


def spoil_dilations(model):
    set_attribute(first(model, "Conv"), "dilations", [2, 2])


def spoil_pads(model):
    set_attribute(first(model, "Conv"), "pads", [0, 0, 0, 0])


def spoil_lower(model):
    set_attribute(first(model, "Conv"), "auto_pad", "SAME_LOWER")


def spoil_epsilon(model):
    set_attribute(first(model, "BatchNormalization"), "epsilon", 0.5)


def spoil_training(model):
    set_attribute(first(model, "BatchNormalization"), "training_mode", 1)


def spoil_alpha(model):
    set_attribute(first(model, "Gemm"), "alpha", 0.5)


def spoil_stem(model):
    """A pool that ResNet-20 does not have; its tensors are the same."""
    relu = first(model, "Relu")
    pool = helper.make_node("MaxPool", ["relu"], [relu.output[0]], kernel_shape=[3, 3],
                            strides=[2, 2], pads=[1, 1, 1, 1])  # fmt: skip
    relu.output[0] = "relu"
    model.nodes.insert(model.nodes.index(relu) + 1, pool)


def spoil_stride(model):
    """Its tensors tell nothing of it."""
    set_attribute([n for n in model.nodes if n.op_type == "Conv"][3], "strides", [2, 2])


def spoil_old_training(model):
    first(model, "BatchNormalization").output.extend(["m", "v"])


def spoil_operator(model):
    first(model, "Relu").op_type = "Sigmoid"


def spoil_domain(model):
    first(model, "Conv").domain = "com.microsoft"


def spoil_type(model):
    tensor = model.initialisers[0]
    tensor.data_type, tensor.raw_data = TensorProto.INT8, bytes(16 * 3 * 9)


def spoil_option_a(model):
    """Every third pixel."""
    steps = first(model, "Slice").input[4]
    tensor = next(t for t in model.initialisers if t.name == steps)
    tensor.raw_data = np.array([3], np.int64).tobytes()


def spoil_mean(model):
    """Preprocessing inside of the model."""
    stem = first(model, "Conv")
    mean = model.tensor(np.zeros((3, 1, 1), np.float32))
    model.nodes.insert(0, helper.make_node("Sub", ["images", mean], ["centred"]))
    stem.input[0] = "centred"


def spoil_relu(model):
    relu = first(model, "Relu")
    relu.op_type = "Identity"


def spoil_opset(model):
    model.opset = 6


def spoil_missing(model):
    model.initialisers = model.initialisers[1:]


def spoil_duplicate(model):
    model.initialisers.append(model.initialisers[0])


def spoil_twice(model):
    model.nodes[1].output[0] = model.nodes[0].output[0]


def spoil_cycle(model):
    model.nodes.append(helper.make_node("Identity", [model.output], ["late"]))
    first(model, "Conv").input[0] = "late"


def spoil_output(model):
    model.output = "nowhere"


def spoil_huge(model):
    del model.initialisers[0].dims[:]
    model.initialisers[0].dims.extend([1 << 60, 1 << 60, 3, 3])


def spoil_negative(model):
    model.initialisers[0].dims[0] = -16


def spoil_length(model):
    model.initialisers[0].raw_data = model.initialisers[0].raw_data[:-4]


def spoil_external(model):
    tensor = model.initialisers[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../../../../../etc/passwd"


def spoil_nan(model):
    values = np.full((16, 3, 3, 3), np.nan, np.float32)
    model.initialisers[0].CopyFrom(numpy_helper.from_array(values, model.initialisers[0].name))


def spoil_constant(model):
    """A shape of 2^60 elements, which must not be made."""
    huge = model.tensor(np.array([1 << 60], np.int64))
    model.nodes.insert(0, helper.make_node("ConstantOfShape", [huge], ["huge"]))
    first(model, "Pad").input[1] = "huge"


def spoil_name(model):
    """Escapes of terminals and line ends do not get through."""
    first(model, "Conv").name = "\x1b[31mred\nline" + "x" * 10000
    set_attribute(first(model, "Conv"), "group", 2)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_groups, ("3 groups", "Conv")),
        (spoil_dilations, ("dilations",)),
        (spoil_pads, ("pads [0, 0, 0, 0]",)),
        (spoil_lower, ("SAME_LOWER",)),
        (spoil_epsilon, ("epsilon 0.5",)),
        (spoil_training, ("training mode",)),
        (spoil_alpha, ("alpha", "0.5")),
        (spoil_stem, ("max-pool",)),
        (spoil_stride, ("strides [2, 1]",)),
        (spoil_old_training, ("training mode",)),
        (spoil_operator, ("Sigmoid",)),
        (spoil_domain, ("com.microsoft",)),
        (spoil_type, ("INT8", "onnx::Conv_0")),
        (spoil_option_a, ("[3, 2]",)),
        (spoil_mean, ("Sub", "between the input")),
        (spoil_relu, ("ReLU",)),
        (spoil_opset, ("opset 6",)),
        (spoil_missing, ("onnx::Conv_0",)),
        (spoil_duplicate, ("twice",)),
        (spoil_twice, ("exists already",)),
        (spoil_cycle, ("late", "nothing before it")),
        (spoil_output, ("nowhere",)),
        (spoil_huge, (str(1 << 60), "expected")),
        (spoil_negative, ("-16",)),
        (spoil_length, ("1724 bytes", "expected 1728")),
        (spoil_external, ("another file", "onnx::Conv_0")),
        (spoil_constant, ("pads", "not constant")),
        (spoil_name, ("2 groups", "red?line")),
    ],
)
def test_refused_by_name(tmp_path, spoil, words):
    model = Model("resnet20")
    spoil(model)
    sentence = refused_by_reader(tmp_path, model.proto())
    for word in words:
        assert word in sentence, sentence
    assert len(sentence) < 1000 and sentence.isprintable()


@pytest.mark.parametrize("epsilon", [0.0, -1e-3, 5.0, float("inf")])
def test_epsilon_that_no_weights_file_can_have(tmp_path, epsilon):
    path = Model("resnet20", epsilon=epsilon).save(tmp_path / "m")
    assert f"has the epsilon {epsilon:g}" in refusal_of(path)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(spoil_external, "another file"), (spoil_nan, "NaN"), (spoil_huge, str(1 << 60))],
)
def test_refused_by_the_program(resbench, spoil, words):
    model = Model("resnet20")
    spoil(model)
    assert words in refused(resbench, model.proto())


def test_pre_activation_is_refused(tmp_path):
    """The -v2 models of the zoo: batch norm and ReLU before the convolutions."""
    model = Model("resnet20")
    last = [node for node in model.nodes if node.op_type == "Relu"][-1]
    parts = [model.tensor(np.ones(64, np.float32)) for _ in range(4)]
    place = model.nodes.index(last)
    model.nodes.insert(
        place, helper.make_node("BatchNormalization", [last.input[0], *parts], ["pre"])
    )
    last.input[0] = "pre"
    assert "pre-activation" in refused_by_reader(tmp_path, model.proto())


def test_two_variants_in_one_model(tmp_path):
    model = Model("resnet50")
    convs = [node for node in model.nodes if node.op_type == "Conv"]
    # The stem, three blocks and a projection, then conv1 and conv2 of layer2.0.
    for conv, stride in zip(convs[11:13], (2, 1), strict=True):
        set_attribute(conv, "strides", [stride, stride])
    assert "stride in different convolutions" in refused_by_reader(tmp_path, model.proto())


@pytest.mark.parametrize("extra", ["input", "output", "sparse", "function", "subgraph"])
def test_more_than_a_plain_graph(tmp_path, extra):
    model = Model("resnet20")
    proto = model.proto()
    if extra == "input":
        proto.graph.input.extend([helper.make_tensor_value_info("more", TensorProto.FLOAT, [1])])
    elif extra == "output":
        proto.graph.output.extend([proto.graph.output[0]])
    elif extra == "sparse":
        values = numpy_helper.from_array(np.ones(1, np.float32), "few")
        places = numpy_helper.from_array(np.zeros(1, np.int64))
        proto.graph.sparse_initializer.extend([helper.make_sparse_tensor(values, places, [5])])
    elif extra == "function":
        proto.functions.add().name = "mine"
    else:
        relu = proto.graph.node[2]
        relu.op_type = "If"
        relu.attribute.extend(
            [helper.make_attribute("then_branch", helper.make_graph([], "g", [], []))]
        )
    words = {
        "input": "2 inputs",
        "output": "2 outputs",
        "sparse": "few",
        "function": "mine",
        "subgraph": "If",
    }
    assert words[extra] in refused_by_reader(tmp_path, proto)


def test_average_pool_that_is_not_global(tmp_path):
    model = Model("resnet18", opset=9)
    pool = next(node for node in model.nodes if node.op_type == "GlobalAveragePool")
    pool.op_type = "AveragePool"
    pool.attribute.extend([helper.make_attribute("kernel_shape", [5, 5])])
    assert "window of 5" in refused_by_reader(tmp_path, model.proto())


def test_cut_off_anywhere(resbench):
    whole = Model("resnet8", same="auto").proto().SerializeToString()
    for length in (12, len(whole) // 2, len(whole) - 1):
        refused(resbench, whole[:length])


def test_random_bytes(resbench):
    random = np.random.default_rng(11)
    whole = bytearray(Model("resnet8", same="auto").proto().SerializeToString())
    starts = (b"", b"\x08\x07", b"\x08\x07\x3a\x85\x20")
    for start in starts:
        refused(resbench, start + random.bytes(2000))
    spoiled = resbench.directory / "spoiled.onnx"
    for _ in range(100):  # damage among the nodes: a sentence, or a model that is still one
        content = whole.copy()
        for place in random.integers(0, 3000, 5):
            content[place] = random.integers(0, 256)
        spoiled.write_bytes(content)
        with contextlib.suppress(Refused):
            onnx_file.read(spoiled)


def test_deep_nesting(resbench):
    """Subgraphs in subgraphs, deeper than any parser's stack."""
    inner = b""
    for _ in range(20000):
        inner = field(1, field(5, field(6, inner)))  # node, attribute, graph
        if len(inner) > 1 << 20:
            break
    refused(resbench, b"\x08\x07" + field(7, inner))


def field(number: int, content: bytes) -> bytes:
    length, size = len(content), b""
    while length > 127:
        size, length = size + bytes([length & 127 | 128]), length >> 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + content
