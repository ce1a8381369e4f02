"""Where the time of one network goes: node by node, and against what the machine allows."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from depth_axis import draw_names, draw_stages, names_below, room_below
from profile_file import Engine, Node, Profile
from series import plain_log_axis
from style import FAINT, INK, OTHER_ENGINES, OWN_ENGINES, Page, fact_lines
from style import plural, short, significant

LEFT, PANEL_WIDTH = 0.75, 8.05
BARS_HEIGHT, ROOF_HEIGHT = 2.6, 3.4
MOST_ENGINES = 4  # beside each other, so that bars and names can still be told apart
NAMED = 4  # the longest nodes of an engine have their name beside the mark
MARKERS = {"conv 1x1": "o", "conv 3x3": "s", "conv 7x7": "^", "fc": "D"}


def _looks(engines: list[Engine]) -> dict[str, str]:
    looks, others = {}, 0
    for engine in engines:
        if engine.engine in OWN_ENGINES:
            looks[engine.engine] = OWN_ENGINES[engine.engine][0]
        else:
            looks[engine.engine] = OTHER_ENGINES[others % len(OTHER_ENGINES)][0]
            others += 1
    return looks


def _draw_bars(axes: Axes, engines: list[Engine], looks: dict[str, str]) -> None:
    nodes = engines[0].nodes
    width = 0.84 / len(engines)
    edge = [withStroke(linewidth=2.4, foreground="white")]  # a mark on a dark bar
    named = set()
    for index, engine in enumerate(engines):
        x = [place + (index + 0.5) * width - 0.42 for place in range(len(nodes))]
        axes.bar(x, [node.network_ms or 0 for node in engine.nodes], width,
                 color=looks[engine.engine], label=short(engine.engine, 32))  # fmt: skip
        for field, marker, label in (("hot_ms", "_", "alone, hot"), ("cold_ms", "x", "alone, cold caches")):
            own = [(at, getattr(node, field)) for at, node in zip(x, engine.nodes) if getattr(node, field)]
            if own:
                axes.plot(*zip(*own), marker, ms=3.5, mew=0.9, color=INK, path_effects=edge,
                          label=None if label in named else label)  # fmt: skip
                named.add(label)
    top = axes.get_ylim()[1]
    axes.set_ylim(0, top * 1.12)  # room for the names of stages
    axes.set_xlim(-0.8, len(nodes) - 0.2)
    draw_stages(axes, nodes)
    axes.set_title("ms of each node within the running network")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=6, fontsize=8, frameon=False,
                borderaxespad=0.2, columnspacing=1.2)  # fmt: skip


def _drawable(node: Node) -> bool:
    return bool(node.gmacs_per_second and node.macs_per_byte)


def _draw_roof(axes: Axes, profile: Profile, low: float, high: float) -> None:
    peak, memory = profile.peak_gmacs_per_second, profile.memory_bytes_per_ns
    if not peak or not memory:
        return
    edge = peak / memory
    low, high = min(low, edge / 2), max(high, edge * 2)
    axes.plot([low, edge, high], [low * memory, peak, peak], color=INK, lw=1.4, zorder=2)
    axes.annotate(f"{significant(peak)} GMAC/s ({profile.peak_isa})", (high, peak), xytext=(0, 4),
                  textcoords="offset points", ha="right", size=8)  # fmt: skip
    axes.annotate(f"{significant(memory)} GB/s", (low, low * memory), xytext=(14, 0),
                  textcoords="offset points", ha="left", size=8)  # fmt: skip


def _draw_marks(axes: Axes, engine: Engine, color: str) -> None:
    for op, marker in MARKERS.items():
        own = [node for node in engine.nodes if _drawable(node) and node.op == op]
        # The area is the node's share of the call.
        areas = [max(6.0, 1200 * node.network_ms / engine.call_ms) for node in own]
        axes.scatter([n.macs_per_byte for n in own], [n.gmacs_per_second for n in own], areas,
                     color=color, marker=marker, alpha=0.55, edgecolors="white", linewidths=0.5,
                     zorder=3)  # fmt: skip
    longest = sorted(filter(_drawable, engine.nodes), key=lambda node: -node.network_ms)[:NAMED]
    taken = []
    for node in longest:
        place = (node.macs_per_byte, node.gmacs_per_second)
        if any(0.4 < place[0] / x < 2.5 and 0.9 < place[1] / y < 1.11 for x, y in taken):
            continue  # it would be written over another one
        taken.append(place)
        axes.annotate(short(node.name, 24), place, xytext=(7, -3), textcoords="offset points",
                      size=7.5, color=INK, zorder=4)  # fmt: skip


def _draw_key(axes: Axes, engines: list[Engine]) -> None:
    for op, marker in MARKERS.items():
        if any(node.op == op and _drawable(node) for engine in engines for node in engine.nodes):
            axes.plot([], [], marker, color=FAINT, ms=5, label=op)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, fontsize=8, frameon=False,
                borderaxespad=0.2, columnspacing=1.2)  # fmt: skip


def _draw_roofline(axes: Axes, profile: Profile, engines: list[Engine], looks: dict[str, str]) -> None:
    marks = [node for engine in engines for node in engine.nodes if _drawable(node)]
    axes.set_xscale("log")
    axes.set_yscale("log")
    low = min(node.macs_per_byte for node in marks)
    high = max(node.macs_per_byte for node in marks)
    _draw_roof(axes, profile, low / 1.5, high * 1.5)
    for engine in engines:
        _draw_marks(axes, engine, looks[engine.engine])
    _draw_key(axes, engines)
    for axis in (axes.xaxis, axes.yaxis):
        plain_log_axis(axis, lambda value: f"{value:g}")
    axes.set_xlabel("multiply-adds a byte that has to be moved (log scale)")
    axes.set_title("GMAC/s, nominal (log scale); the line is what this machine allows")


def _notes(profile: Profile, engines: list[Engine]) -> list[str]:
    notes = ["Bytes: weights, source, value and addend once. Above the line: values came from caches, not from "
             "memory. A mark's area is its share of the call."]  # fmt: skip
    for engine in engines:
        parts = [f"{short(engine.engine)}: a call of {significant(engine.call_ms)} ms"]
        if engine.unaccounted_ms is not None:
            share = 100 * engine.unaccounted_ms / engine.call_ms
            parts.append(f"{significant(engine.unaccounted_ms)} ms ({share:.1f} %) unaccounted for by nodes")
        if engine.profiling_cost_percent is not None:
            parts.append(f"looking costs {engine.profiling_cost_percent:.1f} %")
        if engine.verdict != "PASS":
            parts.append(f"its logits: {engine.verdict}")
        notes.append(", ".join(parts) + ".")
    left = [engine.engine for engine in profile.engines if engine not in engines]
    if left:
        notes.append("Not drawn: " + ", ".join(short(name) for name in left) + ".")
    return notes


def draw(profile: Profile) -> Figure | None:
    """None when no engine has times."""
    engines = [e for e in profile.engines if e.call_ms and any(map(_drawable, e.nodes))][:MOST_ENGINES]
    if not engines:
        return None
    looks = _looks(engines)
    facts = [
        profile.network,
        *(f"{short(engine.engine)} {short(engine.engine_version, 40)}" for engine in engines),
        f"batch {profile.batch}, {plural(profile.threads, 'thread')}",
        f"input {profile.height}x{profile.width}, {short(profile.input, 60)}",
        f"resbench {short(profile.resbench, 40)}",
    ]
    places, names = names_below(engines[0].nodes)
    second = 0.3 + BARS_HEIGHT + room_below(names) + 0.35
    page = Page(f"Where the time of {short(profile.network, 40)} goes", fact_lines(facts),
                _notes(profile, engines), second + ROOF_HEIGHT + 0.5)  # fmt: skip
    bars = page.axes(LEFT, 0.3, PANEL_WIDTH, BARS_HEIGHT)
    _draw_bars(bars, engines, looks)
    draw_names(bars, places, names)
    _draw_roofline(page.axes(LEFT, second, PANEL_WIDTH, ROOF_HEIGHT), profile, engines, looks)
    return page.figure
