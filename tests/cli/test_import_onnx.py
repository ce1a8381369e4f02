"""resbench import of ONNX models: found by the graph; hostile ones are one sentence."""

import numpy as np
import pytest
from importing import converted, onnx_file
from onnx import TensorProto, helper, numpy_helper
from onnx_models import Model


def imported(resbench, model: Model) -> dict:
    """The report; the file holds what the model was made of, bit by bit."""
    path = model.save(resbench.directory / "model.onnx")
    tensors, _attributes, report = converted(path, resbench.directory / "w.h5")
    assert tensors.keys() == model.expected.keys()
    for name, values in model.expected.items():
        assert tensors[name].dtype == np.dtype("<f4")
        assert np.array_equal(tensors[name], values), name
    assert resbench("weights", "verify", "w.h5").code == 0
    return report


def test_torch_with_batch_norm(resbench):
    told = imported(resbench, Model("resnet18", classes=1000))
    assert (told["network"], told["variant"], told["classes"]) == ("resnet18", "v1", 1000)
    assert (told["conv_bias"], told["batch_norm"], told["epsilon"]) == (False, True, 1e-5)


def test_torch_folded(resbench):
    told = imported(resbench, Model("resnet20", norm=False, opset=17))
    assert (told["network"], told["conv_bias"], told["batch_norm"]) == ("resnet20", True, False)


def test_variant_is_where_the_graph_strides(tmp_path):
    model = Model("resnet50")
    found = onnx_file.read(model.save(tmp_path / "model.onnx"))
    assert found.variant == "v1.5"
    assert {name: tensor.shape for name, tensor in found.tensors.items()} == {
        name: values.shape for name, values in model.expected.items()
    }


def test_mxnet_of_the_model_zoo(resbench):
    """Opset 7, initialisers listed as inputs, biases at 1x1 convolutions only, v1."""
    model = Model("resnet50", v1=True, bias="1x1", opset=7, prefix="resnetv17_", classes=1000)
    # Its projections have none: MXNet's gluon leaves them out.
    for name in [name for name in model.expected if name.endswith("downsample.0.bias")]:
        model.expected[name][:] = 0
    remove_projection_biases(model)
    model.inputs_too = True
    told = imported(resbench, model)
    assert (told["network"], told["variant"], told["conv_bias"]) == ("resnet50-v1", "v1", True)
    assert any("get one of zeros" in note for note in told["notes"])


def remove_projection_biases(model: Model) -> None:
    zero = {t.name for t in model.initialisers if not np.any(numpy_helper.to_array(t))}
    names = {t.name for t in model.initialisers}
    projections = [n for n in model.expected if n.endswith("downsample.0.weight")]
    held = {n: model.expected[n] for n in projections}
    by_name = {t.name: t for t in model.initialisers}
    for node in model.nodes:
        if node.op_type == "Conv" and len(node.input) == 3 and node.input[1] in names - zero:
            values = numpy_helper.to_array(by_name[node.input[1]])
            if any(values.shape == v.shape and np.array_equal(values, v) for v in held.values()):
                del node.input[2]


def test_caffe2_of_the_model_zoo(resbench):
    """Sum instead of Add, an average pool with a window, Reshape, Softmax at the end."""
    model = Model("resnet18", opset=9, prefix="gpu_0/", sum_operator="Sum")
    pool = next(node for node in model.nodes if node.op_type == "GlobalAveragePool")
    pool.op_type = "AveragePool"
    pool.attribute.extend([helper.make_attribute("kernel_shape", [7, 7])])
    flatten = next(node for node in model.nodes if node.op_type == "Flatten")
    flatten.op_type = "Reshape"
    flatten.input.append(model.tensor(np.array([1, -1], np.int64)))
    model.output = model.node("Softmax", [model.output])
    told = imported(resbench, model)
    assert told["network"] == "resnet18"
    assert any("Softmax" in note for note in told["notes"])


@pytest.mark.parametrize("same", ["auto", "explicit"])
def test_same_padding(resbench, same):
    told = imported(resbench, Model("resnet8", same=same, bias="all", epsilon=1e-3))
    assert (told["network"], told["conv_bias"], told["epsilon"]) == ("resnet8", True, 1e-3)


def test_epsilon_default_of_the_standard(resbench):
    assert imported(resbench, Model("resnet20", epsilon=None))["epsilon"] == 1e-5


def test_keras_epsilon_is_the_decimal_that_was_meant(resbench):
    assert imported(resbench, Model("resnet20", epsilon=1.001e-5))["epsilon"] == 1.001e-5


def test_mean_over_axes_as_the_newer_torch_exporter_writes_it(tmp_path):
    model = Model("resnet20", opset=18, prefix="val_")
    pool = next(node for node in model.nodes if node.op_type == "GlobalAveragePool")
    pool.op_type = "ReduceMean"
    pool.input.append(model.tensor(np.array([-1, -2], np.int64)))
    flatten = next(node for node in model.nodes if node.op_type == "Flatten")
    flatten.op_type = "Reshape"
    flatten.input.append(model.tensor(np.array([-1, 64], np.int64)))
    found = onnx_file.read(model.save(tmp_path / "model.onnx"))
    assert found.tensors.keys() == model.expected.keys()


def test_matmul_and_add_instead_of_gemm(resbench):
    model = Model("resnet20")
    gemm = model.nodes.pop()
    weight = next(t for t in model.initialisers if t.name == gemm.input[1])
    weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight).T.copy(), weight.name))
    product = model.node("MatMul", gemm.input[:2])
    model.output = model.node("Add", [gemm.input[2], product])
    imported(resbench, model)


def test_shared_initialisers_through_identity(resbench):
    """torch writes equal tensors once."""
    model = Model("resnet20")
    norms = [node for node in model.nodes if node.op_type == "BatchNormalization"][:2]
    model.expected["layer1.0.bn1.weight"] = model.expected["bn1.weight"]
    model.nodes.insert(0, helper.make_node("Identity", [norms[0].input[1]], ["copy"]))
    norms[1].input[1] = "copy"
    imported(resbench, model)


def test_values_as_floats_instead_of_bytes(resbench):
    model = Model("resnet20")
    for tensor in model.initialisers:
        if tensor.data_type == TensorProto.FLOAT:
            tensor.float_data.extend(numpy_helper.to_array(tensor).reshape(-1))
            tensor.ClearField("raw_data")
    imported(resbench, model)


def test_padding_in_nodes_of_its_own(resbench):
    """As Keras writes its stem, by way of tf2onnx; images in TensorFlow's order."""
    model = Model("resnet18")
    stem = model.nodes[0]
    del stem.attribute[[a.name for a in stem.attribute].index("pads")]
    pads = model.tensor(np.array([0, 0, 3, 3, 0, 0, 3, 3], np.int64))
    model.nodes.insert(0, helper.make_node("Transpose", ["images"], ["nchw"], perm=[0, 3, 1, 2]))
    model.nodes.insert(1, helper.make_node("Pad", ["nchw", pads], ["padded"]))
    stem.input[0] = "padded"
    imported(resbench, model)


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.DOUBLE])
def test_other_floats_without_rounding(resbench, kind):
    model = Model("resnet8", same="auto")
    stored = np.float16 if kind == TensorProto.FLOAT16 else np.float64
    for tensor in model.initialisers:
        values = numpy_helper.to_array(tensor).astype(stored)
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    if kind == TensorProto.FLOAT16:
        for name, values in model.expected.items():
            model.expected[name] = values.astype(stored).astype(np.float32)
    told = imported(resbench, model)
    assert any(f"values are {np.dtype(stored).name}" in note for note in told["notes"])
