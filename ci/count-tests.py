"""Usage: count-tests.py REPORT.xml: counts a JUnit report written by ctest.

Prints `N passed, N failed[, N skipped]` and exits with 0 only if none failed and at least one passed.
"""

import sys
import xml.etree.ElementTree as ElementTree


def outcome(case):
    """CTest also writes <skipped> for a test it could not start, such as one whose program is missing."""
    status = case.get("status")
    if status in ("run", "disabled"):
        return "passed" if status == "run" else "skipped"
    skipped = case.find("skipped")
    reason = "" if skipped is None else skipped.get("message", "")
    return "skipped" if reason.startswith("SKIP_") else "failed"


def main():
    try:
        cases = ElementTree.parse(sys.argv[1]).getroot().findall("testcase")
    except (OSError, ElementTree.ParseError) as error:
        print(f"count-tests.py: no test report: {error}", file=sys.stderr)
        print("0 passed, 1 failed")
        return 1
    outcomes = [outcome(case) for case in cases]
    for case, result in zip(cases, outcomes):
        if result != "passed":
            print(f"{result}: {case.get('name')}", file=sys.stderr)
    passed, failed, skipped = (outcomes.count(name) for name in ("passed", "failed", "skipped"))
    if not cases:
        print("count-tests.py: no test was run", file=sys.stderr)
        failed = 1
    sys.stderr.flush()
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 0 if passed and not failed else 1


sys.exit(main())
