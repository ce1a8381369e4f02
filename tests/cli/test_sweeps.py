"""Lists and ranges of threads, sizes and batches: cells in one table, scaling over threads."""

import os

import pytest

from support import Report, cell, table_lines

RUN = ("run", "--quick", "--depths", "8", "--engines", "reference,onednn")


@pytest.fixture(scope="module", autouse=True)
def sleeping_threads():
    """Threads that wait, sleep: what is tested are rows, not times, on however few processors."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_WAIT_POLICY", "PASSIVE")
        yield


@pytest.fixture(scope="module")
def sweep(shared):
    """Two numbers of threads, two sizes, two engines."""
    result = shared(*RUN, "--threads", "1-2", "--size", "32,32x40", "--batch", "3-5:x2",
                    "-o", "results")  # fmt: skip
    assert result.code == 0 and result.err == "", result
    return result


@pytest.fixture(scope="module")
def report(shared, sweep):
    return Report(shared.directory / "results")


CELLS = [
    cell("resnet8", engine, batch, threads, size)
    for size in ("32x32", "32x40")
    for batch in (3,)
    for threads in (1, 2)
    for engine in ("reference", "onednn")
]


def test_every_cell_has_a_row(sweep, report):
    assert list(report.records) == CELLS
    for name in CELLS:
        assert report.csv_row(name)["parity"] == "PASS"
        assert len(report.samples(name)) >= 12
        assert float(report.csv_row(name)["peak_gmacs_per_second"]) > 0
    rows = table_lines(sweep.out)
    assert len(rows) >= len(CELLS)
    heading = next(line for line in sweep.out.splitlines() if line.startswith("network "))
    assert all(word in heading for word in ("threads", "size", "batch"))
    assert max(map(len, sweep.out.splitlines())) <= 120
    assert "1,2 threads" in sweep.out


def test_speed_up_is_over_the_reference_in_the_same_cell(report):
    for name in CELLS:
        reference = name.replace("/onednn/", "/reference/")
        expected = report.median(reference) / report.median(name)
        row = report.csv_row(name)
        assert float(row["speedup_over_reference"]) == pytest.approx(expected)


def test_errors_and_images_hang_on_the_size_alone(report):
    """One truth for each size: batch and threads see the same images and limits."""
    for size in ("32x32", "32x40"):
        rows = [row for row in report.csv if row["size"] == size]
        assert {row["images"] for row in rows} == {"3"}
        own = {row["rel_l2_limit"] for row in rows if row["engine"] == "reference"}
        others = {row["rel_l2_limit"] for row in rows if row["engine"] == "onednn"}
        assert len(own) == len(others) == 1
    same = [r["rel_l2"] for n, r in report.records.items() if "/reference/" in n and "32x40" in n]
    assert len(set(same)) == 1  # sums of the reference run in one order


def test_placement_is_recorded(report):
    for record in report.records.values():
        assert record["affinity"] == "compact"
        assert 1 <= record["processor_count"] <= record["threads"]
        assert record["processors"]
    assert report.json["resbench"]["plan"]["affinity"] == "compact"


def test_scaling_over_threads_follows_from_the_rows(sweep, report):
    lines = report.json["resbench"]["thread_scaling"]
    assert len(lines) == len(CELLS) // 2
    for line in lines:
        names = [
            cell("resnet8", line["engine"], line["batch"], t, f"{line['height']}x{line['width']}")
            for t in (1, 2)
        ]
        one, two = (report.median(name) for name in names)
        assert [point["threads"] for point in line["points"]] == [1, 2]
        first, second = line["points"]
        assert first["speedup"] == 1 and "marginal" not in first
        assert second["speedup"] == pytest.approx(one / two)
        assert second["efficiency"] == pytest.approx(one / two / 2)
        assert second["marginal"] == pytest.approx(one / two - 1)
        assert second["serial_fraction"] == pytest.approx(2 * two / one - 1)
        if one / two - 1 < 0.5:
            assert line["knee"]["threads"] == 1
        else:
            assert line["knee"] is None
        if line["cliff"]:
            assert second["low_ms"] > first["high_ms"] and two > one
            assert line["cliff"]["against_threads"] == 1
        else:
            assert not second["low_ms"] > first["high_ms"]
        where = f"resnet8, {line['engine']}, batch {line['batch']}, {line['height']}x{line['width']}:"
        assert where in sweep.out and f"- {where}" in report.markdown
    assert "## Thread scaling" in report.markdown


def test_plot_draws_threads(shared, report):
    result = shared("plot", "results/results.json", "-o", "figures", "--format", "png")
    assert result.code == 0, result
    assert (shared.directory / "figures/threads.png").stat().st_size > 10000


@pytest.mark.parametrize("how", ["scatter", "none"])
def test_affinity_is_of_the_plan(resbench, how):
    options = (*RUN[:-1], "onednn", "--threads", "1", "--size", "32", "-o", "results")
    assert resbench(*options, "--affinity", how).code == 0
    (record,) = Report(resbench.directory / "results").records.values()
    assert record["affinity"] == how
    assert "other settings" in resbench.fails(7, *options, "--resume")  # compact


def test_listed_processors_are_kept_to(resbench):
    first = str(min(os.sched_getaffinity(0)))
    options = ("--threads", "2", "--size", "32", "--affinity", first, "-o", "results")
    assert resbench(*RUN[:-1], "onednn", *options).code == 0
    (record,) = Report(resbench.directory / "results").records.values()
    assert (record["affinity"], record["processors"]) == ("list", first)
    assert record["processor_count"] == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--affinity", "1023"), "processor 1023"),
        (("--affinity", "near"), "'near'"),
        (("--affinity", "0-"), "'0-'"),
        (("--affinity", ""), "''"),
        (("--threads", "2-1"), "'2-1'"),
        (("--threads", "1-4,2"), "2 is named twice"),
        (("--threads", "1-4:x1"), "'1-4:x1'"),
        (("--threads", "99999999999999999999"), "'99999999999999999999'"),
        (("--threads", ""), "empty"),
        (("--size", "31"), "'31'"),
        (("--size", "224x"), "'224x'"),
        (("--size", "224,224x224"), "224x224"),
        (("--batch", "0-4"), "'0-4'"),
        (("--batch", "1-1000"), "64"),
        (("--depths", "19-20"), "'19-20'"),
        (("--depths", "18-50,34"), "resnet34"),
        (("--images", "x", "--size", "32", "--crop", "48"), "contradict"),
    ],
)
def test_wrong_lists_are_refused_in_one_sentence(resbench, arguments, named):
    assert named in resbench.fails(2, "run", *arguments)
    assert list(resbench.directory.iterdir()) == []
