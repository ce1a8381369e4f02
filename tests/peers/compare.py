#!/usr/bin/env python3
"""Runs an exported weights file in ONNX Runtime and in torch and compares logits with ours.

What is compared is the export as a whole: the program writes the files, the peers know nothing of it."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

HERE = Path(__file__).resolve().parent
CHUNK = 256  # images in memory at a time
LIMIT = 1e-5  # relative L2 per image
EXIT_FINE, EXIT_WRONG, EXIT_BAD_INPUT, EXIT_NOTHING = 0, 1, 3, 6
PEERS = {"onnxruntime": "onnxruntime", "torch": "torch"}  # and the module that each needs


class Failed(Exception):
    pass


@dataclass
class Tally:
    """One peer against our engine."""

    images: int = 0
    worst: float = 0.0
    agree: int = 0
    ties: int = 0  # of those that do not agree: closer to a tie than twice the error
    labelled: int = 0
    right: int = 0
    ours_right: int = 0

    def add(self, ours: np.ndarray, theirs: np.ndarray, labels: np.ndarray | None) -> None:
        if theirs.shape != ours.shape:
            raise Failed(f"logits of shape {theirs.shape}, expected {ours.shape}")
        error = np.abs(theirs.astype(np.float64) - ours)
        norms = np.linalg.norm(error, axis=1) / np.linalg.norm(ours, axis=1)
        self.worst = max(self.worst, float(np.where(np.isnan(norms), np.inf, norms).max()))
        one, two = ours.argmax(1), theirs.argmax(1)
        top = np.sort(ours, axis=1)
        near = top[:, -1] - top[:, -2] < 2 * error.max(axis=1)
        self.images += len(ours)
        self.agree += int((one == two).sum())
        self.ties += int(((one != two) & near).sum())
        if labels is not None:
            self.labelled += len(labels)
            self.right += int((two == labels).sum())
            self.ours_right += int((one == labels).sum())

    def passes(self) -> bool:
        return self.images > 0 and self.worst <= LIMIT and self.agree + self.ties == self.images


@dataclass
class Case:
    weights: Path
    work: Path
    engine: str
    info: dict = field(default_factory=dict)

    def __post_init__(self):
        self.info = json.loads(program("weights", "info", self.weights, "--json"))
        shape = [self.info["network"], "--classes", self.info["classes"]]
        if not self.info["batch_norm"]:
            shape.append("--folded")
        elif self.info["conv_bias"]:
            shape.append("--conv-bias")
        (self.work / "describe.json").write_text(program("describe", *shape, "--json"))
        program("export", self.weights, "--onnx", self.work / "w.onnx",
                "--safetensors", self.work / "w.safetensors")  # fmt: skip

    def ours(self, images: np.ndarray) -> np.ndarray:
        with h5py.File(self.work / "x.h5", "w") as file:
            file["input"] = images
        program("infer", self.info["network"], "--weights", self.weights, "--input", self.work / "x.h5",
                "--engine", self.engine, "--batch", min(len(images), 8), "-o", self.work / "y.h5",
                "--timeout", 3600)  # fmt: skip
        with h5py.File(self.work / "y.h5") as file:
            return file["logits"][()].astype(np.float64)

    def theirs(self, peer: str, python: str) -> np.ndarray:
        """Of the images in x.npy."""
        if peer == "torch":
            inputs = [self.work / "describe.json", self.work / "w.safetensors"]
        else:
            inputs = [self.work / "w.onnx"]
        run([python, HERE / f"run_{peer}.py", *inputs, self.work / "x.npy", self.work / "out.npy"])
        return np.load(self.work / "out.npy")


def run(command: list) -> str:
    done = subprocess.run(
        [*map(str, command)], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Failed(f"{Path(str(command[0])).name} {Path(str(command[1])).name}: {last}")
    return done.stdout


def program(*arguments: object) -> str:
    return run([os.environ.get("RESBENCH_PROGRAM", "resbench"), *arguments])


def find_peers() -> dict[str, str]:
    """The peers that are installed, each with a Python that has it."""
    named = os.environ.get("RESBENCH_PEERS_PYTHON", "")
    pythons = [*filter(None, named.split(os.pathsep)), sys.executable, "/usr/bin/python3"]
    found = {}
    for peer, module in PEERS.items():
        for python in pythons:
            command = [python, "-c", f"import numpy, {module}"]
            try:
                if subprocess.run(command, capture_output=True).returncode == 0:
                    found[peer] = python
                    break
            except OSError:
                continue
    return found


def steps_of(file: h5py.File, info: dict) -> dict:
    """What the weights want; where they do not say, what the data set was made for."""
    wanted = info["preprocessing"]
    return json.loads(file.attrs["preprocessing"] if wanted == "none" else wanted)


def read_chunks(arguments, info: dict) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """Images as the network wants them, and labels where there are some."""
    with h5py.File(arguments.data or arguments.input) as file:
        pixels = file["images"] if arguments.data else file["input"]
        labels = file["labels"] if arguments.data else None
        steps = steps_of(file, info) if arguments.data else None
        count = min(arguments.images or len(pixels), len(pixels))
        for first in range(0, count, CHUNK):
            part = slice(first, min(first + CHUNK, count))
            images = normalise(pixels[part], steps) if steps else pixels[part].astype(np.float32)
            yield images, labels[part] if labels is not None else None


def normalise(pixels: np.ndarray, steps: dict) -> np.ndarray:
    """(N, H, W, 3) bytes, RGB -> (N, 3, H, W) floats, each step rounded to float32."""
    values = pixels[..., ::-1] if steps["order"] == "BGR" else pixels
    values = values.astype(np.float32) / np.float32(steps["divisor"])
    values = (values - np.float32(steps["mean"])) / np.float32(steps["std"])
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2))


def compare(arguments, peers: dict[str, str]) -> dict[str, Tally]:
    tallies = {peer: Tally() for peer in peers}
    with tempfile.TemporaryDirectory() as work:
        case = Case(arguments.weights, Path(work), arguments.engine)
        for images, labels in read_chunks(arguments, case.info):
            np.save(case.work / "x.npy", images)
            ours = case.ours(images)
            for peer, python in peers.items():
                tallies[peer].add(ours, case.theirs(peer, python), labels)
    return tallies


def parse_arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="RESBENCH_PROGRAM names the program, RESBENCH_PEERS_PYTHON the Pythons that have the peers\n"
        "(with ':' between them; this Python and /usr/bin/python3 are looked at too).\n\n"
        "example:\n  tests/peers/compare.py resnet50.h5 --data photographs.h5 --engine onednn\n\n"
        "exit codes: 0 they agree, 1 they do not, 3 bad input, 6 no peer is installed",
    )
    parser.add_argument("weights", type=Path, metavar="WEIGHTS.h5")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, metavar="SET.h5", help="made by 'resbench preprocess'")
    source.add_argument(
        "--input", type=Path, metavar="X.h5", help="with the dataset input (N, 3, H, W)"
    )
    parser.add_argument("--images", type=int, metavar="N", help="only the first N")
    parser.add_argument("--engine", default="oracle", help="of ours (default: oracle)")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    arguments = parse_arguments(words)
    peers = find_peers()
    if not peers:
        print("no peer is installed (onnxruntime, torch); RESBENCH_PEERS_PYTHON names their Python")
        return EXIT_NOTHING
    try:
        tallies = compare(arguments, peers)
    except (Failed, OSError, KeyError, ValueError) as problem:
        print(f"compare: {problem}", file=sys.stderr)
        return EXIT_BAD_INPUT
    for peer, tally in tallies.items():
        labels = ""
        if tally.labelled:
            labels = f", right {tally.right} (ours {tally.ours_right}) of {tally.labelled}"
        print(
            f"{peer}: {'as ours' if tally.passes() else 'WRONG'}, {tally.images} images, worst relative "
            f"L2 {tally.worst:.2e}, same top-1 {tally.agree}{labels}"
        )
    return EXIT_FINE if all(tally.passes() for tally in tallies.values()) else EXIT_WRONG


if __name__ == "__main__":
    sys.exit(main())
