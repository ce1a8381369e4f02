"""resbench export: complete models with the file's bits, and the same file back by import."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import onnx
import pytest
from importing import Refused, converted, export_onnx, refusal_of
from onnx.reference import ReferenceEvaluator
from onnx_models import Model
from safetensors import safe_open

PREPROCESSING = '{"order": "BGR", "divisor": 1, "mean": [1.5, 2, 3], "std": [1, 1, 1], "resize": null, "crop": null}'


def attributes(path: Path) -> dict:
    with h5py.File(path) as file:
        return dict(file.attrs)


def synthesize(resbench, network: str) -> Path:
    path = resbench.directory / f"{network}.h5"
    result = resbench("weights", "synth", network, "-o", path)
    assert result.code == 0, result
    return path


def from_model(resbench, **options) -> Path:
    """Weights with biases or folded, an unusual epsilon and preprocessing."""
    path, output = resbench.directory / "model.onnx", resbench.directory / "made.h5"
    converted(Model(**options).save(path), output, "--preprocessing", PREPROCESSING)
    return output


def export(resbench, weights: Path) -> tuple[Path, Path]:
    paths = resbench.directory / "out.onnx", resbench.directory / "out.safetensors"
    result = resbench("export", weights, "--onnx", paths[0], "--safetensors", paths[1])
    assert result.code == 0 and result.err == "", result
    assert [line.split(":")[0] for line in result.out.splitlines()] == [*map(str, paths)]
    return paths


@pytest.mark.parametrize("network", ["resnet8", "resnet20"])
def test_onnx_computes_what_the_oracle_does(resbench, network):
    """The reference evaluator of the onnx package: slow, and written by others."""
    weights = synthesize(resbench, network)
    check_logits(resbench, weights, network, (32, 32))


def test_imagenet_model_takes_any_size(resbench, weights18):
    check_logits(resbench, weights18, "resnet18", (33, 40), images=1)


def test_biases_and_folded_batch_norm_are_computed(resbench):
    weights = from_model(resbench, network="resnet8", same="auto", bias="all", epsilon=1e-3)
    check_logits(resbench, weights, "resnet8", (32, 32))
    weights = from_model(resbench, network="resnet20", norm=False)
    check_logits(resbench, weights, "resnet20", (32, 32))


def check_logits(
    resbench, weights: Path, network: str, size: tuple[int, int], images: int = 2
) -> None:
    path, _ = export(resbench, weights)
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    pixels = np.random.default_rng(3).standard_normal((images, 3, *size), np.float32)
    with h5py.File(resbench.directory / "x.h5", "w") as file:
        file["input"] = pixels
    result = resbench(
        "infer", network, "-w", weights, "--input", "x.h5", "-e", "oracle", "-o", "y.h5"
    )
    assert result.code == 0, result
    with h5py.File(resbench.directory / "y.h5") as file:
        expected = file["logits"][()]
    (found,) = ReferenceEvaluator(model).run(["logits"], {"input": pixels})
    assert found.shape == expected.shape
    error = np.linalg.norm(found - expected, axis=1) / np.linalg.norm(expected, axis=1)
    assert error.max() < 1e-5


def test_tensors_and_metadata(resbench, weights18):
    path, flat = export(resbench, weights18)
    model = onnx.load(path)
    told = {entry.key: entry.value for entry in model.metadata_props}
    attrs = attributes(weights18)
    with h5py.File(weights18) as file, safe_open(flat, framework="numpy") as tensors:
        held = {
            tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer
        }
        assert set(held) == set(file) == set(tensors.keys())
        for name in file:
            assert np.array_equal(file[name], held[name])
            assert np.array_equal(file[name], tensors.get_tensor(name))
        for metadata in (told, tensors.metadata()):
            for name in ("network", "source", "preprocessing", "sha256", "variant"):
                assert metadata[f"resbench.{name}"] == attrs[name]
            assert float(metadata["resbench.epsilon"]) == attrs["epsilon"]
    (one,) = model.graph.input
    dims = one.type.tensor_type.shape.dim
    assert one.name == "input" and [dim.dim_param or dim.dim_value for dim in dims] == [
        "N",
        3,
        "H",
        "W",
    ]
    assert [entry.name for entry in model.graph.output] == ["logits"]


@pytest.mark.parametrize(
    "options",
    [
        {"network": "resnet20", "epsilon": 1.001e-5},
        {"network": "resnet20", "norm": False},
        {"network": "resnet8", "same": "auto", "bias": "all", "classes": 3},
    ],
    ids=["batch norm", "folded", "biases"],
)
def test_round_trip(resbench, options):
    """Bits and attributes; the source is where the values came from first."""
    weights = from_model(resbench, **options)
    for path in export(resbench, weights):
        _tensors, two, _report = converted(path, resbench.directory / "back.h5")
        one = attributes(weights)
        assert one.keys() == two.keys()
        assert all(one[name] == two[name] for name in one), (one, two)
        assert "model.onnx" in two["source"]
        assert json.loads(two["preprocessing"]) == json.loads(PREPROCESSING)


def test_round_trip_of_what_nobody_knows(resbench):
    """Synthetic weights have no preprocessing, and get none; v1 is not taken for v1.5."""
    for network in ("resnet8", "resnet18"):
        weights = synthesize(resbench, network)
        for path in export(resbench, weights):
            _tensors, two, _report = converted(path, resbench.directory / "back.h5")
            one = attributes(weights)
            assert all(one[name] == two[name] for name in one), (one, two)


def test_epsilon_of_metadata_does_not_overrule_the_graph(resbench):
    weights = synthesize(resbench, "resnet20")
    path, _ = export(resbench, weights)
    model = onnx.load(path)
    for entry in model.metadata_props:
        if entry.key == "resbench.epsilon":
            entry.value = "0.25"
    path.write_bytes(model.SerializeToString())
    assert converted(path, resbench.directory / "back.h5")[1]["epsilon"] == 1e-5


@pytest.mark.parametrize(("key", "value"), [("epsilon", "nan"), ("preprocessing", "{}")])
def test_metadata_of_no_use(resbench, key, value):
    path, _ = export(resbench, synthesize(resbench, "resnet8"))
    model = onnx.load(path)
    for entry in model.metadata_props:
        if entry.key == f"resbench.{key}":
            entry.value = value
    path.write_bytes(model.SerializeToString())
    assert "metadata" in refusal_of(path)


def test_refused_weights(resbench, tmp_path):
    weights = synthesize(resbench, "resnet8")
    with h5py.File(shutil.copyfile(weights, tmp_path / "spoiled.h5"), "r+") as file:
        file["fc.bias"][0] += 1
    (tmp_path / "rubbish.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(500))
    for name, words in (
        ("spoiled.h5", "SHA-256"),
        ("rubbish.h5", "rubbish.h5"),
        ("none.h5", "none.h5"),
    ):
        assert words in resbench.fails(3, "export", name, "--onnx", "out.onnx")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"resnet8.h5", "spoiled.h5", "rubbish.h5"}


def test_usage(resbench, weights18):
    assert "--onnx" in resbench.fails(2, "export", weights18)
    assert "name of its own" in resbench.fails(2, "export", weights18, "--onnx", weights18)
    assert "name of its own" in resbench.fails(
        2, "export", weights18, "--onnx", "o", "--safetensors", "o"
    )
    assert resbench.fails(2, "export")


def test_more_than_protobuf_can_hold(tmp_path):
    weights = SimpleNamespace(path="w.h5", byte_count=lambda: 1 << 31)
    with pytest.raises(Refused, match=r"w\.h5.*2147483648.*--safetensors"):
        export_onnx.write(weights, tmp_path / "out.onnx")
    assert not [*tmp_path.iterdir()]
