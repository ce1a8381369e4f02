"""resbench import: files of Keras, and what is refused of them."""

import json
import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from importing import converted, keras_hdf5, refusal_of, refused_by, report_of
from keras_files import (
    applications,
    assert_tensors_found,
    resnet8,
    write_h5,
    write_keras,
    write_weights_h5,
)

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("RESBENCH_SHARED", ROOT.parent / "shared")) / "data"
RAW = {"order": "RGB", "divisor": 1, "mean": [0, 0, 0], "std": [1, 1, 1], "resize": None}
CAFFE = {
    "order": "BGR",
    "divisor": 1,
    "mean": [103.939, 116.779, 123.68],
    "std": [1, 1, 1],
    "resize": 256,
    "crop": [224, 224],
}


def imported(resbench, path) -> tuple[dict, dict]:
    tensors, attributes, _report = converted(path, resbench.directory / "w.h5")
    assert resbench("weights", "verify", "w.h5").code == 0
    return tensors, attributes


def assert_tensors(file, expected) -> None:
    assert set(file) == set(expected)
    for name, values in expected.items():
        assert np.array_equal(file[name], values), name


@pytest.mark.parametrize("form", ["keras2.h5", "keras3.h5", "keras3.keras"])
def test_model_of_every_form(resbench, tmp_path, form):
    model, path = resnet8(), tmp_path / form
    if form.endswith(".keras"):
        write_keras(path, model)
    else:
        write_h5(path, model, int(form[5]))
    tensors, attributes = imported(resbench, path)
    assert_tensors(tensors, model.tensors())
    assert attributes["network"] == "resnet8" and attributes["classes"] == 10
    assert attributes["epsilon"] == 0.002 and attributes["conv_bias"] == 1
    assert json.loads(attributes["preprocessing"]) == {**RAW, "crop": [32, 32]}


def test_rescaling_becomes_preprocessing(tmp_path):
    layers = [
        ("Rescaling", {"scale": 1 / 255, "offset": 0.0}),
        ("Rescaling", {"scale": [4.0, 5.0, 2.0], "offset": [-2.0, -1.0, -0.5]}),
    ]
    path = write_h5(tmp_path / "m.h5", resnet8(layers))
    report = report_of(path)
    steps = report["preprocessing"]
    # 4 (x / 255) - 2 = (x / 255 - 0.5) / 0.25
    assert (steps["divisor"], steps["mean"], steps["std"]) == (
        255,
        [0.5, 0.2, 0.25],
        [0.25, 0.2, 0.5],
    )
    assert "preprocessing" not in report["assumed"]


@pytest.mark.parametrize("scale", [1e9, [1e-9, 1, 1]])
def test_rescaling_that_no_weights_file_can_say(tmp_path, scale):
    layers = [("Rescaling", {"scale": scale, "offset": 0.0})]
    assert "scales its images" in refusal_of(write_h5(tmp_path / "m.h5", resnet8(layers)))


def test_epsilon_of_zero_is_refused(tmp_path):
    model = resnet8()
    for layer in [layer for layer in model.layers if layer.kind == "BatchNormalization"]:
        layer.config["epsilon"] = 0
    assert "has the epsilon 0" in refusal_of(write_h5(tmp_path / "m.h5", model))


def test_batch_norm_that_is_folded_already(resbench, tmp_path):
    model = resnet8()
    for layer in [layer for layer in model.layers if layer.kind == "BatchNormalization"]:
        for user in model.layers:
            user.sources = [layer.sources[0] if s == layer.name else s for s in user.sources]
        model.layers.remove(layer)
    tensors, attributes = imported(resbench, write_h5(tmp_path / "m.h5", model))
    assert_tensors(tensors, model.tensors())
    assert attributes["batch_norm"] == 0 and attributes["conv_bias"] == 1


# Readers alone: a ResNet-50 with few channels is no row.


def write_applications(path, form, model):
    if form == "model":
        write_h5(path, model)
    elif form == "keras":
        write_keras(path, model)
    elif form == "weights":
        write_h5(path, model, with_config=False)
    else:
        write_weights_h5(path, model, own_names=form == "weights.h5")


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("form", ["model", "keras", "weights", "weights.h5", "unnamed.weights.h5"])
def test_applications_resnet50(resbench, tmp_path, form, old):
    model, path = applications(old), tmp_path / "file"
    write_applications(path, form, model)
    found = keras_hdf5.read(path)
    assert_tensors_found(found, model)
    described = json.loads(resbench("describe", "resnet50-v1", "--json", "--conv-bias").out)
    assert set(found.tensors) == {tensor["name"] for tensor in described["tensors"]}
    has_config = form in ("model", "keras")
    custom = 1e-3 if old and form != "unnamed.weights.h5" else 1.001e-5
    assert found.epsilon == (0.002 if has_config else custom)
    assert ("epsilon" in found.assumed) == (not has_config)
    assert (found.variant, found.padding, found.preprocessing) == ("v1", "centred", CAFFE)


def test_variable_names_of_keras_1(tmp_path):
    model, path = applications(old=True), tmp_path / "w.h5"
    names = {"kernel": "W", "bias": "b", "moving_mean": "running_mean"}
    names |= {"moving_variance": "running_std", "gamma": "gamma", "beta": "beta"}
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        for layer in model.layers:
            group = file.create_group(layer.name)
            variables = {f"{layer.name}_{names[v]}_1:0": x for v, x in layer.weights.items()}
            group.attrs["weight_names"] = [name.encode() for name in variables]
            for name, values in variables.items():
                group[name] = values
    assert_tensors_found(keras_hdf5.read(path), model)


def test_stride_in_the_3x3_is_v1_5(tmp_path):
    model = applications(old=False)
    for stage in (3, 4, 5):
        first, second = (model.layer(f"conv{stage}_block1_{i}_conv") for i in (1, 2))
        first.config["strides"], second.config["strides"] = [1, 1], [2, 2]
        second.config["padding"] = "valid"
        pad = model.add("ZeroPadding2D", f"pad{stage}", {"padding": 1}, second.sources[0])
        second.sources = [pad]
    found = keras_hdf5.read(write_h5(tmp_path / "m.h5", model))
    assert (found.variant, found.padding) == ("v1.5", "centred")
    model.layer("conv3_block1_2_conv").config["padding"] = "same"
    model.layer("conv3_block1_2_conv").sources = model.layer("pad3").sources
    model.layers.remove(model.layer("pad3"))
    assert "padding" in refused_by(keras_hdf5, write_h5(tmp_path / "mixed.h5", model))


# Real files


def needs(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path


def test_real_resnet8_is_right_on_cifar10(resbench):
    """881 of the first 1,000 test images, as an independent implementation has it."""
    model = needs(DATA / "resnet8-keras" / "pretrainedResnet.h5")
    records = np.fromfile(needs(DATA / "cifar10" / "test_batch.bin"), "u1", 1000 * 3073)
    records = records.reshape(1000, 3073)
    _tensors, attributes = imported(resbench, model)
    assert attributes["network"] == "resnet8" and attributes["epsilon"] == 1e-3
    with h5py.File(resbench.directory / "x.h5", "w") as file:
        file["input"] = records[:, 1:].reshape(-1, 3, 32, 32).astype("f4")
    for engine in ("reference", "onednn"):
        result = resbench(
            *("infer", "resnet8", "--weights", "w.h5", "--input", "x.h5", "-o", "y.h5"),
            *("--engine", engine, "--threads", "1"),
        )
        assert result.code == 0, result
        with h5py.File(resbench.directory / "y.h5") as file:
            assert np.sum(file["logits"][()].argmax(1) == records[:, 0]) == 881
