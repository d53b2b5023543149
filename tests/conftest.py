"""What tests of the whole share: a project whose hosts are folders, and one real OpenSSH server a worker."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

if find_spec("pmtaform_emulator") is None:
    raise pytest.UsageError("The stand-in for PowerMTA is not installed. Run:\n    make setup")

from projects import ProjectFolder
from sshd import Sshd, start_sshd

# CI says the same of the same commit each time; new inputs are for the desk, and many for `make fuzz`. A law whose
# inputs are made quickly requests more of them. How long anything takes is no one's concern here.
settings.register_profile(
    "suite",
    max_examples=50,
    derandomize="CI" in os.environ,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("suite")

# No test ever looks into the keyring of the user who runs it; those that need one choose their own backend.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"

# Stacks of tests may run programs; that others may not is what tests/hostile shows.
os.environ["PMTAFORM_ALLOW_COMMANDS"] = "*"

# A shell has what it begins in the background ignore Ctrl-C, and all that comes from it; tests send it to programs.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def project(tmp_path: Path) -> ProjectFolder:
    """A project without hosts."""
    made = ProjectFolder(tmp_path / "project")
    made.folder.mkdir(parents=True)
    return made


@pytest.fixture
def one(project: ProjectFolder) -> ProjectFolder:
    """A project with one host, which has a minimal configuration and no PowerMTA."""
    project.add_host("mta1")
    return project


@pytest.fixture
def live(project: ProjectFolder) -> ProjectFolder:
    """A project with one host that runs the PowerMTA stand-in on a minimal configuration."""
    project.add_host("mta1", pmta=True)
    return project


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """One SSH server for all tests of a worker that do not harm it."""
    with start_sshd(tmp_path_factory.mktemp("server")) as started:
        yield started
