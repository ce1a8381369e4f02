#!/usr/bin/env python3
"""Makes a weights file of resbench from a PyTorch checkpoint, safetensors, an ONNX,
Keras or TensorFlow.js model, told apart by content."""

import argparse
import importlib
import json
import os
import stat
import sys
from pathlib import Path

import command
import limits
import preprocessing
from command import EXIT_BAD_INPUT
from found import Refused

# In the order in which they are asked: those with a clear mark first.
READERS = (
    "torch_checkpoint",
    "safetensors_file",
    "onnx_file",
    "keras_hdf5",
    "tfjs",
)

EPILOG = """\
examples:
  resbench import resnet50-0676ba61.pth -o resnet50.h5
  resbench import resnet20-12fca82f.th
  resbench import model.onnx -o w.h5
  resbench import pretrained_keras.h5 -o w.h5
  resbench import resnet50-tfjs/
  resbench weights verify resnet50.h5

A state dict does not say where a bottleneck strides, nor its epsilon or
preprocessing; files of Keras may say all of it or none. What is assumed is
printed, and --variant, --epsilon and --preprocessing say otherwise. Code inside
of a file is never run.

exit codes: 0 fine, 2 usage, 3 bad input (or the weights cannot be written), 130 interrupted
"""


def epsilon(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no number between 0 and 1")
    return value


def steps(text: str) -> dict:
    try:
        return preprocessing.parse(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def parse_arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = command.Parser(
        prog="resbench import",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EPILOG,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help="what to read")
    add(
        "-o",
        "--output",
        type=Path,
        metavar="W.h5",
        help="the file to write (default: <network>.h5)",
    )
    add(
        "--variant",
        choices=("v1", "v1.5"),
        help="where a bottleneck strides: in its first 1x1 or in its 3x3 (default: v1.5)",
    )
    add("--epsilon", type=epsilon, metavar="E", help="of batch norm (default: 1e-5)")
    add(
        "--preprocessing",
        type=steps,
        metavar="P",
        help="torchvision, caffe, cifar, raw or JSON as in docs/weights.md "
        "(default: torchvision or cifar, by the network)",
    )
    add("--dry-run", action="store_true", help="read and check, write nothing")
    add("--json", action="store_true", help="print JSON")
    return parser.parse_args(words)


def size_of(path: Path) -> int:
    try:
        info = path.stat()
    except OSError as problem:
        raise Refused(f"{path}: cannot be read: {problem.strerror}") from None
    if not stat.S_ISREG(info.st_mode):
        what = "a folder without model.json" if path.is_dir() else "not a regular file"
        raise Refused(f"{path}: is {what}")
    if not os.access(path, os.R_OK):
        raise Refused(f"{path}: cannot be read: Permission denied")
    if info.st_size == 0:
        raise Refused(f"{path}: is empty")
    return info.st_size


def reader_of(path: Path):
    """The module that reads the file, by what lies in it."""
    known = []
    for name in READERS:
        reader = importlib.import_module(name)
        if reader.recognises(path):
            return reader
        known.append(reader.NAME)
    with open(path, "rb") as file:
        start = file.read(4)
    if start == b"PK\x03\x04":
        raise Refused(f"{path}: is a zip archive that is cut off or holds no checkpoint")
    raise Refused(f"{path}: is of no kind that is read here: {'; '.join(known)}")


def convert(path: Path, arguments: argparse.Namespace, temporary: Path | None) -> dict:
    """Reads, names and checks the weights and writes them to temporary (None: nowhere)."""
    from match import Wishes, match
    from write import write

    found = reader_of(path).read(path)
    wishes = Wishes(arguments.variant, arguments.epsilon, arguments.preprocessing)
    named = match(str(path), found, wishes)
    source = limits.clean(found.source or f"{found.format} {path.name}")
    target = str(arguments.output or f"{named.row['name']}.h5")
    digest = write(temporary, target, str(path), source, named)
    return {
        "file": str(path),
        "format": found.format,
        "network": named.row["name"],
        "variant": named.row["variant"],
        "classes": named.classes,
        "conv_bias": named.conv_bias,
        "batch_norm": named.batch_norm,
        "epsilon": named.epsilon,
        "preprocessing": named.preprocessing,
        "assumed": named.assumed,
        "tensors": len(named.tensors),
        "parameters": named.parameters,
        "ignored": len(found.ignored),
        "ignored_kinds": sorted({name.rsplit(".", 1)[-1] for name in found.ignored}),
        "notes": found.notes,
        "sha256": digest,
    }


def run(arguments: argparse.Namespace) -> dict:
    path, output = arguments.file, arguments.output
    if os.path.isfile(path / "model.json"):  # a TensorFlow.js model by its directory
        path = path / "model.json"
    size = size_of(path)
    if arguments.dry_run:
        return limits.in_child(str(path), size, lambda: convert(path, arguments, None))
    if output:
        refuse_source(output, path)
    with command.temporary_for(output or Path("resbench-import.h5")) as temporary:
        report = limits.in_child(str(path), size, lambda: convert(path, arguments, temporary))
        if not output:
            output = Path(f"{report['network']}.h5")
            refuse_source(output, path)
        command.commit(temporary, output)
    return {**report, "output": str(output)}


def refuse_source(output: Path, path: Path) -> None:
    command.check_output(output)
    if output.exists() and output.samefile(path):
        raise Refused(f"{output}: is the file that is read; give another name with -o")


def layers_text(report: dict) -> str:
    if not report["batch_norm"]:
        return "with biases, batch norm folded"
    return f"{'with' if report['conv_bias'] else 'without'} biases, batch norm"


def to_text(report: dict) -> str:
    def assumed(what: str) -> str:
        return f" (assumed; --{what} says otherwise)" if what in report["assumed"] else ""

    ignored = (
        f"; {report['ignored']} ignored ({', '.join(report['ignored_kinds'][:4])})"
        if report["ignored"]
        else ""
    )
    lines = [
        ("format", report["format"]),
        ("network", f"{report['network']}, {report['classes']} classes"),
        ("variant", report["variant"] + assumed("variant")),
        ("convolutions", layers_text(report)),
        ("epsilon", f"{report['epsilon']!r}" + assumed("epsilon")),
        (
            "preprocessing",
            preprocessing.to_text(report["preprocessing"]) + assumed("preprocessing"),
        ),
        ("tensors", f"{report['tensors']}, {report['parameters']} parameters{ignored}"),
        *[("note", note) for note in report["notes"]],
        ("sha256", report["sha256"]),
        *([("written", report["output"])] if "output" in report else []),
    ]
    return "\n".join([report["file"], *(f"{title:14} {text}" for title, text in lines)])


def main() -> int:
    command.catch_signals()
    arguments = parse_arguments()
    sys.stdout.reconfigure(errors="backslashreplace")
    try:
        report = run(arguments)
    except Refused as problem:
        print(f"resbench: {problem}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except OSError as problem:  # no process to be had, say
        print(f"resbench: {problem.strerror}", file=sys.stderr)
        return EXIT_BAD_INPUT
    return command.tell(json.dumps(report, indent=1) if arguments.json else to_text(report))


if __name__ == "__main__":
    sys.exit(main())
