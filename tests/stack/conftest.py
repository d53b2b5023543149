from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from stack_project import HOST, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def stack_of(project: Project) -> Callable[[str], Project]:
    """A stack with one host, and more YAML."""
    return lambda text: project.write(HOST + text)
