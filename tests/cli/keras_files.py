"""Small ResNets in the files of Keras and TensorFlow.js, with random weights; nothing of Keras is needed.

The forms follow what Keras 2.4 and 3.15 and the TensorFlow.js converter 4 write."""

import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

VARIABLES = {
    "Conv2D": {"kernel": "weight", "bias": "bias"},
    "Dense": {"kernel": "weight", "bias": "bias"},
    "BatchNormalization": {
        "gamma": "weight",
        "beta": "bias",
        "moving_mean": "running_mean",
        "moving_variance": "running_var",
    },
}
SNAKE = {
    "InputLayer": "input_layer",
    "Conv2D": "conv2d",
    "Dense": "dense",
    "BatchNormalization": "batch_normalization",
    "Activation": "activation",
    "Add": "add",
    "ZeroPadding2D": "zero_padding2d",
    "MaxPooling2D": "max_pooling2d",
    "GlobalAveragePooling2D": "global_average_pooling2d",
    "Rescaling": "rescaling",
}


@dataclass
class Layer:
    kind: str
    name: str
    sources: list[str]
    config: dict
    module: str | None = None  # resbench's name
    weights: dict[str, np.ndarray] = field(default_factory=dict)


class Model:
    def __init__(self, size: int = 32, seed: int = 1):
        self.random = np.random.default_rng(seed)
        self.layers: list[Layer] = []
        self.at = self.add("InputLayer", "input_1", {"batch_input_shape": [None, size, size, 3]})

    def layer(self, name: str) -> Layer:
        return next(layer for layer in self.layers if layer.name == name)

    def add(self, kind: str, name: str, config: dict, *sources: str, module=None, **weights) -> str:
        config = {"name": name, "trainable": True, "dtype": "float32", **config}
        self.layers.append(Layer(kind, name, list(sources), config, module, weights))
        self.at = name
        return name

    def values(self, *shape: int) -> np.ndarray:
        return self.random.normal(0, 0.2, shape).astype("<f4")

    def conv(self, source, name, module, inputs, filters, kernel, stride=1, padding="same") -> str:
        config = {
            "filters": filters,
            "kernel_size": [kernel, kernel],
            "strides": [stride, stride],
            "padding": padding,
            "data_format": "channels_last",
            "dilation_rate": [1, 1],
            "groups": 1,
            "activation": "linear",
            "use_bias": True,
        }
        weights = {
            "kernel": self.values(kernel, kernel, inputs, filters),
            "bias": self.values(filters),
        }
        return self.add("Conv2D", name, config, source, module=module, **weights)

    def norm(self, source, name, module, channels) -> str:
        config = {"axis": [3], "epsilon": 0.002, "center": True, "scale": True}
        weights = {
            "gamma": self.values(channels),
            "beta": self.values(channels),
            "moving_mean": self.values(channels),
            "moving_variance": np.abs(self.values(channels)) + np.float32(0.5),
        }
        return self.add("BatchNormalization", name, config, source, module=module, **weights)

    def relu(self, source, name) -> str:
        return self.add("Activation", name, {"activation": "relu"}, source)

    def sum(self, name, *sources) -> str:
        return self.add("Add", name, {}, *sources)

    def head(self, name, channels, classes):
        pool = {"data_format": "channels_last"}
        self.add("GlobalAveragePooling2D", "avg_pool", pool, self.at)
        config = {"units": classes, "activation": "softmax", "use_bias": True}
        weights = {"kernel": self.values(channels, classes), "bias": self.values(classes)}
        self.add("Dense", name, config, self.at, module="fc", **weights)

    def tensors(self) -> dict[str, np.ndarray]:
        """As resbench stores them."""
        result = {}
        for layer in self.layers:
            for variable, values in layer.weights.items():
                axes = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[values.ndim]
                ours = f"{layer.module}.{VARIABLES[layer.kind][variable]}"
                result[ours] = values.transpose(axes)
        return result


def resnet8(pre=()) -> Model:
    """The layers of resbench's row, in the order in which Keras numbers them."""
    model = Model()
    for i, (kind, config) in enumerate(pre):
        model.add(kind, f"pre_{i}", config, model.at)
    model.conv(model.at, "conv2d", "conv1", 3, 16, 3)
    model.norm(model.at, "batch_normalization", "bn1", 16)
    x, width = model.relu(model.at, "activation"), 16
    for stage, filters in enumerate((16, 32, 64)):
        name, stride = f"layer{stage + 1}.0", 2 if stage else 1
        model.conv(x, f"s{stage}_a", f"{name}.conv1", width, filters, 3, stride)
        model.norm(model.at, f"s{stage}_a_bn", f"{name}.bn1", filters)
        model.relu(model.at, f"s{stage}_a_relu")
        model.conv(model.at, f"s{stage}_b", f"{name}.conv2", filters, filters, 3)
        y = model.norm(model.at, f"s{stage}_b_bn", f"{name}.bn2", filters)
        if stage:
            x = model.conv(x, f"s{stage}_c", f"{name}.downsample.0", width, filters, 1, 2)
        model.sum(f"add_{stage}", *((x, y) if stage % 2 else (y, x)))
        x, width = model.relu(model.at, f"s{stage}_relu"), filters
    model.head("dense", 64, 10)
    return model


def applications(old: bool, blocks=(3, 4, 6, 3), widths=(2, 4, 6, 8)) -> Model:
    """Keras applications' ResNet-50 with few channels. Its layers stand in Keras's order, where the
    convolution of a shortcut comes just before the last of its block."""
    model = Model(size=224)
    names = _old_names if old else _new_names
    model.add("ZeroPadding2D", "conv1_pad", {"padding": [[3, 3], [3, 3]]}, model.at)
    conv, norm = ("conv1", "bn_conv1") if old else ("conv1_conv", "conv1_bn")
    width = widths[0]
    model.conv(model.at, conv, "conv1", 3, width, 7, 2, "valid")
    model.norm(model.at, norm, "bn1", width)
    model.relu(model.at, "conv1_relu")
    model.add("ZeroPadding2D", "pool1_pad", {"padding": [[1, 1], [1, 1]]}, model.at)
    pool = {"pool_size": [3, 3], "strides": [2, 2], "padding": "valid"}
    x = model.add("MaxPooling2D", "pool1_pool", pool, model.at)
    for stage, (count, filters) in enumerate(zip(blocks, widths, strict=True)):
        for block in range(count):
            stride = 2 if stage and not block else 1
            x = _bottleneck(model, names(stage, block), (stage, block), x, width, filters, stride)
            width = 4 * filters
    model.head("fc1000" if old else "predictions", width, 5)
    return model


def _bottleneck(model, named, at, x, width, filters, stride) -> str:
    ours = f"layer{at[0] + 1}.{at[1]}"
    y = model.conv(x, named(1, "conv"), f"{ours}.conv1", width, filters, 1, stride, "valid")
    model.norm(y, named(1, "bn"), f"{ours}.bn1", filters)
    y = model.relu(model.at, f"{ours}.relu1")
    y = model.conv(y, named(2, "conv"), f"{ours}.conv2", filters, filters, 3)
    model.norm(y, named(2, "bn"), f"{ours}.bn2", filters)
    y = model.relu(model.at, f"{ours}.relu2")
    project = at[1] == 0
    if project:
        down = f"{ours}.downsample"
        x = model.conv(x, named(0, "conv"), f"{down}.0", width, 4 * filters, 1, stride, "valid")
    y = model.conv(y, named(3, "conv"), f"{ours}.conv3", filters, 4 * filters, 1, 1, "valid")
    if project:
        x = model.norm(x, named(0, "bn"), f"{down}.1", 4 * filters)
    y = model.norm(y, named(3, "bn"), f"{ours}.bn3", 4 * filters)
    return model.relu(model.sum(f"{ours}.add", x, y), f"{ours}.out")


def _new_names(stage, block):
    return lambda number, kind: f"conv{stage + 2}_block{block + 1}_{number}_{kind}"


def _old_names(stage, block):
    def named(number, kind):
        branch = f"2{'_abc'[number]}" if number else "1"
        return f"{'res' if kind == 'conv' else 'bn'}{stage + 2}{'abcdef'[block]}_branch{branch}"

    return named


def config(model: Model, form: int = 2) -> dict:
    layers = []
    for layer in model.layers:
        if form == 2:
            nodes = [[[name, 0, 0, {}] for name in layer.sources]] if layer.sources else []
        else:
            tensors = [
                {
                    "class_name": "__keras_tensor__",
                    "config": {"shape": [None], "dtype": "float32", "keras_history": [name, 0, 0]},
                }
                for name in layer.sources
            ]
            arguments = [tensors] if len(tensors) > 1 else tensors
            nodes = [{"args": arguments, "kwargs": {"mask": None}}] if tensors else []
        entry = {"class_name": layer.kind, "name": layer.name, "inbound_nodes": nodes}
        own = dict(layer.config)
        if form == 3:
            entry |= {"module": "keras.layers", "registered_name": None}
            if "batch_input_shape" in own:
                own["batch_shape"] = own.pop("batch_input_shape")
        layers.append({**entry, "config": own})
    return {"class_name": "Functional", "config": {"name": "model", "layers": layers}}


def write_h5(path: Path, model: Model, form: int = 2, with_config: bool = True) -> Path:
    """model.save("x.h5"), or what save_weights wrote until Keras 2."""
    with h5py.File(path, "w") as file:
        if with_config:
            file.attrs["model_config"] = json.dumps(config(model, form))
        write_layers(file.create_group("model_weights") if with_config else file, model, form)
    return path


def write_layers(root: h5py.Group, model: Model, form: int = 2) -> None:
    root.attrs["backend"] = b"tensorflow"
    root.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
    for layer in model.layers:
        group = root.require_group(layer.name)
        end = ":0" if form == 2 else ""
        names = [f"{layer.name}/{variable}{end}" for variable in layer.weights]
        group.attrs["weight_names"] = [name.encode() for name in names]  # of none: a float64
        for name, values in zip(names, layer.weights.values(), strict=True):
            group[name] = values


def write_weights_h5(file, model: Model, own_names: bool = True, container: str = "layers") -> None:
    """save_weights("x.weights.h5") of Keras 3."""
    counts: dict[str, int] = {}
    with h5py.File(file, "w") as root:
        for layer in model.layers:
            kind = SNAKE[layer.kind]
            number = counts[kind] = counts.get(kind, -1) + 1
            group = root.create_group(
                f"{container}/{kind}_{number}" if number else f"{container}/{kind}"
            )
            group = group.create_group("vars")
            if own_names:
                group.attrs["name"] = layer.name
            for i, values in enumerate(layer.weights.values()):
                group[str(i)] = values


def write_keras(path: Path, model: Model, compression=zipfile.ZIP_STORED) -> Path:
    weights = path.with_suffix(".part")
    write_weights_h5(weights, model)
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", json.dumps(config(model, 3)))
        archive.write(weights, "model.weights.h5")
    weights.unlink()
    return path


def write_tfjs(directory: Path, model: Model, shard_bytes: int = 100_000) -> Path:
    directory.mkdir()
    data, entries = b"", []
    for layer in sorted(model.layers, key=lambda layer: layer.name):
        for variable, values in layer.weights.items():
            entries.append(
                {
                    "name": f"{layer.name}/{variable}",
                    "shape": list(values.shape),
                    "dtype": "float32",
                }
            )
            data += values.tobytes()
    count = -(-len(data) // shard_bytes)
    paths = [f"group1-shard{i + 1}of{count}.bin" for i in range(count)]
    for i, name in enumerate(paths):
        (directory / name).write_bytes(data[i * shard_bytes : (i + 1) * shard_bytes])
    topology = {"keras_version": "2.4.0", "backend": "tensorflow", "model_config": config(model)}
    manifest = {
        "format": "layers-model",
        "modelTopology": topology,
        "weightsManifest": [{"paths": paths, "weights": entries}],
    }
    (directory / "model.json").write_text(json.dumps(manifest))
    return directory


def assert_tensors_found(found, model) -> None:
    expected = model.tensors()
    assert set(found.tensors) == set(expected)
    for name, values in expected.items():
        assert found.tensors[name].shape == values.shape
        assert np.array_equal(found.tensors[name].read(), values), name
