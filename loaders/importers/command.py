"""What import and export share as commands: usage errors, ends by a signal, files that appear whole or not at all."""

import argparse
import os
import signal
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from found import Refused

EXIT_FINE, EXIT_USAGE, EXIT_BAD_INPUT, EXIT_INTERRUPTED = (
    0,
    2,
    3,
    130,
)  # as in docs/design.md
SIGNALS = signal.SIGINT, signal.SIGTERM

# Nothing here multiplies, and NumPy's OpenBLAS maps 40 MB for each core, which the child's limit counts.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

# What must not outlive this process when a signal ends it.
children: set[int] = set()
temporaries: set[Path] = set()


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as the rest of the program does."""

    def error(self, message: str) -> NoReturn:
        hint = f"Try `{self.prog} --help' for more information."
        self.exit(EXIT_USAGE, f"{self.prog}: {message}\n{hint}\n")


def end(_number: int, _frame: object) -> NoReturn:
    """At once: an exception could come up in a library that swallows it."""
    for child in children:
        with suppress(OSError):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    for path in temporaries:
        with suppress(OSError):
            path.unlink(missing_ok=True)
    with suppress(OSError):
        os.write(2, b"resbench: interrupted\n")
    os._exit(EXIT_INTERRUPTED)


def catch_signals() -> None:
    """From here on; cli/script.c has kept them back since before Python began."""
    for number in SIGNALS:
        signal.signal(number, end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def check_output(path: Path) -> None:
    """What renaming could not make, or should not replace: /dev/null, say."""
    if path.name in ("", ".."):
        raise Refused(f"'{path}' cannot be written: it is no name of a file")
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    except OSError as problem:
        raise Refused(f"{path}: cannot be written: {problem.strerror}") from None
    if not stat.S_ISREG(mode):
        raise Refused(f"{path}: cannot be written: it is there and is not a regular file")


@contextmanager
def temporary_for(output: Path) -> Iterator[Path]:
    """Beside the file to come, as base/atomic_file.c does it."""
    check_output(output)
    temporary = output.with_name(f"{output.name}.tmp.{os.getpid()}")
    temporaries.add(temporary)
    try:
        yield temporary
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        temporaries.discard(temporary)


def commit(temporary: Path, output: Path) -> None:
    try:
        os.replace(temporary, output)
    except OSError as problem:
        raise Refused(f"{output}: cannot be written: {problem.strerror}") from None


def tell(text: str) -> int:
    """Prints the result; the exit code."""
    try:
        print(text, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else Python tries once more at its end
        print("resbench: standard output cannot be written", file=sys.stderr)
        return EXIT_BAD_INPUT
    return EXIT_FINE
