"""Writes the state dict of torchvision in safetensors."""

from pathlib import Path

from safetensors import SafetensorError, serialize_file

from found import Refused
from read_weights import WeightsFile


def write(weights: WeightsFile, path: Path) -> None:
    tensors = {
        name: {"dtype": "float32", "shape": values.shape, "data": values.tobytes()}
        for name, values in weights.read()
    }
    # "format" is what the loaders of Hugging Face ask for.
    try:
        serialize_file(tensors, path, {"format": "pt", **weights.metadata()})
    except SafetensorError as problem:
        raise Refused(f"{path.parent}: cannot be written to: {problem}") from None
