"""ncnn on the processor. pnnx, which is from the same people, makes its files from the exported ONNX model. ncnn has
no batch: the images of one run one after the other within the timed call."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from models import Case, run

if TYPE_CHECKING:
    import numpy

PACKAGES = ("ncnn", "pnnx")
ABOUT = "ncnn, processor only, float32; pnnx converts"
SETTINGS = {
    "winograd": "packed layouts, Winograd convolutions",
    "sgemm": "packed layouts, no Winograd",
    "winograd-no-light": "the same as winograd, and no value is freed before the end",
}


class Session:
    def __init__(self, net, mat):
        self.net, self.mat = net, mat

    def take(self, array: numpy.ndarray) -> list:
        return [self.mat(image).clone() for image in array]

    def call(self, images: list) -> list:
        return [self.infer(image) for image in images]

    def infer(self, image) -> object:
        extractor = self.net.create_extractor()
        extractor.input("in0", image)
        status, value = extractor.extract("out0")
        if status != 0:
            raise RuntimeError(f"ncnn's extract failed with {status}")
        return value

    def logits(self, result: list) -> numpy.ndarray:
        import numpy

        return numpy.stack([numpy.array(value) for value in result])


def convert(case: Case) -> tuple[Path, Path]:
    """ncnn's two files for this size of images, kept beside the ONNX model. The second is renamed last."""
    stem = f"{case.height}x{case.width}.ncnn"
    param, values = case.kept(f"{stem}.param"), case.kept(f"{stem}.bin")
    if param.exists() and values.exists():
        return param, values
    import pnnx

    with tempfile.TemporaryDirectory(dir=case.cache, prefix="pnnx.tmp.") as work:
        # It writes its files beside the model, and float16 unless told otherwise.
        os.symlink(case.onnx(), f"{work}/model.onnx")
        shape = f"inputshape=[1,3,{case.height},{case.width}]"
        run([pnnx.EXEC_PATH, "model.onnx", shape, "fp16=0"], cwd=work)
        shutil.move(f"{work}/model.ncnn.param", param)
        shutil.move(f"{work}/model.ncnn.bin", values)
    return param, values


def open(case: Case, settings: str) -> Session:
    param, values = convert(case)
    import ncnn

    net = ncnn.Net()
    options = net.opt
    options.num_threads = case.threads
    options.use_vulkan_compute = False
    for name in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
        setattr(options, name, False)
    options.use_packing_layout = True
    options.use_winograd_convolution = settings != "sgemm"
    options.use_sgemm_convolution = True
    options.lightmode = settings != "winograd-no-light"
    if net.load_param(str(param)) != 0 or net.load_model(str(values)) != 0:
        raise RuntimeError(f"{param}: ncnn cannot read it")
    return Session(net, ncnn.Mat)
