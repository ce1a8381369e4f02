"""resbench infer: engines against each other, inputs of every kind, and what it refuses."""

import h5py
import numpy as np
import pytest
from PIL import Image

from infer_runs import write_ten_classes
from support import engine_path

MEAN = np.array([0.485, 0.456, 0.406], "f4")
STD = np.array([0.229, 0.224, 0.225], "f4")


def relative_l2(values, truth) -> float:
    return max(np.linalg.norm(values - truth, axis=1) / np.linalg.norm(truth, axis=1))


def infer(resbench, *arguments, network="resnet18", source="x.h5", engine="reference"):
    """The logits, as h5py reads them."""
    output = resbench.directory / "y.h5"
    result = resbench(
        *("infer", network, "--input", source, "--engine", engine, "-o", output),
        *("--threads", "1", *arguments),
    )
    assert result.code == 0 and result.err == "", result
    assert len(result.out.splitlines()) == 1 and str(output) in result.out
    with h5py.File(output) as file:
        assert list(file) == ["logits"]
        assert file.attrs["network"] == network
        return file["logits"][...]


@pytest.fixture
def x(resbench):
    """Five synthetic images in x.h5."""
    assert resbench("synth-input", "--batch", "5", "--size", "32x48", "-o", "x.h5").code == 0
    return resbench.directory / "x.h5"


@pytest.mark.parametrize("network", ["resnet18", "resnet50"])
def test_engines_agree(resbench, x, network):
    oracle = infer(resbench, network=network, engine="oracle")
    assert oracle.dtype == np.float64 and oracle.shape == (5, 1000)
    assert np.std(oracle) > 0.1
    for engine in ("reference", "onednn"):
        logits = infer(resbench, network=network, engine=engine)
        assert logits.dtype == np.float32 and logits.shape == (5, 1000)
        assert 0 < relative_l2(logits, oracle) < 4e-6


def test_an_engine_may_have_a_label(resbench, x):
    assert np.array_equal(infer(resbench, engine="mine=reference"), infer(resbench))
    arguments = ("infer", "resnet8", "--input", "x.h5", "--engine")
    assert "more than one" in resbench.fails(2, *arguments, "reference,onednn")


def test_batches_and_threads_do_not_change_the_reference(resbench, x):
    one = infer(resbench)
    assert np.array_equal(infer(resbench, "--batch", "3"), one)
    assert np.array_equal(infer(resbench, "--batch", "8"), one)
    assert np.array_equal(infer(resbench, "--threads", "2"), one)
    assert np.array_equal(infer(resbench, "--no-worker"), one)
    assert len(np.unique(one, axis=0)) == 5


def test_batches_of_onednn_agree(resbench, x):
    one, three = (
        infer(resbench, engine="onednn"),
        infer(resbench, "--batch", "3", engine="onednn"),
    )
    assert relative_l2(three.astype("f8"), one.astype("f8")) < 4e-6


def test_weights_file_is_what_is_used(resbench, x, weights18):
    cached = infer(resbench)
    assert np.array_equal(infer(resbench, "--weights", weights18), cached)
    assert resbench("weights", "synth", "resnet18", "--seed", "2", "-o", "two.h5").code == 0
    assert relative_l2(infer(resbench, "--weights", "two.h5"), cached) > 0.1


def test_classes_of_the_weights_file(resbench, x, weights18):
    target = resbench.directory / "ten.h5"
    write_ten_classes(weights18, target)
    assert np.array_equal(infer(resbench, "--weights", target), infer(resbench)[:, :10])


def preprocess(image: Image.Image, size: int) -> np.ndarray:
    """Shorter side to 256/224 of size, centre crop, mean and deviation of ImageNet."""
    shorter = size * 256 // 224
    width, height = image.size
    scale = (shorter, shorter * height // width) if width <= height else None
    image = image.resize(scale or (shorter * width // height, shorter), Image.Resampling.BILINEAR)
    left, top = (round((side - size) / 2) for side in image.size)
    pixels = np.asarray(image.crop((left, top, left + size, top + size)), "f4") / 255
    return ((pixels - MEAN) / STD).transpose(2, 0, 1)


def test_images_of_a_folder(resbench):
    folder = resbench.directory / "images"
    folder.mkdir()
    random = np.random.default_rng(1)
    tensors = []
    for name, size in {
        "a.png": (90, 70),
        "b.JPEG": (64, 100),
        "c.jpg": (80, 80),
    }.items():
        coarse = Image.fromarray(random.integers(0, 256, (9, 9, 3), "u1"))
        path = folder / name
        coarse.resize(size, Image.Resampling.BICUBIC).save(path)
        tensors.append(preprocess(Image.open(path).convert("RGB"), 64))
    (folder / "readme.txt").write_text("no image\n")
    with h5py.File(resbench.directory / "tensor.h5", "w") as file:
        file["input"] = np.stack(tensors)
    seen = infer(resbench, "--size", "64", source="images")
    wanted = infer(resbench, source="tensor.h5")
    assert seen.shape == (3, 1000)
    assert relative_l2(seen, wanted) < 1e-4  # JPEG decoders may differ in a last bit


CAFFE = (
    '{"order":"BGR","divisor":1,"mean":[103.939,116.779,123.68],"std":[1,1,1],'
    '"resize":256,"crop":[224,224]}'
)


@pytest.fixture
def caffe18(resbench, weights18):
    """Weights of resnet18 that ask for Keras's caffe-style preprocessing."""
    path = resbench.directory / "caffe.h5"
    path.write_bytes(weights18.read_bytes())
    with h5py.File(path, "r+") as file:
        file.attrs["preprocessing"] = CAFFE
    return path


@pytest.mark.parametrize(
    "options, resize, size",
    [
        (("--size", "64"), 73, 64),
        (("--crop", "64"), 73, 64),
        (("--crop", "48", "--resize", "50"), 50, 48),
        (("--crop", "48x48", "--size", "48", "--resize", "none"), None, 48),
    ],
)
def test_images_go_through_what_the_weights_ask_for(resbench, caffe18, options, resize, size):
    (resbench.directory / "images").mkdir()
    coarse = Image.fromarray(np.random.default_rng(3).integers(0, 256, (9, 9, 3), "u1"))
    image = coarse.resize((80, 100), Image.Resampling.BICUBIC)
    image.save(resbench.directory / "images" / "a.png")
    if resize:
        image = image.resize((resize, resize * 100 // 80), Image.Resampling.BILINEAR)
    left, top = (round((side - size) / 2) for side in image.size)
    pixels = np.asarray(image.crop((left, top, left + size, top + size)), "f4")
    tensor = pixels[..., ::-1] - np.array([103.939, 116.779, 123.68], "f4")
    with h5py.File(resbench.directory / "tensor.h5", "w") as file:
        file["input"] = tensor.transpose(2, 0, 1)[np.newaxis]
    weights = ("--weights", caffe18)
    wanted = infer(resbench, *weights, source="tensor.h5")
    assert np.array_equal(infer(resbench, *weights, *options, source="images"), wanted)


def test_resize_and_crop_are_for_images(resbench, x, weights18):
    arguments = ("infer", "resnet18", "--weights", weights18, "--input", x)
    for option in (("--resize", "64"), ("--crop", "32"), ("--size", "32x48")):
        assert "folders of images" in resbench.fails(2, *arguments, *option)
    assert "contradict" in resbench.fails(2, *arguments, "--size", "64", "--crop", "48")


def test_the_output_takes_no_inputs_place(resbench, x, weights18):
    for output in (x, weights18):
        before = output.stat()
        sentence = resbench.fails(
            3, "infer", "resnet18", "--weights", weights18, "--input", x, "-o", output
        )
        assert "is the file that is read" in sentence and output.stat() == before


def test_preprocessing_that_is_none_we_know(resbench, caffe18):
    (resbench.directory / "images").mkdir()
    Image.new("RGB", (64, 64)).save(resbench.directory / "images" / "a.png")
    with h5py.File(caffe18, "r+") as file:
        file.attrs["preprocessing"] = CAFFE.replace('"BGR"', '"GRB"')
    arguments = (
        "infer",
        "resnet18",
        "--weights",
        caffe18,
        "--input",
        "images",
        "--crop",
        "32",
    )
    sentence = resbench.fails(3, *arguments)
    assert "caffe.h5" in sentence and "order must be" in sentence


def make_input(resbench, name="input", shape=(1, 3, 32, 32), dtype="f4", value=0.5):
    with h5py.File(resbench.directory / "bad.h5", "w") as file:
        file[name] = np.full(shape, value, dtype)


@pytest.mark.parametrize(
    "change, named",
    [
        ({"shape": (1, 4, 32, 32)}, "(1, 4, 32, 32), expected (1, 3, 32, 32)"),
        ({"shape": (3, 32, 32)}, "3 dimensions"),
        ({"shape": (0, 3, 32, 32)}, "input"),
        ({"shape": (1, 3, 16, 32)}, "16"),
        ({"name": "images"}, "input"),
        ({"dtype": "f8"}, "type"),
        ({"dtype": "i4", "value": 1}, "type"),
        ({"value": np.nan}, "nan"),
        ({"value": -np.inf}, "inf"),
    ],
)
def test_bad_tensors_are_refused(resbench, change, named):
    make_input(resbench, **change)
    sentence = resbench.fails(3, "infer", "resnet18", "--input", "bad.h5", "-o", "y.h5")
    assert named in sentence and "bad.h5" in sentence, sentence
    assert not (resbench.directory / "y.h5").exists()


def test_bad_folders_and_files_are_refused(resbench):
    (resbench.directory / "empty").mkdir()
    (resbench.directory / "images").mkdir()
    (resbench.directory / "images" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnot really")
    (resbench.directory / "text.h5").write_text("0.5 0.5 0.5\n")
    expectations = {
        "empty": "empty",
        "images": "broken.png",
        "text.h5": "not an HDF5 file",
        "missing.h5": "no such file",
    }
    for source, named in expectations.items():
        sentence = resbench.fails(3, "infer", "resnet18", "--input", source, "-o", "y.h5")
        assert named in sentence, sentence
    assert not (resbench.directory / "y.h5").exists()


def test_weights_of_another_network_are_refused(resbench, x, weights18):
    arguments = ("infer", "resnet34", "--weights", weights18, "--input", x)
    sentence = resbench.fails(3, *arguments)
    assert "resnet18" in sentence and "resnet34" in sentence


def test_unwritable_output_leaves_nothing(resbench, x):
    (resbench.directory / "taken").mkdir()
    before = sorted(resbench.directory.rglob("*"))
    for output in ("nowhere/y.h5", "taken"):
        arguments = (
            "infer",
            "resnet18",
            "--input",
            "x.h5",
            "--threads",
            "1",
            "-o",
            output,
        )
        assert output in resbench.fails(3, *arguments)
    assert sorted(resbench.directory.rglob("*")) == before


@pytest.mark.parametrize(
    "fault, code, named",
    [
        ("crash", 8, "SIGSEGV"),
        ("crash_open", 8, "SIGSEGV"),
        ("exit", 8, "exit code 0"),
        ("hang", 8, "2 s"),
        ("error", 1, "would rather not"),
        ("overrun", 1, "past the ends"),
        ("abi", 1, "ABI version"),
        ("no_symbol", 1, "rb_engine_get"),
        ("unsupported", 3, "no network at all"),
    ],
)
def test_failures_of_an_engine(resbench, x, fault, code, named):
    arguments = ("infer", "resnet18", "--input", "x.h5", "--threads", "1", "-o", "y.h5")
    engine = ("--engine", engine_path(fault), "--timeout", "2")
    assert named in resbench.fails(code, *arguments, *engine)
    assert not (resbench.directory / "y.h5").exists()
    assert resbench.processes() == []


def test_what_an_engine_prints_goes_to_stderr(resbench, x):
    arguments = ("infer", "resnet18", "--input", "x.h5", "--threads", "1", "-o", "y.h5")
    result = resbench(*arguments, "--engine", engine_path("writes_stdout"))
    assert result.code == 0 and len(result.out.splitlines()) == 1, result
    assert set(result.err.splitlines()) == {"resnet18  garbage from an engine"}
