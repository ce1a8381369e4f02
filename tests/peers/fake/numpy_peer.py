"""A peer made of NumPy alone, that logs what it is asked and can be told to misbehave.

PEER_LOG names the log: a line of JSON for every open and call. PEER_FAULT is one of the faults below."""

import json
import os
import signal
import time

import numpy

PACKAGES = ("numpy",)
ABOUT = "NumPy in float64"
SETTINGS = {
    "slow": "sleeps in every call",
    "raises": "fails in open",
    "dies": "ends its process in open",
    "quick": "sleeps never",
    "slower": "sleeps longer",
}
SLEEP_S = {"slow": 0.4, "slower": 0.6, "quick": 0}


def log(event: str, settings: str) -> None:
    with __builtins__["open"](os.environ["PEER_LOG"], "a") as file:
        print(json.dumps({"pid": os.getpid(), "event": event, "settings": settings}), file=file)


def read(path):
    from safetensors import safe_open

    with safe_open(path, "numpy") as file:
        epsilon = float(file.metadata()["resbench.epsilon"])
        return epsilon, {name: file.get_tensor(name).astype(numpy.float64) for name in file.keys()}


def conv(value, weight, stride, padding):
    top, left, bottom, right = padding
    value = numpy.pad(value, ((0, 0), (0, 0), (top, bottom), (left, right)))
    windows = numpy.lib.stride_tricks.sliding_window_view(value, weight.shape[2:], axis=(2, 3))
    windows = windows[:, :, :: stride[0], :: stride[1]]
    return numpy.einsum("nchwij,ocij->nohw", windows, weight, optimize=True)


class Session:
    def __init__(self, nodes, epsilon, tensors, settings):
        self.nodes, self.epsilon, self.tensors, self.settings = nodes, epsilon, tensors, settings
        self.fault = os.environ.get("PEER_FAULT", "")
        self.first = None

    def take(self, array):
        return array

    def call(self, images):
        log("call", self.settings)
        time.sleep(SLEEP_S[self.settings])
        if self.fault == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if self.fault == "raises":
            raise RuntimeError("the framework\ngave up")
        result = self.run(images)
        if self.fault == "wrong":
            result[0, 0] += 0.01 * numpy.abs(result).max()
        if self.fault == "nan":
            result[0, 0] = numpy.nan
        if self.fault == "remembers":
            self.first = result if self.first is None else self.first
            return self.first
        return result[:, 1:] if self.fault == "shape" else result

    def run(self, images):
        values = {"input": images.astype(numpy.float64)}
        for node in self.nodes:
            value = self.step(node, values[node["source"]])
            if node["add"]:
                value = value + values[node["add"]]
            values[node["name"]] = numpy.maximum(value, 0) if node["relu"] else value
        return values[self.nodes[-1]["name"]]

    def step(self, node, value):
        own = {part: self.tensors[name] for part, name in node["tensors"].items()}
        kind = node["type"].split("+")[0]
        if kind == "avgpool":
            return value.mean((2, 3))
        if kind == "fc":
            return value @ own["weight"].T + own["bias"]
        assert kind == "conv", kind
        value = conv(value, own["weight"], node["stride"], node["padding"])
        if "bias" in own:
            value = value + own["bias"][:, None, None]
        if "bn_weight" not in own:
            return value
        scale = own["bn_weight"] / numpy.sqrt(own["bn_var"] + self.epsilon)
        shift = own["bn_bias"] - own["bn_mean"] * scale
        return value * scale[:, None, None] + shift[:, None, None]

    def logits(self, result):
        return result.astype(numpy.float32)


def open(case, settings):
    log("open", settings)
    if settings == "raises":
        raise ValueError("not with these settings")
    if settings == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    epsilon, tensors = read(case.safetensors())
    return Session(case.description()["nodes"], epsilon, tensors, settings)
