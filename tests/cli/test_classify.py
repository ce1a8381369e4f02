"""resbench classify: classes and probabilities against numpy's, names, sizes, and what it refuses."""

import json
import shutil

import h5py
import numpy as np
import pytest
from PIL import Image

from data_set import CIFAR, RAW, TORCHVISION, normalise, random_pixels, set_attributes
from infer_runs import oracle_logits, write_ten_classes
from support import engine_path

CIFAR_NAMES = "airplane automobile bird cat deer dog frog horse ship truck".split()


@pytest.fixture(scope="module")
def weights8(shared):
    """Synthetic, but with a preprocessing."""
    path = shared.directory / "resnet8.h5"
    assert shared("weights", "synth", "resnet8", "-o", path).code == 0
    set_attributes(path, preprocessing=json.dumps(RAW))
    return path


@pytest.fixture
def photo(resbench):
    """32 x 32, so that nothing is resized or cropped; PNG, so that nothing is lost."""
    path = resbench.directory / "photo.png"
    Image.fromarray(random_pixels(1)[0]).save(path)
    return path


def classify(resbench, *arguments):
    """The answers of --json."""
    result = resbench("classify", *arguments, "--json", "--threads", "1")
    assert result.code == 0 and result.err == "", result
    return json.loads(result.out)


def probabilities(resbench, weights, x, network="resnet8"):
    logits = oracle_logits(resbench, weights, x, network)[0]
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def test_classes_and_probabilities(resbench, weights8, photo):
    (answer,) = classify(resbench, photo, "--weights", weights8, "--engine", "oracle")
    wanted = probabilities(resbench, weights8, normalise(random_pixels(1), RAW))
    order = np.argsort(-wanted)[:5]
    assert answer["file"] == str(photo)
    assert [entry["class"] for entry in answer["top"]] == order.tolist()
    assert [entry["name"] for entry in answer["top"]] == [CIFAR_NAMES[i] for i in order]
    found = [entry["probability"] for entry in answer["top"]]
    assert found == pytest.approx(wanted[order].tolist(), rel=1e-12)


def test_large_logits_do_not_overflow(resbench, weights8, photo):
    weights = resbench.directory / "w.h5"
    shutil.copyfile(weights8, weights)
    with h5py.File(weights, "r+") as file:
        file["fc.weight"][...] = 0
        file["fc.bias"][...] = [1e4, 0, 1e4, -1e4, 0, 0, 0, 0, 0, 0]
    (answer,) = classify(resbench, photo, "--weights", weights, "--top", "3")
    assert [(e["class"], e["probability"]) for e in answer["top"]] == [
        (0, 0.5),
        (2, 0.5),
        (1, 0),
    ]


def test_a_block_for_each_photograph(resbench, weights8, photo):
    folder = resbench.directory / "folder"
    folder.mkdir()
    for name in ("b.png", "a.png"):
        shutil.copyfile(photo, folder / name)
    result = resbench("classify", photo, folder, "-w", weights8, "--top", "2", "-t", "1")
    assert result.code == 0 and result.err == "", result
    lines = result.out.splitlines()
    assert lines[::3] == [str(photo), f"{folder}/a.png", f"{folder}/b.png"]
    assert lines[1:3] == lines[4:6] == lines[7:9]
    for line in lines[1:3]:
        share, sign, name = line.split()
        assert 0 <= float(share) <= 100 and sign == "%" and name in CIFAR_NAMES


def test_class_names_of_a_file(resbench, weights8, photo):
    names = resbench.directory / "names.txt"
    names.write_text("".join(f"thing {i}\n" for i in range(10)))
    (answer,) = classify(resbench, photo, "-w", weights8, "--class-names", names, "--top", "99")
    assert len(answer["top"]) == 10
    assert all(entry["name"] == f"thing {entry['class']}" for entry in answer["top"])
    names.write_text("one\ntwo\n")
    arguments = ("classify", photo, "-w", weights8, "--class-names", names)
    assert "names.txt" in resbench.fails(3, *arguments)


def test_numbers_where_no_names_are_known(resbench, weights18, photo):
    """Ten classes in a network that is none of CIFAR's."""
    weights = resbench.directory / "ten.h5"
    write_ten_classes(weights18, weights)
    with h5py.File(weights, "r+") as ten:
        ten.attrs["preprocessing"] = json.dumps(CIFAR)
    (answer,) = classify(resbench, photo, "-w", weights)
    assert all(entry["name"] == f"class {entry['class']}" for entry in answer["top"])


def test_sizes_of_the_weights_and_of_the_user(resbench, weights18):
    weights, photo = resbench.directory / "w.h5", resbench.directory / "photo.png"
    shutil.copyfile(weights18, weights)
    set_attributes(
        weights,
        preprocessing=json.dumps({**TORCHVISION, "resize": 48, "crop": [40, 40]}),
    )
    coarse = Image.fromarray(random_pixels(1, 9)[0])
    image = coarse.resize((90, 60), Image.Resampling.BICUBIC)
    image.save(photo)

    def prepared(resize, crop):
        scaled = image
        if resize:
            scaled = image.resize((resize * 90 // 60, resize), Image.Resampling.BILINEAR)
        left, top = (round((side - crop) / 2) for side in scaled.size)
        pixels = np.asarray(scaled.crop((left, top, left + crop, top + crop)))
        return normalise(pixels[None], TORCHVISION)

    def check(options, resize, crop):
        (answer,) = classify(resbench, photo, "-w", weights, "-e", "oracle", *options)
        wanted = probabilities(resbench, weights, prepared(resize, crop), "resnet18")
        for entry in answer["top"]:
            assert entry["probability"] == pytest.approx(wanted[entry["class"]], rel=0.05)
        assert answer["top"][0]["class"] == wanted.argmax()

    check((), 48, 40)
    check(("--resize", "56"), 56, 40)
    check(("--crop", "50", "--resize", "none"), None, 50)
    sentence = resbench.fails(
        3, "classify", photo, "-w", weights, "--crop", "64", "--resize", "none"
    )
    assert "photo.png" in sentence and "64" in sentence


def test_weights_that_say_nothing_get_torchvisions_way(resbench, weights18, photo):
    result = resbench("classify", photo, "-w", weights18, "-t", "1")
    assert result.code == 0 and "torchvision's" in result.err, result
    assert len(result.out.splitlines()) == 6


def test_what_cannot_be_used_is_named_and_passed_over(resbench, weights8, photo):
    broken = resbench.directory / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 not really")
    (resbench.directory / "empty").mkdir()
    result = resbench("classify", "missing.png", broken, photo, "-w", weights8, "-t", "1")
    assert result.code == 3, result
    first, second = result.err.splitlines()
    assert first.startswith("resbench: missing.png") and second.startswith(f"resbench: {broken}")
    assert result.out.splitlines()[0] == str(photo)
    assert "empty" in resbench.fails(3, "classify", "empty", "-w", weights8)
    assert "needed" in resbench.fails(2, "classify", photo)
    assert "needed" in resbench.fails(2, "classify", "-w", weights8)
    assert "text.h5" in resbench.fails(3, "classify", photo, "-w", "text.h5")
    assert "tensorfire" in resbench.fails(2, "classify", photo, "-w", weights8, "-e", "tensorfire")


@pytest.mark.parametrize(
    "fault, code, named",
    [
        ("crash", 8, "SIGSEGV"),
        ("crash_open", 8, "SIGSEGV"),
        ("hang", 8, "2 s"),
        ("nan", 1, "NaN"),
    ],
)
def test_failures_of_an_engine(resbench, weights8, photo, fault, code, named):
    arguments = (
        "-w",
        weights8,
        "--engine",
        engine_path(fault),
        "--timeout",
        "2",
        "-t",
        "1",
    )
    sentence = resbench.fails(code, "classify", photo, *arguments)
    assert named in sentence and f"{fault}.so" in sentence
    assert resbench.processes() == []


def test_a_crop_without_a_resize_is_told_once(resbench, weights8):
    photos = resbench.directory / "photos"
    photos.mkdir()
    for name, size in (("a", 63), ("b", 64), ("c", 80)):
        Image.fromarray(random_pixels(1, size)[0]).save(photos / f"{name}.png")
    arguments = ("classify", "photos", "--weights", weights8, "--threads", "1")
    result = resbench(*arguments)
    assert result.code == 0 and result.err.count("\n") == 1, result
    assert "photos/b.png: of its 64x64 pixels the network sees the middle 32x32" in result.err
    assert "--resize 32" in result.err
    assert resbench(*arguments, "--resize", "32").err == ""
    assert resbench(*arguments, "--resize", "none").err == ""
