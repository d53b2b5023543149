"""What known_hosts and ssh_config with ten thousand entries cost a run over fifty hosts."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable

from benchmarks.measure import Options, Row, alternate, compare
from pmtaform.host import known_hosts
from pmtaform.host.known_hosts import KnownHosts
from pmtaform.host.ssh_config import SshConfig

ENTRIES = 10_000
HOSTS = range(0, ENTRIES, ENTRIES // 50)
ROUNDS = 5


def run(_: Options) -> list[Row]:
    """Reading the file and looking every host up, each to splitting the file into words."""
    plain = "".join(f"{_name(n)},10.{n >> 8}.{n & 255}.1 ssh-ed25519 {_key(n)}\n" for n in range(ENTRIES))
    hashed = "".join(f"{_hashed(_name(n))} ssh-ed25519 {_key(n)}\n" for n in range(ENTRIES))
    config = "".join(f"Host {_name(n)}\n  HostName 10.{n >> 8}.{n & 255}.1\n  Port 22\n" for n in range(ENTRIES))
    parts: list[tuple[str, str, Callable[[str], object], float]] = [
        ("known_hosts", plain, _known, 12.0),
        ("known_hosts, hashed", hashed, _known, 12.0),
        ("ssh_config", config, _config, 25.0),
    ]
    return [_row(name, text, read, bound) for name, text, read, bound in parts]


def _row(name: str, text: str, read: Callable[[str], object], bound: float) -> Row:
    def split() -> list[list[str]]:
        return [line.split() for line in text.splitlines()]

    timings = alternate({"ours": lambda: read(text), "split": split}, ROUNDS)
    return compare("names", f"{name}, 10,000 entries : split", timings["ours"], timings["split"], bound)


def _known(text: str) -> KnownHosts:
    known = KnownHosts()
    known_hosts.parse(text, known)
    assert all(known.has(_name(n), base64.b64decode(_key(n))) for n in HOSTS)
    return known


def _config(text: str) -> SshConfig:
    config = SshConfig(text)
    assert all(config.lookup(_name(n))["hostname"].endswith(".1") for n in HOSTS)
    return config


def _name(number: int) -> str:
    return f"mta{number}.example.com"


def _key(number: int) -> str:
    return base64.b64encode(hashlib.sha512(str(number).encode()).digest()[:51]).decode()


def _hashed(name: str) -> str:
    salt = hashlib.sha1(name.encode()).digest()
    parts = salt, hmac.digest(salt, name.encode(), "sha1")
    return "|1|" + "|".join(base64.b64encode(part).decode() for part in parts)
