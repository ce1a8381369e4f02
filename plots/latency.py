"""Latency over depth, and the line through latency over MACs with what it leaves over."""

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import series as lines
from result_file import Fit, Group, Results
from series import Series
from style import (
    FAINT,
    INK,
    MARGIN,
    WIDTH,
    Page,
    axis_height,
    caption,
    darker,
    engine_looks,
    group_title,
    network_axis,
    record_note,
    room_for,
    short,
    significant,
)

PANEL_HEIGHT = 3.1
ROW_HEIGHT = 0.25  # of the table of fits
LEFT, DEPTH_WIDTH = 0.6, 4.75
FIT_LEFT, FIT_WIDTH = 5.95, 2.9

# A residual of this many per cent has the full colour.
FULL_RESIDUAL = 25.0
RESIDUAL_COLORS = LinearSegmentedColormap.from_list("", ["#9ecae1", "#ffffff", "#fdbf8a"])


def _plain(value: float) -> str:
    return f"{value:g}"


def _series_of(results: Results, group: Group) -> list[Series]:
    looks, places = engine_looks(results), {n: i for i, n in enumerate(results.networks(group))}
    found = []
    for engine in results.engines():
        cells = [
            r
            for r in results.records
            if r.engine == engine and r.group == group and r.median_ms is not None
        ]
        cells.sort(key=lambda r: places[r.network])
        if cells:
            median = [r.median_ms for r in cells]
            found.append(
                Series(
                    engine,
                    *looks[engine],
                    cells,
                    [float(places[r.network]) for r in cells],
                    median,
                    # Too few samples for an interval: none is drawn.
                    [m if r.low_ms is None else r.low_ms for m, r in zip(median, cells)],
                    [m if r.high_ms is None else r.high_ms for m, r in zip(median, cells)],
                )
            )
    return found


def _over_macs(series: Series) -> Series:
    cells = sorted(series.records, key=lambda r: r.macs)
    return Series(series.name, series.color, series.marker, cells,
                  [r.macs * 1e-9 for r in cells], [r.median_ms for r in cells])  # fmt: skip


def _wide(values: list[float]) -> bool:
    return max(values) > 8 * min(values)


def _scale(axis_of: Axes, which: str, values: list[float], log: bool, room: float) -> None:
    """Limits with room for labels: a share of the range on either end."""
    low, high = min(values), max(values)
    if log:
        stretch = max(high / low, 1.5) ** room
        getattr(axis_of, f"set_{which}scale")("log")
        getattr(axis_of, f"set_{which}lim")(low / stretch, high * stretch)
        lines.plain_log_axis(getattr(axis_of, f"{which}axis"), _plain)
    else:
        getattr(axis_of, f"set_{which}lim")(0, high * (1 + room))


def _draw_depth(axes: Axes, results: Results, group: Group, all_series: list[Series],
                log: bool) -> None:  # fmt: skip
    network_axis(axes, results, group, DEPTH_WIDTH)
    # Room for the engine's name after its last point.
    steps = len(results.networks(group)) - 1
    room = room_for([short(s.name) for s in all_series], DEPTH_WIDTH)
    axes.set_xlim(-0.5, -0.5 + (steps + 0.5) / (1 - room))
    values = [y for s in all_series for y in s.low + s.high]
    _scale(axes, "y", values, log, 0.1)
    for series in all_series:
        lines.draw(axes, series)
    lines.put_labels(axes, all_series, significant)
    scale = "log scale" if log else "from 0"
    axes.set_title(f"Median latency, ms ({scale}; bar: 95 % interval)")


def _draw_fits(axes: Axes, all_series: list[Series], fits: dict[str, Fit], log: bool) -> None:
    all_series = [_over_macs(s) for s in all_series]
    macs = [x for s in all_series for x in s.x]
    _scale(axes, "y", [y for s in all_series for y in s.y], log, 0.1)
    _scale(axes, "x", macs, log and min(macs) > 0, 0.12)
    for series in all_series:
        fit = fits.get(series.name)
        if fit:
            first, last = min(series.x) if log else 0.0, max(series.x)
            x = [first + (last - first) * i / 200 for i in range(201)]
            points = [(g, fit.fixed_ms + fit.ms_per_gmac * g) for g in x]
            # A line that starts below zero has no place on a log scale.
            points = [(g, ms) for g, ms in points if ms > 0 or not log]
            axes.plot(*zip(*points), color=series.color, lw=1.2)
        lines.draw(axes, series, connect=False)
    labels = lines.Labels(axes, all_series)
    for series in all_series:
        name, color = short(series.name), darker(series.color)
        labels.name(series.x[-1], series.y[-1], name, color, inside=True)
    axes.set_xlabel("GMACs of one call")
    axes.set_title("Latency over GMACs, and the fitted line")


def _draw_table(page: Page, top: float, results: Results, group: Group, fits: list[Fit]) -> None:
    """Each line as a formula, and what it leaves over at each network."""
    networks, looks = results.networks(group), engine_looks(results)
    left = 4.05
    step = (WIDTH - MARGIN - left) / len(networks)
    small = 8 if step > 0.6 else 6
    width = WIDTH - 2 * MARGIN
    height = ROW_HEIGHT * (len(fits) + 1)
    axes = page.axes(MARGIN, top, width, height)
    axes.set_xlim(MARGIN, MARGIN + width)
    axes.set_ylim(len(fits) + 1, 0)
    axes.axis("off")
    axes.text(MARGIN, 0.5, "fitted line", va="center", size=8, color=FAINT)
    axes.text(left - 0.1, 0.5, "(measured - line) / measured:", va="center", ha="right", size=8,
              color=FAINT)  # fmt: skip
    for column, network in enumerate(networks):
        name = short(network, max(4, int(step / (0.0088 * small))))
        axes.text(left + (column + 0.5) * step, 0.5, name, va="center", ha="center", size=small,
                  color=FAINT)  # fmt: skip
    for row, fit in enumerate(fits, start=1):
        color, _ = looks[fit.engine]
        sign, slope = "+" if fit.ms_per_gmac >= 0 else "-", significant(abs(fit.ms_per_gmac))
        formula = f"{significant(fit.fixed_ms)} ms {sign} {slope} ms/GMAC"
        axes.text(MARGIN, row + 0.5, short(fit.engine, 14), va="center", size=8.5, weight="bold",
                  color=darker(color))  # fmt: skip
        axes.text(MARGIN + 1.2, row + 0.5, formula, va="center", size=8.5)
        if fit.r_squared is not None:
            axes.text(left - 0.1, row + 0.5, f"R² {fit.r_squared:.4f}", va="center", ha="right",
                      size=8.5)  # fmt: skip
        for column, network in enumerate(networks):
            percent = fit.residual_percent.get(network)
            x = left + column * step
            if percent is None:
                axes.text(x + step / 2, row + 0.5, "-", va="center", ha="center", color=FAINT)
                continue
            shade = RESIDUAL_COLORS(0.5 + 0.5 * max(-1, min(1, percent / FULL_RESIDUAL)))
            axes.add_patch(Rectangle((x + 0.02, row + 0.05), step - 0.04, 0.9, color=shade, lw=0))
            words = f"{round(percent, 1) + 0.0:+.1f} %"  # + 0.0: no minus before a zero
            axes.text(x + step / 2, row + 0.5, words, va="center", ha="center",
                      size=small, color=INK)  # fmt: skip


def draw(results: Results) -> Figure | None:
    """None when no cell has a timing."""
    groups = []
    for group in results.groups():
        all_series = _series_of(results, group)
        if all_series:
            engines = {s.name for s in all_series}
            fits = results.fits_of(group)
            groups.append((group, all_series, [f for f in fits if f.engine in engines]))
    if not groups:
        return None
    below = axis_height(results, DEPTH_WIDTH)
    heading = 0.3 if len(groups) > 1 else 0.0
    heights = [
        heading + 0.25 + PANEL_HEIGHT + below
        + (ROW_HEIGHT * (len(fits) + 1) + 0.1 if fits else 0)
        for _, _, fits in groups
    ]  # fmt: skip
    missing = [r for r in results.records if r.median_ms is None]
    doubted = [r for r in results.records if r.median_ms is not None and not lines.trustworthy(r)]
    notes = record_note("Not timed", missing)
    notes += record_note("Open markers: parity with the oracle is not a PASS", doubted)
    page = Page("Latency over depth", caption(results), notes, sum(heights))
    top = 0.0
    for (group, all_series, fits), height in zip(groups, heights):
        if heading:
            page.text(MARGIN, top + 0.2, group_title(*group), size=10.5, weight="bold")
        log = _wide([y for s in all_series for y in s.y])
        panel_top = top + heading + 0.25
        depth_axes = page.axes(LEFT, panel_top, DEPTH_WIDTH, PANEL_HEIGHT)
        _draw_depth(depth_axes, results, group, all_series, log)
        fit_axes = page.axes(FIT_LEFT, panel_top, FIT_WIDTH, PANEL_HEIGHT)
        _draw_fits(fit_axes, all_series, {f.engine: f for f in fits}, log)
        if fits:
            _draw_table(page, panel_top + PANEL_HEIGHT + below, results, group, fits)
        top += height
    return page.figure
