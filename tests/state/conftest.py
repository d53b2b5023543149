"""Every implementation of the port of state backends; the contract's tests run on each."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from pmtaform.plugins import STATE_BACKENDS
from pmtaform.state import Backends, FileBackend
from pmtaform.state.backend import BackendSettings
from pmtaform.state.files import Remembered
from pmtaform.testing.state import MemoryBackends


@pytest.fixture(params=["memory", "file", "file-appending"])
def backends(request: pytest.FixtureRequest, tmp_path: Path) -> Backends:
    if request.param == "memory":
        return MemoryBackends()
    if request.param == "file-appending":
        known: defaultdict[str, Remembered] = defaultdict(Remembered)
        return lambda stack: FileBackend(tmp_path / "state", stack, whole_below=0, remembered=known[stack])
    return STATE_BACKENDS["file"].open(BackendSettings(tmp_path, {}))


@pytest.fixture
def backend(backends: Backends) -> object:
    return backends("demo")
