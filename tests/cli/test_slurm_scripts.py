"""ci/slurm under a stand-in for sbatch that runs a job at once: what is submitted, and what comes of it."""

import os
import subprocess
from pathlib import Path

import pytest

from accuracy_runs import without_times

SLURM = Path(__file__).parents[2] / "ci/slurm"

# Runs each task of an array, one after the other, whatever the one before has said; as Slurm does.
SBATCH = """\
echo "$*" >>"$SBATCH_CALLS"
echo 42
tasks=1
while [ "${1#-}" != "$1" ]; do
    case $1 in
        --array=1-*) tasks=${1#--array=1-} ;;
    esac
    shift
done
for task in $(seq "$tasks"); do
    SLURM_ARRAY_TASK_ID=$task SLURM_ARRAY_TASK_COUNT=$tasks bash "$@" >>"$SBATCH_CALLS.out" 2>&1 || true
done
"""


@pytest.fixture
def submit(resbench, tmp_path):
    sbatch = tmp_path / "bin/sbatch"
    sbatch.parent.mkdir()
    sbatch.write_text("#!/bin/bash\n" + SBATCH)
    sbatch.chmod(0o755)
    environment = {
        **resbench.environment(),
        "PATH": f"{sbatch.parent}:{os.environ['PATH']}",
        "SBATCH_CALLS": str(tmp_path / "calls"),
    }

    def run(*arguments, code=0):
        command = [str(word) for word in (SLURM / "submit", *arguments)]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == code, done
        return done

    return run


def calls(tmp_path: Path) -> list[str]:
    return (tmp_path / "calls").read_text().splitlines()


def test_parts_are_merged(submit, resbench, weights8, data, tmp_path):
    job = ("accuracy", "--weights", weights8, "--data", data, "--threads", "1")
    assert submit(3, "out", "--constraint=epyc", "--", *job).stdout.startswith("array 42, merge 42: ")
    array, merge = calls(tmp_path)
    assert "--array=1-3" in array and "--constraint=epyc" in array
    assert "--dependency=afterany:42" in merge and "--constraint=epyc" in merge
    assert resbench(*job, "-o", "one").code == 0
    assert without_times(tmp_path / "out/whole") == without_times(tmp_path / "one")
    assert "holds results already" in submit(3, "out", "--", *job, code=2).stderr


def test_the_same_command_goes_on(submit, weights8, data, tmp_path):
    """Part 2 cannot begin; the merge says so, and when it can, the others are not done again."""
    job = ("accuracy", "--weights", weights8, "--data", data, "-e", "reference", "--threads", "1")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/shard-2").write_text("in the way")
    submit(2, "out", "--", *job)
    assert not (tmp_path / "out/whole").exists()
    assert "out/shard-2" in (tmp_path / "calls.out").read_text().splitlines()[-1]
    before = (tmp_path / "out/shard-1/accuracy-images.json").read_bytes()
    (tmp_path / "out/shard-2").unlink()
    submit(2, "out", "--", *job)
    assert (tmp_path / "out/whole/accuracy.json").exists()
    assert (tmp_path / "out/shard-1/accuracy-images.json").read_bytes() == before


@pytest.mark.parametrize(
    "arguments, says",
    [
        ((), "Usage: ci/slurm/submit"),
        (("0", "out", "--", "run"), "Usage: ci/slurm/submit"),
        (("2", "out", "run"), "run or accuracy"),
        (("2", "out", "--", "check"), "run or accuracy"),
        (("2", "out", "--", "run", "-o", "x"), "-o is given by the array"),
        (("2", "out", "--", "run", "--shard=1/2"), "--shard=1/2 is given by the array"),
    ],
)
def test_usage(submit, tmp_path, arguments, says):
    assert says in submit(*arguments, code=2).stderr
    assert not (tmp_path / "calls").exists() and not (tmp_path / "out").exists()
