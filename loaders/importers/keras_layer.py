"""What single layers of a Keras model do, in the few forms that a ResNet of ours has."""

import math
from dataclasses import dataclass
from pathlib import Path

from found import Refused
from keras_config import Layer

# Without effect once a network is trained.
_NEUTRAL = (
    "Dropout",
    "SpatialDropout2D",
    "GaussianNoise",
    "GaussianDropout",
    "ActivityRegularization",
)
BATCH_NORMS = ("BatchNormalization", "BatchNormalizationV1")
POOLS = ("GlobalAveragePooling2D", "AveragePooling2D")


@dataclass
class Unit:
    """A convolution with what surrounds it."""

    conv: Layer
    norm: Layer | None = None
    relu: bool = False
    kernel: int = 0
    stride: int = 0
    padding: str | None = None  # "centred" or "same", where that makes a difference

    @property
    def filters(self) -> object:
        return self.conv.config.get("filters")


def refuse(path: Path, layer: Layer, reason: str) -> Refused:
    return Refused(f"{path}: layer {layer.name} ({layer.kind}) {reason}")


def is_neutral(layer: Layer) -> bool:
    return layer.kind in _NEUTRAL or (layer.kind == "Activation" and _activation(layer) == "linear")


def is_relu(layer: Layer) -> bool:
    if layer.kind == "Activation":
        return _activation(layer) == "relu"
    config = layer.config
    plain = config.get("max_value") is None and not config.get("negative_slope")
    return layer.kind == "ReLU" and plain and not config.get("threshold")


def is_softmax(layer: Layer) -> bool:
    return layer.kind == "Softmax" or (
        layer.kind == "Activation" and _activation(layer) == "softmax"
    )


def _activation(layer: Layer) -> object:
    return layer.config.get("activation", "linear")


def square(path: Path, layer: Layer, key: str) -> int:
    """A size that must be the same in height and width."""
    value = layer.config.get(key)
    values = value if isinstance(value, list) else [value, value]
    if len(values) != 2 or type(values[0]) is not int or values[0] != values[1] or values[0] < 1:
        raise refuse(
            path,
            layer,
            f"has {key} {str(value)[:60]}; expected one for height and width",
        )
    return values[0]


def channels_last(path: Path, layer: Layer) -> None:
    if layer.config.get("data_format", "channels_last") != "channels_last":
        raise refuse(path, layer, "has data_format channels_first; only channels_last is read")


def zero_padding(path: Path, layer: Layer) -> int:
    """The zeros on each of the four sides."""
    channels_last(path, layer)
    value = layer.config.get("padding")
    sides = (
        [n for pair in value for n in (pair if isinstance(pair, list) else [pair] * 2)]
        if (isinstance(value, list))
        else [value]
    )
    if any(type(side) is not int for side in sides) or len(set(sides)) != 1:
        raise refuse(path, layer, f"pads by {str(value)[:60]}; expected the same on all sides")
    return sides[0]


def convolution(path: Path, layer: Layer, zeros: int) -> Unit:
    """zeros: what a ZeroPadding2D before it adds."""
    channels_last(path, layer)
    config = layer.config
    if config.get("groups", 1) != 1:
        raise refuse(path, layer, f"has {str(config['groups'])[:20]} groups; expected 1")
    if config.get("dilation_rate", 1) not in (1, [1, 1]):
        raise refuse(path, layer, "is dilated")
    unit = Unit(
        layer,
        kernel=square(path, layer, "kernel_size"),
        stride=square(path, layer, "strides"),
    )
    if unit.stride > 2 or unit.kernel % 2 == 0:
        raise refuse(path, layer, f"has kernel {unit.kernel} and stride {unit.stride}")
    same = config.get("padding") == "same"
    if config.get("padding") not in ("same", "valid"):
        raise refuse(path, layer, f"has padding {str(config.get('padding'))[:60]}")
    if unit.kernel == 1 and zeros == 0:
        pass
    elif same and zeros == 0:
        unit.padding = "same" if unit.stride == 2 else None
    elif not same and zeros == unit.kernel // 2 and unit.kernel > 1:
        unit.padding = "centred" if unit.stride == 2 else None
    else:
        raise refuse(
            path,
            layer,
            f"has kernel {unit.kernel}, padding {config['padding']} and {zeros} zeros before it; "
            f"expected padding same, or valid after {unit.kernel // 2} zeros",
        )
    activation = _activation(layer)
    if activation not in ("linear", "relu", None):
        raise refuse(path, layer, f"has activation {str(activation)[:60]}; expected ReLU or none")
    unit.relu = activation == "relu"
    return unit


def epsilon(path: Path, layer: Layer) -> float:
    """Of a batch norm over the last axis."""
    config = layer.config
    if config.get("axis", -1) not in (3, -1, [3], [-1]):
        raise refuse(
            path,
            layer,
            f"runs along axis {str(config['axis'])[:20]}; expected the last",
        )
    if not config.get("scale", True) or not config.get("center", True):
        raise refuse(path, layer, "has no gamma or no beta; expected both")
    if config.get("renorm"):
        raise refuse(path, layer, "renormalises; expected plain batch norm")
    value = config.get("epsilon", 1e-3)
    if type(value) not in (int, float) or not 0 <= value < 1:
        raise refuse(path, layer, f"has epsilon {str(value)[:60]}; expected 0 to 1")
    return float(value)


def max_pool(path: Path, layer: Layer, zeros: int) -> None:
    """The stem's: 3x3 by steps of 2, centred."""
    channels_last(path, layer)
    shape = (square(path, layer, "pool_size"), square(path, layer, "strides"))
    padding = layer.config.get("padding")
    if shape != (3, 2) or padding != "valid" or zeros != 1:
        raise refuse(
            path,
            layer,
            f"has size {shape[0]}, stride {shape[1]}, padding {str(padding)[:20]} and {zeros} "
            "zeros before it; expected 3, 2, valid and 1",
        )


def average_pool(path: Path, layer: Layer, size: int | None) -> None:
    """Over the whole map, size x size where the model says how large its input is."""
    channels_last(path, layer)
    if layer.kind == "AveragePooling2D":
        pool = square(path, layer, "pool_size")
        if pool != size:
            raise refuse(
                path, layer, f"averages over {pool} of {size or 'unknown'} pixels; expected all"
            )


def input_size(path: Path, layer: Layer) -> int | None:
    """Height and width where both are fixed and the same; three channels come last."""
    shape = layer.config.get("batch_shape") or layer.config.get("batch_input_shape")
    if not isinstance(shape, list) or len(shape) != 4 or shape[3] != 3:
        raise refuse(path, layer, f"has the shape {str(shape)[:60]}; expected [null, H, W, 3]")
    sizes = set(shape[1:3])
    if sizes == {None}:
        return None
    if len(sizes) > 1 or type(shape[1]) is not int or not 1 <= shape[1] <= 16384:
        raise refuse(path, layer, f"has the shape {str(shape)[:60]}; expected a square image")
    return shape[1]


@dataclass
class Normalisation:
    """x -> x * scale + offset, as layers at the start of a model do it."""

    scale: list[float]
    offset: list[float]
    divisor: float = 1.0

    def then(self, path: Path, layer: Layer) -> "Normalisation":
        config = layer.config
        if layer.kind == "Rescaling":
            scale, offset = (
                _numbers(path, layer, "scale"),
                _numbers(path, layer, "offset", [0.0]),
            )
        elif layer.config.get("mean") is None or config.get("invert"):
            raise refuse(path, layer, "has no mean and variance in the model config")
        else:
            deviation = [
                max(math.sqrt(max(v, 0.0)), 1e-7) for v in _numbers(path, layer, "variance")
            ]
            scale = [1 / value for value in deviation]
            mean = _numbers(path, layer, "mean")
            offset = [-m * s for m, s in zip(mean, scale, strict=True)]
        if min(scale) <= 0:
            raise refuse(path, layer, f"has scale {scale}; expected more than 0")
        divisor = self.divisor
        if layer.kind == "Rescaling" and divisor == 1 and len(set(scale)) == 1:
            divisor = 1 / scale[0]
            if abs(divisor - round(divisor)) < 1e-6 * divisor and round(divisor) > 0:
                divisor = round(divisor)  # 255, which 1/255 in float32 only approaches
        return Normalisation(
            [a * s for a, s in zip(self.scale, scale, strict=True)],
            [b * s + o for b, s, o in zip(self.offset, scale, offset, strict=True)],
            divisor,
        )

    def preprocessing(self) -> dict:
        # (x / divisor - mean) / std = x * scale + offset; nine digits are a float32
        std = [float(f"{1 / (scale * self.divisor):.9g}") for scale in self.scale]
        mean = [float(f"{-o * s + 0.0:.9g}") for o, s in zip(self.offset, std, strict=True)]
        return {"order": "RGB", "divisor": self.divisor, "mean": mean, "std": std}


def _numbers(path: Path, layer: Layer, key: str, otherwise: list[float] | None = None) -> list:
    value = layer.config.get(key, otherwise)
    while isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    values = value if isinstance(value, list) else [value]
    if len(values) == 1:
        values = values * 3
    if (
        len(values) != 3
        or any(type(v) not in (int, float) for v in values)
        or not all(math.isfinite(v) for v in values)
    ):
        raise refuse(path, layer, f"has {key} {str(value)[:60]}; expected one number or three")
    return [float(v) for v in values]
