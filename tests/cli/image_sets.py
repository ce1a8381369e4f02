"""Folders of images and the data sets made of them, for tests of resbench preprocess."""

import hashlib
import struct
from pathlib import Path

import h5py
import numpy as np
from PIL import Image


def picture(seed: int, width: int = 50, height: int = 40) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (7, 7, 3), "u1")
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def fill(resbench, *names: str, folder: str = "images") -> Path:
    root = resbench.directory / folder
    for seed, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(seed).save(path, format="JPEG" if path.suffix.lower() != ".png" else "PNG")
    return root


def crop(image: Image.Image, resize: int | None, height: int, width: int) -> np.ndarray:
    """torchvision's Resize and CenterCrop."""
    if resize:
        short, long = min(image.size), max(image.size)
        longer = int(resize * long / short)
        upright = image.width <= image.height
        size = (resize, longer) if upright else (longer, resize)
        image = image.resize(size, Image.Resampling.BILINEAR)
    top, left = round((image.height - height) / 2), round((image.width - width) / 2)
    return np.asarray(image.crop((left, top, left + width, top + height)))


def digest(file: h5py.File) -> str:
    """As docs/datasets.md says."""
    height, width = file["images"].shape[1:3]
    sum256 = hashlib.sha256(f"{height} {width} 3\n".encode())
    for pixels, label, name in zip(file["images"], file["labels"], file["names"]):
        sum256.update(pixels.tobytes() + struct.pack("<i", label) + name + b"\0")
    return sum256.hexdigest()


def make(resbench, *arguments, output: str = "set.h5"):
    """The open file, and what the program printed."""
    result = resbench("preprocess", *arguments, "-o", output)
    assert result.code == 0 and result.err == "", result
    file = h5py.File(resbench.directory / output)
    assert file.attrs["sha256"] == digest(file) and file.attrs["sha256"] in result.out
    assert file.attrs["kind"] == "images" and file.attrs["schema_version"] == 1
    return file, result.out


def refused(resbench, *arguments, code: int = 3) -> str:
    before = sorted(resbench.directory.rglob("*"))
    sentence = resbench.fails(code, "preprocess", *arguments)
    assert sorted(resbench.directory.rglob("*")) == before
    return sentence


SMALL = ("--resize", "36", "--crop", "32")


def labels_of(file: h5py.File) -> dict:
    return dict(zip((name.decode() for name in file["names"]), map(int, file["labels"])))
