"""Weights files and synthetic inputs, made by the program and looked at with h5py."""

import json
import os
import shutil

import h5py
import numpy as np
import pytest

# The definition of the synthetic tensors ships its first three values, seed 1.
TEST_VECTORS = {
    "input": (0x3D9BFAC0, 0x3FB66EF4, 0x3D927DC0),
    "conv1.weight": (0xBE4C6985, 0x3DC8159A, 0x3DAB215E),
    "bn1.running_var": (0x3F921C5B, 0x3F72B603, 0x3F98044F),
    "layer1.0.bn2.weight": (0x3E8BC101, 0x3E883C89, 0x3E88C104),
}
BN = ("weight", "bias", "running_mean", "running_var")


def expected_shapes() -> dict:
    """torchvision's state dict of ResNet-18, without num_batches_tracked."""
    shapes = {"conv1.weight": (64, 3, 7, 7), "fc.weight": (1000, 512), "fc.bias": (1000,)}

    def add_bn(name, channels):
        shapes.update({f"{name}.{part}": (channels,) for part in BN})

    add_bn("bn1", 64)
    before = 64
    for stage, channels in enumerate((64, 128, 256, 512), start=1):
        for block in (0, 1):
            name = f"layer{stage}.{block}"
            shapes[f"{name}.conv1.weight"] = (channels, before, 3, 3)
            shapes[f"{name}.conv2.weight"] = (channels, channels, 3, 3)
            add_bn(f"{name}.bn1", channels)
            add_bn(f"{name}.bn2", channels)
            if before != channels:
                shapes[f"{name}.downsample.0.weight"] = (channels, before, 1, 1)
                add_bn(f"{name}.downsample.1", channels)
            before = channels
    return shapes


def first_bits(array) -> tuple:
    return tuple(int(bits) for bits in np.ravel(array)[:3].view(np.uint32))


@pytest.fixture
def damaged(weights18, tmp_path):
    """A copy to spoil."""
    return shutil.copyfile(weights18, tmp_path / "damaged.h5")


def test_tensors_of_synthetic_weights(weights18):
    with h5py.File(weights18) as file:
        assert {name: file[name].shape for name in file} == expected_shapes()
        assert {file[name].dtype for name in file} == {np.dtype("<f4")}
        for name in TEST_VECTORS.keys() - {"input"}:
            assert first_bits(file[name][...]) == TEST_VECTORS[name]


def test_attributes_and_info(resbench, weights18):
    told = json.loads(resbench("weights", "info", weights18, "--json").out)
    with h5py.File(weights18) as file:
        attributes = dict(file.attrs)
        assert file.attrs.get_id("epsilon").dtype == np.float64
        assert told["tensors"] == len(file)
        assert told["bytes"] == sum(file[name].nbytes for name in file)
    assert attributes["network"] == "resnet18"
    assert attributes["classes"] == 1000
    assert attributes["epsilon"] == 1e-5
    assert attributes["source"].startswith("synthetic")
    assert len(attributes["sha256"]) == 64
    for key, value in attributes.items():
        assert told[key] == value

    text = resbench("weights", "info", weights18)
    assert text.code == 0 and text.err == "", text
    for value in ("resnet18", "1000 classes", attributes["source"], attributes["sha256"]):
        assert value in text.out


def test_synthesis_is_repeatable_and_seeded(resbench, weights18):
    assert resbench("weights", "synth", "resnet18", "--seed", "2", "-o", "two.h5").code == 0
    assert resbench("weights", "synth", "resnet18").code == 0
    with h5py.File(weights18) as one, h5py.File(resbench.directory / "two.h5") as two:
        with h5py.File(resbench.directory / "resnet18.h5") as again:  # the default name
            assert one.attrs["sha256"] == again.attrs["sha256"] != two.attrs["sha256"]
            assert np.array_equal(one["fc.weight"], again["fc.weight"])
            assert not np.array_equal(one["fc.weight"], two["fc.weight"])


def test_verify(resbench, weights18):
    result = resbench("weights", "verify", weights18)
    assert result.code == 0 and result.err == "", result
    assert "resnet18" in result.out and "SHA-256" in result.out


def test_one_flipped_bit_is_found(resbench, damaged):
    with h5py.File(damaged) as file:
        tensor = file["layer3.1.conv2.weight"].id
        offset = tensor.get_offset() + 4 * 12345  # the lowest bit of one mantissa
    with open(damaged, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))
    assert "SHA-256" in resbench.fails(3, "weights", "verify", damaged)


def set_nan(file):
    file["layer2.0.bn1.bias"][5] = np.nan


def set_infinity(file):
    file["fc.weight"][3, 4] = np.inf


def set_negative_variance(file):
    file["layer4.1.bn2.running_var"][0] = -1


def remove(file):
    del file["layer1.0.conv1.weight"]


def add(file):
    file["layer5.weight"] = np.zeros(3, "f4")


def reshape(file):
    values = file["fc.bias"][...]
    del file["fc.bias"]
    file["fc.bias"] = values.reshape(10, 100)


def widen(file):
    values = file["fc.bias"][...]
    del file["fc.bias"]
    file["fc.bias"] = values.astype("f8")


def rename_network(file):
    file.attrs["network"] = np.bytes_("alexnet")


def drop_epsilon(file):
    del file.attrs["epsilon"]


@pytest.mark.parametrize(
    "spoil, named",
    [
        (set_nan, "layer2.0.bn1.bias"),
        (set_infinity, "fc.weight"),
        (set_negative_variance, "layer4.1.bn2.running_var"),
        (remove, "layer1.0.conv1.weight"),
        (add, "layer5.weight"),
        (reshape, "fc.bias"),
        (widen, "fc.bias"),
        (rename_network, "alexnet"),
        (drop_epsilon, "epsilon"),
    ],
)
def test_spoilt_files_are_refused_wherever_they_are_used(resbench, damaged, spoil, named):
    with h5py.File(damaged, "r+") as file:
        spoil(file)
    resbench("synth-input", "--size", "32", "-o", "x.h5")
    verify = ("weights", "verify", damaged)
    infer = ("infer", "resnet18", "--weights", damaged, "--input", "x.h5", "--threads", "1")
    run = ("run", "--depths", "18", "--weights", damaged, "--size", "32", "--threads", "1")
    for arguments in (verify, (*infer, "-o", "y.h5"), (*run, "-o", "results")):
        sentence = resbench.fails(3, *arguments)
        assert named in sentence and "damaged.h5" in sentence, sentence
    assert not (resbench.directory / "y.h5").exists()
    assert not (resbench.directory / "results" / "results.json").exists()


@pytest.mark.parametrize("action", ["info", "verify"])
@pytest.mark.parametrize("kept", [0, 100, 4096, 0.5, 0.999])
def test_truncated_files(resbench, damaged, action, kept):
    size = damaged.stat().st_size
    os.truncate(damaged, kept if isinstance(kept, int) else int(size * kept))
    assert "damaged.h5" in resbench.fails(3, "weights", action, damaged)


@pytest.mark.parametrize("action", ["info", "verify"])
def test_files_that_are_no_weights(resbench, action):
    (resbench.directory / "text.h5").write_text("conv1.weight = 1, 2, 3\n")
    (resbench.directory / "folder.h5").mkdir()
    resbench("synth-input", "--size", "32", "-o", "input.h5")
    expectations = {
        "text.h5": "not an HDF5 file",
        "folder.h5": "not a regular file",
        "input.h5": "not a weights file",
        "missing.h5": "no such file",
    }
    for name, reason in expectations.items():
        sentence = resbench.fails(3, "weights", action, name)
        assert name in sentence and reason in sentence, sentence


def test_unwritable_output_leaves_nothing(resbench):
    (resbench.directory / "taken").mkdir()
    for output in ("nowhere/w.h5", "taken"):
        assert output in resbench.fails(3, "weights", "synth", "resnet18", "-o", output)
        assert output in resbench.fails(3, "synth-input", "--size", "32", "-o", output)
    assert [path.name for path in resbench.directory.rglob("*")] == ["taken"]


def test_synthetic_input(resbench):
    for name, seed in (("one", "1"), ("again", "1"), ("two", "2")):
        arguments = ("--batch", "2", "--size", "32x48", "--seed", seed, "-o", f"{name}.h5")
        result = resbench("synth-input", *arguments)
        assert result.code == 0 and result.err == "", result
    one, again, two = (
        h5py.File(resbench.directory / f"{name}.h5")["input"][...]
        for name in ("one", "again", "two")
    )
    assert one.shape == (2, 3, 32, 48) and one.dtype == np.dtype("<f4")
    assert first_bits(one) == TEST_VECTORS["input"]
    assert np.array_equal(one, again) and not np.array_equal(one, two)


def test_files_of_another_kind_get_the_next_step(resbench):
    (resbench.directory / "w.pth").write_bytes(b"PK\3\4")
    with h5py.File(resbench.directory / "keras.h5", "w") as file:
        file.attrs["keras_version"] = "2.4.0"
    for name in ("w.pth", "keras.h5"):
        for command in (("weights", "verify", name), ("run", "-w", name, "--quick", "-o", "out")):
            assert "'resbench import' makes" in resbench.fails(3, *command)
        sentence = resbench.fails(3, "preprocess", "verify", name)
        assert "'resbench preprocess' makes" in sentence
    with h5py.File(resbench.directory / "set.h5", "w") as file:
        file.attrs["kind"] = "images"
        file.attrs["schema_version"] = 2
    assert "is a data set of images" in resbench.fails(3, "weights", "verify", "set.h5")
