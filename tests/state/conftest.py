"""Every implementation of the port of state backends; the contract's tests run on each."""

from __future__ import annotations

from pathlib import Path

import pytest

from pmtaform.plugins import STATE_BACKENDS
from pmtaform.state import Backends
from pmtaform.state.backend import BackendSettings
from pmtaform.testing.state import MemoryBackends


@pytest.fixture(params=["memory", "file"])
def backends(request: pytest.FixtureRequest, tmp_path: Path) -> Backends:
    if request.param == "memory":
        return MemoryBackends()
    return STATE_BACKENDS["file"].open(BackendSettings(tmp_path, {}))


@pytest.fixture
def backend(backends: Backends) -> object:
    return backends("demo")
