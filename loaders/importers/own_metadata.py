"""The attributes of a weights file as the metadata of an exported one, and back."""

from collections.abc import Mapping

import preprocessing as steps
from found import Found, Refused

SHOWN = 255  # characters, as many as a weights file holds
PREFIX = "resbench."
NAMES = ("network", "variant", "classes", "epsilon", "source", "preprocessing", "sha256")


def make(info: Mapping[str, object]) -> dict[str, str]:
    """From what 'resbench weights info --json' tells; repr of a float gives the same float back."""
    return {PREFIX + name: str(info[name]) for name in NAMES}


def take(path: str, metadata: Mapping[str, str], found: Found) -> None:
    """What the tensors cannot tell. Files of other programs have nothing of it, and stay as they are."""
    text = {name: metadata[PREFIX + name] for name in NAMES if PREFIX + name in metadata}
    if "source" in text:
        found.source = "".join(c if c.isprintable() else "?" for c in text["source"][:SHOWN])
    if "epsilon" in text:
        found.epsilon = read_epsilon(path, text["epsilon"])
    if "preprocessing" in text:
        found.preprocessing = read_preprocessing(path, text["preprocessing"])


def read_epsilon(path: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < 1:
        raise Refused(
            f"{path}: its metadata gives the epsilon {text!r:.40}, expected one between 0 and 1"
        )
    return value


def read_preprocessing(path: str, text: str) -> dict | str:
    if text == "none":
        return text
    try:
        return steps.parse(text)
    except ValueError as problem:
        raise Refused(
            f"{path}: the preprocessing in its metadata is of no use: {problem}"
        ) from None
