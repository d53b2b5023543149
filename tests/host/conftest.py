"""Hosts for the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hostroot import HostRoot, make_host_root
from memory import MemoryRoot, in_memory
from sshd import Sshd, start_sshd
from ways import SHELLS, Host, in_folder, over_ssh


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """One server for all tests of a worker that do not harm it."""
    with start_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def root(tmp_path: Path) -> HostRoot:
    return make_host_root(tmp_path / "root")


@pytest.fixture(params=[*SHELLS, "ssh", "memory"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    """The same host, reached in each way: what is asked of one is asked of all."""
    one = _reached(request, request.param)
    yield one
    for session in one.opened:
        session.close()


@pytest.fixture(params=[*SHELLS, "ssh"])
def disk(request: pytest.FixtureRequest) -> Iterator[Host]:
    """As `host`, for what only a real file system has: links, owners, a file that is in use."""
    one = _reached(request, request.param)
    yield one
    for session in one.opened:
        session.close()


def _reached(request: pytest.FixtureRequest, way: str) -> Host:
    if way == "memory":
        return in_memory(MemoryRoot())
    root = request.getfixturevalue("root")
    return over_ssh(root, request.getfixturevalue("sshd")) if way == "ssh" else in_folder(root, way)


@pytest.fixture(params=list(SHELLS))
def folder(request: pytest.FixtureRequest, root: HostRoot) -> Host:
    """A host that is a folder, under each shell."""
    return in_folder(root, request.param)


@pytest.fixture
def ssh_host(root: HostRoot, sshd: Sshd) -> Iterator[Host]:
    one = over_ssh(root, sshd)
    yield one
    for session in one.opened:
        session.close()
