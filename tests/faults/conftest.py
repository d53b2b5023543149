"""Worlds for faults: a host that is a folder, and the same one behind a real SSH server."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from projects import ProjectFolder, is_root
from sshd import Sshd, start_sshd
from world import World, marks


@pytest.fixture(scope="session")
def hooked_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A server whose programs ask the hook; one world at a time is behind it."""
    folder = tmp_path_factory.mktemp("hooked")
    told = " ".join(f"{name}={value}" for name, value in marks(folder).items())
    with start_sshd(folder, options=f"SetEnv {told}") as server:
        yield server


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A host that has the old configuration, to be copied."""
    project = ProjectFolder(tmp_path_factory.mktemp("template") / "project")
    project.folder.mkdir(parents=True)
    return World(project).make()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A folder for a project; for root it is a small separate disk, which can be filled and made read-only."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if is_root():
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        if is_root():
            subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
def world(tmp_path: Path, disk: Path, template: World, request: pytest.FixtureRequest) -> Iterator[World]:
    """The host before the change; everything of it that still runs at the end is ended."""
    project = ProjectFolder(tmp_path / "project")
    project.folder.mkdir(parents=True)
    (project.folder / "hosts").symlink_to(disk)
    server = request.getfixturevalue("hooked_server") if "over_ssh" in request.fixturenames else None
    made = World(project, server)
    before = dict(os.environ)
    os.environ.update(marks(made.mark))
    try:
        yield made.make(template)
    finally:
        os.environ.clear()
        os.environ.update(before)
        made.end()


@pytest.fixture
def over_ssh() -> None:
    """The world's host is behind SSH."""
