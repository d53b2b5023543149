"""Connections that a process of the user keeps between plans."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hostroot import CONFIG, HostRoot, never, spec_of
from sshd import Sshd, start_sshd

from pmtaform.diagnostics import Exit
from pmtaform.errors import Unreachable, UsageError
from pmtaform.host import HostSpec, Known, Question, examine, probe
from pmtaform.host.warm.client import Warm, keeping_warm, status, stop
from pmtaform.host.warm.folder import SocketPlace
from pmtaform.host.warm.frames import key_of, words_of
from pmtaform.host.warm.frames import spec_of as spec_again
from pmtaform.host.warm.keeper import ConnectionKeeper
from pmtaform.host.warm.process import Service, listen
from pmtaform.host.wire import is_look
from pmtaform.secrets import Secret

CANARY = "canary-in-warm-connection"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Sshd]:
    """A server whose files a test may change."""
    with start_sshd(tmp_path / "own") as server:
        yield server


@pytest.fixture
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SocketPlace]:
    """A place of the test's own. What still runs there at its end is ended."""
    folder = tmp_path_factory.mktemp("w") / "pmtaform"
    made = SocketPlace(folder / "s.socket")
    yield made
    with contextlib.suppress(UsageError):
        if stop(made) is not None:
            os.waitpid(-1, 0)


def spec_for(root: HostRoot, server: Sshd, **more: object) -> HostSpec:
    return spec_of(root, **server.options(**more))


def look(spec: HostSpec) -> dict[str, str]:
    """The digests that one plan sees."""
    session = spec.open()
    try:
        snapshot = probe(session, spec, Known(), never)
        return {path: file.digest for path, file in snapshot.files.items()}
    finally:
        session.close()


def pid_of(where: SocketPlace) -> int:
    answer = status(where)
    assert answer is not None
    return int(answer["pid"])


def ended(pid: int) -> bool:
    """Wait for a process of ours to end."""
    return os.waitpid(pid, 0)[0] == pid


def logins(server: Sshd) -> int:
    return server.log.count("Accepted publickey")


# -- kept and used again -----------------------------------------------------------------------------------------------


def test_a_connection_is_kept_and_used_again(root: HostRoot, own: Sshd, where: SocketPlace) -> None:
    spec = spec_for(root, own)
    cold = look(spec)
    with keeping_warm(where):
        assert [look(spec) for _ in range(3)] == [cold] * 3
    assert logins(own) == 2
    with keeping_warm(where):
        root.at(CONFIG).write_text("postmaster changed@example.com\n")
        assert look(spec) != cold  # only the way is kept, not what was seen
    assert logins(own) == 2
    assert look(spec) != cold
    assert logins(own) == 3  # without it, nothing is used that is kept


def test_the_program_on_the_host_waits_for_the_next_plan(root: HostRoot, own: Sshd, where: SocketPlace) -> None:
    spec = spec_for(root, own)
    with keeping_warm(where):
        look(spec)
        session = spec.open()
        assert session.running is not None
        assert "probe" in session.running.parts
        session.close()


def test_status_names_the_hosts_and_stop_ends_it(root: HostRoot, own: Sshd, where: SocketPlace) -> None:
    assert status(where) is None
    assert stop(where) is None
    with keeping_warm(where):
        look(spec_for(root, own))
    answer = status(where)
    assert answer is not None
    assert [(each["name"], each["since"] <= each["used"]) for each in answer["hosts"]] == [("mta1", True)]
    pid = pid_of(where)
    assert stop(where) is not None
    assert ended(pid)
    assert not where.socket.exists()
    assert status(where) is None


def test_a_dead_connection_is_replaced(root: HostRoot, own: Sshd, where: SocketPlace) -> None:
    spec = spec_for(root, own)
    with keeping_warm(where):
        seen = look(spec)
        for pid in own.sessions():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert look(spec) == seen
    assert logins(own) == 2


def test_one_connection_serves_one_client_at_a_time(root: HostRoot, own: Sshd, where: SocketPlace) -> None:
    spec = spec_for(root, own)
    with keeping_warm(where):
        first = spec.open()
        assert look(spec)  # over another connection
        first.close()
    assert logins(own) == 2


# -- its end -----------------------------------------------------------------------------------------------------------


def test_it_ends_when_it_is_idle(where: SocketPlace) -> None:
    with keeping_warm(where, idle=0.01):
        pass
    with where.lock.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the process has it until it ends
    assert not where.socket.exists()


def test_idle_time_counts_from_the_last_client(where: SocketPlace) -> None:
    where.folder.mkdir(mode=0o700)
    now = [100.0]
    with listen(where.socket) as listener:
        service = Service(ConnectionKeeper(), listener, where.socket, 600.0, clock=lambda: now[0])
        now[0] += 599
        assert not service.is_over
        service._enter()
        now[0] += 10_000
        assert not service.is_over  # a client is there
        service._leave()
        now[0] += 599
        assert not service.is_over
        now[0] += 1
        assert service.is_over
        now[0] -= 1
        where.socket.unlink()
        assert service.is_over


def test_it_ends_when_its_socket_is_gone(where: SocketPlace) -> None:
    with keeping_warm(where):
        pid = pid_of(where)
        where.socket.unlink()
    assert ended(pid)


def test_two_that_start_at_once_become_one(where: SocketPlace) -> None:
    with keeping_warm(where):
        pid = pid_of(where)
        program = [sys.executable, "-m", "pmtaform.host.warm.process", str(where.socket), "600"]
        assert subprocess.run(program, capture_output=True, check=True, timeout=60).stdout == b""
        assert pid_of(where) == pid


@pytest.mark.parametrize("waits", [False, True], ids=["at its first request", "with a program that waits"])
def test_killed_in_the_middle_the_plan_connects_itself(
    root: HostRoot, own: Sshd, where: SocketPlace, waits: bool
) -> None:
    spec = spec_for(root, own)
    with keeping_warm(where):
        seen = look(spec)
        session = spec.open() if waits else replaced(where, spec)
        pid = pid_of(where)
        os.kill(pid, signal.SIGKILL)
        assert ended(pid)
        try:
            snapshot = probe(session, spec, Known(), never)
            again = probe(session, spec, Known(), never)
        finally:
            session.close()
        assert {path: file.digest for path, file in snapshot.files.items()} == seen
        assert again.files == snapshot.files
        assert look(spec) == seen
    with keeping_warm(where):  # what the killed one left is replaced
        assert look(spec) == seen
        assert status(where) is not None


def replaced(where: SocketPlace, spec: HostSpec) -> object:
    """A session on which no program waits."""
    stop(where)
    os.wait()
    Warm(where).start()
    return spec.open()


def test_what_is_no_look_is_not_asked_twice(root: HostRoot, own: Sshd, where: SocketPlace) -> None:
    spec = spec_for(root, own)
    with keeping_warm(where):
        look(spec)
        session = spec.open()
        os.kill(pid_of(where), signal.SIGKILL)
        os.wait()
        before = logins(own)
        with pytest.raises(Unreachable, match="connection-lost"):
            examine(session, spec, [Question("ask", 1, ("version",))])
        session.close()
        assert logins(own) == before


@pytest.mark.parametrize("op", ["probe", "left", "copies", "results", "generations"])
def test_only_a_look_may_be_asked_again(op: str) -> None:
    mark, look_of_it = "0123456789abcdef" * 2, f"\n{'f' * 32}\nprobe\n"
    assert is_look(f"#program\n{mark}\n{op}\nroot /\n".encode())
    for other in ("apply", "recover", "commit", "confirm", "revert", "release", "examine", "result"):
        assert not is_look(f"#program\n{mark}\n{other}\n{look_of_it}".encode())


def test_ctrl_c_of_a_client_does_not_reach_it(where: SocketPlace) -> None:
    with keeping_warm(where):
        pid = pid_of(where)
        assert os.getsid(pid) == os.getpgid(pid) == pid != os.getsid(0)


# -- who is at the other end -------------------------------------------------------------------------------------------


def test_a_changed_known_hosts_ends_the_use_of_a_connection(root: HostRoot, own: Sshd, where: SocketPlace) -> None:
    spec, known = spec_for(root, own), own.line("ed25519")
    own.known_hosts.write_text(known)
    with keeping_warm(where):
        look(spec)
        own.known_hosts.write_text("")
        with pytest.raises(Unreachable, match="host-key-unknown"):
            look(spec)
        own.known_hosts.write_text(known + own.line(name="*", marker="@revoked"))
        with pytest.raises(Unreachable, match="host-key-revoked"):
            look(spec)
        own.known_hosts.write_text(known + "# the same keys\n")
        before = logins(own)
        look(spec)
        look(spec)
        assert logins(own) == before + 1


def test_a_changed_setting_ends_the_use_of_a_connection(root: HostRoot, own: Sshd, where: SocketPlace) -> None:
    config = own.folder / "ssh_config"
    spec = spec_for(root, own, port=None)
    config.write_text(f"Port {own.port}\n")
    with keeping_warm(where):
        look(spec)
    config.write_text("Port 1\n")
    with keeping_warm(where), pytest.raises(Unreachable):
        look(spec)


def test_a_changed_key_needs_a_new_login(root: HostRoot, own: Sshd, where: SocketPlace) -> None:
    spec = spec_for(root, own)
    with keeping_warm(where):
        look(spec)
        own.identity.rename(own.folder / "elsewhere")
        with pytest.raises(Unreachable, match="key-missing"):
            look(spec)


def test_every_setting_of_a_connection_is_part_of_its_key(root: HostRoot, own: Sshd) -> None:
    spec = spec_for(root, own, password=Secret(b"a", "env:A"))
    others: dict[str, object] = {
        "address": "127.0.0.2",
        "port": 1,
        "user": "other",
        "sudo": True,
        "root": "/",
        "proxy_jump": "bastion",
        "identity_files": (),
        "known_hosts": "/other",
        "ssh_config": "/other",
        "use_agent": True,
        "name": "mta2",
        "password": Secret(b"b", "env:A"),
        "passphrase": Secret(b"b", "env:A"),
        "connect_timeout": 1.0,
    }
    keys = {key_of(replace(spec, **{name: value})) for name, value in others.items()}  # type: ignore[arg-type]
    assert len(keys | {key_of(spec)}) == len(others) + 1
    assert key_of(spec_again(words_of(spec))) == key_of(spec)


# -- other users -------------------------------------------------------------------------------------------------------


def refused(where: SocketPlace) -> None:
    with pytest.raises(UsageError, match="warm-unsafe") as caught, keeping_warm(where):
        pass
    assert caught.value.exit_code is Exit.USAGE


def test_folder_and_socket_are_for_their_user_only(where: SocketPlace) -> None:
    with keeping_warm(where):
        assert stat.S_IMODE(where.folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(where.socket.stat().st_mode) == 0o600
        assert stat.S_IMODE(where.lock.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o701, 0o750, 0o777])
def test_a_folder_that_others_may_enter_is_refused(where: SocketPlace, mode: int) -> None:
    where.folder.mkdir()
    where.folder.chmod(mode)
    refused(where)


def test_a_folder_that_cannot_be_created_is_no_danger(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    where = SocketPlace(tmp_path / "file" / "pmtaform" / "a.socket")
    with pytest.raises(UsageError, match="warm-not-started") as caught, keeping_warm(where):
        pass
    assert "XDG_RUNTIME_DIR" in caught.value.diagnostics[0].detail


def test_a_link_to_a_folder_is_refused(where: SocketPlace) -> None:
    real = where.folder.with_name("real")
    real.mkdir(mode=0o700)
    where.folder.symlink_to(real)
    refused(where)


def test_a_socket_that_others_may_use_is_refused(root: HostRoot, own: Sshd, where: SocketPlace) -> None:
    with keeping_warm(where):
        where.socket.chmod(0o666)
        with pytest.raises(UsageError, match="warm-unsafe"):
            look(spec_for(root, own))
        refused(where)
        where.socket.chmod(0o600)


def test_a_file_in_place_of_the_socket_is_refused(where: SocketPlace) -> None:
    where.folder.mkdir(mode=0o700)
    where.socket.symlink_to("/dev/null")
    refused(where)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of other users")
def test_what_belongs_to_another_user_is_refused(where: SocketPlace) -> None:
    where.folder.mkdir(mode=0o700)
    os.chown(where.folder, 12345, 12345)
    refused(where)


OTHER_USER = """
import os, socket, sys
os.setgid(12345); os.setuid(12345)
listener = socket.socket(fileno=int(sys.argv[1]))
listener.listen()
print(flush=True)
connection, _ = listener.accept()
print(connection.recv(100))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run programs of other users")
def test_a_process_of_another_user_x(root: HostRoot, own: Sshd, where: SocketPlace) -> None:
    """It listens on a socket that looks right."""
    where.folder.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(where.socket))
        where.socket.chmod(0o600)
        words = [sys.executable, "-c", OTHER_USER, str(listener.fileno())]
        with subprocess.Popen(words, stdout=subprocess.PIPE, pass_fds=[listener.fileno()]) as other:
            assert other.stdout is not None
            other.stdout.readline()
            assert status(where) is None
            assert other.stdout.read() == b"b''\n"


# -- secrets -----------------------------------------------------------------------------------------------------------


def test_no_secret_is_in_its_environment_its_arguments_or_its_files(
    root: HostRoot, own: Sshd, where: SocketPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_A_PIPELINE", CANARY)
    spec = spec_for(root, own, password=Secret(CANARY.encode(), "env:SECRET_OF_A_PIPELINE"))
    with keeping_warm(where):
        look(spec)
        process = Path("/proc") / str(pid_of(where))
        for name in ("environ", "cmdline"):
            assert CANARY.encode() not in (process / name).read_bytes()
        assert b"SECRET_OF_A_PIPELINE" not in (process / "environ").read_bytes()
        assert sorted(path.name for path in where.folder.iterdir()) == ["s.lock", "s.socket"]
        assert where.lock.read_bytes() == b""
        assert CANARY not in str(status(where))
