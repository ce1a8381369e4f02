"""Best-of settings: each candidate is tried for a moment in a process of its own, and the fastest is the one that is
measured. So nothing of the trials is left in the memory or the state of the process that is."""

import json
import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from process import end_with_parent
from protocol import UNSUPPORTED, Refused


def choose(names: list[str], try_one: Callable[[str], float], limit_s: float) -> tuple[str, str]:
    """The name of the fastest candidate, and what each took. try_one gives nanoseconds. One alone needs no trial. All
    of them end within limit_s: each has half of what is left."""
    if len(names) == 1:
        return names[0], "there are no others"
    taken: dict[str, float] = {}
    told = []
    end = time.monotonic() + limit_s
    for name in names:
        outcome = in_child(lambda name=name: try_one(name), (end - time.monotonic()) / 2)
        if isinstance(outcome, float):
            taken[name] = outcome
            told.append(f"{name} {outcome * 1e-6:.4g} ms")
        else:
            told.append(f"{name} fails ({outcome[:80]})")
    if not taken:
        raise Refused(UNSUPPORTED, f"none of its settings works: {'; '.join(told)}")
    return min(taken, key=taken.__getitem__), ", ".join(told)


def read_to_end(descriptor: int, limit_s: float) -> str | None:
    """None: the end has not come by then."""
    end = time.monotonic() + limit_s
    text = b""
    while (left := end - time.monotonic()) > 0:
        if select.select([descriptor], [], [], left)[0]:
            part = os.read(descriptor, 4096)
            if not part:
                return text.decode(errors="replace")
            text += part
    return None


def in_child(job: Callable[[], float], limit_s: float) -> float | str:
    """What job returns, or why it did not. Forked before the framework is imported: there are no threads yet."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        end_with_parent()
        try:
            outcome = float(job())
        except BaseException as problem:  # a candidate may fail in any way: the others are tried all the same
            outcome = f"{type(problem).__name__}: {problem}"
        with suppress(OSError), os.fdopen(writing, "w") as pipe:
            json.dump(outcome, pipe)
        os._exit(0)
    os.close(writing)
    text = read_to_end(reading, limit_s)
    os.close(reading)
    if text is None:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if text is None:
        return f"no end within {limit_s:.3g} s"
    if os.WIFSIGNALED(status):
        return f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return json.loads(text) if text else "it ended and said nothing"
