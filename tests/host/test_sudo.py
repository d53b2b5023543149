"""An ordinary user over SSH, through sudo, with and without a password; and logging in by password."""

from __future__ import annotations

import os
import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hostroot import CONFIG, NEW, OLD, HostRoot, make_host_root, transaction
from sshd import Sshd, start_sshd
from ways import Host, over_ssh

from pmtaform.errors import Unreachable
from pmtaform.host import Status
from pmtaform.secrets import Secret

if os.geteuid() != 0 and not os.environ.get("CI"):
    pytest.skip("only root can make a user for these tests", allow_module_level=True)

PASSWORD = "correct horse; $(touch x) 'battery'"


@dataclass
class User:
    name: str
    server: Sshd
    sudoers: Path

    def may(self, how: str) -> None:
        """Give the rights that a line of sudoers says."""
        self.sudoers.write_text(f"{self.name} ALL=(ALL:ALL) {how}\n" if how else "")
        self.sudoers.chmod(0o440)


@pytest.fixture(scope="module")
def user() -> Iterator[User]:
    """A throwaway user with a password, and a server that lets him in."""
    name = f"pmtaform{os.getpid()}{secrets.token_hex(2)}"
    sudoers = Path("/etc/sudoers.d") / name
    subprocess.run(["useradd", "--no-create-home", "--home-dir", "/", "--shell", "/bin/sh", name], check=True)
    try:
        subprocess.run(["chpasswd"], input=f"{name}:{PASSWORD}\n".encode(), check=True)
        with tempfile.TemporaryDirectory(prefix="pmtaform-test-") as folder:
            Path(folder).chmod(0o755)
            options = "PasswordAuthentication yes"
            with start_sshd(Path(folder) / "sshd", user=name, options=options) as server:
                yield User(name, server, sudoers)
    finally:
        sudoers.unlink(missing_ok=True)
        subprocess.run(["userdel", "--force", name], check=True, stderr=subprocess.DEVNULL)


@pytest.fixture
def open_root() -> Iterator[HostRoot]:
    with tempfile.TemporaryDirectory(prefix="pmtaform-test-") as folder:
        Path(folder).chmod(0o755)
        yield make_host_root(Path(folder) / "root")


def closed(host: Host) -> None:
    for session in host.opened:
        session.close()


@pytest.mark.parametrize("rights", ["NOPASSWD: ALL", "ALL"])
@pytest.mark.parametrize("given", [True, False])
def test_probe_and_apply_through_sudo(user: User, open_root: HostRoot, rights: str, given: bool) -> None:
    user.may(rights)
    password = Secret(PASSWORD.encode() + b"\n", "keyring:sudo") if given else None
    host = over_ssh(open_root, user.server, sudo=True, sudo_password=password)
    if rights == "ALL" and not given:
        with pytest.raises(Unreachable, match=r"password is required.*sudo-refused"):
            host.probe()
    else:
        assert host.probe().files[CONFIG].content == OLD
        outcome = host.apply(transaction((CONFIG, NEW), ("/etc/pmta/big", b"x" * 2_000_000)))
        assert outcome.status is Status.APPLIED
        assert open_root.at(CONFIG).stat().st_uid == 0
        assert open_root.running == NEW
        # The password is neither run nor left anywhere.
        assert not [p for p in open_root.path.rglob("*") if p.is_file() and PASSWORD.encode() in p.read_bytes()]
    closed(host)


def test_a_wrong_sudo_password_is_tried_once(user: User, open_root: HostRoot) -> None:
    user.may("ALL")
    host = over_ssh(open_root, user.server, sudo=True, sudo_password=Secret(b"wrong", "env:SUDO"))
    with pytest.raises(Unreachable, match="sudo-password") as caught:
        host.apply(transaction((CONFIG, NEW)))
    assert "wrong'" not in str(caught.value)
    assert open_root.read(CONFIG) == OLD
    closed(host)


@pytest.mark.parametrize("password", [None, Secret(PASSWORD.encode(), "env:SUDO")])
def test_a_user_who_may_not_use_sudo(user: User, open_root: HostRoot, password: Secret | None) -> None:
    user.may("")
    host = over_ssh(open_root, user.server, sudo=True, sudo_password=password)
    with pytest.raises(Unreachable, match="sudo-refused"):
        host.probe()
    closed(host)


def test_logging_in_by_password(user: User, open_root: HostRoot) -> None:
    user.may("NOPASSWD: ALL")
    given = {"identity_files": (), "password": Secret(PASSWORD.encode(), "keyring:pw"), "sudo": True}
    host = over_ssh(open_root, user.server, **given)
    assert host.probe().files[CONFIG].content == OLD
    closed(host)


def test_a_wrong_login_password(user: User, open_root: HostRoot) -> None:
    given = {"identity_files": (), "password": Secret(b"wrong-word", "keyring:pw")}
    with pytest.raises(Unreachable, match=r"authentication-failed") as caught:
        over_ssh(open_root, user.server, **given).probe()
    assert "keyring:pw" in str(caught.value)
    assert "wrong-word" not in str(caught.value)


def test_without_sudo_a_user_sees_what_he_lacks(user: User, open_root: HostRoot) -> None:
    host = over_ssh(open_root, user.server)
    assert "sudo" in host.probe().unreadable[CONFIG]
    outcome = host.apply(transaction((CONFIG, NEW), expect={}))
    assert (outcome.status, open_root.read(CONFIG)) == (Status.REFUSED, OLD)
    assert "sudo" in outcome.reason
    closed(host)


@pytest.mark.parametrize(("rights", "kept"), [("NOPASSWD: ALL", set()), ("NOPASSWD: LOG_INPUT: ALL", {"log_input"})])
def test_what_sudo_itself_keeps_is_known(user: User, open_root: HostRoot, rights: str, kept: set[str]) -> None:
    user.may(f"{rights}\nDefaults:{user.name} iolog_dir={open_root.path}/kept")
    host = over_ssh(open_root, user.server, sudo=True)
    assert host.probe().sudo_log == kept
    closed(host)
