#!/usr/bin/env python3
"""Draws the figures of a run: latency, memory and error over depth, scaling over threads; or that
of a trace or profile."""

import argparse
import signal
import sys
from pathlib import Path

try:
    import error
    import latency
    import memory
    import profile_figure
    import profile_file
    import result_file
    import style
    import threads
    import trace_figure
    import trace_file
except ModuleNotFoundError as problem:
    print(
        f"resbench: the Python package {problem.name} is needed; set RESBENCH_PYTHON to a Python that has it",
        file=sys.stderr,
    )
    sys.exit(3)

# as in docs/design.md
EXIT_OK, EXIT_USAGE, EXIT_BAD_INPUT, EXIT_NOTHING, EXIT_INTERRUPTED = 0, 2, 3, 6, 130

FIGURES = {
    "latency": latency.draw,
    "memory": memory.draw,
    "error": error.draw,
    "threads": threads.draw,
}
# A run with one number of threads has nothing to say of several: that is no omission.
OPTIONAL = ("threads",)
FORMATS = ("png", "svg")


def formats(text: str) -> list[str]:
    chosen = list(dict.fromkeys(text.split(",")))
    for name in chosen:
        if name not in FORMATS:
            raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join(FORMATS)}")
    return chosen


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="resbench plot",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example:\n"
        "  resbench plot results-today/results.json -o figures --format svg\n\n"
        "Writes latency, memory, error and, of several numbers of threads, threads; or trace; or\n"
        "profile; each as .png and .svg.\n\n"
        "exit codes: 0 fine, 2 usage, 3 bad input (or the figures cannot be written),\n"
        "6 nothing to draw",
    )
    parser.add_argument("results", type=Path, metavar="RESULTS.json",
                        help="written by resbench run, trace or profile")  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, metavar="DIR",
                        help="where the figures go (default: beside RESULTS.json)")  # fmt: skip
    parser.add_argument("--format", type=formats, default=list(FORMATS), metavar="LIST",
                        help="png, svg or both (default: png,svg)")  # fmt: skip
    return parser.parse_args()


def main() -> int:
    arguments = parse_arguments()
    try:
        root = result_file.load(arguments.results)
        if "trace" in root:
            content, drawing = trace_file.read(arguments.results, root), {"trace": trace_figure.draw}
        elif "profile" in root:
            content, drawing = profile_file.read(arguments.results, root), {"profile": profile_figure.draw}
        else:
            content, drawing = result_file.read(arguments.results, root), FIGURES
    except result_file.BadInput as problem:
        print(f"resbench: {problem}", file=sys.stderr)
        return EXIT_BAD_INPUT
    style.apply()
    # All are drawn before the first is written: a failure leaves no half set behind.
    figures = {name: draw(content) for name, draw in drawing.items()}
    drawn = {name: figure for name, figure in figures.items() if figure}
    if not drawn:
        print(f"resbench: {arguments.results}: nothing to draw: no record holds a measurement",
              file=sys.stderr)  # fmt: skip
        return EXIT_NOTHING
    directory = arguments.output or arguments.results.parent
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, figure in drawn.items():
            for form in arguments.format:
                path = directory / f"{name}.{form}"
                style.save(figure, path)
                print(path)
    except OSError as problem:
        print(f"resbench: {problem.filename or directory}: cannot be written: {problem.strerror}",
              file=sys.stderr)  # fmt: skip
        return EXIT_BAD_INPUT
    for name in drawing:
        if name not in drawn and name not in OPTIONAL:
            print(f"{name}: not drawn, no record holds a value for it", file=sys.stderr)
    return EXIT_OK


if __name__ == "__main__":
    try:
        # cli/script.c has kept them back since before Python began.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))
        sys.exit(main())
    except KeyboardInterrupt:
        print("resbench: interrupted", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
