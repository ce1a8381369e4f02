"""Modes of latency and scenarios of resbench run."""

import pytest

from support import QUICK, Report, cell, table_lines

ENGINE = ("--depths", "8", "--engines", "reference")
STEADY = cell("resnet8", "reference")
COLD = f"{STEADY}/cold"


@pytest.fixture(scope="module")
def modes(shared):
    """A run of both modes, the cold row added to a directory that has the steady one."""
    first = shared("run", *QUICK, *ENGINE, "-o", "modes")
    assert first.code == 0, first
    alone = Report(shared.directory / "modes")
    second = shared("run", *QUICK, *ENGINE, "--mode", "steady,cold", "--resume", "-o", "modes")
    assert second.code == 0, second
    return first.out, alone, second.out, Report(shared.directory / "modes")


def test_steady_is_what_a_run_measures(modes):
    out, report, _, _ = modes
    assert list(report.records) == [STEADY]
    assert report.records[STEADY]["mode"] == "steady"
    assert "mode" not in out.split("\nresnet8")[0].split()


def test_cold_calls_have_a_row_and_samples_of_their_own(modes):
    _, before, out, report = modes
    assert list(report.records) == [STEADY, COLD]
    assert report.records[COLD]["mode"] == "cold"
    assert report.records[COLD]["verdict"] == "PASS"
    assert report.samples(STEADY) == before.samples(STEADY)  # taken over
    turns = {sample[2:] for sample in report.samples(COLD)}
    assert turns == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert report.rows(COLD) and report.rows(COLD) != report.rows(STEADY)
    assert [line.split()[3] for line in table_lines(out)] == ["steady", "cold"]


def test_memory_to_empty_caches_with_is_nobodys(modes):
    report = modes[3]
    assert report.records[STEADY]["peak_rss_bytes"] > 0
    assert report.records[COLD]["peak_rss_bytes"] == -1
    for kind in ("weight", "packed_weight", "activation", "scratch"):
        assert report.records[COLD][f"{kind}_bytes"] == report.records[STEADY][f"{kind}_bytes"]


def test_first_run_is_told_in_both(modes):
    for record in modes[3].records.values():
        assert record["first_run_ns"] > 0 and record["open_ns"] > 0 and record["load_ns"] > 0


@pytest.mark.parametrize(
    "modes, words",
    [
        ("warm", ("'warm'", "steady and cold")),
        ("cold,cold", ("cold is named twice",)),
        ("", ("empty",)),
    ],
)
def test_wrong_modes_are_named(resbench, modes, words):
    sentence = resbench.fails(2, "run", *QUICK, *ENGINE, "--mode", modes, "-o", "r")
    for word in words:
        assert word in sentence
    assert not (resbench.directory / "r").exists()
