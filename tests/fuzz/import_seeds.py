"""Good files of every kind that `resbench import` reads, small and whole: what mutations begin with.

A case is its files by name, the one that is given to the importer first."""

import io
import json
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save

import checkpoints
import keras_files
import onnx_models

Case = dict[str, bytes]


def torch_cases(directory: Path) -> list[Case]:
    tensors = checkpoints.values(checkpoints.cifar_shapes("resnet20"))
    halves = {name: value.astype("<f2") for name, value in tensors.items()}
    wrapped = {
        "state_dict": checkpoints.state_dict(tensors, "module."),
        "epoch": 3,
        "best_prec1": 91.5,
    }
    return [
        {"w.pth": checkpoints.WRITERS[form](directory / form, value).read_bytes()}
        for form in checkpoints.WRITERS
        for value in (
            wrapped,
            checkpoints.state_dict(tensors),
            checkpoints.state_dict(halves),
        )
    ]


def pickle_cases(_directory: Path) -> list[Case]:
    """The pickles alone, of a few tensors: for the interpreter of opcodes."""
    tensors = {
        "conv1.weight": np.zeros((2, 3), "<f4"),
        "bn1.running_var": np.ones(2, "<f4"),
    }
    plain = checkpoints.state_dict(tensors)
    return [
        {"p.pkl": checkpoints.pickled(value)[0]}
        for value in (
            plain,
            {
                "state_dict": plain,
                "epoch": 3,
                "arch": "resnet20",
                "best": [1.5, None, True],
            },
        )
    ]


def safetensors_cases(_directory: Path) -> list[Case]:
    tensors = checkpoints.values(checkpoints.cifar_shapes("resnet20"))
    halves = {name: value.astype("<f2") for name, value in tensors.items()}
    return [
        {"w.safetensors": save(tensors, {"format": "pt"})},
        {"w.safetensors": save(halves)},
    ]


def onnx_cases(directory: Path) -> list[Case]:
    models = [
        onnx_models.Model("resnet8"),
        onnx_models.Model("resnet20"),
        onnx_models.Model("resnet20", norm=False, bias="all"),
        onnx_models.Model("resnet8", same="auto", opset=8),
    ]
    return [
        {"m.onnx": model.save(directory / "m.onnx").read_bytes()} for model in models
    ]


def keras_cases(directory: Path) -> list[Case]:
    model = keras_files.resnet8()
    stream = io.BytesIO()
    keras_files.write_weights_h5(stream, model)
    path = directory / "m.h5"
    return [
        {"m.h5": keras_files.write_h5(path, model).read_bytes()},
        {"m.h5": keras_files.write_h5(path, model, 3).read_bytes()},
        {"m.h5": keras_files.write_h5(path, model, with_config=False).read_bytes()},
        {"m.h5": stream.getvalue()},
        {"m.keras": keras_files.write_keras(directory / "m.keras", model).read_bytes()},
    ]


def tfjs_cases(directory: Path) -> list[Case]:
    root = keras_files.write_tfjs(directory / "tfjs", keras_files.resnet8())
    root = root if root.is_dir() else root.parent
    shards = {
        path.name: path.read_bytes()
        for path in sorted(root.iterdir())
        if path.name != "model.json"
    }
    model = json.loads((root / "model.json").read_text())
    return [{"model.json": json.dumps(model).encode(), **shards}]


MAKERS = {
    "torch": torch_cases,
    "pickle": pickle_cases,
    "safetensors": safetensors_cases,
    "onnx": onnx_cases,
    "keras": keras_cases,
    "tfjs": tfjs_cases,
}


def make(kind: str) -> list[Case]:
    with tempfile.TemporaryDirectory() as directory:
        return MAKERS[kind](Path(directory))
