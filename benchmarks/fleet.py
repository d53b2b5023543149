"""A project whose hosts are folders behind real OpenSSH servers on loopback."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.data import configuration
from benchmarks.measure import PROGRAM

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from sshd import Sshd, start_sshd

SERVERS = 5
# What PowerMTA itself costs is not measured.
PMTA = """#!/bin/sh
case "$1 $2" in
    'show status') echo 'status running' ;;
    'show version') echo 'PowerMTA v5.0r8 (2020-11-05, 64-bit; stand-in).' ;;
    reload*) echo 'Configuration reloaded.' ;;
esac
"""
CONFIG = "etc/pmta/config"


class Fleet:
    """`count` hosts with the same configuration, over SSH or in place; with `pmta` a stand-in runs it."""

    def __init__(self, folder: Path, servers: list[Sshd], count: int, *, lines: int, pmta: bool = False) -> None:
        self.folder = folder
        self.servers = servers
        self.lines = lines
        self.activation = "reload" if pmta else "none"
        self.hosts = {f"mta{n}": folder / "roots" / f"mta{n}" for n in range(1, count + 1)}
        self.rate = 500
        _apart(folder / "roots")
        for root in self.hosts.values():
            (root / "etc" / "pmta").mkdir(parents=True)
            (root / CONFIG).write_text("log-file /var/log/pmta/log\n")
            if pmta:
                _install(root)
        self.stack = folder / "stacks" / "fleet"
        self.stack.mkdir(parents=True)
        if servers:
            known = "".join(f"{server.line(kind)}\n" for server in servers for kind in server.keys)
            (self.stack / "known_hosts").write_text(known)
            (self.stack / "ssh_config").write_text("")
        self.write()
        self.apply()

    def write(self) -> None:
        """The stack, with one value that `drift` and `change` are about."""
        hosts = {name: self._host(number, root) for number, (name, root) in enumerate(self.hosts.items())}
        text = configuration(self.lines).replace("max-msg-rate 500/h", f"max-msg-rate {self.rate}/h", 1)
        (self.stack / "all.conf").write_text(text)
        document = {"stack": "fleet", "hosts": hosts, "native": ["all.conf"]}
        (self.stack / "stack.yaml").write_text(json.dumps(document, indent=1))

    def _host(self, number: int, root: Path) -> dict[str, object]:
        if not self.servers:
            return {"transport": "local", "root": str(root), "activation": self.activation}
        server = self.servers[number % len(self.servers)]
        return {
            "address": server.address,
            "port": server.port,
            "user": server.user,
            "root": str(root),
            "identity-files": [str(server.identity)],
            "known-hosts": "known_hosts",
            "ssh-config": "ssh_config",
            "use-agent": False,
            "activation": self.activation,
        }

    def apply(self) -> None:
        """Make every host what the stack says."""
        words = [*PROGRAM, "apply", "fleet", "--auto-approve"]
        subprocess.run(words, cwd=self.folder, check=True, capture_output=True)

    def change(self) -> None:
        """Let the stack say something else: one value."""
        self.rate += 1
        self.write()

    def drift(self) -> None:
        """Change one value by hand on every host."""
        for root in self.hosts.values():
            config = root / CONFIG
            config.write_text(config.read_text().replace("smtp-service yes", "smtp-service no"))

    @property
    def addresses(self) -> list[list[object]]:
        """Where to connect to, for the bare script: host, port, user, key."""
        servers = [self.servers[number % len(self.servers)] for number in range(len(self.hosts))]
        return [[s.address, s.port, s.user, str(s.identity)] for s in servers]


def _apart(roots: Path) -> None:
    """What is made in `roots` lies apart on the disk, where it can: hosts do not share an inode table, and one that is
    searched for a free place among the files that all others have just deleted takes more than the change itself.
    """
    roots.mkdir(parents=True)
    subprocess.run(["chattr", "+T", str(roots)], check=False, capture_output=True)


def _install(root: Path) -> None:
    program = root / "usr/sbin/pmta"
    program.parent.mkdir(parents=True)
    program.write_text(PMTA)
    program.chmod(0o755)


@contextmanager
def servers(folder: Path, count: int = SERVERS) -> Iterator[list[Sshd]]:
    """Running SSH servers. The start of the user's own shell (`~/.bashrc`) is not measured."""
    options = f"SetEnv HOME={folder}"
    with ExitStack() as stack:
        yield [stack.enter_context(start_sshd(folder / f"sshd{n}", options=options)) for n in range(count)]
