"""resbench accuracy --resume: nothing lost, nothing counted twice, nothing of another job taken over."""

import json
import shutil

import pytest

from accuracy_runs import ARRAYS, IMAGES, OUR_FILES, accuracy, command, images_of, without_times
from data_set import CIFAR, RAW, random_pixels, set_attributes, write_data_set
from support import engine_path, stop, wait_for


def test_interrupted_and_resumed_is_as_uninterrupted(resbench, weights8):
    pixels = random_pixels(1500)
    data = write_data_set(resbench.directory / "set.h5", pixels, [i % 10 for i in range(1500)])
    out = resbench.directory / "out"
    process = resbench.start(*command(weights8, data))
    wait_for((out / "accuracy-images.json").exists, "the first block")
    result = stop(process)
    assert result.code == 130 and result.err == "resbench: interrupted\n", result
    assert sorted(path.name for path in out.iterdir()) == OUR_FILES
    assert "interrupted: not all images are done" in result.out
    done = {name: engine["done"] for name, engine in images_of(out).items()}
    assert 0 < done["oracle"] < 1500
    before = images_of(out)

    result = resbench(*command(weights8, data, "--resume"))
    assert result.code == 0, result
    assert f"resuming oracle: images that are done already: {done['oracle']}\n" in result.out
    after = images_of(out)
    for name, count in done.items():
        assert after[name]["score"][:count] == before[name]["score"]
        assert after[name]["call_ns"] > before[name]["call_ns"]
    assert resbench(*command(weights8, data, output="whole")).code == 0
    assert without_times(out) == without_times(resbench.directory / "whole")


def test_a_crashed_engine_is_tried_again_where_it_ended(resbench, weights8, data):
    """crash_late runs five times in each process: it comes a little further every time."""
    engines = f"oracle,reference,{engine_path('crash_late')}"
    arguments = (weights8, data, "--batch", "4")
    rows, _, _ = accuracy(resbench, *arguments, code=8, engines=engines)
    first = rows["crash_late"]["images"]
    assert first in (4, 8, 12, 16, 20) and rows["oracle"]["images"] == IMAGES  # whole blocks
    times = images_of(resbench.directory / "out")["oracle"]["call_ns"]
    rows, _, _ = accuracy(resbench, *arguments, "--resume", code=8, engines=engines)
    assert first < rows["crash_late"]["images"] <= first + 20
    engine = images_of(resbench.directory / "out")["crash_late"]
    assert None not in engine["rel_l2"] and max(engine["rel_l2"]) < 2e-6
    assert images_of(resbench.directory / "out")["oracle"]["call_ns"] == times


def test_what_went_on_without_the_oracle_is_compared_on_resume(resbench, weights8, data):
    accuracy(resbench, weights8, data)
    file = resbench.directory / "out/accuracy-images.json"
    whole = images_of(file.parent)
    root = json.loads(file.read_text())
    for engine in root["engines"]:
        if engine["engine"] == "oracle":
            engine.update(done=16, failure="CRASHED", failure_note="run: killed")
            engine.update({key: value[:16] for key, value in engine.items() if key in ARRAYS})
        else:
            for key in ("oracle_score", "max_abs_error", "rel_l2"):
                engine[key][16:] = (IMAGES - 16) * [None]
    file.write_text(json.dumps(root))
    rows, _, _ = accuracy(resbench, weights8, data, "--resume")
    assert rows["reference"]["parity"] == rows["onednn"]["parity"] == "PASS"
    for name, engine in images_of(file.parent).items():
        assert all(engine[key] == whole[name][key] for key in ARRAYS)
        assert engine["failure"] == "-" and engine["failure_note"] == ""


def test_another_version_of_an_engine_is_not_comparable(resbench, weights8, data):
    engines = f"reference,{engine_path('crash_late')}"
    accuracy(resbench, weights8, data, "--batch", "6", code=8, engines=engines)
    file = resbench.directory / "out/accuracy-images.json"
    root = json.loads(file.read_text())
    root["engines"][1]["version"] = "0.before"
    file.write_text(json.dumps(root))
    more = ("--batch", "6", "--resume")
    sentence = resbench.fails(7, *command(weights8, data, *more, engines=engines))
    assert "crash_late is version" in sentence and "0.before" in sentence


def test_a_network_with_the_same_tensors_is_another(resbench, data):
    """resnet50 and resnet50-v1 differ in strides alone, and so have one SHA-256."""
    weights = resbench.directory / "w.h5"
    assert resbench("weights", "synth", "resnet50", "-o", weights).code == 0
    arguments = (weights, data, "--limit", "1", "--batch", "1")
    accuracy(resbench, *arguments, engines="onednn")
    set_attributes(weights, network="resnet50-v1", variant="v1")
    other = command(*arguments, "--resume", engines="onednn")
    assert "another network;" in resbench.fails(7, *other)


def test_resume_of_what_is_complete_changes_nothing(resbench, weights8, data):
    accuracy(resbench, weights8, data)
    before = (resbench.directory / "out/accuracy-images.json").read_bytes()
    accuracy(resbench, weights8, data, "--resume")
    assert (resbench.directory / "out/accuracy-images.json").read_bytes() == before


@pytest.mark.parametrize(
    "change, named",
    [
        ("batch", "batch"),
        ("limit", "images"),
        ("weights", "weights_sha256"),
        ("data", "data_sha256"),
        ("engines", "engines"),
        ("threads", "threads"),
        ("preprocessing", "normalisation"),
        ("a digit of the mean", "normalisation"),
    ],
)
def test_other_settings_are_not_comparable(resbench, weights8, data, change, named):
    weights = resbench.directory / "w.h5"
    shutil.copyfile(weights8, weights)
    almost = {**CIFAR, "mean": [0.4850003, *CIFAR["mean"][1:]]}
    set_attributes(weights, preprocessing=json.dumps(CIFAR))
    accuracy(resbench, weights, data, engines="reference")
    before = (resbench.directory / "out/accuracy-images.json").read_bytes()
    more, engines = ["--resume"], "reference"
    if change in ("batch", "limit", "threads"):
        more += [f"--{change}", "2"]
    elif change == "weights":
        assert resbench("weights", "synth", "resnet8", "--seed", "2", "-o", weights).code == 0
    elif change == "data":
        data = write_data_set(resbench.directory / "set.h5", random_pixels(IMAGES), IMAGES * [1])
    elif change == "engines":
        engines = "oracle,reference"
    elif change == "preprocessing":
        set_attributes(weights, preprocessing=json.dumps(RAW))
    else:
        set_attributes(weights, preprocessing=json.dumps(almost))
    sentence = resbench.fails(7, *command(weights, data, *more, engines=engines))
    assert named in sentence and "another" in sentence
    assert (resbench.directory / "out/accuracy-images.json").read_bytes() == before


def test_damaged_results_are_refused(resbench, weights8, data):
    out = resbench.directory / "out"
    accuracy(resbench, weights8, data, engines="reference")
    text = (out / "accuracy-images.json").read_text()
    for damaged in (
        text[: len(text) // 2],
        "",
        text.replace('"rank":[', '"rank":[99,', 1),
    ):
        (out / "accuracy-images.json").write_text(damaged)
        sentence = resbench.fails(3, *command(weights8, data, "--resume", engines="reference"))
        assert "accuracy-images.json" in sentence
    assert "holds results already" in resbench.fails(2, *command(weights8, data))
