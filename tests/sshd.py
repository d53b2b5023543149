"""A private OpenSSH server on loopback for tests: its own keys, port, configuration and log in one folder.

Works as root and as an ordinary user, touches nothing of the machine's own SSH, and ends exactly what it started.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from pmtaform.transports.ssh import SSH

HOST_KEYS = ("ed25519", "ecdsa")


def sshd_path() -> str:
    """The server program. Raises `RuntimeError` saying what to install: SSH tests are never skipped."""
    program = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise RuntimeError("sshd is not installed; as root: apt-get install openssh-server")
    return program


@dataclass
class Sshd:
    """A running server. `known_hosts` knows its keys, `identity` may log in as `user`."""

    folder: Path
    user: str
    port: int
    process: subprocess.Popen[bytes]
    keys: dict[str, str] = field(default_factory=dict)  # type -> "type base64"
    address: str = "127.0.0.1"

    @property
    def identity(self) -> Path:
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def name(self) -> str:
        """The server's name in a known_hosts file."""
        return f"[{self.address}]:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def line(self, kind: str = "ed25519", *, name: str | None = None, marker: str = "") -> str:
        """A known_hosts line for one of its keys."""
        return f"{marker + ' ' if marker else ''}{name or self.name} {self.keys[kind]}\n"

    def options(self, **more: object) -> dict[str, object]:
        """What a `HostSpec` needs to reach it."""
        return {
            "transport": SSH,
            "address": self.address,
            "port": self.port,
            "user": self.user,
            "identity_files": (str(self.identity),),
            "known_hosts": str(self.known_hosts),
            "ssh_config": str(self.folder / "ssh_config"),
            "use_agent": False,
            **more,
        }

    def stack_keys(self, **more: object) -> dict[str, object]:
        """What a stack needs to reach it: the keys of a host."""
        options = {**self.options(), "transport": "ssh", **more}
        return {
            name.replace("_", "-"): list(value) if isinstance(value, tuple) else value
            for name, value in options.items()
        }

    def sessions(self) -> list[int]:
        """The processes that serve one connection each, by pid: those to kill to cut a connection."""
        return descendants(self.process.pid)

    def stop(self) -> None:
        """End the server and the connections that it serves."""
        serving = descendants(self.process.pid)
        self.process.terminate()
        self.process.wait(timeout=10)
        for pid in serving:
            _kill(pid)


def descendants(parent: int) -> list[int]:
    """All processes below `parent` called sshd, nearest first."""
    children: dict[int, list[tuple[int, str]]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            text = (entry / "stat").read_text()
        except OSError:
            continue
        name, _, rest = text.partition("(")[2].rpartition(")")
        children.setdefault(int(rest.split()[1]), []).append((int(entry.name), name))
    items: list[int] = []
    waiting = [parent]
    while waiting:
        for pid, name in children.get(waiting.pop(0), []):
            if name.startswith("sshd"):
                items.append(pid)
                waiting.append(pid)
    return items


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, 9)


def _keygen(path: Path, kind: str) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "pmtaform-test", "-f", str(path)], check=True)


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def start_sshd(
    folder: Path, *, user: str | None = None, options: str = "", host_keys: tuple[str, ...] = HOST_KEYS
) -> Iterator[Sshd]:
    """A running server with its files in `folder`; `options` are further lines of its sshd_config, and win."""
    folder.mkdir(parents=True, exist_ok=True)
    user = user or getpass.getuser()
    program = sshd_path()
    for kind in host_keys:
        _keygen(folder / f"host_{kind}", kind)
    _keygen(folder / "id_ed25519", "ed25519")
    (folder / "authorized_keys").write_bytes((folder / "id_ed25519.pub").read_bytes())
    (folder / "ssh_config").write_text("")
    for open_up in (folder, folder / "authorized_keys"):
        open_up.chmod(0o755)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    last = ""
    for _ in range(5):
        server = _start(folder, program, user, options, host_keys)
        if server is not None:
            break
        last = (folder / "log").read_text(errors="replace")
    else:
        raise RuntimeError(f"sshd did not start:\n{last}")
    for kind in host_keys:
        server.keys[kind] = " ".join((folder / f"host_{kind}.pub").read_text().split()[:2])
    server.known_hosts.write_text("".join(server.line(kind) for kind in host_keys))
    try:
        yield server
    finally:
        server.stop()


def _start(folder: Path, program: str, user: str, options: str, host_keys: tuple[str, ...]) -> Sshd | None:
    port = _free_port()
    lines = [
        options,
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        *(f"HostKey {folder}/host_{kind}" for kind in host_keys),
        f"AuthorizedKeysFile {folder}/authorized_keys",
        f"PidFile {folder}/pid",
        "UsePAM no",
        "StrictModes no",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "MaxStartups 1000",
        "MaxSessions 100",
        "UseDNS no",
        "PermitRootLogin prohibit-password",
        "AllowTcpForwarding yes",
        "PrintMotd no",
        "PrintLastLog no",
        "LogLevel VERBOSE",
    ]
    (folder / "sshd_config").write_text("\n".join(lines) + "\n")
    process = subprocess.Popen(
        [program, "-D", "-f", str(folder / "sshd_config"), "-E", str(folder / "log")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    if _listens(process, port):
        return Sshd(folder, user, port, process)
    process.kill()
    process.wait()
    return None


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    """Whether the server takes connections; False if it ended (its port was taken, for example)."""
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as s:
            s.settimeout(1)
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.02)
    return False
