"""Keras applications' ResNets by the names of their layers, for files that hold weights alone."""

import re
from collections.abc import Iterable
from pathlib import Path

from found import Refused
from keras_plan import Plan, Weights, with_size
from preprocessing import KNOWN

# keras.applications of today: conv1_conv, conv2_block1_0_bn, predictions
_NEW = re.compile(r"conv([2-9])_block([1-9]\d{0,3})_([0-3])_(conv|bn)")
_NEW_STEM = {"conv1_conv": "conv1", "conv1_bn": "bn1"}
NEW_EPSILON = 1.001e-5
# keras-applications before 1.0.7: conv1, bn_conv1, res2a_branch1, bn2a_branch2c, fc1000
_OLD = re.compile(r"(res|bn)([2-9])([a-z])_branch(1|2a|2b|2c)")
_OLD_STEM = {"conv1": "conv1", "bn_conv1": "bn1"}
OLD_EPSILON = 1e-3
_TOP = re.compile(r"predictions|probs|fc\d+|dense(_\d+)?")


def is_applications(layers: Iterable[str]) -> bool:
    return any(_NEW.fullmatch(name) or _OLD.fullmatch(name) for name in layers)


def plan_from_names(path: Path, weights: Weights) -> Plan:
    layers = [name for name, tensors in weights.items() if tensors]
    if not is_applications(layers):
        raise Refused(
            f"{path}: holds weights without a model config, and layers that are not named as in a "
            f"Keras applications ResNet ({', '.join(layers[:3])}); save the whole model instead"
        )
    old = any(_OLD.fullmatch(name) for name in layers)
    plan = Plan(variant="v1", epsilon=OLD_EPSILON if old else NEW_EPSILON, padding="centred")
    for name in layers:
        module = _module(name, old)
        if module is None or module in plan.modules:
            raise Refused(f"{path}: layer {name} is none of a Keras applications ResNet v1")
        plan.modules[module] = name
    if "fc" not in plan.modules:
        raise Refused(f"{path}: holds no classifier (Dense layer): a file without its top")
    plan.preprocessing = with_size(KNOWN["caffe"], None)
    plan.assumed += ["epsilon", "preprocessing"]
    plan.notes.append(
        "holds weights alone: epsilon and preprocessing of Keras applications' "
        f"{'older' if old else 'present'} ResNets are assumed"
    )
    return plan


def _module(layer: str, old: bool) -> str | None:
    if _TOP.fullmatch(layer):
        return "fc"
    stem = (_OLD_STEM if old else _NEW_STEM).get(layer)
    if stem:
        return stem
    if old and (matched := _OLD.fullmatch(layer)):
        kind, stage, letter, branch = matched.groups()
        block, number = (
            ord(letter) - ord("a"),
            "-abc".index(branch[-1]) if branch != "1" else 0,
        )
    elif not old and (matched := _NEW.fullmatch(layer)):
        stage, block, number, kind = matched.groups()
        block, number = int(block) - 1, int(number)
    else:
        return None
    prefix = f"layer{int(stage) - 1}.{block}"
    if number == 0:
        return f"{prefix}.downsample.{int(kind == 'bn')}"
    return f"{prefix}.{'bn' if kind == 'bn' else 'conv'}{number}"


def names_by_order(path: Path, weights: Weights) -> Weights:
    """Gives the layers of a `.weights.h5`, known by class and number alone, the names of today's
    Keras applications. Keras numbers the layers of a graph by depth; a projection is as deep as
    the last convolution of its block and comes before it: 1, 2, 0, 3."""

    def numbered(kind: str) -> list[str]:
        found = [name for name in weights if re.fullmatch(rf"{kind}(_\d+)?", name)]
        return sorted(found, key=lambda name: int(name[len(kind) + 1 :] or 0))

    convs, norms, tops = (numbered(kind) for kind in ("conv2d", "batch_normalization", "dense"))
    others = [name for name in weights if weights[name] and name not in {*convs, *norms, *tops}]
    kernels = [weights[name][0][1].shape if weights[name] else () for name in convs]
    modules = _order(kernels)
    if modules is None or len(norms) != len(convs) or len(tops) > 1 or others:
        raise Refused(
            f"{path}: holds weights without a model config or names of layers, and not in the "
            "order of a Keras applications ResNet; save the whole model instead"
        )
    renamed = {f"{module}_conv": weights[name] for module, name in zip(modules, convs, strict=True)}
    renamed |= {f"{module}_bn": weights[name] for module, name in zip(modules, norms, strict=True)}
    return renamed | {"predictions": weights[name] for name in tops}


def _order(kernels: list[tuple[int, ...]]) -> list[str] | None:
    """conv1, conv2_block1_1, ... of HWIO kernels in Keras's order."""
    if not kernels or any(len(kernel) != 4 for kernel in kernels):
        return None
    modules, at, stage, block = ["conv1"], 1, 1, 0
    while at < len(kernels):
        if len(kernels) < at + 3:
            return None
        # The first block's projection takes as many channels as its last convolution.
        projects = at == 1 or kernels[at + 2][2] != kernels[at + 1][3]
        stage, block = (stage + 1, 1) if projects else (stage, block + 1)
        parts = (1, 2, 0, 3) if projects else (1, 2, 3)
        if [kernel[0] for kernel in kernels[at : at + len(parts)]] != [1, 3, 1, 1][: len(parts)]:
            return None
        modules += [f"conv{stage}_block{block}_{part}" for part in parts]
        at += len(parts)
    return modules if at == len(kernels) else None
