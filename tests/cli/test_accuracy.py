"""resbench accuracy: counts against numpy's, the rules, and what it refuses."""

import csv
import json
import shutil

import h5py
import numpy as np
import pytest

from accuracy_runs import IMAGES, accuracy, command, images_of
from data_set import CAFFE, CIFAR, RAW, TORCHVISION
from data_set import normalise, random_pixels, set_attributes, write_data_set
from infer_runs import oracle_logits
from support import engine_path
from test_progress import run_on_terminal


def wilson(right, n, z=1.959963984540054):
    """The two shares p with |right / n - p| = z sqrt(p (1 - p) / n)."""
    return sorted(np.roots([n + z * z, -(2 * right + z * z), right * right / n]).real)


def test_counts_are_those_of_the_logits(resbench, weights8, data):
    rows, report, result = accuracy(resbench, weights8, data, "--batch", "3")
    with h5py.File(data) as file:
        pixels, labels = file["images"][...], file["labels"][...]
    logits = oracle_logits(resbench, weights8, normalise(pixels, CIFAR))
    known = labels >= 0
    top1 = (logits.argmax(1) == labels)[known].sum()
    order = np.argsort(-logits, axis=1)[:, :5]
    top5 = (order == labels[:, None]).any(1)[known].sum()
    assert 0 < top1 < top5 < known.sum()
    for engine in ("oracle", "reference", "onednn"):
        row = rows[engine]
        assert (row["images"], row["labelled"]) == (IMAGES, known.sum())
        assert (row["top1_right"], row["top5_right"]) == (top1, top5)
        assert row["top1_percent"] == pytest.approx(100 * top1 / known.sum())
        low, high = wilson(top1, known.sum())
        assert row["top1_low_percent"] == pytest.approx(100 * low)
        assert row["top1_high_percent"] == pytest.approx(100 * high)
        assert row["images_per_second"] > 0
        assert row["parity"] == ("-" if engine == "oracle" else "PASS")
    assert all(pair["same"] == pair["images"] == IMAGES for pair in report["agreement"])
    assert len(report["agreement"]) == 3 and report["differences"] == []
    oracle = images_of(resbench.directory / "out")["oracle"]
    assert oracle["top1"] == logits.argmax(1).tolist()
    assert oracle["score"] == logits.max(1).tolist()
    second, first = np.sort(logits, axis=1)[:, -2:].T
    assert oracle["margin"] == (first - second).tolist()
    with open(resbench.directory / "out/accuracy.csv", newline="") as file:
        assert [row["top1_right"] for row in csv.DictReader(file)] == 3 * [str(top1)]
    assert "synthetic" in result.out and "of the data set" in result.out
    lines = [line for line in result.out.splitlines() if not line.startswith("weights: ")]  # a path
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("preprocessing", [RAW, CAFFE, CIFAR])
def test_pixels_are_normalised_as_the_weights_say(resbench, weights8, data, preprocessing):
    weights = resbench.directory / "w.h5"
    shutil.copyfile(weights8, weights)
    set_attributes(weights, preprocessing=json.dumps(preprocessing))
    _, _, result = accuracy(resbench, weights, data, "--limit", "6", engines="oracle")
    assert f"normalisation: {preprocessing['order']}, " in result.out
    assert "of the weights" in result.out
    with h5py.File(data) as file:
        pixels = file["images"][:6]
    logits = oracle_logits(resbench, weights, normalise(pixels, preprocessing))
    assert images_of(resbench.directory / "out")["oracle"]["score"] == logits.max(1).tolist()


def test_another_geometry_is_told(resbench, weights18, tmp_path):
    weights = resbench.directory / "w.h5"
    shutil.copyfile(weights18, weights)
    set_attributes(weights, preprocessing=json.dumps(TORCHVISION))
    small = write_data_set(tmp_path / "small.h5", random_pixels(2), [999, 3], classes=1000)
    _, report, result = accuracy(resbench, weights, small, engines="onednn")
    wished, found = "resize 256, crop 224x224", "no resize, crop 32x32"
    assert f"note: the weights were made for images of {wished}; the data set has {found}" in (
        result.out
    )
    assert any(wished in note for note in report["notes"])


def test_a_wrong_engine_with_the_same_top1_fails(resbench, weights8, data):
    engines = f"oracle,reference,{engine_path('wrong')}"
    rows, _, result = accuracy(resbench, weights8, data, code=1, engines=engines)
    assert rows["wrong"]["parity"] == "FAIL" and rows["reference"]["parity"] == "PASS"
    assert rows["wrong"]["top1_right"] == rows["oracle"]["top1_right"]
    assert rows["wrong"]["differ"] == 0
    assert "relative L2 error 1.00e-03" in rows["wrong"]["note"]
    assert f"wrong: FAIL: {rows['wrong']['note']}\n" in result.out


def test_images_that_differ_are_named(resbench, weights8, data):
    engines = f"oracle,{engine_path('swap')}"
    rows, report, result = accuracy(
        resbench, weights8, data, "--batch", "2", code=1, engines=engines
    )
    images = images_of(resbench.directory / "out")
    differing = [
        i
        for i, pair in enumerate(zip(images["oracle"]["top1"], images["swap"]["top1"]))
        if len(set(pair)) > 1
    ]
    assert differing and rows["swap"]["differ"] == len(differing)
    assert [entry["image"] for entry in report["differences"]] == differing
    first = report["differences"][0]
    i = differing[0]
    assert first["name"] == f"photo {i}.png" and f"image {i} (photo {i}.png): oracle " in result.out
    assert first["oracle_top1"] == images["oracle"]["top1"][i]
    assert first["margin"] == images["oracle"]["margin"][i]
    assert first["limit"] == 2 * max(images["swap"]["max_abs_error"])
    same = IMAGES - len(differing)
    assert f"oracle and swap: the same top-1 on {same} of {IMAGES} images\n" in result.out


@pytest.mark.parametrize(
    "fault, code, verdict, words",
    [
        ("crash", 8, "CRASHED", "SIGSEGV"),
        ("crash_open", 8, "CRASHED", "open:"),
        ("hang", 8, "TIMEOUT", "2 s"),
        ("nan", 1, "FAIL", "NaN"),
        ("stale", 1, "FAIL", "NaN"),
        ("constant", 1, "FAIL", "relative L2"),
        ("error", 1, "FAIL", "would rather not"),
        ("unsupported", 6, "UNSUPPORTED", "no network at all"),
    ],
)
def test_an_engine_that_misbehaves_costs_its_row(
    resbench, weights8, data, fault, code, verdict, words
):
    engines = f"{engine_path(fault)},oracle,reference"
    arguments = ("--batch", "2", "--timeout", "2")
    rows, _, _ = accuracy(resbench, weights8, data, *arguments, code=code, engines=engines)
    assert rows[fault]["parity"] == verdict and words in rows[fault]["note"], rows[fault]
    assert rows["reference"]["parity"] == "PASS" and rows["reference"]["images"] == IMAGES
    assert resbench.processes() == []


def test_without_the_oracle_nothing_is_judged(resbench, weights8, data):
    rows, report, result = accuracy(resbench, weights8, data, engines="reference,onednn")
    for row in rows.values():
        assert row["parity"] == "-" and "not judged" in row["note"]
        assert row["rel_l2"] is None and row["differ"] is None
    assert report["agreement"] == [
        {"engines": ["reference", "onednn"], "images": IMAGES, "same": IMAGES}
    ]
    assert "PASS" not in result.out


def test_without_labels_only_agreement_is_told(resbench, weights8):
    data = resbench.directory / "set.h5"
    write_data_set(data, random_pixels(5), 5 * [-1], classes=0)
    rows, _, _ = accuracy(resbench, weights8, data, engines="oracle,onednn")
    assert rows["onednn"]["parity"] == "PASS" and rows["onednn"]["labelled"] == 0
    for key in ("top1_right", "top1_percent", "top1_low_percent", "top5_percent"):
        assert rows["onednn"][key] is None


def test_equal_logits_are_counted_against_the_label(resbench, weights8):
    """With fc zero all logits are the biases: two of them equal, one in front."""
    weights, data = resbench.directory / "w.h5", resbench.directory / "set.h5"
    shutil.copyfile(weights8, weights)
    with h5py.File(weights, "r+") as file:
        file["fc.weight"][...] = 0
        file["fc.bias"][...] = [4, 9, 8, 8, 6, 4, 3, 2, 1, 0]
    write_data_set(data, random_pixels(4), [1, 3, 0, 5])
    rows, _, _ = accuracy(resbench, weights, data, engines="oracle")
    images = images_of(resbench.directory / "out")["oracle"]
    assert images["top1"] == [1, 1, 1, 1]
    assert images["rank"] == [1, 3, 6, 6]  # 0 and 5 share places five and six
    assert (rows["oracle"]["top1_right"], rows["oracle"]["top5_right"]) == (1, 2)


def test_labels_beyond_the_classes_are_refused(resbench, weights8):
    data = resbench.directory / "set.h5"
    write_data_set(data, random_pixels(3), [0, 9, 10], classes=11)
    sentence = resbench.fails(3, *command(weights8, data))
    assert "image 2 has label 10" in sentence and "10 classes (0..9)" in sentence
    assert not (resbench.directory / "out").exists()
    rows, _, result = accuracy(resbench, weights8, data, "--limit", "2", engines="oracle")
    assert rows["oracle"]["images"] == 2
    assert "note: the data set has 11 classes, the network 10" in result.out


def test_images_too_small_for_any_network_are_refused(resbench, weights8):
    data = write_data_set(resbench.directory / "set.h5", random_pixels(3, size=16), [0, 1, 2])
    assert "images of 16x16, expected 32 to" in resbench.fails(3, *command(weights8, data))


def test_what_cannot_be_read_is_refused(resbench, weights8, data):
    missing, text = resbench.directory / "missing.h5", resbench.directory / "text.h5"
    text.write_text("no HDF5\n")
    for weights, images in (
        (weights8, missing),
        (weights8, text),
        (missing, data),
        (data, data),
    ):
        sentence = resbench.fails(3, *command(weights, images))
        assert str(images if weights == weights8 else weights) in sentence
    assert "needed" in resbench.fails(2, "accuracy", "--weights", weights8)
    assert "-o" in resbench.fails(2, "accuracy", "-w", "w", "--data", "d", "--resume")
    assert not (resbench.directory / "out").exists()


def test_a_damaged_block_ends_the_job_and_what_is_done_stays(resbench, weights8):
    """Image 40 does not have its checksum; how many blocks come before it depends on the time they take."""
    data = write_data_set(resbench.directory / "set.h5", random_pixels(IMAGES), IMAGES * [1])
    with h5py.File(data, "r+") as file:
        pixels = file["images"][...]
        del file["images"]
        chunks = (1, *pixels.shape[1:])
        images = file.create_dataset("images", data=pixels, chunks=chunks, fletcher32=True)
        place = images.id.get_chunk_info_by_coord((40, 0, 0, 0))
    with open(data, "r+b") as raw:
        raw.seek(place.byte_offset)
        raw.write(b"damaged")
    sentence = resbench.fails(3, *command(weights8, data, engines="oracle,onednn"))
    assert "set.h5" in sentence
    done = {name: engine["done"] for name, engine in images_of(resbench.directory / "out").items()}
    assert done["oracle"] == done["onednn"] and done["oracle"] in (8, 16, 24, 32, 40)


def test_engines_in_this_process_say_the_same(resbench, weights8, data):
    accuracy(resbench, weights8, data)
    accuracy(resbench, weights8, data, "--no-worker", output="inside")
    apart, inside = (images_of(resbench.directory / name) for name in ("out", "inside"))
    for engine in ("oracle", "reference", "onednn"):
        assert apart[engine]["score"] == inside[engine]["score"]


def test_progress_is_shown_on_a_terminal(resbench, weights8, data):
    code, out, shown = run_on_terminal(resbench, *command(weights8, data))
    assert code == 0 and "\r" not in out
    assert f"onednn: 48 of {IMAGES} images" in shown
    assert " left" in shown and shown.endswith("\r\033[K")
