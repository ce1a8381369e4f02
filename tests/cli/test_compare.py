"""resbench compare: what it says of two results, and what it refuses."""

import copy
import json
import math
import re
from xml.etree import ElementTree

import pytest

from support import Report

CELLS = 2  # resnet8 by reference and onednn
WORKERS = 5
BEFORE = (10.0, 10.1, 10.2, 10.1, 10.0)
SLOWER = (12.0, 12.1, 12.2, 12.1, 12.0)
NOISY = (10.0, 14.0, 9.0, 11.0, 13.0)


@pytest.fixture(scope="module")
def measured(shared) -> dict:
    """A results.json as the program writes it."""
    result = shared("run", "--quick", "-d", "resnet8", "--threads", "1", "-o", "run")
    assert result.code == 0, result
    return Report(shared.directory / "run").json


@pytest.fixture
def results(measured) -> dict:
    """The same, with made-up times: every cell took BEFORE, in five processes."""
    results = copy.deepcopy(measured)
    for record in results["resbench"]["records"]:
        set_times(results, record["engine"], BEFORE)
    return results


def record_of(results: dict, engine: str) -> dict:
    (record,) = [r for r in results["resbench"]["records"] if r["engine"] == engine]
    return record


def set_times(results: dict, engine: str, workers_ms) -> None:
    name = record_of(results, engine)["name"]
    rows = results["benchmarks"]
    model = next(r for r in rows if r["name"] == name and r["run_type"] == "iteration")
    rows[:] = [r for r in rows if r["run_name"] != name]
    for worker, ms in enumerate(workers_ms):
        for turn in range(2):
            rows.append({**model, "worker": worker, "turn": turn, "real_time": ms})


def save(resbench, name: str, results: dict) -> str:
    (resbench.directory / name).write_text(json.dumps(results))
    return name


class Compared:
    """All that one comparison prints and writes."""

    def __init__(self, resbench, a: dict, b: dict, *options):
        files = ("--json", "c.json", "--junit", "c.xml", "--markdown", "c.md")
        self.result = resbench(
            "compare", save(resbench, "a.json", a), save(resbench, "b.json", b), *files, *options
        )
        assert self.result.err == "", self.result
        self.code, self.out = self.result.code, self.result.out
        self.json = json.loads((resbench.directory / "c.json").read_text())
        self.rows = {row["cell"].split("/")[1]: row for row in self.json["rows"]}
        self.markdown = (resbench.directory / "c.md").read_text()
        suites = ElementTree.parse(resbench.directory / "c.xml").getroot()
        self.junit = {
            case.get("name").split("/")[1]: [child.tag for child in case]
            for case in suites.iter("testcase")
        }
        for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suites.get(kind)) == len(list(suites.iter(tag)))
        assert int(suites.get("tests")) == len(self.junit)

    def verdicts(self) -> dict:
        return {engine: row["verdict"] for engine, row in self.rows.items()}


def test_a_run_compared_with_itself_differs_in_nothing(shared, measured):
    result = shared("compare", "run", "run/results.json")
    assert result.code == 0 and result.err == "", result
    ratios = re.findall(r" 1\.000 +\S+ +1\.000 +PASS", result.out)
    assert len(ratios) == CELLS
    assert "SLOWER" not in result.out and "FASTER" not in result.out


def test_slower_is_4_and_said_everywhere(resbench, results):
    slow = copy.deepcopy(results)
    set_times(slow, "onednn", SLOWER)
    compared = Compared(resbench, results, slow)
    assert compared.code == 4
    assert compared.verdicts() == {"reference": "SAME", "onednn": "SLOWER"}
    row = compared.rows["onednn"]
    ratio = math.prod(SLOWER) ** 0.2 / math.prod(BEFORE) ** 0.2
    assert row["ratio"] == pytest.approx(ratio, rel=1e-6)
    assert row["ratio_low"] < ratio < row["ratio_high"]
    # All five processes of one side beyond all of the other: 2 of 252 ways, twice for Holm.
    assert row["test"] == "permutation"
    assert row["p"] == pytest.approx(2 / 252) and row["p_holm"] == pytest.approx(4 / 252)
    assert compared.junit == {"reference": [], "onednn": ["failure"]}
    assert re.search(r"^\| \S+/onednn/\S+ .*\| SLOWER \|$", compared.markdown, re.M)
    assert "2 cells in both files: 1 SAME, 1 SLOWER" in compared.markdown
    assert re.search(r"^resnet8 +onednn .* 1\.198 .*SLOWER", compared.out, re.M)


def test_faster_is_fine(resbench, results):
    slow = copy.deepcopy(results)
    set_times(slow, "onednn", SLOWER)
    compared = Compared(resbench, slow, results)
    assert compared.code == 0 and compared.verdicts()["onednn"] == "FASTER"
    assert compared.junit["onednn"] == []


def test_the_threshold_decides_what_matters(resbench, results):
    slow = copy.deepcopy(results)
    set_times(slow, "onednn", SLOWER)
    compared = Compared(resbench, results, slow, "--threshold", "30")
    assert compared.code == 0 and compared.verdicts()["onednn"] == "SAME"


def test_unclear_is_5_when_strict(resbench, results):
    noisy = copy.deepcopy(results)
    set_times(noisy, "onednn", NOISY)
    compared = Compared(resbench, results, noisy)
    assert compared.code == 0 and compared.verdicts()["onednn"] == "UNCLEAR"
    assert "UNCLEAR: " in compared.out and compared.junit["onednn"] == ["skipped"]
    compared = Compared(resbench, results, noisy, "--strict")
    assert compared.code == 5 and compared.junit["onednn"] == ["failure"]


def test_one_process_tells_nothing(resbench, results):
    few = copy.deepcopy(results)
    set_times(few, "onednn", SLOWER[:1])
    compared = Compared(resbench, results, few)
    assert compared.code == 0 and compared.verdicts()["onednn"] == "TOO FEW"
    assert compared.rows["onednn"]["p"] is None
    assert Compared(resbench, results, few, "--strict").code == 5


@pytest.mark.parametrize(
    "a, b, code, verdict, tags",
    [
        ("PASS", "FAIL", 1, "WRONG", ["failure"]),
        ("PASS", "MISTRUSTED", 1, "WRONG", ["failure"]),
        ("PASS", "UNSUPPORTED", 1, "LOST", ["failure"]),
        ("PASS", "TIMEOUT", 8, "CRASHED", ["error"]),
        ("FAIL", "PASS", 0, "NEW", []),
    ],
)
def test_parity_comes_before_speed(resbench, results, a, b, code, verdict, tags):
    other = copy.deepcopy(results)
    set_times(other, "onednn", SLOWER)
    record_of(results, "onednn")["verdict"] = a
    record_of(other, "onednn").update(verdict=b, note="beyond <5> & more" if b != "PASS" else "")
    compared = Compared(resbench, results, other)
    assert compared.code == code and compared.verdicts()["onednn"] == verdict
    assert compared.junit["onednn"] == tags
    assert f"{a} -> {b}"[:11] in compared.out and f"| {a} -> {b} |" in compared.markdown
    if b != "PASS":
        assert "beyond <5> & more" in compared.out
        assert "beyond &lt;5> &amp; more" in compared.markdown  # which is HTML to a browser


def test_memory_that_grew_is_4(resbench, results):
    larger = copy.deepcopy(results)
    record_of(larger, "onednn")["activation_bytes"] += 4096
    record_of(larger, "reference")["scratch_bytes"] -= 64
    record_of(results, "reference")["scratch_bytes"] = 64 + record_of(larger, "reference")["scratch_bytes"]
    compared = Compared(resbench, results, larger)
    assert compared.code == 4
    assert set(compared.verdicts().values()) == {"SAME"}  # of the times
    assert compared.rows["onednn"]["memory"]["activations"]["change"] == "GREW"
    assert compared.rows["reference"]["memory"]["scratch"]["change"] == "SHRANK"
    for text in (compared.out, compared.markdown):
        assert re.search(r"onednn/\S+: activations GREW: .*\(\+4096 bytes\)", text)
        assert "memory grew in 1 figure" in text
    assert compared.junit == {"reference": [], "onednn": ["failure"]}


def test_peak_rss_has_a_tolerance(resbench, results):
    larger = copy.deepcopy(results)
    record = record_of(larger, "onednn")
    record["peak_rss_bytes"] = record["peak_rss_bytes"] * 104 // 100
    assert Compared(resbench, results, larger).code == 0
    assert Compared(resbench, results, larger, "--rss-tolerance", "3").code == 4


def test_cells_of_one_file_are_listed(resbench, results):
    fewer = copy.deepcopy(results)
    fewer["resbench"]["records"] = [record_of(fewer, "onednn")]
    compared = Compared(resbench, results, fewer)
    assert compared.code == 0
    assert re.search(r"only in A: \S+/reference/\S+ \(PASS\)", compared.out)
    assert "only in A: " in compared.markdown
    assert compared.junit == {"onednn": [], "reference": ["skipped"]}
    compared = Compared(resbench, fewer, results)
    assert "only in B: " in compared.out and "1 in one alone" in compared.out


def test_a_wrong_cell_of_b_alone_is_told_everywhere(resbench, results):
    fewer = copy.deepcopy(results)
    fewer["resbench"]["records"] = [record_of(fewer, "onednn")]
    record_of(results, "reference").update(verdict="FAIL", note="far off")
    compared = Compared(resbench, fewer, results)
    assert compared.code == 1
    assert compared.junit == {"onednn": [], "reference": ["failure"]}
    assert re.search(r"only in B: \S+/reference/\S+ \(FAIL: far off\)", compared.out)
    assert "1 in one alone: 1 WRONG" in compared.out and "1 WRONG" in compared.markdown


def test_nothing_that_could_be_compared_is_6(resbench, results):
    for record in results["resbench"]["records"]:
        record["verdict"] = "UNSUPPORTED"
    compared = Compared(resbench, results, results)
    assert compared.code == 6 and set(compared.verdicts().values()) == {"-"}
    assert "2 not compared" in compared.out


def test_texts_of_a_file_do_not_steer_a_terminal(resbench, results):
    evil = "red \x1b[31m\x9b1m\nline"
    for key in ("date", "cpu_model"):
        results["context"][key] = evil
    results["resbench"]["plan"]["cpu_model"] = evil
    record_of(results, "onednn").update(note=evil, engine_version=evil, verdict="FAIL")
    other = copy.deepcopy(results)
    record_of(other, "reference")["preprocessing"] = evil
    compared = Compared(resbench, results, results)
    for text in (compared.out, compared.markdown, refuses(resbench, 7, results, other)):
        assert "red " in text and not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)


def refuses(resbench, code: int, a: dict, b: dict, *options) -> str:
    save(resbench, "a.json", a), save(resbench, "b.json", b)
    return resbench.fails(code, "compare", "a.json", "b.json", "--json", "c.json", *options)


def test_nothing_in_common_is_refused(resbench, results):
    left, right = copy.deepcopy(results), copy.deepcopy(results)
    left["resbench"]["records"] = [record_of(left, "onednn")]
    right["resbench"]["records"] = [record_of(right, "reference")]
    assert "no cell is in both" in refuses(resbench, 7, left, right)


def test_unlike_machines_are_refused_by_name(resbench, results):
    other = copy.deepcopy(results)
    for place in (other["context"], other["resbench"]["plan"]):
        place["cpu_model"] = "Another"
    other["resbench"]["plan"]["openmp_settings"] = {"OMP_WAIT_POLICY": "PASSIVE"}
    sentence = refuses(resbench, 7, results, other)
    assert f'cpu_model {json.dumps(results["context"]["cpu_model"])} in A, "Another" in B' in sentence
    assert '{"OMP_WAIT_POLICY":"PASSIVE"} in B' in sentence and "--across-machines" in sentence
    assert not (resbench.directory / "c.json").exists()


def test_across_machines_only_ratios_of_ratios_are_told(resbench, results):
    other = copy.deepcopy(results)
    other["resbench"]["plan"]["cpu_model"] = other["context"]["cpu_model"] = "Another"
    set_times(other, "onednn", [ms / 4 for ms in BEFORE])
    set_times(other, "reference", [ms / 3 for ms in BEFORE])
    compared = Compared(resbench, results, other, "--across-machines")
    assert compared.code == 0 and compared.verdicts() == {"onednn": "RATIO"}
    row = compared.rows["onednn"]
    assert row["ratio"] == pytest.approx(3 / 4, rel=1e-6)
    assert row["b_over_base"] == pytest.approx(3 / 4, rel=1e-6)
    assert row["a_ns"] is None and row["b_ns"] is None and row["p_holm"] is None
    for text in (compared.out, compared.markdown):
        assert " ms" not in text and "ratios of ratios only" in text
        assert '"Another" in B' in text
    swapped = Compared(resbench, results, other, "--across-machines", "--base", "onednn")
    assert swapped.rows["reference"]["ratio"] == pytest.approx(4 / 3, rel=1e-6)
    sentence = refuses(resbench, 7, results, other, "--across-machines", "--base", "nobody")
    assert "A has no cell of the engine nobody" in sentence
    # Slower in relation to its base is no alarm on another machine, a wrong result is.
    record_of(other, "onednn")["verdict"] = "FAIL"
    assert Compared(resbench, results, other, "--across-machines").code == 1


@pytest.mark.parametrize("key, value", [("tier", "full"), ("seed", 2), ("images_sha256", "ab")])
def test_another_method_is_refused_even_across_machines(resbench, results, key, value):
    other = copy.deepcopy(results)
    other["resbench"]["plan"][key] = value
    for options in ((), ("--across-machines",)):
        sentence = refuses(resbench, 7, results, other, *options)
        assert f"{key} " in sentence and f"{json.dumps(value)} in B" in sentence


def test_other_weights_are_refused(resbench, results):
    other = copy.deepcopy(results)
    record_of(other, "onednn")["weights_sha256"] = "ab" * 32
    assert "ab" * 32 in refuses(resbench, 7, results, other)


def test_versions_may_differ_and_are_shown(resbench, results):
    other = copy.deepcopy(results)
    other["resbench"]["plan"]["resbench"] = other["context"]["resbench_version"] = "9.9"
    record_of(other, "onednn")["engine_version"] = "99.1"
    compared = Compared(resbench, results, other)
    assert compared.code == 0
    assert '"9.9" in B' in compared.out and "99.1 in B" in compared.out


def test_a_machine_that_was_slower_by_itself_is_told(resbench, results):
    other = copy.deepcopy(results)
    for here, peak in ((results, 50.0), (other, 40.0)):
        here["context"]["peak_gmacs_per_second"] = 3 * peak if here is other else peak  # of more threads
        for record in here["resbench"]["records"]:
            record["peak_gmacs"] = peak
    told = Compared(resbench, results, other).out
    assert told.count("(-20 %)") == 1 and "own peak with 1 thread: 50.0 GMAC/s in A, 40.0 in B" in told


def test_a_cell_that_is_there_twice_is_refused(resbench, results):
    twice = copy.deepcopy(results)
    twice["resbench"]["records"].append(twice["resbench"]["records"][0])
    sentence = refuses(resbench, 3, results, twice)
    assert "b.json" in sentence and "twice" in sentence


def test_a_time_that_is_none_is_refused(resbench, results):
    broken = copy.deepcopy(results)
    set_times(broken, "onednn", (10.0, -1.0))
    assert "onednn" in refuses(resbench, 3, results, broken)


@pytest.mark.parametrize(
    "text, named",
    [
        ("", "b.json"),
        ("[1, 2", "b.json"),
        ("[]", "not the results"),
        ('{"benchmarks": []}', "not the results"),
        ('{"resbench": {"schema_version": 99, "records": []}}', "99, expected 2"),
        ('{"resbench": {"schema_version": 1, "records": [{}]}}', "1, expected 2: another version of resbench"),
        ('{"resbench": {"schema_version": 2, "records": [{}]}}', "verdict"),
        ('{"resbench": {"schema_version": 2, "records": 5}}', "not the results"),
    ],
)
def test_what_is_not_ours_is_refused(resbench, results, text, named):
    save(resbench, "a.json", results)
    (resbench.directory / "b.json").write_text(text)
    for files in (("a.json", "b.json"), ("b.json", "a.json")):
        sentence = resbench.fails(3, "compare", *files)
        assert "b.json" in sentence and named in sentence


def test_what_is_not_there_is_named(resbench, results):
    save(resbench, "a.json", results)
    assert "nowhere" in resbench.fails(3, "compare", "a.json", "nowhere")
    (resbench.directory / "empty").mkdir()
    assert "empty/results.json" in resbench.fails(3, "compare", "a.json", "empty")


def test_outputs_are_checked(resbench, results):
    save(resbench, "a.json", results), save(resbench, "b.json", results)
    before = (resbench.directory / "a.json").read_bytes()
    assert "a.json" in resbench.fails(3, "compare", "a.json", "b.json", "--json", "./a.json")
    assert (resbench.directory / "a.json").read_bytes() == before
    for option in ("--json", "--junit", "--markdown"):
        result = resbench("compare", "a.json", "b.json", option, "nowhere/file")
        assert result.code == 3 and "nowhere" in result.err
    one = ("--json", "x", "--junit", "x")
    assert "'x'" in resbench.fails(2, "compare", "a.json", "b.json", *one)


def test_markdown_to_standard_output_is_all_that_is_printed(resbench, results):
    save(resbench, "a.json", results), save(resbench, "b.json", results)
    result = resbench("compare", "a.json", "b.json", "--markdown", "-")
    assert result.code == 0 and result.out.startswith("### resbench compare\n")
    assert "\nA: " not in result.out


@pytest.mark.parametrize(
    "arguments, named",
    [
        ((), "two results"),
        (("a",), "two results"),
        (("a", "b", "c"), "'c'"),
        (("a", "b", "--threshold", "-1"), "'-1'"),
        (("a", "b", "--threshold", "five"), "'five'"),
        (("a", "b", "--base", "onednn"), "--across-machines"),
    ],
)
def test_usage(resbench, arguments, named):
    assert named in resbench.fails(2, "compare", *arguments)


def test_the_table_is_as_wide_as_a_terminal(resbench, results):
    for line in Compared(resbench, results, results).out.splitlines():
        assert len(line) <= 120, line
