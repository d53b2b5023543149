"""The state backend of `docs/extending.md` fulfils the contract of backends."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import test_state_backend
import test_state_contract
from contracts import contract

from pmtaform.plugins import STATE_BACKENDS
from pmtaform.state import Backends, StateBackend
from pmtaform.state.backend import BackendSettings


@pytest.fixture
def backends(tmp_path: Path) -> Backends:
    return STATE_BACKENDS["sqlite"].open(BackendSettings(tmp_path, {"file": "kept/state.sqlite"}))


@pytest.fixture
def backend(backends: Backends) -> StateBackend:
    return backends("demo")


CONTRACT = contract(test_state_backend, "backend", "backends") | contract(test_state_contract, "backend", "backends")
globals().update(CONTRACT)


def test_the_contract_is_there() -> None:
    assert len(CONTRACT) > 15


def test_the_file_is_for_its_owner_alone(backend: StateBackend, tmp_path: Path) -> None:
    backend.key()
    assert stat.S_IMODE((tmp_path / "kept/state.sqlite").stat().st_mode) == 0o600
