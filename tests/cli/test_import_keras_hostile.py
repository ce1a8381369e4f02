"""resbench import: files of Keras that do not fit, mean harm or are damaged, each refused by name."""

import os
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from data_set import random_pixels, write_data_set
from importing import keras_hdf5, refusal_of, refused_by, report_of
from keras_files import (
    applications,
    assert_tensors_found,
    resnet8,
    write_h5,
    write_keras,
    write_layers,
    write_weights_h5,
)


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
def test_what_does_not_fit_is_refused_by_name(tmp_path, name):
    spoil, words = UNFIT[name]
    model = resnet8()
    spoil(model)
    sentence = refused_by(keras_hdf5, write_h5(tmp_path / "m.h5", model))
    assert all(word in sentence for word in words), sentence
    assert "\n" not in sentence and str(tmp_path) in sentence


def test_preactivation_is_refused(resbench, tmp_path):
    model = applications(old=False)
    model.layer("conv1_relu").kind = "Dropout"
    sentence = resbench.fails(3, "import", write_h5(tmp_path / "m.h5", model))
    assert "conv1_conv" in sentence and "pre-activation" in sentence


def test_weights_alone_need_names(tmp_path):
    path = write_h5(tmp_path / "m.h5", resnet8(), with_config=False)
    assert "save the whole model" in refused_by(keras_hdf5, path)
    for own_names in (False, True):
        path = tmp_path / f"{own_names}.weights.h5"
        write_weights_h5(path, resnet8(), own_names)
        assert "save the whole model" in refused_by(keras_hdf5, path)
    model = applications(old=False)
    model.layers = [layer for layer in model.layers if layer.kind != "Dense"]
    path = write_h5(tmp_path / "notop.h5", model, with_config=False)
    assert "top" in refused_by(keras_hdf5, path)


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
def test_hostile_tensors_are_refused(tmp_path, spoil, word):
    sentence = refused_by(keras_hdf5, hostile(tmp_path / "m.h5", spoil))
    assert word in sentence and "s1_b/kernel:0" in sentence, sentence


def test_deflate_is_read(tmp_path):
    def deflated(group, values):
        group.create_dataset("kernel:0", data=values, compression="gzip", shuffle=True)

    assert_tensors_found(keras_hdf5.read(hostile(tmp_path / "m.h5", deflated)), resnet8())


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
        ("schema_version", 2, "weights file of resbench already"),
        ("backend", "theano", None),
    ],
)
def test_hostile_attributes_are_refused(tmp_path, name, value, word):
    path = with_attribute(tmp_path / "m.h5", name, value)
    if name == "backend":  # the group's own goes before
        assert report_of(path)["network"] == "resnet8"
        with h5py.File(path, "r+") as file:
            file["model_weights"].attrs["backend"] = value
        word = value
    assert word in refusal_of(path)


def test_a_data_set_is_no_model(tmp_path):
    path = write_data_set(tmp_path / "set.h5", random_pixels(2), [0, 1])
    assert "data set of resbench already" in refusal_of(path)


@pytest.mark.parametrize("length", [9, 2000, 200_000])
def test_truncated_files_are_refused(resbench, tmp_path, length):
    path = write_h5(tmp_path / "m.h5", resnet8())
    os.truncate(path, length)
    resbench.fails(3, "import", path)
    write_keras(path, resnet8())
    os.truncate(path, length)
    resbench.fails(3, "import", path)


def test_hdf5_of_others_is_refused(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.zeros(3)
    assert "none of Keras" in refused_by(keras_hdf5, tmp_path / "other.h5")
    assert not keras_hdf5.recognises(tmp_path / "missing") and not keras_hdf5.recognises(tmp_path)


def test_archives_that_are_refused(tmp_path):
    path = write_keras(tmp_path / "m.keras", resnet8(), zipfile.ZIP_DEFLATED)
    assert "compressed" in refused_by(keras_hdf5, path)
    write_keras(path, resnet8())
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("model.weights.h5").header_offset
    data = bytearray(path.read_bytes())
    data[start + 100_000] ^= 1
    path.write_bytes(data)
    assert "damaged" in refused_by(keras_hdf5, path)


def test_leftover_weights_are_refused(tmp_path):
    model = resnet8()
    path = write_h5(tmp_path / "m.h5", model)
    model.conv("s1_a", "stranger", None, 3, 4, 1)
    with h5py.File(path, "r+") as file:
        del file["model_weights"]
        write_layers(file.create_group("model_weights"), model)
    assert "stranger" in refused_by(keras_hdf5, path)


def test_a_shorter_list_of_weights_is_refused(tmp_path):
    model = resnet8()
    del model.layer("s1_b_bn").weights["moving_mean"]
    sentence = refused_by(keras_hdf5, write_h5(tmp_path / "m.h5", model))
    assert "s1_b_bn" in sentence and "moving_mean" in sentence
