"""Hosts for the tests: a folder under each shell that the agent must run under, and a real OpenSSH server."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from hostroot import HostRoot, make_host_root, never, spec_of
from sshd import Sshd, start_sshd

from pmtaform.host import HostSpec, Known, Outcome, Session, Snapshot, Transaction, apply, open_session, probe
from pmtaform.host.local import LocalSession

SHELLS = {"dash": ("dash",), "bash": ("bash",), "busybox": ("busybox", "ash")}


@dataclass
class Host:
    """One host under test and the ways to it."""

    root: HostRoot
    spec: HostSpec
    open: Callable[[], Session]
    opened: list[Session] = field(default_factory=list)

    @property
    def session(self) -> Session:
        if not self.opened:
            self.opened.append(self.open())
        return self.opened[0]

    def probe(self, known: Known | None = None, includes: object = never) -> Snapshot:
        from hostroot import SALT

        return probe(self.session, self.spec, known or Known(salt=SALT), includes)  # type: ignore[arg-type]

    def apply(self, tx: Transaction, **spec: object) -> Outcome:
        from dataclasses import replace

        return apply(self.session, replace(self.spec, **spec), tx, self.open)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """One server for all tests of a worker that do not harm it."""
    with start_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def root(tmp_path: Path) -> HostRoot:
    return make_host_root(tmp_path / "root")


def over_ssh(root: HostRoot, server: Sshd, **more: object) -> Host:
    spec = spec_of(root, **server.options(**more))
    return Host(root, spec, lambda: open_session(spec))


def in_folder(root: HostRoot, shell: str = "dash", environment: dict[str, str] | None = None, **more: object) -> Host:
    spec = spec_of(root, **more)
    return Host(root, spec, lambda: LocalSession(spec, SHELLS[shell], environment))


@pytest.fixture(params=[*SHELLS, "ssh"])
def host(request: pytest.FixtureRequest, root: HostRoot) -> Iterator[Host]:
    """The same host, reached in each way: what is asked of one is asked of all."""
    one = over_ssh(root, request.getfixturevalue("sshd")) if request.param == "ssh" else in_folder(root, request.param)
    yield one
    for session in one.opened:
        session.close()


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
