"""resbench preprocess: pixels against Pillow, CIFAR-10, and what it refuses."""

import json
import os
import pty
import re
import resource
import signal
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image, ImageOps

from image_sets import SMALL, crop, fill, labels_of, make, picture, refused
from support import PATIENCE_S, stop, wait_for

RAW = '{"order":"RGB","divisor":1,"mean":[0,0,0],"std":[1,1,1],"resize":null,"crop":null}'
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


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
    (root / "labels.csv").write_text("b.png,0\na/x.jpg,1\n\na/b/y.JPEG,1\na/no_suffix,0\n")
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
        file, _ = make(resbench, "images", "--preprocessing", name, *SMALL, output=f"{name}.h5")
        stored = json.loads(file.attrs["preprocessing"])
        assert tuple(stored[key] for key in ("order", "divisor", "mean", "std")) == expected
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


# Images


def test_damaged_images_are_refused_or_left_out(resbench):
    root = fill(resbench, "a.png", "b.png", "d.png", "small.png")
    (root / "b.png").write_bytes((root / "a.png").read_bytes()[:200])
    picture(1, 20, 20).save(root / "small.png")
    (root / "labels.csv").write_text("a.png,0\nb.png,1\nd.png,2\nsmall.png,3\n")
    options = ("--resize", "none", "--crop", "32")
    assert "b.png: a whole PNG image was expected" in refused(resbench, "images", *options)
    result = resbench("preprocess", "images", *options, "--skip-damaged", "-o", "set.h5")
    assert result.code == 0 and "skipped: 2" in result.out, result
    lines = result.err.splitlines()
    assert len(lines) == 2 and "b.png" in lines[0] and "small.png" in lines[1]
    with h5py.File(resbench.directory / "set.h5") as file:
        assert labels_of(file) == {"a.png": 0, "d.png": 2} and file.attrs["classes"] == 4
    (root / "a.png").unlink()
    (root / "d.png").unlink()
    (root / "labels.csv").unlink()
    result = resbench("preprocess", "images", *options, "--skip-damaged", "-o", "none.h5")
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
    assert list(file["labels"]) == [0, 1] and file.attrs["classes"] == 3 and "2 images" in out


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
    assert "positive divisor" in refused(resbench, "images", "--preprocessing", bad, *SMALL)


def test_output_that_cannot_be_written(resbench):
    fill(resbench, "a.png")
    (resbench.directory / "taken").mkdir()
    for output in ("nowhere/set.h5", "taken"):
        assert output in refused(resbench, "images", *SMALL, "-o", output)


def limit_file_size():
    """Stands for a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))


@pytest.mark.parametrize(
    "command", [("preprocess", "cifar10", "x.bin"), ("weights", "synth", "resnet18")]
)
def test_a_full_disk_is_one_sentence(resbench, command):
    records(1000).tofile(resbench.directory / "x.bin")
    process = resbench.start(*command, "-o", "set.h5", preexec_fn=limit_file_size)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 3, err
    assert err == "resbench: set.h5: cannot be written (is the disk full?)\n"
    assert [path.name for path in resbench.directory.iterdir()] == ["x.bin"]


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
    file, _ = make(resbench, "cifar10", "one.bin", "--limit", "7", "--preprocessing", "raw")
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
    table = dict(line.split(",") for line in (root / "labels.csv").read_text().split()[1:])
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
