"""Hands changed files to the readers of `resbench import`, in the child and with the limits that they have in
production, and holds them to their promises:

  weights or one refusal of one printable line; no crash of ours; bounded time and memory; no file touched but
  the model's own, none written, no program but our own started, no code of the file run.

Takes libFuzzer's options as far as tests/fuzz/run.py uses them.

Example:  PYTHONPATH=loaders/importers:tests/cli RESBENCH_PROGRAM=build/bin/resbench fuzz_import.py torch -max_total_time=60 -artifact_prefix=/tmp/found/
"""

import argparse
import hashlib
import io
import mmap
import os
import random
import re
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from functools import cache
from pathlib import Path


import import_mutations
import import_seeds
import import_weights
import keras_hdf5
import limits
import match
import network_table
import onnx_file
import safetensors_file
import tfjs
import torch_checkpoint
import torch_pickle
import write
from found import Refused
from import_seeds import Case

IMPORTERS = Path(__file__).resolve().parents[2] / "loaders" / "importers"

LOADED = (
    keras_hdf5,
    match,
    onnx_file,
    safetensors_file,
    tfjs,
    torch_checkpoint,
    write,
)  # before anything is watched
SECONDS = 10  # of one import, instead of a minute
MAX_RSS_BYTES = 1 << 30
POOL = 500
LIBHDF5 = {
    "keras"
}  # it crashes and loops: what counts is that a sentence comes back in time
HARMLESS = (
    sys.prefix,
    sys.base_prefix,
    str(IMPORTERS),
    os.devnull,
    "/proc/self",
    "/usr/share/zoneinfo",
)

# Events that a reader has no business with (docs.python.org, audit events).
FORBIDDEN = re.compile(
    r"pickle\.find_class|os\.(exec|fork|forkpty|posix_spawn|spawn|startfile|system|remove|rename|rmdir|mkdir|link|symlink"
    r"|chmod|chown|truncate|putenv|kill)|subprocess\.Popen|socket\.|urllib\.|ftplib\.|smtplib\.|shutil\.|tempfile\."
    r"|ctypes\.dlopen|code\.__new__|function\.__new__|webbrowser\.|exec|compile"
)


class Watch:
    """Tells the parent what the child did that it should not have done, by memory that both share."""

    def __init__(self) -> None:
        self.shared = mmap.mmap(-1, 4096)
        self.allowed: tuple[str, ...] = ()
        self.armed = False
        sys.addaudithook(self.look)

    def look(self, event: str, arguments: tuple) -> None:
        if self.armed and self.objects_to(event, arguments):
            self.armed = False  # telling makes events of its own
            text = f"{event} {arguments!r}"[:1000].encode(errors="replace")
            self.shared[: len(text)] = text
            self.armed = True

    def objects_to(self, event: str, arguments: tuple) -> bool:
        if event == "open":
            path, mode, flags = arguments
            writes = any(letter in (mode or "") for letter in "wax+") or (
                isinstance(flags, int)
                and flags & (os.O_WRONLY | os.O_RDWR)
                and path != os.devnull
            )
            return not isinstance(path, int) and (
                bool(writes) or not os.fspath(path).startswith(self.allowed)
            )
        if event == "subprocess.Popen":
            return arguments[0] != os.environ["RESBENCH_PROGRAM"]
        if event in ("exec", "compile"):
            code = arguments[0] if event == "exec" else arguments[1]
            return not str(getattr(code, "co_filename", code)).startswith(HARMLESS)
        return FORBIDDEN.fullmatch(event) is not None or event.startswith(
            ("socket.", "urllib.", "os.exec")
        )

    def seen(self) -> str:
        return self.shared[:].rstrip(b"\0").decode(errors="replace")

    def clear(self) -> None:
        self.shared[:] = bytes(len(self.shared))


def run_import(
    kind: str, files: Case, directory: Path, watch: Watch
) -> tuple[str, str]:
    """What the import said ("" for weights), and which promise it broke ("" for none)."""
    for name, content in files.items():
        (directory / name).write_bytes(content)
    path = directory / next(iter(files))
    arguments = argparse.Namespace(
        output=None, variant=None, epsilon=None, preprocessing=None
    )
    watch.clear()
    watch.allowed = (str(directory), *HARMLESS)

    def work() -> dict:
        watch.armed = True
        return import_weights.convert(path, arguments, None)

    started = time.monotonic()
    try:
        limits.in_child(str(path), import_weights.size_of(path), work)
        said = ""
    except Refused as problem:
        said = str(problem)
    except Exception as problem:
        return "", f"raised {type(problem).__name__}: {problem}"
    broken = watch.seen() and f"did {watch.seen()}"
    if not said.isprintable() and not broken:
        broken = f"said {said!r}"
    if said and str(directory) not in said and not broken:
        broken = f"does not name the file: {said}"
    if kind not in LIBHDF5 and re.search(
        r"ended in a crash|ended early|took (too long|longer)", said
    ):
        broken = said
    if time.monotonic() - started > 3 * SECONDS:
        broken = f"took {time.monotonic() - started:.0f} s: {said}"
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10
    if peak > MAX_RSS_BYTES and not broken:
        broken = f"took {peak >> 20} MiB"
    return said, broken


def run_pickle(files: Case, watch: Watch) -> tuple[str, str]:
    """The interpreter of opcodes alone, in this process: ten times as many inputs."""
    watch.clear()
    watch.allowed = HARMLESS
    watch.armed = True
    said = broken = ""
    try:
        torch_pickle.load(io.BytesIO(next(iter(files.values()))), "fuzz")
    except Refused as problem:
        said = str(problem)
    except Exception as problem:
        broken = f"raised {type(problem).__name__}: {problem}"
    watch.armed = False
    return said, broken or (watch.seen() and f"did {watch.seen()}")


def pattern_of(said: str) -> str:
    """The sentence without what differs from file to file: quoted words and what follows them, numbers, names."""
    words = re.split(r"b?['\"]", said)[0]
    return re.sub(
        r"-?\d[\d.e+]*|/\S+|\([^)]*\)|(tensor|layer|node|attribute) \S+", "_", words
    )[:200]


def keep(files: Case, prefix: str, broken: str) -> None:
    digest = hashlib.sha1(b"".join(files.values())).hexdigest()
    directory = Path(f"{prefix}crash-{digest}")
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (directory / name).write_bytes(content)
    print(f"==ERROR: {broken}\nkept in {directory}", flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=sorted(import_seeds.MAKERS))
    parser.add_argument(
        "-max_total_time", type=float, default=60, dest="seconds", help="60"
    )
    parser.add_argument("-runs", type=int, default=1 << 60, help="inputs at most")
    parser.add_argument("-seed", type=int, default=None, help="of the changes")
    parser.add_argument(
        "-artifact_prefix", default="./", dest="prefix", help="where findings go"
    )
    parser.add_argument(
        "-replay", type=Path, help="a directory of findings: this one only"
    )
    return parser.parse_known_args()[0]


def prepare() -> None:
    """The table of networks is asked for once, and children inherit the answers."""
    network_table.ask = cache(network_table.ask)
    for row in network_table.rows():
        if row["name"] in ("resnet8", "resnet20"):
            for biased, folded in ((False, False), (True, False), (True, True)):
                network_table.describe(row["name"], 10, biased, folded)
    limits.BASE_SECONDS = SECONDS


def main() -> int:
    options = parse_arguments()
    prepare()
    rng = random.Random(options.seed)
    pool = import_seeds.make(options.kind)
    if options.replay:
        pool = [
            {
                path.name: path.read_bytes()
                for path in sorted(
                    options.replay.iterdir(), key=lambda p: p.name != "model.json"
                )
            }
        ]
    seeds = len(pool)
    watch = Watch()
    patterns: Counter[str] = Counter()
    runs = findings = 0
    ends = time.monotonic() + options.seconds
    while time.monotonic() < ends and runs < options.runs and findings < 20:
        files = (
            pool[runs]
            if runs < seeds
            else import_mutations.case(options.kind, rng.choice(pool), rng)
        )
        if options.kind == "pickle":
            said, broken = run_pickle(files, watch)
        else:
            directory = Path(tempfile.mkdtemp(prefix="resbench-import-"))
            said, broken = run_import(options.kind, files, directory, watch)
            shutil.rmtree(directory, ignore_errors=True)
        runs += 1
        if broken:
            findings += 1
            keep(files, options.prefix, broken)
        patterns[pattern_of(said)] += 1
        if patterns[pattern_of(said)] == 1 and not broken:
            print(
                f"#{runs}\tNEW cov: {len(patterns)} {said[:200] or 'weights'}",
                flush=True,
            )
            if runs > seeds:
                pool.append(files)
                del pool[seeds : len(pool) - POOL]
    if not patterns[""] and not options.replay:
        print("==ERROR: no seed is taken: this tests next to nothing")
        findings += 1
    print(
        f"#{runs}\tDONE cov: {len(patterns)} \nstat::number_of_executed_units: {runs}"
    )
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
