"""The layer graph of a Keras model config, in the form of Keras 2 and of Keras 3."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from found import Refused

MAX_LAYERS = 16384
MODELS = ("Functional", "Model")


@dataclass
class Layer:
    name: str
    kind: str  # Keras's class
    config: dict
    sources: list[str]  # the layers whose outputs it takes
    users: list["Layer"] = field(default_factory=list)


def parse_json(path: Path, what: str, text: str | bytes) -> dict:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Refused(f"{path}: {what} is not JSON: {reason}") from None
    if not isinstance(value, dict):
        raise Refused(f"{path}: {what} is JSON, but not an object")
    return value


def parse_layers(path: Path, model: dict) -> dict[str, Layer]:
    """The layers by name, in the order of the config."""
    kind, config = model.get("class_name"), model.get("config")
    if kind not in MODELS:
        raise Refused(
            f"{path}: the model is a {_short(kind)}, whose layers are not read; expected a "
            "functional model"
        )
    entries = config.get("layers") if isinstance(config, dict) else None
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_LAYERS:
        raise Refused(f"{path}: the model config has no list of 1 to {MAX_LAYERS} layers")
    layers: dict[str, Layer] = {}
    for entry in entries:
        layer = _layer(path, entry)
        if layer.name in layers:
            raise Refused(f"{path}: two layers are called {layer.name}")
        layers[layer.name] = layer
    for layer in layers.values():
        for source in layer.sources:
            if source not in layers:
                raise Refused(f"{path}: layer {layer.name} takes the output of {source}: no layer")
            layers[source].users.append(layer)
    return layers


def _layer(path: Path, entry: object) -> Layer:
    try:
        config, kind = entry["config"], entry["class_name"]
        name = entry.get("name") or config["name"]
        nodes = entry.get("inbound_nodes") or []
        if not all(isinstance(value, str) for value in (name, kind)) or not isinstance(
            config, dict
        ):
            raise TypeError
    except (TypeError, KeyError, AttributeError):
        raise Refused(f"{path}: the model config has a layer without name, class or config") from (
            None
        )
    name = _short(name)
    if kind in (*MODELS, "Sequential"):
        raise Refused(f"{path}: layer {name} is a model of its own (a {kind}), which is not read")
    if not isinstance(nodes, list) or len(nodes) > 1:
        raise Refused(f"{path}: layer {name} is used more than once")
    try:
        sources = [_tensor(value) for node in nodes for value in _tensors(node)]
    except (TypeError, KeyError, IndexError, ValueError, AttributeError):
        raise Refused(f"{path}: the inbound_nodes of layer {name} are not understood") from None
    return Layer(name, _short(kind), config, sources)


def _tensors(node: list | dict) -> list:
    """The inputs of one call: Keras 2 lists them, Keras 3 has the arguments of the call."""
    if isinstance(node, list):
        return node
    values = []
    for argument in node["args"]:
        values += argument if isinstance(argument, list) else [argument]
    return values


def _tensor(value: list | dict) -> str:
    if isinstance(value, dict):  # {"class_name": "__keras_tensor__", "config": {...}}
        value = value["config"]["keras_history"]
    name, node, output = value[:3]
    if not isinstance(name, str) or node != 0 or output != 0:
        raise ValueError
    return _short(name)


def _short(text: object) -> str:
    """Fit for one line of a sentence; what is longer is no name."""
    line = "".join(c if c.isprintable() else "?" for c in str(text))
    return line if len(line) <= 200 else line[:197] + "..."
