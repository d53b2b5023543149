"""The question before a change: who answers it, and what is no answer."""

from __future__ import annotations

import subprocess

import pytest
from projects import PROGRAM, ProjectFolder
from terminal import QUESTION, talk

from pmtaform.diagnostics import Exit


@pytest.mark.parametrize("ahead", ["yes\n", "yes\nyes\n", "\nyes\n", "ye"])
@pytest.mark.parametrize("answer", ["no\n", "s\n"])
def test_what_was_typed_before_the_question_is_no_consent(one: ProjectFolder, ahead: str, answer: str) -> None:
    one.config("postmaster: a@example.com")
    before = one.host.tree()
    done = talk(one.root, ["apply"], {QUESTION: answer}, ahead=ahead)
    assert (done.code, "Nothing was changed." in done.seen) == (Exit.ERROR, True), done.seen
    assert one.host.tree() == before


def test_a_yes_after_the_question_is_taken_whatever_was_typed_before(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    answer = talk(one.root, ["apply"], {QUESTION: "yes\n"}, ahead="no\n")
    assert answer.code == Exit.OK, answer.seen
    assert "postmaster a@example.com" in one.host.read()


@pytest.mark.parametrize(
    ("command", "needs"), [(["apply"], "--auto-approve"), (["secrets", "delete", "file:app"], "--auto-approve")]
)
def test_a_pipe_is_no_one_to_ask(one: ProjectFolder, command: list[str], needs: str) -> None:
    one.config("postmaster: a@example.com")
    one.add_file("app", "value")
    before = one.host.tree()
    process = subprocess.run([*PROGRAM, *command], cwd=one.root, input=b"yes\n", capture_output=True)
    assert process.returncode == Exit.USAGE
    assert needs in process.stderr.decode()
    assert one.host.tree() == before
    assert (one.folder / "app").exists()
