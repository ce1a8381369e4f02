#!/usr/bin/env python3
"""Writes a weights file as an ONNX model, as safetensors, or both."""

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

try:
    import export_onnx
    import export_safetensors
    from found import Refused
    from read_weights import WeightsFile
except ModuleNotFoundError as problem:
    print(
        f"resbench: the Python package {problem.name} is needed; set RESBENCH_PYTHON to a Python that has it",
        file=sys.stderr,
    )
    sys.exit(3)

EXIT_OK, EXIT_USAGE, EXIT_BAD_INPUT, EXIT_INTERRUPTED = 0, 2, 3, 130  # as in docs/design.md


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as the rest of the program does."""

    def error(self, message: str):
        print(f"{self.prog}: {message}\nTry `{self.prog} --help' for more.", file=sys.stderr)
        sys.exit(EXIT_USAGE)


def parse_arguments() -> argparse.Namespace:
    parser = Parser(
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
    if len({path.resolve() for path in (arguments.weights, *outputs)}) != len(outputs) + 1:
        parser.error("each file needs a name of its own")
    return arguments


def write(path: Path, weights: WeightsFile, writer: Callable[[WeightsFile, Path], None]) -> None:
    """The file appears whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(temporary, "xb"):
            pass  # a directory that is not there or not ours is found out before all the work
        writer(weights, temporary)
        size = temporary.stat().st_size
        temporary.replace(path)
    except OSError as problem:
        raise Refused(f"{path}: cannot be written: {problem.strerror or problem}") from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    print(f"{path}: {weights.info['network']}, {len(weights.tensors)} tensors, {size} bytes")


def export(arguments: argparse.Namespace) -> None:
    weights = WeightsFile(arguments.weights)
    if arguments.onnx:
        write(arguments.onnx, weights, export_onnx.write)
    if arguments.safetensors:
        write(arguments.safetensors, weights, export_safetensors.write)


def main() -> int:
    arguments = parse_arguments()
    try:
        export(arguments)
        sys.stdout.flush()
    except Refused as problem:
        print(f"resbench: {problem}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except OSError as problem:
        print(f"resbench: {problem.strerror}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except MemoryError:
        print(f"resbench: no memory for the tensors of {arguments.weights}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
