"""A Dask cluster of processes on this machine, over TLS with throw-away certificates."""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from projects import HostFolder, ProjectFolder, until

HOOK = Path(__file__).parent.parent / "faults/hook.sh"
HOOKED = {"PMTAFORM_TEST_AT": "/ctl/at", "PMTAFORM_TEST_HOOK": str(HOOK)}


@dataclass
class Cluster:
    """A scheduler and its workers."""

    folder: Path
    address: str
    scheduler: subprocess.Popen[bytes]
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def options(self) -> dict[str, str]:
        """As `pmtaform.yaml` has them."""
        return {"address": self.address, **{name: str(self.folder / f"{name}.pem") for name in ("ca", "cert", "key")}}

    @property
    def project_file(self) -> str:
        return json.dumps({"executors": {"dask": self.options}})

    def start(self, name: str, resources: str = "") -> None:
        """Start a worker, and wait until it has connected."""
        tags = ["--resources", resources] if resources else []
        more = [
            "--scheduler-file",
            "scheduler.json",
            "--name",
            name,
            "--nthreads",
            "4",
            "--no-nanny",
            "--death-timeout",
            "30",
            *tags,
        ]
        log = self.folder / f"{name}.log"
        self.workers[name] = _start("worker", self.folder, more, log)
        until(lambda: b"Registered to" in log.read_bytes(), self.workers[name])

    def kill(self, pid: int) -> str:
        """Kill the worker with this process, with everything that it started. Return its name."""
        name = next(name for name, worker in self.workers.items() if worker.pid == pid)
        worker = self.workers.pop(name)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        return name

    def worker_of(self, program: int) -> int:
        """The worker above a program of a host."""
        pids = {worker.pid for worker in self.workers.values()}
        above = program
        while above not in pids:
            above = int(Path(f"/proc/{above}/stat").read_text().rpartition(")")[2].split()[1])
            assert above > 1, "no worker started it"
        return above


@contextmanager
def cluster(folder: Path, workers: Mapping[str, str]) -> Iterator[Cluster]:
    """A scheduler, and workers by name with their resources."""
    certificates(folder)
    more = ["--port", "0", "--scheduler-file", "scheduler.json"]
    scheduler = _start("scheduler", folder, more, folder / "scheduler.log")
    made = None
    try:
        until((folder / "scheduler.json").exists, scheduler)
        made = Cluster(folder, _address(folder), scheduler)
        for name, resources in workers.items():
            made.start(name, resources)
        yield made
    finally:
        for process in [*(made.workers.values() if made else ()), scheduler]:
            process.kill()
            process.wait()


def _address(folder: Path) -> str:
    until(lambda: (folder / "scheduler.json").read_text().endswith("}"))
    address: str = json.loads((folder / "scheduler.json").read_text())["address"]
    return address


def _start(what: str, folder: Path, more: list[str], log: Path) -> subprocess.Popen[bytes]:
    tls = ["--tls-ca-file", "ca.pem", "--tls-cert", "cert.pem", "--tls-key", "key.pem", "--protocol", "tls"]
    command = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--host", "127.0.0.1", "--no-dashboard", *tls]
    with log.open("wb") as sink:
        return subprocess.Popen(
            [*command, *more], cwd=folder, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL,
            env={**os.environ, **HOOKED},
        )  # fmt: skip


def certificates(folder: Path) -> None:
    """One certificate, which signs itself, for all."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test of pmtaform")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for file, content in (("ca.pem", pem), ("cert.pem", pem), ("key.pem", private)):
        (folder / file).write_bytes(content)
        (folder / file).chmod(0o600)


def fleet_of(folder: Path, dask: Cluster) -> ProjectFolder:
    project = ProjectFolder(folder / "project")
    project.folder.mkdir(parents=True)
    (project.root / "pmtaform.yaml").write_text(dask.project_file)
    for name in ("mta1", "mta2", "mta3"):
        project.hosts[name] = made = HostFolder(folder / "hosts" / name)
        made.put("log-file /var/log/pmta/log\n")
        made.stand_in()
    return project


def declare(project: ProjectFolder, body: str, **options: object) -> None:
    """Write the stack."""
    hosts = {name: {"root": str(host.root)} for name, host in project.hosts.items()}
    project.stack(body, hosts=hosts, **options)
