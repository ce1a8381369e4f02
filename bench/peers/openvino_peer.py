"""OpenVINO on the processor, from the exported ONNX model, in float32 whatever the processor offers beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy
    from models import Case

PACKAGES = ("openvino",)
ABOUT = "OpenVINO, CPU plug-in, float32"
SETTINGS = {
    "latency": "performance hint LATENCY, one stream, pinned threads",
    "latency-unpinned": "the same with threads that the system places",
    "throughput-1": "performance hint THROUGHPUT, one stream",
}


class Session:
    def __init__(self, compiled, tensor):
        self.request = compiled.create_infer_request()
        self.tensor = tensor

    def take(self, array: numpy.ndarray):
        return self.tensor(array, shared_memory=True)

    def call(self, tensor) -> object:
        self.request.set_input_tensor(tensor)
        self.request.infer()
        return self.request.get_output_tensor()

    def logits(self, tensor) -> numpy.ndarray:
        return tensor.data


def open(case: Case, settings: str) -> Session:
    import openvino

    core = openvino.Core()
    model = core.read_model(case.onnx())
    model.reshape(list(case.shape))
    options = {
        "PERFORMANCE_HINT": "THROUGHPUT" if settings == "throughput-1" else "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": case.threads,
        "INFERENCE_PRECISION_HINT": "f32",  # bfloat16 otherwise where the processor has it
        "ENABLE_CPU_PINNING": settings == "latency",
    }
    return Session(core.compile_model(model, "CPU", options), openvino.Tensor)
