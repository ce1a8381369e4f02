"""Runs a network in torch: DESCRIBE.json WEIGHTS.safetensors INPUT.npy OUTPUT.npy. Needs nothing of ours.

DESCRIBE.json is what 'resbench describe NETWORK --json' prints. Epsilon comes from the metadata of the weights,
which are read without the library: its package for torch need not be there."""

import json
import sys

import numpy as np
import torch
from torch.nn import functional

BATCH = 32


def read_safetensors(path: str) -> tuple:
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        start, metadata, tensors = file.tell(), header.pop("__metadata__"), {}
        for name, entry in header.items():
            assert entry["dtype"] == "F32", entry
            first, end = entry["data_offsets"]
            file.seek(start + first)
            values = np.frombuffer(bytearray(file.read(end - first)), "<f4")
            tensors[name] = torch.from_numpy(values.reshape(entry["shape"]))
    return metadata, tensors


def pad(value, padding: list, fill: float):
    top, left, bottom, right = padding
    return functional.pad(value, (left, right, top, bottom), value=fill)


def run_node(node: dict, value, tensors: dict, epsilon: float):
    own = {part: tensors[name] for part, name in node["tensors"].items()}
    kind = node["type"].split("+")[0]
    if kind == "conv":
        value = pad(value, node["padding"], 0)
        value = functional.conv2d(value, own["weight"], own.get("bias"), node["stride"])
        if "bn_weight" in own:
            value = functional.batch_norm(
                value, own["bn_mean"], own["bn_var"], own["bn_weight"], own["bn_bias"], eps=epsilon
            )
        return value
    if kind == "maxpool":
        value = pad(value, node["padding"], float("-inf"))
        return functional.max_pool2d(value, node["kernel"], node["stride"])
    if kind == "avgpool":
        return functional.adaptive_avg_pool2d(value, 1)
    if kind == "shortcut":
        down, right = node["stride"]
        more = node["output"][1] - node["input"][1]
        return functional.pad(
            value[:, :, ::down, ::right], (0, 0, 0, 0, more // 2, more - more // 2)
        )
    assert kind == "fc", kind
    return functional.linear(value.flatten(1), own["weight"], own["bias"])


def run(nodes: list, images, tensors: dict, epsilon: float):
    values = {"input": images}
    for node in nodes:
        value = run_node(node, values[node["source"]], tensors, epsilon)
        if node["add"]:
            value = value + values[node["add"]]
        values[node["name"]] = torch.relu(value) if node["relu"] else value
    return values[nodes[-1]["name"]]


def main(description: str, weights: str, source: str, target: str) -> None:
    with open(description) as file:
        nodes = json.load(file)["nodes"]
    metadata, tensors = read_safetensors(weights)
    epsilon = float(metadata["resbench.epsilon"])
    images = np.load(source, mmap_mode="r")
    with torch.no_grad():
        parts = [
            run(nodes, torch.tensor(images[first : first + BATCH]), tensors, epsilon).numpy()
            for first in range(0, len(images), BATCH)
        ]
    np.save(target, np.concatenate(parts))


if __name__ == "__main__":
    main(*sys.argv[1:])
