"""Relative L2 error against the float64 oracle over depth, with the limit of the verdict."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

import series as lines
from result_file import Group, Record, Results
from series import Labels, Segment, Series
from style import (
    ALARM,
    INK,
    Page,
    axis_height,
    caption,
    darker,
    engine_looks,
    group_title,
    network_axis,
    record_note,
    room_for,
    scientific,
    short,
)

BASE_HEIGHT, ENGINE_HEIGHT = 2.5, 0.3  # of a panel: lines that run close need room for numbers
LEFT, PANEL_WIDTH = 0.75, 8.05


def _drawable(record: Record) -> bool:
    return record.rel_l2 is not None and record.rel_l2 > 0  # zero has no place on a log scale


def _series_of(results: Results, group: Group, cells: list[Record]) -> list[Series]:
    looks, places = engine_looks(results), {n: i for i, n in enumerate(results.networks(group))}
    found = []
    for engine in results.engines():
        own = [r for r in cells if r.engine == engine and _drawable(r)]
        own.sort(key=lambda r: places[r.network])
        if own:
            found.append(
                Series(engine, *looks[engine], own, [float(places[r.network]) for r in own],
                       [r.rel_l2 for r in own])
            )  # fmt: skip
    return found


def _limits_of(
    results: Results, group: Group, cells: list[Record]
) -> list[tuple[list[str], dict[int, float]]]:
    """The limits by place, each with the engines that it holds for. Limits that print the same
    are one: the reference's own and that of the others differ by a rounding at most."""
    networks, found = results.networks(group), []
    for engine in results.engines():
        own = {
            networks.index(r.network): r.rel_l2_limit
            for r in cells
            if r.engine == engine and r.rel_l2_limit
        }
        for engines, limits in found:
            shared = own.keys() & limits.keys()
            if all(scientific(own[place]) == scientific(limits[place]) for place in shared):
                engines.append(engine)
                limits.update(own)
                break
        else:
            if own:
                found.append(([engine], own))
    return found


def _limit_name(engines: list[str], alone: bool) -> str:
    return "limit" if alone else "limit of " + ", ".join(short(e, 12) for e in engines)


def _steps(all_limits: list, half: float) -> list[Segment]:
    return [
        ((place - half, value), (place + half, value))
        for _, limits in all_limits
        for place, value in limits.items()
    ]


def _draw_limits(
    axes: Axes, labels: Labels, results: Results, all_limits: list, half: float
) -> None:
    """A step at each network, since each network has its own limit. In ink when it holds for
    several engines, else in the engine's colour."""
    looks, alone = engine_looks(results), len(all_limits) == 1
    for engines, limits in all_limits:
        color = INK if alone or len(engines) > 1 else darker(looks[engines[0]][0])
        for place, value in limits.items():
            axes.plot([place - half, place + half], [value, value], "--", color=color, lw=1.3)
        last = max(limits)
        labels.name(last + half, limits[last], _limit_name(engines, alone), color)
        for place, value in limits.items():
            labels.value(place, value, scientific(value), color)


def _draw_panel(axes: Axes, results: Results, group: Group, cells: list[Record]) -> None:
    all_series, limits = _series_of(results, group, cells), _limits_of(results, group, cells)
    network_axis(axes, results, group, PANEL_WIDTH)
    names = [short(s.name) for s in all_series]
    # The limit's step ends right of the point, by about as much as nine letters take.
    names += ["." * 9 + _limit_name(engines, len(limits) == 1) for engines, _ in limits]
    steps = len(results.networks(group)) - 1
    axes.set_xlim(-0.5, -0.5 + (steps + 0.5) / (1 - room_for(names, PANEL_WIDTH)))
    values = [y for s in all_series for y in s.y]
    values += [v for _, limit in limits for v in limit.values()]
    stretch = max(max(values) / min(values), 1.5) ** 0.12
    axes.set_yscale("log")
    axes.set_ylim(min(values) / stretch, max(values) * stretch)
    lines.plain_log_axis(axes.yaxis, lambda value: scientific(value).replace(".0e", "e"))
    for series in all_series:
        lines.draw(axes, series)
    half = min(0.4, 0.08 * (steps + 1))
    labels = lines.put_labels(axes, all_series, scientific, _steps(limits, half))
    _draw_limits(axes, labels, results, limits, half)
    for series in all_series:
        for x, y, record in zip(series.x, series.y, series.records):
            if not lines.trustworthy(record):
                verdict = "not compared" if record.verdict == "-" else record.verdict
                labels.value(x, y, verdict, ALARM, weight="bold")


def draw(results: Results) -> Figure | None:
    """None when no cell has an error to show."""
    groups = []
    for group in results.groups():
        cells = [r for r in results.records if r.group == group]
        if any(_drawable(r) for r in cells):
            groups.append((group, cells))
    if not groups:
        return None
    notes = ["Rounding unit of float32: u = 2^-24 = 6.0e-8. Of several images the worst counts."]
    notes += record_note("Not compared", [r for r in results.records if r.rel_l2 is None])
    exact = [r for r in results.records if r.rel_l2 == 0]
    notes += record_note("Error exactly 0, not drawn", exact)
    panel_height = BASE_HEIGHT + ENGINE_HEIGHT * len(results.engines())
    height = 0.25 + panel_height + axis_height(results, PANEL_WIDTH)
    page = Page("Error over depth", caption(results), notes, height * len(groups))
    for index, (group, cells) in enumerate(groups):
        title = "Relative L2 of the logits against the float64 oracle (log scale)"
        if len(groups) > 1:
            title = f"{group_title(*group)}: {title[0].lower()}{title[1:]}"
        axes = page.axes(LEFT, 0.25 + index * height, PANEL_WIDTH, panel_height)
        _draw_panel(axes, results, group, cells)
        axes.set_title(title)
    return page.figure
