"""Trees of /proc and /sys of machines that nobody here has, made by hand after the kernel's documentation:
Documentation/ABI/testing/sysfs-devices-system-cpu, admin-guide/cputopology.rst, admin-guide/pm/intel_pstate.rst,
admin-guide/cgroup-v1, admin-guide/cgroup-v2.rst, filesystems/proc.rst.

    python3 tests/trees/make.py DIR [NAME...]

They show what resbench makes of such files, not that a machine of this kind has just these."""

import sys
from pathlib import Path

CPU = "sys/devices/system/cpu"
NODE = "sys/devices/system/node"
KIB, MIB, GIB = 1, 1024, 1024 * 1024  # in KiB, as /proc/meminfo counts

V2 = "fpu lm sse2 cx16 lahf_lm popcnt ssse3 sse4_1 sse4_2"
V3 = V2 + " xsave avx f16c fma movbe abm bmi1 bmi2 avx2"
V4 = V3 + " avx512f avx512dq avx512cd avx512bw avx512vl"


def mask(cpus) -> str:
    value = sum(1 << cpu for cpu in cpus)
    words = []
    while value or not words:
        words.append(f"{value & 0xFFFFFFFF:08x}")
        value >>= 32
    return ",".join(reversed(words)) + "\n"


def processors(groups) -> dict:
    """groups: of each core (package, [processors], [(level, type, KiB, line, ways, processors that share)])."""
    files = {}
    everyone = sorted(cpu for _, cpus, _ in groups for cpu in cpus)
    of_package = {}
    for package, cpus, _ in groups:
        of_package.setdefault(package, []).extend(cpus)
    files[f"{CPU}/online"] = files[f"{CPU}/possible"] = files[f"{CPU}/present"] = f"0-{everyone[-1]}\n"
    for core, (package, cpus, caches) in enumerate(groups):
        for cpu in cpus:
            at = f"{CPU}/cpu{cpu}"
            files[f"{at}/topology/core_id"] = f"{core}\n"
            files[f"{at}/topology/physical_package_id"] = f"{package}\n"
            files[f"{at}/topology/thread_siblings"] = mask(cpus)
            files[f"{at}/topology/core_siblings"] = mask(of_package[package])
            for i, (level, kind, kib, line, ways, sharers) in enumerate(caches):
                cache = f"{at}/cache/index{i}"
                files[f"{cache}/level"] = f"{level}\n"
                files[f"{cache}/type"] = f"{kind}\n"
                files[f"{cache}/size"] = f"{kib}K\n"
                files[f"{cache}/coherency_line_size"] = f"{line}\n"
                files[f"{cache}/ways_of_associativity"] = f"{ways}\n"
                files[f"{cache}/number_of_sets"] = f"{kib * 1024 // line // ways}\n"
                files[f"{cache}/shared_cpu_map"] = mask(sharers)
    return files


def cpuinfo(count: int, model: str, vendor: str, family: int, number: int, flags: str) -> str:
    return "".join(
        f"processor\t: {cpu}\nvendor_id\t: {vendor}\ncpu family\t: {family}\nmodel\t\t: {number}\n"
        f"model name\t: {model}\nstepping\t: 7\ncpu MHz\t\t: 2000.000\nflags\t\t: {flags}\n\n"
        for cpu in range(count)
    )


def meminfo(total: int, available: int, swap: int = 0, swap_free: int = 0) -> dict:
    return {
        "proc/meminfo": f"MemTotal:       {total} kB\nMemFree:        {available // 2} kB\n"
        f"MemAvailable:   {available} kB\nSwapTotal:      {swap} kB\nSwapFree:       {swap_free} kB\n"
    }


def kernel(release: str, load: str = "0.00 0.01 0.05", cpus: str = "", steal: int = 0) -> dict:
    files = {
        "proc/sys/kernel/ostype": "Linux\n",
        "proc/sys/kernel/osrelease": f"{release}\n",
        "proc/sys/kernel/hostname": "host\n",
        "proc/sys/kernel/randomize_va_space": "2\n",
        "proc/loadavg": f"{load} 1/500 1234\n",
        "proc/stat": f"cpu  1000 0 1000 {8000 - steal} 0 0 0 {steal} 0 0\n",
        "sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never\n",
        "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
    }
    if cpus:
        files["proc/self/status"] = f"Name:\tresbench\nCpus_allowed_list:\t{cpus}\n"
    return files


def architecture(name: str) -> dict:
    """As hwloc-gather-topology writes it: no file of the kernel's tells it before 6.1."""
    return {"proc/hwloc-nofile-info": f"Architecture: {name}\n"}


def frequency(cpus, governor: str, driver: str, most: int, now: int) -> dict:
    files = {}
    for cpu in cpus:
        at = f"{CPU}/cpu{cpu}/cpufreq"
        files[f"{at}/scaling_governor"] = f"{governor}\n"
        files[f"{at}/scaling_driver"] = f"{driver}\n"
        files[f"{at}/cpuinfo_max_freq"] = f"{most * 1000}\n"
        files[f"{at}/scaling_cur_freq"] = f"{now * 1000}\n"
    return files


def server() -> dict:
    """Two sockets of 16 cores with SMT, a NUMA node each; powersave and turbo, as they come."""
    groups = []
    for core in range(32):
        package, cpus = core // 16, [core, core + 32]
        socket = [c for c in range(64) if c % 32 // 16 == package]
        groups.append((package, cpus, [(1, "Data", 48, 64, 12, cpus), (1, "Instruction", 32, 64, 8, cpus),
                                       (2, "Unified", 2048, 64, 16, cpus), (3, "Unified", 61440, 64, 15, socket)]))  # fmt: skip
    files = processors(groups)
    flags = V4 + " avx512_vnni avx512_bf16 avx512_fp16 avx_vnni amx_tile amx_int8 amx_bf16"
    files["proc/cpuinfo"] = cpuinfo(64, "Hand-made server processor", "GenuineIntel", 6, 143, flags)
    files[f"{NODE}/online"] = "0-1\n"
    for node in range(2):
        files[f"{NODE}/node{node}/cpumap"] = mask(c for c in range(64) if c % 32 // 16 == node)
        files[f"{NODE}/node{node}/meminfo"] = f"Node {node} MemTotal:       {128 * GIB} kB\n"
        files[f"{NODE}/node{node}/distance"] = "10 21\n" if node == 0 else "21 10\n"
    files.update(meminfo(256 * GIB, 200 * GIB, 8 * GIB, 4 * GIB))
    files.update(kernel("5.15.0", load="0.10 0.20 0.30", cpus="0-63"))
    files.update(frequency(range(64), "powersave", "intel_pstate", 3800, 2000))
    files[f"{CPU}/intel_pstate/no_turbo"] = "0\n"
    files["proc/self/cgroup"] = "0::/user.slice\n"
    files["sys/fs/cgroup/cgroup.controllers"] = "cpu memory\n"
    files["sys/fs/cgroup/user.slice/cpu.max"] = "max 100000\n"
    files["sys/fs/cgroup/user.slice/memory.max"] = "max\n"
    files["sys/class/dmi/id/sys_vendor"] = "Microsoft Corporation\n"  # a machine, not a guest: no such flag
    return files


def laptop() -> dict:
    """Four fast cores with SMT, four slow ones without, no limits by control groups."""
    groups = []
    for core in range(8):
        cpus = [2 * core, 2 * core + 1] if core < 4 else [core + 4]
        second = cpus if core < 4 else [8, 9, 10, 11]
        size = 1280 if core < 4 else 2048
        groups.append((0, cpus, [(1, "Data", 48 if core < 4 else 32, 64, 8 if core >= 4 else 12, cpus),
                                 (2, "Unified", size, 64, 16, second), (3, "Unified", 12288, 64, 12, range(12))]))  # fmt: skip
    files = processors(groups)
    files["proc/cpuinfo"] = cpuinfo(12, "Hand-made laptop processor", "GenuineIntel", 6, 154, V3 + " avx_vnni")
    files.update(meminfo(16 * GIB, 9 * GIB))
    files.update(kernel("6.8.0", load="0.60 0.40 0.30", cpus="0-11"))
    files.update(frequency(range(8), "powersave", "intel_pstate", 4700, 1800))
    files.update(frequency(range(8, 12), "powersave", "intel_pstate", 3500, 1200))
    files[f"{CPU}/intel_pstate/no_turbo"] = "0\n"
    return files


def board() -> dict:
    """Four 64-bit Arm cores; its /proc/cpuinfo has Features where x86 has flags."""
    groups = [(0, [c], [(1, "Data", 64, 64, 4, [c]), (2, "Unified", 512, 64, 8, [c])]) for c in range(4)]
    files = processors(groups)
    files["proc/cpuinfo"] = "".join(
        f"processor\t: {cpu}\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd evtstrm aes crc32 atomics fphp asimdhp asimddp\n"
        "CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x4\nCPU part\t: 0xd0b\nCPU revision\t: 1\n\n"
        for cpu in range(4)
    )
    files.update(meminfo(8 * GIB, 7 * GIB))
    files.update(kernel("6.6.20", cpus="0-3"))
    files.update(frequency(range(4), "performance", "cpufreq-dt", 2400, 2400))
    files["sys/devices/system/clocksource/clocksource0/current_clocksource"] = "arch_sys_counter\n"
    return files


def plain(count: int, flags: str, model: str) -> dict:
    files = processors([(0, [c], [(1, "Data", 32, 64, 8, [c]), (2, "Unified", 1024, 64, 8, [c]),
                                  (3, "Unified", 32768, 64, 16, range(count))]) for c in range(count)])  # fmt: skip
    files["proc/cpuinfo"] = cpuinfo(count, model, "AuthenticAMD", 25, 1, flags)
    return files


def container() -> dict:
    """A container of control groups version 1 on a guest: the path in /proc/self/cgroup is the host's."""
    files = plain(8, V3 + " hypervisor", "Hand-made guest processor")
    files.update(meminfo(32 * GIB, 20 * GIB))
    files.update(kernel("4.19.0", cpus="0-7", steal=400))
    path = "/docker/0123456789ab"
    files["proc/self/cgroup"] = f"5:memory:{path}\n4:cpu,cpuacct:{path}\n1:name=systemd:{path}\n"
    files["sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us"] = "150000\n"
    files["sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us"] = "100000\n"
    files["sys/fs/cgroup/memory/memory.limit_in_bytes"] = f"{2 << 30}\n"
    files["sys/fs/cgroup/memory/memory.stat"] = f"cache 1000\nrss 5\ntotal_rss_huge 7\ntotal_rss {1 << 29}\ntotal_shmem {1 << 29}\n"
    files["sys/class/dmi/id/sys_vendor"] = "VMware, Inc.\n"
    return files


def pod() -> dict:
    """Control groups version 2, one below the other: the outer one has less memory, the inner one less time."""
    files = plain(8, V4, "Hand-made node processor")
    files.update(meminfo(64 * GIB, 50 * GIB))
    files.update(kernel("6.1.0", cpus="0-7"))
    files.update(frequency(range(8), "performance", "acpi-cpufreq", 3000, 3000))
    files[f"{CPU}/cpufreq/boost"] = "0\n"
    files["proc/self/cgroup"] = "0::/kubepods/pod1\n"
    files["sys/fs/cgroup/cgroup.controllers"] = "cpu memory\n"
    files["sys/fs/cgroup/kubepods/cpu.max"] = "400000 100000\n"
    files["sys/fs/cgroup/kubepods/memory.max"] = f"{4 << 30}\n"
    files["sys/fs/cgroup/kubepods/memory.stat"] = f"anon {2 << 30}\nfile 5\nshmem {1 << 30}\n"
    files["sys/fs/cgroup/kubepods/pod1/cpu.max"] = "125000 50000\n"
    files["sys/fs/cgroup/kubepods/pod1/memory.max"] = "max\n"
    files["sys/fs/cgroup/kubepods/pod1/memory.stat"] = f"anon {1 << 30}\n"
    return files


def quiet() -> dict:
    """A machine set up for measuring: performance, no turbo, no SMT, nobody else."""
    files = plain(8, V4, "Hand-made quiet processor")
    files.update(meminfo(64 * GIB, 60 * GIB))
    files.update(kernel("6.1.0", cpus="2-5"))
    files.update(frequency(range(8), "performance", "acpi-cpufreq", 3000, 3000))
    files[f"{CPU}/cpufreq/boost"] = "0\n"
    return files


def hidden() -> dict:
    """A sandbox that shows /proc but nothing of /sys."""
    files = {"proc/cpuinfo": cpuinfo(4, "Hand-made hidden processor", "GenuineIntel", 6, 85, V4)}
    files.update(meminfo(8 * GIB, 6 * GIB))
    files["proc/stat"] = "cpu  1 2 3\n"  # cut short
    files["proc/loadavg"] = "nonsense\n"
    return files


TREES = {"server": server, "laptop": laptop, "board": board, "container": container, "pod": pod, "quiet": quiet,
         "hidden": hidden}  # fmt: skip


def make(directory: Path, name: str) -> Path:
    root = directory / name
    files = TREES[name]()
    files.update(architecture("aarch64" if name == "board" else "x86_64"))
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


if __name__ == "__main__":
    for tree in sys.argv[2:] or TREES:
        make(Path(sys.argv[1]), tree)
