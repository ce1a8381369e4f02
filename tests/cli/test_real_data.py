"""Real weights on real labelled images, against what their sources state.

By default a few images of each, within a minute; RESBENCH_REAL_DATA=all takes all of them. The data is not part of
the project: ../shared/data beside the checkout, or RESBENCH_REAL_DATA_DIR."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

DATA = Path(
    os.environ.get("RESBENCH_REAL_DATA_DIR", Path(__file__).resolve().parents[3] / "shared/data")
)
ALL = os.environ.get("RESBENCH_REAL_DATA") == "all"
ENGINES = ("oracle", "reference", "onednn")

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no real data: {DATA} is not there")


@dataclass(frozen=True)
class Case:
    """top1 and top5: right answers of `of` images, by another implementation (torch, float32)."""

    weights: str
    images: str
    of: int
    top1: int
    top5: int | None = None
    few: int = 0  # images by default; 0: none
    exact: bool = True  # the same preprocessing, so that every answer must be the same
    batch: int = 32


CASES = {
    "resnet20": Case("cifar-resnet/resnet20-*.th", "cifar10", 10000, 9173, few=256),
    "resnet32": Case("cifar-resnet/resnet32-*.th", "cifar10", 10000, 9263, few=64),
    "resnet56": Case("cifar-resnet/resnet56-*.th", "cifar10", 10000, 9339, few=64),
    "resnet8": Case("resnet8-keras/*.h5", "cifar10", 1000, 881, few=256),
    # Their crop begins at floor(margin / 2), ours where torchvision rounds it to.
    "resnet50-100": Case(
        "resnet50-keras-tfjs", "imagenet-val-100", 100, 73, 88, few=8, exact=False, batch=4
    ),
    "resnet50-650": Case(
        "resnet50-keras-tfjs", "imagenet-val-227", 650, 530, 630, exact=False, batch=4
    ),
}


def make_set(resbench, images: str) -> Path:
    path = resbench.directory / f"{images}.h5"
    source = ["cifar10", DATA / "cifar10/test_batch.bin"]
    if images != "cifar10":
        source = [DATA / images, "--classes", 1000]
    if images == "imagenet-val-227":
        source += ["--resize", "none", "--crop", 224]
    result = resbench("preprocess", *source, "-o", path)
    assert result.code == 0, result
    return path


def make_weights(resbench, pattern: str) -> Path:
    path = resbench.directory / "w.h5"
    (source,) = DATA.glob(pattern)
    for command in (["import", source, "-o", path], ["weights", "verify", path]):
        result = resbench(*command)
        assert result.code == 0, result
    return path


@pytest.mark.parametrize("name", CASES)
def test_top1_is_what_the_source_states(resbench, name):
    case = CASES[name]
    count = case.of if ALL else case.few
    if not count:
        pytest.skip("RESBENCH_REAL_DATA=all takes all images")
    arguments = ["--weights", make_weights(resbench, case.weights)]
    arguments += ["--data", make_set(resbench, case.images)]
    result = resbench(
        "accuracy", *arguments, "--limit", count, "--batch", case.batch, "--threads", 1, "-o", "out"
    )
    assert result.code == 0, result
    print(result.out)
    report = json.loads((resbench.directory / "out/accuracy.json").read_text())
    assert [engine["engine"] for engine in report["engines"]] == list(ENGINES)
    for engine in report["engines"]:
        assert engine["images"] == engine["labelled"] == count
        assert engine["parity"] == ("-" if engine["engine"] == "oracle" else "PASS")
        assert not engine["differ_outside_rule"]
        stated = 100 * case.top1 / case.of
        assert engine["top1_low_percent"] <= stated <= engine["top1_high_percent"], engine
        if case.top5:
            stated = 100 * case.top5 / case.of
            assert engine["top5_low_percent"] <= stated <= engine["top5_high_percent"], engine
        if count == case.of and case.exact:
            assert engine["top1_right"] == case.top1, engine
