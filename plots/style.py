"""What the figures have in common: colours and markers, the page, text and numbers.

Sizes are inches at 100 px: a figure is 9 inches wide, since a README shows it about 900 px
wide, and is saved with twice as many pixels for dense displays.
"""

import textwrap
import warnings
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from result_file import Group, Record, Results

WIDTH = 9.0
PNG_DPI = 200
MARGIN = 0.15
LINE = 140  # characters of small print on a line

INK = "#1a1a1a"
FAINT = "#5f5f5f"
GRID = "#e3e3e3"
ALARM = "#a50f15"

# Okabe and Ito's palette, safe for the colour-blind; the markers carry the difference in
# greyscale. The three engines of this project always look the same.
OWN_ENGINES = {
    "reference": ("#4d4d4d", "s"),
    "onednn": ("#0072b2", "o"),
    "oracle": ("#9a7d0a", "D"),
}
OTHER_ENGINES = (
    ("#d55e00", "^"),
    ("#009e73", "v"),
    ("#b0478f", "P"),
    ("#56b4e9", "X"),
    ("#e69f00", "<"),
    ("#7b3f00", ">"),
)


def engine_looks(results: Results) -> dict[str, tuple[str, str]]:
    """Colour and marker by engine; of strangers by alphabet, whatever order they ran in."""
    looks = dict(OWN_ENGINES)
    strangers = sorted(set(results.engines()) - set(looks))
    for index, engine in enumerate(strangers):
        looks[engine] = OTHER_ENGINES[index % len(OTHER_ENGINES)]
    return looks


def darker(color: str) -> tuple[float, ...]:
    """The colour as text: what is clear as a marker is faint as a digit."""
    return tuple(0.72 * part for part in to_rgb(color))


def room_for(names: list[str], width: float) -> float:
    """Share of a panel's width (inches) that the longest of the names takes beside the last
    point."""
    return min(0.6, (0.083 * max(map(len, names)) + 0.15) / width)


def apply() -> None:
    """Independent of the user's matplotlibrc, so that the same file gives the same picture."""
    # An SVG holds the letter itself, a PNG shows a box for one that the font lacks.
    warnings.filterwarnings("ignore", message="Glyph .* missing from")
    matplotlib.rcdefaults()
    matplotlib.rcParams.update(
        {
            "font.family": "sans-serif",
            "font.size": 9,
            "axes.edgecolor": FAINT,
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": 9.5,
            "axes.titlelocation": "left",
            "axes.labelcolor": INK,
            "grid.color": GRID,
            "grid.linewidth": 0.8,
            "text.color": INK,
            "text.parse_math": False,  # a name with a $ in it is a name
            "xtick.color": FAINT,
            "xtick.labelcolor": INK,
            "ytick.color": FAINT,
            "ytick.labelcolor": INK,
            "svg.fonttype": "none",
            "svg.hashsalt": "resbench",
        }
    )


def short(name: str, limit: int = 22) -> str:
    """Names of engines and networks may have 63 characters. The middle goes: depth stands near
    the front, the variant at the end."""
    tail = limit // 3
    return name if len(name) <= limit else name[: limit - tail - 1] + "…" + name[-tail:]


def significant(value: float, digits: int = 3) -> str:
    """Plain decimals, never 1e+03 (as results/columns.c)."""
    decimals, bound = digits - 1, 10.0
    while decimals > 0 and abs(value) >= bound:
        decimals, bound = decimals - 1, bound * 10
    return f"{value:.{decimals}f}"


def scientific(value: float) -> str:
    """4.7e-7, without the zero that Python puts into the exponent."""
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def group_title(batch: int, threads: int, height: int, width: int, mode: str) -> str:
    """The mode is named where it is not the usual one."""
    of_mode = "" if mode == "steady" else f", {mode} caches"
    return f"batch {batch}, {plural(threads, 'thread')}, input {height}x{width}{of_mode}"


def _machine(context: dict) -> str:
    model, cpus, mhz = (context.get(k) for k in ("cpu_model", "num_cpus", "mhz_per_cpu"))
    parts = []
    if isinstance(model, str) and model.isprintable() and model.strip():
        # "@ 2.30GHz" says the same again, "(R)" says nothing.
        name = model.split("@")[0]
        name = " ".join(name.replace("(R)", "").replace("(TM)", "").split())
        parts.append(short(name, 60))
    if isinstance(cpus, int) and not isinstance(cpus, bool):
        parts.append(plural(cpus, "CPU"))
    if isinstance(mhz, (int, float)) and 0 < mhz < 1e5:
        parts.append(f"{mhz / 1000:.1f} GHz")
    return ", ".join(parts) if parts else "hardware not recorded"


def _version(results: Results) -> str:
    for version in (results.plan.get("resbench"), results.context.get("resbench_version")):
        if isinstance(version, str) and version.isprintable():
            return f"resbench {short(version, 40)}"
    return "resbench"


def _counted(threads: list[int]) -> str:
    """1 thread; 1 and 2 threads; 1, 2, 4 and 8 threads; 1, 2, ... and 16 threads."""
    words = [str(count) for count in threads]
    if len(words) == 1:
        return plural(threads[0], "thread")
    first = words[:-1] if len(words) <= 6 else [*words[:2], "..."]
    return f"{', '.join(first)} and {words[-1]} threads"


def _job(results: Results) -> list[str]:
    batches: dict[int, list[str]] = {}
    for batch, threads in sorted({(r.batch, r.threads) for r in results.records}):
        batches.setdefault(threads, []).append(str(batch))
    threads: dict[tuple, list[int]] = {}  # numbers of threads that have the same batches
    for count in sorted(batches):
        threads.setdefault(tuple(batches[count]), []).append(count)
    # null is what bench/plan.c writes for what the user did not give.
    made = [key for key in ("weights", "images") if results.plan.get(key, "") is None]
    groups = "; ".join(
        f"batch {' and '.join(batch)}, {_counted(counts)}" for batch, counts in threads.items()
    )
    sizes = sorted({(r.height, r.width) for r in results.records})
    size = f"input {', '.join(f'{h}x{w}' for h, w in sizes)}"
    return [groups, size, *([f"synthetic {' and '.join(made)}"] if made else [])]


def caption(results: Results) -> list[str]:
    """Where the numbers come from: machine, job, versions."""
    own = _version(results)
    versions = dict.fromkeys(
        f"{short(r.engine)} {short(r.engine_version, 40)}"
        for r in results.records
        if r.engine_version and own != f"resbench {short(r.engine_version, 40)}"
    )
    parts = [_machine(results.context), *_job(results), own, *versions]
    return fact_lines(parts)


def fact_lines(facts: list[str]) -> list[str]:
    """Lines that break between facts."""
    # textwrap takes a no-break space for a letter.
    text = " · ".join(fact.replace(" ", "\xa0") for fact in facts)
    return [line.replace("\xa0", " ") for line in textwrap.wrap(text, LINE)]


def record_note(label: str, records: list[Record]) -> list[str]:
    """A line that lists cells, or none when there is none."""
    if not records:
        return []
    shown = [
        f"{r.network}/{short(r.engine)} batch {r.batch} {r.verdict}" for r in records[:8]
    ]
    more = f" and {len(records) - 8} more" if len(records) > 8 else ""
    return [f"{label}: {', '.join(shown)}{more}."]


class Page:
    """A figure of fixed width: title and caption above, notes below, panels placed in inches
    from the top left corner of the body, so that text keeps its room whatever the data."""

    def __init__(self, title: str, head: list[str], notes: list[str], body_height: float):
        feet = [line for note in notes for line in textwrap.wrap(note, LINE)]
        self._top = 0.42 + 0.16 * len(head) + 0.08
        self.height = self._top + body_height + 0.16 * len(feet) + 0.12
        self.figure = Figure(figsize=(WIDTH, self.height), facecolor="white")
        self.text(MARGIN, 0.28 - self._top, title, size=13, weight="bold")
        for index, line in enumerate(head):
            self.text(MARGIN, 0.47 + 0.16 * index - self._top, line, size=8, color=FAINT)
        for index, line in enumerate(feet):
            self.text(MARGIN, body_height + 0.1 + 0.16 * index, line, size=8, color=FAINT)

    def text(self, left: float, top: float, words: str, **look) -> None:
        x, y = left / WIDTH, 1 - (self._top + top) / self.height
        self.figure.text(x, y, words, va="baseline", **look)

    def axes(self, left: float, top: float, width: float, height: float, **shared) -> Axes:
        bottom = self.height - self._top - top - height
        box = (left / WIDTH, bottom / self.height, width / WIDTH, height / self.height)
        return self.figure.add_axes(box, **shared)


def _crowded(results: Results, width: float) -> bool:
    """Whether names and costs below a panel (width in inches) would run into each other."""
    names = results.networks()
    longest = max(len("1.81 GMAC"), *(len(short(name, 16)) for name in names))
    # One step more than there are networks, for the names of engines at the right.
    return 0.085 * longest > width / (len(names) + 1)


def axis_height(results: Results, width: float) -> float:
    """What network_axis takes below the panel, in inches."""
    return 1.0 if _crowded(results, width) else 0.55


def network_axis(axes: Axes, results: Results, group: Group, width: float) -> None:
    """One place per network, with the cost of a call below its name. Even steps, since depths
    from 18 to 1202 and two networks of one depth must all be readable."""
    networks = results.networks(group)
    gmacs = {r.network: r.macs * 1e-9 for r in results.records if r.group == group}
    axes.set_xticks(range(len(networks)))
    if _crowded(results, width):
        names = [short(n, 16) for n in networks]
        axes.set_xticklabels(names, rotation=40, ha="right", rotation_mode="anchor", size=7.5)
    else:
        labels = [f"{short(n, 16)}\n{significant(gmacs[n])} GMAC" for n in networks]
        axes.set_xticklabels(labels, size=8.5)
    axes.tick_params(axis="x", length=0)
    axes.grid(False, axis="x")


def save(figure: Figure, path: Path) -> None:
    """Whole or not at all: written beside its place, then renamed."""
    form = path.suffix[1:]
    # Neither date nor version of matplotlib: the same results give the same bytes.
    metadata = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}[form]
    temporary = path.with_name(f".{path.name}.part")
    try:
        figure.savefig(temporary, format=form, dpi=PNG_DPI, metadata=metadata)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
