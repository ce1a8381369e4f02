"""This process: its memory, its end, and Pythons that have what a peer needs."""

import ctypes
import importlib.metadata
import importlib.util
import os
import resource
import signal
from dataclasses import dataclass

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)  # found before any fork: looking for it takes a lock


def memory_bytes() -> dict[str, int]:
    """Resident now and at most so far; -1 where the system does not say (bench/process_memory.c)."""
    sizes = {"VmRSS": -1, "VmHWM": -1}
    try:
        with open("/proc/self/status") as file:
            for line in file:
                name, _, rest = line.partition(":")
                if name in sizes:
                    sizes[name] = int(rest.split()[0]) * 1024
    except OSError:
        pass
    return {"resident": sizes["VmRSS"], "peak": sizes["VmHWM"]}


@dataclass
class Usage:
    """What getrusage(2) counts, of all threads: from its making to spent()."""

    minor_faults: int = 0
    major_faults: int = 0
    context_switches: int = 0

    def __post_init__(self):
        now = resource.getrusage(resource.RUSAGE_SELF)
        self.minor_faults += now.ru_minflt
        self.major_faults += now.ru_majflt
        self.context_switches += now.ru_nvcsw + now.ru_nivcsw

    def spent(self) -> dict[str, int]:
        now = Usage()
        return {name: value - getattr(self, name) for name, value in vars(now).items()}


def end_with_parent() -> None:
    """A child must not outlive a worker that the harness kills."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def missing_of(packages: tuple[str, ...]) -> list[str]:
    return [name for name in packages if importlib.util.find_spec(name) is None]


def version_of(package: str) -> str:
    """Of the distribution that has the package, which may have another name: pillow has PIL."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        names = importlib.metadata.packages_distributions().get(package)
        return importlib.metadata.version(names[0]) if names else "of unknown version"


def try_next_python(pythons: str, arguments: list[str]) -> None:
    """Replaces this process by the next Python of the list, which may have what this one lacks. Returns when there
    is none."""
    following, _, rest = pythons.partition(os.pathsep)
    if following:
        os.execvp(following, [following, *arguments, "--pythons", rest])
