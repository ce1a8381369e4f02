"""Files that mean harm or are damaged: one sentence, exit code 3, nothing run, nothing left behind."""

import io
import json
import os
import pickle
import random
import re
import struct
import zipfile
from pathlib import Path

import checkpoints
import importing
import numpy as np
import pytest
from checkpoints import Stored, cifar_shapes, legacy_bytes, pickled, state_dict, zip_entries
from importing import Refused, safetensors_file, torch_checkpoint


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch) -> None:
    """Where harm would be done is where it is looked for."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def small() -> dict:
    return checkpoints.values(cifar_shapes("resnet20"))


def zip_bytes(entries: dict[str, bytes], **options) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", **options) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return stream.getvalue()


def in_zip(pickle_bytes: bytes) -> bytes:
    return zip_bytes(zip_entries(pickle_bytes, []))


@pytest.fixture
def refusal(tmp_path):
    """The sentence of the reader itself, in this process: cheap, and no child hides what it raises."""

    def read(content: bytes) -> str:
        path = tmp_path / "m"
        path.write_bytes(content)
        (reader,) = [reader for reader in READERS if reader.recognises(path)]
        with pytest.raises(Refused) as problem:
            for tensor in reader.read(path).tensors.values():
                tensor.read()
        return str(problem.value)

    return read


READERS = (torch_checkpoint, safetensors_file)
FORMS = {"zip": in_zip, "legacy": lambda text: legacy_bytes(text, []), "bare": lambda text: text}


def refused(directory: Path, content: bytes) -> str:
    """The sentence for a file, read in the child; nothing else may be there afterwards."""
    path = directory / "m"
    path.write_bytes(content)
    with pytest.raises(Refused) as problem:
        importing.run(path, directory / "w.h5")
    sentence = str(problem.value)
    assert sentence.startswith(f"{path}: ") and sentence.isprintable()
    assert [entry.name for entry in directory.iterdir()] == ["m"]
    return sentence


class Harm:
    def __init__(self, function, *arguments) -> None:
        self.what = function, arguments

    def __reduce__(self):
        return self.what


@pytest.mark.parametrize("form, protocol", [("zip", 2), ("legacy", 2), ("bare", 2), ("zip", 4)])
def test_code_is_named_and_not_run(tmp_path, form, protocol):
    harm = {"state_dict": Harm(os.system, "touch harmed")}
    assert "'posix.system'" in refused(tmp_path, FORMS[form](pickle.dumps(harm, protocol)))


@pytest.mark.parametrize(
    "text, named",
    [
        (b"cbuiltins\neval\n(S'1'\ntR.", "'builtins.eval'"),
        (b"cbuiltins\ngetattr\n(ccollections\nOrderedDict\nS'x'\ntR.", "'builtins.getattr'"),
        (b"ctorch.hub\nload\n(tR.", "'torch.hub.load'"),
        (b"ccollections\nOrderedDict.__init__\n.", "'collections.OrderedDict.__init__'"),
        (b"ctorchvision.models.resnet\nResNet\n)\x81.", "'torchvision.models.resnet.ResNet'"),
        (b"(iposix\nsystem\n.", "INST"),
        (b"(ccollections\nOrderedDict\no.", "OBJ"),
        (b"ccollections\nOrderedDict\n)}\x92.", "NEWOBJ_EX"),
        (b"\x82\x01.", "EXT1"),
        (b"Pkey\n.", "PERSID"),
        (b"\x96" + struct.pack("<Q", 4) + b"bytes.", "BYTEARRAY8"),
    ],
)
def test_names_and_opcodes_that_have_no_place(refusal, text, named):
    assert named in refusal(in_zip(b"\x80\x02" + text))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b".",
        b"(((.",
        b"N" * 40,
        b"N" * 40 + b"a.",
        b"h\x05.",
        b"NR.",
        b"}]Ns.",
        b"}}Ns.",
        b"NNa.",
        b"u.",
        b"\xff.",
        b"X\xff\xff\xff\x7fabc.",
        b"\x8d" + b"\xff" * 8 + b".",
        b"\x8b\xff\xff\xff\x7f\x01.",
        b"ccollections\nOrderedDict\n(](NNNtatR.",
        b"ctorch._utils\n_rebuild_tensor_v2\n)R.",
        b"(X\x07\x00\x00\x00storageNNNNtQ.",
        b"I" + b"9" * 6000 + b"\n.",
    ],
)
def test_broken_pickles(refusal, text):
    assert "its pickle is damaged" in refusal(in_zip(b"\x80\x02" + text))


def test_bombs_in_pickles(tmp_path):
    """A list that would be 2^200 long when walked; more steps than any state dict has; deep nesting."""
    doubled = b"\x80\x02]q\x00" + b"".join(
        b"(h%ch%ce]q%ch%ca" % (i, i, i + 1, i) for i in range(200)
    )
    refused(tmp_path, in_zip(doubled + b"."))
    assert "steps" in refused(tmp_path, in_zip(b"\x80\x02" + b"}" * 3_000_000 + b"."))
    refused(tmp_path, in_zip(b"\x80\x02N" + b"\x85" * 500_000 + b"."))
    refused(tmp_path, in_zip(b"\x80\x02}" + b"N" + b"\x85" * 500_000 + b"Ns."))


def with_tensor(small: dict, tensor: Stored) -> dict:
    return state_dict({**small, "layer1.0.conv1.weight": tensor})


STORAGE = np.ones(2304, "<f4")
SHAPE = (16, 16, 3, 3)


@pytest.mark.parametrize(
    "tensor, told",
    [
        (Stored(STORAGE, (1 << 60,), (1,)), "only 2304"),
        (Stored(STORAGE, (1 << 40, 1 << 40), (0, 0)), "only 2304"),
        (Stored(STORAGE, SHAPE, (144, 9, 3, 1), 1), "reaches to value 2304"),
        (Stored(STORAGE, SHAPE, (1 << 60, 9, 3, 1)), "reaches to value"),
        (Stored(STORAGE[:100], SHAPE, (0, 0, 0, 0)), "only 100"),
        (Stored(STORAGE, SHAPE, (-144, 9, 3, 1), 2160), "damaged"),
        (Stored(STORAGE, (1,) * 9, (1,) * 9), "8 dimensions"),
        (Stored(STORAGE, SHAPE, (1,)), "dimensions"),
        (Stored(STORAGE, (10**5000,), (1,)), "damaged"),
    ],
)
@pytest.mark.parametrize("form", ["zip", "legacy"])
def test_tensors_beyond_their_storage(refusal, small, form, tensor, told):
    parts = pickled(with_tensor({"bn1.weight": small["bn1.weight"]}, tensor))
    content = zip_bytes(zip_entries(*parts)) if form == "zip" else legacy_bytes(*parts)
    assert told in refusal(content)


def test_tensors_that_share_values_to_be_more_than_the_file(tmp_path, small):
    weight = np.ones(64 * 64 * 9, "<f4")
    many = {f"extra{i}": Stored(weight, (64, 64, 3, 3), (576, 9, 3, 1)) for i in range(200)}
    path = checkpoints.write_zip(tmp_path / "m", state_dict({**small, **many}))
    assert "larger than the file" in refused(tmp_path, path.read_bytes())


def test_zip_archives(refusal, small):
    parts = pickled(state_dict(small))
    entries = zip_entries(*parts)
    whole = zip_bytes(entries)
    refusals = {
        "compressed": zip_bytes(entries, compression=zipfile.ZIP_DEFLATED),
        "two zip entries of one name": twice(entries),
        "big-endian": zip_bytes({**entries, "archive/byteorder": b"big"}),
        "no zip entry data/3": zip_bytes(
            {k: v for k, v in entries.items() if k != "archive/data/3"}
        ),
        "has 8 bytes, expected": zip_bytes({**entries, "archive/data/0": b"8 bytes."}),
        "2 entries called data.pkl": zip_bytes({**entries, "other/data.pkl": b"N."}),
        "TorchScript": zip_bytes({**entries, "archive/constants.pkl": b"\x80\x02)."}),
        "CRC-32": whole.replace(entries["archive/data/0"], b"\0" * len(entries["archive/data/0"])),
        "encrypted": set_flag(whole),
    }
    for told, content in refusals.items():
        assert told in refusal(content), told


def test_zip_bomb(tmp_path, small):
    entries = zip_entries(*pickled(state_dict(small)))
    entries["archive/data/0"] = bytes(1 << 27)
    assert "compressed" in refused(tmp_path, zip_bytes(entries, compression=zipfile.ZIP_DEFLATED))
    assert "cut off" in refused(tmp_path, zip_bytes(entries)[:-30])


def twice(entries: dict) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        for name, content in [*entries.items(), *entries.items()]:
            archive.writestr(name, content)
    return stream.getvalue()


def set_flag(archive: bytes) -> bytes:
    """The bit of encryption, in every entry of the directory."""
    changed = bytearray(archive)
    for match in re.finditer(b"PK\x01\x02", archive):
        changed[match.start() + 8] |= 1
    return bytes(changed)


def test_legacy_files(refusal, small):
    pickle_bytes, storages = pickled(state_dict(small))
    whole = legacy_bytes(pickle_bytes, storages)
    short = [storages[0][:5], *storages[1:]]
    refusals = {
        "big-endian": legacy_bytes(pickle_bytes, storages, little=False),
        "is cut off": whole[:-10],
        "does not list": legacy_bytes(pickle_bytes, storages[:-1]),
        "does not begin with its length": legacy_bytes(pickle_bytes, short),
        "protocol": whole.replace(struct.pack("<H", checkpoints.PROTOCOL), b"\0\0", 1),
        "holds no tensors, neither itself": legacy_bytes(pickle.dumps({10**6000: 1}, 2), []),
        "expected a state dict or one": legacy_bytes(b"\x80\x02N.", []),
        "holds no tensors": legacy_bytes(pickle.dumps({"epoch": 3, "state_dict": {}}, 2), []),
    }
    for told, content in refusals.items():
        assert told in refusal(content), told
    tar = bytearray(1024)
    tar[257:263] = b"ustar\0"
    assert "tar archive" in refusal(bytes(tar))


def safetensors(header: object, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(shape: list, start: int, end: int, kind: str = "F32") -> dict:
    return {"dtype": kind, "shape": shape, "data_offsets": [start, end]}


@pytest.mark.parametrize(
    "content",
    [
        safetensors({"a": entry([4], 0, 16), "b": entry([4], 8, 24)}, bytes(24)),  # overlap
        safetensors({"a": entry([4], 0, 16), "b": entry([4], 0, 16)}, bytes(16)),  # the same bytes
        safetensors({"a": entry([4], 0, 16), "b": entry([1], 20, 24)}, bytes(24)),  # a hole
        safetensors({"a": entry([4], 0, 16)}, bytes(24)),  # bytes of no tensor
        safetensors({"a": entry([4], 0, 16)}, bytes(8)),  # cut off
        safetensors({"a": entry([1 << 60], 0, 16)}, bytes(16)),
        safetensors({"a": entry([1 << 32, 1 << 32], 0, 0)}),
        safetensors({"a": entry([1 << 63, 2], 0, 0)}),
        safetensors({"a": entry([4], 16, 0)}, bytes(16)),
        safetensors({"a": entry([-4], 0, 16)}, bytes(16)),
        safetensors({"a": entry([4], 0, 16, "F31")}, bytes(16)),
        safetensors({"a": 3}),
        safetensors(b"{" * 100_000),
        safetensors({}, length=1_000_000),
        safetensors(b'{"a\xff": 1}'),
    ],
)
def test_safetensors(refusal, content):
    assert "is no valid safetensors file" in refusal(content)


def test_safetensors_with_a_header_that_is_too_long(refusal):
    assert "header of 9000000 bytes" in refusal(safetensors(b"{}" + b" " * 8_999_998))


def test_safetensors_with_a_shape_that_fills_the_screen(tmp_path):
    sentence = refused(tmp_path, safetensors({"fc.weight": entry([1] * 100_000, 0, 4)}, bytes(4)))
    assert "has 100000 dimensions" in sentence and len(sentence) < 1000


def test_safetensors_through_the_child(tmp_path):
    for content in (
        safetensors({"a": entry([1 << 60], 0, 16)}, bytes(16)),
        safetensors({}, length=99_999_999),
        safetensors({}),
        safetensors({"a": entry([0], 0, 0)}),
    ):
        refused(tmp_path, content)


@pytest.mark.parametrize("form", ["zip", "legacy", "safetensors"])
def test_truncated_files(tmp_path, small, form):
    content = sample(small, form)
    for part in (0, 1, 9, 0.01, 0.999):
        kept = part if isinstance(part, int) else int(part * len(content))
        refused(tmp_path, content[:kept])


def sample(small: dict, form: str) -> bytes:
    if form == "safetensors":
        header, data = {}, b""
        for name, value in small.items():
            end = len(data) + value.nbytes
            header[name.replace("linear", "fc")] = entry(list(value.shape), len(data), end)
            data += value.tobytes()
        return safetensors(header, data)
    parts = pickled({"state_dict": state_dict(small)})
    return zip_bytes(zip_entries(*parts)) if form == "zip" else legacy_bytes(*parts)


@pytest.mark.parametrize("form", ["zip", "legacy", "safetensors"])
def test_damaged_files_raise_nothing_but_refusals(small, form, tmp_path):
    reader = safetensors_file if form == "safetensors" else torch_checkpoint
    content = sample({"conv1.weight": small["conv1.weight"], "bn1.bias": small["bn1.bias"]}, form)
    chance = random.Random(3)
    path = tmp_path / "m"
    outcomes = {"read": 0, "refused": 0}
    for _ in range(600):
        damaged = bytearray(content)
        for _ in range(chance.choice((1, 1, 4))):
            near = chance.random() < 0.7  # where headers and pickles are
            place = chance.randrange(min(len(content), 900) if near else len(content))
            damaged[place] ^= 1 << chance.randrange(8)
        if chance.random() < 0.2:
            del damaged[chance.randrange(len(damaged)) :]
        path.write_bytes(damaged)
        if not reader.recognises(path):
            continue
        try:
            for tensor in reader.read(path).tensors.values():
                assert tensor.read().shape == tensor.shape
            outcomes["read"] += 1
        except Refused:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 20, outcomes


@pytest.mark.parametrize("form", ["zip", "legacy", "safetensors"])
def test_flipped_bits_end_in_a_sentence_or_a_file(resbench, small, form):
    content, chance = sample(small, form), random.Random(5)
    path, output = resbench.directory / "m", resbench.directory / "w.h5"
    for _ in range(4):
        damaged = bytearray(content)
        damaged[chance.randrange(min(len(content), 20_000))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        try:
            importing.run(path, output)
        except Refused as problem:
            assert "\n" not in str(problem)
        else:
            assert resbench("weights", "verify", output).code == 0


def test_names_from_the_file_do_not_reach_the_terminal_as_they_are(tmp_path, small):
    state = state_dict({**small, "extra\x1b[31m\nline": np.ones(3, "<f4")})
    path = checkpoints.write_zip(tmp_path / "m", state)
    assert "extra?[31m line" in refused(tmp_path, path.read_bytes())
