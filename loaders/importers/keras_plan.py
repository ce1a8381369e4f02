"""Which layer of a Keras file is which module of ours, and the way from its weights to our tensors."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from found import Found, Refused, Tensor

Weights = dict[str, list[tuple[str, Tensor]]]  # of each layer: variable and tensor, in its order


@dataclass
class Plan:
    modules: dict[str, str] = field(default_factory=dict)  # conv1, layer1.0.bn2, fc -> layer
    variant: str | None = None
    epsilon: float | None = None
    padding: str | None = None
    preprocessing: dict | None = None
    assumed: list[str] = field(default_factory=list)  # as in Found
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Variable:
    ours: str
    names: tuple[str, ...]  # Keras 1 said W, b, running_mean and (for the variance) running_std


CONV = (_Variable("weight", ("kernel", "W")), _Variable("bias", ("bias", "b")))
BATCH_NORM = (
    _Variable("weight", ("gamma",)),
    _Variable("bias", ("beta",)),
    _Variable("running_mean", ("moving_mean", "running_mean")),
    _Variable("running_var", ("moving_variance", "running_std", "running_var")),
)
_VARIABLE = re.compile(
    r"(?:.*[/_])?(kernel|W|bias|b|gamma|beta|moving_mean|running_mean|moving_variance|running_std"
    r"|running_var)(?:_\d+)?(?::0)?"
)


def with_size(preprocessing: dict, size: int | None) -> dict:
    """Of square images; ImageNet's networks see 7/8 of the shorter side."""
    if size is None or size >= 64:
        size = size or 224
        return {**preprocessing, "resize": size * 256 // 224, "crop": [size, size]}
    return {**preprocessing, "resize": None, "crop": [size, size]}


def found(path: Path, form: str, plan: Plan, weights: Weights) -> Found:
    """Every tensor of the plan in our layout; weights that the plan leaves over are refused."""
    result = Found(
        form,
        {},
        variant=plan.variant,
        epsilon=plan.epsilon,
        preprocessing=plan.preprocessing,
        padding=plan.padding,
        assumed=plan.assumed,
        notes=plan.notes,
    )
    left = {name for name, tensors in weights.items() if tensors}
    for module, layer in plan.modules.items():
        if not weights.get(layer):
            raise Refused(f"{path}: layer {layer} ({module}) has no weights in the file")
        left.discard(layer)
        for ours, tensor in _variables(path, module, layer, weights[layer]):
            result.tensors[f"{module}.{ours}"] = tensor
    if left:
        raise Refused(f"{path}: layer {sorted(left)[0]} has weights but no place in the network")
    _check_biases(path, plan, result.tensors)
    return result


def is_batch_norm(module: str) -> bool:
    return module.rpartition(".")[2].startswith("bn") or module.endswith("downsample.1")


def _variables(
    path: Path, module: str, layer: str, tensors: list[tuple[str, Tensor]]
) -> list[tuple[str, Tensor]]:
    variables = BATCH_NORM if is_batch_norm(module) else CONV
    expected = ", ".join(variable.names[0] for variable in variables)
    has = ", ".join(name for name, _ in tensors)
    ordered = all(name == str(i) for i, (name, _) in enumerate(tensors))  # 0, 1, ... of .weights.h5
    given = {}
    for i, (name, tensor) in enumerate(tensors):
        matched = _VARIABLE.fullmatch(name)
        place = next(
            (v for v in variables if matched and matched[1] in v.names),
            variables[i] if ordered and i < len(variables) else None,
        )
        if place is None or place.ours in given:
            raise Refused(f"{path}: layer {layer} should hold {expected}; found {has}")
        given[place.ours] = tensor
    optional = {"bias"} if variables is CONV and module != "fc" else set()
    if {v.ours for v in variables} - given.keys() - optional:
        raise Refused(f"{path}: layer {layer} should hold {expected}; found {has}")
    rank = 1 if variables is BATCH_NORM else 2 if module == "fc" else 4
    result = []
    for ours, tensor in given.items():
        wanted = rank if ours == "weight" else 1
        if len(tensor.shape) != wanted:
            raise Refused(
                f"{path}: tensor {tensor.origin} should have {wanted} dimensions, found "
                f"{tensor.shape}"
            )
        result.append((ours, _ours(tensor)))
    return result


def _ours(tensor: Tensor) -> Tensor:
    """HWIO -> OIHW, (in, out) -> (out, in)."""
    axes = {1: (0,), 2: (1, 0), 4: (3, 2, 0, 1)}[len(tensor.shape)]
    if len(axes) == 1:
        return tensor
    return Tensor(
        tuple(tensor.shape[axis] for axis in axes),
        lambda: np.ascontiguousarray(tensor.read().transpose(axes)),
        tensor.origin,
    )


def _check_biases(path: Path, plan: Plan, tensors: dict[str, Tensor]) -> None:
    """Our graphs have a bias in every convolution or in none."""
    convs = [name for name in plan.modules if not is_batch_norm(name) and name != "fc"]
    having = [plan.modules[name] for name in convs if f"{name}.bias" in tensors]
    lacking = [plan.modules[name] for name in convs if f"{name}.bias" not in tensors]
    if having and lacking:
        raise Refused(
            f"{path}: convolution {having[0]} has a bias and {lacking[0]} has none; expected all "
            "or none"
        )
