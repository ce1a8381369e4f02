"""What a reader has found in a foreign file, in our terms. Readers make it, match.py names its network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what only starts and ends the work can do without
    import numpy as np


class Refused(Exception):
    """Bad input: one sentence that names file, tensor, what was expected and what was found."""


@dataclass(frozen=True)
class Tensor:
    """A float32 tensor that is read when it is asked for, in our layout (OIHW, OI)."""

    shape: tuple[int, ...]
    read: Callable[[], np.ndarray]  # C-contiguous float32 of that shape; its own memory or a view
    origin: str  # its name in the foreign file, for sentences


@dataclass
class Found:
    """Tensors under our names (docs/weights.md) and what the file says of the network. None: it does not say."""

    format: str  # for people: "PyTorch checkpoint (zip)"
    tensors: dict[str, Tensor]
    ignored: list[str] = field(default_factory=list)  # known to be of no use: num_batches_tracked
    variant: str | None = None  # stride placement: "v1" or "v1.5"
    epsilon: float | None = None  # of every batch norm
    preprocessing: dict | str | None = None  # docs/weights.md; "none": nobody knows
    padding: str | None = None  # "centred" or "same"
    network: str | None = None  # the row, where the file itself names it
    source: str | None = None  # where the values come from, where the file itself says so
    assumed: list[str] = field(default_factory=list)  # of epsilon, preprocessing: by custom, not said
    notes: list[str] = field(default_factory=list)  # what else a person should hear
