"""The pickle inside a PyTorch checkpoint, read by an interpreter that can do nothing else.

Python's own Unpickler calls whatever find_class lets through, restores state by setattr and __setstate__, and
allocates what a length in the stream asks for. Here opcodes come from pickletools, which reads bytes and
runs nothing; a name in the stream is looked up in a closed table and stands for a description, never for
the object; and there is a limit on the number of steps, each of which makes at most one small object.
"""

import pickletools
from dataclasses import dataclass
from typing import Any, BinaryIO, NoReturn

from found import Refused

MAX_STEPS = 2_000_000  # ResNet-1202 with the momentum of its optimiser has less than a quarter
MAX_SIZE = 1 << 62

STORAGES = {
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "DoubleStorage": "float64",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}

# Values that no tensor depends on: they are read over.
INERT = {
    "argparse.Namespace",
    "collections.Counter",
    "collections.defaultdict",
    "builtins.set",
    "__builtin__.set",
    "builtins.dict",
    "builtins.list",
    "builtins.int",
    "builtins.float",
    "_codecs.encode",
    "numpy.dtype",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "torch.device",
    "torch.float32",
    "torch.float16",
    "torch.bfloat16",
    "torch.float64",
}


@dataclass(frozen=True)
class Storage:
    """A run of values in the file. start counts values: a legacy view begins within another storage."""

    kind: str
    key: str
    count: int  # of the whole storage
    start: int = 0
    length: int = 0  # of the view; the same as count where there is none


@dataclass(frozen=True)
class View:
    """A tensor as the pickle describes it; nothing in it is checked against the file yet."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True)
class Name:
    """A global that the stream names; `kind` is set for a type of storage."""

    text: str
    kind: str | None = None


class Inert:
    """Something whose value is of no use here."""


INERT_VALUE = Inert()


class Malformed(ValueError):
    """The stream is no pickle that a pickler writes."""


def need(condition: bool, what: str) -> None:
    if not condition:
        raise Malformed(what)


def is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MAX_SIZE


def is_sizes(values: Any) -> bool:
    return isinstance(values, tuple) and all(map(is_size, values))


def make_ordered_dict(*arguments: Any) -> dict:
    if not arguments:
        return {}
    need(len(arguments) == 1 and isinstance(arguments[0], list), "an OrderedDict of something odd")
    pairs = arguments[0]
    need(all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs), "no pairs")
    result: dict = {}
    set_items(result, [part for pair in pairs for part in pair])
    return result


def make_tensor(
    storage: Any = None, offset: Any = None, shape: Any = None, strides: Any = None, *more: Any
) -> View:
    need(isinstance(storage, Storage), "a tensor without a storage")
    need(is_size(offset) and is_sizes(shape) and is_sizes(strides), "a tensor without a shape")
    need(len(shape) == len(strides) <= 8, "a tensor of more than 8 dimensions")
    need(len(more) < 3 or not more[2], "a tensor that is conjugated or negated when it is read")
    return View(storage, offset, shape, strides)


def make_parameter(value: Any = None, *_: Any) -> View:
    need(isinstance(value, View), "a parameter that is no tensor")
    return value


def make_size(shape: Any = None, *_: Any) -> tuple:
    need(is_sizes(shape), "a torch.Size without sizes")
    return shape


BUILDERS = {
    "collections.OrderedDict": make_ordered_dict,
    "torch._utils._rebuild_tensor": make_tensor,
    "torch._utils._rebuild_tensor_v2": make_tensor,
    "torch._utils._rebuild_parameter": make_parameter,
    "torch.Size": make_size,
}


def set_items(target: Any, flat: list) -> None:
    if target is INERT_VALUE:
        return
    need(
        isinstance(target, dict) and len(flat) % 2 == 0, "items for something that is no dictionary"
    )
    for key, value in zip(flat[::2], flat[1::2], strict=True):
        need(
            isinstance(key, str | int | float | bytes | None), "a key that is no text and no number"
        )
        target[key] = value


# Opcodes whose argument is the value.
LITERALS = {
    "INT",
    "BININT",
    "BININT1",
    "BININT2",
    "LONG",
    "LONG1",
    "LONG4",
    "FLOAT",
    "BINFLOAT",
    "STRING",
    "BINSTRING",
    "SHORT_BINSTRING",
    "UNICODE",
    "BINUNICODE",
    "SHORT_BINUNICODE",
    "BINUNICODE8",
    "BINBYTES",
    "SHORT_BINBYTES",
    "BINBYTES8",
}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}


class Machine:
    """The stack, the marks and the memo of one pickle."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.stack: list = []
        self.marked: list[list] = []
        self.memo: dict[int, Any] = {}
        self.storages: dict[str, Storage] = {}

    def refuse_name(self, text: str) -> NoReturn:
        raise Refused(
            f"{self.where}: its pickle asks for {text!r}, which is not on the short list of what is read "
            "here, and nothing of it was run; save the model's state_dict() alone"
        )

    def name(self, module: Any, attribute: Any) -> Name:
        need(isinstance(module, str) and isinstance(attribute, str), "a global without a name")
        text = f"{module}.{attribute}"
        if module in ("torch", "torch.cuda") and attribute in STORAGES:
            return Name(text, STORAGES[attribute])
        if text not in BUILDERS and text not in INERT:
            self.refuse_name(text[:100])
        return Name(text)

    def pop(self) -> Any:
        need(bool(self.stack), "an empty stack")
        return self.stack.pop()

    def pop_mark(self) -> list:
        need(bool(self.marked), "no mark")
        items, self.stack = self.stack, self.marked.pop()
        return items

    def top(self) -> Any:
        need(bool(self.stack), "an empty stack")
        return self.stack[-1]

    def call(self, arguments: Any, function: Any) -> Any:
        need(
            isinstance(function, Name) and isinstance(arguments, tuple),
            "a call of something without a name",
        )
        build = BUILDERS.get(function.text)
        return build(*arguments) if build else INERT_VALUE

    def append(self, items: list) -> None:
        target = self.top()
        if target is not INERT_VALUE:
            need(isinstance(target, list), "items for something that is no list")
            target.extend(items)

    def persistent(self, identity: Any) -> Storage:
        need(
            isinstance(identity, tuple) and len(identity) in (5, 6),
            "a storage without its five parts",
        )
        word, kind, key, _location, count = identity[:5]
        if word == "module":
            self.refuse_name("a whole module")
        need(
            word == "storage" and isinstance(kind, Name) and kind.kind is not None,
            "a storage without a type",
        )
        need(isinstance(key, str | int) and is_size(count), "a storage without a length")
        whole = self.storages.setdefault(str(key), Storage(kind.kind, str(key), count, 0, count))
        need(
            whole.kind == kind.kind and whole.count == count,
            "a storage that is described in two ways",
        )
        view = identity[5] if len(identity) == 6 else None
        if view is None:
            return whole
        need(
            isinstance(view, tuple) and len(view) == 3,
            "a view of a storage without its three parts",
        )
        start, length = view[1:]
        need(is_size(start) and is_size(length), "a view without a length")
        need(start + length <= count, "a view beyond its storage")
        return Storage(kind.kind, str(key), count, start, length)

    def step(self, opcode: str, argument: Any) -> None:
        """One opcode; those that are not here have no place in a checkpoint."""
        if opcode in LITERALS:
            self.stack.append(argument)
        elif opcode in CONSTANTS:
            self.stack.append(CONSTANTS[opcode])
        elif opcode in ("BINPUT", "LONG_BINPUT", "PUT"):
            self.memo[argument] = self.top()
        elif opcode == "MEMOIZE":
            self.memo[len(self.memo)] = self.top()
        elif opcode in ("BINGET", "LONG_BINGET", "GET"):
            need(argument in self.memo, "an unknown memo")
            self.stack.append(self.memo[argument])
        elif opcode in STEPS:
            STEPS[opcode](self, argument)
        else:
            raise Refused(f"{self.where}: its pickle uses {opcode}, which no state dict needs")

    def mark(self, _argument: Any) -> None:
        self.marked.append(self.stack)
        self.stack = []


def push(make):
    """A step that takes what it needs from the machine and pushes what it makes."""

    def step(machine: Machine, argument: Any) -> None:
        value = make(machine, argument)  # which may put another stack in place
        machine.stack.append(value)

    return step


def take(machine: Machine, count: int) -> tuple:
    return tuple(reversed([machine.pop() for _ in range(count)]))


def make_dict(machine: Machine) -> dict:
    result: dict = {}
    set_items(result, machine.pop_mark())
    return result


def set_one(machine: Machine, _argument: Any) -> None:
    pair = list(take(machine, 2))
    set_items(machine.top(), pair)


def set_many(machine: Machine, _argument: Any) -> None:
    items = machine.pop_mark()
    set_items(machine.top(), items)


def append_many(machine: Machine, _argument: Any) -> None:
    items = machine.pop_mark()
    machine.append(items)


def stack_global(machine: Machine) -> Name:
    module, attribute = take(machine, 2)
    return machine.name(module, attribute)


STEPS = {
    "PROTO": lambda machine, argument: None,
    "FRAME": lambda machine, argument: None,
    "MARK": Machine.mark,
    "POP": lambda machine, argument: machine.pop(),
    "POP_MARK": lambda machine, argument: machine.pop_mark(),
    "DUP": push(lambda machine, argument: machine.top()),
    "TUPLE": push(lambda machine, argument: tuple(machine.pop_mark())),
    "TUPLE1": push(lambda machine, argument: take(machine, 1)),
    "TUPLE2": push(lambda machine, argument: take(machine, 2)),
    "TUPLE3": push(lambda machine, argument: take(machine, 3)),
    "EMPTY_LIST": push(lambda machine, argument: []),
    "LIST": push(lambda machine, argument: machine.pop_mark()),
    "APPEND": lambda machine, argument: machine.append([machine.pop()]),
    "APPENDS": append_many,
    "EMPTY_SET": push(lambda machine, argument: []),
    "FROZENSET": push(lambda machine, argument: machine.pop_mark()),
    "ADDITEMS": append_many,
    "EMPTY_DICT": push(lambda machine, argument: {}),
    "DICT": push(lambda machine, argument: make_dict(machine)),
    "SETITEM": set_one,
    "SETITEMS": set_many,
    "GLOBAL": push(lambda machine, argument: machine.name(*argument.split(" ", 1))),
    "STACK_GLOBAL": push(lambda machine, argument: stack_global(machine)),
    "REDUCE": push(lambda machine, argument: machine.call(machine.pop(), machine.pop())),
    "NEWOBJ": push(lambda machine, argument: machine.call(machine.pop(), machine.pop())),
    "BUILD": lambda machine, argument: machine.pop(),  # attributes of an object: none is of use
    "BINPERSID": push(lambda machine, argument: machine.persistent(machine.pop())),
}


def load(stream: BinaryIO, where: str) -> tuple[Any, dict[str, Storage]]:
    """The value of the pickle that begins at stream's position, and the storages it speaks of. The stream is
    left behind its STOP. Refused names a global or an opcode that has no place here."""
    machine = Machine(where)
    steps = 0
    try:
        for opcode, argument, _position in pickletools.genops(stream):
            steps += 1
            if steps > MAX_STEPS:
                raise Refused(f"{where}: its pickle has more than {MAX_STEPS} steps")
            if opcode.name == "STOP":
                break
            machine.step(opcode.name, argument)
        return machine.pop(), machine.storages
    except (ValueError, TypeError, OverflowError) as problem:
        reason = " ".join(str(problem).split())[:100]
        raise Refused(
            f"{where}: its pickle is damaged or cut off in step {steps}: {reason}"
        ) from None
