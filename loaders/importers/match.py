"""From what a reader found to the network it is: a row of the program's table, checked tensor by tensor."""

import json
import re
from dataclasses import dataclass

import network_table
import preprocessing as steps
from found import Found, Refused, Tensor

EPSILON = 1e-5  # PyTorch's default
MAX_CLASSES = 1_000_000  # as the program's own --classes
SHOWN = 4  # names in a sentence


@dataclass(frozen=True)
class Wishes:
    """What the command line says, where the file may not."""

    variant: str | None = None
    epsilon: float | None = None
    preprocessing: dict | None = None


@dataclass(frozen=True)
class Match:
    """A network and all that docs/weights.md wants to know of it."""

    row: dict
    classes: int
    conv_bias: bool
    batch_norm: bool
    epsilon: float
    preprocessing: dict | str
    parameters: int
    tensors: dict[str, Tensor]
    assumed: list[
        str
    ]  # of variant, epsilon, preprocessing: what neither file nor command line says


@dataclass
class Difference:
    """What keeps tensors from being those of a row."""

    row: dict
    description: dict
    missing: list[str]
    extra: list[str]
    misshapen: list[str]

    def count(self) -> int:
        return len(self.missing) + len(self.extra) + len(self.misshapen)


def match(path: str, found: Found, wishes: Wishes) -> Match:
    if not found.tensors:
        raise Refused(f"{path}: holds no tensors")
    assumed: list[str] = []
    conv_bias, folded = layers_of(found.tensors)
    candidates = candidates_of(path, found, wishes, assumed)
    differences = [compare(path, row, found, conv_bias, folded) for row in candidates]
    nearest = min(differences, key=Difference.count)
    if nearest.count():
        raise Refused(complaint(path, nearest, found))
    row = nearest.row
    if row["block"] == "basic" and "variant" in assumed:
        assumed.remove("variant")  # basic blocks know no difference
    if "epsilon" in found.assumed:
        epsilon = choose("epsilon", path, None, wishes.epsilon, found.epsilon, assumed)
    else:
        epsilon = choose("epsilon", path, found.epsilon, wishes.epsilon, EPSILON, assumed)
    preprocessing = (
        wishes.preprocessing or found.preprocessing
    )  # of which a file says less than it could
    if folded and "epsilon" in assumed:
        assumed.remove("epsilon")  # there is no batch norm
    if preprocessing is None:
        preprocessing = steps.KNOWN["torchvision" if row["stem"] == "imagenet" else "cifar"]
    check(path, epsilon, preprocessing)
    if not wishes.preprocessing and (not found.preprocessing or "preprocessing" in found.assumed):
        assumed.append("preprocessing")
    return Match(
        row=row,
        classes=classes_of(path, found.tensors, row),
        conv_bias=conv_bias,
        batch_norm=not folded,
        epsilon=epsilon,
        preprocessing=preprocessing,
        parameters=nearest.description["parameters"],
        tensors=found.tensors,
        assumed=assumed,
    )


def check(path: str, epsilon: float, preprocessing: dict | str) -> None:
    """The program would not read a weights file with other values."""
    if not 0 < epsilon < 1:
        raise Refused(f"{path}: has the epsilon {epsilon:g}, expected one between 0 and 1")
    if isinstance(preprocessing, dict):
        try:
            steps.parse(json.dumps(preprocessing))
        except ValueError as problem:
            raise Refused(f"{path}: scales its images as no weights file can say: {problem}") from None


def choose(what: str, path: str, said, wished, usual, assumed: list[str]):
    """What the file says; else what the command line says; else what is usual."""
    if said is not None:
        if wished is not None and wished != said:
            raise Refused(
                f"{path}: says itself that {what} is {said}, --{what} {wished} contradicts it"
            )
        return said
    if wished is not None:
        return wished
    assumed.append(what)
    return usual


def layers_of(tensors: dict[str, Tensor]) -> tuple[bool, bool]:
    """Whether convolutions have biases of their own, and whether batch norm is folded into them."""
    convolutions = [
        name.removesuffix(".weight")
        for name, tensor in tensors.items()
        if len(tensor.shape) == 4 and name.endswith(".weight")
    ]
    folded = not any(name.endswith(".running_var") for name in tensors)
    return folded or any(f"{name}.bias" in tensors for name in convolutions), folded


def blocks_of(tensors: dict[str, Tensor]) -> list[int]:
    """Blocks in each stage, by the names."""
    highest: dict[int, int] = {}
    for name in tensors:
        block = re.match(r"layer(\d)\.(\d{1,4})\.", name)
        if block:
            stage = int(block[1])
            highest[stage] = max(highest.get(stage, 0), int(block[2]) + 1)
    return [highest[stage] for stage in sorted(highest)]


def distance(row: dict, blocks: list[int]) -> int:
    """How many blocks lie between a row and what was found; a stage counts a lot."""
    length = max(len(row["blocks"]), len(blocks))
    pairs = zip(row["blocks"] + [0] * length, blocks + [0] * length, strict=False)
    return sum(abs(a - b) for a, b in pairs) + 1000 * abs(len(row["blocks"]) - len(blocks))


def candidates_of(path: str, found: Found, wishes: Wishes, assumed: list[str]) -> list[dict]:
    """The rows that it may be: those with its number of blocks, else those that come nearest."""
    rows = network_table.rows()
    if found.network is not None:
        rows = [row for row in rows if row["name"] == found.network]
        if not rows:
            raise Refused(
                f"{path}: says that it is {found.network!r:.60}, which is no network of this program"
            )
        choose("variant", path, rows[0]["variant"], wishes.variant, None, assumed)
        return rows
    variant = choose("variant", path, found.variant, wishes.variant, "v1.5", assumed)
    rows = [row for row in rows if row["block"] == "basic" or row["variant"] == variant]
    rows = [row for row in rows if row["padding"] == (found.padding or "centred")]
    blocks = blocks_of(found.tensors)
    least = min(distance(row, blocks) for row in rows)
    return [row for row in rows if distance(row, blocks) == least]


def classes_of(path: str, tensors: dict[str, Tensor], row: dict) -> int:
    last = tensors.get("fc.weight")
    if last is None or len(last.shape) != 2:
        return row["classes"]
    if not 1 <= last.shape[0] <= MAX_CLASSES:
        raise Refused(
            f"{path}: tensor {last.origin} is of {last.shape[0]} classes, expected 1 to {MAX_CLASSES}"
        )
    return last.shape[0]


def compare(path: str, row: dict, found: Found, conv_bias: bool, folded: bool) -> Difference:
    tensors = found.tensors
    classes = classes_of(path, tensors, row)
    description = network_table.describe(row["name"], classes, conv_bias, folded)
    expected = {tensor["name"]: tuple(tensor["shape"]) for tensor in description["tensors"]}
    return Difference(
        row=row,
        description=description,
        missing=[name for name in expected if name not in tensors],
        extra=[told(name, tensor) for name, tensor in tensors.items() if name not in expected],
        misshapen=[
            f"{told(name, tensors[name])} {tensors[name].shape} instead of {shape}"
            for name, shape in expected.items()
            if name in tensors and tensors[name].shape != shape
        ],
    )


def told(name: str, tensor: Tensor) -> str:
    return name[:80] if tensor.origin == name else f"{name[:80]} ({tensor.origin[:80]} in the file)"


def some(items: list[str], what: str) -> list[str]:
    if not items:
        return []
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return [f"{what} {len(items)} ({', '.join(items[:SHOWN])}{more})"]


def complaint(path: str, difference: Difference, found: Found) -> str:
    parts = [
        *some(difference.missing, "missing"),
        *some(difference.extra, "too many"),
        *some(difference.misshapen, "of another shape"),
    ]
    kind = unlike(found.tensors)
    reason = f" (it {kind})" if kind else ""
    return f"{path}: is no network that is known here{reason}; nearest is {difference.row['name']}: {'; '.join(parts)}"


def unlike(tensors: dict[str, Tensor]) -> str | None:
    """In words, the relatives of ResNet that have names of the same kind."""
    shapes = {name: tensor.shape for name, tensor in tensors.items() if len(tensor.shape) == 4}
    if "conv1.0.weight" in shapes:
        return "has a stem of three convolutions, as ResNet-C and -D have"
    if any(".se." in name or ".fc1." in name for name in tensors):
        return "has squeeze-and-excitation blocks"
    first, second = shapes.get("layer1.0.conv1.weight"), shapes.get("layer1.0.conv2.weight")
    if first and second and "layer1.0.conv3.weight" in shapes:
        if second[1] != second[0]:
            return "has grouped convolutions, as ResNeXt has"
        if first[0] != 64:
            return "has blocks of another width, as Wide ResNet has"
    return None
