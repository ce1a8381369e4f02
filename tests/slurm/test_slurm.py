"""ci/slurm on a real Slurm of one node: a task that is killed and put back into the queue loses nothing, and nothing
is counted twice."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from accuracy_runs import images_of, without_times
from data_set import random_pixels, write_data_set
from one_node import Cluster, NotStarted, read_json

SUBMIT = Path(__file__).parents[2] / "ci/slurm/submit"
PROGRAM = os.environ["RESBENCH_PROGRAM"]
TASKS = 2
SWEEP = ("-d", "resnet8", "--size", "32x32", "-b", "1,2,3,4", "-e", "reference,onednn", "--threads", "1")
IMAGES = 600


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    try:
        with Cluster(tmp_path_factory.mktemp("slurm")) as cluster:
            cluster.environment["RESBENCH_CACHE"] = str(tmp_path_factory.mktemp("cache"))
            yield cluster
    except NotStarted as why:
        pytest.skip(f"no Slurm: {why}")


def wait_until(is_there, what: str, seconds: float = 600) -> None:
    end = time.monotonic() + seconds
    while not is_there():
        assert time.monotonic() < end, f"{what} did not happen in {seconds} s"
        time.sleep(0.05)


def submit(cluster, directory: Path, *job) -> str:
    out = cluster(SUBMIT, TASKS, directory, "--", *job)
    assert out.startswith("array "), out
    return out.split()[1].rstrip(",")


def logs(directory: Path) -> str:
    return "\n".join(path.read_text() for path in sorted(directory.glob("*.log")))


def records_of(directory: Path) -> list:
    path = directory / "results.json"
    return read_json(path)["resbench"]["records"] if path.exists() else []


def samples_of(directory: Path) -> dict:
    samples = {}
    for row in read_json(directory / "results.json")["benchmarks"]:
        if row["run_type"] == "iteration":
            samples.setdefault(row["name"], []).append(row["real_time"])
    return samples


def test_a_killed_task_of_a_sweep_loses_nothing(cluster, tmp_path):
    sweep = tmp_path / "sweep"
    array = submit(cluster, sweep, "run", "--quick", *SWEEP)
    part = sweep / "shard-1"
    wait_until(lambda: records_of(part), "the first rows of task 1")
    for pid in cluster.processes(cluster.task(array, 1)["JobId"]):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: cluster.task(array, 1)["JobState"] != "RUNNING", "the end of task 1")
    assert cluster.task(array, 1)["JobState"] in ("FAILED", "COMPLETING")
    wait_until(lambda: cluster.task(array, 1)["JobState"] == "FAILED", "the end of task 1")
    kept = samples_of(part)
    assert len(kept) == 2, "task 1 was killed too late to show anything"
    cluster("scontrol", "requeue", f"{array}_1")
    wait_until(lambda: not cluster.has_jobs(), "the end of all jobs")

    assert (sweep / "whole/results.json").exists(), logs(sweep)
    assert cluster.task(array, 1)["Restarts"] == "1"
    assert cluster.task(array, 1)["JobState"] == cluster.task(array, 2)["JobState"] == "COMPLETED"
    whole = samples_of(sweep / "whole")
    rows = [(r["engine"], r["batch"]) for r in records_of(sweep / "whole")]
    assert sorted(rows) == [(e, b) for e in ("onednn", "reference") for b in (1, 2, 3, 4)]
    assert all(whole[name] == times for name, times in kept.items())
    parts = {**samples_of(part), **samples_of(sweep / "shard-2")}
    assert whole == parts and len(whole) == len(rows)


def test_a_requeued_task_of_a_data_set_loses_nothing(cluster, tmp_path):
    weights, job = tmp_path / "w.h5", tmp_path / "job"
    data = write_data_set(
        tmp_path / "set.h5", random_pixels(IMAGES), [i % 10 for i in range(IMAGES)])
    subprocess.run([PROGRAM, "weights", "synth", "resnet8", "-o", weights], check=True)
    command = ("accuracy", "--weights", weights, "--data", data, "--threads", "1")
    array = submit(cluster, job, *command)
    part = job / "shard-2"
    wait_until((part / "accuracy-images.json").exists, "the first block of task 2")
    cluster("scontrol", "requeue", f"{array}_2")
    wait_until(lambda: cluster.task(array, 2)["JobState"] == "PENDING", "task 2 back in the queue")
    done = {name: engine["done"] for name, engine in images_of(part).items()}
    assert 0 < min(done.values()) <= max(done.values()) < IMAGES // TASKS, "requeued too late"
    wait_until(lambda: not cluster.has_jobs(), "the end of all jobs")

    assert cluster.task(array, 2)["Restarts"] == "1"
    for name, count in done.items():  # what was kept was not computed again
        assert f"resuming {name}: images that are done already: {count}\n" in logs(job)
    subprocess.run([PROGRAM, *command, "-o", tmp_path / "one"], check=True)
    assert without_times(job / "whole") == without_times(tmp_path / "one")


def test_what_is_missing_is_named_by_the_merge(cluster, tmp_path):
    """A task that is cancelled for good: nothing is merged, the log says why, and the same command goes on."""
    sweep = tmp_path / "sweep"
    array = submit(cluster, sweep, "run", "--quick", *SWEEP)
    cluster("scancel", f"{array}_2")
    wait_until(lambda: not cluster.has_jobs(), "the end of all jobs")
    assert "shard 2/2 is missing" in (sweep / "merge.log").read_text()
    assert not (sweep / "whole").exists()
    before = samples_of(sweep / "shard-1")
    submit(cluster, sweep, "run", "--quick", *SWEEP)
    wait_until(lambda: not cluster.has_jobs(), "the end of all jobs")
    whole = samples_of(sweep / "whole")
    assert len(whole) == 8 and all(whole[name] == times for name, times in before.items())
