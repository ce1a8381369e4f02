"""The judge is judged: every mutant of the reference (tests/mutants) is caught at the levels that
should catch it, the reference without a fault at none. docs/mutants.md is the table that this test
makes; RESBENCH_WRITE_MUTANTS=1 writes it anew."""

import json
import os
from pathlib import Path

import pytest

TABLE = Path(__file__).parents[2] / "docs" / "mutants.md"
LEVELS = ("exact", "operation", "chained", "network")
CAUGHT = {"FAIL", "MISTRUSTED", "CRASHED"}

# Channels within and beyond whole vectors, odd planes, a stride, more than three images, a kernel that is not square.
# The step of the first shape shows a missing ReLU and an addition behind it.
PROBLEMS = ("mb3ic16ih9iw15oc24oh9ow15kh3ph1{}+add+relu", "mb5ic17ih7oc33oh4kh3sh2ph1{}+relu",
            "ic16ih5iw9oc16oh5ow9kh1kw5ph0pw2{}", "mb3ic16ih9iw15oc24oh9ow15kh3ph1{}")  # fmt: skip

OPERATION = {"exact", "operation"}
NETWORK = {"chained", "network"}
ALL = OPERATION | NETWORK

# What is wrong with it, the levels that should catch it, and those that cannot.
MUTANTS = {
    "none": ("nothing: the reference itself", set(), ALL),
    "flushed_denormals": ("nothing that matters: numbers below 2^-126 become 0", set(), ALL),
    "corner_pixel": ("the last pixel is 1 % off", ALL, set()),
    "swapped_channels": ("the first two channels change places", ALL, set()),
    "row_shifted": ("the last row of every plane is the one above", ALL, set()),
    "stale_tail": ("the last 3 elements keep what was there", ALL, set()),
    "wrong_epsilon": ("batch norm with 1e-3 instead of its epsilon", {"operation"} | NETWORK, {"exact"}),
    "v1_stride": ("a bottleneck strides in its first 1x1", NETWORK, OPERATION),
    "missing_relu": ("no ReLU", ALL, set()),
    "add_after_relu": ("the shortcut is added after the ReLU", ALL, set()),
    "one_nan": ("one NaN", ALL, set()),
    "all_zeros": ("all zeros", ALL, set()),
    "padding_off_by_one": ("one column of padding on the wrong side", ALL, set()),
    "swapped_batch": ("the first and the last image change places", ALL, set()),
    "constant_output": ("all values are the first one", ALL, set()),
    "nondeterministic_sum": ("sums whose last bit is another at every call", OPERATION, set()),
    "write_past_the_end": ("one element is written behind the result", OPERATION, set()),
    "read_past_the_end": ("one element is read behind the source", OPERATION, set()),
    "float16_accumulation": ("sums are kept in float16", ALL, set()),
    "bfloat16_operands": ("operands are rounded to bfloat16", ALL, set()),
    "channel_tail_dropped": ("channels beyond whole blocks of 16 are 0", OPERATION, NETWORK),
    "odd_width_tail": ("the last column of an odd width is the one before it", OPERATION, set()),
    "remembered_result": ("what the first convolution of the same shape in the process gave", {"operation"} | NETWORK, set()),
    "source_clobbered": ("an element of the source is changed after it has been read", ALL, set()),
    "batch_beyond_three": ("images beyond the third are the third", OPERATION, NETWORK),
    "square_kernels_only": ("0 where the kernel is not square", OPERATION, NETWORK),
    "race_over_threads": ("with more than one thread one element is wrong", ALL, set()),
}


def problems():
    for fold in ("+bias", "+bn"):  # batch norm is nothing for integers: UNSUPPORTED at level exact
        for problem in PROBLEMS:
            yield from ("--problem", problem.format(fold))


def verdicts(resbench, engine, name, *arguments):
    """The verdicts of all rows, by level."""
    report = resbench.directory / f"{name}.json"
    result = resbench("check", engine, "--threads", 2, "--json", report, *arguments)
    assert report.is_file(), result.err
    found = {}
    for row in json.loads(report.read_text())["rows"]:
        if row["verdict"] != "UNSUPPORTED":
            found.setdefault(row["level"], []).append(row["verdict"])
    return found


def judge(resbench, mutant):
    engine = f"{os.environ['RESBENCH_MUTANTS']}/{mutant}.so"
    network = ("50", "--size", 32) if mutant == "v1_stride" else ("resnet20",)  # a bottleneck, or the smallest net
    found = {}
    for arguments in (
        ("--level", "exact,operation", *problems()),
        ("--level", "chained,network", "--depths", *network, "--batch", 2),
    ):
        found |= verdicts(resbench, engine, mutant, *arguments)
    assert set(found) == set(LEVELS), found
    return found


ROWS = {}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutant(shared, mutant):
    _, catching, blind = MUTANTS[mutant]
    found = judge(shared, mutant)
    ROWS[mutant] = {level: "caught" if CAUGHT & set(found[level]) else "-" for level in LEVELS}
    for level in catching:
        assert ROWS[mutant][level] == "caught", (level, found[level])
    for level in blind:
        assert set(found[level]) == {"PASS"}, (level, found[level])


def test_table():
    if set(ROWS) != set(MUTANTS):
        pytest.skip("not all mutants were judged")
    lines = [
        "# The judge is judged",
        "",
        "Engines with one fault each, made of the reference's own sources (tests/mutants), and the levels of",
        "`resbench check` that catch them. Made by tests/cli/test_mutants.py, which fails when a mutant gets by where",
        "it should be caught, and when this table is another; `RESBENCH_WRITE_MUTANTS=1 ctest --test-dir build -R",
        'cli.mutants` writes it anew. "-": not caught there.',
        "",
        "| mutant | what is wrong | " + " | ".join(LEVELS) + " |",
        "|---|---|" + "---|" * len(LEVELS),
    ]
    for mutant, (wrong, _, _) in MUTANTS.items():
        cells = [mutant.replace("_", " "), wrong, *(ROWS[mutant][level] for level in LEVELS)]
        lines.append(f"| {' | '.join(cells)} |")
    text = "\n".join(lines) + "\n"
    if os.environ.get("RESBENCH_WRITE_MUTANTS"):
        TABLE.write_text(text)
    assert TABLE.read_text() == text
