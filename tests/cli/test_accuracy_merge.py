"""resbench accuracy --shard and resbench merge: what one job finds, found in parts."""

import json
import shutil
from pathlib import Path

import pytest

from accuracy_runs import ARRAYS, IMAGES, OUR_FILES, command, images_of, without_times
from data_set import random_pixels, write_data_set
from support import engine_path, stop, wait_for

SHARDS = 3


def report_of(directory: Path) -> dict:
    return json.loads((directory / "accuracy.json").read_text())


@pytest.fixture(scope="module")
def whole(shared, weights8, data) -> Path:
    assert shared(*command(weights8, data, output="whole")).code == 0
    return shared.directory / "whole"


@pytest.fixture(scope="module")
def shards(shared, weights8, data) -> list[Path]:
    for i in range(1, SHARDS + 1):
        run = shared(*command(weights8, data, "--shard", f"{i}/{SHARDS}", output=f"shard-{i}"))
        assert run.code == 0 and "not judged: 'resbench merge' judges" in run.out, run
    return [shared.directory / f"shard-{i}" for i in range(1, SHARDS + 1)]


@pytest.fixture
def copies(shards, tmp_path):
    """The same, for a test that changes them."""
    return [Path(shutil.copytree(shard, tmp_path / shard.name)) for shard in shards]


def change(directory: Path, edit) -> None:
    file = directory / "accuracy-images.json"
    root = json.loads(file.read_text())
    edit(root)
    file.write_text(json.dumps(root))


def cut(root: dict, name: str, done: int, **members) -> None:
    """An engine of a part, as it stood after `done` images."""
    for engine in root["engines"]:
        if engine["engine"] == name:
            engine.update(done=done, called_images=done, **members)
            engine.update({key: engine[key][:done] for key in ARRAYS})


def test_parts_have_every_image_once(shards):
    ranges = [json.loads((s / "accuracy-images.json").read_text())["identity"] for s in shards]
    found = [(r["first_image"], r["images"], r["of_images"]) for r in ranges]
    assert found == [(0, 24, IMAGES), (24, 16, IMAGES), (40, 10, IMAGES)]  # 7 batches of 8


def test_merged_is_as_one_job(resbench, shards, whole):
    merged = resbench("merge", *reversed(shards), "-o", "merged")
    assert merged.code == 0 and merged.err == "", merged
    out = resbench.directory / "merged"
    assert sorted(path.name for path in out.iterdir()) == OUR_FILES
    assert without_times(out) == without_times(whole)
    one, other = report_of(whole), report_of(out)
    for report in (one, other):
        for row in report["engines"]:
            del row["images_per_second"]
        del report["context"], report["title"]
    assert one == other
    assert [row["parity"] for row in other["engines"]] == ["-", "PASS", "PASS"]
    assert f"the same top-1 on {IMAGES} of {IMAGES} images" in merged.out
    spent = sum(images_of(shard)["onednn"]["call_ns"] for shard in shards)
    assert images_of(out)["onednn"]["call_ns"] == pytest.approx(spent)


def test_differences_are_named_by_their_place_in_the_data_set(resbench, weights8, data):
    """nan breaks the fifth image of every batch of 8."""
    engines, places = f"oracle,{engine_path('nan')}", [4, 12, 20, 28, 36, 44]
    for i, first in ((1, 4), (2, 36)):
        more = ("--shard", f"{i}/2")
        run = resbench(*command(weights8, data, *more, engines=engines, output=f"part-{i}"))
        assert run.code == 1 and f"of image {first} first" in run.out, run
    assert resbench(*command(weights8, data, engines=engines, output="one")).code == 1
    assert resbench("merge", "part-1", "part-2", "-o", "merged").code == 1
    one, merged, part = (
        report_of(resbench.directory / name)["differences"] for name in ("one", "merged", "part-2"))
    assert one == merged and [difference["image"] for difference in one] == places
    assert [(d["image"], d["name"], d["label"], d["oracle_score"]) for d in part] == [
        (d["image"], d["name"], d["label"], d["oracle_score"]) for d in one if d["image"] >= 32]
    assert [d["name"] for d in part] == ["photo 36.png", "photo 44.png"]


def test_what_is_missing_is_named(resbench, copies):
    sentence = resbench.fails(3, "merge", copies[0], copies[2], "-o", "merged")
    assert f"images 24..39 of {IMAGES} are in none" in sentence and "--partial" in sentence
    assert f"images 0..23, 40..49 of {IMAGES}" in resbench.fails(3, "merge", copies[1], "-o", "merged")
    sentence = resbench.fails(3, "merge", copies[0], copies[2], "--partial", "-o", "merged")
    assert "images 24..39" in sentence and "follow each other" in sentence

    change(copies[1], lambda root: cut(root, "reference", 8))
    sentence = resbench.fails(3, "merge", *copies, "-o", "merged")
    assert "shard-2" in sentence and "reference has done 8 of 16 images" in sentence
    assert "--resume" in sentence and not (resbench.directory / "merged").exists()


def test_partial_results_are_a_part_that_can_be_merged(resbench, copies, whole):
    first = resbench("merge", *copies[:2], "--partial", "-o", "first")
    assert first.code == 0 and "not judged: 'resbench merge' judges" in first.out, first
    assert resbench("merge", copies[2], "first", "-o", "merged").code == 0
    assert without_times(resbench.directory / "merged") == without_times(whole)


def test_a_partial_result_goes_on_as_one_job(resbench, weights8, data, copies, whole):
    change(copies[1], lambda root: cut(root, "reference", 8))
    assert resbench("merge", *copies, "--partial", "-o", "merged").code == 0
    done = {name: e["done"] for name, e in images_of(resbench.directory / "merged").items()}
    assert done == {"oracle": IMAGES, "reference": 32, "onednn": IMAGES}
    assert resbench(*command(weights8, data, "--resume", output="merged")).code == 0
    assert without_times(resbench.directory / "merged") == without_times(whole)


def test_an_engine_that_failed_in_a_part_ends_there(resbench, copies):
    failed = {"failure": "CRASHED", "failure_note": "run: killed"}
    change(copies[1], lambda root: cut(root, "onednn", 8, **failed))
    assert resbench("merge", *copies, "-o", "merged").code == 8
    rows = {row["engine"]: row for row in report_of(resbench.directory / "merged")["engines"]}
    assert rows["onednn"]["parity"] == "CRASHED" and rows["onednn"]["images"] == 32
    assert rows["reference"]["parity"] == "PASS" and rows["reference"]["images"] == IMAGES


def test_nothing_is_counted_twice(resbench, copies):
    sentence = resbench.fails(3, "merge", *copies, copies[1], "-o", "merged")
    assert "shard-2" in sentence and "both have image 24" in sentence
    assert "both have image 0" in resbench.fails(3, "merge", copies[0], copies[0], "-o", "merged")

    def overlap(root):
        root["identity"]["first_image"] = 16

    change(copies[1], overlap)
    sentence = resbench.fails(3, "merge", *copies, "-o", "merged")
    assert "shard-1" in sentence and "shard-2" in sentence and "both have image 16" in sentence


@pytest.mark.parametrize(
    "member, value",
    [
        ("resbench", "9.9.9"),
        ("network", "resnet20"),
        ("weights_sha256", "0" * 64),
        ("data_sha256", "0" * 64),
        ("of_images", 60),
        ("normalisation", "another"),
        ("batch", 4),
        ("threads", 7),
        ("engines", "sha256"),
        ("version", "0.before"),
    ],
)
def test_unlike_jobs_are_refused(resbench, copies, member, value):
    def edit(root):
        if member == "engines":
            root["identity"]["engines"][2]["sha256"] = "0" * 64
        elif member == "version":
            root["engines"][2]["version"] = value
        else:
            root["identity"][member] = value

    change(copies[1], edit)
    sentence = resbench.fails(7, "merge", *copies, "-o", "merged")
    assert member in sentence and "shard-1" in sentence and "shard-2" in sentence
    assert not (resbench.directory / "merged").exists()


def test_another_processor_is_a_note(resbench, copies):
    change(copies[1], lambda root: root["identity"].update(cpu_model="Another CPU"))
    merged = resbench("merge", *copies, "-o", "merged")
    assert merged.code == 0 and "note: parts are of different processors" in merged.out
    assert "Another CPU" in merged.out and "PASS" in merged.out


@pytest.mark.parametrize(
    "edit, member",
    [
        (lambda root: root.pop("labels"), "labels"),
        (lambda root: root["labels"].append(1), "labels"),
        (lambda root: root["labels"].__setitem__(0, 10), "labels"),
        (lambda root: root["names"].pop(), "names"),
        (lambda root: root.pop("data"), "data"),
        (lambda root: root["identity"].update(images=10**12), "images"),
        (lambda root: root["identity"].update(first_image=-8), "first_image"),
        (lambda root: root["identity"].update(first_image=3), "first_image"),
        (lambda root: root["identity"].update(engines=[]), "engines"),
        (lambda root: root["engines"][0]["rank"].__setitem__(0, 99), "image 0"),
        (lambda root: root.update(schema_version=1), "schema version 2"),
    ],
)
def test_damaged_parts_are_refused(resbench, copies, edit, member):
    change(copies[1], edit)
    sentence = resbench.fails(3, "merge", *copies, "-o", "merged")
    assert "shard-2/accuracy-images.json" in sentence and member in sentence


def test_an_interrupted_part_goes_on_where_it_ended(resbench, weights8):
    pixels = random_pixels(1500)
    data = write_data_set(resbench.directory / "set.h5", pixels, [i % 10 for i in range(1500)])
    out = resbench.directory / "out"
    process = resbench.start(*command(weights8, data, "--shard", "2/2"))
    wait_for((out / "accuracy-images.json").exists, "the first block")
    assert stop(process).code == 130
    before = images_of(out)
    assert 0 < before["oracle"]["done"] < 748
    sentence = resbench.fails(7, *command(weights8, data, "--shard", "1/2", "--resume"))
    assert "another first_image" in sentence
    assert resbench(*command(weights8, data, "--shard", "2/2", "--resume")).code == 0
    after = images_of(out)
    for name, engine in before.items():
        assert after[name]["done"] == 748
        assert after[name]["score"][: engine["done"]] == engine["score"]


def test_usage(resbench, weights8, data, shards):
    sentence = resbench.fails(2, *command(weights8, data, "--shard", "2/9"))
    assert "7 batches of 8, fewer than shards" in sentence
    assert "--shard takes i/n" in resbench.fails(2, *command(weights8, data, "--shard", "4/3"))
    assert resbench("merge", *shards, "-o", "merged").code == 0
    assert "holds results already" in resbench.fails(2, "merge", *shards, "-o", "merged")
    sentence = resbench.fails(3, "merge", shards[0], resbench.directory, "-o", "other")
    assert "accuracy-images.json" in sentence
