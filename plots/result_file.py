"""Reading and checking results.json (written by results/report.c).

What the file says is checked here and nowhere else: the figures get plain values, None where
nothing is known.
"""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

SCHEMA_VERSION = 2

# Verdicts that results/record.c writes; "-" stands for: nothing was compared.
VERDICTS = ("-", "PASS", "MARGINAL", "FAIL", "MISTRUSTED", "UNSUPPORTED", "CRASHED", "TIMEOUT")


class BadInput(Exception):
    """One sentence that names the file and what is wrong with it."""


Group = tuple[int, int, int, int, str]  # batch, threads, height, width, mode


@dataclass(frozen=True)
class Record:
    """One cell: a network on an engine with one batch, number of threads, input size and mode."""

    name: str
    network: str
    engine: str
    engine_version: str
    depth: int
    batch: int
    height: int
    width: int
    threads: int
    mode: str  # steady, cold
    macs: int  # whole batch
    verdict: str
    rel_l2: float | None
    rel_l2_limit: float | None
    packed_weight_bytes: int | None
    activation_bytes: int | None
    activation_bound_bytes: int | None
    scratch_bytes: int | None
    peak_rss_bytes: int | None
    peak_rss_after_start_bytes: int | None
    steady_rss_bytes: int | None
    # From the median row of the same name; None without a timing, the interval also below
    # eight samples.
    median_ms: float | None = None
    low_ms: float | None = None
    high_ms: float | None = None

    @property
    def group(self) -> Group:
        return (self.batch, self.threads, self.height, self.width, self.mode)


@dataclass(frozen=True)
class Fit:
    """latency = fixed_ms + ms_per_gmac * GMACs of one engine and group."""

    engine: str
    batch: int
    threads: int
    height: int
    width: int
    mode: str
    fixed_ms: float
    ms_per_gmac: float
    r_squared: float | None
    residual_percent: dict[str, float] = field(default_factory=dict)  # by network

    @property
    def group(self) -> Group:
        return (self.batch, self.threads, self.height, self.width, self.mode)


@dataclass(frozen=True)
class ThreadPoint:
    """One number of threads; speed-up and efficiency are over the fewest of its line."""

    threads: int
    speedup: float
    efficiency: float


@dataclass(frozen=True)
class ThreadLine:
    """One network, engine, batch, input size and mode with several numbers of threads."""

    network: str
    engine: str
    batch: int
    height: int
    width: int
    mode: str
    knee: int | None  # threads
    cliff: int | None
    points: list[ThreadPoint]  # by threads

    @property
    def panel(self) -> tuple[str, int, int, int, str]:
        return (self.network, self.batch, self.height, self.width, self.mode)


@dataclass(frozen=True)
class Results:
    context: dict  # the machine; nothing in it is required
    plan: dict  # the job, likewise
    records: list[Record]
    fits: list[Fit]
    thread_lines: list[ThreadLine] = field(default_factory=list)

    def networks(self, group: Group | None = None) -> list[str]:
        """From shallow to deep; of one panel, or all."""
        own = [r for r in self.records if group in (None, r.group)]
        order = {r.network: (r.depth, r.macs / r.batch, r.network) for r in own}
        return sorted(order, key=order.__getitem__)

    def engines(self) -> list[str]:
        """In the order of the file, which is the order the user asked for."""
        return list(dict.fromkeys(r.engine for r in self.records))

    def groups(self) -> list[Group]:
        """What is compared within one panel; by size, and steady before cold."""
        return sorted({r.group for r in self.records}, key=lambda g: (*g[:4], g[4] != "steady", g[4]))

    def fits_of(self, group: Group) -> list[Fit]:
        return [f for f in self.fits if f.group == group]


# The kinds of member. Each gives the value, or raises ValueError with what was expected.


def kind_text(value: object) -> str:
    # Control characters have no place in a name and would make the SVG invalid.
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError("printable text")
    return value


def kind_name(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable() or not value:
        raise ValueError("a name")
    return value


def kind_verdict(value: object) -> str:
    if value not in VERDICTS:
        raise ValueError("one of " + " ".join(VERDICTS))
    return value


def kind_integer(value: object) -> int:
    # abs: what does not fit into 64 bits was not written by us, and could overflow a float.
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
        raise ValueError("an integer")
    return value


def kind_count(value: object) -> int:
    if kind_integer(value) < 1:
        raise ValueError("an integer of at least 1")
    return value


def kind_bytes(value: object) -> int | None:
    return None if kind_integer(value) < 0 else value


def kind_real(value: object) -> float | None:
    """JSON has no NaN: null stands for it, and so does a member left out."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("a number or null")
    try:
        number = float(value)
    except OverflowError:
        raise ValueError("a number or null") from None
    return number if math.isfinite(number) else None


# What no run gives would leave the range of the axes.


def kind_milliseconds(value: object) -> float | None:
    number = kind_real(value)
    if number is not None and not 1e-9 <= number <= 1e12:
        raise ValueError("milliseconds, a positive number")
    return number


def kind_error(value: object) -> float | None:
    number = kind_real(value)
    if number is not None and number != 0 and not 1e-99 <= number <= 1e99:
        raise ValueError("0, a positive number or null")
    return number


def kind_share(value: object) -> float:
    number = kind_real(value)
    if number is None or not 1e-9 <= number <= 1e9:
        raise ValueError("a positive number")
    return number


def kind_limit(value: object) -> float | None:
    if kind_error(value) == 0:
        raise ValueError("a positive number or null")
    return kind_error(value)


_RECORD_MEMBERS = {
    "name": kind_name,
    "network": kind_name,
    "engine": kind_name,
    "engine_version": kind_text,
    "depth": kind_count,
    "batch": kind_count,
    "height": kind_count,
    "width": kind_count,
    "threads": kind_count,
    "mode": kind_name,
    "macs": kind_count,
    "verdict": kind_verdict,
    "rel_l2": kind_error,
    "rel_l2_limit": kind_limit,
    "packed_weight_bytes": kind_bytes,
    "activation_bytes": kind_bytes,
    "activation_bound_bytes": kind_bytes,
    "scratch_bytes": kind_bytes,
    "peak_rss_bytes": kind_bytes,
    "peak_rss_after_start_bytes": kind_bytes,
    "steady_rss_bytes": kind_bytes,
}

_FIT_MEMBERS = {
    "engine": kind_name,
    "batch": kind_count,
    "threads": kind_count,
    "height": kind_count,
    "width": kind_count,
    "mode": kind_name,
    "r_squared": kind_real,
}
_TIMES = ("median_ms", "low_ms", "high_ms")
_NULL_IF_ABSENT = {"r_squared"}  # report.c leaves out what is not finite


def shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _container(owner: dict, key: str, kind: type, path: Path, where: str):
    """owner[key], which must be an object or a list."""
    expected = "an object" if kind is dict else "a list"
    if key not in owner:
        raise BadInput(f"{path}: {where} has no {key}, expected {expected}")
    if not isinstance(owner[key], kind):
        raise BadInput(f"{path}: {key} of {where} is {shown(owner[key])}, expected {expected}")
    return owner[key]


def read_objects(owner: dict, key: str, path: Path, where: str) -> list[dict]:
    items = _container(owner, key, list, path, where)
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise BadInput(f"{path}: {key}[{index}] is {shown(item)}, expected an object")
    return items


def read_members(item: dict, kinds: dict, path: Path, where: str) -> dict:
    values = {}
    for key, kind in kinds.items():
        if key not in item and key not in _NULL_IF_ABSENT:
            raise BadInput(f"{path}: {where} has no {key}")
        try:
            values[key] = kind(item.get(key))
        except ValueError as expected:
            found = shown(item.get(key))
            raise BadInput(f"{path}: {key} of {where} is {found}, expected {expected}") from None
    return values


def _read_times(rows: list[dict], path: Path) -> dict[str, dict]:
    """median, low and high of each timed cell, by its name."""
    times = {}
    for row in rows:
        if row.get("aggregate_name") != "median" or not isinstance(row.get("run_name"), str):
            continue
        if row["run_name"].endswith("/offline"):  # a throughput, which has no latency
            continue
        where = f"the median row of {shown(row['run_name'])}"
        # The interval is left out below eight samples.
        row = dict.fromkeys(_TIMES) | row
        values = read_members(row, dict.fromkeys(_TIMES, kind_milliseconds), path, where)
        median, low, high = (values[key] for key in _TIMES)
        if median is None:
            found = shown(row["median_ms"])
            raise BadInput(f"{path}: median_ms of {where} is {found}, expected a positive number")
        if not (low or median) <= median <= (high or median):
            found = f"low_ms {shown(low)}, median_ms {shown(median)}, high_ms {shown(high)}"
            raise BadInput(f"{path}: {where} has {found}, expected them to ascend")
        times[row["run_name"]] = values
    return times


def _read_records(ours: dict, rows: list[dict], path: Path) -> list[Record]:
    times = _read_times(rows, path)
    records = {}
    for index, item in enumerate(read_objects(ours, "records", path, "resbench")):
        values = read_members(item, _RECORD_MEMBERS, path, f"record {index}")
        name = values["name"]
        if name in records:
            raise BadInput(f"{path}: two records are called {name}, expected one")
        records[name] = Record(**values, **times.get(name, {}))
    return list(records.values())


def _read_fits(ours: dict, path: Path) -> list[Fit]:
    fits = []
    for index, item in enumerate(read_objects(ours, "scaling", path, "resbench")):
        where = f"scaling {index}"
        values = read_members(item, _FIT_MEMBERS, path, where)
        if "fixed_ms" not in item and "ms_per_gmac" not in item:
            continue  # fewer than three depths: no line
        for key in ("fixed_ms", "ms_per_gmac"):
            values |= read_members(item, {key: kind_real}, path, where)
            if values[key] is None:
                raise BadInput(f"{path}: {key} of {where} is null, expected a number")
        residuals = {}
        for point in read_objects(item, "points", path, where):
            network = read_members(point, {"network": kind_name}, path, f"a point of {where}")["network"]
            percent = {"residual_percent": point.get("residual_percent")}
            known = read_members(percent, {"residual_percent": kind_real}, path, f"a point of {where}")
            if known["residual_percent"] is not None:
                residuals[network] = known["residual_percent"]
        fits.append(Fit(**values, residual_percent=residuals))
    return fits


_LINE_MEMBERS = {
    "network": kind_name,
    "engine": kind_name,
    "batch": kind_count,
    "height": kind_count,
    "width": kind_count,
    "mode": kind_name,
}
_POINT_MEMBERS = {"threads": kind_count, "speedup": kind_share, "efficiency": kind_share}


def _read_place(item: dict, key: str, path: Path, where: str) -> int | None:
    """The threads of a knee or cliff; null where there is none."""
    if item.get(key) is None:
        return None
    place = _container(item, key, dict, path, where)
    return read_members(place, {"threads": kind_count}, path, f"{key} of {where}")["threads"]


def _read_thread_lines(ours: dict, records: list[Record], path: Path) -> list[ThreadLine]:
    found = []
    engines = {record.engine for record in records}
    for index, item in enumerate(read_objects(ours, "thread_scaling", path, "resbench")):
        where = f"thread_scaling {index}"
        values = read_members(item, _LINE_MEMBERS, path, where)
        if values["engine"] not in engines:
            name = shown(values["engine"])
            raise BadInput(f"{path}: engine of {where} is {name}, of which there is no record")
        points = [
            ThreadPoint(**read_members(point, _POINT_MEMBERS, path, f"a point of {where}"))
            for point in read_objects(item, "points", path, where)
        ]
        counts = [point.threads for point in points]
        if len(counts) < 2 or counts != sorted(set(counts)):
            raise BadInput(f"{path}: points of {where} have {counts} threads, expected them to ascend")
        places = {key: _read_place(item, key, path, where) for key in ("knee", "cliff")}
        for key, threads in places.items():
            if threads is not None and threads not in counts:
                raise BadInput(f"{path}: {key} of {where} is at {threads} threads, where no point is")
        found.append(ThreadLine(**values, **places, points=points))
    return found


def load(path: Path) -> dict:
    """The object that a file holds. Raises BadInput."""
    try:
        root = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path}: not UTF-8 text, expected JSON") from None
    except json.JSONDecodeError as error:
        raise BadInput(f"{path}: not whole JSON: line {error.lineno}: {error.msg}") from None
    except (RecursionError, ValueError):
        # Nesting without end; an integer of thousands of digits.
        raise BadInput(f"{path}: not JSON that a run of resbench has written") from None
    if not isinstance(root, dict):
        raise BadInput(f"{path}: no object resbench, expected the results.json of a resbench run")
    return root


def read(path: Path, root: dict) -> Results:
    """Raises BadInput."""
    if not isinstance(root.get("resbench"), dict):
        raise BadInput(f"{path}: no object resbench, expected the results.json of a resbench run")
    ours = root["resbench"]
    if ours.get("schema_version") != SCHEMA_VERSION:
        found = shown(ours.get("schema_version"))
        raise BadInput(f"{path}: schema version {found}, expected {SCHEMA_VERSION}")
    records = _read_records(ours, read_objects(root, "benchmarks", path, "the file"), path)
    return Results(
        context=_container(root, "context", dict, path, "the file"),
        plan=_container(ours, "plan", dict, path, "resbench"),
        records=records,
        fits=_read_fits(ours, path),
        thread_lines=_read_thread_lines(ours, records, path),
    )
