from __future__ import annotations

from pathlib import Path

import pytest
from adopting import Adopting


@pytest.fixture
def adopting(tmp_path: Path) -> Adopting:
    """An empty project."""
    root = tmp_path / "project"
    (root / "stacks").mkdir(parents=True)
    return Adopting(root)
