"""Small constants that an exporter left as nodes, such as the paddings of torch's F.pad."""

import math

import numpy as np
from onnx import NodeProto, TensorProto, numpy_helper

LARGEST = 64  # elements; a padding of four dimensions has 8


def evaluate(node: NodeProto, inputs: list[np.ndarray | None]) -> np.ndarray | None:
    """The value of a node whose inputs are small constants; None where it is not known to be one."""
    operator = OPERATORS.get(node.op_type)
    if operator is None or not inputs or any(value is None for value in inputs):
        return None
    try:
        with np.errstate(all="ignore"):
            value = operator(node, *inputs)
    except (ArithmeticError, IndexError, TypeError, ValueError):
        return None
    return value if value is not None and value.size <= LARGEST and value.ndim <= 4 else None


def small_tensor(tensor: TensorProto) -> np.ndarray | None:
    """Its values; None where it is large, not in this file, or contradicts itself."""
    dims = list(tensor.dims)
    if len(dims) > 4 or any(dim < 0 for dim in dims) or math.prod(dims) > LARGEST:
        return None
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        return None
    try:
        return numpy_helper.to_array(tensor)
    except Exception:  # the library raises whatever it stumbles over
        return None


def attribute(node: NodeProto, name: str, default):
    for entry in node.attribute:
        if entry.name == name:
            return list(entry.ints) if entry.ints else entry.i
    return default


def cast(node, value):
    return value.astype(np.int64) if attribute(node, "to", 0) == 7 else None


def filled(node, shape):
    if math.prod(int(dim) for dim in shape) > LARGEST:
        return None
    fill = [small_tensor(entry.t) for entry in node.attribute if entry.name == "value"]
    if fill and (fill[0] is None or fill[0].size != 1):
        return None
    return np.full([int(dim) for dim in shape], fill[0].item() if fill else 0.0)


def concat(node, *values):
    return np.concatenate(values, attribute(node, "axis", 0))


def reshape(node, value, shape):
    return value.reshape([int(dim) for dim in shape])


def cut(node, value, starts, ends, axes=None, steps=None):
    axes = range(len(starts)) if axes is None else axes
    steps = np.ones(len(starts), np.int64) if steps is None else steps
    index = [slice(None)] * value.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        # Far below 0 means "to the very front" when going backwards; numpy calls that None.
        before_front = step < 0 and end < -value.shape[axis]
        index[axis] = slice(int(start), None if before_front else int(end), int(step))
    return value[tuple(index)]


def transpose(node, value):
    return value.transpose(attribute(node, "perm", None))


def unsqueeze(node, value, axes=None):
    axes = attribute(node, "axes", []) if axes is None else axes
    return np.expand_dims(value, tuple(int(axis) for axis in axes))


def gather(node, value, indices):
    return np.take(value, indices, attribute(node, "axis", 0))


OPERATORS = {
    "Add": lambda node, a, b: a + b,
    "Cast": cast,
    "Concat": concat,
    "ConstantOfShape": filled,
    "Gather": gather,
    "Mul": lambda node, a, b: a * b,
    "Reshape": reshape,
    "Shape": lambda node, value: np.array(value.shape, np.int64),
    "Slice": cut,
    "Sub": lambda node, a, b: a - b,
    "Transpose": transpose,
    "Unsqueeze": unsqueeze,
}
