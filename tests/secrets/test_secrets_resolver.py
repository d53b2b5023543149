"""The resolver: once, in time, with an error that helps, and nothing secret in it."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pmtaform.diagnostics import Exit, Place
from pmtaform.errors import SecretUnavailable
from pmtaform.programs import ANY_PROGRAM
from pmtaform.secrets import KEYRING, FakeSecrets, Reference, Resolver, Secret, require_reference

PLACE = Place("stacks/demo/stack.yaml", 7, 18)
KEY = Reference(KEYRING, "dkim/example.com/s1")


def resolver(value: str | bytes | None, **more: object) -> tuple[Resolver, FakeSecrets]:
    fake = FakeSecrets({} if value is None else {KEY.name: value}, **more)  # type: ignore[arg-type]
    return Resolver(Path(), providers={KEYRING: fake}), fake


@pytest.mark.parametrize(
    ("kept", "password"),
    [
        ("v", b"v"),
        ("v\n", b"v"),
        ("v\r\n", b"v"),
        ("v\n\n", b"v\n"),
        (" v \t", b" v \t"),
        ("v\r", b"v\r"),
        ("\nv", b"\nv"),
    ],
)
def test_one_line_end_is_taken_from_a_password_and_nothing_from_a_file(kept: str, password: bytes) -> None:
    secrets, _ = resolver(kept)
    assert secrets.resolve(KEY).reveal() == password
    assert secrets.resolve(KEY, raw=True).reveal() == kept.encode()


def test_each_reference_is_looked_up_once_however_many_ask() -> None:
    secrets, fake = resolver("v")
    with ThreadPoolExecutor(16) as pool:
        values = list(pool.map(lambda _: secrets.resolve(KEY).reveal(), range(200)))
    assert set(values) == {b"v"}
    assert fake.asked == [KEY.name]


def test_a_failure_is_kept_too_and_reported_for_each_place() -> None:
    secrets, fake = resolver("v", locked=True)
    for line in (1, 2, 3):
        with pytest.raises(SecretUnavailable) as caught:
            secrets.resolve(KEY, place=Place("s.yaml", line))
        assert caught.value.diagnostics[0].place == Place("s.yaml", line)
    assert fake.asked == [KEY.name]


def test_the_error_says_what_where_and_what_else_would_work() -> None:
    secrets, _ = resolver(None)
    with pytest.raises(SecretUnavailable) as caught:
        secrets.resolve(KEY, place=PLACE)
    (finding,) = caught.value.diagnostics
    assert caught.value.exit_code is Exit.ERROR
    assert finding.place == PLACE
    for part in [str(KEY), "looked in", "no entry", "env:NAME, file:PATH or command:PROGRAM"]:
        assert part in finding.detail


@pytest.mark.parametrize("value", ["", "\n", "\r\n"])
def test_an_empty_value_is_no_secret(value: str) -> None:
    with pytest.raises(SecretUnavailable, match="it is empty"):
        resolver(value)[0].resolve(KEY)


def test_a_command_that_prints_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SecretUnavailable, match="it is empty"):
        Resolver(tmp_path, allowed=ANY_PROGRAM).resolve(require_reference("command:true"))


def test_the_real_providers_are_wired_to_their_schemes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMTAFORM_TEST", "from env")
    (tmp_path / "key").write_text("from file\n")
    (tmp_path / "key").chmod(0o600)
    secrets = Resolver(tmp_path, allowed=ANY_PROGRAM)
    got = {t: secrets.resolve(require_reference(t)).reveal() for t in ("env:PMTAFORM_TEST", "file:key")}
    assert got == {"env:PMTAFORM_TEST": b"from env", "file:key": b"from file"}
    assert secrets.resolve(require_reference("command:cat key")).reveal() == b"from file"


def test_storing_forgets_what_was_known() -> None:
    secrets, _ = resolver("old")
    assert secrets.resolve(KEY).reveal() == b"old"
    secrets.store(KEY, Secret(b"new", str(KEY)))
    assert secrets.resolve(KEY).reveal() == b"new"
    assert secrets.remove(KEY)
    with pytest.raises(SecretUnavailable):
        secrets.resolve(KEY)


def test_what_cannot_be_written_to_says_so(tmp_path: Path) -> None:
    reference = require_reference("env:X")
    with pytest.raises(SecretUnavailable, match="does not write them"):
        Resolver(tmp_path).store(reference, Secret(b"canary", str(reference)))


def test_a_fake_resolver_knows_whole_references_and_nothing_else() -> None:
    secrets = Resolver.fake({"env:A": "1", "command:pass show x": b"2"})
    assert secrets.resolve(require_reference("env:A")).reveal() == b"1"
    assert secrets.resolve(require_reference("command:pass show x")).reveal() == b"2"
    with pytest.raises(SecretUnavailable):
        secrets.resolve(require_reference("env:PATH"))


def test_a_secret_cannot_get_out_by_accident(caplog: pytest.LogCaptureFixture) -> None:
    secret = resolver("canary")[0].resolve(KEY)
    logging.getLogger("test").warning("%s %r", secret, [secret])
    shown = [
        repr(secret),
        str(secret),
        f"{secret:>60}",
        f"{secret}",
        f"{secret}",
        repr({1: secret}),
        caplog.text,
    ]
    assert not [text for text in shown if "canary" in text]
    for leak in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps, bytes, vars):
        with pytest.raises(TypeError):
            leak(secret)  # type: ignore[operator]


def test_no_traceback_of_a_failed_look_up_holds_a_value() -> None:
    secrets, _ = resolver("canary", locked=True)
    with pytest.raises(SecretUnavailable) as caught:
        secrets.resolve(KEY)
    trace = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "canary" not in "".join(trace.format())
