"""resbench kernels: convolutions beside oneDNN, and what faults cost."""

import csv
import json

import pytest

from support import engine_path, stop, wait_for_hang

SMALL = "ic16ih8oc16oh8kh3ph1+bn+relu"  # resnet8 and resnet20 have none of this size
OTHER = "mb2ic8ih9oc24oh5kh1sh2+bn+add+relu"
KERNELS = ("kernels", "--quick", "--threads", 1)


class Kernels:
    def __init__(self, directory):
        self.json = json.loads((directory / "kernels.json").read_text())
        with open(directory / "kernels.csv", newline="") as file:
            self.csv = list(csv.DictReader(file))
        self.markdown = (directory / "kernels.md").read_text()
        self.rows = self.json["resbench"]["rows"]

    def row(self, problem: str, engine: str) -> dict:
        (row,) = [r for r in self.csv if (r["problem"], r["engine"]) == (problem, engine)]
        return row

    def samples(self, name: str) -> list:
        return [
            row
            for row in self.json["benchmarks"]
            if row["name"] == name and row["run_type"] == "iteration" and not row.get("error_occurred")
        ]


@pytest.fixture(scope="module")
def two(shared):
    result = shared(*KERNELS, "reference", "--problem", SMALL, "--problem", OTHER, "-o", "two")
    return result, Kernels(shared.directory / "two")


def test_onednn_is_always_beside(two):
    result, kernels = two
    assert result.code == 0 and result.err == "", result
    assert [(row["problem"], row["engine"]) for row in kernels.csv] == [
        (problem, engine) for problem in (SMALL, OTHER) for engine in ("reference", "onednn")
    ]
    assert all(row["parity"] == "PASS" for row in kernels.csv)
    assert kernels.json["resbench"]["plan"]["complete"] is True
    assert all(len(line) <= 120 for line in result.out.splitlines())


def test_every_span_has_samples(two):
    _, kernels = two
    for problem in (SMALL, OTHER):
        for engine in ("reference", "onednn"):
            for span, least in (("alone", 8), ("hot", 8), ("cold", 16)):
                samples = kernels.samples(f"{problem}/{engine}/threads:1/{span}")
                assert len(samples) >= least and all(row["real_time"] > 0 for row in samples)
                assert {row["turn"] for row in samples} == {0, 1}
            row = kernels.row(problem, engine)
            assert float(row["alone_min_us"]) <= float(row["hot_us"])
            assert float(row["hot_low_us"]) <= float(row["hot_us"]) <= float(row["hot_high_us"])


def test_rates_follow_from_macs_and_peak(two):
    _, kernels = two
    peak = kernels.json["context"]["peak_gmacs_per_second"]
    for problem, macs in ((SMALL, 16 * 16 * 9 * 8 * 8), (OTHER, 2 * 8 * 24 * 5 * 5)):
        row, base = kernels.row(problem, "reference"), kernels.row(problem, "onednn")
        assert float(row["mmacs"]) == pytest.approx(macs * 1e-6)
        for span in ("alone", "hot", "cold"):
            rate = macs / float(row[f"{span}_us"]) * 1e-3
            assert float(row[f"{span}_gmacs_per_second"]) == pytest.approx(rate)
            assert float(row[f"{span}_peak_percent"]) == pytest.approx(100 * rate / peak)
            ratio = float(base[f"{span}_us"]) / float(row[f"{span}_us"])
            assert float(row[f"{span}_speedup_over_onednn"]) == pytest.approx(ratio)
            assert float(base[f"{span}_speedup_over_onednn"]) == 1


def test_a_network_is_the_sum_of_its_convolutions(shared):
    result = shared(*KERNELS, "onednn", "-d", "resnet8", "--sort", "time", "-o", "network")
    assert result.code == 0 and result.err == "", result
    kernels = Kernels(shared.directory / "network")
    described = json.loads(shared("describe", "resnet8", "--json").out)
    convolutions = [node for node in described["nodes"] if node["type"].startswith("conv")]
    (total,) = kernels.json["resbench"]["sums"]
    assert (total["network"], total["engine"]) == ("resnet8", "onednn")
    assert total["covered"] == total["convolutions"] == len(convolutions)
    assert total["gmacs"] == pytest.approx(sum(node["macs"] for node in convolutions) * 1e-9)
    for span in ("alone", "hot", "cold"):
        for what in ("", "low_", "high_"):
            key = f"{span}_{what}us"
            expected = sum(float(row[key]) * int(row["resnet8"]) for row in kernels.csv) * 1e-3
            assert total[key.replace("_us", "_ms")] == pytest.approx(expected)
    spent = [float(row["hot_us"]) * int(row["occurrences"]) for row in kernels.csv]
    assert spent == sorted(spent, reverse=True)
    assert "## Networks" in kernels.markdown and "resnet8" in kernels.markdown


@pytest.mark.parametrize(
    "fault, code, verdict, words",
    [
        ("wrong", 1, "FAIL", ""),
        ("crash", 8, "CRASHED", "SIGSEGV"),
        ("overrun", 1, "FAIL", "past the ends"),
        ("alloc_in_run", 1, "FAIL", "allocates while it runs"),
    ],
)
def test_a_fault_costs_its_own_row(resbench, fault, code, verdict, words):
    result = resbench(*KERNELS, engine_path(fault), "--problem", SMALL, "-o", "out")
    assert result.code == code, result
    kernels = Kernels(resbench.directory / "out")
    row = kernels.row(SMALL, fault)
    assert row["parity"] == verdict and words in row["note"], row
    assert row["hot_speedup_over_onednn"] == "", "a wrong kernel is not fast"
    assert kernels.row(SMALL, "onednn")["parity"] == "PASS"
    assert f"resbench check '{engine_path(fault)}' --problem {SMALL}" in result.out


def test_a_kernel_plugin_is_an_engine(resbench):
    result = resbench(*KERNELS, engine_path("kernel_fine"), "--problem", SMALL, "-o", "out")
    assert result.code == 0 and result.err == "", result
    row = Kernels(resbench.directory / "out").row(SMALL, "kernel_fine")
    assert row["parity"] == "PASS" and float(row["alone_us"]) > 0


def test_a_refused_convolution_is_nobodys_time(resbench):
    result = resbench(*KERNELS, engine_path("kernel_partial"), "--problem", SMALL, "-o", "out")
    assert result.code == 6, result
    row = Kernels(resbench.directory / "out").row(SMALL, "kernel_partial")
    assert (row["parity"], row["hot_us"]) == ("UNSUPPORTED", "")


def test_times_that_cannot_be_are_mistrusted(resbench):
    result = resbench(*KERNELS, engine_path("profile_too_much"), "--problem", SMALL, "-o", "out")
    assert result.code == 1, result
    row = Kernels(resbench.directory / "out").row(SMALL, "profile_too_much")
    assert row["parity"] == "MISTRUSTED" and "in a call of" in row["note"], row


def test_an_interruption_ends_it_at_once(resbench):
    process = resbench.start(*KERNELS, engine_path("hang"), "--problem", SMALL, "-o", "out")
    wait_for_hang(resbench)
    result = stop(process)
    assert result.code == 130 and "interrupted" in result.err, result
    assert list((resbench.directory / "out").iterdir()) == []


def test_who_does_not_answer_has_a_limit(resbench):
    result = resbench(*KERNELS, engine_path("hang"), "--problem", SMALL, "--timeout", 2, "-o", "out")
    assert result.code == 8, result
    assert Kernels(resbench.directory / "out").row(SMALL, "hang")["parity"] == "TIMEOUT"


@pytest.mark.parametrize(
    "arguments, words",
    [
        ((), "an engine is needed"),
        (("onednn", "--problem", "icy"), "problem 'icy'"),
        (("onednn", "--problem", "fc:ic12oc5+bias"), "no convolution"),
        (("onednn", "--problem", SMALL, "--problem", SMALL), "named twice"),
        (("onednn", "--problem", SMALL, "-b", "2"), "--batch"),
        (("onednn", "--sort", "name"), "--sort takes 'time', not 'name'"),
        (("onednn", "-d", "19"), "resnet19"),
        (("onednn", "-b", "0"), "batch"),
        (("nowhere",), "nowhere"),
    ],
)
def test_wrong_requests_are_refused(resbench, arguments, words):
    result = resbench("kernels", *arguments)
    assert result.code in (2, 3) and words in result.err, result
    assert not (resbench.directory / "resbench-results").exists()


def test_results_are_not_written_over(resbench):
    (resbench.directory / "out").mkdir()
    (resbench.directory / "out" / "kernels.json").write_text("{}")
    assert "holds results" in resbench.fails(2, *KERNELS, "onednn", "--problem", SMALL, "-o", "out")
