"""Captures what `resbench env` and hwloc read of this machine, as a small archive for the tests.

    python3 tests/trees/capture.py tests/trees/captured/NAME.tar.xz

The host's name becomes "host", the names of control groups, which may be somebody's, "group", and of the
kernel's release the numbers stay. Files that only describe devices are left out."""

import io
import platform
import re
import sys
import tarfile
from pathlib import Path

CPU = "sys/devices/system/cpu"
PATTERNS = (
    "proc/cpuinfo", "proc/meminfo", "proc/loadavg", "proc/self/cgroup", "proc/self/status", "proc/stat",
    "proc/sys/kernel/ostype", "proc/sys/kernel/osrelease", "proc/sys/kernel/hostname", "proc/sys/kernel/arch",
    "proc/sys/kernel/randomize_va_space", "run/systemd/container", "run/.containerenv", ".dockerenv",
    "sys/hypervisor/type", "sys/class/dmi/id/sys_vendor", "sys/class/dmi/id/product_name",
    "sys/kernel/mm/transparent_hugepage/enabled",
    "sys/devices/system/clocksource/clocksource0/current_clocksource",
    f"{CPU}/online", f"{CPU}/possible", f"{CPU}/present", f"{CPU}/smt/active", f"{CPU}/intel_pstate/no_turbo",
    f"{CPU}/cpufreq/boost", f"{CPU}/cpu[0-9]*/online", f"{CPU}/cpu[0-9]*/cpu_capacity",
    f"{CPU}/cpu[0-9]*/topology/*", f"{CPU}/cpu[0-9]*/cache/index*/*", f"{CPU}/cpu[0-9]*/cpufreq/*",
    "sys/devices/system/node/online", "sys/devices/system/node/node[0-9]*/[cdm]*",
    "sys/fs/cgroup/cgroup.controllers", "sys/fs/cgroup/cpu.max", "sys/fs/cgroup/memory.max",
    "sys/fs/cgroup/memory.stat", "sys/fs/cgroup/cpu/cpu.cfs_*_us", "sys/fs/cgroup/memory/memory.limit_in_bytes",
    "sys/fs/cgroup/memory/memory.stat",
)  # fmt: skip
GROUP_FILES = ("cpu.max", "memory.max", "memory.stat", "cpu.cfs_quota_us", "cpu.cfs_period_us", "memory.limit_in_bytes")
LINES = {"proc/self/status": "Cpus_allowed", "proc/stat": "cpu"}  # of these files only such lines


def text_of(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace") if path.is_file() else None
    except OSError:
        return None


def below_groups(groups: str) -> list[tuple[Path, str]]:
    """Files of this process's own control groups, with the names they get."""
    found = []
    for line in groups.splitlines():
        _, names, path = line.split(":", 2)
        base = Path("/sys/fs/cgroup") / names if names else Path("/sys/fs/cgroup")
        while path not in ("", "/"):
            depth = path.count("/")
            new = "/group" * depth
            for name in GROUP_FILES:
                found.append((Path(f"{base}{path}/{name}"), f"{str(base)[1:]}{new}/{name}"))
            path = path.rsplit("/", 1)[0]
    return found


def main() -> None:
    files = {}
    for pattern in PATTERNS:
        for path in sorted(Path("/").glob(pattern)):
            name = str(path)[1:]
            text = text_of(path)
            if text is None or path.is_symlink():
                continue
            if name in LINES:
                text = "".join(f"{line}\n" for line in text.splitlines() if line.startswith(LINES[name]))
            files[name] = text
    for path, name in below_groups(files.get("proc/self/cgroup", "")):
        if (text := text_of(path)) is not None:
            files[name] = text
    files["proc/self/cgroup"] = re.sub(r"/[^/\n:]+(?=/|\n|$)", "/group", files.get("proc/self/cgroup", ""))
    files["proc/sys/kernel/hostname"] = "host\n"
    files["proc/hwloc-nofile-info"] = f"Architecture: {platform.machine()}\n"  # as hwloc-gather-topology does
    release = re.match(r"[0-9.]*", files.get("proc/sys/kernel/osrelease", ""))
    files["proc/sys/kernel/osrelease"] = f"{release[0]}\n"
    with tarfile.open(sys.argv[1], "w:xz") as archive:
        for name, text in sorted(files.items()):
            data = text.encode()
            entry = tarfile.TarInfo(f"{Path(sys.argv[1]).name.split('.')[0]}/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


if __name__ == "__main__":
    main()
