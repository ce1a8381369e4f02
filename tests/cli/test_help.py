import sys

import pytest

SCRIPTS = ("plot", "import", "export")  # with fewer exit codes of their own
COMMANDS = (
    *("run", "compare", "accuracy", "check", "trace", "profile", "classify", "infer", "describe", "list"),
    *("weights", "preprocess", "synth-input", *SCRIPTS),
)
CODES = ("0 fine", "1 wrong", "2 usage", "3 bad input", "8 engine crashed", "130 interrupted")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_has_an_example_and_the_exit_codes(resbench, command):
    result = resbench(*command.split(), "--help")
    assert result.code == 0 and result.err == "", result
    text = " ".join(result.out.split())
    assert "example" in text.lower() and "exit codes: " in text.lower()
    for code in CODES[:1] if command in SCRIPTS else CODES:
        assert code in text


def test_help_names_every_command(resbench):
    out = resbench("--help").out
    for name in COMMANDS:
        assert f"\n  {name} " in out


def test_version(resbench):
    result = resbench("--version")
    assert result.code == 0 and result.out.startswith("resbench ")


def test_without_arguments_the_help_goes_to_stderr(resbench):
    result = resbench()
    assert result.code == 2 and result.out == ""
    assert "Usage: resbench" in result.err


def test_unknown_command(resbench):
    assert "'frobnicate'" in resbench.fails(2, "frobnicate")


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in SCRIPTS])
def test_unknown_option(resbench, command):
    assert "--frobnicate" in resbench.fails(2, command, "--frobnicate")


@pytest.mark.parametrize(
    "arguments, named",
    [
        (("describe", "resnet19"), "resnet19"),
        (("describe", "resnet18", "resnet34"), "resnet34"),
        (("describe",), "network"),
        (("describe", "resnet18", "--batch", "0"), "'0'"),
        (("describe", "resnet18", "--batch", "two"), "'two'"),
        (("describe", "resnet18", "--size", "31"), "'31'"),
        (("describe", "resnet18", "--size", "64x"), "'64x'"),
        (("describe", "resnet18", "--size", "64x64x64"), "'64x64x64'"),
        (("list", "resnet18"), "resnet18"),
        (("weights", "synth", "resnet19"), "resnet19"),
        (("weights", "synth"), "action"),
        (("weights", "boil", "resnet18"), "'boil'"),
        (("synth-input", "--size", "0x64"), "'0x64'"),
        (("infer", "resnet18"), "--input"),
        (("infer", "resnet19", "--input", "x.h5"), "resnet19"),
        (("infer", "resnet18", "--input", "x.h5", "--engine", "tensorfire"), "tensorfire"),
        (("infer", "resnet18", "--input", "x.h5", "--engine", "./tensorfire.so"), "tensorfire"),
        (("trace",), "network"),
        (("trace", "resnet19"), "resnet19"),
        (("trace", "resnet20", "resnet20"), "resnet20"),
        (("trace", "resnet20", "--engine", "tensorfire"), "tensorfire"),
        (("trace", "resnet20", "--against", "tensorfire"), "tensorfire"),
        (("trace", "resnet20", "--engine", "onednn,reference"), "more than one"),
        (("trace", "resnet20", "--input", "x.h5", "--images", "photos"), "exclude"),
        (("trace", "resnet20", "--input", "x.h5", "--size", "32"), "--size"),
        (("trace", "resnet20", "--batch", "0"), "'0'"),
        (("run", "--depths", "19"), "resnet19"),
        (("run", "--depths", "18,18"), "resnet18"),
        (("run", "--depths", ""), "empty"),
        (("run", "--engines", "tensorfire"), "tensorfire"),
        (("run", "--engines", "onednn,onednn"), "onednn"),
        (("run", "--batch", "1,0"), "'0'"),
        (("run", "--batch", "1,1"), "1"),
        (("run", "--threads", "0"), "'0'"),
        (("run", "--timeout", "-1"), "'-1'"),
        (("run", "--quick", "--full"), "exclude"),
        (("run", "--resume"), "-o"),
        (("run", "resnet18"), "resnet18"),
    ],
)
def test_usage_errors_are_one_sentence(resbench, arguments, named):
    assert named in resbench.fails(2, *arguments)
    assert list(resbench.directory.iterdir()) == []


@pytest.mark.parametrize("command", SCRIPTS)
def test_scripts_say_which_package_is_missing(resbench, command, monkeypatch):
    python = resbench.directory / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    python.chmod(0o755)
    monkeypatch.setenv("RESBENCH_PYTHON", str(python))
    (resbench.directory / "file").write_text("no more than this\n")
    options = ("--onnx", "x.onnx") if command == "export" else ()
    sentence = resbench.fails(3, command, "file", *options)
    assert "package" in sentence and "RESBENCH_PYTHON" in sentence
