#!/usr/bin/env python3
"""Makes resnet.h5 and cifar.h5: what ResNets of torch give for synthetic weights.

    python3 make_golden.py {resnet,cifar} [-o FILE] [--check]

Needs torch, torchvision, numpy and h5py, on the CPU; on Debian
`apt-get install python3-torch python3-torchvision python3-h5py`. It takes about a minute and
uses no network: weights and inputs are the synthetic tensors of docs/synthetic.md, seed 1.
--check compares with an existing file instead of writing one (another version of torch
differs in the last bits, and loses a little more or less in float32).

Networks of resnet.h5 are torchvision's own. `resnet50-v1` is its resnet50 with the strides of
conv1 and conv2 swapped in every bottleneck, which puts them where He et al. have them. Those of
cifar.h5 are in cifar_models.py.

Everything runs in float64 on the float32 tensors. The file, one group a case:
  attributes  network, batch, height, width, parameters, conv_bias (in cifar.h5: 1 where every
              convolution has a bias), and f32_rel_l2_error and f32_max_abs_error: torch's own
              float32 logits against its float64 ones
  logits      (batch, classes)
  module      names of torchvision's modules; a module that runs again (relu) has one more
              `+` at each later call
  shape       (module, 4), filled up with 1
  stats       (module, 4): mean, standard deviation (of the population), L2 norm, largest
              magnitude of its output, as it was when the module returned
  index       (module, 16): probes, evenly spread over the flattened output, both ends included
  value       (module, 16): the output there
"""
import argparse
import sys

import h5py
import numpy as np
import torch
import torchvision
from cifar_models import CifarResNet, Resnet8

SEED = 1
PROBES = 16
RESNET_CASES = [  # name, network, batch, height, width
    ("resnet18", "resnet18", 2, 64, 64),
    ("resnet34", "resnet34", 2, 64, 64),
    ("resnet50", "resnet50", 2, 64, 64),
    ("resnet101", "resnet101", 2, 64, 64),
    ("resnet152", "resnet152", 2, 64, 64),
    ("resnet50-v1", "resnet50-v1", 2, 64, 64),
    ("resnet18-97x33", "resnet18", 2, 97, 33),
    ("resnet50-45x70", "resnet50", 3, 45, 70),
]
CIFAR_CASES = [
    ("resnet20", "resnet20", 2, 32, 32),
    ("resnet20-45x38", "resnet20", 3, 45, 38),
    ("resnet8", "resnet8", 2, 32, 32),
    ("resnet8-45x38", "resnet8", 3, 45, 38),
]
CASES = {"resnet": RESNET_CASES, "cifar": CIFAR_CASES}


def unit_values(name, count):
    """The splitmix64 stream of a tensor's name, in [-1, 1): docs/synthetic.md."""
    key = 0xCBF29CE484222325
    for byte in name.encode():
        key = (key ^ byte) * 0x100000001B3 % 2**64
    gamma = 0x9E3779B97F4A7C15
    key ^= SEED * gamma % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(key) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(gamma)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1.0


def synthetic(name, shape, closes_block):
    v = unit_values(name, int(np.prod(shape)))
    if name == "input":
        value = 2 * v
    elif len(shape) == 4:
        value = v * np.sqrt(6 / (shape[1] * shape[2] * shape[3]))
    elif len(shape) == 2:
        value = v * np.sqrt(3 / shape[1])
    elif name.endswith(".running_var"):
        value = 1 + 0.2 * v
    elif name.endswith(".weight"):
        value = 0.25 + 0.05 * v if closes_block else 1 + 0.1 * v
    else:
        value = 0.1 * v
    return torch.from_numpy(value.astype(np.float32).reshape(shape))


def build_model(network):
    if network == "resnet8":
        return Resnet8()
    if not hasattr(torchvision.models, network.removesuffix("-v1")):
        return CifarResNet(int(network.removeprefix("resnet")))
    model = getattr(torchvision.models, network.removesuffix("-v1"))(weights=None)
    if network.endswith("-v1"):
        for block in model.modules():
            if isinstance(block, torchvision.models.resnet.Bottleneck):
                first, second = block.conv1, block.conv2
                first.stride, second.stride = second.stride, first.stride
    return model


def synthetic_model(network):
    model = build_model(network)
    last = ".bn3." if hasattr(model.layer1[0], "bn3") else ".bn2."
    state = {
        name: synthetic(name, tuple(tensor.shape), last in name)
        for name, tensor in model.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    model.load_state_dict(state, strict=False)
    return model.eval()


def observe(model, x):
    """Logits, and (name, output) of every module in the order in which they return."""
    seen = {}

    def hook(name):
        def record(_module, _args, output):
            key = name
            while key in seen:
                key += "+"
            seen[key] = output.clone()  # ReLU works in place: keep what is there now

        return record

    handles = [m.register_forward_hook(hook(n)) for n, m in model.named_modules() if n]
    with torch.no_grad():
        logits = model(x)
    for handle in handles:
        handle.remove()
    return logits, seen


def run_case(network, batch, height, width):
    model = synthetic_model(network)
    x = synthetic("input", (batch, 3, height, width), False)
    with torch.no_grad():
        single = model(x).double().numpy()
    logits, seen = observe(model.double(), x.double())
    logits = logits.numpy()
    case = {
        "logits": logits,
        "module": np.array([n.encode() for n in seen]),
        "shape": np.ones((len(seen), 4), np.int64),
        "stats": np.zeros((len(seen), 4)),
        "index": np.zeros((len(seen), PROBES), np.int64),
        "value": np.zeros((len(seen), PROBES)),
    }
    for i, output in enumerate(seen.values()):
        case["shape"][i, : output.dim()] = output.shape
        flat = output.numpy().reshape(-1)
        case["stats"][i] = flat.mean(), flat.std(), np.linalg.norm(flat), np.abs(flat).max()
        case["index"][i] = np.round(np.linspace(0, flat.size - 1, PROBES))
        case["value"][i] = flat[case["index"][i]]
    attributes = {
        "network": network,
        "batch": batch,
        "height": height,
        "width": width,
        "parameters": sum(p.numel() for p in model.parameters()),
        "conv_bias": int(model.conv1.bias is not None),
        "f32_rel_l2_error": np.linalg.norm(single - logits) / np.linalg.norm(logits),
        "f32_max_abs_error": np.abs(single - logits).max(),
    }
    return attributes, case


def write(path, cases):
    with h5py.File(path, "w", libver=("earliest", "v108")) as file:
        file.attrs["seed"] = SEED
        file.attrs["torch"] = np.bytes_(str(torch.__version__))
        file.attrs["torchvision"] = np.bytes_(str(torchvision.__version__))
        file.attrs["definition"] = np.bytes_(
            "docs/synthetic.md; made by tests/golden/make_golden.py"
        )
        for name, *rest in cases:
            attributes, case = run_case(*rest)
            group = file.create_group(name)
            for key, value in attributes.items():
                group.attrs[key] = np.bytes_(value) if isinstance(value, str) else value
            for key, value in case.items():
                group.create_dataset(key, data=value, compression=9, shuffle=True)
            print(f"{name}: {len(case['module'])} modules", flush=True)


def check_attributes(path, name, stored, made):
    for key in ("network", "batch", "height", "width", "parameters"):
        found = stored[key].decode() if key == "network" else stored[key]
        if found != made[key]:
            sys.exit(f"{path}: {name} has {key} {found}, not {made[key]}")
    ratio = stored["f32_rel_l2_error"] / made["f32_rel_l2_error"]
    if not 0.5 <= ratio <= 2:
        sys.exit(f"{path}: {name} has {ratio:.2f} times the f32_rel_l2_error found here")


def check(path, cases):
    worst = 0.0
    with h5py.File(path) as file:
        if set(file) != {name for name, *_ in cases}:
            sys.exit(f"{path}: has the cases {sorted(file)}")
        for name, *rest in cases:
            attributes, case = run_case(*rest)
            check_attributes(path, name, file[name].attrs, attributes)
            for key, value in case.items():
                stored = file[name][key][:]
                if value.dtype != np.float64:
                    if not np.array_equal(stored, value):
                        sys.exit(f"{path}: {name}/{key} differs")
                    continue
                error = np.linalg.norm(stored - value) / np.linalg.norm(value)
                if not error <= 1e-12:
                    sys.exit(f"{path}: {name}/{key} is off by {error}")
                worst = max(worst, error)
    print(f"{path}: agrees within {worst:.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", choices=CASES, help="which file")
    parser.add_argument("-o", "--output", help="its path (<cases>.h5)")
    parser.add_argument("--check", action="store_true", help="compare with the file instead")
    arguments = parser.parse_args()
    torch.backends.mkldnn.enabled = False
    path = arguments.output or f"{arguments.cases}.h5"
    (check if arguments.check else write)(path, CASES[arguments.cases])


if __name__ == "__main__":
    main()
