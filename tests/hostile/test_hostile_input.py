"""Start-up files of a login that read or print before the host's program: no text of a stack is ever evaluated."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostroot import CONFIG, NEW, OLD, HostRoot, make_host_root, spec_of, transaction
from ways import SHELLS, Host

from pmtaform.errors import HostError
from pmtaform.host import Status, wire
from pmtaform.host.local import LocalSession
from pmtaform.host.request import body, of_transaction

NONCE = b"f" * 32


@pytest.fixture
def root(tmp_path: Path) -> HostRoot:
    return make_host_root(tmp_path / "root")


def stream(root: HostRoot, parts: tuple[str, ...], ran: Path) -> tuple[bytes, bytes]:
    """What the client sends: the program, and a request whose every text would be a command if it were evaluated."""
    command = f";touch {ran};$(touch {ran});`touch {ran}`"
    spec = spec_of(root, pmta=f"/usr/sbin/pmta{command}", restart_command=("true", command), reload_command=(command,))
    tx = transaction((CONFIG, f"touch {ran}\n".encode() * 5), expect={})
    text = wire.program(parts)
    return text, NONCE + b"\napply\n" + b"".join(body(spec, of_transaction(tx))) + NONCE + b"\n"


def shifts(text: bytes, request: bytes) -> Iterator[int]:
    """How much a start-up file takes: some bytes, or some lines, up to all of it."""
    data = text + request
    lines = [at + 1 for at, byte in enumerate(data) if byte == 10]
    ends = {len(text) + more for more in range(-4, 12)}
    few_lines = {*lines[:8], *lines[:: max(1, len(lines) // 12)], *lines[-len(request.splitlines()) :]}
    yield from sorted(at for at in {*range(1, 12), *ends, *few_lines, len(data)} if 0 < at <= len(data))


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("first", ["probe", "apply"])
def test_a_shifted_stream_is_refused_whatever_is_missing(
    root: HostRoot, tmp_path: Path, shell: str, first: str
) -> None:
    ran = tmp_path / "ran"
    text, request = stream(root, wire._LOOKING.get(first, wire._PARTS), ran)
    command = wire.boot(SHELLS[shell], text)
    sent = wire.sealed(text)[0] if hasattr(wire, "sealed") else text
    for missing in shifts(sent, request):
        data = (sent + request)[missing:]
        process = subprocess.run(command, input=data, capture_output=True, check=False, timeout=60, cwd=tmp_path)
        assert not ran.exists(), f"text of the stack was evaluated: {missing} bytes were missing"
        assert (process.returncode, process.stdout) == (76, b""), missing
        assert b"is not the program that was sent" in process.stderr
    assert root.read(CONFIG) == root.running == OLD
    assert not root.at("/var/lib/pmtaform").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_hole_in_the_stream_is_refused_wherever_it_is(root: HostRoot, tmp_path: Path, shell: str) -> None:
    """What reads beside the program takes bytes out of its middle."""
    ran = tmp_path / "ran"
    text, request = stream(root, ("base", "alive", "answer", "serve"), ran)
    command = wire.boot(SHELLS[shell], text)
    sent = wire.sealed(text)[0]
    for at in range(0, len(sent), len(sent) // 40):
        for hole in (1, 65, 1000):
            data = sent[:at] + (sent + request)[at + hole :]
            process = subprocess.run(command, input=data, capture_output=True, check=False, timeout=60, cwd=tmp_path)
            assert (process.returncode, process.stdout, ran.exists()) == (76, b"", False), (at, hole)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "change", [b"", b"\n", b"x\n", b"probe\n", b"more 5 #x\nfalse\n", b"more x y\n", b"more $(id) y\n"]
)
def test_what_comes_between_requests_is_not_evaluated(
    root: HostRoot, tmp_path: Path, shell: str, change: bytes
) -> None:
    text, request = stream(root, wire._PARTS, tmp_path / "ran")
    data = wire.sealed(text)[0] + change + request
    process = subprocess.run(wire.boot(SHELLS[shell], text), input=data, capture_output=True, check=False, timeout=60)
    assert process.returncode == (76 if change else 0)
    assert (NONCE in process.stdout) == (not change)
    assert not (tmp_path / "ran").exists()


def after(folder: Path, starts: str, shell: str) -> tuple[str, ...]:
    """A shell as a login has it whose start-up file is `starts`."""
    login = folder / "login"
    login.write_text(f'#!/bin/bash\n{starts}\nexec {" ".join(SHELLS[shell])} "$@"\n')
    login.chmod(0o755)
    return (str(login),)


def behind(root: HostRoot, folder: Path, starts: str, shell: str = "dash") -> Host:
    spec = spec_of(root, command_timeout=5.0)
    words = after(folder, starts, shell)
    return Host(root, spec, lambda: LocalSession(spec, words))


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "reads",
    [
        "read -r x",
        "read -r x; read -r x",
        "for i in {1..5}; do read -r x; done",
        "head -c 1 >/dev/null",
        "head -c 7 >/dev/null",
        "read -r -N 100 x",
    ],
)
def test_a_start_up_file_that_reads_is_reported_as_that(root: HostRoot, tmp_path: Path, shell: str, reads: str) -> None:
    host = behind(root, tmp_path, reads, shell)
    for ask in (host.probe, lambda: host.apply(transaction((CONFIG, NEW)))):
        with pytest.raises(HostError) as told:
            ask()
        (result,) = told.value.diagnostics
        assert (result.code, result.host) == ("input-garbled", "mta1")
        assert "start-up file" in result.detail
    assert root.read(CONFIG) == root.running == OLD


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("size", [0, 1, 33, 65536, 200_000])
@pytest.mark.parametrize("where", [1, 2])
def test_a_start_up_file_that_prints_is_no_answer(
    root: HostRoot, tmp_path: Path, shell: str, size: int, where: int
) -> None:
    host = behind(root, tmp_path, f"head -c {size} /dev/zero | tr '\\0' 'x' >&{where}", shell)
    assert host.probe().files[CONFIG].content == OLD
    assert host.apply(transaction((CONFIG, NEW))).status is Status.APPLIED
    assert root.read(CONFIG) == root.running == NEW


@pytest.mark.parametrize(
    "noise",
    [
        b"\n",
        b" begin\n",
        b"\nffffffffffffffffffffffffffffffff end\n",
        b"status applied\n",
        b"\nfile x\tx\n",
        b"\0\x1b[",
    ],
)
def test_noise_that_looks_like_an_answer_is_none(root: HostRoot, tmp_path: Path, noise: bytes) -> None:
    (tmp_path / "noise").write_bytes(noise)
    host = behind(root, tmp_path, f"cat {tmp_path}/noise")
    assert host.probe().files[CONFIG].content == OLD
    root.tell("fail-test")
    assert host.apply(transaction((CONFIG, NEW), test_config=True)).status is Status.ROLLED_BACK
