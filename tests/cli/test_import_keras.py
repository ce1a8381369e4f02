"""resbench import: files of Keras, and what is refused of them."""

import json
import os
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from keras_files import (
    applications,
    resnet8,
    write_h5,
    write_keras,
    write_layers,
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


def imported(resbench, path) -> h5py.File:
    result = resbench("import", path, "-o", "w.h5")
    assert result.code == 0 and result.err == "", result
    assert resbench("weights", "verify", "w.h5").code == 0
    return h5py.File(resbench.directory / "w.h5")


def assert_tensors(file, expected) -> None:
    assert set(file) == set(expected)
    for name, values in expected.items():
        assert np.array_equal(file[name][()], values), name


@pytest.mark.parametrize("form", ["keras2.h5", "keras3.h5", "keras3.keras"])
def test_model_of_every_form(resbench, tmp_path, form):
    model, path = resnet8(), tmp_path / form
    if form.endswith(".keras"):
        write_keras(path, model)
    else:
        write_h5(path, model, int(form[5]))
    with imported(resbench, path) as file:
        assert_tensors(file, model.tensors())
        attributes = dict(file.attrs)
        assert attributes["network"] == "resnet8" and attributes["classes"] == 10
        assert attributes["epsilon"] == 0.002 and attributes["conv_bias"] == 1
        assert json.loads(attributes["preprocessing"]) == {**RAW, "crop": [32, 32]}


def test_rescaling_becomes_preprocessing(resbench, tmp_path):
    layers = [
        ("Rescaling", {"scale": 1 / 255, "offset": 0.0}),
        ("Rescaling", {"scale": [4.0, 5.0, 2.0], "offset": [-2.0, -1.0, -0.5]}),
    ]
    path = write_h5(tmp_path / "m.h5", resnet8(layers))
    report = json.loads(resbench("import", path, "--dry-run", "--json").out)
    steps = report["preprocessing"]
    # 4 (x / 255) - 2 = (x / 255 - 0.5) / 0.25
    assert (steps["divisor"], steps["mean"], steps["std"]) == (
        255,
        [0.5, 0.2, 0.25],
        [0.25, 0.2, 0.5],
    )
    assert "preprocessing" not in report["assumed"]


def test_batch_norm_that_is_folded_already(resbench, tmp_path):
    model = resnet8()
    for layer in [layer for layer in model.layers if layer.kind == "BatchNormalization"]:
        for user in model.layers:
            user.sources = [layer.sources[0] if s == layer.name else s for s in user.sources]
        model.layers.remove(layer)
    with imported(resbench, write_h5(tmp_path / "m.h5", model)) as file:
        assert_tensors(file, model.tensors())
        assert file.attrs["batch_norm"] == 0 and file.attrs["conv_bias"] == 1


# Readers alone: a ResNet-50 with few channels is no row.


@pytest.fixture(scope="module")
def reader():
    sys.path.insert(0, str(ROOT / "loaders" / "importers"))
    import keras_hdf5

    yield keras_hdf5
    sys.path.remove(str(ROOT / "loaders" / "importers"))


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
def test_applications_resnet50(reader, resbench, tmp_path, form, old):
    model, path = applications(old), tmp_path / "file"
    write_applications(path, form, model)
    found = reader.read(path)
    assert_tensors_found(found, model)
    described = json.loads(resbench("describe", "resnet50-v1", "--json", "--conv-bias").out)
    assert set(found.tensors) == {tensor["name"] for tensor in described["tensors"]}
    has_config = form in ("model", "keras")
    custom = 1e-3 if old and form != "unnamed.weights.h5" else 1.001e-5
    assert found.epsilon == (0.002 if has_config else custom)
    assert ("epsilon" in found.assumed) == (not has_config)
    assert (found.variant, found.padding, found.preprocessing) == ("v1", "centred", CAFFE)


def assert_tensors_found(found, model) -> None:
    expected = model.tensors()
    assert set(found.tensors) == set(expected)
    for name, values in expected.items():
        assert found.tensors[name].shape == values.shape
        assert np.array_equal(found.tensors[name].read(), values), name


def test_variable_names_of_keras_1(reader, tmp_path):
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
    assert_tensors_found(reader.read(path), model)


def test_stride_in_the_3x3_is_v1_5(reader, tmp_path):
    model = applications(old=False)
    for stage in (3, 4, 5):
        first, second = (model.layer(f"conv{stage}_block1_{i}_conv") for i in (1, 2))
        first.config["strides"], second.config["strides"] = [1, 1], [2, 2]
        second.config["padding"] = "valid"
        pad = model.add("ZeroPadding2D", f"pad{stage}", {"padding": 1}, second.sources[0])
        second.sources = [pad]
    found = reader.read(write_h5(tmp_path / "m.h5", model))
    assert (found.variant, found.padding) == ("v1.5", "centred")
    model.layer("conv3_block1_2_conv").config["padding"] = "same"
    model.layer("conv3_block1_2_conv").sources = model.layer("pad3").sources
    model.layers.remove(model.layer("pad3"))
    assert "padding" in refusal(reader, write_h5(tmp_path / "mixed.h5", model))


def refusal(reader, path) -> str:
    assert reader.recognises(path)
    with pytest.raises(Exception) as caught:
        reader.read(path)
    assert type(caught.value).__name__ == "Refused", caught.value
    return str(caught.value)


def change(name, **values):
    return lambda model: model.layer(name).config.update(values)


def change_kind(name, kind):
    def apply(model):
        model.layer(name).kind = kind

    return apply


def rewire(name, *sources):
    def apply(model):
        model.layer(name).sources = list(sources)

    return apply


UNFIT = {
    "epsilons": (
        change("s1_b_bn", epsilon=1e-3),
        ["batch_normalization", "0.002", "s1_b_bn", "0.001"],
    ),
    "axis": (change("s1_b_bn", axis=1), ["s1_b_bn", "axis"]),
    "no gamma": (change("s1_b_bn", scale=False), ["s1_b_bn", "gamma"]),
    "dilated": (change("s1_b", dilation_rate=[2, 2]), ["s1_b ", "dilated"]),
    "groups": (change("s1_b", groups=4), ["s1_b ", "4 groups"]),
    "first": (change("s1_b", data_format="channels_first"), ["s1_b ", "channels_first"]),
    "stride": (change("s1_b", strides=[2, 2]), ["s1_b ", "stride 2"]),
    "oblong": (change("s1_b", kernel_size=[3, 1]), ["s1_b ", "kernel_size [3, 1]"]),
    "valid": (change("s1_b", padding="valid"), ["s1_b ", "valid"]),
    "text": (change("s1_b", strides="often"), ["s1_b ", "often"]),
    "no stride": (change("s1_a", strides=[1, 1]), ["s1_a ", "stride 1"]),
    "shortcut": (change("s1_c", strides=[1, 1]), ["s1_c ", "stride 2"]),
    "activation": (change("s1_b", activation="tanh"), ["s1_b ", "tanh"]),
    "leaky": (change("s1_a_relu", activation="leaky_relu"), ["s1_a_relu"]),
    "sigmoid": (change("dense", activation="sigmoid"), ["dense", "softmax"]),
    "separable": (change_kind("s1_b", "SeparableConv2D"), ["s1_b ", "SeparableConv2D"]),
    "no batch norm": (change_kind("s1_b_bn", "LayerNormalization"), ["s1_b_bn"]),
    "multiply": (change_kind("add_1", "Multiply"), ["add_1 ", "Multiply"]),
    "sequence": (change_kind("s1_b", "Sequential"), ["s1_b ", "model of its own"]),
    "relu first": (
        lambda model: [rewire("s1_a_relu", "s1_a")(model), rewire("s1_a_bn", "s1_a_relu")(model)]
        and rewire("s1_b", "s1_a_bn")(model),
        ["s1_a_bn", "follow"],
    ),
    "a shape": (change("input_1", batch_input_shape=[None, 32, 32, 1]), ["input_1", "3]"]),
    "a cycle": (rewire("add_0", "s0_b_bn", "s2_relu"), ["s0_a "]),
    "nowhere": (rewire("s1_b", "elsewhere"), ["s1_b ", "elsewhere"]),
    "two inputs": (
        lambda model: model.add("InputLayer", "extra", {"batch_input_shape": [None, 3]}),
        ["2 inputs"],
    ),
    "twins": (lambda model: model.relu("s1_a", "s1_a_relu"), ["two layers", "s1_a_relu"]),
    "second head": (
        lambda model: model.add("Dense", "auxiliary", {"units": 1}, "avg_pool"),
        ["avg_pool"],
    ),
}


@pytest.mark.parametrize("name", UNFIT)
def test_what_does_not_fit_is_refused_by_name(reader, tmp_path, name):
    spoil, words = UNFIT[name]
    model = resnet8()
    spoil(model)
    sentence = refusal(reader, write_h5(tmp_path / "m.h5", model))
    assert all(word in sentence for word in words), sentence
    assert "\n" not in sentence and str(tmp_path) in sentence


def test_preactivation_is_refused(resbench, tmp_path):
    model = applications(old=False)
    model.layer("conv1_relu").kind = "Dropout"
    sentence = resbench.fails(3, "import", write_h5(tmp_path / "m.h5", model))
    assert "conv1_conv" in sentence and "pre-activation" in sentence


def test_weights_alone_need_names(reader, tmp_path):
    path = write_h5(tmp_path / "m.h5", resnet8(), with_config=False)
    assert "save the whole model" in refusal(reader, path)
    for own_names in (False, True):
        path = tmp_path / f"{own_names}.weights.h5"
        write_weights_h5(path, resnet8(), own_names)
        assert "save the whole model" in refusal(reader, path)
    model = applications(old=False)
    model.layers = [layer for layer in model.layers if layer.kind != "Dense"]
    path = write_h5(tmp_path / "notop.h5", model, with_config=False)
    assert "top" in refusal(reader, path)


def hostile(path, spoil) -> Path:
    write_h5(path, resnet8())
    with h5py.File(path, "r+") as file:
        layer = file["model_weights/s1_b"]
        kernel = layer["s1_b/kernel:0"]
        values = kernel[()]
        if spoil is not None:
            del layer["s1_b/kernel:0"]
            spoil(layer["s1_b"], values)
    return path


def soft(group, _values):
    group["kernel:0"] = h5py.SoftLink("/model_weights/s2_b/s2_b/kernel:0")


def outside(group, _values):
    group["kernel:0"] = h5py.ExternalLink("/etc/passwd", "/x")


def external_data(group, values):
    group.create_dataset(
        "kernel:0", values.shape, "<f4", external=[("/etc/passwd", 0, values.nbytes)]
    )


def virtual(group, values):
    layout = h5py.VirtualLayout(values.shape, "<f4")
    layout[...] = h5py.VirtualSource("other.h5", "x", values.shape)
    group.create_virtual_dataset("kernel:0", layout)


def filtered(group, values):
    group.create_dataset("kernel:0", data=values, compression="lzf")


def doubles(group, values):
    group["kernel:0"] = values.astype("f8")


def halves(group, values):
    group["kernel:0"] = values.astype("f2")


def big_endian(group, values):
    group["kernel:0"] = values.astype(">f4")


def records(group, values):
    group["kernel:0"] = np.zeros(values.shape, [("a", "<f4"), ("b", "<f4")])


def a_group(group, _values):
    group.create_group("kernel:0")


def no_data(group, _values):
    group.create_dataset("kernel:0", (1 << 20, 1 << 20, 1 << 19, 2), "<f4", chunks=(1, 1, 1, 2))


def half_the_chunks(group, values):
    kernel = group.create_dataset("kernel:0", values.shape, "<f4", chunks=(1, 3, 32, 32))
    kernel[0] = values[0]


def vast_chunks(group, values):
    kernel = group.create_dataset(
        "kernel:0",
        values.shape,
        "<f4",
        maxshape=(None,) * 4,
        chunks=(16, 16, 512, 512),
        compression=9,
    )
    kernel[...] = values


def nothing(_group, _values):
    pass


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (soft, "link"),
        (outside, "link"),
        (external_data, "another file"),
        (virtual, "virtual"),
        (filtered, "filter"),
        (doubles, "float64"),
        (halves, "float16"),
        (big_endian, "little-endian"),
        (records, "wrong type"),
        (a_group, "not a data set"),
        (no_data, "bytes"),
        (half_the_chunks, "not all of it"),
        (vast_chunks, "chunks"),
        (nothing, "missing"),
    ],
)
def test_hostile_tensors_are_refused(reader, tmp_path, spoil, word):
    sentence = refusal(reader, hostile(tmp_path / "m.h5", spoil))
    assert word in sentence and "s1_b/kernel:0" in sentence, sentence


def test_deflate_is_read(reader, tmp_path):
    def deflated(group, values):
        group.create_dataset("kernel:0", data=values, compression="gzip", shuffle=True)

    assert_tensors_found(reader.read(hostile(tmp_path / "m.h5", deflated)), resnet8())


def with_attribute(path, name, value) -> Path:
    write_h5(path, resnet8())
    with h5py.File(path, "r+") as file:
        file.attrs[name] = value
    return path


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("model_config", "{", "not JSON"),
        ("model_config", "[" * 100_000, "nested too deeply"),
        ("model_config", '{"class_name": "Functional", "config": {"layers": [1]}}', "layer"),
        ("model_config", '{"class_name": "Functional", "config": []}', "layers"),
        ("model_config", b'{"class_name": "\xff"}', "UTF-8"),
        ("model_config", 5, "not text"),
        ("model_config", ["{}", "{}"], "one text"),
        ("schema_version", 2, "already"),
        ("backend", "theano", None),
    ],
)
def test_hostile_attributes_are_refused(resbench, tmp_path, name, value, word):
    path = with_attribute(tmp_path / "m.h5", name, value)
    if name == "backend":  # the group's own goes before
        assert resbench("import", path, "-o", "w.h5").code == 0
        with h5py.File(path, "r+") as file:
            file["model_weights"].attrs["backend"] = value
        word = value
    assert word in resbench.fails(3, "import", path, "-o", "x.h5")
    assert not (resbench.directory / "x.h5").exists()


@pytest.mark.parametrize("length", [9, 2000, 200_000])
def test_truncated_files_are_refused(resbench, tmp_path, length):
    path = write_h5(tmp_path / "m.h5", resnet8())
    os.truncate(path, length)
    resbench.fails(3, "import", path)
    write_keras(path, resnet8())
    os.truncate(path, length)
    resbench.fails(3, "import", path)


def test_hdf5_of_others_is_refused(reader, tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.zeros(3)
    assert "none of Keras" in refusal(reader, tmp_path / "other.h5")
    assert not reader.recognises(tmp_path / "missing") and not reader.recognises(tmp_path)


def test_archives_that_are_refused(reader, tmp_path):
    path = write_keras(tmp_path / "m.keras", resnet8(), zipfile.ZIP_DEFLATED)
    assert "compressed" in refusal(reader, path)
    write_keras(path, resnet8())
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("model.weights.h5").header_offset
    data = bytearray(path.read_bytes())
    data[start + 100_000] ^= 1
    path.write_bytes(data)
    assert "damaged" in refusal(reader, path)


def test_leftover_weights_are_refused(reader, tmp_path):
    model = resnet8()
    path = write_h5(tmp_path / "m.h5", model)
    model.conv("s1_a", "stranger", None, 3, 4, 1)
    with h5py.File(path, "r+") as file:
        del file["model_weights"]
        write_layers(file.create_group("model_weights"), model)
    assert "stranger" in refusal(reader, path)


def test_a_shorter_list_of_weights_is_refused(reader, tmp_path):
    model = resnet8()
    del model.layer("s1_b_bn").weights["moving_mean"]
    sentence = refusal(reader, write_h5(tmp_path / "m.h5", model))
    assert "s1_b_bn" in sentence and "moving_mean" in sentence


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
    with imported(resbench, model) as file:
        assert file.attrs["network"] == "resnet8" and file.attrs["epsilon"] == 1e-3
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
