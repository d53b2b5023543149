"""Hosts that differ: real OpenSSH servers on loopback, each in its own mount and UTS namespace.

/etc, /var and /usr/sbin are overlays, /root, /home, /tmp and /run are folders of the host, so that nothing of this
machine is written. Needs root. Every process that is started here is ended here.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.data import INCLUDES, KEYS, MEDIUM, Size, included, own_configuration
from benchmarks.measure import PROGRAM, Row

PORT = 22922
_DIFFERENT_KEYS = 8  # hosts share them in turn: to make one takes 0.2 s
# What PowerMTA itself costs is not measured.
PMTA = """#!/bin/sh
case "$1 $2" in
    'show status') echo 'status running' ;;
    'show version') echo 'PowerMTA v5.0r8 (2020-11-05, 64-bit; stand-in).' ;;
    'test config') echo 'configuration OK' ;;
    reload*) echo 'Configuration reloaded.' ;;
esac
"""
_SERVER = """\
set -e
over() { mount -t overlay pmtaform-bench -o "lowerdir=$1,upperdir=$0/$2,workdir=$0/$2.work" "$1"; }
over /etc etc; over /usr/sbin sbin; over /var var
hostname "$1"
mount --bind "$0/run" /run
mount --bind "$0/home" /home
mount --bind "$0/root" /root
# The last: the folder itself may be below /tmp.
exec 9<"$0/tmp"; mount --bind /proc/self/fd/9 /tmp; exec 9<&-
cd /
exec /usr/sbin/sshd -D -e -f /etc/ssh/sshd_config
"""
_SSHD_CONFIG = """\
ListenAddress {address}
Port {port}
HostKey /etc/ssh/bench_key
PidFile /run/sshd.pid
AuthorizedKeysFile /etc/ssh/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
LogLevel ERROR
"""
_SSH_CONFIG = """\
Host *
  Port {port}
  User root
  IdentityFile {identity}
  IdentitiesOnly yes
  UserKnownHostsFile {known_hosts}
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  BatchMode yes
  KexAlgorithms curve25519-sha256
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """One host: its number, its address, and the folder that holds what is its own."""

    number: int
    address: str
    folder: Path

    @property
    def pmta(self) -> Path:
        """Its /etc/pmta."""
        return self.folder / "etc" / "pmta"


class Machines:
    """Running hosts, and a project with the stacks `same` (what they have) and `new` (five changes a host)."""

    def __init__(self, folder: Path, count: int, size: Size) -> None:
        self.folder = folder
        self.size = size
        self.project = folder / "project"
        hosts = [(n, f"127.0.{7 + n // 250}.{1 + n % 250}") for n in range(1, count + 1)]
        self.hosts = [Machine(n, address, folder / f"host{n}") for n, address in hosts]
        self.at = {host: (host.address, PORT) for host in self.hosts}
        self.identity = folder / "id_ed25519"
        self.known_hosts = folder / "known_hosts"
        self._servers: list[subprocess.Popen[bytes]] = []
        self._keys: list[bytes] = []

    def start(self) -> None:
        """Make every host and start its server."""
        _keygen(self.identity)
        self._keys = [_dkim_key() for _ in range(_DIFFERENT_KEYS)]
        with ThreadPoolExecutor(8) as pool:
            keys = list(pool.map(self._make, self.hosts))
        self.known_hosts.write_text("".join(keys))
        ssh_config = _SSH_CONFIG.format(port=PORT, identity=self.identity, known_hosts=self.known_hosts)
        (self.folder / "ssh_config").write_text(ssh_config)
        for host in self.hosts:
            words = ["unshare", "-m", "-u", "--propagation", "private", "sh", "-c", _SERVER, str(host.folder)]
            with (host.folder / "log").open("wb") as log:
                self._servers.append(subprocess.Popen([*words, f"mta-{host.number:03}"], stdout=log, stderr=log))
        for host, server in zip(self.hosts, self._servers, strict=True):
            _await_port(host, server)

    def stop(self) -> None:
        """End the servers."""
        for server in self._servers:
            server.terminate()
        for server in self._servers:
            server.wait(timeout=20)

    def _make(self, host: Machine) -> str:
        """Make the files of a host, and return its line of known_hosts."""
        for name in ("etc", "sbin", "var"):
            (host.folder / name).mkdir(parents=True)
            (host.folder / f"{name}.work").mkdir()
        for name in ("run/sshd", "home", "root", "tmp", "etc/ssh", "etc/pmta/dkim", "var/log/pmta"):
            (host.folder / name).mkdir(parents=True)
        ssh = host.folder / "etc" / "ssh"
        _keygen(ssh / "bench_key")
        (ssh / "sshd_config").write_text(_SSHD_CONFIG.format(address=host.address, port=PORT))
        shutil.copy(self.identity.with_suffix(".pub"), ssh / "authorized_keys")
        program = host.folder / "sbin" / "pmta"
        program.write_text(PMTA)
        program.chmod(0o755)
        for name in INCLUDES:
            (host.pmta / name).write_text(included(host.number, name))
        for key in range(KEYS):
            path = host.pmta / "dkim" / f"tenant{key}.pem"
            path.write_bytes(self._keys[(host.number * KEYS + key) % len(self._keys)])
            path.chmod(0o600)
        self._reset(host)
        kind, key_text = (ssh / "bench_key.pub").read_text().split()[:2]
        return f"[{host.address}]:{PORT} {kind} {key_text}\n"

    def reset(self) -> None:
        """Give every host its first configuration again."""
        for host in self.hosts:
            self._reset(host)

    def _reset(self, host: Machine) -> None:
        # A file that is opened through the overlay must not be changed below it, so the name is replaced.
        process = self._servers[host.number - 1] if self._servers else None
        folder = host.pmta if process is None else Path(f"/proc/{process.pid}/root/etc/pmta")
        new = folder / "config.new"
        new.write_text(own_configuration(host.number, self.size))
        new.replace(folder / "config")

    # -- the project ---------------------------------------------------------------------------------------------------

    def adopt(self) -> None:
        """Import every host as the stack `same`, apply that, and make the stack `new` of it."""
        self.project.mkdir()
        self._run(*self.importing("same"))
        self._run("apply", "same", "--auto-approve")
        stacks, state = self.project / "stacks", self.project / "state"
        shutil.copytree(stacks / "same", stacks / "new")
        for path in (stacks / "new").glob("*.yaml"):
            path.write_text(path.read_text().replace("stack: same", "stack: new", 1))
        for host in self.hosts:
            text = own_configuration(host.number, self.size, changed=True)
            (stacks / "new" / "files" / host.address / "config").write_text(text)
        shutil.copy(state / "same.key", state / "new.key")
        shutil.copy(state / "same.json", self.folder / "adopted.json")
        self.forget()

    def importing(self, stack: str) -> list[str]:
        """The words that import every host."""
        sources = [word for host in self.hosts for word in ("--from", f"ssh://root@{host.address}:{PORT}")]
        access = ["--identity", str(self.identity), "--known-hosts", str(self.known_hosts)]
        return ["import", stack, *sources, "--as", "native", "--keys", "file", *access]

    def forget(self) -> None:
        """Reset the hosts, and the state of the stack `new` to what they have then."""
        self.reset()
        document = json.loads((self.folder / "adopted.json").read_text())
        (self.project / "state" / "new.json").write_text(json.dumps({**document, "stack": "new"}))

    def forget_import(self) -> None:
        """Reset the hosts, and remove what the last import wrote."""
        self.reset()
        shutil.rmtree(self.project / "stacks" / "again", ignore_errors=True)

    def relay(self, ports: Sequence[int]) -> None:
        """Reach each host at one of these ports of 127.0.0.1 from now on."""
        known = self.known_hosts.read_text().splitlines()
        stack = self.project / "stacks" / "new" / "stack.yaml"
        text = stack.read_text()
        for host, port, line in zip(self.hosts, ports, known[: len(self.hosts)], strict=True):
            known.append(f"[127.0.0.1]:{port} {line.partition(' ')[2]}")
            before, self.at[host] = self.at[host], ("127.0.0.1", port)
            if _reached_at(before) not in text:
                raise RuntimeError(f"{host.address} is not in {stack}")
            text = text.replace(_reached_at(before), _reached_at(self.at[host]))
        self.known_hosts.write_text("\n".join(known) + "\n")
        stack.write_text(text)

    def _run(self, *words: str) -> None:
        done = subprocess.run([*PROGRAM, "-C", str(self.project), *words], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{words[:2]}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")

    @property
    def addresses(self) -> list[list[object]]:
        """Where to connect to, for the bare script: host, port, user, key."""
        return [[address, port, "root", str(self.identity)] for address, port in self.at.values()]


def _reached_at(place: tuple[str, int]) -> str:
    """The lines of an imported stack that say how a host is reached."""
    return f"address: {place[0]}\n    user: root\n    port: {place[1]}\n"


def _keygen(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f", str(path)], check=True)


def _dkim_key() -> bytes:
    return subprocess.run(["openssl", "genrsa", "2048"], check=True, capture_output=True).stdout


def _await_port(host: Machine, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if server.poll() is not None:
            raise RuntimeError(f"a server ended: {(host.folder / 'log').read_text()}")
        with socket.socket() as probe:
            if probe.connect_ex((host.address, PORT)) == 0:
                return
        time.sleep(0.05)  # a server says nowhere that it listens
    raise RuntimeError(f"{host.address} does not listen")


def not_here(name: str) -> list[Row]:
    """The row that says why nothing is measured here; none where it can be."""
    if os.geteuid() == 0:
        return []
    return [Row(name, "not measured: hosts with their own /etc need root", "", "", None, None)]


@contextmanager
def machines(folder: Path, count: int, size: Size = MEDIUM) -> Iterator[Machines]:
    """Hosts with a configuration of their own each, adopted by a stack. Raises `RuntimeError` without root."""
    if os.geteuid():
        raise RuntimeError("hosts with their own /etc need root")
    running = Machines(folder, count, size)
    try:
        running.start()
        running.adopt()
        yield running
    finally:
        running.stop()


def ssh_true(running: Machines, at_once: int) -> Sequence[str]:
    """The floor: `ssh HOST true` for every host, that many at once."""
    hosts = " ".join(host.address for host in running.hosts)
    config = running.folder / "ssh_config"
    return ["sh", "-c", f"printf '%s\\n' {hosts} | xargs -P {at_once} -I HOST ssh -F {config} HOST true"]
