"""The distribution of `docs/extending.md`, and the contracts of the kinds that it adds to."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from extending_page import install_page

for folder in ("host", "state", "secrets"):
    sys.path.insert(0, str(Path(__file__).parent.parent / folder))  # where the contracts are


@pytest.fixture(autouse=True)
def page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install_page(monkeypatch, tmp_path / "site")
