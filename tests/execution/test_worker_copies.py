"""The copies of stacks that a worker keeps: each answers only for the very files that were sent."""

from __future__ import annotations

import base64
import json
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmtaform import Project, load_stack
from pmtaform.errors import PmtaformError
from pmtaform.execution.sources import WorkerCopies, pack
from pmtaform.programs import VARIABLE
from pmtaform.stack.project_file import allowed_programs

STACK = "config: {domain: {a.example: {max-smtp-out: 5}}}\nhosts: {mta1: {}}\n"


@pytest.fixture
def copies() -> Iterator[WorkerCopies]:
    made = WorkerCopies()
    yield made
    made.clear()


def sent(root: Path, name: str = "fleet", text: str = STACK) -> tuple[str, str, str]:
    """A stack as a client sends it: its name, its digest and its sources."""
    folder = root / "stacks" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stack.yaml").write_text(text)
    stack = load_stack(folder)
    return name, stack.digest, pack(Project(root), stack)


def test_a_stack_is_read_once(copies: WorkerCopies, tmp_path: Path) -> None:
    with copies.stack(*sent(tmp_path)) as first, copies.stack(*sent(tmp_path)) as second:
        assert first == second


def test_a_copy_stays_while_a_task_works_with_it(copies: WorkerCopies, tmp_path: Path) -> None:
    with copies.stack(*sent(tmp_path)) as (root, _):
        for number in range(6):
            with copies.stack(*sent(tmp_path, f"other{number}")):
                assert root.exists()
    with copies.stack(*sent(tmp_path, "last")) as (last, _):
        assert not root.exists()
        assert last.exists()


def test_a_program_that_is_no_longer_allowed_is_not_allowed_by_an_earlier_copy(
    copies: WorkerCopies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)

    def programs() -> frozenset[str]:
        with copies.stack(*sent(tmp_path)) as (_, stack):
            return allowed_programs(stack.folder).names

    (tmp_path / "pmtaform.yaml").write_text("allow-commands: [vault]\n")
    assert programs() == {"vault"}
    (tmp_path / "pmtaform.yaml").write_text("allow-commands: []\n")
    assert programs() == frozenset()


def test_a_copied_stack_is_another_one(copies: WorkerCopies, tmp_path: Path) -> None:
    names = ("fleet", "copy")
    with copies.stack(*sent(tmp_path, names[0])) as (_, one), copies.stack(*sent(tmp_path, names[1])) as (_, other):
        assert [one.name, other.name] == list(names)


def test_other_files_than_those_of_the_digest_are_refused(copies: WorkerCopies, tmp_path: Path) -> None:
    name, digest, _ = sent(tmp_path)
    _, _, others = sent(tmp_path, text=STACK.replace("5", "50"))
    with pytest.raises(PmtaformError, match="did not arrive"):
        copies.stack(name, digest, others).__enter__()


@pytest.mark.parametrize("path", ["../outside", "/tmp/outside", "stacks/../../outside"])
def test_no_file_is_written_outside_of_the_copy(copies: WorkerCopies, tmp_path: Path, path: str) -> None:
    text = json.dumps({path: base64.b64encode(b"x").decode()}).encode()
    with pytest.raises(PmtaformError, match="outside of the project"):
        copies.stack("fleet", "", base64.b64encode(zlib.compress(text)).decode()).__enter__()


def test_a_copy_is_for_its_user_alone_and_is_removed(copies: WorkerCopies, tmp_path: Path) -> None:
    with copies.stack(*sent(tmp_path)) as (root, _):
        assert stat.S_IMODE(root.stat().st_mode) == 0o700
    copies.clear()
    assert not root.exists()
