"""Runs an ONNX model in ONNX Runtime: MODEL.onnx INPUT.npy OUTPUT.npy. Needs nothing of ours."""

import sys

import numpy as np
import onnxruntime

BATCH = 32


def main(model: str, source: str, target: str) -> None:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    images = np.load(source, mmap_mode="r")
    parts = [
        session.run(["logits"], {"input": np.ascontiguousarray(images[first : first + BATCH])})[0]
        for first in range(0, len(images), BATCH)
    ]
    np.save(target, np.concatenate(parts))


if __name__ == "__main__":
    main(*sys.argv[1:])
