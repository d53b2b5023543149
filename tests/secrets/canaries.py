"""Secrets that are planted in every place that takes one, by every scheme, and looked for in all that a run leaves.

A new place that takes a secret is a row of `PLACES`; what may hold secrets by right is a row of `BY_RIGHT`.
"""

from __future__ import annotations

import base64
import logging
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import keyring
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from projects import PROGRAM, RUNS, CommandResult, HostFolder, ProjectFolder

from pmtaform.plan.dangers import danger_kinds

SCHEMES = ("env", "file", "command", "keyring")  # each is how one host, of that name, has its secrets


@dataclass(frozen=True)
class Place:
    """A place of a stack that takes a secret: the keys that lead to it, and what precedes the secret in the value."""

    path: str
    before: str = ""

    def write(self, host: dict[str, Any], reference: str) -> None:
        """Write a reference there."""
        *above, last = self.path.split("|")
        for key in above:
            host = host.setdefault(key, {})
        plain = not self.path.startswith("config|")
        more = {"value": self.before} if self.before else {}
        host[last] = reference if plain else {**more, "secret": reference}


PLACES = (
    Place("config|http-api-key"),
    Place("config|volume-audit-api-key"),
    Place("config|smtp-server-tls-certificate", "/etc/pmta/server.pem"),
    Place("config|smtp-user|app|password"),
    Place("config|domain|relay.example.com|auth-username"),
    Place("config|domain|relay.example.com|auth-password"),
    Place("config|domain|tls.example.com|smtp-client-certificate", "/etc/pmta/client.pem"),
    Place("config|virtual-mta|v|domain|relay.example.com|auth-password"),
    Place("config|smtp-listener|127.0.0.1:2525|tls-certificate", "/etc/pmta/listener.pem"),
    Place("config|acct-file|/var/log/pmta/acct.csv|privacy-policy", "siphash"),
    Place("config|signals|api-key"),
    Place("config|transmissions-api|api-key"),
    Place("config|vault|access-token"),
    Place("files|/etc/pmta/license|secret"),
    Place("files|/etc/pmta/words.txt|secret"),
)
CONNECTION = (Place("password"), Place("passphrase"), Place("sudo|password"))  # of hosts that SSH reaches
BY_HAND = "written on the hosts by hand"
KEY = Place("dkim-keys|example.com/s1|private-key")

# Files that hold secrets by right: the host's own, those that they were given in, and the keyring.
BY_RIGHT = re.compile(
    r"/hosts/[^/]+/(etc/pmta/|var/lib/pmtaform/generations/|ctl/running)"
    r"|/stacks/[^/]+/(secrets|keys)/|/home/python_keyring/"
)


@cache
def key_text() -> str:
    """A private key that signs; made once."""
    form = serialization.PrivateFormat.PKCS8
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def no_key(canary: str) -> str:
    """What looks like a private key and is none: the marker in base64."""
    body = base64.b64encode(canary.encode() * 3).decode()
    return f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"


@dataclass
class Canaries:
    """A project whose secrets are known, and all that was put out while it was at work."""

    project: ProjectFolder
    patch: pytest.MonkeyPatch
    planted: dict[str, str] = field(default_factory=dict)  # secret -> where it was planted
    seen: dict[str, bytes] = field(default_factory=dict)  # what was put out, by the command that did
    records: list[str] = field(default_factory=list)
    aside: Callable[[], str] = str  # what has been put out past `sys.stdout` since it was last asked

    # -- planting ----

    def canary(self, where: str) -> str:
        """A new secret: 40 hexadecimal digits, which every kind of API key may be."""
        made = f"cafe{len(self.planted):04d}{os.urandom(16).hex()}"
        self.planted[made] = where
        return made

    def plant(self, scheme: str, where: str, value: str | None = None) -> str:
        """A reference by `scheme` to a new secret, or to `value`."""
        name = f"{scheme}-{re.sub('[^a-z0-9]+', '-', where)}"
        kept = self.canary(f"{where} ({scheme})") if value is None else value
        if scheme == "env":
            variable = f"PMTAFORM_TEST_{name.replace('-', '_').upper()}"
            self.patch.setenv(variable, kept)
            return f"env:{variable}"
        if scheme == "keyring":
            keyring.set_password("pmtaform", name, kept)
            return f"keyring:{name}"
        self.project.add_file(f"secrets/{name}", kept)
        return f"file:secrets/{name}" if scheme == "file" else f"command:sh spy.sh secrets/{name}"

    def host(self, scheme: str) -> dict[str, Any]:
        """A host of the stack with a secret in each place."""
        made: dict[str, Any] = {}
        for place in PLACES:
            place.write(made, self.plant(scheme, place.path))
        KEY.write(made, self.plant(scheme, KEY.path, key_text()))
        return made

    @property
    def spied(self) -> Path:
        """What the programs that were called could see of others: arguments, temporary files, their environment."""
        return self.project.root / "spied"

    def spy(self) -> None:
        """Programs that write down what they see: the `command:` of one place, and the `pmta` of the host that has one.

        `pmta` prints the text of `refuse` instead of doing its work.
        """
        looks = f'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " " >>{self.spied}'
        temporary = f"find {self.project.root}/tmp -type f -exec cat {{}} + >>{self.spied} 2>/dev/null"
        (self.project.folder / "spy.sh").write_text(f'case $1 in *http-api-key) {looks} ;; esac\nexec cat "$1"\n')
        program = self.env.stand_in().at("/usr/sbin/pmta")
        first, rest = program.read_text().split("\n", 1)
        result = f'{{ echo "called: $*"; env; }} >>{self.spied}\ncase $1 in reload) {looks}; {temporary} ;; esac'
        refuses = '[ ! -f "$0.$1" ] || { cat "$0.$1"; [ -f "$0.always" ] || rm "$0.$1"; exit 1; }'
        program.write_text("\n".join((first, result, refuses, rest)))

    @property
    def env(self) -> HostFolder:
        """The host that runs something."""
        return self.project.hosts["env"]

    def refuse(self, command: str, message: str, *, always: bool = False) -> None:
        """`pmta` answers a command with this, and fails: once, or always."""
        if always:
            self.env.put("", "/usr/sbin/pmta.always")
        self.env.put(message, f"/usr/sbin/pmta.{command.split()[0]}")

    # -- running ----

    def run(self, *words: str) -> CommandResult:
        """A command in this process; all that it says and logs is kept."""
        result = self.project.run(*words, *_consent(words))
        self.seen[f"{len(self.seen)}: {' '.join(words)}"] = result.all.encode()
        return result

    def run_apart(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        """A command as a separate process, which shows the trace of what it does not expect."""
        command = [*PROGRAM, *words, *_consent(words)]
        process = subprocess.run(command, cwd=self.project.root, capture_output=True, stdin=subprocess.DEVNULL)
        self.seen[f"{len(self.seen)}: {' '.join(words)} (apart)"] = process.stdout + process.stderr
        return process

    # -- looking ----

    def leaks(self) -> list[str]:
        """Where a secret is that should not be there: `what it is: where it was found`."""
        needles = dict(self._needles())
        pattern = re.compile(b"|".join(re.escape(needle) for needle in needles))
        items = []
        for where, content in self._haystack():
            items += [f"{needles[hit]}: {where}" for hit in sorted(set(pattern.findall(content)))]
        return items

    def _needles(self) -> Iterator[tuple[bytes, str]]:
        for secret, where in self.planted.items():
            raw = secret.encode()
            yield raw, where
            yield raw.hex().encode(), f"{where}, in hex"
            for shift in range(3):  # base64 of it, wherever it is in a longer text
                yield base64.b64encode(b" " * shift + raw)[4:-4], f"{where}, in base64"
        for line in key_text().splitlines()[2:-1]:  # the first line is the same of every key
            yield line.encode(), "a private key"

    def _haystack(self) -> Iterator[tuple[str, bytes]]:
        self.seen[f"past Python, up to command {len(self.seen)}"] = self.aside().encode()
        yield from self.seen.items()
        yield from ((f"log record {n}", text.encode()) for n, text in enumerate(self.records))
        for path in self.project.root.rglob("*"):
            if not BY_RIGHT.search(str(path)) and path.is_file():
                yield str(path.relative_to(self.project.root)), path.read_bytes()


class Records(logging.Handler):
    """Everything that is logged, however little it matters, with what the record carries."""

    def __init__(self, canaries: Canaries) -> None:
        super().__init__(logging.DEBUG)
        self._canaries = canaries

    def emit(self, record: logging.LogRecord) -> None:
        self._canaries.records.append(f"{record.getMessage()} {record.__dict__!r}")


def _consent(words: Sequence[str]) -> tuple[str, ...]:
    """To what the planted stack costs by right: an API key, another password, a listener instead of the default one."""
    if words[0] == "rollback":  # from all of the planted stack to nothing
        return tuple(word for code in danger_kinds() if code != "restart" for word in ("--allow", code))
    return ("--allow", "access-opened", "--allow", "submission-cut-off") if words[0] == "apply" else ()


def plant_all(project: ProjectFolder, patch: pytest.MonkeyPatch, schemes: Sequence[str]) -> Canaries:
    """A project with one host a scheme. That of `env`, the first, runs something; the others are files alone."""
    canaries = Canaries(project, patch)
    by_hand = canaries.canary(BY_HAND)
    for scheme in schemes:
        config = f"{RUNS}<smtp-user hand>\n    password {by_hand}\n</smtp-user>\n"
        host = project.add_host(scheme, config)
        for name in ("server", "client", "listener"):
            host.put(key_text(), f"/etc/pmta/{name}.pem")
    canaries.spy()
    hosts = {scheme: canaries.host(scheme) for scheme in schemes}
    for scheme in schemes[1:]:
        hosts[scheme]["activation"] = "none"
    new = canaries.plant("env", "the new password of `hand`")
    project.stack(f"config: {{smtp-user: {{hand: {{password: {{secret: '{new}'}}}}}}}}", hosts=hosts)
    return canaries
