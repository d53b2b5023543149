"""When a host may be dialled before ssh_config has been read: when no file of it can say another address."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from pmtaform.host import HostSpec
from pmtaform.host.ahead import dial
from pmtaform.transports.ssh import SSH


@pytest.fixture
def listening() -> socket.socket:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture(autouse=True)
def library_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pmtaform.host.ssh", raising=False)


def spec(server: socket.socket, config: Path, **more: object) -> HostSpec:
    host, port = server.getsockname()
    return HostSpec(name="mta1", transport=SSH, address=host, port=port, ssh_config=str(config), **more)


@pytest.mark.parametrize(
    ("text", "early"),
    [
        (None, True),
        ("", True),
        ("# HostName elsewhere\n\nHost *\n    SendEnv LANG LC_*\n    HashKnownHosts yes\n", True),
        ("Include /nonexistent/*.conf\n", True),
        ("Host *\n    HostName elsewhere\n", False),
        ("Port=2222\n", False),
        ("ProxyJump bastion\n", False),
        ("Match all\n", False),
        ("Include {here}\n", False),
        ("Whatever comes next\n", False),
    ],
)
def test_only_what_cannot_redirect_is_passed_over(
    tmp_path: Path, listening: socket.socket, text: str | None, early: bool
) -> None:
    config = tmp_path / "ssh_config"
    if text is not None:
        config.write_text(text.replace("{here}", str(config)))
    sock = dial(spec(listening, config))
    assert (sock is not None) is early
    if sock is not None:
        sock.close()


def test_behind_a_jump_host_nothing_is_dialled(tmp_path: Path, listening: socket.socket) -> None:
    assert dial(spec(listening, tmp_path / "none", proxy_jump="bastion")) is None


def test_a_host_that_does_not_answer_is_left_to_the_library(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = spec(server, tmp_path / "none")
    assert dial(closed) is None
