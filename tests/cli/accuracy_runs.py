"""Jobs of resbench accuracy on a small set, for the tests of its results and of their resumption."""

import json

IMAGES = 50
ARRAYS = ["top1", "rank", "score", "margin", "oracle_score", "max_abs_error", "rel_l2"]
OUR_FILES = ["accuracy-images.json", "accuracy.csv", "accuracy.json", "accuracy.md"]


def command(weights, data, *more, engines="oracle,reference,onednn", output="out"):
    arguments = ("--weights", weights, "--data", data, "--threads", "1", "-o", output)
    return ("accuracy", *arguments, "--engines", engines, *more)


def accuracy(resbench, *arguments, code=0, **options):
    result = resbench(*command(*arguments, **options))
    assert result.code == code and result.err == "", result
    directory = resbench.directory / options.get("output", "out")
    assert sorted(path.name for path in directory.iterdir()) == OUR_FILES
    report = json.loads((directory / "accuracy.json").read_text())
    rows = {row["engine"]: row for row in report["engines"]}
    return rows, report, result


def images_of(directory):
    whole = json.loads((directory / "accuracy-images.json").read_text())
    return {engine["engine"]: engine for engine in whole["engines"]}


def without_times(directory):
    whole = json.loads((directory / "accuracy-images.json").read_text())
    for engine in whole["engines"]:
        del engine["call_ns"]
    return json.dumps(whole)
