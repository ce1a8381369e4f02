"""What the program knows of its networks, asked of the program itself."""

import json
import os
import resource
import subprocess
from functools import cache

import limits
from found import Refused


def run(*arguments: str) -> str:
    """What the program prints; RESBENCH_PROGRAM is set by the program (cli/script.c)."""
    program = os.environ.get("RESBENCH_PROGRAM")
    if not program:
        raise Refused(
            "RESBENCH_PROGRAM does not name the resbench program; start this as 'resbench import' or 'export'"
        )
    try:
        done = subprocess.run(
            [program, *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            preexec_fn=prepare,
        )
    except (OSError, subprocess.SubprocessError) as problem:
        raise Refused(f"{program}: cannot be run: {problem}") from None
    if done.returncode != 0:
        sentence = " ".join(done.stderr.split()).removeprefix("resbench: ")
        raise Refused(sentence or f"{program}: ended without a reason")
    return done.stdout


def prepare() -> None:
    """The limit is there for foreign files; the program, built with a sanitizer, asks for terabytes."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    limits.die_with_parent()


def ask(*arguments: str) -> dict:
    return json.loads(run(*arguments, "--json"))


@cache
def rows() -> list[dict]:
    """The table of networks."""
    return ask("list")["networks"]


def describe(network: str, classes: int, conv_bias: bool, folded: bool) -> dict:
    flags = ["--folded"] if folded else ["--conv-bias"] if conv_bias else []
    return ask("describe", network, "--classes", str(classes), *flags)
