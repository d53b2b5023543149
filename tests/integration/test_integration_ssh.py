"""The main job on real input, over real SSH: planned, applied, planned empty, rolled back to the same bytes."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from projects import RUNS, HostFolder, ProjectFolder, addresses, is_root, until
from sshd import Sshd, start_sshd

from pmtaform.api import Project, make_plan
from pmtaform.diagnostics import Exit
from pmtaform.host import transaction
from pmtaform_emulator import install

pytestmark = pytest.mark.sshd
CORPUS = Path(__file__).parent.parent / "corpus"
MAIN = "/etc/pmta/config"
INSIDE = "/etc/pmta/dkimlist.txt"  # what files of s01 include inside of their sections, and is not in the corpus


def over_ssh(server: Sshd, host: HostFolder, **more: Any) -> dict[str, Any]:
    """A host of a stack: this folder, behind this server."""
    return {
        "transport": "ssh",
        "root": str(host.root),
        "address": server.address,
        "port": server.port,
        "user": server.user,
        "identity-files": [str(server.identity)],
        "known-hosts": str(server.known_hosts),
        "ssh-config": str(server.folder / "ssh_config"),
        "use-agent": False,
        **more,
    }


def put_corpus(host: HostFolder, name: str) -> dict[str, bytes]:
    """Put a configuration of the corpus on a host, byte for byte. Returns its files."""
    source = CORPUS / name
    files = (
        {f"/etc/pmta/{p.relative_to(source)}": p.read_bytes() for p in source.rglob("*") if p.is_file()}
        if source.is_dir()
        else {MAIN: source.read_bytes()}
    )
    if name.startswith("s01"):
        del files["/etc/pmta/conf.d/source.conf"]  # its main file does not include it
        files[INSIDE] = b"domain-key s1, *, /etc/pmta/s1.pem\n"
    for path, content in files.items():
        host.put(content, path)
    return files


def native(project: ProjectFolder, files: dict[str, bytes], change: tuple[bytes, bytes] | None = None) -> str:
    """A stack that declares the files as they are, except one change; in YAML.

    The file of a block is known from the host, so the stack need not name it.
    """
    changed = next(p for p in sorted(files) if change[0] in files[p]) if change is not None else None
    entries = []
    for path in sorted(files.keys() - {INSIDE}, key=lambda p: (p != MAIN, p)):
        name = "files/" + path.removeprefix("/etc/pmta/")
        project.add_file(name, files[path].replace(*change, 1) if change and path == changed else files[path])
        entries.append(f"  - {name}\n")
    return "native:\n" + "".join(entries)


def changed_value(content: bytes) -> tuple[bytes, bytes]:
    """A line of a file with a number in it, and the same with a smaller one."""
    for item in re.finditer(rb"(?m)^[ \t]*(?:max-smtp-out|max-msg-per-connection|retry-after)[ \t]+(\d+)", content):
        number = int(item[1])
        if number > 1:
            return item[0], item[0][: -len(item[1])] + str(number - 1).encode()
    raise AssertionError("this file has no such line")


def the_whole_way(project: ProjectFolder, files: dict[str, bytes], hosts: dict[str, Any]) -> None:
    """Adopt, change, plan empty, roll back: the bytes and what PowerMTA runs are right at each step."""
    host = project.host
    emulated = host.at("/usr/sbin/pmta").exists()
    project.stack(native(project, files), hosts=hosts)
    before = host.tree()
    result = project.apply().ended(Exit.OK)
    assert result.out.startswith("No changes."), result.out
    assert host.tree() == before, "adopting touches no byte"

    wanted = changed_value(b"\n".join(files.values()))
    project.stack(native(project, files, wanted), hosts=hosts)
    assert [action for action, _ in addresses(project.plan("--format", "json"))] == ["update"]
    project.apply().ended(Exit.OK)
    project.settled()
    told = {path: content.encode("utf-8", "surrogateescape") for path, content in host.contents().items()}
    assert told.keys() == files.keys()
    path = next(p for p in sorted(files) if wanted[0] in files[p])
    assert told == {**files, path: files[path].replace(*wanted, 1)}, "one line changed, and no other"
    if emulated:
        assert host.in_force.encode("utf-8", "surrogateescape") == told[MAIN]

    project.run("rollback", "mta1", "--auto-approve").ended(Exit.OK)
    assert {p: c.encode("utf-8", "surrogateescape") for p, c in host.contents().items()} == files
    if emulated:
        assert host.in_force.encode("utf-8", "surrogateescape") == files[MAIN]
    assert host.leftovers() == []


@pytest.mark.parametrize("name", ["006-warmup-pool-prod.conf", "009-default-sample-crlf-warmup.conf"])
def test_a_configuration_of_the_corpus(project: ProjectFolder, server: Sshd, name: str) -> None:
    host = project.add_host("mta1", config=None)
    files = put_corpus(host, name)
    host.emulate()
    the_whole_way(project, files, {"mta1": over_ssh(server, host)})


@pytest.mark.parametrize("name", ["s01-cli-build-include", "s02-iresponse-default"])
def test_a_configuration_of_many_files(project: ProjectFolder, server: Sshd, name: str) -> None:
    """Includes plain and with wildcards. The stand-in does not load these, so the files are all there is."""
    host = project.add_host("mta1", config=None)
    files = put_corpus(host, name)
    the_whole_way(project, files, {"mta1": over_ssh(server, host, activation="none")})


# -- through sudo, as an ordinary user ----


@pytest.fixture(scope="module")
def deploy() -> Iterator[Sshd]:
    """The server of an ordinary user who may become root without a password."""
    if not is_root():
        assert not os.environ.get("CI"), "in CI these tests run as root, who can make a user for them"
        pytest.skip("only root can make a user for these tests")
    name = f"pmtaform{os.getpid()}{secrets.token_hex(2)}"
    sudoers = Path("/etc/sudoers.d") / name
    subprocess.run(["useradd", "--no-create-home", "--home-dir", "/", "--shell", "/bin/sh", name], check=True)
    try:
        # A user without any password is locked for OpenSSH; one that no one knows is not.
        subprocess.run(["chpasswd"], input=f"{name}:{secrets.token_hex(16)}\n".encode(), check=True)
        sudoers.write_text(f"{name} ALL=(ALL:ALL) NOPASSWD: ALL\n")
        sudoers.chmod(0o440)
        with tempfile.TemporaryDirectory(prefix="pmtaform-test-") as folder:
            Path(folder).chmod(0o755)
            with start_sshd(Path(folder) / "sshd", user=name) as server:
                yield server
    finally:
        sudoers.unlink(missing_ok=True)
        subprocess.run(["userdel", "--force", name], check=True, stderr=subprocess.DEVNULL)


def test_the_same_through_sudo(project: ProjectFolder, deploy: Sshd) -> None:
    host = project.add_host("mta1", config=None)
    files = put_corpus(host, "006-warmup-pool-prod.conf")
    host.emulate()
    for path in files:
        host.at(path).chmod(0o600)
    host.at("/etc/pmta").chmod(0o700)
    the_whole_way(project, files, {"mta1": over_ssh(deploy, host, sudo=True)})
    assert host.mode() == 0o600


def test_without_sudo_the_ordinary_user_is_told_what_is_missing(project: ProjectFolder, deploy: Sshd) -> None:
    host = project.add_host("mta1")
    host.config.chmod(0o600)
    project.stack("config: {postmaster: a@example.com}", hosts={"mta1": over_ssh(deploy, host)})
    before = host.tree()
    project.plan().ended(Exit.SOME_FAILED)
    assert "sudo" in project.apply().ended(Exit.SOME_FAILED).words
    assert host.tree() == before


# -- what it costs ----


def execs(server: Sshd) -> int:
    return server.log.count("Starting session: command")


def test_an_unchanged_host_costs_one_exec(project: ProjectFolder, server: Sshd) -> None:
    host = project.add_host("mta1", config=None)
    files = put_corpus(host, "s02-iresponse-default")
    install(host.root)
    hosts = {"mta1": over_ssh(server, host, activation="none")}
    project.stack(native(project, files), hosts=hosts)
    project.apply().ended(Exit.OK)
    before = execs(server)
    project.settled()
    assert execs(server) - before == 1
    result = Project.find(project.root)
    planned = make_plan(result, result.load("fleet"))
    assert [survey.snapshot.round_trips for survey in planned.fleet.surveys.values()] == [1]
    assert host.called[-1] != "show status"


def test_several_hosts_behind_one_server(project: ProjectFolder, server: Sshd) -> None:
    """One of them is bad: the others are planned and applied, and each is reported."""
    for name in ("mta1", "mta2", "mta3"):
        project.add_host(name)
    hosts = {name: over_ssh(server, host, activation="none") for name, host in project.hosts.items()}
    hosts["mta2"]["known-hosts"] = str(project.root / "nobody")
    project.stack("config: {postmaster: a@example.com}", hosts=hosts)
    result = project.apply().ended(Exit.UNREACHABLE)
    assert "mta1 applied" in result.words
    assert "mta3 applied" in result.words
    assert "mta2 unreachable" in result.words
    assert "postmaster" not in project.hosts["mta2"].read()
    assert sorted(project.state["hosts"]) == ["mta1", "mta3"]


def test_a_server_that_goes_away_between_plan_and_apply(project: ProjectFolder, tmp_path: Path) -> None:
    """A saved plan finds no one: nothing is lost, and the plan is good once the server is back."""
    host = project.add_host("mta1")
    with start_sshd(tmp_path / "sshd", host_keys=("ed25519",)) as mortal:
        project.stack("config: {postmaster: a@example.com}", hosts={"mta1": over_ssh(mortal, host, activation="none")})
        path = project.save_plan()
        mortal.process.terminate()
        mortal.process.wait()
        project.run("apply", path).ended(Exit.UNREACHABLE)
        assert "postmaster" not in host.read()
        mortal.process = subprocess.Popen(
            [shutil.which("sshd") or "/usr/sbin/sshd", "-D", "-f", mortal.folder / "sshd_config"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: project.plan().code == Exit.OK)
        project.run("apply", path).ended(Exit.OK)
    assert "postmaster a@example.com" in host.read()


def test_a_host_that_is_lost_for_good_while_it_is_checked_is_reported_once_and_goes_back(
    project: ProjectFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check takes the server down: no one can revert, so what is reported is that the host does it itself."""
    host = project.add_host("mta1").stand_in()
    with start_sshd(tmp_path / "sshd", host_keys=("ed25519",)) as mortal:
        listens = mortal.process.pid
        end = f"#!/bin/sh\nserving=$(cat /proc/{listens}/task/{listens}/children)\nkill -9 {listens} $serving\n"
        host.put(end, "/usr/local/bin/end", 0o755)
        project.stack(
            "config: {postmaster: a@example.com}\nconfirm-within: 2s\nchecks: {end: {command: [/usr/local/bin/end]}}",
            hosts={"mta1": over_ssh(mortal, host)},
        )
        monkeypatch.setattr(transaction, "_sleep", lambda _: None)
        result = project.apply().ended(Exit.SOME_FAILED)
    assert result.err.count("mta1: reverting") == 1
    assert "Outcome unknown [outcome-unknown]" in result.words
    assert "the connection was lost (Connection refused) and the host could not be asked again" in result.words
    assert (
        "rolls back unless it was confirmed. To ask again, and finish or undo what it left: pmtaform recover mta1"
        in result.words
    )
    until(lambda: host.running == RUNS and not host.leftovers())
    assert "postmaster" not in host.read()
