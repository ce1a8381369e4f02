"""Reading and checking what resbench profile has written (results/profile_report.c)."""

from dataclasses import dataclass
from pathlib import Path

from depth_axis import NamedNode
from result_file import (
    BadInput,
    kind_count,
    kind_error,
    kind_integer,
    kind_limit,
    kind_name,
    kind_real,
    kind_text,
    kind_verdict,
    read_members,
    read_objects,
    shown,
)

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Node(NamedNode):
    name: str
    op: str
    macs: int
    network_ms: float | None
    hot_ms: float | None
    cold_ms: float | None
    macs_per_byte: float | None

    @property
    def gmacs_per_second(self) -> float | None:
        return self.macs / self.network_ms * 1e-6 if self.macs > 0 and self.network_ms else None


@dataclass(frozen=True)
class Engine:
    engine: str
    engine_version: str
    verdict: str
    call_ms: float | None
    nodes_ms: float | None
    unaccounted_ms: float | None
    profiling_cost_percent: float | None
    nodes: list[Node]


@dataclass(frozen=True)
class Profile:
    resbench: str
    network: str
    input: str
    batch: int
    height: int
    width: int
    threads: int
    peak_gmacs_per_second: float | None
    peak_isa: str
    memory_bytes_per_ns: float | None
    engines: list[Engine]


_NODE_MEMBERS = {
    "name": kind_name,
    "op": kind_text,
    "macs": kind_integer,
    "network_ms": kind_error,
    "hot_ms": kind_error,
    "cold_ms": kind_error,
    "macs_per_byte": kind_limit,
}

_ENGINE_MEMBERS = {
    "engine": kind_name,
    "engine_version": kind_text,
    "verdict": kind_verdict,
    "call_ms": kind_limit,
    "nodes_ms": kind_error,
    "unaccounted_ms": kind_real,
    "profiling_cost_percent": kind_real,
}

_PROFILE_MEMBERS = {
    "resbench": kind_text,
    "network": kind_name,
    "input": kind_text,
    "batch": kind_count,
    "height": kind_count,
    "width": kind_count,
    "threads": kind_count,
    "peak_gmacs_per_second": kind_limit,
    "peak_isa": kind_text,
    "memory_bytes_per_ns": kind_limit,
}


def _engine(item: dict, path: Path, where: str) -> Engine:
    nodes = [
        Node(**read_members(node, _NODE_MEMBERS, path, f"node {index} of {where}"))
        for index, node in enumerate(read_objects(item, "nodes", path, where))
    ]
    return Engine(**read_members(item, _ENGINE_MEMBERS, path, where), nodes=nodes)


def read(path: Path, root: dict) -> Profile:
    """Raises BadInput."""
    ours = root["profile"]
    if not isinstance(ours, dict):
        raise BadInput(f"{path}: profile is {shown(ours)}, expected an object")
    if ours.get("schema_version") != SCHEMA_VERSION:
        found = shown(ours.get("schema_version"))
        raise BadInput(f"{path}: schema version {found}, expected {SCHEMA_VERSION}")
    engines = [
        _engine(item, path, f"engine {index}")
        for index, item in enumerate(read_objects(ours, "engines", path, "profile"))
    ]
    for engine in engines:
        if [node.name for node in engine.nodes] != [node.name for node in engines[0].nodes]:
            raise BadInput(f"{path}: the engines have other nodes, expected the same")
    return Profile(**read_members(ours, _PROFILE_MEMBERS, path, "profile"), engines=engines)
