"""Data sets of images as 'resbench preprocess' writes them, made without it."""

import hashlib
import json
from pathlib import Path

import h5py
import numpy as np

CIFAR = {
    "order": "RGB",
    "divisor": 255,
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
    "resize": None,
    "crop": [32, 32],
}
TORCHVISION = {**CIFAR, "resize": 256, "crop": [224, 224]}
RAW = {**CIFAR, "divisor": 1, "mean": [0, 0, 0], "std": [1, 1, 1]}
CAFFE = {
    **CIFAR,
    "order": "BGR",
    "divisor": 1,
    "mean": [103.939, 116.779, 123.68],
    "std": [1, 1, 1],
}


def random_pixels(count: int, size: int = 32, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), "u1")


def write_data_set(
    path: Path,
    pixels: np.ndarray,
    labels: list[int],
    *,
    names: list[str] | None = None,
    classes: int = 10,
    preprocessing: dict = CIFAR,
) -> Path:
    """pixels: (N, H, W, 3) bytes, RGB; label -1: none."""
    _, height, width, _ = pixels.shape
    preprocessing = {**preprocessing, "crop": [height, width]}
    digest = hashlib.sha256(f"{height} {width} 3\n".encode())
    for i, label in enumerate(labels):
        digest.update(pixels[i].tobytes())
        digest.update(np.array(label, "<i4").tobytes())
        digest.update((names[i] if names else "").encode() + b"\0")
    with h5py.File(path, "w") as file:
        file["images"] = pixels
        file["labels"] = np.array(labels, "<i4")
        if names:
            room = max(len(name.encode()) for name in names)
            file["names"] = np.array(
                [name.encode() for name in names], h5py.string_dtype("utf-8", room)
            )
        file.attrs["schema_version"] = np.int64(1)
        file.attrs["classes"] = np.int64(classes)
        file.attrs["kind"] = "images"
        file.attrs["source"] = "made up"
        file.attrs["sha256"] = digest.hexdigest()
        file.attrs["preprocessing"] = json.dumps(preprocessing)
    return path


def set_attributes(path: Path, **attributes: str) -> None:
    """Gives a weights file other texts."""
    with h5py.File(path, "r+") as file:
        for name, value in attributes.items():
            file.attrs[name] = value


def normalise(pixels: np.ndarray, preprocessing: dict) -> np.ndarray:
    """(N, H, W, 3) bytes -> (N, 3, H, W) float32, as the preprocessing says."""
    values = pixels[..., ::-1] if preprocessing["order"] == "BGR" else pixels
    values = values.astype("f4") / np.float32(preprocessing["divisor"])
    values = (values - np.float32(preprocessing["mean"])) / np.float32(preprocessing["std"])
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2))
