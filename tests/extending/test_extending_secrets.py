"""The secret provider of `docs/extending.md` fulfils the contract of providers."""

from __future__ import annotations

from pathlib import Path

import pytest
import test_secrets_contract
from contracts import contract
from test_secrets_contract import VALUE, Case

from pmtaform.errors import Invalid
from pmtaform.plugins import SECRET_PROVIDERS
from pmtaform.programs import AllowedPrograms
from pmtaform.secrets import Resolver, parse_reference, require_reference
from pmtaform.secrets.provider import Surroundings


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    (tmp_path / "here").write_bytes(VALUE)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    provider = SECRET_PROVIDERS["credentials"].open(Surroundings(tmp_path, AllowedPrograms()))
    return Case(provider, "here", "gone")


CONTRACT = contract(test_secrets_contract, "case")
# Which of ours can be written to is no contract of others.
CONTRACT.pop("test_only_what_pmtaform_keeps_itself_can_be_written")
globals().update(CONTRACT)


def test_the_contract_is_there() -> None:
    assert len(CONTRACT) > 5


def test_a_stack_refers_to_it(case: Case, tmp_path: Path) -> None:
    reference = require_reference("credentials:here")
    assert Resolver(tmp_path).resolve(reference, raw=True).reveal() == VALUE
    with pytest.raises(Invalid, match="has no slash"):
        parse_reference("credentials:a/b")
