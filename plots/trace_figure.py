"""Relative L2 error node by node along the depth of one network, with the limit at each node."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

import series as lines
from depth_axis import draw_names, draw_stages, names_below, room_below
from style import ALARM, INK, OTHER_ENGINES, OWN_ENGINES, Page, fact_lines
from style import plural, scientific, short
from trace_file import Node, Run, Trace

LEFT, PANEL_WIDTH, PANEL_HEIGHT = 0.75, 8.05, 3.6
HIGHEST = 0.84  # share of the panel below the words at its top


def _drawable(node: Node) -> bool:
    return not node.non_finite and node.rel_l2 is not None and node.rel_l2 > 0


def _scale(axes: Axes, nodes: list[Node]) -> tuple[float, float]:
    """The lowest and the highest place for a mark. Above it there is room for words."""
    values = [node.rel_l2 for node in nodes if _drawable(node)]
    values += [node.limit for node in nodes if node.limit]
    low, high = min(values, default=1e-8), max(values, default=1.0)
    margin = max(high / low, 30) ** 0.06
    low, high = low / margin, high * margin
    axes.set_yscale("log")
    axes.set_ylim(low, low * (high / low) ** (1 / HIGHEST))
    axes.set_xlim(-0.8, len(nodes) - 0.2)
    if high / low > 1e3:
        axes.yaxis.set_major_locator(LogLocator(numticks=9))
        axes.yaxis.set_major_formatter(lambda value, _: scientific(value).replace(".0e", "e"))
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        lines.plain_log_axis(axes.yaxis, lambda v: scientific(v).replace(".0e", "e"))
    return low, high


def _mark_first(axes: Axes, trace: Trace) -> None:
    place = next(i for i, node in enumerate(trace.nodes) if node.name == trace.first)
    node = trace.nodes[place]
    axes.axvspan(place - 0.5, place + 0.5, color=ALARM, alpha=0.12, lw=0, zorder=0)
    words = f"{short(node.name, 32)}: " + (
        f"{plural(node.non_finite, 'value')} NaN or infinite" if node.non_finite
        else f"{scientific(node.rel_l2)}, limit {scientific(node.limit)}" if _drawable(node)
        else node.verdict
    )  # fmt: skip
    left = place > len(trace.nodes) / 2
    axes.annotate(words, (place, 0.5 * (HIGHEST + 0.93)), xycoords=("data", "axes fraction"),
                  xytext=(-9 if left else 9, 0), textcoords="offset points", va="center",
                  ha="right" if left else "left", color=ALARM, weight="bold", size=9,
                  bbox={"fc": "white", "ec": "none", "pad": 1.5, "alpha": 0.85})  # fmt: skip


def _draw_errors(axes: Axes, trace: Trace, color: str, low: float, high: float) -> None:
    nodes = trace.nodes
    small = 5.0 if len(nodes) <= 64 else 3.0 if len(nodes) <= 200 else 1.5
    limits = [(i, node.limit) for i, node in enumerate(nodes) if node.limit]
    if limits:
        x, y = zip(*limits)
        axes.step(x, y, where="mid", color=INK, lw=1.2, ls="--", label="limit")
    # A gap where there is no number.
    y = [node.rel_l2 if _drawable(node) else float("nan") for node in nodes]
    axes.plot(range(len(nodes)), y, color=color, lw=1.2, label=short(trace.engine, 32))
    for wrong, fill in ((False, color), (True, ALARM)):
        own = [(i, node.rel_l2) for i, node in enumerate(nodes)
               if _drawable(node) and (node.verdict != "PASS") == wrong]  # fmt: skip
        if own:
            axes.plot(*zip(*own), "o", ms=small, color=fill, mec="white", mew=0.4,
                      label="out of bounds" if wrong else None)  # fmt: skip
    edges = (
        ("NaN or infinite", "x", ALARM, [i for i, n in enumerate(nodes) if n.non_finite], high),
        ("exactly 0", "v", color, [i for i, n in enumerate(nodes)
                                   if not n.non_finite and n.rel_l2 == 0], low),
    )  # fmt: skip
    for label, marker, ink, places, edge in edges:
        if places:
            axes.plot(places, [edge] * len(places), marker, ms=small + 1, color=ink,
                      clip_on=False, label=label)  # fmt: skip


def _words_of_run(run: Run) -> str:
    if run.non_finite:
        return f"A plain run leaves {plural(run.non_finite, 'logit')} NaN, infinite or unwritten."
    if run.rel_l2 is None or run.limit is None:
        return f"The logits of a plain run: {run.verdict}."
    return (
        f"The logits of a plain run are off by {scientific(run.rel_l2)}, "
        f"limit {scientific(run.limit)}."
    )


def draw(trace: Trace) -> Figure | None:
    """None when there is no node."""
    if not trace.nodes:
        return None
    color = OWN_ENGINES.get(trace.engine, OTHER_ENGINES[0])[0]
    facts = [
        trace.network,
        f"{short(trace.engine)} {short(trace.engine_version, 40)}",
        f"against {short(trace.against)} {short(trace.against_version, 40)}",
        f"batch {trace.batch}, {plural(trace.threads, 'thread')}",
        f"input {trace.height}x{trace.width}, {short(trace.input, 60)}",
        f"resbench {short(trace.resbench, 40)}",
    ]
    notes = ["Rounding unit of float32: u = 2^-24 = 6.0e-8. Of several images the worst counts."]
    findings = [node.finding for node in trace.nodes if node.finding]
    notes += findings[:6] or (["No node is out of bounds."] if trace.first is None else [])
    if trace.run.verdict != "PASS":
        notes.append(_words_of_run(trace.run))
    places, names = names_below(trace.nodes)
    page = Page(f"Error along the depth of {short(trace.network, 40)}", fact_lines(facts), notes,
                0.3 + PANEL_HEIGHT + room_below(names))  # fmt: skip
    axes = page.axes(LEFT, 0.3, PANEL_WIDTH, PANEL_HEIGHT)
    low, high = _scale(axes, trace.nodes)
    draw_stages(axes, trace.nodes)
    draw_names(axes, places, names)
    _draw_errors(axes, trace, color, low, high)
    if trace.first is not None:
        _mark_first(axes, trace)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, fontsize=8, frameon=False,
                borderaxespad=0.2, columnspacing=1.2)  # fmt: skip
    axes.set_title(f"Relative L2 against {short(trace.against)}, node by node (log scale)")
    return page.figure
