"""torch on the processor: modules made of 'resbench describe', with the tensors of the exported safetensors file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import numpy
    from models import Case

PACKAGES = ("torch",)
ABOUT = "torch, CPU, torch.inference_mode"
SETTINGS = {
    "eager": "modules as they are",
    "channels-last": "modules as they are, channels last",
    "frozen": "torch.jit: trace, freeze, optimize_for_inference",
    "frozen-channels-last": "the same, channels last",
}


class Session:
    def __init__(self, torch, run, channels_last: bool):
        self.torch, self.run, self.channels_last = torch, run, channels_last

    def take(self, array: numpy.ndarray):
        return self.torch.from_numpy(array)

    def call(self, images):
        """The input is NCHW, as every engine gets it: another order is made within the time."""
        with self.torch.inference_mode():
            if self.channels_last:
                images = images.contiguous(memory_format=self.torch.channels_last)
            return self.run(images)

    def logits(self, result) -> numpy.ndarray:
        return result.numpy()


def read_safetensors(path: Path) -> tuple[dict, dict[str, numpy.ndarray]]:
    """Metadata and tensors, float32 all of them, without the library: its package need not be there."""
    import numpy

    values = numpy.memmap(path, numpy.uint8, "r")
    length = int.from_bytes(values[:8].tobytes(), "little")
    header = json.loads(values[8 : 8 + length].tobytes())
    metadata = header.pop("__metadata__")
    start = 8 + length
    tensors = {}
    for name, entry in header.items():
        first, end = entry["data_offsets"]
        # A copy: torch keeps it, and it is aligned.
        tensors[name] = values[start + first : start + end].view("<f4").reshape(entry["shape"]).copy()
    return metadata, tensors


def make_step(torch, node: dict, tensors: dict, epsilon: float):
    """The module of one node, without the addition and the ReLU."""
    nn = torch.nn
    own = {part: torch.from_numpy(tensors[name]) for part, name in node["tensors"].items()}
    kind = node["type"].split("+")[0]
    top, left, bottom, right = node.get("padding") or (0, 0, 0, 0)
    even = (top, left) == (bottom, right)
    before = [] if even else [pad_of(nn, kind, (left, right, top, bottom))]
    padding = (top, left) if even else 0
    if kind == "conv":
        out, inner, *kernel = own["weight"].shape
        step = nn.Conv2d(inner, out, kernel, node["stride"], padding, bias="bias" in own)
        step.load_state_dict({part: own[part] for part in ("weight", "bias") if part in own})
        after = [batch_norm(nn, own, epsilon)] if "bn_weight" in own else []
        return nn.Sequential(*before, step, *after)
    if kind == "maxpool":
        return nn.Sequential(*before, nn.MaxPool2d(node["kernel"], node["stride"], padding))
    if kind == "avgpool":
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(1))
    if kind == "shortcut":
        return shortcut(torch, node)
    assert kind == "fc", kind
    step = nn.Linear(own["weight"].shape[1], own["weight"].shape[0])
    step.load_state_dict(own)
    return step


def pad_of(nn, kind: str, sides: tuple):
    return nn.ConstantPad2d(sides, float("-inf") if kind == "maxpool" else 0.0)


def batch_norm(nn, own: dict, epsilon: float):
    norm = nn.BatchNorm2d(len(own["bn_weight"]), eps=epsilon)
    parts = {"weight": "bn_weight", "bias": "bn_bias", "running_mean": "bn_mean", "running_var": "bn_var"}
    norm.load_state_dict({part: own[name] for part, name in parts.items()}, strict=False)
    return norm


def shortcut(torch, node: dict):
    """Option A (He et al. 2015): every second pixel, zeros for the channels that are not there."""
    down, right = node["stride"]
    more = node["output"][1] - node["input"][1]
    sides = (0, 0, 0, 0, more // 2, more - more // 2)

    class Shortcut(torch.nn.Module):
        def forward(self, value):
            return torch.nn.functional.pad(value[:, :, ::down, ::right], sides)

    return Shortcut()


def build(torch, nodes: list, tensors: dict, epsilon: float):
    """The whole network; a value lives as long as a later node reads it."""
    last_use = {}
    for index, node in enumerate(nodes):
        for source in (node["source"], node["add"]):
            last_use[source] = index

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.steps = torch.nn.ModuleList(
                make_step(torch, node, tensors, epsilon) for node in nodes
            )

        def forward(self, images):
            values = {"input": images}
            for index, (node, step) in enumerate(zip(nodes, self.steps)):
                value = step(values[node["source"]])
                if node["add"]:
                    value += values[node["add"]]
                if node["relu"]:
                    value = torch.relu_(value)
                values[node["name"]] = value
                for name in (node["source"], node["add"]):
                    if name and last_use[name] == index:
                        values.pop(name, None)
            return values[nodes[-1]["name"]]

    return Network().eval()


def open(case: Case, settings: str) -> Session:
    import torch

    torch.set_num_threads(case.threads)
    metadata, tensors = read_safetensors(case.safetensors())
    nodes = case.description()["nodes"]
    channels_last = settings.endswith("channels-last")
    network = build(torch, nodes, tensors, float(metadata["resbench.epsilon"]))
    example = torch.zeros(case.shape)
    if channels_last:
        network = network.to(memory_format=torch.channels_last)
        example = example.contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        if settings.startswith("frozen"):
            network = torch.jit.trace(network, example)
            network = torch.jit.optimize_for_inference(torch.jit.freeze(network))
            network(example)  # the first calls compile
            network(example)
    return Session(torch, network, channels_last)
