"""Memory over depth: what each worker process took at most, and who took it."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from result_file import Record, Results
from style import (
    INK,
    MARGIN,
    Page,
    caption,
    darker,
    engine_looks,
    group_title,
    record_note,
    short,
)

MIB = 1 << 20
ROW = 0.29  # one bar
ENGINE_GAP = 0.28  # heading of an engine's block
STACK_LEFT, STACK_WIDTH = 1.25, 4.45
WORK_LEFT, WORK_WIDTH = 5.95, 2.85

# From the left of the bar, alternating dark and light so that greyscale keeps them apart.
PARTS = {
    "process": ("process before open", "#bdbdbd", ""),
    "weights": ("packed weights", "#2b6ca3", ""),
    "activations": ("activations", "#f2b233", ""),
    "scratch": ("scratch", "#1b6e53", ""),
    "other": ("other, kept", "#e8e8e8", ""),
    "passing": ("only at the peak", "#ffffff", "/////"),
}


def _parts(r: Record) -> dict[str, int]:
    """Bytes by part; they add up to the peak unless the engine's own account exceeds it."""
    own = {
        "weights": r.packed_weight_bytes or 0,
        "activations": r.activation_bytes or 0,
        "scratch": r.scratch_bytes or 0,
    }
    if r.peak_rss_bytes is None:
        return own
    process = r.peak_rss_bytes - (
        r.peak_rss_bytes if r.peak_rss_after_start_bytes is None else r.peak_rss_after_start_bytes
    )
    process = max(0, process)
    accounted = process + sum(own.values())
    held = accounted if r.steady_rss_bytes is None else max(accounted, r.steady_rss_bytes)
    return {
        "process": process,
        **own,
        "other": held - accounted,
        "passing": max(0, r.peak_rss_bytes - held),
    }


def _has_memory(record: Record) -> bool:
    return record.peak_rss_bytes is not None or sum(_parts(record).values()) > 0


def _mib(value: int) -> str:
    if 0 < value < 0.05 * MIB:
        return "<0.1"
    return f"{value / MIB:.0f}" if value >= 10 * MIB or value == 0 else f"{value / MIB:.1f}"


def _place_rows(results: Results, cells: list[Record]) -> tuple[dict, dict, float]:
    """Height in inches from the top of each record's bar and each engine's heading."""
    networks, y = results.networks(), 0.0
    bars, headings = {}, {}
    for engine in results.engines():
        own = [r for r in cells if r.engine == engine]
        if not own:
            continue
        headings[engine] = y + 0.6 * ENGINE_GAP
        y += ENGINE_GAP
        for r in sorted(own, key=lambda r: networks.index(r.network)):
            bars[r.name] = y + ROW / 2
            y += ROW
    return bars, headings, y + 0.08


def _prepare(axes: Axes, height: float, limit: float) -> None:
    axes.set_ylim(height, 0)
    axes.set_xlim(0, limit)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("MiB")


def _draw_stack(axes: Axes, cells: list[Record], bars: dict) -> None:
    largest = max(max(sum(_parts(r).values()), r.peak_rss_bytes or 0) for r in cells) / MIB
    limit = largest * 1.13
    for r in cells:
        left, y = 0.0, bars[r.name]
        for part, size in _parts(r).items():
            _, color, hatch = PARTS[part]
            width = size / MIB
            axes.barh(y, width, 0.78 * ROW, left, color=color, hatch=hatch, edgecolor="#8a8a8a",
                      lw=0.4)  # fmt: skip
            # Only where it fits into its part; of the rest nobody asks the number.
            fits = width / limit * STACK_WIDTH > 0.1 * len(_mib(size)) + 0.04
            if fits and part in ("weights", "activations", "scratch"):
                ink = INK if part == "activations" else "white"
                axes.text(left + width / 2, y, _mib(size), size=7.5, color=ink, ha="center",
                          va="center_baseline")  # fmt: skip
            left += width
        if r.peak_rss_bytes is not None:
            peak = r.peak_rss_bytes / MIB
            axes.plot([peak, peak], [y - 0.45 * ROW, y + 0.45 * ROW], color=INK, lw=1.8)
            axes.text(max(left, peak) + 0.012 * limit, y, _mib(r.peak_rss_bytes), size=8.5,
                      weight="bold", va="center_baseline")  # fmt: skip
    _prepare(axes, axes.get_ylim()[0], limit)


def _draw_work(axes: Axes, cells: list[Record], bars: dict) -> None:
    """Activations against their lower bound and scratch, which the weights dwarf at left."""
    known = [
        size
        for r in cells
        for size in (r.activation_bytes, r.activation_bound_bytes, r.scratch_bytes)
        if size is not None
    ]
    limit = max([*known, 1]) / MIB * 1.75
    half = 0.39 * ROW
    for r in cells:
        y = bars[r.name]
        bound = r.activation_bound_bytes
        words, right = "unknown", 0.0
        if r.activation_bytes is not None:
            axes.barh(y - half / 2, r.activation_bytes / MIB, half, color=PARTS["activations"][1])
            words, right = _mib(r.activation_bytes), r.activation_bytes / MIB
        if bound is not None:
            at = bound / MIB
            axes.plot([at, at], [y - half - 0.02, y], color=INK, lw=1.8, zorder=4)
            words, right = f"{words} (bound {_mib(bound)})", max(right, at)
        gap = 0.015 * limit
        axes.text(right + gap, y - half / 2, words, size=7.5, va="center_baseline")
        if r.scratch_bytes is not None:
            size = r.scratch_bytes / MIB
            axes.barh(y + half / 2, size, half, color=PARTS["scratch"][1])
            axes.text(size + gap, y + half / 2, _mib(r.scratch_bytes), size=7.5,
                      va="center_baseline", color=PARTS["scratch"][1])  # fmt: skip
    _prepare(axes, axes.get_ylim()[0], limit)


def _draw_names(page: Page, results: Results, cells: list[Record], top: float, bars: dict,
                headings: dict) -> None:  # fmt: skip
    looks = engine_looks(results)
    for engine, y in headings.items():
        page.text(MARGIN, top + y + 0.04, short(engine), size=9.5, weight="bold",
                  color=darker(looks[engine][0]))  # fmt: skip
    for r in cells:
        page.text(STACK_LEFT - 0.06, top + bars[r.name] + 0.04, short(r.network, 15), size=8.5,
                  ha="right")  # fmt: skip


def _draw_key(page: Page, top: float) -> None:
    axes = page.axes(MARGIN, top, 8.7, 0.2)
    axes.axis("off")
    patches = [
        Patch(facecolor=color, hatch=hatch, edgecolor="#8a8a8a", lw=0.4, label=name)
        for name, color, hatch in PARTS.values()
    ]
    axes.legend(handles=patches, ncol=len(patches), loc="center left", frameon=False, fontsize=8.5,
                borderaxespad=0, borderpad=0, handlelength=1.2, columnspacing=1.6)  # fmt: skip


def draw(results: Results) -> Figure | None:
    """None when no cell has a figure for memory."""
    groups = []
    for group in results.groups():
        cells = [r for r in results.records if r.group == group and _has_memory(r)]
        if cells:
            groups.append((group, cells, *_place_rows(results, cells)))
    if not groups:
        return None
    heading = 0.25 if len(groups) > 1 else 0.0
    above, below = heading + 0.38, 0.5
    body = sum(above + height + below for *_, height in groups)
    notes = record_note("Not measured", [r for r in results.records if not _has_memory(r)])
    page = Page("Memory over depth", caption(results), notes, 0.25 + body)
    _draw_key(page, 0.0)
    top = 0.25
    for group, cells, bars, headings, height in groups:
        if heading:
            page.text(MARGIN, top + 0.22, group_title(*group), size=10.5, weight="bold")
        page.text(STACK_LEFT, top + above - 0.1,
                  "Process at its peak (line and bold number: peak RSS)", size=9.5)  # fmt: skip
        page.text(WORK_LEFT, top + above - 0.1, "Activations (line: lower bound), scratch",
                  size=9.5)  # fmt: skip
        stack = page.axes(STACK_LEFT, top + above, STACK_WIDTH, height)
        work = page.axes(WORK_LEFT, top + above, WORK_WIDTH, height)
        for axes, paint in ((stack, _draw_stack), (work, _draw_work)):
            axes.set_ylim(height, 0)
            paint(axes, cells, bars)
        _draw_names(page, results, cells, top + above, bars, headings)
        top += above + height + below
    return page.figure
