"""What images go through before a network sees them: the known kinds, and JSON as in docs/weights.md."""

import json

IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
KNOWN = {
    "torchvision": {
        "order": "RGB",
        "divisor": 255,
        "mean": IMAGENET_MEAN,
        "std": IMAGENET_STD,
        "resize": 256,
        "crop": [224, 224],
    },
    "caffe": {
        "order": "BGR",
        "divisor": 1,
        "mean": [103.939, 116.779, 123.68],
        "std": [1, 1, 1],
        "resize": 256,
        "crop": [224, 224],
    },
    "cifar": {
        "order": "RGB",
        "divisor": 255,
        "mean": IMAGENET_MEAN,
        "std": IMAGENET_STD,
        "resize": None,
        "crop": [32, 32],
    },
    "raw": {
        "order": "RGB",
        "divisor": 1,
        "mean": [0, 0, 0],
        "std": [1, 1, 1],
        "resize": None,
        "crop": [32, 32],
    },
}


def is_number(value: object) -> bool:
    """Of use in float32, and short when written."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1e6


def is_pixels(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1 << 16


def is_list(value: object, length: int, fits) -> bool:
    return isinstance(value, list) and len(value) == length and all(map(fits, value))


CHECKS = {
    "order": lambda value: value in ("RGB", "BGR"),
    "divisor": lambda value: is_number(value) and value >= 1e-6,
    "mean": lambda value: is_list(value, 3, is_number),
    "std": lambda value: is_list(value, 3, lambda part: is_number(part) and part >= 1e-6),
    "resize": lambda value: value is None or is_pixels(value),
    "crop": lambda value: value is None or is_list(value, 2, is_pixels),
}


def parse(text: str) -> dict:
    """One of the known kinds by its name, or JSON. ValueError says what is wrong."""
    if text in KNOWN:
        return KNOWN[text]
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ValueError(f"{text!r:.40} is none of {', '.join(KNOWN)} and no JSON object")
    if value.keys() != CHECKS.keys():
        raise ValueError(f"the JSON must have the members {', '.join(CHECKS)} and no others")
    for name, fits in CHECKS.items():
        if not fits(value[name]):
            raise ValueError(f"{name} cannot be {json.dumps(value[name])[:40]}")
    return value


def to_text(value: dict | str) -> str:
    """As it stands in weights files: JSON, or "none"."""
    return value if isinstance(value, str) else json.dumps(value)
