"""One contract, for every provider: the real ones over real places, and the fake that ships."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from keyring.backend import KeyringBackend
from keyring.backends.chainer import ChainerBackend
from keyring_backends import FileKeyring, MemoryKeyring
from keyrings.alt.file import PlaintextKeyring

from pmtaform.programs import ANY_PROGRAM
from pmtaform.secrets import FakeSecrets, Provider, Store, Unresolved
from pmtaform.secrets.command import CommandSecrets
from pmtaform.secrets.environment import EnvironmentSecrets
from pmtaform.secrets.file import FileSecrets
from pmtaform.secrets.keyring import KeyringSecrets

VALUE = b"canary-p\xc3\xa4ss word\n"
DEADLINE = 20.0


class Case:
    """A provider that has VALUE under `present` and nothing under `absent`."""

    def __init__(self, provider: Provider, present: str, absent: str) -> None:
        self.provider = provider
        self.present = present
        self.absent = absent


@pytest.fixture(
    params=["fake", "env", "file", "command", "keyring-memory", "keyring-file", "keyring-plaintext", "keyring-chain"]
)
def case(request: pytest.FixtureRequest, tmp_path: Path, use_keyring: Callable[[KeyringBackend], None]) -> Case:
    return _case(request.param, tmp_path, use_keyring)


def _case(kind: str, folder: Path, use_keyring: Callable[[KeyringBackend], None]) -> Case:
    if kind == "fake":
        return Case(FakeSecrets({"here": VALUE}), "here", "gone")
    if kind == "env":
        return Case(EnvironmentSecrets({"HERE": VALUE.decode()}), "HERE", "GONE")
    if kind == "file":
        (folder / "here").write_bytes(VALUE)
        (folder / "here").chmod(0o600)
        return Case(FileSecrets(folder), "here", "gone")
    if kind == "command":
        (folder / "here").write_bytes(VALUE)
        program = "import sys; sys.stdout.buffer.write(open(sys.argv[1], 'rb').read())"
        words = [sys.executable, "-c", program]
        return Case(CommandSecrets(folder, ANY_PROGRAM), shlex.join([*words, "here"]), shlex.join([*words, "gone"]))
    use_keyring(_backend(kind, folder))
    provider = KeyringSecrets()
    provider.store("here", VALUE, deadline=DEADLINE)
    return Case(provider, "here", "gone")


def _backend(kind: str, folder: Path) -> KeyringBackend:
    """Ours, and two that others made: a file for machines without a desktop, and keyring's own chain of backends."""
    if kind == "keyring-memory":
        return MemoryKeyring()
    if kind == "keyring-file":
        ours = FileKeyring()
        ours.path = folder / "keyring.json"
        return ours
    plaintext = PlaintextKeyring()
    plaintext.file_path = str(folder / "keyring.cfg")  # type: ignore[assignment]
    if kind == "keyring-plaintext":
        return plaintext
    chain = type("Chain", (ChainerBackend,), {"backends": [plaintext], "viable": False})()
    assert isinstance(chain, KeyringBackend)
    return chain


def test_it_is_a_provider(case: Case) -> None:
    assert isinstance(case.provider, Provider)


def test_every_byte_comes_back(case: Case) -> None:
    assert case.provider.fetch(case.present, deadline=DEADLINE) == VALUE


def test_asking_again_gives_the_same(case: Case) -> None:
    first = case.provider.fetch(case.present, deadline=DEADLINE)
    assert case.provider.fetch(case.present, deadline=DEADLINE) == first


def test_what_is_not_there_says_where_it_looked_and_why(case: Case) -> None:
    with pytest.raises(Unresolved) as caught:
        case.provider.fetch(case.absent, deadline=DEADLINE)
    assert caught.value.looked
    assert caught.value.why
    assert caught.value.fix
    assert "canary" not in str(caught.value)


def test_a_miss_does_not_spoil_the_next_look_up(case: Case) -> None:
    with pytest.raises(Unresolved):
        case.provider.fetch(case.absent, deadline=DEADLINE)
    assert case.provider.fetch(case.present, deadline=DEADLINE) == VALUE


def test_no_provider_shows_what_it_keeps(case: Case) -> None:
    case.provider.fetch(case.present, deadline=DEADLINE)
    assert "canary" not in repr(case.provider)


def test_only_what_pmtaform_keeps_itself_can_be_written(case: Case) -> None:
    assert isinstance(case.provider, Store) != isinstance(case.provider, EnvironmentSecrets | CommandSecrets)


def test_what_is_stored_is_there_until_it_is_removed(case: Case) -> None:
    if not isinstance(case.provider, Store):
        return
    assert not case.provider.holds("new", deadline=DEADLINE)
    for value in (b"v", b"another\n", b"-----BEGIN\nx\n-----END\n"):
        case.provider.store("new", value, deadline=DEADLINE)
        assert case.provider.fetch("new", deadline=DEADLINE) == value
    assert case.provider.holds("new", deadline=DEADLINE)
    assert case.provider.remove("new", deadline=DEADLINE)
    assert not case.provider.remove("new", deadline=DEADLINE)
    assert not case.provider.holds("new", deadline=DEADLINE)
    with pytest.raises(Unresolved):
        case.provider.fetch("new", deadline=DEADLINE)


def test_writing_one_leaves_the_others(case: Case) -> None:
    if not isinstance(case.provider, Store):
        return
    case.provider.store("new", b"v", deadline=DEADLINE)
    case.provider.remove("new", deadline=DEADLINE)
    assert case.provider.fetch(case.present, deadline=DEADLINE) == VALUE
