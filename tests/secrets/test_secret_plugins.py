"""Providers of plug-ins: one registration is all that references, messages and the schema need."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from distributions import install

from pmtaform.errors import Invalid, SecretUnavailable
from pmtaform.plugins import SECRET_PROVIDERS
from pmtaform.programs import AllowedPrograms
from pmtaform.registry import PlugInBroken
from pmtaform.secrets import Resolver, Store, parse_reference, require_reference
from pmtaform.secrets.provider import Surroundings
from pmtaform.stack.schema import json_schema

SAFE = """
from pmtaform.secrets.fake import FakeSecrets
from pmtaform.secrets.provider import ProviderKind

SAFE = ProviderKind(argument="SHELF/NAME", place="the safe", open=lambda _: FakeSecrets({"top/key": "v", "empty": ""}),
                    is_writable=True, problem=lambda name: "" if "/" in name else "It has no shelf.")
"""


@pytest.fixture
def safe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lines = "[pmtaform.secret_providers]\nsafe = acme_safe:SAFE\n"
    install(monkeypatch, tmp_path / "site", name="acme-safe", entry_points=lines, modules={"acme_safe.py": SAFE})


@pytest.mark.parametrize("scheme", ["keyring", "env", "file", "command"])
def test_a_kind_says_truly_whether_it_can_be_written_to(scheme: str, tmp_path: Path) -> None:
    kind = SECRET_PROVIDERS[scheme]
    assert isinstance(kind.open(Surroundings(tmp_path, AllowedPrograms())), Store) == kind.is_writable


@pytest.mark.usefixtures("safe")
def test_a_reference_of_a_plug_in_is_read_and_resolved(tmp_path: Path) -> None:
    reference = parse_reference("safe:top/key")
    assert reference is not None
    assert Resolver(tmp_path).resolve(reference).reveal() == b"v"


@pytest.mark.usefixtures("safe")
def test_its_own_check_of_names_is_heard() -> None:
    with pytest.raises(Invalid, match=r"It has no shelf\. Write safe:SHELF/NAME\."):
        parse_reference("safe:key")


@pytest.mark.usefixtures("safe")
def test_messages_and_the_schema_list_it(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"keyring:NAME, .* or safe:SHELF/NAME"):
        require_reference("no reference")
    with pytest.raises(Invalid, match="safe"):
        require_reference("saef:top/key")
    with pytest.raises(SecretUnavailable, match=r"keyring:NAME, .*file:PATH.* or safe:SHELF/NAME"):
        Resolver(tmp_path).holds(require_reference("env:X"))
    pattern = json_schema()["$defs"]["reference"]["pattern"]
    assert re.search(pattern, "safe:x")
    assert re.search(pattern, "file:x")
    assert not re.search(pattern, "sofa:x")


def test_without_the_plug_in_its_references_are_values() -> None:
    assert parse_reference("safe:top/key") is None
    with pytest.raises(Invalid, match="secret-in-clear"):
        require_reference("safe:top/key", what="A password")


def test_a_broken_provider_is_reported_where_it_is_used_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = "[pmtaform.secret_providers]\nsafe = acme_safe:SAFE\n"
    install(monkeypatch, tmp_path, name="acme-safe", entry_points=lines, modules={"acme_safe.py": "SAFE = 1\n"})
    with pytest.raises(PlugInBroken, match=r"acme-safe 1\.0"):
        parse_reference("safe:top/key")
    with pytest.raises(Invalid, match=r"Write keyring:NAME, (?!.*safe:)"):
        require_reference("no reference")
