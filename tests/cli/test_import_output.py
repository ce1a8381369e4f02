"""What import and export do as programs: files appear whole or not at all, whatever ends them or their child."""

import faulthandler
import json
import os
import signal
import stat
import time
from pathlib import Path

import checkpoints
import importing
import pytest
from checkpoints import cifar_shapes, state_dict
from importing import Refused, import_weights, limits
from support import PATIENCE_S, stop, wait_for


@pytest.fixture
def checkpoint(resbench) -> Path:
    tensors = checkpoints.values(cifar_shapes("resnet20"))
    return checkpoints.write_zip(resbench.directory / "m", state_dict(tensors))


@pytest.fixture
def weights(resbench) -> Path:
    assert resbench("weights", "synth", "resnet8", "-o", "w.h5").code == 0
    return resbench.directory / "w.h5"


def names(resbench) -> list[str]:
    return sorted(entry.name for entry in resbench.directory.iterdir())


LONG = "a" * 300
PLACES = {
    "nowhere/o": "No such file",
    "taken": "not a regular file",
    "pipe": "not a regular file",
    "loop": "symbolic links",
    "": "no name of a file",
    "..": "no name of a file",
    "/": "no name of a file",
    LONG: "too long",
    "m/o": "Not a directory",
}


@pytest.fixture
def traps(resbench) -> list[str]:
    """Things that are there already, and must be there afterwards."""
    (resbench.directory / "taken").mkdir()
    os.mkfifo(resbench.directory / "pipe")
    (resbench.directory / "loop").symlink_to("loop")
    return ["loop", "pipe", "taken"]


def test_import_where_no_file_can_be(resbench, checkpoint, traps, monkeypatch):
    monkeypatch.chdir(resbench.directory)
    for place, told in PLACES.items():
        with pytest.raises(Refused, match=told) as refusal:
            importing.run(checkpoint, Path(place))
        assert ".tmp." not in str(refusal.value)
    assert "no name of a file" in resbench.fails(3, "import", checkpoint, "-o", "")
    assert names(resbench) == sorted([*traps, "m"])
    assert stat.S_ISFIFO((resbench.directory / "pipe").stat().st_mode)


def test_import_where_its_own_choice_of_name_is_taken(resbench, checkpoint):
    (resbench.directory / "resnet20.h5").mkdir()
    assert "resnet20.h5: cannot be written" in resbench.fails(3, "import", checkpoint)
    (resbench.directory / "resnet20.h5").rmdir()
    checkpoint.rename(resbench.directory / "resnet20.h5")
    assert "is the file that is read" in resbench.fails(3, "import", "resnet20.h5")
    assert names(resbench) == ["resnet20.h5"]


def test_export_where_no_file_can_be(resbench, weights, traps):
    (resbench.directory / "m").touch()
    cases = [("--onnx", place) for place in PLACES]
    for option, place in [*cases, ("--safetensors", "nowhere/o"), ("--safetensors", "pipe")]:
        assert "cannot be written" in resbench.fails(3, "export", weights, option, place)
    assert names(resbench) == sorted([*traps, "m", "w.h5"])
    assert stat.S_ISFIFO((resbench.directory / "pipe").stat().st_mode)


def test_the_name_of_the_file_is_told_as_it_is(resbench, checkpoint):
    checkpoint.rename(resbench.directory / "two  blanks")
    told = json.loads(resbench("import", "two  blanks", "--dry-run", "--json").out)
    assert told["file"] == "two  blanks"


def test_names_of_files_that_no_file_can_have(resbench):
    assert "too long" in resbench.fails(3, "import", LONG)
    resbench.fails(3, "export", LONG, "--onnx", "o")
    assert "FILE" in resbench.fails(2, "import")


def test_a_link_in_the_way_of_the_temporary_file(resbench, checkpoint):
    """Whoever can write to the directory can guess its name; nothing is written through it."""
    victim, link = resbench.directory / "victim", resbench.directory / "link"
    victim.write_text("precious")
    link.symlink_to(victim)
    arguments = import_weights.parse_arguments([str(checkpoint), "-o", "w.h5"])
    with pytest.raises(Refused, match=r"^w\.h5: cannot be written"):
        import_weights.convert(checkpoint, arguments, link)
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("closed", [True, False])
def test_standard_output_that_cannot_be_written(resbench, weights, checkpoint, closed):
    """Closed, as well: and no other file gets its number."""
    for command in (("import", checkpoint, "-o", "o.h5"), ("export", weights, "--onnx", "o")):
        with open("/dev/full", "w") as full:
            close = (lambda: os.closerange(0, 2)) if closed else None
            process = resbench.start(*command, stdout=full, preexec_fn=close)
            _out, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 3
        assert err == "resbench: standard output cannot be written\n"


def test_interrupt_leaves_nothing(resbench):
    """A pickle of many steps, which takes a while, in the middle of it."""
    slow = resbench.directory / "slow"
    slow.write_bytes(b"\x80\x02" + b"N0" * 5_000_000 + b"N.")
    process = resbench.start("import", slow, "-o", "w.h5")
    wait_for(lambda: len(resbench.processes()) == 2, "the child that reads")
    time.sleep(0.2)
    result = stop(process)
    assert result.code == 130 and result.err == "resbench: interrupted\n", result
    assert resbench.processes() == []
    assert names(resbench) == ["slow"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_at_any_time(resbench, weights, number):
    """From Python's own start to the end: one sentence, no traceback, nothing half-written."""
    for command in (("import", weights), ("export", weights, "--onnx", "o"), ("plot", weights)):
        for delay in (0, 0.05, 0.2):
            process = resbench.start(*command)
            time.sleep(delay)
            result = stop(process, number)
            told = (result.code, result.err)
            ended = told in ((-number, ""), (130, "resbench: interrupted\n"))
            assert ended or result.code in (0, 3) and result.err.count("\n") <= 1, result
            assert names(resbench) in (["w.h5"], ["o", "w.h5"])


def test_signals_wait_for_the_script(resbench, monkeypatch):
    """Blocked while Python starts: it answers SIGINT with a traceback of its own."""
    python = resbench.directory / "python"
    python.write_text("#!/bin/sh\nexec grep SigBlk /proc/self/status\n")
    python.chmod(0o755)
    monkeypatch.setenv("RESBENCH_PYTHON", str(python))
    for command in ("import", "export", "plot"):
        blocked = int(resbench(command).out.split()[1], 16)
        for number in (signal.SIGINT, signal.SIGTERM):
            assert blocked & 1 << (number - 1)


def test_files_that_are_none(resbench):
    os.mkfifo(resbench.directory / "pipe")
    (resbench.directory / "folder").mkdir()
    assert "not a regular file" in resbench.fails(3, "import", "pipe")
    assert "without model.json" in resbench.fails(3, "import", "folder")
    assert "No such file" in resbench.fails(3, "import", "nothing")
    (resbench.directory / "text").write_text("weights")
    assert "is of no kind that is read here" in resbench.fails(3, "import", "text")


def crash() -> dict:
    faulthandler.disable()  # pytest's
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}


def eat() -> dict:
    return {"bytes": len(bytearray(1 << 45))}


def hang() -> dict:
    while True:
        pass


def fail() -> dict:
    os.write(2, b"to be seen by nobody")
    raise KeyError("first line\nsecond")


def leave() -> dict:
    os._exit(7)


@pytest.mark.parametrize(
    "work, told",
    [
        (crash, "m: is damaged: reading it ended in a crash (signal 11)"),
        (eat, "m: reading it takes more than"),
        (hang, "m: reading it took longer than 1 s"),
        (fail, "(KeyError: 'first line\\nsecond')"),
        (leave, "m: is damaged: reading it ended early (exit code 7)"),
    ],
)
def test_the_child_takes_the_damage(work, told, monkeypatch, capfd):
    monkeypatch.setattr(limits, "BASE_SECONDS", 1)
    with pytest.raises(Refused) as refusal:
        limits.in_child("m", 100, work)
    assert told in str(refusal.value)
    assert capfd.readouterr() == ("", "")
