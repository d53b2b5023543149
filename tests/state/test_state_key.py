"""The stack's key: one, private, and of no help to who sees what is made with it."""

from __future__ import annotations

import copy
import pickle
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pmtaform.errors import PmtaformError, SecretUnavailable
from pmtaform.state import StackKey
from pmtaform.state.key_file import open_key


def test_it_is_made_once_for_its_owner_only_and_kept_out_of_git(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    first = open_key(folder, "demo")
    assert open_key(folder, "demo").id == first.id
    assert (folder / "demo.key").stat().st_mode & 0o777 == 0o600
    assert "*.key" in (folder / ".gitignore").read_text()
    assert not list(folder.glob(".*.tmp"))


def test_a_gitignore_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    open_key(tmp_path, "demo")
    assert (tmp_path / ".gitignore").read_text() == "mine\n"


def test_all_who_ask_at_once_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        ids = {key.id for key in pool.map(lambda _: open_key(tmp_path, "demo"), range(64))}
    assert len(ids) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610, 0o666])
def test_one_that_others_can_reach_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    open_key(tmp_path, "demo")
    path = tmp_path / "demo.key"
    path.chmod(mode)
    with pytest.raises(SecretUnavailable, match=f"chmod 600 {path}"):
        open_key(tmp_path, "demo")


@pytest.mark.parametrize("content", ["", "canary", "ab" * 31, "ab" * 33, "AB" * 32, "ab" * 32 + "\n\n"])
def test_a_damaged_one_is_refused_and_not_replaced(tmp_path: Path, content: str) -> None:
    path = tmp_path / "demo.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(SecretUnavailable) as caught:
        open_key(tmp_path, "demo")
    assert path.read_text() == content
    assert "canary" not in str(caught.value)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo.key").mkdir()
    with pytest.raises(SecretUnavailable, match="not a regular file"):
        open_key(tmp_path, "demo")


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    with pytest.raises(PmtaformError):
        open_key(tmp_path / "state", "demo")


def test_seals_and_digests_are_stable_and_apart() -> None:
    key, other = StackKey(bytes(32)), StackKey(bytes(31) + b"1")
    made = [key.seal_for(host)(content) for host in ("mta1", "mta2") for content in ("ab" * 32, "cd" * 32)]
    made += [
        key.id,
        "ab" * 32,
        other.seal_for("mta1")("ab" * 32),
        key.digest(b"x"),
        key.digest(b"y"),
        other.digest(b"x"),
    ]
    assert len(set(made)) == len(made)
    same = StackKey(bytes(32))
    assert [same.seal_for("mta1")("ab" * 32), same.digest(b"x")] == [made[0], key.digest(b"x")]
    assert len(made[0]) == 64
    assert len(key.digest(b"x")) == 64
    assert StackKey.ephemeral().id != StackKey.ephemeral().id


def test_it_cannot_get_out_by_accident() -> None:
    secret = b"canary-canary-canary-canary-cana"
    key = StackKey(secret)
    assert "canary" not in f"{key} {key!r} {[key]}"
    assert secret.hex() not in repr(key)
    for leak in (pickle.dumps, copy.copy, copy.deepcopy, vars):
        with pytest.raises(TypeError):
            leak(key)  # type: ignore[operator]


def test_a_wrong_size_is_refused_without_showing_it() -> None:
    with pytest.raises(ValueError, match="32 bytes") as caught:
        StackKey(b"canary")
    assert "canary" not in "".join(traceback.format_exception_only(caught.value))
