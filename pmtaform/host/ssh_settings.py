"""What one SSH hop needs, from the stack first and from ssh_config where the stack is silent. No SSH library."""

from __future__ import annotations

import getpass
import glob
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from pmtaform.diagnostics.codes.connections import PROGRAM_NOT_ALLOWED
from pmtaform.errors import HostError
from pmtaform.host.model import HostSpec
from pmtaform.programs import EVERY, remedy
from pmtaform.reading import read_regular

USER_CONFIG = "~/.ssh/config"
SYSTEM_CONFIG = "/etc/ssh/ssh_config"
USER_KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
SYSTEM_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
_RUNS = re.compile(r"^\s*match\b.*\bexec\b", re.IGNORECASE | re.MULTILINE)
_INCLUDE = re.compile(r"^\s*include\s*[\s=]\s*(.+)$", re.IGNORECASE)
_LARGEST = 16 * 1024 * 1024
_PROXY = re.compile(r"^\s*proxycommand(?:\s*=\s*|\s+)(.+)$", re.IGNORECASE | re.MULTILINE)
_JUMP = re.compile(r"^(?:ssh://)?(?:(?P<user>[^@]+)@)?(?:\[(?P<six>[^]]+)\]|(?P<host>[^:\[\]]+))(?::(?P<port>\d+))?$")


@dataclass(frozen=True, slots=True)
class Hop:
    """One server on the way: the last is the host itself."""

    host: str
    port: int
    user: str
    identity_files: tuple[str, ...]
    known_hosts: tuple[str, ...]
    key_alias: str | None
    jump: tuple[str, ...]
    command: str | None
    is_target: bool

    def __str__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}"


def config_text(path: str, *, base: str, depth: int = 0) -> str:
    """The text of an ssh_config file with its `Include`s in place; empty if it is not there or cannot be read."""
    try:
        text = read_regular(Path(path).expanduser(), _LARGEST).decode("utf-8", "replace")
    except OSError:
        return ""
    lines = []
    for line in text.splitlines():
        match = _INCLUDE.match(line)
        if match is None:
            lines.append(line)
        elif depth < 8:
            for word in match.group(1).split():
                pattern = str(Path(base).expanduser() / Path(word.strip('"')).expanduser())
                lines += [config_text(name, base=base, depth=depth + 1) for name in sorted(glob.glob(pattern))]  # noqa: PTH207
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs that an ssh_config has run: the lines of `ProxyCommand`, and whether it has `Match exec`."""

    proxies: tuple[str, ...]
    has_match_exec: bool


def programs_of(text: str) -> Programs:
    """The programs that an ssh_config with this text has run."""
    lines = dict.fromkeys(match[1].strip() for match in _PROXY.finditer(text))
    return Programs(tuple(line for line in lines if line.lower() != "none"), _RUNS.search(text) is not None)


def check_programs(spec: HostSpec, programs: Programs) -> None:
    """Raise `HostError` if an ssh_config would run a program that the host's may not (`HostSpec.ssh_programs`).

    A file from the project is refused whole for `Match exec`, since that is run while it is read.
    """
    if EVERY in spec.ssh_programs.names:
        return
    refused = next((line for line in programs.proxies if not spec.ssh_programs.permits_line(line)), None)
    if refused is not None:
        _refuse(spec, f"`ProxyCommand {refused}`", refused.split()[0])
    if programs.has_match_exec:
        _refuse(spec, "`Match exec`", EVERY)


def _refuse(spec: HostSpec, what: str, program: str) -> NoReturn:
    raise HostError.of(
        PROGRAM_NOT_ALLOWED,
        f"{spec.ssh_config} would run {what} on this machine, and it was not run. {remedy(program)}",
        host=spec.name,
    )


def target(spec: HostSpec, conf: Mapping[str, Any]) -> Hop:
    """The host itself. `conf` are the lines of ssh_config for its address."""
    jump = spec.proxy_jump if spec.proxy_jump is not None else str(conf.get("proxyjump", ""))
    return Hop(
        host=str(conf.get("hostname", spec.address or spec.name)),
        port=spec.port or int(conf.get("port", 22)),
        user=spec.user or str(conf.get("user", "")) or getpass.getuser(),
        identity_files=spec.identity_files or tuple(conf.get("identityfile", ())),
        known_hosts=_known_hosts(spec, conf),
        key_alias=conf.get("hostkeyalias"),
        jump=jumps(jump),
        command=None if jump else _unless_none(conf.get("proxycommand")),
        is_target=True,
    )


def jump_hop(spec: HostSpec, jump: str, conf: Mapping[str, Any]) -> Hop:
    """A server to go through: `[user@]host[:port]`. The host's password is never offered to it."""
    match = _JUMP.match(jump)
    if match is None:
        raise ValueError(jump)
    return Hop(
        host=str(conf.get("hostname", match["six"] or match["host"])),
        port=int(match["port"] or conf.get("port", 22)),
        user=match["user"] or str(conf.get("user", "")) or spec.user or getpass.getuser(),
        identity_files=tuple(conf.get("identityfile", ())) or spec.identity_files,
        known_hosts=_known_hosts(spec, conf),
        key_alias=conf.get("hostkeyalias"),
        jump=jumps(str(conf.get("proxyjump", ""))),
        command=_unless_none(conf.get("proxycommand")),
        is_target=False,
    )


def jump_name(jump: str) -> str:
    """The name under which ssh_config knows a jump host. Raises `ValueError`."""
    match = _JUMP.match(jump)
    if match is None:
        raise ValueError(jump)
    return match["six"] or match["host"]


def jumps(text: str) -> tuple[str, ...]:
    """The hops of a `ProxyJump` value, nearest first."""
    return () if text.strip().lower() in {"", "none"} else tuple(part.strip() for part in text.split(","))


def _known_hosts(spec: HostSpec, conf: Mapping[str, Any]) -> tuple[str, ...]:
    if spec.known_hosts is not None:
        return (spec.known_hosts,)
    user = str(conf.get("userknownhostsfile", "")).split() or list(USER_KNOWN_HOSTS)
    system = str(conf.get("globalknownhostsfile", "")).split() or list(SYSTEM_KNOWN_HOSTS)
    return (*user, *system)


def _unless_none(value: object) -> str | None:
    return None if value is None or str(value).strip().lower() == "none" else str(value)
