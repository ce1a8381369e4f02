"""resbench preprocess: pixels against Pillow, labels from everywhere, and what it refuses."""

import hashlib
import json
import os
import pty
import re
import signal
import struct
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image, ImageOps

from support import PATIENCE_S, stop, wait_for

SYNSETS = {"n01440764": 0, "n01443537": 1, "n01530575": 10, "n15075141": 999}
RAW = (
    '{"order":"RGB","divisor":1,"mean":[0,0,0],"std":[1,1,1],"resize":null,"crop":null}'
)
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def picture(seed: int, width: int = 50, height: int = 40) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (7, 7, 3), "u1")
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def fill(resbench, *names: str, folder: str = "images") -> Path:
    root = resbench.directory / folder
    for seed, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(seed).save(
            path, format="JPEG" if path.suffix.lower() != ".png" else "PNG"
        )
    return root


def crop(image: Image.Image, resize: int | None, height: int, width: int) -> np.ndarray:
    """torchvision's Resize and CenterCrop."""
    if resize:
        short, long = min(image.size), max(image.size)
        longer = int(resize * long / short)
        upright = image.width <= image.height
        size = (resize, longer) if upright else (longer, resize)
        image = image.resize(size, Image.Resampling.BILINEAR)
    top, left = round((image.height - height) / 2), round((image.width - width) / 2)
    return np.asarray(image.crop((left, top, left + width, top + height)))


def digest(file: h5py.File) -> str:
    """As docs/datasets.md says."""
    height, width = file["images"].shape[1:3]
    sum256 = hashlib.sha256(f"{height} {width} 3\n".encode())
    for pixels, label, name in zip(file["images"], file["labels"], file["names"]):
        sum256.update(pixels.tobytes() + struct.pack("<i", label) + name + b"\0")
    return sum256.hexdigest()


def make(resbench, *arguments, output: str = "set.h5"):
    """The open file, and what the program printed."""
    result = resbench("preprocess", *arguments, "-o", output)
    assert result.code == 0 and result.err == "", result
    file = h5py.File(resbench.directory / output)
    assert file.attrs["sha256"] == digest(file) and file.attrs["sha256"] in result.out
    assert file.attrs["kind"] == "images" and file.attrs["schema_version"] == 1
    return file, result.out


def refused(resbench, *arguments, code: int = 3) -> str:
    before = sorted(resbench.directory.rglob("*"))
    sentence = resbench.fails(code, "preprocess", *arguments)
    assert sorted(resbench.directory.rglob("*")) == before
    return sentence


SMALL = ("--resize", "36", "--crop", "32")


def labels_of(file: h5py.File) -> dict:
    return dict(
        zip((name.decode() for name in file["names"]), map(int, file["labels"]))
    )


@pytest.mark.parametrize(
    "options, resize, size",
    [
        (("--crop", "32"), 36, (32, 32)),
        (("--resize", "38", "--crop", "36x34"), 38, (36, 34)),
        (("--resize", "none", "--crop", "32x40"), None, (32, 40)),
        (("--preprocessing", "cifar"), None, (32, 32)),
        (("--preprocessing", RAW, "--crop", "33"), None, (33, 33)),
    ],
)
def test_pixels_are_pillows(resbench, options, resize, size):
    root = fill(resbench, "b.png", "a/x.jpg", "a/b/y.JPEG", "a/no_suffix")
    (root / "readme.txt").write_text("no image\n")
    (root / ".hidden.png").write_bytes(b"")
    (root / "labels.csv").write_text(
        "b.png,0\na/x.jpg,1\n\na/b/y.JPEG,1\na/no_suffix,0\n"
    )
    file, out = make(resbench, "images", *options)
    names = [name.decode() for name in file["names"]]
    assert names == ["a/b/y.JPEG", "a/no_suffix", "a/x.jpg", "b.png"]
    assert list(file["labels"]) == [1, 0, 1, 0] and file.attrs["classes"] == 2
    assert file["images"].dtype == np.uint8 and file["labels"].dtype == np.int32
    for name, pixels in zip(names, file["images"]):
        expected = crop(Image.open(root / name).convert("RGB"), resize, *size)
        assert np.abs(pixels.astype(int) - expected).max() <= 1, name
    stored = json.loads(file.attrs["preprocessing"])
    assert stored["resize"] == resize and stored["crop"] == list(size)
    assert "4 images" in out and "2 classes" in out and "labels.csv" in out
    assert re.search(r"^\d+ images/s$", out, re.MULTILINE)
    assert resbench("preprocess", "verify", "set.h5").code == 0


def test_normalisation_is_stored_as_it_was_asked_for(resbench):
    fill(resbench, "a.png")
    expectations = {
        "torchvision": ("RGB", 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        "caffe": ("BGR", 1, [103.939, 116.779, 123.68], [1, 1, 1]),
        "raw": ("RGB", 1, [0, 0, 0], [1, 1, 1]),
    }
    pixels = []
    for name, expected in expectations.items():
        file, _ = make(
            resbench, "images", "--preprocessing", name, *SMALL, output=f"{name}.h5"
        )
        stored = json.loads(file.attrs["preprocessing"])
        assert (
            tuple(stored[key] for key in ("order", "divisor", "mean", "std"))
            == expected
        )
        pixels.append(file["images"][...])
    assert np.array_equal(pixels[0], pixels[1]) and np.array_equal(pixels[0], pixels[2])


def test_orientation_grey_and_cmyk(resbench):
    root = fill(resbench)
    root.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(1).save(root / "turned.jpg", exif=exif)
    picture(2).convert("L").save(root / "grey.jpg")
    picture(3).convert("CMYK").save(root / "cmyk.jpg")
    picture(4).convert("RGBA").save(root / "alpha.png")
    file, _ = make(resbench, "images", "--resize", "none", "--crop", "32")
    for name, pixels in zip(file["names"], file["images"]):
        image = ImageOps.exif_transpose(Image.open(root / name.decode())).convert("RGB")
        expected = crop(image, None, 32, 32)
        assert np.abs(pixels.astype(int) - expected).max() <= 2, name


# Labels


def test_folders_that_are_synsets_have_imagenets_numbers(resbench):
    fill(
        resbench,
        *(f"train/{synset}/{i}.png" for i, synset in enumerate(reversed(SYNSETS))),
    )
    file, out = make(resbench, "images", *SMALL)
    assert file.attrs["classes"] == 1000 and "synsets of the folders" in out
    assert {
        Path(n).parent.name: label for n, label in labels_of(file).items()
    } == SYNSETS


def test_other_folders_are_numbered_in_order_as_torchvision_does(resbench):
    fill(resbench, "a/1.png", "a-b/1.png", "Z/1.png", "n01440764/1.png", "a/2.png")
    file, out = make(resbench, "images", *SMALL)
    order = sorted(["a", "a-b", "Z", "n01440764"])
    assert {Path(n).parts[0]: label for n, label in labels_of(file).items()} == {
        name: i for i, name in enumerate(order)
    }
    assert (
        file.attrs["classes"] == 4
        and "order of the folders' names (Z, a, a-b, n0" in out
    )


def test_synsets_in_names(resbench):
    names = {
        f"{synset}_{i}.JPEG": label for i, (synset, label) in enumerate(SYNSETS.items())
    }
    names |= {"ILSVRC2012_val_00000293_n01443537.JPEG": 1}
    fill(resbench, *names)
    file, out = make(resbench, "images", *SMALL)
    assert labels_of(file) == names and file.attrs["classes"] == 1000
    assert "synsets in the images' names" in out


def test_a_folder_that_agrees_with_the_names_is_fine(resbench):
    fill(resbench, "n01443537/n01443537_1.JPEG")
    file, _ = make(resbench, "images", *SMALL)
    assert list(file["labels"]) == [1]


def test_a_table_with_header_quotes_and_synsets(resbench):
    root = fill(resbench, "a,b.png", 'c "d".png', "sub/e.png")
    table = '\ufefffile,class\r\n"a,b.png",7\r\n"c ""d"".png", n01530575\r\n./sub/e.png,"999"\r\n'
    (resbench.directory / "truth.csv").write_text(table)
    (root / "labels.csv").write_text("rubbish\n")
    file, out = make(resbench, "images", "--labels", "truth.csv", *SMALL)
    assert labels_of(file) == {"a,b.png": 7, 'c "d".png': 10, "sub/e.png": 999}
    assert file.attrs["classes"] == 1000 and "truth.csv" in out


def test_without_labels(resbench):
    fill(resbench, "a.png", "b.png")
    file, out = make(resbench, "images", *SMALL)
    assert list(file["labels"]) == [-1, -1] and file.attrs["classes"] == 0
    assert "labels: none" in out and "without a label: 2" in out


def test_some_without_labels_must_be_asked_for(resbench):
    root = fill(resbench, "a.png", "b.png")
    (root / "labels.csv").write_text("a.png,3\n")
    assert "b.png: has no label" in refused(resbench, "images", *SMALL)
    file, out = make(resbench, "images", "--unlabelled", "--classes", "5", *SMALL)
    assert list(file["labels"]) == [3, -1] and file.attrs["classes"] == 5
    assert "without a label: 1" in out


@pytest.mark.parametrize(
    "table, named",
    [
        ("a.png,1\nb.png,1\nc.png,1\n", "line 3: there is no image 'c.png'"),
        ("a.png,1\nb.png,1\na.png,1\n", "line 3: a.png has a line already"),
        ("a.png,1\nb.png,one\n", "line 2: a class must be a number or a synset"),
        ("a.png,1\nb.png,-1\n", "line 2: a class must be"),
        ("a.png,1\nb.png,1.5\n", "line 2: a class must be"),
        ("a.png,1\nb.png,n00000000\n", "line 2: a class must be"),
        ("a.png,1\nb.png,99999999999999999999\n", "line 2: a class must be"),
        ("a.png,1\nb.png,1000000\n", "line 2: class 1000000 is not one of"),
        ("a.png,1\nb.png\n", "line 2: file,class was expected"),
        ("a.png;1\n", "line 1: file,class was expected"),
        ("file,class\nfile,class\n", "line 2: there is no image 'file'"),
        ("a.png,1\n", "b.png: has no label"),
        ("a.png,1\nb\xff.png,1\n", "line 2 is not a line of UTF-8"),
        ("x" * 5000, "line 1 is longer"),
    ],
)
def test_bad_tables_are_refused(resbench, table, named):
    root = fill(resbench, "a.png", "b.png")
    (root / "labels.csv").write_text(table, encoding="latin-1")
    sentence = refused(resbench, "images", *SMALL)
    assert named in sentence, sentence


def test_labels_that_contradict_are_refused(resbench):
    root = fill(resbench, "n01440764/n01443537_1.JPEG")
    assert "class 1 by the synset in its name, but of class 0" in refused(
        resbench, "images"
    )
    (root / "labels.csv").write_text("n01440764/n01443537_1.JPEG,1\n")
    assert "class" in refused(resbench, "images")
    file, _ = make(resbench, "images", "--labels", "images/labels.csv", *SMALL)
    assert list(file["labels"]) == [1]  # a table that was asked for is not questioned
    fill(resbench, "val/n01440764_1.JPEG", "val/n01443537_1.JPEG", folder="other")
    assert "order of the folders" in refused(resbench, "other", *SMALL)
    fill(resbench, "n01440764_n01443537.JPEG", folder="two")
    assert "two classes" in refused(resbench, "two", *SMALL)


def test_folders_within_folders_are_refused(resbench):
    fill(resbench, "train/cat/1.png", "train/dog/1.png")
    assert "more than one folder deep" in refused(resbench, "images", *SMALL)
    fill(resbench, "cat/1.png", "2.png", folder="mixed")
    assert "2.png: has no label" in refused(resbench, "mixed", *SMALL)


# Images


def test_damaged_images_are_refused_or_left_out(resbench):
    root = fill(resbench, "a.png", "b.png", "d.png", "small.png")
    (root / "b.png").write_bytes((root / "a.png").read_bytes()[:200])
    picture(1, 20, 20).save(root / "small.png")
    (root / "labels.csv").write_text("a.png,0\nb.png,1\nd.png,2\nsmall.png,3\n")
    options = ("--resize", "none", "--crop", "32")
    assert "b.png: a whole PNG image was expected" in refused(
        resbench, "images", *options
    )
    result = resbench(
        "preprocess", "images", *options, "--skip-damaged", "-o", "set.h5"
    )
    assert result.code == 0 and "skipped: 2" in result.out, result
    lines = result.err.splitlines()
    assert len(lines) == 2 and "b.png" in lines[0] and "small.png" in lines[1]
    with h5py.File(resbench.directory / "set.h5") as file:
        assert (
            labels_of(file) == {"a.png": 0, "d.png": 2} and file.attrs["classes"] == 4
        )
    (root / "a.png").unlink()
    (root / "d.png").unlink()
    (root / "labels.csv").unlink()
    result = resbench(
        "preprocess", "images", *options, "--skip-damaged", "-o", "none.h5"
    )
    assert result.code == 3 and "not one of 2 images" in result.err
    assert not (resbench.directory / "none.h5").exists()


def test_folders_that_hold_no_images_are_refused(resbench):
    (resbench.directory / "empty").mkdir()
    (resbench.directory / "file").write_text("x")
    loop = fill(resbench, "a/1.png", folder="loop")
    (loop / "a" / "again").symlink_to("..")
    dead = fill(resbench, "a.png", folder="dead")
    (dead / "b.png").symlink_to("nowhere")
    for folder, named in {
        "empty": "found none in it",
        "file": "found none in it",
        "nowhere": "nowhere: cannot be read: No such file",
        "loop": "a link leads back",
        "dead": "b.png: cannot be read: the image is a link to nothing",
    }.items():
        sentence = refused(resbench, folder, *SMALL)
        assert named in sentence, sentence


def test_names_that_are_no_text(resbench):
    root = fill(resbench, "a.png")
    os.rename(root / "a.png", os.fsencode(root) + b"/\xff\x1b.png")
    file, _ = make(resbench, "images", *SMALL)
    assert list(file["names"]) == [b"? .png"]


def test_limit(resbench):
    fill(resbench, *(f"{name}/1.png" for name in "abc"))
    file, out = make(resbench, "images", "--limit", "2", *SMALL)
    assert (
        list(file["labels"]) == [0, 1]
        and file.attrs["classes"] == 3
        and "2 images" in out
    )


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("images", "more"),
        ("cifar10",),
        ("verify",),
        ("verify", "a", "b"),
        ("cifar10", "x.bin", "--resize", "32"),
        ("cifar10", "x.bin", "--labels", "x.csv"),
        ("images", "--resize", "0"),
        ("images", "--resize", "256.5"),
        ("images", "--resize", "all"),
        ("images", "--crop", "16"),
        ("images", "--crop", "none"),
        ("images", "--limit", "0"),
        ("images", "--classes", "0"),
        ("images", "--preprocessing", "tf"),
        ("images", "--preprocessing", RAW),
    ],
)
def test_usage(resbench, arguments):
    fill(resbench, "a.png")
    refused(resbench, *arguments, code=2)


def test_bad_json_is_refused(resbench):
    fill(resbench, "a.png")
    bad = RAW.replace('"divisor":1', '"divisor":0')
    assert "positive divisor" in refused(
        resbench, "images", "--preprocessing", bad, *SMALL
    )


def test_output_that_cannot_be_written(resbench):
    fill(resbench, "a.png")
    (resbench.directory / "taken").mkdir()
    for output in ("nowhere/set.h5", "taken"):
        assert output in refused(resbench, "images", *SMALL, "-o", output)


# CIFAR-10


def records(count: int, seed: int = 1) -> np.ndarray:
    data = np.random.default_rng(seed).integers(0, 256, (count, 3073), "u1")
    data[:, 0] %= 10
    return data


def test_cifar10(resbench):
    first, second = records(400), records(3, seed=2)
    first.tofile(resbench.directory / "one.bin")
    second.tofile(resbench.directory / "two.bin")
    both = np.concatenate([first, second])
    file, out = make(resbench, "cifar10", "one.bin", "two.bin")
    assert np.array_equal(file["labels"], both[:, 0])
    planes = both[:, 1:].reshape(-1, 3, 32, 32)
    assert np.array_equal(file["images"], planes.transpose(0, 2, 3, 1))
    assert file["names"][0] == b"one.bin:0" and file["names"][402] == b"two.bin:2"
    assert file.attrs["classes"] == 10 and "403 images of 32x32, 10 classes" in out
    assert json.loads(file.attrs["preprocessing"])["mean"] == [0.485, 0.456, 0.406]
    assert json.loads(file.attrs["preprocessing"])["resize"] is None
    file, _ = make(
        resbench, "cifar10", "one.bin", "--limit", "7", "--preprocessing", "raw"
    )
    assert len(file["labels"]) == 7


def test_bad_cifar_files_are_refused(resbench):
    data = records(5)
    data.tofile(resbench.directory / "good.bin")
    (resbench.directory / "short.bin").write_bytes(data.tobytes()[:-1])
    (resbench.directory / "empty.bin").write_bytes(b"")
    data[3, 0] = 10
    data.tofile(resbench.directory / "label.bin")
    for name, named in {
        "short.bin": "found 15364 bytes",
        "empty.bin": "found 0 bytes",
        "label.bin": "image 3 has label 10",
        "nowhere.bin": "No such file",
        ".": "records was expected",
    }.items():
        assert named in refused(resbench, "cifar10", "good.bin", name)


# verify, interruption, progress


def test_verify_finds_a_changed_pixel(resbench):
    fill(resbench, "a.png")
    file, _ = make(resbench, "images", *SMALL)
    pixel = int(file["images"][0, 0, 0, 0])
    file.close()
    with h5py.File(resbench.directory / "set.h5", "r+") as file:
        file["images"][0, 0, 0, 0] = pixel ^ 1
    assert "SHA-256" in resbench.fails(3, "preprocess", "verify", "set.h5")
    (resbench.directory / "text.h5").write_text("text")
    assert "not an HDF5 file" in resbench.fails(3, "preprocess", "verify", "text.h5")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_leaves_nothing(resbench, number):
    root = fill(resbench)
    root.mkdir()
    picture(1, 3000, 2000).save(root / "0.png", compress_level=1)
    for i in range(1, 200):
        os.link(root / "0.png", root / f"{i}.png")
    process = resbench.start("preprocess", "images", "-o", "set.h5")
    wait_for(lambda: list(resbench.directory.glob("set.h5.tmp*")), "the temporary file")
    result = stop(process, number)
    assert result.code == 130 and result.err == "resbench: interrupted\n", result
    assert [path.name for path in resbench.directory.iterdir()] == ["images"]


def test_progress_on_a_terminal(resbench):
    fill(resbench, *(f"{i}.png" for i in range(100)))
    terminal, theirs = pty.openpty()
    process = resbench.start("preprocess", "images", *SMALL, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            block = os.read(terminal, 4096)
        except OSError:  # closed at the other end
            break
        if not block:
            break
        shown += block
    os.close(terminal)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert re.search(rb"\[ 64%\] 64 images, \d+ images/s, \d+:\d\d left", shown), shown


# Photographs and CIFAR-10 as they are


needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"there is no {SHARED}")


@needs_shared
def test_photographs_of_imagenet_are_pillows(resbench):
    root = SHARED / "imagenet-val-100"
    file, out = make(resbench, root, "--limit", "20", "--classes", "1000")
    table = dict(
        line.split(",") for line in (root / "labels.csv").read_text().split()[1:]
    )
    for name, pixels, label in zip(file["names"], file["images"], file["labels"]):
        image = ImageOps.exif_transpose(Image.open(root / name.decode())).convert("RGB")
        assert np.abs(pixels.astype(int) - crop(image, 256, 224, 224)).max() <= 1, name
        assert label == int(table[name.decode()])
    assert "20 images of 224x224, 1000 classes" in out


@needs_shared
def test_cifar10_as_published(resbench):
    path = SHARED / "cifar10" / "test_batch.bin"
    file, _ = make(resbench, "cifar10", path)
    assert np.array_equal(np.bincount(file["labels"]), [1000] * 10)
    data = np.fromfile(path, "u1").reshape(-1, 3073)
    planes = data[:, 1:].reshape(-1, 3, 32, 32)
    assert np.array_equal(file["images"], planes.transpose(0, 2, 3, 1))
