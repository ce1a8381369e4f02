"""Files of other programs become weights files with the same values."""

import hashlib
import json
import os
import struct
from pathlib import Path

import checkpoints
import h5py
import numpy as np
import pytest
from checkpoints import Stored, WRITERS, bfloat16, cifar_shapes, imagenet_shapes, state_dict
from importing import converted, import_weights, refusal_of, report_of
from safetensors import serialize_file
from safetensors.numpy import save_file

BESIDE = Path(__file__).resolve().parents[3] / "shared"
DATA = Path(os.environ.get("RESBENCH_SHARED", BESIDE)) / "data"
CIFAR_PREPROCESSING = {
    "order": "RGB",
    "divisor": 255,
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
    "resize": None,
    "crop": [32, 32],
}


@pytest.fixture
def small() -> dict:
    """The tensors of a ResNet-20, its last layer called linear as in the checkpoints that are about."""
    return checkpoints.values(cifar_shapes("resnet20"))


def ours(name: str) -> str:
    return name.replace("linear.", "fc.")


def digest(tensors: dict, epsilon: float) -> str:
    """As docs/weights.md defines it."""
    sha256 = hashlib.sha256()
    for name in sorted(tensors, key=str.encode):
        dims = " ".join(map(str, tensors[name].shape))
        sha256.update(f"{name}\n{dims}\n".encode() + tensors[name].astype("<f4").tobytes())
    sha256.update(b"epsilon\n" + struct.pack("<d", epsilon))
    return sha256.hexdigest()


def imported(resbench, path: Path, *options: str) -> tuple[dict, dict, str]:
    """Tensors and attributes of the file that comes of an import, and what is printed."""
    tensors, attributes, report = converted(path, resbench.directory / "out.h5", *options)
    verified = resbench("weights", "verify", "out.h5")
    assert verified.code == 0, verified
    return tensors, attributes, import_weights.to_text(report)


def assert_same(tensors: dict, expected: dict) -> None:
    assert tensors.keys() == {ours(name) for name in expected}
    for name, value in expected.items():
        assert tensors[ours(name)].dtype == np.dtype("<f4")
        assert np.array_equal(tensors[ours(name)].view("<u4"), value.view("<u4")), name


@pytest.mark.parametrize("form", WRITERS)
def test_checkpoint(resbench, small, form):
    """The whole way: values, attributes, digest, and what a person is told."""
    kept = {"epoch": 5, "best_prec1": 91.5, "state_dict": state_dict(small, "module.")}
    path = WRITERS[form](resbench.directory / "model.bin", kept)
    result = resbench("import", path, "-o", "program.h5")
    assert result.code == 0 and result.err == "", result
    tensors, attributes, out = imported(resbench, path)
    assert result.out == f"{out}\nwritten        program.h5\n"
    made = [resbench.directory / name for name in ("program.h5", "out.h5")]
    assert made[0].read_bytes() == made[1].read_bytes()
    assert_same(tensors, small)
    expected = {
        "schema_version": 2,
        "network": "resnet20",
        "variant": "v1",
        "classes": 10,
        "epsilon": 1e-5,
        "conv_bias": 0,
        "batch_norm": 1,
        "sha256": digest(tensors, 1e-5),
    }
    for name, value in expected.items():
        assert attributes[name] == value, name
    assert json.loads(attributes["preprocessing"]) == CIFAR_PREPROCESSING
    assert "model.bin" in attributes["source"] and form in attributes["source"]
    for told in (f"({form})", "resnet20, 10 classes", "best_prec1 is 91.5", "module.", "assumed"):
        assert told in out
    assert "19 ignored (num_batches_tracked)" in out


@pytest.mark.parametrize(
    "prefix, key",
    [("", None), ("_orig_mod.module.", None), ("model.", "model"), ("net.", "net")],
)
def test_prefixes_and_places(resbench, small, prefix, key):
    state = state_dict(small, prefix)
    path = checkpoints.write_zip(resbench.directory / "m", {key: state} if key else state)
    tensors, _attributes, out = imported(resbench, path)
    assert_same(tensors, small)
    assert (prefix in out) if prefix else True


def test_averaged_weights_are_told(resbench, small):
    average = state_dict({name: value + 1 for name, value in small.items()}, "module.")
    average["n_averaged"] = Stored(np.array([9], "<i8"), (), ())
    kept = {"state_dict_ema": average, "state_dict": state_dict(small)}
    tensors, _attributes, out = imported(
        resbench, checkpoints.write_zip(resbench.directory / "m", kept)
    )
    assert_same(tensors, small)
    assert "state_dict_ema, which was not taken" in out
    path = checkpoints.write_zip(resbench.directory / "m", {"model_ema": average})
    tensors, _attributes, out = imported(resbench, path)
    assert np.array_equal(tensors["bn1.bias"], small["bn1.bias"] + 1)
    assert "under model_ema" in out and "module., which was dropped" in out


@pytest.mark.parametrize("form", WRITERS)
def test_other_types_of_float(resbench, small, form):
    """float16 and bfloat16 widen, float64 that was float32 narrows: no value changes."""
    halves = {name: value.astype("<f2") for name, value in small.items()}
    uppers = {name: (value.view("<u4") & 0xFFFF0000).view("<f4") for name, value in small.items()}
    doubles = {name: value.astype("<f8") for name, value in small.items()}
    cases = [
        ("float16", halves, {name: value.astype("<f4") for name, value in halves.items()}),
        ("bfloat16", {name: bfloat16(value) for name, value in uppers.items()}, uppers),
        ("float64", doubles, small),
    ]
    for kind, kept, expected in cases:
        path = WRITERS[form](resbench.directory / "m", state_dict(kept))
        tensors, _attributes, out = imported(resbench, path)
        assert_same(tensors, expected)
        assert f"values are {kind}" in out
    doubles["layer1.0.bn1.bias"][3] = 1 / 3
    sentence = refusal_of(WRITERS[form](resbench.directory / "m", state_dict(doubles)))
    assert "layer1.0.bn1.bias" in sentence and "float64" in sentence


@pytest.mark.parametrize("form", WRITERS)
def test_views_of_storages(resbench, small, form):
    """Channels-last, an offset into a storage with a gap, and one storage for two tensors."""
    kept = dict(small)
    weight = small["layer2.0.conv1.weight"]
    last = np.ascontiguousarray(weight.transpose(0, 2, 3, 1))
    o, i, h, w = weight.shape
    kept["layer2.0.conv1.weight"] = Stored(last.reshape(-1), weight.shape, (i * h * w, 1, w * i, i))
    padded = np.full(3 + 2 * 64, np.nan, "<f4")
    padded[3::2] = small["layer3.0.bn1.bias"]
    kept["layer3.0.bn1.bias"] = Stored(padded, (64,), (2,), 3)
    shared = np.concatenate([small["layer3.1.bn1.weight"], small["layer3.1.bn2.weight"]])
    kept["layer3.1.bn1.weight"] = Stored(shared, (64,), (1,))
    kept["layer3.1.bn2.weight"] = Stored(shared, (64,), (1,), 64)
    path = WRITERS[form](resbench.directory / "m", state_dict(kept))
    assert_same(imported(resbench, path)[0], small)


def hugging_face(name: str) -> str:
    """microsoft/resnet-50's name for torchvision's."""
    parts = name.split(".")
    kinds = {"conv": "convolution", "bn": "normalization"}
    if parts[0] == "fc":
        return f"classifier.1.{parts[1]}"
    if parts[0] in ("conv1", "bn1"):
        return f"resnet.embedder.embedder.{kinds[parts[0][:-1]]}.{parts[1]}"
    block = f"resnet.encoder.stages.{int(parts[0][5:]) - 1}.layers.{parts[1]}"
    if parts[2] == "downsample":
        kind = "convolution" if parts[3] == "0" else "normalization"
        return f"{block}.shortcut.{kind}.{parts[4]}"
    return f"{block}.layer.{int(parts[2][-1]) - 1}.{kinds[parts[2][:-1]]}.{parts[3]}"


@pytest.fixture(scope="module")
def deep() -> dict:
    return checkpoints.values(imagenet_shapes("resnet50", 11))


def test_hugging_face_safetensors_and_variants(resbench, deep):
    path = resbench.directory / "model"
    save_file({hugging_face(name): value for name, value in deep.items()}, path)
    tensors, attributes, out = imported(resbench, path)
    assert_same(tensors, deep)
    assert attributes["network"] == "resnet50" and attributes["classes"] == 11
    assert attributes["variant"] == "v1.5" and "assumed; --variant" in out
    assert json.loads(attributes["preprocessing"])["resize"] == 256
    told = report_of(path, "--variant", "v1")
    assert told["network"] == "resnet50-v1" and "variant" not in told["assumed"]
    assert told["sha256"] == attributes["sha256"]


@pytest.mark.parametrize("kind", ["F16", "BF16", "F32"])
def test_safetensors(resbench, small, kind):
    stored = {
        "F16": lambda value: value.astype("<f2"),
        "BF16": lambda value: (value.view("<u4") >> 16).astype("<u2"),
        "F32": lambda value: value,
    }[kind]
    names = {"F16": "float16", "BF16": "bfloat16", "F32": "float32"}
    entries = {
        name: {"dtype": names[kind], "shape": list(value.shape), "data": stored(value).tobytes()}
        for name, value in small.items()
    }
    path = resbench.directory / "m"
    serialize_file(entries, path, {"format": "pt"})
    expected = {
        "F16": lambda value: value.astype("<f2").astype("<f4"),
        "BF16": lambda value: (value.view("<u4") & 0xFFFF0000).view("<f4"),
        "F32": lambda value: value,
    }[kind]
    tensors = imported(resbench, path)[0]
    assert_same(tensors, {name: expected(value) for name, value in small.items()})


def test_options(resbench, small):
    path = checkpoints.write_zip(resbench.directory / "m", state_dict(small))
    own = {"order": "BGR", "divisor": 1, "mean": [1, 2, 3], "std": [1, 1, 2.5], "resize": 40, "crop": [32, 32]}  # fmt: skip
    options = ("--epsilon", "0.001", "--preprocessing", json.dumps(own))
    _tensors, attributes, out = imported(resbench, path, *options)
    assert attributes["epsilon"] == 1e-3 and json.loads(attributes["preprocessing"]) == own
    assert "assumed" not in out
    _tensors, attributes, _out = imported(resbench, path, "--preprocessing", "raw")
    assert json.loads(attributes["preprocessing"])["divisor"] == 1

    assert resbench("import", path).code == 0
    assert (resbench.directory / "resnet20.h5").exists()
    assert "is the file that is read" in resbench.fails(3, "import", path, "-o", path)
    before = sorted(resbench.directory.iterdir())
    told = json.loads(resbench("import", path, "--dry-run", "--json", "-o", "no.h5").out)
    assert told["network"] == "resnet20" and told["tensors"] == len(small)
    assert sorted(resbench.directory.iterdir()) == before


@pytest.mark.parametrize(
    "options, named",
    [
        ((), "FILE"),
        (("m", "n"), "n"),
        (("m", "--variant", "v2"), "v2"),
        (("m", "--epsilon", "0"), "'0'"),
        (("m", "--epsilon", "small"), "'small'"),
        (("m", "--preprocessing", "photos"), "'photos'"),
        (("m", "--preprocessing", "{}"), "members"),
        (("m", "--preprocessing", "[" * 4000), "'[[["),
        (("m", "--preprocessing", json.dumps({**CIFAR_PREPROCESSING, "divisor": 0})), "divisor"),
        (("m", "--preprocessing", json.dumps({**CIFAR_PREPROCESSING, "mean": [0, 0]})), "mean"),
        (
            ("m", "--preprocessing", json.dumps({**CIFAR_PREPROCESSING, "std": [1, 1, 10**400]})),
            "std",
        ),
        (("m", "--frobnicate"), "--frobnicate"),
    ],
)
def test_usage_errors(capsys, options, named):
    with pytest.raises(SystemExit) as end:
        import_weights.parse_arguments(options)
    sentence, hint = capsys.readouterr().err.splitlines()
    assert end.value.code == 2 and hint.startswith("Try `resbench import --help'")
    assert sentence.startswith("resbench import: ") and named in sentence


def refused(directory: Path, tensors: dict) -> str:
    return refusal_of(checkpoints.write_zip(directory / "m", state_dict(tensors)))


def test_differences_are_named(tmp_path, small):
    spoiled = dict(small)
    del spoiled["layer2.1.bn2.weight"]
    spoiled["layer1.0.conv1.weight"] = np.ones((16, 16, 1, 3), "<f4")
    spoiled["extra.weight"] = np.ones(3, "<f4")
    sentence = refused(tmp_path, spoiled)
    for told in (
        "nearest is resnet20",
        "missing 1 (layer2.1.bn2.weight)",
        "too many 1 (extra.weight)",
        "of another shape 1 (layer1.0.conv1.weight (16, 16, 1, 3) instead of (16, 16, 3, 3))",
    ):
        assert told in sentence, sentence
    backbone = {name: value for name, value in small.items() if "linear" not in name}
    assert "missing 2 (fc.weight, fc.bias)" in refused(tmp_path, backbone)
    shallow = {name: value for name, value in small.items() if not name.startswith("layer3.2")}
    assert "nearest is resnet20" in refused(tmp_path, shallow)
    integers = {**small, "conv1.weight": small["conv1.weight"].astype("<i8")}
    assert "conv1.weight is int64, expected floats" in refused(tmp_path, integers)


def spoil(name: str, value: float):
    def apply(tensors: dict) -> None:
        tensors[name] = tensors[name].copy()
        tensors[name].flat[-1] = value

    return apply


@pytest.mark.parametrize(
    "name, value, told",
    [
        ("module.layer3.2.conv2.weight", np.nan, "NaN"),
        ("module.linear.bias", -np.inf, "infinity"),
        ("module.layer1.1.bn1.running_var", -0.5, "negative variance, -0.5"),
    ],
)
def test_values_of_no_use(tmp_path, small, name, value, told):
    spoil(name.removeprefix("module."), value)(small)
    sentence = refused(tmp_path, {f"module.{key}": item for key, item in small.items()})
    assert f"tensor {name} " in sentence and told in sentence


def widen(shapes: dict) -> None:
    """Wide ResNet-50-2: the inner width doubles."""
    for name, shape in shapes.items():
        inner = ".conv1." in name or ".conv2." in name or ".bn1." in name or ".bn2." in name
        if name.startswith("layer") and inner:
            source = 2 if ".conv2." in name else 1
            shapes[name] = (2 * shape[0], *(source * size for size in shape[1:2]), *shape[2:])
        elif name.startswith("layer") and ".conv3." in name:
            shapes[name] = (shape[0], 2 * shape[1], *shape[2:])


def group(shapes: dict) -> None:
    for name, shape in shapes.items():
        if name.startswith("layer") and ".conv2." in name:
            shapes[name] = (shape[0], shape[1] // 32, *shape[2:])


def squeeze(shapes: dict) -> None:
    shapes["layer1.0.se.fc1.weight"] = (16, 256, 1, 1)


def deepen_stem(shapes: dict) -> None:
    del shapes["conv1.weight"]
    shapes["conv1.0.weight"] = (32, 3, 3, 3)


@pytest.mark.parametrize(
    "change, told",
    [
        (widen, "another width"),
        (group, "grouped convolutions"),
        (squeeze, "squeeze-and-excitation"),
        (deepen_stem, "three convolutions"),
    ],
)
def test_relatives_are_refused(tmp_path, change, told):
    shapes = imagenet_shapes("resnet50", 10)
    change(shapes)
    sentence = refusal_of(checkpoints.write_hollow_safetensors(tmp_path / "m", shapes))
    assert told in sentence and "nearest is resnet50:" in sentence


def real(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path


@pytest.mark.parametrize(
    "name, network, best",
    [
        ("resnet20-12fca82f.th", "resnet20", 91.78),
        ("resnet32-d509ac18.th", "resnet32", 92.78),
        ("resnet56-4bfd9763.th", "resnet56", 93.62),
    ],
)
def test_real_checkpoints(resbench, name, network, best):
    path = real(f"cifar-resnet/{name}")
    tensors, attributes, out = imported(resbench, path)
    assert attributes["network"] == network and "PyTorch checkpoint (legacy)" in out
    shapes = {key: value.shape for key, value in tensors.items()}
    assert shapes == cifar_shapes(network, last="fc")
    assert f"best_prec1 is {best}" in out


def test_a_real_checkpoint_classifies(resbench):
    """9173 of 10,000 images are right by its source; here the first 60, within 4 deviations."""
    path, images = real("cifar-resnet/resnet20-12fca82f.th"), real("cifar10/test_batch.bin")
    count, share = 60, 0.9173
    assert resbench("import", path, "-o", "w.h5").code == 0
    records = np.fromfile(images, np.uint8, count * 3073).reshape(count, 3073)
    mean = np.array(CIFAR_PREPROCESSING["mean"], "<f4").reshape(1, 3, 1, 1)
    std = np.array(CIFAR_PREPROCESSING["std"], "<f4").reshape(1, 3, 1, 1)
    pixels = records[:, 1:].reshape(count, 3, 32, 32).astype("<f4") / np.float32(255)
    with h5py.File(resbench.directory / "x.h5", "w") as file:
        file["input"] = (pixels - mean) / std
    arguments = ("--weights", "w.h5", "--input", "x.h5", "--engine", "reference", "-o", "y.h5")
    result = resbench("infer", "resnet20", *arguments)
    assert result.code == 0, result
    with h5py.File(resbench.directory / "y.h5") as file:
        answers = file["logits"][...].argmax(1)
    slack = 4 * (count * share * (1 - share)) ** 0.5
    assert abs((answers == records[:, 0]).sum() - count * share) <= slack
