"""Walks the layers of a Keras model config, and tells which is which module of our ResNets."""

from dataclasses import dataclass, field
from pathlib import Path

import keras_layer as kl
from found import Refused
from keras_config import Layer, parse_layers
from keras_layer import Normalisation, Unit, refuse
from keras_names import is_applications
from keras_plan import Plan, with_size
from preprocessing import KNOWN


def plan_from_model(path: Path, model: dict) -> Plan:
    """model: {"class_name": "Functional", "config": {"layers": [...]}}."""
    return _Walk(path, parse_layers(path, model)).plan()


@dataclass
class _Walk:
    path: Path
    layers: dict[str, Layer]
    modules: dict[str, str] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    norms: list[tuple[float, Layer]] = field(default_factory=list)
    paddings: dict[str, Layer] = field(default_factory=dict)
    variants: dict[str, Layer] = field(default_factory=dict)
    normed: dict[bool, Layer] = field(
        default_factory=dict
    )  # main-path convolutions, with and without

    def plan(self) -> Plan:
        inputs = [layer for layer in self.layers.values() if layer.kind == "InputLayer"]
        if len(inputs) != 1:
            raise Refused(f"{self.path}: the model has {len(inputs)} inputs; expected one")
        size = kl.input_size(self.path, inputs[0])
        self.seen.add(inputs[0].name)
        at, chain = self._chain(inputs[0])
        normalisation, chain = self._normalisation(chain)
        scale = self._stem(chain)
        at, blocks = self._blocks(at)
        scale *= 2 ** (blocks - 1)
        self._head(at, -(-size // scale) if size else None)
        for layer in self.layers.values():
            if layer.name not in self.seen:
                raise refuse(self.path, layer, "has no place in a ResNet")
        plan = Plan(self.modules)
        plan.variant = self._one(self.variants, "strides in the convolution of variant")
        plan.padding = self._one(self.paddings, "has at stride 2 the padding")
        self._one({str(key): layer for key, layer in self.normed.items()}, "has a batch norm:")
        plan.epsilon = self._epsilon()
        self._preprocess(plan, normalisation, size)
        return plan

    def _chain(self, start: Layer) -> tuple[Layer, list[Layer]]:
        """The layers after start up to a fork, an addition or the end; at is the last."""
        at, chain = start, []
        while len(at.users) == 1 and at.users[0].kind != "Add":
            at = at.users[0]
            if len(at.sources) != 1 or at.name in self.seen:
                raise refuse(self.path, at, "has no place in a ResNet")
            self.seen.add(at.name)
            if not kl.is_neutral(at):
                chain.append(at)
        return at, chain

    def _normalisation(self, chain: list[Layer]) -> tuple[Normalisation | None, list[Layer]]:
        found = None
        while chain and chain[0].kind in ("Rescaling", "Normalization"):
            found = (found or Normalisation([1.0] * 3, [0.0] * 3)).then(self.path, chain[0])
            chain = chain[1:]
        return found, chain

    def _units(self, chain: list[Layer]) -> tuple[list[Unit], list[Layer]]:
        """Convolutions with their padding, batch norm and ReLU; and what follows them."""
        units: list[Unit] = []
        for i, layer in enumerate(chain):
            before = chain[i - 1] if i else None
            if layer.kind == "Conv2D":
                padded = before is not None and before.kind == "ZeroPadding2D"
                zeros = kl.zero_padding(self.path, before) if padded else 0
                units.append(kl.convolution(self.path, layer, zeros))
            elif layer.kind in kl.BATCH_NORMS:
                if not units or before is not units[-1].conv or units[-1].relu:
                    raise refuse(
                        self.path,
                        layer,
                        "does not follow a convolution at once (a pre-activation ResNet?)",
                    )
                units[-1].norm = layer
                self.norms.append((kl.epsilon(self.path, layer), layer))
            elif kl.is_relu(layer) and units and not units[-1].relu:
                if before is not units[-1].conv and before is not units[-1].norm:
                    raise refuse(self.path, layer, "does not follow a convolution or its norm")
                units[-1].relu = True
            elif (
                layer.kind == "ZeroPadding2D"
                and chain[i + 1 : i + 2]
                and (chain[i + 1].kind == "Conv2D")
            ):
                continue
            else:
                return units, chain[i:]
        return units, []

    def _stem(self, chain: list[Layer]) -> int:
        """By how much it makes the map smaller."""
        units, rest = self._units(chain)
        if not units:
            raise Refused(f"{self.path}: the model does not begin with a convolution")
        if len(units) > 1:
            raise refuse(self.path, units[1].conv, "is the stem's second convolution; expected one")
        if not units[0].relu:
            raise refuse(
                self.path,
                units[0].conv,
                "is not followed by batch norm and ReLU at once (a pre-activation ResNet?)",
            )
        pooled = bool(rest) and rest[-1].kind == "MaxPooling2D"
        if pooled:
            zeros = kl.zero_padding(self.path, rest[0]) if rest[0].kind == "ZeroPadding2D" else 0
            kl.max_pool(self.path, rest[-1], zeros)
            rest = rest[1:-1] if zeros else rest[:-1]
        if rest:
            raise refuse(self.path, rest[0], "does not fit between stem and first block")
        unit = units[0]
        if (unit.kernel, unit.stride, pooled) not in ((7, 2, True), (3, 1, False)):
            raise refuse(
                self.path,
                unit.conv,
                f"has kernel {unit.kernel}, stride {unit.stride}, {'a' if pooled else 'no'} pool "
                "after it; a stem has 7, 2 and a pool, or 3, 1 and none",
            )
        self._name("conv1", "bn1", unit)
        self._main(unit)
        return 4 if pooled else 1

    def _blocks(self, at: Layer) -> tuple[Layer, int]:
        """Layers to layer1.0, layer1.1, ...; the last layer and the number of stages."""
        stage, block, width = 1, 0, None
        while len(at.users) == 2:
            (add_a, one), (add_b, other) = (self._branch(at, user) for user in at.users)
            if add_a is not add_b or len(add_a.sources) != 2 or add_a.name in self.seen:
                raise refuse(self.path, add_a, "does not add the two branches of one block")
            main, side = (one, other) if len(one) > len(other) else (other, one)
            if len(main) not in (2, 3) or len(side) > 1:
                raise refuse(
                    self.path,
                    add_a,
                    f"closes branches of {len(main)} and {len(side)} convolutions; expected 2 or 3 "
                    "and at most 1",
                )
            if width is not None and (main[-1].filters != width or self._stride(main) > 1):
                stage, block = stage + 1, 0
            self._block(f"layer{stage}.{block}", main, side, stage > 1 and block == 0)
            block, width = block + 1, main[-1].filters
            self.seen.add(add_a.name)
            at = self._after_add(add_a)
        if width is None or len(at.users) > 2:
            raise refuse(self.path, at, f"has {len(at.users)} users; a block begins with two")
        return at, stage

    def _after_add(self, add: Layer) -> Layer:
        at = add
        while len(at.users) == 1 and (kl.is_neutral(at.users[0]) or kl.is_relu(at.users[0])):
            at = at.users[0]
            self.seen.add(at.name)
            if kl.is_relu(at):
                return at
        raise refuse(self.path, add, "is not followed by ReLU (a pre-activation ResNet?)")

    def _branch(self, start: Layer, user: Layer) -> tuple[Layer, list[Unit]]:
        """One way from start to the addition that ends its block."""
        if user.kind == "Add":
            return user, []
        if len(user.sources) != 1 or user.name in self.seen:
            raise refuse(self.path, user, "has no place in a block")
        self.seen.add(user.name)
        at, chain = self._chain(user)
        if len(at.users) != 1:
            raise refuse(self.path, at, "is used more than once, or not at all, within a block")
        units, rest = self._units(chain if kl.is_neutral(user) else [user, *chain])
        if rest:
            raise refuse(self.path, rest[0], "has no place in a block")
        return at.users[0], units

    def _block(self, name: str, main: list[Unit], side: list[Unit], shrinks: bool) -> None:
        kernels = [unit.kernel for unit in main]
        if kernels not in ([3, 3], [1, 3, 1]):
            raise refuse(self.path, main[0].conv, f"begins a block of kernels {kernels}")
        for i, unit in enumerate(main):
            last = unit is main[-1]
            if unit.relu == last:
                raise refuse(
                    self.path,
                    unit.conv,
                    f"should {'not ' if last else ''}be followed by ReLU",
                )
            self._main(unit)
            self._name(f"{name}.conv{i + 1}", f"{name}.bn{i + 1}", unit)
            if unit.stride == 2:
                if not shrinks or i == 2 or (i == 1 and len(main) == 2) or main[0].stride * i == 2:
                    raise refuse(
                        self.path,
                        unit.conv,
                        "has stride 2 where no ResNet of ours has it",
                    )
                self.variants.setdefault("v1.5" if i == 1 else "v1", unit.conv)
        stride = self._stride(main)
        if shrinks and stride == 1:
            raise refuse(self.path, main[0].conv, "begins a stage and has stride 1; expected 2")
        for unit in side:
            if unit.kernel != 1 or unit.stride != stride or unit.relu:
                raise refuse(
                    self.path,
                    unit.conv,
                    f"should be a 1x1 shortcut of stride {stride} without ReLU",
                )
            self._name(f"{name}.downsample.0", f"{name}.downsample.1", unit)
        if stride > 1 and not side:
            raise refuse(self.path, main[0].conv, "begins a smaller stage without a shortcut")

    @staticmethod
    def _stride(units: list[Unit]) -> int:
        return max(unit.stride for unit in units)

    def _main(self, unit: Unit) -> None:
        self.normed.setdefault(unit.norm is not None, unit.conv)
        if unit.padding:
            self.paddings.setdefault(unit.padding, unit.conv)

    def _name(self, conv: str, norm: str, unit: Unit) -> None:
        self.modules[conv] = unit.conv.name
        if unit.norm:
            self.modules[norm] = unit.norm.name

    def _head(self, at: Layer, size: int | None) -> None:
        _, chain = self._chain(at)
        if not chain or chain[0].kind not in kl.POOLS:
            raise refuse(
                self.path,
                chain[0] if chain else at,
                "is not followed by average pooling",
            )
        kl.average_pool(self.path, chain[0], size)
        rest = [layer for layer in chain[1:] if layer.kind != "Flatten"]
        if not rest or rest[0].kind != "Dense":
            raise refuse(
                self.path,
                chain[0],
                "is not followed by a Dense layer: a model without its top",
            )
        dense = rest[0]
        if dense.config.get("activation", "linear") not in ("softmax", "linear", None):
            raise refuse(self.path, dense, "has an activation other than softmax or none")
        for layer in rest[1:]:
            if not kl.is_softmax(layer):
                raise refuse(self.path, layer, "has no place after the classifier")
        self.modules["fc"] = dense.name

    def _one(self, found: dict[str, Layer], what: str) -> str | None:
        if len(found) > 1:
            (a, one), (b, other) = list(found.items())[:2]
            raise Refused(
                f"{self.path}: layer {one.name} {what} {a}, layer {other.name} {b}; expected the "
                "same everywhere"
            )
        return next(iter(found), None)

    def _epsilon(self) -> float | None:
        for value, layer in self.norms:
            if value != self.norms[0][0]:
                first = self.norms[0]
                raise Refused(
                    f"{self.path}: batch norm {first[1].name} has epsilon {first[0]:g} and "
                    f"{layer.name} has {value:g}; expected the same everywhere"
                )
        return self.norms[0][0] if self.norms else None

    def _preprocess(self, plan: Plan, layers: Normalisation | None, size: int | None) -> None:
        if layers:
            plan.preprocessing = with_size(layers.preprocessing(), size)
            return
        plan.assumed.append("preprocessing")
        if is_applications(self.layers):
            plan.preprocessing = with_size(KNOWN["caffe"], size)
            plan.notes.append(
                "its layers are named as in Keras applications, whose preprocessing is assumed"
            )
        elif size == 32:
            plan.preprocessing = with_size(KNOWN["raw"], size)
            plan.notes.append(
                "the model does not scale its input: RGB values from 0 to 255 are assumed"
            )
