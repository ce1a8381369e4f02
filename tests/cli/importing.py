"""resbench import within the test's process, for tests whose subject is what is read: a process costs most of a second.

How the program ends, prints and writes is the subject of test_import_output.py and test_import_hostile.py."""

import sys
from pathlib import Path

import h5py
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "loaders" / "importers"))
import export_onnx  # noqa: E402, F401
import import_weights  # noqa: E402
import keras_hdf5  # noqa: E402, F401
import limits  # noqa: E402, F401
import onnx_file  # noqa: E402, F401
import safetensors_file  # noqa: E402, F401
import torch_checkpoint  # noqa: E402, F401
from found import Refused  # noqa: E402


def report_of(path: Path, *options: str) -> dict:
    """What --dry-run --json prints."""
    arguments = import_weights.parse_arguments([str(path), *options])
    return import_weights.convert(path, arguments, None)


def converted(path: Path, output: Path, *options: str) -> tuple[dict, dict, dict]:
    """Tensors and attributes of the weights file, and the report."""
    output.unlink(missing_ok=True)
    arguments = import_weights.parse_arguments([str(path), "-o", str(output), *options])
    report = import_weights.convert(path, arguments, output)
    with h5py.File(output) as file:
        return {name: file[name][...] for name in file}, dict(file.attrs), report


def run(path: Path, output: Path) -> dict:
    """All that the program does but starting and printing: the child with its limits, too."""
    return import_weights.run(import_weights.parse_arguments([str(path), "-o", str(output)]))


def refusal_of(path: Path, *options: str) -> str:
    """The sentence, in which the file is named."""
    with pytest.raises(Refused) as caught:
        report_of(path, *options)
    sentence = str(caught.value)
    assert sentence.startswith(f"{path}: ") and "\n" not in sentence
    return sentence


def refused_by(reader, path: Path) -> str:
    """The same by a reader alone, for files that are no row of the table."""
    assert reader.recognises(path)
    with pytest.raises(Refused) as caught:
        reader.read(path)
    return str(caught.value)
