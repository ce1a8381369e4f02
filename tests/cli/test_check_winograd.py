"""A kernel that says that it is Winograd is held to Winograd's limits; one that does not is not."""

import pytest

from support import Resbench, engine_path
from test_check import rows

# Sums of 27, 144 and 2304 products; results that are no whole number of tiles.
SHAPES = ("mb3ic3ih32oc16oh32kh3ph1", "mb3ic16ih19iw18oc8oh19ow18kh3ph1", "ic256ih14oc64oh14kh3ph1")
PROBLEMS = {
    "exact": [f"{shape}+bias+relu" for shape in SHAPES],
    "operation": [f"{shape}+bn+relu" for shape in SHAPES],
}


def verdicts(resbench: Resbench, kernel: str, level: str) -> list[str]:
    problems = PROBLEMS[level]
    words = [word for problem in problems for word in ("--problem", problem)]
    result = resbench("check", engine_path(kernel), *words, "--level", level, "--verbose")
    found = rows(result.out)
    assert [row[2] for row in found] == problems, result
    return [row[3] for row in found]


@pytest.mark.parametrize("level", PROBLEMS)
@pytest.mark.parametrize("kernel", ["winograd2_as_winograd", "winograd4_as_winograd"])
def test_declared_passes(resbench, kernel, level):
    assert verdicts(resbench, kernel, level) == ["PASS"] * 3


def test_undeclared_is_found(resbench):
    assert verdicts(resbench, "winograd4_as_direct", "exact") == ["FAIL"] * 3
    assert verdicts(resbench, "winograd4_as_direct", "operation")[0] == "FAIL"


def test_undeclared_is_a_plain_sum_where_it_errs_like_one(resbench):
    for level in PROBLEMS:
        assert verdicts(resbench, "winograd2_as_direct", level) == ["PASS"] * 3
