"""Reading and checking what resbench trace has written (results/trace_report.c)."""

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
    verdict: str
    rel_l2: float | None
    limit: float | None
    non_finite: int
    cause: str
    finding: str


@dataclass(frozen=True)
class Run:
    """Of the logits of a run that shows nothing."""

    verdict: str
    rel_l2: float | None
    limit: float | None
    non_finite: int


@dataclass(frozen=True)
class Trace:
    resbench: str
    network: str
    engine: str
    engine_version: str
    against: str
    against_version: str
    input: str
    batch: int
    height: int
    width: int
    threads: int
    first: str | None
    run: Run
    nodes: list[Node]


def _first(value: object) -> str | None:
    return None if value is None else kind_name(value)


_NODE_MEMBERS = {
    "name": kind_name,
    "verdict": kind_verdict,
    "rel_l2": kind_error,
    "limit": kind_limit,
    "non_finite": kind_integer,
    "cause": kind_text,
    "finding": kind_text,
}

_RUN_MEMBERS = {
    "verdict": kind_verdict,
    "rel_l2": kind_error,
    "limit": kind_limit,
    "non_finite": kind_integer,
}

_TRACE_MEMBERS = {
    "resbench": kind_text,
    "network": kind_name,
    "engine": kind_name,
    "engine_version": kind_text,
    "against": kind_name,
    "against_version": kind_text,
    "input": kind_text,
    "batch": kind_count,
    "height": kind_count,
    "width": kind_count,
    "threads": kind_count,
    "first": _first,
}


def read(path: Path, root: dict) -> Trace:
    """Raises BadInput."""
    ours = root["trace"]
    if not isinstance(ours, dict):
        raise BadInput(f"{path}: trace is {shown(ours)}, expected an object")
    if ours.get("schema_version") != SCHEMA_VERSION:
        found = shown(ours.get("schema_version"))
        raise BadInput(f"{path}: schema version {found}, expected {SCHEMA_VERSION}")
    nodes = [
        Node(**read_members(item, _NODE_MEMBERS, path, f"node {index}"))
        for index, item in enumerate(read_objects(ours, "nodes", path, "trace"))
    ]
    values = read_members(ours, _TRACE_MEMBERS, path, "trace")
    if values["first"] is not None and all(node.name != values["first"] for node in nodes):
        raise BadInput(f"{path}: first is {shown(values['first'])}, expected the name of a node")
    if not isinstance(ours.get("run"), dict):
        raise BadInput(f"{path}: run is {shown(ours.get('run'))}, expected an object")
    run = Run(**read_members(ours["run"], _RUN_MEMBERS, path, "run"))
    return Trace(**values, run=run, nodes=nodes)
