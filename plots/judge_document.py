"""The measured errors of all problems beside their limits, as Markdown, from files of `resbench check --json`.

    python3 plots/judge_document.py reference.json onednn.json > judge.md"""

import argparse
import json
import sys
from pathlib import Path

WORDS = {"conv": "convolution", "fc": "fully connected", "maxpool": "max-pool", "avgpool": "average pool",
         "shortcut": "shortcut"}  # fmt: skip
MEMBERS = {"level", "verdict", "name", "input", "why", "k", "multiplicity", "other_threads", "note", "figures"}
FIGURES = ("rel_l2", "element_share", "norm_share", "max_ulp")


class BadInput(Exception):
    pass


def load(path: Path) -> dict:
    try:
        report = json.loads(path.read_text())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as problem:
        raise BadInput(f"{path}: cannot be read: {problem}") from problem
    if not isinstance(report, dict) or not {"engine", "plan", "rows"} <= report.keys():
        raise BadInput(f"{path}: not a file of resbench check --json")
    if report.get("schema_version") != 1:
        raise BadInput(f"{path}: schema version {report.get('schema_version')}, expected 1")
    if not report["plan"].get("complete"):
        raise BadInput(f"{path}: the run did not come to its end")
    for index, row in enumerate(report["rows"]):
        if not isinstance(row, dict) or not MEMBERS <= row.keys() or not set(FIGURES) <= row["figures"].keys():
            raise BadInput(f"{path}: row {index} lacks a member")
    return report


def share(row: dict) -> float | None:
    """Of the limit: the larger of element and norm; None where a value is not finite or there is none."""
    shares = [row["figures"][name] for name in ("element_share", "norm_share")]
    return None if None in shares else max(shares)


def shape_class(row: dict) -> str:
    kind, colon, _ = row["name"].partition(":")
    if colon:
        return WORDS.get(kind, kind)
    return "convolution of a ResNet" if row["why"].startswith("resnet") else "awkward convolution"


def number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def rows_of(report: dict, level: str) -> list[dict]:
    return [row for row in report["rows"] if row["level"] == level and row["input"] != "recorded"]


def machine(report: dict) -> str:
    plan, context = report["plan"], report["context"]
    return (f"{report['engine']} {report['engine_version']}: {context['cpu_model']}, {plan['threads']} threads and "
            f"{report['rows'][0]['other_threads'] if report['rows'] else 0} as well, seed {plan['seed']}, resbench "
            f"{context['resbench_version']}, compiler {context['compiler']}, {context['date'][:10]}")  # fmt: skip


def summary(reports: list[dict]) -> list[str]:
    lines = ["| engine | exact | operation | worst of its limit | at | room | relative L2 at most |",
             "|---|---|---|---:|---|---:|---:|"]  # fmt: skip
    for report in reports:
        passed = {}
        for level in ("exact", "operation"):
            own = rows_of(report, level)
            passed[level] = f"{sum(row['verdict'] == 'PASS' for row in own)} of {len(own)}"
        known = [row for row in rows_of(report, "operation") if share(row) is not None]
        worst = max(known, key=share, default=None)
        most = share(worst) if worst else None
        lines.append(
            f"| {report['engine']} | {passed['exact']} | {passed['operation']} | {number(most, '.2f')} | "
            f"{worst['name'] if worst else '-'} | {number(1 / most if most else None, '.1f')} x | "
            f"{number(max((row['figures']['rel_l2'] for row in known), default=None), '.1e')} |"
        )
    return lines


def classes(reports: list[dict]) -> list[str]:
    engines = [report["engine"] for report in reports]
    found: dict[str, dict[str, list[float]]] = {}
    for report in reports:
        for row in rows_of(report, "operation"):
            if share(row) is not None:
                found.setdefault(shape_class(row), {}).setdefault(report["engine"], []).append(share(row))
    lines = [f"| kind | problems | {' | '.join(f'{e}: worst, median of the limit' for e in engines)} |",
             "|---|---:|" + "---|" * len(engines)]  # fmt: skip
    for kind, shares in found.items():
        cells = []
        for engine in engines:
            own = sorted(shares.get(engine, []))
            cells.append(f"{own[-1]:.2f}, {own[len(own) // 2]:.2f}" if own else "-")
        lines.append(f"| {kind} | {max(map(len, shares.values()))} | {' | '.join(cells)} |")
    return lines


def table(reports: list[dict]) -> list[str]:
    by_name: dict[str, dict[str, dict]] = {}
    for report in reports:
        for row in rows_of(report, "operation"):
            by_name.setdefault(row["name"], {})[report["engine"]] = row
    titles = ("rel. L2", "element", "norm", "ULP", "verdict")
    heads = [f"{report['engine']}: {title}" if title == titles[0] else title
             for report in reports for title in titles]  # fmt: skip
    lines = [f"| problem | why | K | times | {' | '.join(heads)} |",
             "|---|---|---:|---:|" + ("---:|" * 4 + "---|") * len(reports)]  # fmt: skip
    for name, rows in by_name.items():
        any_row = next(iter(rows.values()))
        cells = [name, any_row["why"] or "-", str(any_row["k"]), str(any_row["multiplicity"] or "-")]
        for report in reports:
            row = rows.get(report["engine"])
            values = [row["figures"][figure] if row else None for figure in FIGURES]
            cells += [number(value, form) for value, form in zip(values, (".1e", ".3f", ".3f", ".0f"))]
            cells.append(row["verdict"] if row else "-")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def document(reports: list[dict]) -> str:
    engines = " and ".join(report["engine"] for report in reports)
    names = " ".join(f"{report['engine']}.json" for report in reports)
    failed = [f"* {report['engine']}, {row['level']}: {row['name']} {row['verdict']}: {row['note']}"
              for report in reports for row in report["rows"] if row["verdict"] != "PASS"]  # fmt: skip
    parts = [
        [f"# The limits and the errors of {engines}"],
        ["Made of result files, by", ""]
        + [f"    resbench check {report['engine']} --level {','.join(report['plan']['levels'])} --input "
           f"{','.join(report['plan']['inputs'])} --threads {report['plan']['threads']} --json {report['engine']}.json"
           for report in reports]
        + [f"    python3 plots/judge_document.py {names} > judge.md"],
        [f"* {machine(report)}" for report in reports],
        ["element, norm: the error over its limit (docs/judge.md), 1 is the limit. K: the length of a sum. times: in",
         "ResNet-18, 34, 50, 101, 152 together. ULP is large near 0 and has no limit. room: the limit over the error."],
        ["## Summary"], summary(reports), classes(reports),
        ["What is no PASS:", "", *failed] if failed else ["All are PASS."],
        ["## Every problem of level operation, seeded input",],
        table(reports),
    ]  # fmt: skip
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", type=Path, nargs="+", metavar="CHECK.json")
    try:
        reports = [load(path) for path in parser.parse_args().reports]
        if len({report["engine"] for report in reports}) < len(reports):
            raise BadInput("two files are of the same engine")
        sys.stdout.write(document(reports))
    except BadInput as problem:
        print(f"judge_document: {problem}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
