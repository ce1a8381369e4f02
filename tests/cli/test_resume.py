"""--resume keeps what stands and measures what does not."""

import shutil

import pytest
from PIL import Image

from support import QUICK, Report, cell, engine_path

FIRST = cell("resnet18", "onednn")


def arguments(depths, *more, engines="onednn"):
    return (
        "run",
        *QUICK,
        "--depths",
        depths,
        "--engines",
        engines,
        "-o",
        "results",
        *more,
    )


def kept(report, name):
    return report.rows(name), report.records[name]


def without_speedup(rows):
    """A reference that joins gives a finished row its speed-up; nothing else may change."""
    return [{k: v for k, v in row.items() if k != "speedup_over_reference"} for row in rows]


@pytest.fixture
def first(resbench):
    result = resbench(*arguments("18"))
    assert result.code == 0, result
    return Report(resbench.directory / "results")


def test_more_depths_and_batches_join(resbench, first):
    result = resbench(*arguments("34,18", "--batch", "2,1", "--resume"))
    assert result.code == 0, result
    report = Report(resbench.directory / "results")
    assert set(report.records) == {
        cell(network, "onednn", batch) for network in ("resnet18", "resnet34") for batch in (1, 2)
    }
    assert kept(report, FIRST) == kept(first, FIRST)
    for name in report.records:
        assert report.csv_row(name)["parity"] == "PASS" and report.samples(name)


def test_more_engines_join(resbench, first):
    result = resbench(*arguments("18", "--resume", engines="reference,onednn"))
    assert result.code == 0, result
    report = Report(resbench.directory / "results")
    rows, record = kept(report, FIRST)
    assert without_speedup(rows) == first.rows(FIRST) and record == first.records[FIRST]
    speedup = report.median(cell("resnet18", "reference")) / report.median(FIRST)
    assert float(report.csv_row(FIRST)["speedup_over_reference"]) == pytest.approx(speedup)


def test_more_threads_and_sizes_join(resbench, first):
    result = resbench(*arguments("18", "--resume"), "--threads", "2,1", "--size", "32,48x40")
    assert result.code == 0 and "rows that stand already: 1" in result.out, result
    report = Report(resbench.directory / "results")
    assert set(report.records) == {
        cell("resnet18", "onednn", threads=threads, size=size)
        for threads in (1, 2)
        for size in ("32x32", "48x40")
    }
    assert kept(report, FIRST) == kept(first, FIRST)
    for name, record in report.records.items():
        assert record["verdict"] == "PASS" and report.samples(name)
        assert f"/size:{record['height']}x{record['width']}" in name
        assert f"/threads:{record['threads']}/" in name


def test_labels_join(resbench):
    options = ("run", *QUICK, "-d", "8", "-o", "results")
    assert resbench(*options, "-e", "old=reference").code == 0
    result = resbench(*options, "-e", "old=reference,new=onednn", "--resume")
    assert result.code == 0 and "rows that stand already: 1" in result.out, result
    assert set(Report(resbench.directory / "results").records) == {
        cell("resnet8", "old"),
        cell("resnet8", "new"),
    }


def test_nothing_left_to_do_changes_no_row(resbench, first):
    result = resbench(*arguments("18", "--resume"))
    assert result.code == 0, result
    report = Report(resbench.directory / "results")
    assert report.json["benchmarks"] == first.json["benchmarks"]
    assert report.csv == first.csv
    assert "resnet18" in result.out


@pytest.mark.parametrize(
    "setting",
    [
        ("--seed", "2"),
        ("--full",),
        ("--images", "images"),
        ("--weights", "w.h5"),
    ],
)
def test_other_settings_are_not_comparable(resbench, first, setting):
    command = [*arguments("18", "--resume"), *setting]
    if "--full" in setting:
        command.remove("--quick")
    if "--images" in setting:
        (resbench.directory / "images").mkdir()
        for i in range(2):
            Image.new("RGB", (300, 300), (i, 0, 0)).save(resbench.directory / f"images/{i}.png")
    before = (first.directory / "results.json").read_bytes()
    sentence = resbench.fails(7, *command)
    assert "other settings" in sentence
    assert (first.directory / "results.json").read_bytes() == before


def test_other_weights_under_the_same_name_are_not_comparable(resbench):
    command = (*arguments("18"), "--weights", "w.h5")
    for code, seed, more in ((0, "1", ()), (7, "2", ("--resume",))):
        assert resbench("weights", "synth", "resnet18", "--seed", seed, "-o", "w.h5").code == 0
        result = resbench(*command, *more)
        assert result.code == code, result


def test_images_prepared_in_another_way_are_not_comparable(resbench):
    (resbench.directory / "images").mkdir()
    for i in range(2):
        Image.new("RGB", (300, 300), (i, 0, 0)).save(resbench.directory / f"images/{i}.png")
    command = (*arguments("18"), "--images", "images", "--resize", "40")
    assert resbench(*command).code == 0
    record = Report(resbench.directory / "results").records[FIRST]
    assert '"resize":40,"crop":[32,32]' in record["preprocessing"]
    for resize, code in (("none", 7), ("41", 7), ("40", 0)):
        result = resbench(*command, "--resize", resize, "--resume")
        assert result.code == code, result
        assert ("prepared in another way" in result.err) == (code == 7)


def test_resize_without_images_is_refused(resbench):
    assert "--images" in resbench.fails(2, *arguments("18"), "--resize", "40")
    assert "--images" in resbench.fails(2, *arguments("18"), "--crop", "32")


def test_resume_of_nothing_is_a_first_run(resbench):
    result = resbench(*arguments("18", "--resume"))
    assert result.code == 0, result
    assert list(Report(resbench.directory / "results").records) == [FIRST]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"context": {}, "benchmarks": []}'])
def test_a_file_that_is_not_ours_is_refused(resbench, text):
    results = resbench.directory / "results"
    results.mkdir()
    (results / "results.json").write_text(text)
    assert "results.json" in resbench.fails(3, *arguments("18", "--resume"))
    assert (results / "results.json").read_text() == text


def test_a_crashed_row_is_tried_again(resbench):
    flaky = resbench.directory / "flaky.so"
    shutil.copyfile(engine_path("crash"), flaky)
    result = resbench(*arguments("18", engines=f"onednn,{flaky}"))
    assert result.code == 8, result
    before = Report(resbench.directory / "results")
    assert before.csv_row(cell("resnet18", "flaky"))["parity"] == "CRASHED"

    flaky.unlink()
    shutil.copyfile(engine_path("writes_stdout"), flaky)
    result = resbench(*arguments("18", "--resume", engines=f"onednn,{flaky}"))
    assert result.code == 0, result
    after = Report(resbench.directory / "results")
    row = after.csv_row(cell("resnet18", "flaky"))
    assert row["parity"] == "PASS" and row["note"] == ""
    assert kept(after, FIRST) == kept(before, FIRST)
    assert len(after.records) == 2


def test_results_of_another_schema_are_told_and_left_alone(resbench, first):
    path = first.directory / "results.json"
    before = path.read_text().replace('"schema_version": 2', '"schema_version": 1')
    path.write_text(before)
    sentence = resbench.fails(3, *arguments("18", "--resume"))
    assert "schema version 1, expected 2" in sentence and "measure again" in sentence
    assert path.read_text() == before
