"""What only one kind of provider can do wrong."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import keyring.backends.fail
import keyring.backends.null
import pytest
from keyring.backend import KeyringBackend
from keyring_backends import BrokenKeyring, HangingKeyring, LockedKeyring, MemoryKeyring

from pmtaform.programs import ANY_PROGRAM
from pmtaform.secrets import Unresolved
from pmtaform.secrets.command import CommandSecrets
from pmtaform.secrets.file import FileSecrets
from pmtaform.secrets.keyring import KeyringSecrets

UseKeyring = Callable[[KeyringBackend], None]


def python(program: str, *arguments: str) -> str:
    return shlex.join([sys.executable, "-c", program, *arguments])


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620, 0o666, 0o602])
def test_a_file_that_others_may_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    path.write_text("canary")
    path.chmod(mode)
    with pytest.raises(Unresolved) as caught:
        FileSecrets(tmp_path).fetch("key", deadline=20)
    assert f"{mode:04o}" in caught.value.why
    assert caught.value.fix == f"Run: chmod 600 {path}."


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_private_file_is_read(tmp_path: Path, mode: int) -> None:
    (tmp_path / "key").write_text("v")
    (tmp_path / "key").chmod(mode)
    assert FileSecrets(tmp_path).fetch("key", deadline=20) == b"v"


def test_a_symbolic_link_counts_by_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("v")
    (tmp_path / "key").chmod(0o644)
    (tmp_path / "link").symlink_to("key")
    with pytest.raises(Unresolved, match="0644"):
        FileSecrets(tmp_path).fetch("link", deadline=20)


def test_a_named_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(Unresolved, match="not a regular file"):
        FileSecrets(tmp_path).fetch("pipe", deadline=20)


def test_a_folder_and_a_huge_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unresolved, match="not a regular file"):
        FileSecrets(tmp_path).fetch(".", deadline=20)
    with (tmp_path / "huge").open("wb") as file:
        file.truncate((1 << 20) + 1)
    (tmp_path / "huge").chmod(0o600)
    with pytest.raises(Unresolved, match="larger than 1 MiB"):
        FileSecrets(tmp_path).fetch("huge", deadline=20)


def test_paths_are_relative_to_the_stack_or_to_home_or_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    provider = FileSecrets(tmp_path / "stack")
    assert provider.path("keys/a") == tmp_path / "stack/keys/a"
    assert provider.path("~/a") == tmp_path / "home/a"
    assert provider.path("/a") == Path("/a")


def test_a_command_that_fails_says_its_code_and_nothing_that_it_printed(tmp_path: Path) -> None:
    program = python("import sys; print('can'+'ary'); print('can'+'ary', file=sys.stderr); sys.exit(3)")
    with pytest.raises(Unresolved, match="exit code 3") as caught:
        CommandSecrets(tmp_path, ANY_PROGRAM).fetch(program, deadline=20)
    assert "canary" not in str(caught.value)
    assert "by hand" in caught.value.fix


def test_a_command_that_is_killed_says_so(tmp_path: Path) -> None:
    with pytest.raises(Unresolved, match="signal 9"):
        CommandSecrets(tmp_path, ANY_PROGRAM).fetch(python("import os; os.kill(os.getpid(), 9)"), deadline=20)


def test_a_command_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    """The child holds the other end of a pipe: that the pipe ends shows that the child is gone."""
    os.mkfifo(tmp_path / "alive")
    reader = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    program = (
        "import os, signal; f = os.open('alive', os.O_WRONLY); os.set_inheritable(f, True)\n"
        "os.fork(); os.write(f, b'x'); signal.pause()"
    )
    begun = time.monotonic()
    with pytest.raises(Unresolved, match=r"did not end within 0\.5 s"):
        CommandSecrets(tmp_path, ANY_PROGRAM).fetch(python(program), deadline=0.5)
    assert time.monotonic() - begun < 15
    os.set_blocking(reader, True)
    while os.read(reader, 100):
        pass
    os.close(reader)


def test_a_command_that_never_stops_printing_is_stopped(tmp_path: Path) -> None:
    program = python("import os\nwhile True: os.write(1, b'y' * 65536)")
    with pytest.raises(Unresolved, match="more than 1 MiB"):
        CommandSecrets(tmp_path, ANY_PROGRAM).fetch(program, deadline=20)


def test_a_command_has_no_input_no_terminal_and_no_shell(tmp_path: Path) -> None:
    program = "import os, sys; print(repr((sys.stdin.read(), os.getsid(0) == os.getpid(), sys.argv[1:])), end='')"
    words = ["$(touch x)", ";", "`id`", "a'b", "*"]
    output = CommandSecrets(tmp_path, ANY_PROGRAM).fetch(python(program, *words), deadline=20)
    assert output.decode() == repr(("", True, words))
    assert not (tmp_path / "x").exists()


def test_a_program_is_looked_for_from_the_stacks_folder(tmp_path: Path) -> None:
    script = tmp_path / "give"
    script.write_text("#!/bin/sh\npwd\n")
    script.chmod(0o700)
    assert CommandSecrets(tmp_path, ANY_PROGRAM).fetch("./give", deadline=20).decode().strip() == str(
        tmp_path.resolve()
    )


def test_a_program_that_is_not_there_or_not_runnable(tmp_path: Path) -> None:
    with pytest.raises(Unresolved, match="no-such-program is not on this machine"):
        CommandSecrets(tmp_path, ANY_PROGRAM).fetch("no-such-program x", deadline=20)
    (tmp_path / "plain").write_text("x")
    with pytest.raises(Unresolved, match="could not be run: permission denied"):
        CommandSecrets(tmp_path, ANY_PROGRAM).fetch("./plain", deadline=20)
    with pytest.raises(Unresolved, match=r"the folder .* is not there"):
        CommandSecrets(tmp_path / "gone", ANY_PROGRAM).fetch("true", deadline=20)


def test_a_machine_without_a_keyring_says_so(use_keyring: UseKeyring) -> None:
    use_keyring(keyring.backends.fail.Keyring())
    with pytest.raises(Unresolved, match="this machine has no keyring"):
        KeyringSecrets().fetch("x", deadline=20)


def test_a_keyring_that_is_switched_off_is_not_an_empty_one(use_keyring: UseKeyring) -> None:
    use_keyring(keyring.backends.null.Keyring())
    with pytest.raises(Unresolved, match="switched off"):
        KeyringSecrets().fetch("x", deadline=20)


def test_a_locked_keyring_does_not_hang_and_is_asked_once(use_keyring: UseKeyring) -> None:
    backend = HangingKeyring()
    use_keyring(backend)
    provider = KeyringSecrets()
    try:
        for name in ["a", "b", "c"]:
            with pytest.raises(Unresolved, match=r"did not answer within 0.05 s; it may be locked"):
                provider.fetch(name, deadline=0.05)
        assert backend.asked == 1
    finally:
        backend.let_go.set()


@pytest.mark.parametrize(
    ("backend", "says"), [(LockedKeyring(), "it is locked"), (BrokenKeyring(), "failed with RuntimeError")]
)
def test_a_backends_own_words_are_not_repeated(use_keyring: UseKeyring, backend: MemoryKeyring, says: str) -> None:
    use_keyring(backend)
    with pytest.raises(Unresolved, match=says) as caught:
        KeyringSecrets().fetch("x", deadline=20)
    assert "canary" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_value_that_is_not_text_is_not_stored(use_keyring: UseKeyring) -> None:
    use_keyring(MemoryKeyring())
    with pytest.raises(Unresolved, match="not UTF-8"):
        KeyringSecrets().store("x", b"\xff", deadline=20)


def test_keyring_and_subprocess_are_not_imported_before_they_are_needed() -> None:
    program = (
        "import sys, pmtaform.secrets\n"
        "assert not {'keyring', 'subprocess'} & set(sys.modules), sorted(sys.modules)\n"
        "from pathlib import Path\n"
        "from pmtaform.secrets import Resolver, parse_reference\n"
        "import os; os.environ['X'] = 'v'\n"
        "Resolver(Path()).resolve(parse_reference('env:X'))\n"
        "assert 'keyring' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_file_is_written_closed_whole_and_where_its_folder_was_missing(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        FileSecrets(tmp_path).store("deep/er/key", b"v", deadline=20)
    finally:
        os.umask(before)
    modes = {str(p.relative_to(tmp_path)): stat.S_IMODE(p.stat().st_mode) for p in tmp_path.rglob("*")}
    assert modes == {"deep": 0o700, "deep/er": 0o700, "deep/er/key": 0o600}


def test_writing_closes_a_file_that_was_open_to_others(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("old")
    (tmp_path / "key").chmod(0o644)
    FileSecrets(tmp_path).store("key", b"new", deadline=20)
    assert FileSecrets(tmp_path).fetch("key", deadline=20) == b"new"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = FileSecrets(tmp_path)
    provider.store("key", b"old", deadline=20)

    def full(_: int) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Unresolved, match="no space left") as caught:
        provider.store("key", b"canary", deadline=20)
    monkeypatch.undo()
    assert "canary" not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["key"]
    assert provider.fetch("key", deadline=20) == b"old"


def test_a_link_stays_one_when_it_is_written_through_and_alone_goes_when_it_is_removed(tmp_path: Path) -> None:
    provider = FileSecrets(tmp_path)
    provider.store("real", b"old", deadline=20)
    (tmp_path / "link").symlink_to("real")
    provider.store("link", b"new", deadline=20)
    assert (tmp_path / "link").is_symlink()
    assert provider.fetch("real", deadline=20) == b"new"
    assert provider.remove("link", deadline=20)
    assert provider.fetch("real", deadline=20) == b"new"


@pytest.mark.parametrize("name", [".", "pipe", "a\0b", "file/below"])
def test_what_is_no_file_is_neither_written_nor_removed(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_text("x")
    with pytest.raises(Unresolved):
        FileSecrets(tmp_path).store(name, b"v", deadline=20)
    if name in (".", "pipe"):
        with pytest.raises(Unresolved):
            FileSecrets(tmp_path).remove(name, deadline=20)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "pipe"]
