"""Connecting: whom we trust, how we log in, and what each failure says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import socket
import subprocess
import threading
from pathlib import Path

import fabric
import paramiko
import pytest
from hostroot import CONFIG, NEW, OLD, HostRoot, never, spec_of, transaction
from sshd import Sshd, start_sshd
from ways import Host, over_ssh

from pmtaform.diagnostics import Exit
from pmtaform.errors import HostError, Unreachable
from pmtaform.host import Known, Output, Session, Status, known_hosts, probe, sockets, ssh
from pmtaform.host.ssh_connection import SshConnection
from pmtaform.host.ssh_settings import Hop
from pmtaform.host.transport import MOST_ERRORS
from pmtaform.secrets import Secret


def fails(server: Sshd, **options: object) -> str:
    """The one diagnostic of a connect that must fail."""
    spec = spec_of(HostRoot(server.folder), **{**server.options(), "connect_timeout": 5.0, **options})
    with pytest.raises(Unreachable) as caught:
        spec.open().close()
    assert caught.value.exit_code is Exit.UNREACHABLE
    (one,) = caught.value.diagnostics
    assert one.host == "mta1"
    assert one.detail
    return str(one)


def told(session: Session, command: list[str], data: bytes, *, timeout: float) -> Output:
    """What a program says until it ends."""
    return session.begin(command, timeout=timeout).ask(data, b"never printed", timeout=timeout)


def works(server: Sshd, **options: object) -> None:
    spec = spec_of(HostRoot(server.folder), **{**server.options(), **options})
    session = spec.open()
    try:
        assert told(session, ["echo", "$HOME; 'x'"], b"", timeout=20).stdout.endswith(b"$HOME; 'x'\n")
    finally:
        session.close()


def write(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def hashed(name: str) -> str:
    salt = b"0123456789abcdefghij"
    parts = (salt, hmac.new(salt, name.encode(), hashlib.sha1).digest())
    return "|1|" + "|".join(base64.b64encode(part).decode() for part in parts)


def test_a_known_host_is_let_in(sshd: Sshd) -> None:
    before = sshd.known_hosts.read_bytes()
    works(sshd)
    assert sshd.known_hosts.read_bytes() == before


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_a_host_known_by_one_type_of_key_is_asked_for_that(sshd: Sshd, tmp_path: Path, kind: str) -> None:
    works(sshd, known_hosts=write(tmp_path / "kh", sshd.line(kind)))


def test_entries_as_openssh_writes_them(sshd: Sshd, tmp_path: Path) -> None:
    for name in (hashed(sshd.name), f"other,{sshd.name}", "[127.0.0.*]:*", f"[127.0.0.1]:{sshd.port},x"):
        junk = "# comment\n\nbroken line\nhost ssh-ed25519 !!!\n@cert-authority * ssh-ed25519 AAAA\n"
        works(sshd, known_hosts=write(tmp_path / "kh", junk + sshd.line(name=name)))


def test_a_hashed_host_is_asked_for_the_type_that_it_is_known_by(sshd: Sshd, tmp_path: Path) -> None:
    """Which line is the host's is not known before it shows a key, and the first key that it shows is another one."""
    with start_sshd(tmp_path / "other", host_keys=("ed25519",)) as other:
        others = f"{hashed('elsewhere')} {other.keys['ed25519']}\n"
    works(sshd, known_hosts=write(tmp_path / "kh", others + sshd.line("ecdsa", name=hashed(sshd.name))))
    changed = f"{hashed(sshd.name)} {other.keys['ed25519']}\n"
    assert "[host-key-changed]" in fails(sshd, known_hosts=write(tmp_path / "changed", others + changed))
    assert "[host-key-unknown]" in fails(sshd, known_hosts=write(tmp_path / "unknown", others))
    revoked = sshd.line("ecdsa", name=hashed(sshd.name), marker="@revoked")
    assert "[host-key-" in fails(sshd, known_hosts=write(tmp_path / "revoked", others + changed + revoked))


def test_an_unknown_host_is_refused_and_it_says_how_to_accept_it(sshd: Sshd, tmp_path: Path) -> None:
    path = write(tmp_path / "kh", sshd.line(name="elsewhere"))
    result = fails(sshd, known_hosts=path)
    shown = subprocess.run(
        ["ssh-keygen", "-lf", sshd.folder / "host_ed25519.pub"], capture_output=True, text=True, check=True
    )
    assert "[host-key-unknown]" in result
    assert shown.stdout.split()[1] in result
    assert f"ssh-keyscan -p {sshd.port} 127.0.0.1 >> {path}" in result
    assert Path(path).read_text() == sshd.line(name="elsewhere")


def test_no_known_hosts_at_all_is_an_unknown_host(sshd: Sshd, tmp_path: Path) -> None:
    assert "[host-key-unknown]" in fails(sshd, known_hosts=str(tmp_path / "absent"))
    assert not (tmp_path / "absent").exists()


def test_a_changed_key_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    with start_sshd(tmp_path / "other", host_keys=("ed25519",)) as other:
        wrong = f"{sshd.name} {other.keys['ed25519']}\n"
    result = fails(sshd, known_hosts=write(tmp_path / "kh", wrong))
    assert "[host-key-changed]" in result
    assert "ssh-keygen -R" in result


def test_a_revoked_key_is_refused_even_if_it_is_known(sshd: Sshd, tmp_path: Path) -> None:
    revoked = sshd.line("ed25519", name="*", marker="@revoked")
    assert "[host-key-revoked]" in fails(sshd, known_hosts=write(tmp_path / "a", sshd.line() + revoked))
    assert "[host-key-revoked]" in fails(sshd, known_hosts=write(tmp_path / "b", revoked))


def test_another_key_of_the_host_serves_when_one_is_revoked(sshd: Sshd, tmp_path: Path) -> None:
    text = sshd.line("ed25519", marker="@revoked") + sshd.line("ecdsa")
    works(sshd, known_hosts=write(tmp_path / "kh", text))


def test_known_hosts_is_read_once(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    works(sshd)
    monkeypatch.setattr(known_hosts, "parse", None)
    works(sshd)


def test_ssh_config_is_followed(sshd: Sshd, tmp_path: Path) -> None:
    write(tmp_path / "more", f"Port {sshd.port}\nUser {sshd.user}\nIdentityFile {sshd.identity}\n")
    config = write(tmp_path / "config", f"Host nick\n  HostName 127.0.0.1\n  Include {tmp_path}/mo*\n")
    works(sshd, ssh_config=config, address="nick", port=None, user=None, identity_files=())


def test_through_a_jump_host(sshd: Sshd, tmp_path: Path) -> None:
    with start_sshd(tmp_path / "jump") as jump:
        (jump.folder / "authorized_keys").write_bytes((sshd.folder / "id_ed25519.pub").read_bytes())
        known = write(tmp_path / "kh", sshd.known_hosts.read_text() + jump.known_hosts.read_text())
        hop = f"{jump.user}@127.0.0.1:{jump.port}"
        before = threading.active_count()
        works(sshd, known_hosts=known, proxy_jump=hop)
        assert threading.active_count() == before
        assert "Accepted publickey" in jump.log
        assert "[host-key-unknown]" in fails(sshd, known_hosts=str(sshd.known_hosts), proxy_jump=hop)
        config = write(tmp_path / "config", f"Host nick\n  HostName 127.0.0.1\n  ProxyJump {hop}\n")
        works(sshd, known_hosts=known, ssh_config=config, address="nick")
        closed = f"{jump.user}@127.0.0.1:{jump.port}"
        assert "[no-route]" in fails(sshd, known_hosts=known, proxy_jump=closed, port=_closed_port())


def test_a_jump_host_that_makes_no_sense(sshd: Sshd) -> None:
    with pytest.raises(HostError, match="bad-proxy-jump"):
        works(sshd, proxy_jump="a:b:c")


def _closed_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def test_a_key_that_is_not_authorised(sshd: Sshd, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "id"], check=True)
    result = fails(sshd, identity_files=(str(tmp_path / "id"),))
    assert "[authentication-failed]" in result
    assert str(tmp_path / "id") in result


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_a_key_of_another_kind(sshd: Sshd, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", path], check=True)
    assert "[authentication-failed]" in fails(sshd, identity_files=(str(path),))
    keys = sshd.folder / "authorized_keys"
    before = keys.read_bytes()
    keys.write_bytes(before + path.with_suffix(".pub").read_bytes())
    works(sshd, identity_files=(str(path),))
    keys.write_bytes(before)


class _Silent(paramiko.Transport):
    """A server that does not announce the authentication service, but accepts requests for it."""

    def _send_message(self, data: paramiko.Message) -> None:
        if data.asbytes()[:1] != paramiko.common.cMSG_SERVICE_ACCEPT:
            super()._send_message(data)


class _Welcome(paramiko.ServerInterface):
    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return paramiko.common.AUTH_SUCCESSFUL


def test_a_login_sends_its_request_without_waiting_for_service_accept(sshd: Sshd, tmp_path: Path) -> None:
    key = paramiko.Ed25519Key.from_private_key_file(str(sshd.folder / "host_ed25519"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        known = write(tmp_path / "kh", f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")
        servers: list[paramiko.Transport] = []

        def serve() -> None:
            server = _Silent(listener.accept()[0])
            server.add_server_key(key)
            server.start_server(server=_Welcome())
            servers.append(server)

        thread = threading.Thread(target=serve)
        thread.start()
        spec = spec_of(HostRoot(sshd.folder), **{**sshd.options(), "port": port, "known_hosts": known})
        spec.open().close()
        thread.join()
        servers[0].close()


def test_a_key_with_a_passphrase(sshd: Sshd, tmp_path: Path) -> None:
    path = tmp_path / "id"
    path.write_bytes(sshd.identity.read_bytes())
    path.chmod(0o600)
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "open sesame", "-f", path], check=True)
    files = (str(path),)
    works(sshd, identity_files=files, passphrase=Secret(b"open sesame\n", "env:P"))
    assert "[key-passphrase-needed]" in fails(sshd, identity_files=files)
    assert "[key-passphrase-wrong]" in fails(sshd, identity_files=files, passphrase=Secret(b"no", "env:P"))


def test_a_key_that_is_not_there_or_not_a_key(sshd: Sshd, tmp_path: Path) -> None:
    assert "[key-missing]" in fails(sshd, identity_files=(str(tmp_path / "absent"),))
    assert "[key-unreadable]" in fails(sshd, identity_files=(write(tmp_path / "junk", "junk"),))


def test_a_password_where_only_keys_are_taken(sshd: Sshd) -> None:
    result = fails(sshd, identity_files=(), password=Secret(b"secret-word", "keyring:pw"), ssh_config="/dev/null")
    assert "[authentication-failed]" in result
    assert "keyring:pw" in result
    assert "secret-word" not in result


def test_no_one_listens(sshd: Sshd) -> None:
    assert "[connection-refused]" in fails(sshd, port=_closed_port())


def test_a_name_without_an_address(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(sockets.socket, "getaddrinfo", no_such)
    assert "[dns-failure]" in fails(sshd, address="mta.invalid")


def test_a_server_that_says_nothing(sshd: Sshd) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        result = fails(sshd, port=silent.getsockname()[1], connect_timeout=0.3)
    assert "[connect-timeout]" in result


def test_a_server_that_hangs_up_is_tried_again(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh.time, "sleep", lambda _: None)
    with socket.socket() as rude:
        rude.bind(("127.0.0.1", 0))
        rude.listen()
        met = []

        def hang_up() -> None:
            while True:
                try:
                    peer, _ = rude.accept()
                except OSError:
                    return
                met.append(1)
                peer.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        result = fails(sshd, port=rude.getsockname()[1])
        rude.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert "[banner-dropped]" in result
    assert "MaxStartups" in result
    assert len(met) == ssh.BANNER_TRIES


def test_twenty_failed_connects_leave_nothing_open(sshd: Sshd, tmp_path: Path) -> None:
    empty = write(tmp_path / "kh", "")
    fails(sshd, known_hosts=empty)
    fds, threads = len(list(Path("/proc/self/fd").iterdir())), threading.active_count()
    for _ in range(10):
        fails(sshd, known_hosts=empty)
        fails(sshd, port=_closed_port())
    assert len(list(Path("/proc/self/fd").iterdir())) == fds
    assert threading.active_count() == threads


def test_a_command_that_hangs_is_ended(sshd: Sshd) -> None:
    spec = spec_of(HostRoot(sshd.folder), **sshd.options())
    session = spec.open()
    with pytest.raises(Unreachable, match="host-timeout"):
        told(session, ["sleep", "1000"], b"", timeout=0.3)
    with pytest.raises(Unreachable, match="connection-lost"):
        told(session, ["true"], b"", timeout=5)
    session.close()
    session.close()


def test_much_in_and_much_out_at_once(sshd: Sshd) -> None:
    session = spec_of(HostRoot(sshd.folder), **sshd.options()).open()
    data = os.urandom(8 << 20)
    answer = told(session, ["sh", "-c", "head -c 8388608; head -c 3000000 /dev/zero >&2"], data, timeout=60)
    assert (answer.stdout == data, len(answer.stderr) >= MOST_ERRORS, answer.exit_code) == (True, True, 0)
    session.close()


def test_a_program_that_does_not_read_its_input(sshd: Sshd) -> None:
    session = spec_of(HostRoot(sshd.folder), **sshd.options()).open()
    assert told(session, ["sh", "-c", "exit 3"], b"x" * (8 << 20), timeout=30).exit_code == 3
    session.close()


def test_errors_that_no_one_waits_for_do_not_stop_it(sshd: Sshd) -> None:
    """They share a window with the output."""
    session = spec_of(HostRoot(sshd.folder), **sshd.options()).open()
    noisy = session.begin(["sh", "-c", "head -c 3000000 /dev/zero >&2; echo; echo end; read -r x; echo $x"], timeout=30)
    result = noisy.ask(b"", b"\nend\n", timeout=30)
    assert (result.stdout, result.exit_code) == (b"\nend\n", None)
    result = noisy.ask(b"more\n", b"never printed", timeout=30)
    assert (result.stdout, result.exit_code) == (b"more\n", 0)
    session.close()


def test_plan_and_apply_share_one_connection(ssh_host: Host, sshd: Sshd) -> None:
    ssh_host.probe()
    before = sshd.log.count("Accepted publickey")
    assert ssh_host.apply(transaction((CONFIG, NEW))).status is Status.APPLIED
    assert ssh_host.probe().files[CONFIG].content == NEW
    assert sshd.log.count("Accepted publickey") == before


def test_a_login_shell_that_talks_does_no_harm(root: HostRoot, tmp_path: Path) -> None:
    force = "ForceCommand echo noise without newline; printf 'more'; eval \"$SSH_ORIGINAL_COMMAND\""
    with start_sshd(tmp_path / "own", options=force) as own:
        host = over_ssh(root, own)
        assert host.probe().files[CONFIG].content == OLD
        host.session.close()


def test_a_host_without_a_usable_shell_says_so(root: HostRoot, tmp_path: Path) -> None:
    with start_sshd(tmp_path / "own", options="ForceCommand echo This account is not available") as own:
        spec = spec_of(root, **own.options())
        session = spec.open()
        with pytest.raises(HostError, match="This account is not available"):
            probe(session, spec, Known(), never)
        session.close()


@pytest.mark.parametrize("address", ["::1", "fe80::1%h0", "mta1", "mta1:23", "ann@mta1"])
def test_fabric_reads_nothing_into_an_address(address: str) -> None:
    hop = Hop(address, 22, "joe", (), (), None, (), None, is_target=True)
    connection = SshConnection(hop, socket.socket(), paramiko.RejectPolicy(), {})
    assert (connection.host, connection.port, connection.user) == (address, 22, "joe")
    assert connection.gateway is None
    connection.close()


def test_a_connection_writes_nothing_into_the_settings_that_all_share(
    server: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would be put together anew, and another connection that is made meanwhile would find none."""
    works(server)
    merged: list[fabric.Config] = []
    monkeypatch.setattr(fabric.Config, "merge", merged.append)
    works(server)
    assert merged == []


def test_a_bug_is_not_reported_as_a_host_that_cannot_be_reached(server: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(connection: fabric.Connection) -> None:
        raise AttributeError("no such thing; there are: banner, connect_timeout")

    monkeypatch.setattr(fabric.Connection, "open", broken)
    with pytest.raises(AttributeError, match="no such thing"):
        works(server)
