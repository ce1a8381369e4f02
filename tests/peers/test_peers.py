"""Exported files in ONNX Runtime and torch, against the oracle: synthetic networks, and real ones if they are there."""

import json
import os
import subprocess
from pathlib import Path

import compare
import h5py
import numpy as np
import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
CIFAR = {"order": "RGB", "divisor": 255, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
         "resize": None, "crop": [32, 32]}  # fmt: skip

pytestmark = pytest.mark.skipif(
    not compare.find_peers(), reason="no peer is installed (onnxruntime, torch)"
)


def resbench(*arguments) -> None:
    subprocess.run([os.environ["RESBENCH_PROGRAM"], *map(str, arguments)], check=True)


@pytest.fixture
def images(tmp_path) -> Path:
    def make(size: int) -> Path:
        values = np.random.default_rng(5).standard_normal((3, 3, *size), np.float32)
        with h5py.File(tmp_path / "x.h5", "w") as file:
            file["input"] = values
        return tmp_path / "x.h5"

    return make


def test_in_one_run(tmp_path):
    """All that are installed, in the rows of one run; those that are not are skipped in a sentence."""
    listed = subprocess.run(
        [os.environ["RESBENCH_PROGRAM"], "list", "--peers"], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    there = [line.split()[0] for line in listed if "cannot be used" not in line]
    if not there:
        pytest.skip("no peer is installed where resbench looks (ci/setup --peers)")
    resbench("run", "--quick", "--threads", "1", "--depths", "8,20,18", "--batch", "1,3", "--engines",
             ",".join(["onednn", *there]), "--output", tmp_path / "run")  # fmt: skip
    records = json.loads((tmp_path / "run" / "results.json").read_text())["resbench"]["records"]
    assert len(records) == 6 * (1 + len(there))
    for record in records:
        assert record["verdict"] == "PASS" and record["peak_rss_bytes"] > 0, record
        assert bool(record["settings"]) == (record["engine"] != "onednn"), record


@pytest.mark.parametrize("network", ["resnet18", "resnet50", "resnet50-v1", "resnet152"])
def test_imagenet_networks(tmp_path, images, network):
    resbench("weights", "synth", network, "-o", tmp_path / "w.h5")
    assert compare.main([str(tmp_path / "w.h5"), "--input", str(images((64, 96)))]) == 0


@pytest.mark.parametrize("network", ["resnet8", "resnet20", "resnet56"])
def test_cifar_networks(tmp_path, images, network):
    resbench("weights", "synth", network, "-o", tmp_path / "w.h5")
    assert compare.main([str(tmp_path / "w.h5"), "--input", str(images((32, 32)))]) == 0


def test_a_wrong_tensor_is_found(tmp_path, images, monkeypatch):
    """The comparison must be able to fail: ours runs other weights than those exported."""
    resbench("weights", "synth", "resnet8", "-o", tmp_path / "w.h5")
    resbench("weights", "synth", "resnet8", "-o", tmp_path / "other.h5", "--seed", "2")
    real = compare.Case.ours

    def ours(case, batch):
        case.weights = tmp_path / "other.h5"
        return real(case, batch)

    monkeypatch.setattr(compare.Case, "ours", ours)
    assert compare.main([str(tmp_path / "w.h5"), "--input", str(images((32, 32)))]) == 1


def test_real_images(tmp_path):
    """ResNet-20 on CIFAR-10: 91.73 % are right of all 10,000, so of 200 more than 170."""
    checkpoints = sorted(SHARED.glob("cifar-resnet/resnet20-*.th"))
    if not checkpoints:
        pytest.skip(f"{SHARED} is not there")
    resbench("import", checkpoints[0], "-o", tmp_path / "w.h5")
    raw = np.fromfile(SHARED / "cifar10" / "test_batch.bin", np.uint8).reshape(-1, 3073)[:200]
    with h5py.File(tmp_path / "set.h5", "w") as file:
        file["images"] = raw[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        file["labels"] = raw[:, 0].astype(np.int32)
        file.attrs["preprocessing"] = json.dumps(CIFAR)
    arguments = compare.parse_arguments(
        [str(tmp_path / "w.h5"), "--data", str(tmp_path / "set.h5")]
    )
    for tally in compare.compare(arguments, compare.find_peers()).values():
        assert tally.passes(), tally
        assert tally.labelled == 200 and tally.right > 170, tally
