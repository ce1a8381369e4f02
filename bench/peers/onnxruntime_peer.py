"""ONNX Runtime on the processor, from the exported ONNX model."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy
    from models import Case

PACKAGES = ("onnxruntime",)
ABOUT = "ONNX Runtime, CPU execution provider"
SETTINGS = {
    "all": "every graph optimisation, memory arena and plan, threads that spin",
    "all-no-arena": "the same without arena and memory plan",
    "all-no-spin": "the same as all with threads that sleep while they wait",
    "extended": "graph optimisation without the blocked layouts, arena, threads that spin",
}


class Session:
    def __init__(self, session):
        self.session = session

    def take(self, array: numpy.ndarray) -> dict:
        return {"input": array}  # used where it is

    def call(self, feed: dict) -> list:
        return self.session.run(["logits"], feed)

    def logits(self, result: list) -> numpy.ndarray:
        return result[0]


def open(case: Case, settings: str) -> Session:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    options.intra_op_num_threads = case.threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    level = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = (
        level.ORT_ENABLE_EXTENDED if settings == "extended" else level.ORT_ENABLE_ALL
    )
    options.enable_cpu_mem_arena = options.enable_mem_pattern = settings != "all-no-arena"
    spin = "0" if settings == "all-no-spin" else "1"
    options.add_session_config_entry("session.intra_op.allow_spinning", spin)
    for name, size in (("N", case.batch), ("H", case.height), ("W", case.width)):
        options.add_free_dimension_override_by_name(name, size)
    providers = ["CPUExecutionProvider"]
    return Session(onnxruntime.InferenceSession(str(case.onnx()), options, providers=providers))
