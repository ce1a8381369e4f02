"""resbench import: layers models of TensorFlow.js, and what is refused of them."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from importing import refusal_of, report_of
from keras_files import resnet8, write_tfjs
from support import program_path

# A process starts with the peak of the one that made it, so a small one is between.
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
BESIDE = Path(__file__).resolve().parents[3] / "shared"
MODEL = Path(os.environ.get("RESBENCH_SHARED", BESIDE)) / "data" / "resnet50-keras-tfjs"


@pytest.mark.parametrize("shard_bytes", [1 << 30, 4 << 10, 997])  # cut within tensors and floats
def test_shards_of_every_size(resbench, tmp_path, shard_bytes):
    model = resnet8()
    path = write_tfjs(tmp_path / "model", model, shard_bytes)
    for source in (path, path / "model.json"):
        result = resbench("import", source, "-o", "w.h5")
        assert result.code == 0 and result.err == "", result
        with h5py.File(resbench.directory / "w.h5") as file:
            expected = model.tensors()
            assert set(file) == set(expected) and file.attrs["network"] == "resnet8"
            assert all(np.array_equal(file[name][()], expected[name]) for name in expected)


def test_topology_without_model_config(tmp_path):
    path = write_tfjs(tmp_path / "model", resnet8()) / "model.json"
    manifest = json.loads(path.read_text())
    topology = manifest["modelTopology"]["model_config"]
    for form in (topology, json.dumps(topology), {"model_config": json.dumps(topology)}):
        manifest["modelTopology"] = form
        path.write_text(json.dumps(manifest))
        assert report_of(path)["network"] == "resnet8"


def group(manifest: dict) -> dict:
    return manifest["weightsManifest"][0]


def weight(manifest: dict) -> dict:
    return group(manifest)["weights"][3]


SPOILT = {
    "quantised": (
        lambda m: weight(m).update(quantization={"dtype": "uint8", "min": 0, "scale": 1}),
        "quantised",
    ),
    "integers": (lambda m: weight(m).update(dtype="int32"), "'int32'"),
    "no type": (lambda m: weight(m).pop("dtype"), "float32"),
    "no name": (lambda m: weight(m).pop("name"), "without a name"),
    "twins": (lambda m: weight(m).update(name=group(m)["weights"][0]["name"]), "two tensors"),
    "negative": (lambda m: weight(m).update(shape=[-1, 4]), "shape [-1, 4]"),
    "vast": (lambda m: weight(m).update(shape=[1 << 30, 1 << 30, 4]), "ends at byte"),
    "too vast": (lambda m: weight(m).update(shape=[1 << 62]), "shape"),
    "fractions": (lambda m: weight(m).update(shape=[1.5]), "shape"),
    "left over": (lambda m: group(m)["weights"].pop(), "bytes, its tensors"),
    "no shards": (lambda m: group(m).update(paths=[]), "ends at byte"),
    "no list": (lambda m: group(m).update(paths="x"), "no list"),
    "a number": (lambda m: m.update(weightsManifest=3), "weightsManifest"),
    "a graph": (lambda m: m.update(format="graph-model"), "graph model"),
    "no topology": (lambda m: m.pop("modelTopology"), "modelTopology"),
    "above": (lambda m: group(m)["paths"].insert(0, "../model/model.json"), "outside"),
    "absolute": (lambda m: group(m)["paths"].insert(0, "/etc/passwd"), "outside"),
    "address": (lambda m: group(m)["paths"].insert(0, "http://localhost/x"), "path of a file"),
    "a link": (lambda m: group(m)["paths"].insert(0, "link.bin"), "outside"),
    "a pipe": (lambda m: group(m)["paths"].insert(0, "pipe.bin"), "regular file"),
    "missing": (lambda m: group(m)["paths"].insert(0, "missing.bin"), "No such file"),
    "nul": (lambda m: group(m)["paths"].insert(0, "a\0b"), "path of a file"),
    "itself": (lambda m: group(m)["paths"].insert(0, "."), "regular file"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_refused(tmp_path, name):
    spoil, word = SPOILT[name]
    path = write_tfjs(tmp_path / "model", resnet8())
    (tmp_path / "beside.bin").write_bytes(bytes(4))
    (path / "link.bin").symlink_to(tmp_path / "beside.bin")
    os.mkfifo(path / "pipe.bin")
    manifest = json.loads((path / "model.json").read_text())
    spoil(manifest)
    (path / "model.json").write_text(json.dumps(manifest))
    assert word in refusal_of(path / "model.json")


@pytest.mark.parametrize("change", [-1, 1])
def test_a_shard_of_another_size(tmp_path, change):
    path = write_tfjs(tmp_path / "model", resnet8())
    shard = path / "group1-shard2of4.bin"
    os.truncate(shard, shard.stat().st_size + change)
    assert "shards" in refusal_of(path / "model.json")


def test_nested_json(resbench, tmp_path):
    path = tmp_path / "model.json"
    path.write_text('{"weightsManifest": ' + "[" * 1_000_000)
    assert "nested too deeply" in resbench.fails(3, "import", path)


def test_a_directory_without_a_model(resbench, tmp_path):
    assert str(tmp_path) in resbench.fails(3, "import", tmp_path)


def test_real_resnet50(resbench):
    """In seconds, within twice the file in memory, and bit for bit what the shards hold."""
    if not MODEL.exists():
        pytest.skip(f"{MODEL} is not there")
    size = sum(file.stat().st_size for file in MODEL.iterdir())
    start = time.monotonic()
    peak = subprocess.run(
        [sys.executable, "-c", PEAK, program_path(), "import", MODEL, "-o", "w.h5"],
        cwd=resbench.directory,
        env=resbench.environment(),
        check=True,
        capture_output=True,
    )
    assert time.monotonic() - start < 60
    assert 1024 * int(peak.stdout.splitlines()[-1]) < 2 * size
    assert resbench("weights", "verify", "w.h5").code == 0
    with h5py.File(resbench.directory / "w.h5") as file:
        assert file.attrs["network"] == "resnet50-v1" and file.attrs["epsilon"] == 1e-3
        assert len(file) == 320 and file.attrs["conv_bias"] == 1
        order = json.loads(file.attrs["preprocessing"])["order"]
        assert order == "BGR"
        # The manifest begins with bn2a_branch1: gamma, beta, moving mean and variance of 256 floats.
        values = np.fromfile(MODEL / "group1-shard1of25.bin", "<f4", 1024).reshape(4, 256)
        names = ("weight", "bias", "running_mean", "running_var")
        for name, value in zip(names, values, strict=True):
            assert np.array_equal(file[f"layer1.0.downsample.1.{name}"][()], value)
