"""Bad input, and what it gets: a clear error with the remedy, its exit code, and nothing lost or half-written."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from projects import RUNS, CommandResult, HostFolder, ProjectFolder, is_root, until
from signing_keys import another
from sshd import Sshd, start_sshd
from terminal import read_question
from test_cli_commands import foreign_lock

from pmtaform.diagnostics import Exit
from pmtaform.state import HostState, StateKeeper

WANTED = "postmaster: a@example.com"
COMMANDS = (("plan",), ("apply", "--auto-approve"))


def refused(project: ProjectFolder, code: int, *told: str, commands: tuple[tuple[str, ...], ...] = COMMANDS) -> None:
    """Every command ends with `code`, tells `told`, and touches neither the hosts nor the state."""
    hosts = {name: host.tree() for name, host in project.hosts.items()}
    state = project.state_file.read_bytes() if project.state_file.is_file() else None
    for command in commands:
        result = project.run(*command).ended(code)
        for words in told:
            assert words in result.words, result.all
        assert "Traceback" not in result.all
        assert "this is a bug" not in result.all
    assert {name: host.tree() for name, host in project.hosts.items()} == hosts
    assert (project.state_file.read_bytes() if project.state_file.is_file() else None) == state
    for host in project.hosts.values():
        assert host.leftovers() == []
    assert not list((project.root / "state").glob("*.lock"))


# -- the stack ----

STACKS = {
    "a file that is not YAML": (b"stack: fleet\nhosts: [", "stack.yaml:"),
    "a tab for indentation": (b"stack: fleet\nhosts:\n\tmta1: {}\n", "tab"),
    "bytes that are not UTF-8": (b"stack: fleet\nconfig: {postmaster: \xff\xfe}\n", "UTF-8"),
    "an unknown key": (b"stack: fleet\nhost: {}\n", 'Did you mean "hosts"?'),
    "an unknown directive": (
        b"stack: fleet\nhosts: {mta1: {}}\nconfig: {postmastr: a@example.com}\n",
        'Did you mean "postmaster"?',
    ),
    "a key said twice": (b"stack: fleet\nconfig:\n  postmaster: a@b.c\n  postmaster: d@e.f\n", "stack.yaml:3:3"),
    "a missing variable": (b'stack: fleet\nhosts: {mta1: {}}\nconfig: {postmaster: "${missing}"}\n', "${missing}"),
    "the name of another folder": (b"stack: flete\n", "flete"),
    "no mapping at all": (b"- one\n- two\n", "stack.yaml:1:1"),
    "a wrong type": (b"stack: fleet\nrollout: {parallel: many}\n", "parallel"),
    "an object of a class": (b"stack: !!python/object/apply:os.system [touch x]\n", "stack.yaml:1:8"),
    "a billion laughs": (
        b"stack: fleet\na: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b]\n",
        "stack.yaml:",
    ),
}


@pytest.mark.parametrize(("content", "told"), STACKS.values(), ids=STACKS)
def test_a_stack_that_is_not_right(one: ProjectFolder, content: bytes, told: str) -> None:
    (one.folder / "stack.yaml").write_bytes(content)
    refused(one, Exit.INVALID, told, commands=(("validate",), *COMMANDS))


def test_two_errors_in_two_files_are_reported_at_once(one: ProjectFolder) -> None:
    one.config("postmastr: a@example.com")
    one.add_file("more.yaml", "groops: {}\n")
    refused(one, Exit.INVALID, "stack.yaml:5:3", "more.yaml:1:1", commands=(("validate",), *COMMANDS))


def test_a_stack_without_a_file(project: ProjectFolder) -> None:
    for _ in range(2):
        assert "pmtaform init NAME" in project.run("plan").ended(Exit.USAGE).words
        (project.folder / "stack.yaml").mkdir(exist_ok=True)


@pytest.mark.skipif(is_root(), reason="root reads everything")
def test_a_stack_file_that_may_not_be_read(one: ProjectFolder) -> None:
    one.config(WANTED)
    (one.folder / "stack.yaml").chmod(0)
    refused(one, Exit.INVALID, "stack.yaml")


def test_a_native_file_that_is_not_there(one: ProjectFolder) -> None:
    one.stack("native: [files/none.conf]")
    refused(one, Exit.INVALID, "files/none.conf", "stack.yaml:4:10", commands=(("validate",), *COMMANDS))


def test_a_secret_that_cannot_be_had(one: ProjectFolder) -> None:
    one.config(WANTED, "dkim-keys:\n  example.com/s1: {private-key: env:PMTAFORM_TEST_NO_SUCH}\n")
    refused(one, Exit.ERROR, "PMTAFORM_TEST_NO_SUCH", "stack.yaml:")
    one.config(WANTED, "dkim-keys:\n  example.com/s1: {private-key: file:keys/none.pem}\n")
    refused(one, Exit.ERROR, "keys/none.pem")
    one.config(WANTED, "dkim-keys:\n  example.com/s1: {private-key: 'command:false'}\n")
    refused(one, Exit.ERROR, "false")


def test_two_hosts_on_one_folder(one: ProjectFolder) -> None:
    one.stack(hosts={"mta1": {}, "mta2": {"root": "hosts/mta1"}})
    refused(one, Exit.INVALID, "mta1", "mta2")


# -- the choice ----


def test_a_host_that_the_stack_does_not_have(one: ProjectFolder) -> None:
    one.config(WANTED)
    refused(one, Exit.USAGE, 'Did you mean "mta1"?', commands=(("plan", "--host", "mta7"),))


def test_a_danger_that_does_not_exist(one: ProjectFolder) -> None:
    one.config(WANTED)
    apply = ("apply", "--auto-approve", "--allow", "rate-rised")
    refused(one, Exit.USAGE, 'Did you mean "rate-raised"?', commands=(apply,))


# -- hosts that cannot be looked at ----


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that no one listens on, and no one else can take meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_a_host_that_does_not_answer(one: ProjectFolder, closed_port: int, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text("")
    host = {"transport": "ssh", "root": "/", "address": "127.0.0.1", "port": closed_port, "known-hosts": str(known)}
    one.stack(f"config: {{{WANTED}}}", hosts={"mta1": host})
    refused(one, Exit.UNREACHABLE, "mta1", f"{closed_port}")


def test_a_local_host_without_its_folder(one: ProjectFolder) -> None:
    one.stack(f"config: {{{WANTED}}}", hosts={"mta1": {"root": "hosts/nowhere"}})
    refused(one, Exit.UNREACHABLE, "hosts/nowhere", "root")


def ssh_stack(project: ProjectFolder, server: Sshd, **more: object) -> None:
    """The host of a project behind a real SSH server."""
    known = {
        "transport": "ssh",
        "root": str(project.host.root),
        "address": server.address,
        "port": server.port,
        "user": server.user,
        "identity-files": [str(server.identity)],
        "known-hosts": str(server.known_hosts),
        "ssh-config": str(server.folder / "ssh_config"),
        "use-agent": False,
        "activation": "none",
    }
    host = {key: value for key, value in {**known, **more}.items() if value is not None}
    project.stack(f"config: {{{WANTED}}}", hosts={"mta1": host})


@pytest.mark.sshd
def test_a_changed_host_key(one: ProjectFolder, server: Sshd, tmp_path: Path) -> None:
    other = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
    known = tmp_path / "known_hosts"
    known.write_text(f"{server.name} {other.with_suffix('.pub').read_text()}")
    ssh_stack(one, server, **{"known-hosts": str(known)})
    refused(one, Exit.UNREACHABLE, "ssh-keygen -R", "host-key-changed")


@pytest.mark.sshd
def test_an_unknown_host_key(one: ProjectFolder, server: Sshd, tmp_path: Path) -> None:
    ssh_stack(one, server, **{"known-hosts": str(tmp_path / "none")})
    refused(one, Exit.UNREACHABLE, "ssh-keyscan", "host-key-unknown")


@pytest.mark.sshd
def test_a_wrong_password(one: ProjectFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMTAFORM_TEST_PASSWORD", "wrong-canary")
    with start_sshd(tmp_path / "sshd", options="PasswordAuthentication yes", host_keys=("ed25519",)) as asking:
        ssh_stack(one, asking, **{"identity-files": None, "password": "env:PMTAFORM_TEST_PASSWORD"})
        refused(one, Exit.UNREACHABLE, "mta1", "password")
        assert "canary" not in one.plan().all


@pytest.mark.sshd
@pytest.mark.skipif(not is_root(), reason="only root can make a user for this")
def test_a_refusal_by_sudo(one: ProjectFolder, tmp_path: Path) -> None:
    """`no one` may log in, and may not become root."""
    with start_sshd(tmp_path / "sshd", host_keys=("ed25519",)) as door:
        ssh_stack(one, door, user="root", sudo=True)
        refused_sudo = tmp_path / "sudo"
        refused_sudo.write_text("#!/bin/sh\necho 'root is not in the sudoers file.' >&2\nexit 1\n")
        refused_sudo.chmod(0o755)
        (door.folder / "sshd_config").write_text(
            f"SetEnv PATH={tmp_path}:/usr/bin:/bin\n" + (door.folder / "sshd_config").read_text()
        )
        door.process.send_signal(1)  # it reads its configuration again
        until(lambda: "Received SIGHUP" in door.log and door.log.count("Server listening") >= 2)
        refused(one, Exit.UNREACHABLE, "mta1", "sudo")


# -- hosts that cannot be changed ----


def refused_apply(project: ProjectFolder, code: int, *told: str, state: bool = False) -> CommandResult:
    """An apply that leaves every byte of the hosts, and says why."""
    before = {name: host.contents() for name, host in project.hosts.items()}
    result = project.apply().ended(code)
    for words in told:
        assert words in result.words, result.all
    assert {name: host.contents() for name, host in project.hosts.items()} == before
    # A state may be there, of what was about to be done; it has no host that was not changed.
    recorded = project.state if project.state_file.exists() else {"hosts": {}}
    assert bool(recorded["hosts"]) == state
    assert "under-way" not in recorded
    for host in project.hosts.values():
        assert host.leftovers() == []
    return result


def test_a_host_without_pmta_can_be_planned_and_not_applied(one: ProjectFolder) -> None:
    one.stack(f"config: {{{WANTED}}}")
    assert one.plan().ended(Exit.OK).out.startswith("Plan: 1 to create")
    refused_apply(one, Exit.SOME_FAILED, "there is no /usr/sbin/pmta on this host")
    one.config(WANTED)
    one.apply().ended(Exit.OK)


@pytest.fixture
def small(project: ProjectFolder) -> Iterator[HostFolder]:
    """A host on a separate disk, which is nearly full."""
    if not is_root():
        pytest.skip("only root can mount a small disk")
    host = project.add_host("mta1", config=None)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,nr_inodes=1k", "tmpfs", host.root], check=True)
    host.put(RUNS)
    yield host
    subprocess.run(["umount", "-l", host.root], check=True)


def test_a_full_disk(project: ProjectFolder, small: HostFolder) -> None:
    domains = "".join(f"  d{n}.example.com: {{max-smtp-out: 7}}\n" for n in range(4000))
    project.config(f"domain:\n{domains}")
    refused_apply(project, Exit.SOME_FAILED, "mta1 failed")
    project.config(WANTED)
    project.apply().ended(Exit.OK)


def test_a_disk_that_is_full_to_the_last_byte(project: ProjectFolder, small: HostFolder) -> None:
    ballast = os.open(small.root / "ballast", os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        while True:
            os.write(ballast, b"x" * 4096)
    os.close(ballast)
    project.config(WANTED)
    refused_apply(project, Exit.SOME_FAILED, "is the disk full?")


def test_a_folder_that_is_read_only(project: ProjectFolder) -> None:
    if not is_root():
        pytest.skip("only root can mount a folder read-only")
    host = project.add_host("mta1")
    folder = host.at("/etc/pmta")
    subprocess.run(["mount", "--bind", folder, folder], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
    try:
        project.config(WANTED)
        refused_apply(project, Exit.SOME_FAILED, "nothing can be written in its folder")
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def plant_link(host: HostFolder) -> None:
    host.config.rename(host.at("/etc/elsewhere"))
    host.config.symlink_to("/etc/elsewhere")


def plant_parent(host: HostFolder) -> None:
    host.at("/etc/pmta").rename(host.at("/etc/theirs"))
    host.at("/etc/pmta").symlink_to(host.at("/etc/theirs"))


def plant_folder(host: HostFolder) -> None:
    host.config.unlink()
    host.config.mkdir()


def plant_fifo(host: HostFolder) -> None:
    host.config.unlink()
    os.mkfifo(host.config)


@pytest.mark.parametrize(
    ("plant", "told"),
    [
        (plant_link, "symbolic link"),
        (plant_parent, "symbolic link"),
        (plant_folder, "folder"),
        (plant_fifo, "/etc/pmta/config"),
    ],
    ids=["a link for the file", "a link for its folder", "a folder for the file", "a pipe for the file"],
)
def test_something_else_stands_where_the_file_should(
    one: ProjectFolder, plant: Callable[[HostFolder], None], told: str
) -> None:
    plant(one.host)
    one.config(WANTED)
    refused(one, Exit.SOME_FAILED, told)


def test_an_include_that_is_not_there(one: ProjectFolder) -> None:
    """It is stated, and stops nothing: who is to put it right must be able to apply."""
    one.host.put(RUNS + "include /etc/pmta/more.conf\n")
    one.config(WANTED)
    assert "/etc/pmta/more.conf is not where this configuration was read" in one.plan().ended(Exit.OK).words
    one.apply().ended(Exit.OK)
    assert "postmaster a@example.com" in one.host.read()


def test_an_include_that_is_a_folder(one: ProjectFolder) -> None:
    one.host.put(RUNS + "include /etc/pmta/conf.d\n")
    one.host.at("/etc/pmta/conf.d").mkdir()
    one.config(WANTED)
    refused(one, Exit.SOME_FAILED, "/etc/pmta/conf.d")


def test_an_include_outside_of_the_allowed_folders_is_read_and_never_written(one: ProjectFolder) -> None:
    one.host.put("postmaster old@example.com\n", "/srv/more.conf").put(RUNS + "include /srv/more.conf\n")
    one.config(WANTED)
    result = one.plan().ended(Exit.OK)
    assert "/srv/more.conf" in result.words
    refused_apply(one, Exit.SOME_FAILED, "/srv/more.conf is not below an allowed path")
    one.config(WANTED, "allowed-paths: [/srv]\n")
    one.apply().ended(Exit.OK)
    assert one.host.read("/srv/more.conf") == "postmaster a@example.com\n"


# -- what moved ----


def test_a_file_that_changed_after_the_plan_was_saved(one: ProjectFolder) -> None:
    one.config(WANTED)
    path = one.save_plan()
    one.host.put(RUNS + "# by hand\n")
    refused(one, Exit.STALE, "/etc/pmta/config", "Plan again", commands=(("apply", path),))


def test_a_file_that_changes_between_plan_and_apply_of_one_run(one: ProjectFolder) -> None:
    """Someone edits the file while the operator reads the plan: compare and swap on the host finds it."""
    import pty

    one.config(WANTED)
    control, terminal = pty.openpty()
    with one.start("apply", stdin=terminal, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        screen = read_question(control).encode()
        one.host.put(RUNS + "# by hand\n")
        before = one.host.tree()
        os.write(control, b"yes\n")
        with contextlib.suppress(OSError):  # the other side was closed
            while more := os.read(control, 65536):
                screen += more
    os.close(control)
    assert process.returncode == Exit.STALE
    assert "/etc/pmta/config is not what it was when the change was planned" in " ".join(screen.decode().split())
    assert one.host.tree() == before
    assert one.state["hosts"] == {}
    assert "under-way" not in one.state


def test_an_included_file_that_appears_after_the_plan_was_saved(one: ProjectFolder) -> None:
    one.host.at("/etc/pmta/conf.d").mkdir()
    one.host.put(RUNS + "include /etc/pmta/conf.d/*.conf\n")
    one.config(WANTED)
    path = one.save_plan()
    one.host.put("host-name new.example.com\n", "/etc/pmta/conf.d/new.conf")
    refused(one, Exit.STALE, "/etc/pmta/conf.d/new.conf", commands=(("apply", path),))


def test_a_stack_that_changed_after_the_plan_was_saved(one: ProjectFolder) -> None:
    one.config(WANTED)
    path = one.save_plan()
    one.config("postmaster: b@example.com")
    refused(one, Exit.STALE, "The files of stack", "Plan again", commands=(("apply", path),))


def test_a_native_file_that_changed_after_the_plan_was_saved(one: ProjectFolder) -> None:
    one.add_file("files/more.conf", "postmaster a@example.com\n")
    one.stack("native: [files/more.conf]", activation="none")
    path = one.save_plan()
    one.add_file("files/more.conf", "postmaster b@example.com\n")
    refused(one, Exit.STALE, "Plan again", commands=(("apply", path),))


def test_a_secret_that_changed_after_the_plan_was_saved(one: ProjectFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMTAFORM_TEST_KEY", another().decode())
    one.config(WANTED, "dkim-keys:\n  example.com/s1: {private-key: env:PMTAFORM_TEST_KEY}\n")
    path = one.save_plan()
    monkeypatch.setenv("PMTAFORM_TEST_KEY", another().decode())
    refused(one, Exit.STALE, "secret", commands=(("apply", path),))


def test_a_state_that_moved_on_after_the_plan_was_saved(one: ProjectFolder) -> None:
    one.config(WANTED)
    path = one.save_plan()
    one.apply().ended(Exit.OK)
    one.host.put(RUNS)
    refused(one, Exit.STALE, "serial", commands=(("apply", path),))


def test_a_state_of_another_lineage(one: ProjectFolder) -> None:
    one.config(WANTED)
    one.apply().ended(Exit.OK)
    one.config("postmaster: b@example.com")
    path = one.save_plan()
    text = one.state_file.read_text()
    one.state_file.write_text(text.replace(one.state["lineage"], "00000000-0000-4000-8000-000000000000"))
    refused(one, Exit.STALE, "Plan made from another state", commands=(("apply", path),))


def test_a_plan_is_not_applied_twice(one: ProjectFolder) -> None:
    one.config(WANTED)
    path = one.save_plan()
    one.run("apply", path).ended(Exit.OK)
    refused(one, Exit.STALE, "serial", commands=(("apply", path),))


# -- plan files ----


def damage_by_cutting(text: str) -> str:
    return text[: len(text) // 2]


def damage_by_hand(text: str) -> str:
    return text.replace("a@example.com", "evil@example.com")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (damage_by_cutting, "not JSON"),
        (damage_by_hand, "checksum"),
        (lambda _: "", "empty"),
        (lambda _: "[]", "not a plan"),
        (lambda _: '{"kind": "pmtaform-run"}', "not a plan"),
        (lambda text: text.replace('"format": 3', '"format": 99', 1), "later"),
        (lambda _: "\x00\x1b]0;evil\x07", "JSON"),
    ],
    ids=["cut off", "edited", "empty", "a list", "another document", "a later format", "not text"],
)
def test_a_damaged_plan_file(one: ProjectFolder, damage: Callable[[str], str], told: str) -> None:
    one.config(WANTED)
    path = Path(one.save_plan())
    path.write_text(damage(path.read_text()))
    refused(one, Exit.ERROR, told, commands=(("apply", str(path)), ("show", str(path))))


def test_a_plan_file_that_is_not_text(one: ProjectFolder) -> None:
    one.config(WANTED)
    path = Path(one.save_plan())
    path.write_bytes(b"\xff\xfe\x00\x01")
    refused(one, Exit.ERROR, "UTF-8", commands=(("apply", str(path)), ("show", str(path))))


def test_a_plan_file_of_another_stack(one: ProjectFolder) -> None:
    """A plan names its stack: in a project that has no such stack it is refused."""
    one.config(WANTED)
    path = Path(one.save_plan())
    elsewhere = ProjectFolder(one.root.parent / "elsewhere")
    other = elsewhere.root / "stacks/other"
    other.mkdir(parents=True)
    (other / "stack.yaml").write_text("stack: other\n")
    result = elsewhere.run("apply", str(path)).ended(Exit.USAGE)
    assert "fleet" in result.words
    assert not list(elsewhere.root.glob("state/*.json"))


def test_a_plan_file_of_a_stack_of_the_same_name_in_another_project(one: ProjectFolder) -> None:
    one.config(WANTED)
    path = Path(one.save_plan())
    elsewhere = ProjectFolder(one.root.parent / "elsewhere")
    elsewhere.folder.mkdir(parents=True)
    elsewhere.add_host("mta1")
    elsewhere.config("postmaster: b@example.com")
    refused(elsewhere, Exit.STALE, "Plan made with another key", commands=(("apply", str(path)),))


def test_a_plan_file_that_is_not_there(one: ProjectFolder) -> None:
    one.config(WANTED)
    refused(one, Exit.USAGE, "plan --out", commands=(("show", str(one.root / "none.json")),))
    refused(one, Exit.USAGE, "none.json", commands=(("apply", str(one.root / "none.json")),))
    refused(one, Exit.USAGE, "plan --out", commands=(("show", str(one.root)),))


def test_a_plan_that_cannot_be_saved(one: ProjectFolder) -> None:
    one.config(WANTED)
    (one.root / "folder").mkdir()
    for path in ("/no/such/folder/plan.json", str(one.root / "folder")):
        refused(one, Exit.ERROR, "--out", commands=(("plan", "--out", path),))
    assert list((one.root / "folder").iterdir()) == []
    assert not [p for p in one.root.iterdir() if p.name.startswith(".")]


# -- the state ----


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"format": 1}', b"\xff\xfe", b'{"format": 99, "stack": "fleet"}'],
    ids=["empty", "cut off", "a list", "too little", "not text", "a later format"],
)
def test_a_damaged_state_file(one: ProjectFolder, content: bytes) -> None:
    one.config(WANTED)
    one.apply().ended(Exit.OK)
    one.config("postmaster: b@example.com")
    one.state_file.write_bytes(content)
    refused(one, Exit.ERROR, "state/fleet.json", commands=(*COMMANDS, ("state", "list"), ("drift",)))


def test_a_folder_where_the_state_file_should_be(one: ProjectFolder) -> None:
    one.config(WANTED)
    one.state_file.mkdir(parents=True)
    refused(one, Exit.ERROR, "state/fleet.json", commands=(*COMMANDS, ("state", "list")))


def test_a_file_where_the_state_folder_should_be(one: ProjectFolder) -> None:
    one.config(WANTED)
    (one.root / "state").write_text("")
    refused(one, Exit.ERROR, "state")


def test_a_state_key_that_others_may_read(one: ProjectFolder) -> None:
    one.config(WANTED)
    one.apply().ended(Exit.OK)
    one.config("postmaster: b@example.com")
    (one.root / "state/fleet.key").chmod(0o644)
    refused(one, Exit.ERROR, "chmod 600")


def test_a_state_key_that_is_damaged(one: ProjectFolder) -> None:
    one.config(WANTED)
    one.apply().ended(Exit.OK)
    one.config("postmaster: b@example.com")
    (one.root / "state/fleet.key").write_text("x")
    refused(one, Exit.ERROR, "state/fleet.key")


def test_a_state_that_is_locked(one: ProjectFolder) -> None:
    one.config(WANTED)
    lock = foreign_lock(one)
    before = one.host.tree()
    for command in (("apply", "--auto-approve"), ("rollback", "mta1", "--auto-approve")):
        result = one.run(*command).ended(Exit.LOCKED)
        assert "ben@elsewhere" in result.words
        assert "pmtaform unlock fleet" in result.words
    assert one.host.tree() == before
    assert lock.exists()
    one.plan().ended(Exit.OK)


def test_a_lock_that_cannot_be_read(one: ProjectFolder) -> None:
    one.config(WANTED)
    foreign_lock(one).write_text("{")
    assert "pmtaform unlock fleet" in one.apply().ended(Exit.LOCKED).words
    one.run("unlock").ended(Exit.OK)
    one.apply().ended(Exit.OK)


def test_a_host_that_is_locked(one: ProjectFolder) -> None:
    """Another operator's transaction holds the host: nothing is touched, and it says whose it is."""
    one.config(WANTED)
    stat = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    lock = one.host.at("/var/lib/pmtaform/lock")
    lock.parent.mkdir(parents=True)
    lock.parent.chmod(0o700)
    lines = [f"pid {os.getpid()}", f"start {stat[19]}", f"boot {boot}", "id other", "since 2026-11-23T18:00:00Z"]
    lock.write_text("\n".join([*lines, "who ben@elsewhere", "what apply", ""]))
    before = one.host.tree()
    assert "Change under way on the host" in one.plan().ended(Exit.LOCKED).words
    result = one.apply().ended(Exit.LOCKED)
    assert "ben@elsewhere" in result.words
    assert "pmtaform recover mta1" in result.words
    assert one.host.tree() == before
    assert "ben@elsewhere" in one.run("unlock", "--host", "mta1").ended(Exit.LOCKED).words
    lock.write_text(lock.read_text().replace(f"pid {os.getpid()}", "pid 4194305"))
    one.apply().ended(Exit.OK)


def test_a_state_that_cannot_be_written(project: ProjectFolder) -> None:
    """What is about to be done is noted first: where that cannot be, no host is touched."""
    if not is_root():
        pytest.skip("only root can mount a small disk")
    host = project.add_host("mta1")
    project.config(WANTED)
    with small_state(project, ballast=4096):
        result = project.apply().ended(Exit.SOME_FAILED)
        assert "no space left" in result.words
        assert "Not started: 1 host." in result.out
    assert host.read() == RUNS
    project.apply().ended(Exit.OK)
    assert project.state["hosts"]["mta1"]["blocks"].keys() == {"setting[postmaster]"}


def test_a_state_that_cannot_be_written_after_the_apply(
    project: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host has the change; the run reports that the state was not saved, and the next plan finds nothing to do."""
    if not is_root():
        pytest.skip("only root can mount a small disk")
    host = project.add_host("mta1")
    project.config(WANTED)
    real = StateKeeper.update_host

    def on_a_full_disk(self: StateKeeper, name: str, state: HostState) -> None:
        (project.root / "state/ballast").write_bytes(b"")
        with contextlib.suppress(OSError), (project.root / "state/ballast").open("wb", buffering=0) as ballast:
            while ballast.write(b"x" * 4096):
                pass
        real(self, name, state)

    with small_state(project, size="64k"):
        with monkeypatch.context() as patched:
            patched.setattr(StateKeeper, "update_host", on_a_full_disk)
            result = project.apply().ended(Exit.ERROR)
        assert "no space left" in result.words
        assert "mta1  applied (generation 1)" in result.out
        assert "reads from the hosts what was done" in result.words
        assert host.read() == RUNS + "postmaster a@example.com\n"
        (project.root / "state/ballast").unlink()
        again = project.apply().ended(Exit.OK)
        assert "mta1 applied the change (generation 1)" in again.words
        assert project.state["hosts"]["mta1"]["blocks"].keys() == {"setting[postmaster]"}


@contextlib.contextmanager
def small_state(project: ProjectFolder, *, size: str = "16k", ballast: int = 0) -> Iterator[None]:
    """The project's state folder on a disk that is nearly full."""
    project.plan().ended(Exit.OK)
    state = project.root / "state"
    key = (state / "fleet.key").read_bytes()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", state], check=True)
    try:
        (state / "fleet.key").write_bytes(key)
        (state / "fleet.key").chmod(0o600)
        (state / "ballast").write_bytes(b"x" * ballast)
        yield
    finally:
        subprocess.run(["umount", "-l", state], check=True)
