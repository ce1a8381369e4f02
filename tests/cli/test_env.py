"""`resbench env` on trees of other machines: expectations are what the trees' makers say of them (hwloc's own for its
captured ones, tests/trees/README.md), and what the kernel's documentation says for those made by hand."""

import json
import math
import sys
import tarfile
from pathlib import Path

import pytest
from support import graded

TREES = Path(__file__).parent.parent / "trees"
sys.path.insert(0, str(TREES))
import make  # noqa: E402

GIB = 1 << 30
ARCHIVES = {
    "2arm-2c": "2arm-2c.tar.bz2",
    "8em64t-4c2t": "8em64t-4c2t.tar.bz2",
    "32amd64-4s2n4c-cgroup": "32amd64-4s2n4c-cgroup2.tar.bz2",
    "epyc-guest-2c": "epyc-guest-2c.tar.xz",
}


def unpack(directory: Path, name: str) -> Path:
    if name in make.TREES:
        return make.make(directory, name)
    with tarfile.open(TREES / "captured" / ARCHIVES[name]) as archive:
        archive.extractall(directory)
    return directory / name


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Trees that tests only read, each unpacked once: they have up to 2700 files."""
    directory, roots = tmp_path_factory.mktemp("trees"), {}

    def root_of(name: str) -> Path:
        if name not in roots:
            roots[name] = unpack(directory, name)
        return roots[name]

    return root_of


def facts_of(resbench, root: Path) -> dict:
    result = resbench("env", "--tree", root, "--json", "-")
    assert result.code == 0 and result.err == "", result
    report = json.loads(result.out)
    assert report["schema_version"] == 1
    return report["context"]


def caches(facts: dict) -> dict:
    return {(c["level"], c["type"][0]): (c["count"], c["size"] // 1024, c["num_sharing"]) for c in facts["caches"]}


CASES = {
    # hwloc-2.9.0/tests/hwloc/linux/2arm-2c.output
    "2arm-2c": {"cpu_model": "ARMv7 Processor rev 1 (v7l)", "packages": 1, "cores": 2, "num_cpus": 2, "smt": False,
                "numa_node_bytes": [280840 * 1024], "mhz_most": 800, "governor": "ondemand", "isas": ["neon"],
                "architecture": "arm"},
    # hwloc-2.9.0/tests/hwloc/linux/8em64t-4c2t.output
    "8em64t-4c2t": {"cpu_vendor": "GenuineIntel", "cpu_family": 6, "cpu_model_number": 26, "cpu_stepping": 2,
                    "packages": 1, "cores": 4, "num_cpus": 8, "smt": True, "numa_node_bytes": [1038200 * 1024],
                    "governor": "ondemand", "x86_64_level": 2, "mhz_most": 2927},
    # hwloc-2.9.0/tests/hwloc/linux/32amd64-4s2n4c-cgroup2.output: the group has 6 of 32 processors
    "32amd64-4s2n4c-cgroup": {"cpu_model": "AMD Opteron(tm) Processor 6134", "packages": 3, "cores": 6, "num_cpus": 6,
                              "numa_node_bytes": [16775084 * 1024] + [16 * GIB] * 5, "smt": False, "mhz_most": 2300},
    # this project's own machine, as `lscpu` shows it
    "epyc-guest-2c": {"cpu_model": "AMD EPYC", "cpu_vendor": "AuthenticAMD", "cpu_family": 25, "cpu_model_number": 17,
                      "packages": 1, "cores": 2, "num_cpus": 2, "smt": False, "x86_64_level": 3, "host_name": "host",
                      "hypervisor": "unknown", "container": "docker", "cgroup_version": 1, "clock_source": "tsc",
                      "transparent_huge_pages": "madvise", "swap_bytes": 0, "aslr": 2},
    "server": {"packages": 2, "cores": 32, "num_cpus": 64, "smt": True, "numa_node_bytes": [128 * GIB] * 2,
               "x86_64_level": 4, "governor": "powersave", "scaling_driver": "intel_pstate", "turbo": True,
               "mhz_per_cpu": 2000, "mhz_most": 3800, "swap_used_bytes": 4 * GIB, "cgroup_version": 2,
               "memory_bytes": 256 * GIB, "available_bytes": 200 * GIB, "core_kinds": 1, "kernel": "Linux 5.15.0",
               "transparent_huge_pages": "always", "cpu_scaling_enabled": True, "load_avg": [0.1, 0.2, 0.3]},
    "laptop": {"packages": 1, "cores": 8, "num_cpus": 12, "smt": True, "core_kinds": 2, "turbo": True,
               "x86_64_level": 3},
    "board": {"cores": 4, "num_cpus": 4, "architecture": "aarch64", "isas": ["asimd", "asimdhp", "asimddp"],
              "cpu_model": "Arm, implementer 0x41, part 0xd0b", "governor": "performance",
              "cpu_scaling_enabled": False, "clock_source": "arch_sys_counter"},
    "container": {"cgroup_version": 1, "cpu_quota": 1.5, "memory_limit_bytes": 2 * GIB, "available_bytes": GIB,
                  "hypervisor": "VMware", "container": "docker", "steal_since_boot": 0.04},
    "pod": {"cgroup_version": 2, "cpu_quota": 2.5, "memory_limit_bytes": 4 * GIB, "available_bytes": GIB,
            "container": "kubernetes", "turbo": False},
    "quiet": {"cores": 8, "usable_cores": 4, "usable_cpus": 4, "turbo": False},
    "hidden": {"shows_cores": False, "cores": 4, "num_cpus": 4, "caches": [], "numa_node_bytes": [],
               "memory_bytes": 8 * GIB, "x86_64_level": 4},
}  # fmt: skip

ABSENT = {
    "2arm-2c": ("x86_64_level", "load_avg", "kernel", "turbo", "hypervisor"),
    "server": ("hypervisor", "container", "cpu_quota", "memory_limit_bytes"),  # its vendor alone makes no guest
    "board": ("hypervisor", "turbo", "x86_64_level"),
    "epyc-guest-2c": ("cpu_quota", "memory_limit_bytes", "governor", "turbo"),
    "hidden": ("packages", "smt", "load_avg", "steal_since_boot", "governor", "kernel", "cgroup_version"),
}


@pytest.mark.parametrize("name", CASES)
def test_facts(resbench, tree, name):
    facts = facts_of(resbench, tree(name))
    for key, expected in CASES[name].items():
        told = facts.get(key)
        same = math.isclose(told, expected) if isinstance(expected, float) else told == expected
        assert same, f"{key}: {told}, expected {expected}"
    for key in ABSENT.get(name, ()):
        assert key not in facts, key


def test_caches(resbench, tree):
    assert caches(facts_of(resbench, tree("8em64t-4c2t"))) == {
        (1, "D"): (4, 32, 2), (1, "I"): (4, 32, 2), (2, "U"): (4, 256, 2), (3, "U"): (1, 8192, 8)}  # fmt: skip
    assert caches(facts_of(resbench, tree("server"))) == {
        (1, "D"): (32, 48, 2), (1, "I"): (32, 32, 2), (2, "U"): (32, 2048, 2), (3, "U"): (2, 61440, 32)}  # fmt: skip
    assert caches(facts_of(resbench, tree("32amd64-4s2n4c-cgroup"))) == {
        (1, "D"): (6, 64, 1), (1, "I"): (6, 64, 1), (2, "U"): (6, 512, 1), (3, "U"): (6, 5118, 4)}  # fmt: skip


def test_instructions(resbench, tree):
    isas = facts_of(resbench, tree("server"))["isas"]
    assert {"avx512_vnni", "avx512_bf16", "amx_int8", "avx2", "fma"} <= set(isas)
    assert {"avx2", "fma"} <= set(facts_of(resbench, tree("epyc-guest-2c"))["isas"])
    assert not any("512" in isa for isa in facts_of(resbench, tree("laptop"))["isas"])


def test_governors_that_differ(resbench, tmp_path):
    root = unpack(tmp_path, "quiet")
    assert facts_of(resbench, root)["governor"] == "performance"
    (root / "sys/devices/system/cpu/cpu7/cpufreq/scaling_governor").write_text("powersave\n")
    assert facts_of(resbench, root)["governor"] == "mixed"


def test_a_node_without_memory_hides_no_other(resbench, tmp_path):
    root = unpack(tmp_path, "server")
    (root / "sys/devices/system/node/node0/meminfo").write_text("Node 0 MemTotal:       0 kB\n")
    assert facts_of(resbench, root)["numa_node_bytes"] == [128 * GIB]


def test_limits_of_outer_groups_count(resbench, tmp_path):
    root = unpack(tmp_path, "pod")
    (root / "sys/fs/cgroup/kubepods/pod1/cpu.max").write_text("max 100000\n")
    assert facts_of(resbench, root)["cpu_quota"] == 4
    for no_limit in ("max 100000", "-5 100000", "100000 0"):
        (root / "sys/fs/cgroup/kubepods/cpu.max").write_text(f"{no_limit}\n")
        assert "cpu_quota" not in facts_of(resbench, root), no_limit


@pytest.mark.parametrize(
    ("name", "threads", "grade", "words"),
    [
        ("quiet", 4, "B", "nothing was measured"),
        ("quiet", 5, "C", "5 threads share the 4 cores"),
        ("server", 16, "C", "powersave"),  # with turbo, swap and nothing measured
        ("container", 1, "B", "VMware"),
        ("container", 2, "D", "quota of 1.50"),
        ("pod", 3, "D", "quota of 2.50"),
        ("hidden", 1, "C", "/sys does not show"),
        ("2arm-2c", 2, "B", "ondemand"),
    ],
)
def test_grade(resbench, tree, name, threads, grade, words):
    result = resbench("env", "--tree", tree(name), "--threads", threads, "--json", "facts.json")
    assert result.code == 0 and result.err == "", result
    facts = json.loads((resbench.directory / "facts.json").read_text())["context"]
    assert facts["grade"] == grade
    assert words in facts["grade_reasons"][0], facts["grade_reasons"]
    assert f"grade {grade} for times of {threads} thread" in result.out
    assert all(len(line) <= 120 for line in result.out.splitlines())


def test_garbage_in_every_file_is_unknown_not_fatal(resbench, tmp_path):
    root = unpack(tmp_path, "pod")
    for file in root.rglob("*"):
        if file.is_file():
            file.write_bytes(b"\xff\x00\x1b[31m-99999999999999999999 %s%n" * 300)
    facts = facts_of(resbench, root)
    assert "\x1b" not in json.dumps(facts)
    assert facts["isas"] == []


@pytest.fixture(scope="module")
def measured(shared) -> tuple[str, dict]:
    """What is printed of this machine, and the file."""
    result = shared("env", "--threads", "2", "--json", "machine.json")
    assert result.code == 0 and result.err == "", result
    return result.out, json.loads((shared.directory / "machine.json").read_text())


def test_this_machine(measured):
    out, report = measured
    assert all(len(line) <= 120 for line in out.splitlines())
    context = report["context"]
    assert context["stability"]["timer_cost_ns"] > 0 and context["stability"]["yardsticks"] >= 20
    keys = ("date", "num_cpus", "caches", "library_build_type", "hdf5_version", "hwloc_version", "jansson_version",
            "library_version", "compiler", "resbench_version")  # fmt: skip
    for key in (*keys, *["mhz_per_cpu"] * (context["architecture"] == "x86_64")):  # Arm's systems do not all tell it
        assert key in context, key
    engines = {engine["name"]: engine for engine in report["engines"]}
    assert any(name.startswith("libdnnl.so") for name in engines["onednn"]["libraries"])
    assert "(" in engines["onednn"]["version"] and "," in engines["onednn"]["version"]  # runtime and instructions
    assert "onednn" in out and graded(context) in out


def test_capacity(measured):
    out, report = measured
    peaks, bandwidths = report["capacity"]["peaks"], report["capacity"]["bandwidths"]
    assert {p["threads"] for p in peaks} == {1, 2}
    assert {"baseline"} <= {p["isa"] for p in peaks}
    assert all(p["gmacs_per_second"] > 0 for p in peaks)
    assert {b["threads"] for b in bandwidths if b["level"] == 0} == {1, 2}
    for row in bandwidths:
        assert all(row[f"{kind}_gb_per_second"] > 0 for kind in ("read", "copy", "triad")), row
    assert "multiply-adds  threads  GMAC/s" in out and "triad GB/s" in out


def test_quick(resbench):
    report = json.loads(resbench("env", "--quick", "--json", "-").out)
    assert "capacity" not in report and report["context"]["stability"]["yardsticks"] >= 20
    assert graded(report["context"])


def test_no_measure(resbench):
    report = json.loads(resbench("env", "--no-measure", "--json", "-").out)
    assert "capacity" not in report and "stability" not in report["context"]
    assert report["context"]["grade"] != "A" and "nothing was measured" in report["context"]["grade_reasons"]


def test_what_a_tree_says_is_harmless_on_a_terminal(resbench, tmp_path):
    """Names with control characters, and numbers that are too large for what they are multiplied by."""
    root = unpack(tmp_path, "pod")
    cpuinfo = root / "proc/cpuinfo"
    text = cpuinfo.read_text()
    for word in ("model name\t: ", "vendor_id\t: "):
        assert word in text
        text = text.replace(word, f"{word}\x1b[31mred")
    cpuinfo.write_text(text)
    (root / "proc/meminfo").write_text("".join(
        f"{name}: {2**63 - 1} kB\n" for name in ("MemTotal", "MemAvailable", "SwapTotal")) + "SwapFree: -1 kB\n")  # fmt: skip
    result = resbench("env", "--tree", root, "--json", "facts.json")
    assert result.code == 0 and result.err == "", result
    assert "\x1b" not in result.out and "[31mred" in result.out
    facts = json.loads((resbench.directory / "facts.json").read_text())["context"]
    assert "memory_bytes" not in facts and "swap_bytes" not in facts and "swap_used_bytes" not in facts
    assert facts["available_bytes"] == GIB  # what the control group leaves


def test_refusals(resbench, tmp_path):
    assert "there is no such directory" in resbench.fails(3, "env", "--tree", tmp_path / "none")
    assert "neither proc/cpuinfo nor sys/devices" in resbench.fails(3, "env", "--tree", tmp_path)
    (tmp_path / "sys" / "kernel").mkdir(parents=True)  # as the directory proc of a tree has
    assert "neither proc/cpuinfo nor sys/devices" in resbench.fails(3, "env", "--tree", tmp_path)
    assert "exclude each other" in resbench.fails(2, "env", "--quick", "--no-measure")
    assert "nothing can be measured" in resbench.fails(2, "env", "--quick", "--tree", tmp_path)
    assert "one argument too many" in resbench.fails(2, "env", "machine")
    assert "missing" in resbench.fails(3, "env", "--no-measure", "--json", tmp_path / "missing" / "env.json")
