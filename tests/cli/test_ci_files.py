"""The files for GitHub and GitLab: valid by their schemas, and they run nothing but command lines that exist. GitHub's
steps are run here, as its runner runs them, with stand-ins for builds, gate and gh."""

import os
import re
import shlex
import stat
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

if not find_spec("check_jsonschema"):  # which brings a reader of YAML, and needs Python 3.11
    pytest.skip("no check_jsonschema: ci/setup installs it for Python 3.11 and newer", allow_module_level=True)

from ruamel.yaml import YAML

CI = Path(__file__).parents[2] / "ci"
ACTION, WORKFLOW, GITLAB = (CI / name for name in ("github/action.yml", "github/workflow.yml", "gitlab/.gitlab-ci.yml"))
GITLAB_SCHEMA = ("vendor.gitlab-ci", "--data-transform", "gitlab-ci")
SCHEMAS = {ACTION: ("vendor.github-actions",), WORKFLOW: ("vendor.github-workflows",), GITLAB: GITLAB_SCHEMA}

# Everything that a line may start with: our command line and scripts, git, and what a shell needs to hand on an exit code.
PROGRAMS = {"resbench", "ci/build", "ci/setup", "git", "ci/github/comment", "mkdir", "cat", "test", "echo", "exit", "status=0", "status=$?"}


def read(path: Path) -> dict:
    return YAML(typ="safe").load(path.read_text())


def action_steps() -> list[dict]:
    return read(ACTION)["runs"]["steps"]


def scripts() -> list[str]:
    return [step["run"] for step in action_steps()] + read(GITLAB)["resbench-gate"]["script"]


def commands() -> list[list[str]]:
    """Words of every simple command of every script."""
    found = []
    for script in scripts():
        for line in re.sub(r"\\\n", " ", script).splitlines():
            for command in re.split(r"\|\||&&|;", line):
                words = shlex.split(re.sub(r">>?\s*\S+", "", command))
                if words:
                    found.append(words)
    return found


def program_of(words: list[str]) -> str:
    """ "$RUNNER_TEMP/head/ci/build" is ci/build, wherever it is."""
    name = words[0]
    name = name.replace("$GITHUB_ACTION_PATH", "ci/github")
    for known in ("ci/build", "ci/setup", "ci/github/comment"):
        if name == known or name.endswith("/" + known):
            return known
    return "resbench" if name.endswith("/bin/resbench") else name


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_files_are_valid_by_the_published_schemas(path):
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", *SCHEMAS[path], path]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_check_can_fail(tmp_path):
    broken = tmp_path / "action.yml"
    broken.write_text(ACTION.read_text().replace("using: composite", "using: magic"))
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", *SCHEMAS[ACTION], broken]
    assert subprocess.run(check, capture_output=True).returncode == 1


def test_nothing_is_run_but_the_command_line():
    assert {program_of(words) for words in commands()} <= PROGRAMS
    gates = [words for words in commands() if program_of(words) == "resbench"]
    assert [words[1] for words in gates] == ["gate", "gate"]


def test_options_exist(resbench):
    for words in commands():
        if program_of(words) != "resbench":
            continue
        text = resbench(words[1], "--help").out
        for option in (word for word in words if word.startswith("--")):
            assert re.search(rf"{option}\b", text), f"resbench {words[1]} has no {option}"


def test_scripts_of_ci_exist_and_know_their_options():
    for words in commands():
        program = program_of(words)
        if program.startswith("ci/"):
            text = (CI.parent / program).read_text()
            assert os.access(CI.parent / program, os.X_OK)
            for option in (word for word in words[1:] if not word.startswith("$")):
                assert re.search(rf"^# +{option}\b|^# Usage: .*{option}\b", text, re.M), option


def test_inputs_reach_scripts_as_variables_only():
    """Text of a pull request that is pasted into a script would be run by it."""
    for step in action_steps():
        assert "${{" not in step["run"], step["name"]


def test_the_workflow_uses_inputs_and_outputs_that_exist():
    action, (job,) = read(ACTION), read(WORKFLOW)["jobs"].values()
    (gate,) = [step for step in job["steps"] if step.get("uses") == "./ci/github"]
    given = set(gate["with"])
    assert given <= set(action["inputs"])
    assert {name for name, value in action["inputs"].items() if value.get("required")} <= given
    for name in re.findall(r"steps\.gate\.outputs\.([\w-]+)", WORKFLOW.read_text()):
        assert name in action["outputs"]
    used = set(re.findall(r"inputs\.([\w-]+)", ACTION.read_text()))
    assert used == set(action["inputs"])


def write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/bash\n" + text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


class Runner:
    """Runs the action's steps as GitHub's runner does: `bash --noprofile --norc -eo pipefail`."""

    def __init__(self, directory: Path, gate_status: int, gate_writes: bool = True):
        self.directory = directory
        self.calls = directory / "calls"
        note = f'echo "$(basename "$0") $*" >>{shlex.quote(str(self.calls))}\n'
        table = 'while [ $# -gt 0 ]; do [ "$1" != --markdown ] || echo table >"$2"; shift; done\n' if gate_writes else ""
        write_program(directory / "template/gate", f"{note}{table}exit {gate_status}\n")
        write_program(directory / "template/build", note)
        template = shlex.quote(f"{directory}/template")
        # git worktree add --force --detach DIRECTORY COMMIT
        write_program(
            directory / "bin/git",
            f'{note}mkdir -p "$5/ci" "$5/build/bin"\ncp {template}/build "$5/ci/build"\n'
            f'cp {template}/gate "$5/build/bin/resbench"\n',
        )
        write_program(directory / "bin/gh", note)
        self.output, self.summary = directory / "output", directory / "summary"
        self.output.touch(), self.summary.touch()

    def step(self, name: str, **inputs) -> subprocess.CompletedProcess:
        (step,) = [step for step in action_steps() if step["name"] == name]
        variables = {
            variable: inputs.get(variable, re.sub(r"\$\{\{.*?([\w-]+) \}\}", r"<\1>", value))
            for variable, value in step.get("env", {}).items()
        }
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            capture_output=True,
            text=True,
            env={
                "PATH": f"{self.directory}/bin:{os.environ['PATH']}",
                "GITHUB_ACTION_PATH": str(ACTION.parent),
                "RUNNER_TEMP": f"{self.directory}/temporary files",
                "GITHUB_OUTPUT": str(self.output),
                "GITHUB_STEP_SUMMARY": str(self.summary),
                **variables,
            },
        )

    def all(self) -> int:
        """The exit code of the first step that fails, or of the last."""
        for name in ("Build base", "Build head", "Gate", "Comment"):
            done = self.step(name)
            assert done.returncode == 0, done
        status = dict(line.split("=", 1) for line in self.output.read_text().splitlines())["exit-code"]
        self.verdict = self.step("Verdict", STATUS=status)
        return self.verdict.returncode


@pytest.mark.parametrize("status, expected", [(0, 0), (1, 1), (4, 4), (5, 0), (7, 7), (8, 8)])
def test_the_action_hands_on_what_the_gate_says(tmp_path, status, expected):
    runner = Runner(tmp_path, status)
    assert runner.all() == expected
    assert ("::warning::" in runner.verdict.stdout) == (status == 5)
    assert runner.summary.read_text() == "table\n"
    temporary = f"{tmp_path}/temporary files"
    calls = runner.calls.read_text().splitlines()
    assert calls[:4] == [
        f"git worktree add --force --detach {temporary}/resbench-base <base-ref>",
        "build ",
        f"git worktree add --force --detach {temporary}/resbench-head <head-ref>",
        "build ",
    ]
    assert calls[4].startswith(f"resbench gate --base {temporary}/resbench-base/build --head {temporary}/resbench-head/build")
    assert "--engines <engines> --depths <depths> --batch <batch> --threads <threads> --tolerance <tolerance>" in calls[4]
    assert calls[5].startswith("gh api --paginate repos/{owner}/{repo}/issues/<number>/comments ")
    assert calls[6].startswith("gh pr comment <number> --body-file ") and len(calls) == 7


@pytest.mark.parametrize("earlier", ["", "77", "77\n78"])
def test_only_our_own_comment_is_replaced(tmp_path, earlier):
    """gh answers with the numbers of the comments that begin with our mark, none or some."""
    calls, body = tmp_path / "calls", tmp_path / "body"
    (tmp_path / "gate.md").write_text("| table |\n")
    to_calls, to_body = shlex.quote(str(calls)), shlex.quote(str(body))
    write_program(
        tmp_path / "bin/gh",
        f'echo "$*" >>{to_calls}\n'
        f'case "$*" in *--paginate*) [ -z "{earlier}" ] || echo "{earlier}";; *) cat "${{@: -1}}" 2>/dev/null >{to_body} '
        f'|| {{ last=${{@: -1}}; cat "${{last#body=@}}" >{to_body}; }};; esac\n',
    )
    done = subprocess.run(
        [CI / "github/comment", "5", tmp_path / "gate.md"],
        capture_output=True,
        text=True,
        env={"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"},
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    asked, put = calls.read_text().splitlines()
    assert "issues/5/comments" in asked and 'startswith("<!-- resbench gate -->")' in asked
    assert body.read_text() == "<!-- resbench gate -->\n| table |\n"
    if earlier:
        assert put.startswith("api --silent --method PATCH repos/{owner}/{repo}/issues/comments/77 ")
    else:
        assert put.startswith("pr comment 5 ")


def test_a_gate_that_writes_no_table_is_not_hidden(tmp_path):
    runner = Runner(tmp_path, 3, gate_writes=False)
    assert runner.all() == 3 and runner.summary.read_text() == ""


def test_gitlab_fails_but_for_noise():
    job = read(GITLAB)["resbench-gate"]
    assert job["allow_failure"] == {"exit_codes": 5}
    kept = set(job["artifacts"]["paths"])
    (gate,) = [words for words in commands() if words[0] == "build/bin/resbench"]
    written = {gate[gate.index(option) + 1] for option in ("--markdown", "--json", "--junit")}
    assert kept == written and job["artifacts"]["when"] == "always"
    assert job["artifacts"]["reports"] == {"junit": gate[gate.index("--junit") + 1]}
