"""A Slurm cluster of one node, this machine, in a directory of its own: Debian's munge and slurm-wlm as they are."""

import getpass
import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scancel", "scontrol", "sinfo", "squeue")
PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))

CONFIGURATION = """\
ClusterName=resbench
SlurmctldHost={node}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={directory}/munge.socket,cred_expire=5
StateSaveLocation={directory}/state
SlurmdSpoolDir={directory}/spool
SlurmctldPidFile={directory}/slurmctld.pid
SlurmdPidFile={directory}/slurmd.pid
SlurmctldLogFile={directory}/slurmctld.log
SlurmdLogFile={directory}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
KillWait=2
NodeName={node} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=all Nodes={node} Default=YES MaxTime=INFINITE State=UP
"""


class NotStarted(Exception):
    pass


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Cluster:
    def __init__(self, directory: Path):
        missing = [name for name in PROGRAMS if not shutil.which(name, path=PATH)]
        if missing:
            raise NotStarted(f"{', '.join(missing)} not found; apt-get install slurm-wlm munge")
        self.directory = directory
        self.daemons: list[subprocess.Popen] = []
        self.node = socket.gethostname().split(".")[0]
        self.environment = {**os.environ, "PATH": PATH, "SLURM_CONF": str(directory / "slurm.conf")}
        for name in ("state", "spool"):
            (directory / name).mkdir()
        controller, node = free_ports(2)
        values = dict(node=self.node, directory=directory, user=getpass.getuser(),
                      cpus=os.cpu_count(), controller_port=controller, node_port=node)
        (directory / "slurm.conf").write_text(CONFIGURATION.format(**values))
        key = directory / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if len(self.daemons) == 3:  # all that a job has started ends before the daemons do
            self("scancel", f"--user={getpass.getuser()}", check=False)
            end = time.monotonic() + 30
            while self("squeue", "-h", check=False).strip() and time.monotonic() < end:
                time.sleep(0.2)
        for daemon in reversed(self.daemons):
            daemon.terminate()
        for daemon in reversed(self.daemons):
            try:
                daemon.wait(30)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def _daemon(self, *command) -> None:
        log = open(self.directory / f"{command[0]}.out", "wb")
        self.daemons.append(
            subprocess.Popen(command, env=self.environment, stdout=log, stderr=log))

    def _start(self) -> None:
        at = self.directory
        self._daemon("munged", "--foreground", "--force", f"--key-file={at}/munge.key",
                     f"--socket={at}/munge.socket", f"--pid-file={at}/munge.pid",
                     f"--log-file={at}/munge.log", f"--seed-file={at}/munge.seed")
        self._wait((at / "munge.socket").exists, "munged")
        self._daemon("slurmctld", "-D", "-f", f"{at}/slurm.conf")
        self._daemon("slurmd", "-D", "-f", f"{at}/slurm.conf", "-N", self.node)
        self._wait(lambda: self("sinfo", "-h", "-o", "%T", check=False).strip() == "idle", "the node")

    def _wait(self, is_there, what: str) -> None:
        end = time.monotonic() + 60
        while not is_there():
            ended = [d.args[0] for d in self.daemons if d.poll() is not None]
            if ended or time.monotonic() > end:
                logs = [p for p in self.directory.iterdir() if p.suffix in (".out", ".log")]
                tails = [f"{p.name}: {p.read_text(errors='replace')[-300:]}" for p in logs]
                reason = f"{ended[0]} ended" if ended else f"{what} is not there after 60 s"
                raise NotStarted(f"{reason}\n" + "\n".join(tails))
            time.sleep(0.2)

    def __call__(self, *command, check=True) -> str:
        result = subprocess.run(
            [str(word) for word in command], env=self.environment, capture_output=True, text=True)
        assert not check or result.returncode == 0, result
        return result.stdout

    def task(self, array: str, number: int) -> dict:
        """What the controller knows of one task of an array: JobState, Restarts, ..."""
        text = self("scontrol", "-o", "show", "job", f"{array}_{number}")
        return dict(word.split("=", 1) for word in text.split() if "=" in word)

    def processes(self, job: str) -> list[int]:
        """Of a running job, all of whose processes are on this machine."""
        rows = self("scontrol", "listpids", job, self.node).splitlines()[1:]
        return [int(row.split()[0]) for row in rows if row.split()[0].isdigit()]

    def has_jobs(self) -> bool:
        return bool(self("squeue", "-h").strip())


def read_json(path: Path):
    return json.loads(path.read_text())
