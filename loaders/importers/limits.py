"""Runs the reading of a foreign file in a child with limits: libraries that read files have bugs of their own."""

import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import command
from found import Refused

BASE_BYTES = 2 << 30  # Python with its libraries takes half of it
BYTES_PER_FILE_BYTE = 6
BASE_SECONDS = 60
FILE_BYTES_PER_SECOND = 4 << 20
PR_SET_PDEATHSIG = 1


def in_child(path: str, file_bytes: int, work: Callable[[], dict]) -> dict:
    """What work() returns, which must be JSON. Refused: what it was refused with, or how its process ended."""
    seconds = BASE_SECONDS + file_bytes // FILE_BYTES_PER_SECOND
    sys.stdout.flush()
    reading, writing = os.pipe()
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, command.SIGNALS)
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(reading)
        serve(path, file_bytes, seconds, writing, parent, work)
    command.children.add(child)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    os.close(writing)
    try:
        text = receive(path, reading, seconds)
        _pid, status = os.waitpid(child, 0)
    except BaseException:  # too slow, say: the child must not go on
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    finally:
        command.children.discard(child)
        os.close(reading)
    return conclude(path, text, status, seconds)


def receive(path: str, reading: int, seconds: int) -> bytes:
    """All that the child says, until it closes its end."""
    deadline = time.monotonic() + seconds
    text = b""
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([reading], [], [], left)[0]:
            raise Refused(f"{path}: reading it took longer than {seconds} s")
        part = os.read(reading, 1 << 16)
        if not part:
            return text
        text += part


def conclude(path: str, text: bytes, status: int, seconds: int) -> dict:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGXCPU:
            raise Refused(f"{path}: reading it took longer than {seconds} s")
        raise Refused(f"{path}: is damaged: reading it ended in a crash (signal {number})")
    if os.WEXITSTATUS(status) != 0 or not text:
        raise Refused(
            f"{path}: is damaged: reading it ended early (exit code {os.WEXITSTATUS(status)})"
        )
    answer = json.loads(text)
    if "refused" in answer:
        raise Refused(answer["refused"])
    return answer["result"]


def serve(
    path: str, file_bytes: int, seconds: int, writing: int, parent: int, work: Callable[[], dict]
) -> None:
    """The child's whole life: nothing but one line of JSON leaves it."""
    code = 1
    try:
        die_with_parent()
        if os.getppid() != parent:
            os._exit(1)
        silence = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(silence, descriptor)
        for number in command.SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # the parent ends this process
        signal.pthread_sigmask(signal.SIG_UNBLOCK, command.SIGNALS)
        limit(resource.RLIMIT_AS, allowed_bytes(file_bytes))
        limit(resource.RLIMIT_CPU, seconds)
        limit(resource.RLIMIT_CORE, 0)
        answer = json.dumps(clean(attempt(path, file_bytes, work))).encode()
        while answer:
            answer = answer[os.write(writing, answer) :]
        code = 0
    finally:
        os._exit(code)


def die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def limit(what: int, value: int) -> None:
    _soft, hard = resource.getrlimit(what)
    resource.setrlimit(what, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def allowed_bytes(file_bytes: int) -> int:
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(BASE_BYTES + BYTES_PER_FILE_BYTE * file_bytes, max(machine, BASE_BYTES))


def clean(value: Any) -> Any:
    """Names of tensors come from the file and go to a terminal: no control characters."""
    if isinstance(value, str):
        return "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in value)
    if isinstance(value, dict):
        return {key: clean(item) for key, item in value.items()}
    return [clean(item) for item in value] if isinstance(value, list) else value


def attempt(path: str, file_bytes: int, work: Callable[[], dict]) -> dict:
    try:
        return {"result": work()}
    except Refused as problem:
        return {"refused": str(problem)}
    except MemoryError:
        return {
            "refused": f"{path}: reading it takes more than {allowed_bytes(file_bytes) >> 20} MiB of memory"
        }
    except ModuleNotFoundError as problem:
        return {"refused": package_needed(problem)}
    except Exception as problem:  # whatever a library raises on rubbish
        reason = str(problem)[:200]
        return {
            "refused": f"{path}: cannot be read, it is damaged or of another kind ({type(problem).__name__}: {reason})"
        }


def package_needed(problem: ModuleNotFoundError) -> str:
    return (
        f"the Python package {problem.name} is needed; set RESBENCH_PYTHON to a Python that has it"
    )
