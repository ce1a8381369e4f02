"""resbench run --shard and resbench merge: nothing lost, nothing twice, nothing that contradicts."""

import json
import shutil
from pathlib import Path

import pytest

from support import QUICK

SWEEP = ("-d", "resnet8,resnet20", "-b", "1,2", "-e", "reference,onednn")
SHARDS = 3


def results(directory: Path) -> dict:
    return json.loads((directory / "results.json").read_text())


def names(report: dict) -> list[str]:
    return [record["name"] for record in report["resbench"]["records"]]


@pytest.fixture(scope="module")
def shards(shared) -> list[Path]:
    """The parts of one sweep."""
    for i in range(1, SHARDS + 1):
        run = shared("run", *QUICK, *SWEEP, "--shard", f"{i}/{SHARDS}", "-o", f"shard-{i}")
        assert run.code == 0, run
    return [shared.directory / f"shard-{i}" for i in range(1, SHARDS + 1)]


@pytest.fixture
def copies(shards, tmp_path):
    """The same, for a test that changes them."""
    return [Path(shutil.copytree(shard, tmp_path / shard.name)) for shard in shards]


def change(directory: Path, edit) -> None:
    report = results(directory)
    edit(report)
    (directory / "results.json").write_text(json.dumps(report))


def test_merged_rows_are_those_of_the_parts(resbench, shards, tmp_path):
    merged = resbench("merge", *shards, "-o", "whole")
    assert merged.code == 0, merged
    whole = results(tmp_path / "whole")
    parts = [results(shard) for shard in shards]
    assert all(names(part) for part in parts)
    assert sorted(names(whole)) == sorted(name for part in parts for name in names(part))
    assert len(set(names(whole))) == 2 * 2 * 2
    assert names(whole) == sorted(names(whole), key=lambda n: (int(n.split("/")[0][6:]), n.split("/")[2]))
    for key in ("name", "real_time", "run_type"):  # every sample, every aggregate
        rows = [row[key] for part in parts for row in part["benchmarks"]]
        assert sorted(map(str, rows)) == sorted(str(row[key]) for row in whole["benchmarks"])
    assert "shard" not in whole["resbench"]["plan"] and "planned_rows" not in whole["context"]
    assert whole["context"]["merged_files"] == SHARDS
    assert "2 points" not in merged.out and "resnet20" in merged.out
    assert resbench("merge", tmp_path / "whole", "-o", "again").code == 0


def test_engines_of_a_group_stay_together(shards):
    """They take turns, so that a slow minute meets all of them."""
    for shard in shards:
        groups = {}
        for name in names(results(shard)):
            network, engine, *rest = name.split("/")
            groups.setdefault((network, *rest), set()).add(engine)
        assert all(engines == {"reference", "onednn"} for engines in groups.values())


def test_what_is_missing_is_named(resbench, copies):
    sentence = resbench.fails(3, "merge", *copies[:2], "-o", "whole")
    assert "shard 3/3 is missing" in sentence and "--partial" in sentence
    assert resbench("merge", *copies[:2], "--partial", "-o", "part").code == 0

    def drop(report):
        del report["resbench"]["records"][-1]

    change(copies[2], drop)
    sentence = resbench.fails(3, "merge", *copies, "-o", "whole")
    assert "shard-3: has" in sentence and "--resume" in sentence
    assert not (resbench.directory / "whole").exists()


def test_nothing_is_counted_twice(resbench, copies, tmp_path):
    sentence = resbench.fails(3, "merge", *copies, copies[0], "-o", "whole")
    assert "shard-1 are both shard 1/3" in sentence
    for copy in copies:
        change(copy, lambda report: report["resbench"]["plan"].pop("shard"))
    sentence = resbench.fails(3, "merge", copies[0], copies[0], "-o", "whole")
    assert "both have the cell resnet" in sentence


@pytest.mark.parametrize(
    "member, value, says",
    [
        ("weights_sha256", "0" * 64, "other weights"),
        ("engine_sha256", "0" * 64, "is one file"),
        ("preprocessing", "{}", "prepared in another way"),
    ],
)
def test_rows_that_contradict_are_refused(resbench, copies, member, value, says):
    def edit(report):
        for record in report["resbench"]["records"]:
            record[member] = value

    change(copies[1], edit)
    sentence = resbench.fails(7, "merge", *copies, "-o", "whole")
    assert says in sentence and "shard-" in sentence


@pytest.mark.parametrize(
    "where, member, value, says",
    [
        ("plan", "seed", 7, "seed is"),
        ("plan", "tier", "full", "tier is"),
        ("plan", "resbench", "9.9.9", "of 9.9.9"),
        ("plan", "shard", "2/4", "one of 4"),
        ("plan", "shard_of", {"networks": ["resnet8"]}, "parts of two runs"),
        ("context", "cpu_model", "Another CPU", "Another CPU"),
    ],
)
def test_unlike_runs_are_refused(resbench, copies, where, member, value, says):
    def edit(report):
        place = report["context"] if where == "context" else report["resbench"]["plan"]
        place[member] = value
        if where == "context":  # a plan has it too
            report["resbench"]["plan"][member] = value

    change(copies[1], edit)
    assert says in resbench.fails(7, "merge", *copies, "-o", "whole")


def test_a_part_goes_on_where_it_ended(shared, shards, resbench):
    """A task that is killed and begins again: what stands is kept, with the samples it has."""
    before = results(shards[0])
    kept = before["resbench"]["records"][:2]

    def drop(report):
        report["resbench"]["records"] = kept

    place = Path(shutil.copytree(shards[0], resbench.directory / "shard-1"))
    change(place, drop)
    run = shared("run", *QUICK, *SWEEP, "--shard", f"1/{SHARDS}", "--resume", "-o", place)
    assert run.code == 0, run
    after = results(place)
    assert sorted(names(after)) == sorted(names(before))
    for record in kept:
        times = [
            [row["real_time"] for row in report["benchmarks"]
             if row["name"] == record["name"] and row["run_type"] == "iteration"]
            for report in (before, after)
        ]
        assert times[0] == times[1] != []


def test_what_does_not_fit_is_one_shards_row(resbench, tmp_path):
    """A batch that no engine has memory for costs its rows where they belong, and only there."""
    sweep = ("-d", "resnet8,resnet20", "-b", "1,65536", "-e", "reference", "--memory-limit", "512M")
    for i in (1, 2):
        run = resbench("run", *QUICK, *sweep, "--shard", f"{i}/2", "-o", f"part-{i}")
        report = results(tmp_path / f"part-{i}")
        assert len(names(report)) == report["context"]["planned_rows"], run
    merged = resbench("merge", "part-1", "part-2", "-o", "whole")
    assert merged.code == 0, merged
    rows = {record["name"]: record for record in results(tmp_path / "whole")["resbench"]["records"]}
    assert len(rows) == 4
    assert [record["note"][:7] for record in rows.values() if "65536" in record["name"]] == ["memory:"] * 2


def test_another_list_is_another_split(shared, shards, resbench):
    place = shutil.copytree(shards[0], resbench.directory / "shard-1")
    run = shared("run", *QUICK, "-d", "resnet8", "-b", "1,2,4", "-e", "reference", "--shard", f"1/{SHARDS}",
                 "--resume", "-o", place)
    assert run.code == 7 and "--shard" in run.err, run


def test_usage(resbench):
    for text in ("0/3", "4/3", "1", "a/3", "1/3x", "1/0", "1/99999"):
        assert "--shard takes" in resbench.fails(2, "run", "--shard", text)
    sentence = resbench.fails(2, "run", "-d", "resnet8", "--shard", "2/3", "-o", "out")
    assert "fewer than shards" in sentence
    (resbench.directory / "there").mkdir()
    (resbench.directory / "there/results.json").write_text("{}")
    sentence = resbench.fails(2, "merge", "there", "-o", "there")
    assert "holds results already" in sentence and "--resume" not in sentence
    assert "give the results" in resbench.fails(2, "merge")
    assert "nothing.json" in resbench.fails(3, "merge", "nothing.json")
