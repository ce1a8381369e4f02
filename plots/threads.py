"""Speed-up and efficiency over threads, with knees and cliffs."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

import series as lines
from result_file import Results, ThreadLine
from series import Labels, Series
from style import ALARM, FAINT, INK, MARGIN, Page, caption, darker, engine_looks, plural, short

PANEL_HEIGHT = 2.9
LEFT, SPEEDUP_WIDTH = 0.6, 4.6
EFFICIENCY_LEFT, EFFICIENCY_WIDTH = 5.85, 3.0


def _series_of(results: Results, panel: list[ThreadLine], value: str) -> list[Series]:
    looks = engine_looks(results)
    return [
        Series(
            line.engine,
            *looks[line.engine],
            [],
            [float(point.threads) for point in line.points],
            [getattr(point, value) for point in line.points],
        )
        for line in panel
    ]


def _thread_axis(axes: Axes, counts: list[int], log: bool) -> None:
    """A tick at each number of threads that was measured, as long as they have room."""
    if log:
        axes.set_xscale("log", base=2)
    shown = [c for c in counts if not log or c & (c - 1) == 0 or len(counts) <= 8]
    while len(shown) > 16:
        shown = shown[::2]
    axes.xaxis.set_major_locator(FixedLocator(shown))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("threads")
    axes.tick_params(colors=FAINT, labelcolor=INK)


def _draw_lines(axes: Axes, all_series: list[Series]) -> None:
    for s in all_series:
        axes.plot(s.x, s.y, color=s.color, lw=1.6, marker=s.marker, ms=lines.MARKER,
                  mec=s.color, zorder=4)  # fmt: skip


def _mark(axes: Axes, labels: Labels, panel: list[ThreadLine], all_series: list[Series]) -> None:
    """A ring and a word at each knee, likewise in red at each cliff."""
    said = set()  # lines share their first point
    for line, s in zip(panel, all_series):
        for word, threads, color in (("knee", line.knee, INK), ("cliff", line.cliff, ALARM)):
            if threads is None:
                continue
            at = s.x.index(float(threads))
            axes.plot([s.x[at]], [s.y[at]], "o", ms=lines.MARKER + 6, mfc="none", mec=color,
                      mew=1.4, zorder=5)  # fmt: skip
            if (word, s.x[at], s.y[at]) not in said:
                labels.value(s.x[at], s.y[at], word, color, weight="bold")
            said.add((word, s.x[at], s.y[at]))


def _limits(axes: Axes, all_series: list[Series], log: bool, top: float) -> None:
    """Room at the right for the engines' names."""
    counts = [x for s in all_series for x in s.x]
    low, high = min(counts), max(counts)
    if log:
        axes.set_xlim(low / 1.15, high * (high / low) ** 0.32)
    else:
        axes.set_xlim(low - 0.06 * (high - low), high + 0.32 * (high - low))
    axes.set_ylim(0, 1.12 * top)


def _draw_speedup(axes: Axes, panel: list[ThreadLine], all_series: list[Series],
                  log: bool) -> None:  # fmt: skip
    counts = sorted({point.threads for line in panel for point in line.points})
    top = max(y for s in all_series for y in s.y)
    # The ideal line runs out of a panel of which it would leave nothing to the others.
    fewest = sorted({line.points[0].threads for line in panel})  # more than one where a cell failed
    for first in fewest:
        own = [c for c in counts if c >= first]
        axes.plot(own, [c / first for c in own], color=FAINT, lw=1, ls=(0, (4, 3)), zorder=2)
    ideal = counts[-1] / fewest[0]
    _thread_axis(axes, counts, log)
    _limits(axes, all_series, log, max(top, min(ideal, 2 * top)))
    if log:  # both axes: the ideal stays straight
        axes.set_yscale("log", base=2)
        axes.set_ylim(min(y for s in all_series for y in s.y) / 1.3, 1.3 * max(top, ideal))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
    _draw_lines(axes, all_series)
    labels = Labels(axes, all_series)
    for s in all_series:
        labels.name(s.x[-1], s.y[-1], short(s.name, 16), darker(s.color))
    _mark(axes, labels, panel, all_series)
    base = plural(fewest[0], "thread") if len(fewest) == 1 else "the fewest threads of each engine"
    axes.set_title(f"Speed-up over {base} (dashed: ideal)")


def _draw_efficiency(axes: Axes, panel: list[ThreadLine], all_series: list[Series],
                     log: bool) -> None:  # fmt: skip
    counts = sorted({point.threads for line in panel for point in line.points})
    axes.axhline(1, color=FAINT, lw=1, ls=(0, (4, 3)), zorder=2)
    _thread_axis(axes, counts, log)
    _limits(axes, all_series, log, max(1.0, *(y for s in all_series for y in s.y)))
    axes.set_xlim(axes.get_xlim()[0], counts[-1] * (1.15 if log else 1.06))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
    _draw_lines(axes, all_series)
    _mark(axes, Labels(axes, all_series), panel, all_series)
    axes.set_title("Parallel efficiency")


def _title(line: ThreadLine) -> str:
    mode = "" if line.mode == "steady" else f", {line.mode}"
    return f"{short(line.network)}, batch {line.batch}, input {line.height}x{line.width}{mode}"


def draw(results: Results) -> Figure | None:
    """None when no cell was measured with several numbers of threads."""
    panels: dict[tuple, list[ThreadLine]] = {}
    for line in results.thread_lines:
        panels.setdefault(line.panel, []).append(line)
    if not panels:
        return None
    row = 0.3 + 0.25 + PANEL_HEIGHT + 0.55
    notes = [
        "Knee: beyond it, added threads give less than half of the ideal. Cliff: slower than the best"
        " with fewer threads, and the 95 % intervals of the two latencies do not overlap."
    ]
    page = Page("Scaling over threads", caption(results), notes, row * len(panels))
    for index, panel in enumerate(panels.values()):
        top = index * row
        counts = [point.threads for line in panel for point in line.points]
        log = max(counts) > 8 * min(counts)
        page.text(MARGIN, top + 0.2, _title(panel[0]), size=10.5, weight="bold")
        axes = page.axes(LEFT, top + 0.55, SPEEDUP_WIDTH, PANEL_HEIGHT)
        _draw_speedup(axes, panel, _series_of(results, panel, "speedup"), log)
        axes = page.axes(EFFICIENCY_LEFT, top + 0.55, EFFICIENCY_WIDTH, PANEL_HEIGHT)
        _draw_efficiency(axes, panel, _series_of(results, panel, "efficiency"), log)
    return page.figure
