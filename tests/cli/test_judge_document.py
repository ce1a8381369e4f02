"""plots/judge_document.py, on files of resbench check."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "plots" / "judge_document.py"
PROBLEMS = ("--problem", "ic17ih5oc16kh3ph1+bias", "--problem", "avgpool:mb2ic8ih7")


def make(*paths):
    done = subprocess.run([sys.executable, SCRIPT, *paths], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def reports(shared):
    files = {}
    for name, engine in (("good", "reference"), ("wrong", f"{os.environ['RESBENCH_MUTANTS']}/one_nan.so")):
        files[name] = shared.directory / f"judge-{name}.json"
        shared("check", engine, "--level", "exact,operation", *PROBLEMS, "--json", files[name])
    return files


def cells(document, name):
    (line,) = [line for line in document.splitlines() if line.startswith(f"| {name} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_errors_of_both_engines_stand_beside_k_and_verdict(reports):
    code, document, err = make(reports["good"], reports["wrong"])
    assert code == 0, err
    good = [row for row in json.loads(reports["good"].read_text())["rows"] if row["level"] == "operation"]
    for row in good:
        found = cells(document, row["name"])
        assert found[2] == str(row["k"]) == {"c": "153", "a": "49"}["a" if "avg" in row["name"] else "c"]
        assert found[4:9] == [f"{row['figures']['rel_l2']:.1e}", f"{row['figures']['element_share']:.3f}",
                              f"{row['figures']['norm_share']:.3f}", f"{row['figures']['max_ulp']:.0f}", "PASS"]  # fmt: skip
    conv = next(row["name"] for row in good if "avg" not in row["name"])
    assert cells(document, conv)[9:] == ["-", "-", "-", "-", "FAIL"]
    assert f"* one_nan, operation: {conv} FAIL" in document
    assert "All are PASS." not in document
    assert "All are PASS." in make(reports["good"])[1]


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda report: report.update(schema_version=2), "schema version 2, expected 1"),
        (lambda report: report["plan"].update(complete=False), "did not come to its end"),
        (lambda report: report["rows"][1].pop("k"), "row 1 lacks a member"),
        (lambda report: report.pop("rows"), "not a file of resbench check"),
    ],
)
def test_other_files_are_refused(reports, tmp_path, change, words):
    report = json.loads(reports["good"].read_text())
    change(report)
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(report))
    code, document, err = make(path)
    assert (code, document) == (3, "")
    assert words in err


def test_one_engine_twice_is_refused(reports):
    code, _, err = make(reports["good"], reports["good"])
    assert code == 3 and "same engine" in err
