#!/usr/bin/env python3
"""Writes a weights file as an ONNX model, as safetensors, or both."""

import argparse
import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import command
import limits
from command import EXIT_BAD_INPUT
from found import Refused

if TYPE_CHECKING:
    from read_weights import WeightsFile


def parse_arguments() -> argparse.Namespace:
    parser = command.Parser(
        prog="resbench export",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="The ONNX model is complete: input (N, 3, H, W) as the file's preprocessing makes it,\n"
        "output logits (N, classes). Tensors keep their names and bits; 'resbench import' of either\n"
        "file gives the same weights file back.\n\n"
        "Example:\n"
        "  resbench export weights.h5 --onnx resnet50.onnx --safetensors resnet50.safetensors\n\n"
        "Exit codes: 0 fine, 2 usage, 3 bad input or output, 130 interrupted.",
    )
    parser.add_argument("weights", type=Path, metavar="WEIGHTS.h5")
    parser.add_argument("--onnx", type=Path, metavar="FILE", help="write an ONNX model")
    parser.add_argument("--safetensors", type=Path, metavar="FILE",
                        help="write torchvision's state dict as safetensors")  # fmt: skip
    arguments = parser.parse_args()
    outputs = [path for path in (arguments.onnx, arguments.safetensors) if path]
    if not outputs:
        parser.error("what is to be written? --onnx FILE, --safetensors FILE or both")
    if len({os.path.realpath(path) for path in (arguments.weights, *outputs)}) != len(outputs) + 1:
        parser.error("each file needs a name of its own")
    return arguments


def write(path: Path, weights: "WeightsFile", writer: str) -> str:
    """By the module writer; a line on what was written. The file appears whole or not at all."""
    with command.temporary_for(path) as temporary:
        try:
            with open(temporary, "xb"):
                pass  # a directory that is not there or not ours is found out before all the work
            importlib.import_module(writer).write(weights, temporary)
            size = temporary.stat().st_size
        except OSError as problem:
            raise Refused(f"{path}: cannot be written: {problem.strerror or problem}") from None
        command.commit(temporary, path)
    return f"{path}: {weights.info['network']}, {len(weights.tensors)} tensors, {size} bytes"


def export(arguments: argparse.Namespace) -> str:
    from read_weights import WeightsFile

    outputs = {"export_onnx": arguments.onnx, "export_safetensors": arguments.safetensors}
    outputs = {writer: path for writer, path in outputs.items() if path}
    for path in outputs.values():
        command.check_output(path)  # before all the work
    weights = WeightsFile(arguments.weights)
    return "\n".join(write(path, weights, writer) for writer, path in outputs.items())


def main() -> int:
    command.catch_signals()
    arguments = parse_arguments()
    sys.stdout.reconfigure(errors="backslashreplace")
    try:
        text = export(arguments)
    except Refused as problem:
        print(f"resbench: {problem}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except ModuleNotFoundError as problem:
        print(f"resbench: {limits.package_needed(problem)}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except OSError as problem:
        print(f"resbench: {problem.strerror}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except MemoryError:
        print(
            f"resbench: no memory for the tensors of {arguments.weights}",
            file=sys.stderr,
        )
        return EXIT_BAD_INPUT
    return command.tell(text)


if __name__ == "__main__":
    sys.exit(main())
