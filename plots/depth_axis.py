"""The nodes of one network side by side in execution order: names, blocks and stages."""

from itertools import groupby

from matplotlib.axes import Axes

from style import FAINT, short

MOST_NAMES = 64  # nodes that can be named one by one below the panel
MOST_BLOCKS = 64


class NamedNode:
    """What its name tells of a node."""

    name: str

    @property
    def stage(self) -> str:
        """layer3 of layer3.0.conv2; the stem and the head have no stage."""
        return self.name.split(".")[0] if "." in self.name else ""

    @property
    def block(self) -> str:
        return ".".join(self.name.split(".")[:2]) if "." in self.name else self.name


def _runs(nodes: list[NamedNode], key) -> list[tuple[str, int, int]]:
    """What stands together: name, first and last place."""
    found, place = [], 0
    for name, members in groupby(nodes, key):
        count = len(list(members))
        found.append((name, place, place + count - 1))
        place += count
    return found


def draw_stages(axes: Axes, nodes: list[NamedNode]) -> None:
    for index, (name, first, last) in enumerate(_runs(nodes, lambda node: node.stage)):
        if index:
            axes.axvline(first - 0.5, color=FAINT, lw=0.6, alpha=0.6, zorder=1)
        if name:
            axes.annotate(name, ((first + last) / 2, 1), xycoords=("data", "axes fraction"),
                          xytext=(0, -11), textcoords="offset points", ha="center", size=8.5,
                          color=FAINT)  # fmt: skip


def names_below(nodes: list[NamedNode]) -> tuple[list[int], list[str]]:
    """Places and names that are written below the panel."""
    blocks = _runs(nodes, lambda node: node.block)
    if len(nodes) <= MOST_NAMES:
        return list(range(len(nodes))), [short(node.name, 24) for node in nodes]
    # The first node of each block, and of as many blocks as there is room for.
    step = -(-len(blocks) // MOST_BLOCKS)
    chosen = [block for block in blocks if "." in block[0]][::step]
    return [first for _, first, _ in chosen], [short(name, 24) for name, _, _ in chosen]


def draw_names(axes: Axes, places: list[int], names: list[str]) -> None:
    size = 7.0 if len(names) <= 48 else 6.0
    axes.set_xticks(places, names, rotation=90, size=size)
    axes.tick_params(axis="x", length=2)
    axes.grid(False, axis="x")


def room_below(names: list[str]) -> float:
    """Inches that the names take."""
    return 0.25 + 0.0075 * 7 * max(map(len, names), default=0)
