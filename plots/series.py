"""Lines over networks, one per engine, with each value written beside its point."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from result_file import Record
from style import FAINT, INK, darker, short

VALUE_SIZE = 8.0
NAME_SIZE = 9.0
MARKER = 6.0


@dataclass(frozen=True)
class Series:
    name: str
    color: str
    marker: str
    records: list[Record]  # of the drawn points
    x: list[float]
    y: list[float]
    low: list[float] | None = None  # interval; both or none
    high: list[float] | None = None


Box = tuple[float, float, float, float]  # left, bottom, right, top in points
Segment = tuple[tuple[float, float], tuple[float, float]]  # from, to, in the units of the axes


def _overlap(a: Box, b: Box) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return width * height if width > 0 and height > 0 else 0.0


def _segment_cost(box: Box, start: tuple[float, float], end: tuple[float, float]) -> float:
    """Share of a line that runs through the box, by sampling it."""
    steps, inside = 40, 0
    for step in range(steps + 1):
        x = start[0] + (end[0] - start[0]) * step / steps
        y = start[1] + (end[1] - start[1]) * step / steps
        inside += box[0] < x < box[2] and box[1] < y < box[3]
    return inside / steps


class Labels:
    """Puts each label where it covers least: above, below, or beside its point.

    Scales and limits of the axes must be final. Works in points (1/72 inch) from the lower
    left corner of the figure. drawn: what else a label should not cover.
    """

    def __init__(self, axes: Axes, all_series: list[Series], drawn: Sequence[Segment] = ()):
        self._axes = axes
        self._taken: list[Box] = []
        self._lines = [(self._point(*start), self._point(*end)) for start, end in drawn]
        half = MARKER / 2 + 0.5
        for series in all_series:
            points = [self._point(x, y) for x, y in zip(series.x, series.y)]
            self._taken += [(x - half, y - half, x + half, y + half) for x, y in points]
            self._lines += list(zip(points, points[1:]))
            for x, low, high in zip(series.x, series.low or [], series.high or []):
                self._lines.append((self._point(x, low), self._point(x, high)))
        box = axes.get_window_extent()
        scale = 72 / axes.figure.dpi
        self._room = (box.x0 * scale, box.y0 * scale, box.x1 * scale, box.y1 * scale)

    def _point(self, x: float, y: float) -> tuple[float, float]:
        pixel = self._axes.transData.transform((x, y))
        scale = 72 / self._axes.figure.dpi
        return pixel[0] * scale, pixel[1] * scale

    def _cost(self, box: Box) -> float:
        area = (box[2] - box[0]) * (box[3] - box[1])
        outside = 1 - _overlap(box, self._room) / area
        covered = sum(_overlap(box, other) for other in self._taken) / area
        crossed = sum(_segment_cost(box, start, end) for start, end in self._lines)
        return 20 * outside + 10 * covered + 3 * crossed

    def value(self, x: float, y: float, words: str, color: str, weight: str = "normal") -> None:
        """A number or a word at its point, above it if it can be."""
        width, up = 0.64 * VALUE_SIZE * len(words), MARKER / 2 + 2.5 + VALUE_SIZE / 2
        side, slant = width / 2 + MARKER / 2 + 4, 0.35 * width
        steps = [(0, up), (0, -up), (-slant, up), (slant, -up), (side, 0), (-side, 0),
                 (slant, up), (-slant, -up), (side, up), (side, -up), (-side, up), (-side, -up),
                 (0, 2.2 * up), (0, -2.2 * up)]  # fmt: skip
        self._put(x, y, words, width, steps, size=VALUE_SIZE, color=color, weight=weight)

    def name(self, x: float, y: float, words: str, color: str, inside: bool = False) -> None:
        """Whose line this is: right of its last point, or inside the panel on either side of it."""
        width, height = 0.68 * NAME_SIZE * len(words), NAME_SIZE
        side = width / 2 + MARKER / 2 + 4
        steps = [(side, k * height / 2) for k in (0, 1, -1, 2, -2, 3, -3, 4, -4)]
        if inside:
            steps = [(-side, k * height) for k in (1, 0.4, 1.6, 2.3, 3, 3.7)]
            steps += [(-side / 2, -k * height) for k in (1.6, 2.4, 3.2)]
        self._put(x, y, words, width, steps, size=NAME_SIZE, color=color, weight="bold")

    def _put(self, x: float, y: float, words: str, width: float,
             steps: list[tuple[float, float]], size: float, **look) -> None:  # fmt: skip
        """steps: where the centre of the label may be, seen from its point, the best first."""
        px, py = self._point(x, y)
        height = size

        def box(step: tuple[float, float]) -> Box:
            cx, cy = px + step[0], py + step[1]
            return cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2

        costs = [self._cost(box(step)) + 0.05 * rank for rank, step in enumerate(steps)]
        best = steps[costs.index(min(costs))]
        self._taken.append(box(best))
        # Anchored on the side of its point: the width is an estimate, the distance is not.
        align = "left" if best[0] >= width / 2 else "right" if best[0] <= -width / 2 else "center"
        shift = {"left": -width / 2, "right": width / 2, "center": 0.0}[align]
        self._axes.annotate(
            words,
            (x, y),
            xytext=(best[0] + shift, best[1]),
            textcoords="offset points",
            ha=align,
            va="center_baseline",
            size=size,
            zorder=5,
            annotation_clip=False,
            # A line below stays visible, but no digit is struck through.
            bbox={"boxstyle": "square,pad=0.05", "fc": "white", "ec": "none", "alpha": 0.8},
            **look,
        )


def trustworthy(record: Record) -> bool:
    return record.verdict == "PASS"


def draw(axes: Axes, series: Series, connect: bool = True) -> None:
    """Points with their intervals; one whose verdict is not PASS stays open. connect: a line
    from each network to the next, with a gap where one is missing."""
    for i in range(len(series.x) - 1):
        if connect and series.x[i + 1] == series.x[i] + 1:
            axes.plot(series.x[i : i + 2], series.y[i : i + 2], color=series.color, lw=1.6)
    if series.low and series.high:
        below = [y - low for y, low in zip(series.y, series.low)]
        above = [high - y for y, high in zip(series.y, series.high)]
        axes.errorbar(series.x, series.y, yerr=[below, above], fmt="none", ecolor=series.color,
                      elinewidth=1.3, capsize=4, capthick=1.3, zorder=3)  # fmt: skip
    for x, y, record in zip(series.x, series.y, series.records):
        face = series.color if trustworthy(record) else "white"
        axes.plot([x], [y], series.marker, ms=MARKER, mfc=face, mec=series.color, mew=1.4, zorder=4)


def put_labels(axes: Axes, all_series: list[Series], text: Callable[[float], str],
               drawn: Sequence[Segment] = ()) -> Labels:  # fmt: skip
    """Values at the points and the engine's name after the last one; further labels may follow."""
    labels = Labels(axes, all_series, drawn)
    for series in all_series:
        labels.name(series.x[-1], series.y[-1], short(series.name), darker(series.color))
    for series in all_series:
        for x, y in zip(series.x, series.y):
            labels.value(x, y, text(y), darker(series.color))
    return labels


def plain_log_axis(axis, text: Callable[[float], str]) -> None:
    """1, 2, 5, 10 ... with plain numbers instead of powers."""
    axis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    axis.set_tick_params(colors=FAINT, labelcolor=INK)
