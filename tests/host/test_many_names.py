"""known_hosts and ssh_config with very many entries: the same answers, and no search through all of them."""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import hmac
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paramiko
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmtaform.host import known_hosts, ssh_settings
from pmtaform.host.known_hosts import HostKey, KnownHosts
from pmtaform.host.name_patterns import NamePatterns
from pmtaform.host.ssh_config import SshConfig

MANY = 10_000
NAMES = st.text("ab.1", min_size=1, max_size=4)
PATTERNS = st.text("ab.1*?[]", min_size=1, max_size=5)
TYPES = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa")


def key_text(number: int) -> str:
    return base64.b64encode(f"key {number}".encode()).decode()


def hashed(name: str, salt: bytes = b"0123456789abcdefghij") -> str:
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return "|1|" + "|".join(base64.b64encode(part).decode() for part in (salt, digest))


def read(text: str) -> KnownHosts:
    known = KnownHosts()
    known_hosts.parse(text, known)
    return known


def counting(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> Callable[[], int]:
    """How often a function is called from now on."""
    calls = 0
    original = getattr(owner, name)

    def counted(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        return original(*arguments, **options)

    monkeypatch.setattr(owner, name, counted)
    return lambda: calls


# -- the index ---------------------------------------------------------------------------------------------------------


@given(st.lists(st.lists(PATTERNS, min_size=1, max_size=3), max_size=6), NAMES)
def test_every_entry_that_matches_is_a_candidate(entries: list[list[str]], name: str) -> None:
    index = NamePatterns("*?[", "]")
    for number, patterns in enumerate(entries):
        index.add(patterns, number)
    candidates = index.candidates(name)
    assert candidates == sorted(set(candidates))
    matching = {n for n, patterns in enumerate(entries) if any(fnmatch.fnmatchcase(name, p) for p in patterns)}
    assert matching <= set(candidates)


@pytest.mark.parametrize(
    "pattern", ["host{}.example.com", "host{}.*", "*.host{}.example.com", "*{}x", "[10.0.{}.*]:*", "h{}?"]
)
def test_a_name_is_compared_with_few_of_many(pattern: str) -> None:
    index = NamePatterns("*?", "")
    for number in range(MANY):
        index.add([pattern.format(f"<{number}>")], number)
    for name in ("host<77>.example.com", "a.host<77>.example.com", "[10.0.<77>.1]:22", "a<77>x"):
        assert len(index.candidates(name)) <= 1


# -- ssh_config --------------------------------------------------------------------------------------------------------

_OPTIONS = ("HostName {}.b", "User {}", "Port 2{}", "IdentityFile ~/{}", "SendEnv {}", "ProxyJump {}", "Compression {}")
_LINES = st.builds(lambda option, value: f"  {option.format(value)}\n", st.sampled_from(_OPTIONS), st.integers(1, 3))
_HEADS = st.one_of(
    st.lists(st.builds(str.__add__, st.sampled_from(["", "", "!"]), PATTERNS), min_size=1, max_size=3).map(
        lambda words: f"Host {' '.join(words)}\n"
    ),
    PATTERNS.map(lambda pattern: f"Match host {pattern}\n"),
    NAMES.map(lambda name: f'Host "{name}"\n'),
    st.just("Match all\n"),
)
_BLOCKS = st.builds(lambda head, lines: head + "".join(lines), _HEADS, st.lists(_LINES, max_size=3))


@given(st.lists(_LINES, max_size=2), st.lists(_BLOCKS, max_size=6), NAMES)
def test_an_indexed_ssh_config_answers_as_paramiko_does(first: list[str], blocks: list[str], name: str) -> None:
    text = "".join([*first, *blocks])
    reference = paramiko.SSHConfig()
    reference.parse(io.StringIO(text))
    expected = {key: value for key, value in reference.lookup(name).items() if key not in ("sendenv", "compression")}
    assert SshConfig(text).lookup(name) == expected


def test_each_host_looks_at_its_own_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(f"Host h{n} h{n}.example.com\n  HostName 10.0.{n // 250}.{n % 250}\n" for n in range(MANY))
    config = SshConfig(text + "Host h*\n  User mail\n")
    calls = counting(monkeypatch, paramiko.SSHConfig, "_pattern_matches")
    for n in range(100):
        options = config.lookup(f"h{n}.example.com")
        assert (options["hostname"], options["user"]) == (f"10.0.0.{n}", "mail")
    assert calls() <= 100 * 2 * 3  # two passes over the block with all, its own, and `h*`


def test_what_an_ssh_config_would_run_is_looked_for_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from pmtaform.host import ssh
    from pmtaform.host.model import HostSpec
    from pmtaform.transports.ssh import SSH

    path = tmp_path / "ssh_config"
    path.write_text("Host a\n  User b\n")
    reads = counting(monkeypatch, ssh_settings, "config_text")
    for n in range(10):
        ssh._ssh_config(HostSpec(name=f"mta{n}", transport=SSH, ssh_config=str(path)))
    assert reads() == 1


# -- known_hosts -------------------------------------------------------------------------------------------------------


def naive(lines: list[tuple[str, list[str], int]], name: str) -> list[HostKey]:
    """OpenSSH's rules, line by line."""

    def matches(names: list[str]) -> bool:
        hits = []
        for wanted in names:
            if wanted.startswith("|"):
                hits.append((False, wanted == hashed(name)))
            else:
                pattern = wanted.lstrip("!").replace("[", "[[]")
                hits.append((wanted.startswith("!"), fnmatch.fnmatchcase(name, pattern)))
        return any(hit for negated, hit in hits if not negated) and not any(hit for negated, hit in hits if negated)

    bad = {number for marker, names, number in lines if marker == "@revoked" and matches(names)}
    keys = [
        HostKey(TYPES[number % 3], f"key {number}".encode())
        for marker, names, number in lines
        if not marker and number not in bad and matches(names)
    ]
    return list(dict.fromkeys(keys))


_NAME_FIELDS = st.one_of(
    NAMES.map(lambda name: [hashed(name)]),
    st.lists(
        st.builds(str.__add__, st.sampled_from(["", "", "!"]), st.text("ab.1*?[]:", min_size=1, max_size=4)),
        min_size=1,
        max_size=3,
    ),
)
_KNOWN_LINES = st.lists(
    st.tuples(st.sampled_from(["", "", "", "@revoked", "@cert-authority"]), _NAME_FIELDS, st.integers(0, 5)), max_size=8
)


@given(_KNOWN_LINES, NAMES)
def test_an_indexed_known_hosts_answers_as_line_by_line(lines: list[tuple[str, list[str], int]], name: str) -> None:
    text = "".join(f"{marker} {','.join(names)} {TYPES[n % 3]} {key_text(n)} comment\n" for marker, names, n in lines)
    known = read(text)
    expected = naive(lines, name)
    assert sorted(known.keys(name), key=str) == sorted(expected, key=str)
    for number in range(6):
        blob = f"key {number}".encode()
        assert known.has(name, blob) is (blob in {key.blob for key in expected})
    assert set(known.types(name)) <= {key.type for key in expected}


def test_case_does_not_matter_except_in_a_hash() -> None:
    known = read(f"MTA1.Example.com ssh-ed25519 {key_text(1)}\n{hashed('mta2')} ssh-ed25519 {key_text(2)}\n")
    assert known.has("mta1.example.COM", b"key 1")
    assert known.has("MTA2", b"key 2")


def test_a_host_costs_no_search_through_plain_names(monkeypatch: pytest.MonkeyPatch) -> None:
    known = read("".join(f"h{n},10.0.{n // 250}.{n % 250} ssh-ed25519 {key_text(n)}\n" for n in range(MANY)))
    calls = counting(monkeypatch, known_hosts, "_names_match")
    for n in range(0, MANY, 100):
        assert known.types(f"h{n}") == ("ssh-ed25519",)
        assert known.has(f"h{n}", f"key {n}".encode())
    assert calls() <= 2 * MANY // 100


def test_a_host_costs_no_search_through_hashed_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash can only be tried; the key that the server shows decides which line to try."""
    known = read("".join(f"{hashed(f'h{n}')} ssh-ed25519 {key_text(n)}\n" for n in range(MANY)))
    calls = counting(monkeypatch, known_hosts, "_hash_matches")
    for n in range(0, MANY, 100):
        assert known.has(f"h{n}", f"key {n}".encode())
    assert calls() == MANY // 100


def test_many_files_of_hosts_are_read_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"h ssh-ed25519 {key_text(1)}\n")
    reads = counting(monkeypatch, known_hosts, "read_regular")
    assert len({id(known_hosts.load((str(path), tmp_path / "absent"))) for _ in range(50)}) == 1
    assert reads() == 1
