"""The transport of `docs/extending.md` fulfils the contract of hosts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import test_transaction
from contracts import contract
from hostroot import make_host_root, spec_of
from ways import Host

from pmtaform.plugins import TRANSPORTS

PODMAN = '#!/bin/sh\n[ "$1 $2 $3" = "exec --interactive powermta-1" ] || exit 125\nshift 3\nexec "$@"\n'


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """A host in a container; a program replaces podman, and a folder the container."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "podman").write_text(PODMAN)
    (tools / "podman").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=":")
    root = make_host_root(tmp_path / "root")
    spec = spec_of(root, transport=TRANSPORTS["container"], address="powermta-1")
    one = Host(root, spec, spec.open)
    yield one
    for session in one.opened:
        session.close()


CONTRACT = contract(test_transaction, "host")
globals().update(CONTRACT)


def test_the_contract_is_there() -> None:
    assert len(CONTRACT) > 15
