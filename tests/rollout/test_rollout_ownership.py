"""What is ours on a host stays known, whatever leads the host where it is: a rollback, a recovery, a run cut short."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from projects import ProjectFolder, addresses

from pmtaform.diagnostics import Exit
from pmtaform.diagnostics.codes.connections import CONNECTION_LOST
from pmtaform.errors import Unreachable
from pmtaform.rollout import changing

A, B = "postmaster: a@example.com", "http-log-requests: yes"
BOTH = {"setting[postmaster]", "setting[http-log-requests]"}
LOG = "log-file: /var/log/pmta/log"
FILE = "/etc/pmta/note.txt"


def ours(project: ProjectFolder, host: str = "mta1") -> set[str]:
    return set(project.state["hosts"][host]["blocks"])


def apply(project: ProjectFolder, *lines: str, body: str = "") -> None:
    project.config("\n".join(lines), body)
    project.apply("--allow", "many-deletions").ended(Exit.OK)


def back(project: ProjectFolder, *arguments: str) -> None:
    project.run("rollback", "mta1", "--auto-approve", *arguments).ended(Exit.OK)


def forget_state(project: ProjectFolder) -> None:
    """A checkout as every pipeline has it: no state and no key."""
    for path in (project.root / "state").iterdir():
        path.unlink()


# -- what is ours after a rollback ----


@pytest.mark.parametrize(
    ("steps", "to", "expected"),
    [
        pytest.param([(A,), (A, B)], None, {"setting[postmaster]"}, id="what-came-later-goes"),
        pytest.param(
            [(A, B), (A,)], None, {"setting[postmaster]", "setting[http-log-requests]"}, id="what-went-comes-back"
        ),
        pytest.param([(A,), (B,)], None, {"setting[postmaster]"}, id="one-for-the-other"),
        pytest.param([(A,), (A, B), (B,)], 2, {"setting[postmaster]"}, id="two-steps"),
        pytest.param([(A,), (A, B), (B,)], 3, BOTH, id="one-of-three"),
        pytest.param([(A,)], None, set(), id="before-the-first"),
        pytest.param([(LOG,), (LOG, A)], None, {"setting[log-file]"}, id="adopted-before-it-was-changed"),
        pytest.param([(A,), (A.replace("a@", "z@"),)], None, {"setting[postmaster]"}, id="another-value"),
    ],
)
@pytest.mark.parametrize("with_state", [True, False], ids=["state", "no-state"])
def test_a_rollback_keeps_what_is_ours(
    one: ProjectFolder, steps: list[tuple[str, ...]], to: int | None, expected: set[str], with_state: bool
) -> None:
    for lines in steps:
        apply(one, *lines)
    if not with_state:
        forget_state(one)
    back(one, *(("--to", str(to)) if to else ()))
    assert ours(one) == expected
    # The stack that was applied then is what is there.
    output = one.run("drift", "--detailed-exitcode").ended(Exit.OK)
    assert output.out.startswith("No drift.")


def test_what_came_back_and_is_no_longer_declared_is_deleted(one: ProjectFolder) -> None:
    apply(one, A, B)
    apply(one, A)
    back(one)
    assert "http-log-requests yes" in one.host.read()
    one.config(A)
    assert addresses(one.plan("--format", "json")) == {("delete", "setting[http-log-requests]")}
    one.apply().ended(Exit.OK)
    assert "http-log-requests" not in one.host.read()


def test_what_was_never_ours_is_left_alone_after_a_rollback(one: ProjectFolder) -> None:
    apply(one, A)
    apply(one, A, B)
    back(one)
    one.config(B)
    assert addresses(one.plan("--format", "json")) == {
        ("delete", "setting[postmaster]"),
        ("create", "setting[http-log-requests]"),
    }
    one.apply().ended(Exit.OK)
    assert "log-file" in one.host.read()


def test_drift_is_seen_after_a_rollback(one: ProjectFolder) -> None:
    apply(one, A)
    apply(one, A.replace("a@", "z@"))
    back(one)
    one.host.put(one.host.read().replace("a@", "hand@"))
    result = one.run("drift", "--detailed-exitcode").ended(Exit.CHANGES)
    assert "hand@example.com" in result.out


def test_what_older_generations_no_longer_tell_comes_back_as_ours(one: ProjectFolder) -> None:
    """The record of what was ours then is gone with its generation; our own runs delete nothing but what is ours."""
    few = "generations: 1\n"
    apply(one, A, B, body=few)
    apply(one, A, body=few)
    back(one)
    assert ours(one) == {"setting[postmaster]", "setting[http-log-requests]"}


def test_files_stay_ours(one: ProjectFolder) -> None:
    text = f"files: {{{FILE}: {{content: one}}}}\n"
    apply(one, A, body=text)
    apply(one, A, B, body=text.replace("one", "two"))
    back(one)
    assert one.state["hosts"]["mta1"]["keys"] == {f"file[{FILE}]": FILE}
    one.config(A)
    assert addresses(one.plan("--format", "json")) == {("delete", f"file[{FILE}]")}
    apply(one, A)
    assert not one.host.at(FILE).exists()
    back(one)
    assert one.host.read(FILE) == "one\n"
    assert one.state["hosts"]["mta1"]["keys"] == {f"file[{FILE}]": FILE}
    assert addresses(one.plan("--format", "json")) == {("delete", f"file[{FILE}]")}


def test_a_rollback_under_another_key_leaves_the_state_to_the_right_one(one: ProjectFolder) -> None:
    apply(one, A)
    apply(one, A, B)
    kept = one.state_file.read_bytes()
    key = one.root / "state/fleet.key"
    right = key.read_bytes()
    key.unlink()
    result = one.run("rollback", "mta1", "--auto-approve").ended(Exit.OK)
    assert "[state-key-changed]" in result.words
    assert one.state_file.read_bytes() == kept
    key.write_bytes(right)
    key.chmod(0o600)
    one.run("recover").ended(Exit.OK)
    assert ours(one) == {"setting[postmaster]"}


# -- recover, and runs that were cut ----


def test_recover_takes_the_hosts_record_over_where_there_is_no_state(one: ProjectFolder) -> None:
    apply(one, A, B)
    forget_state(one)
    result = one.run("recover").ended(Exit.OK)
    assert "Generation 1 of mta1 was made by" in result.words
    assert ours(one) == {"setting[postmaster]", "setting[http-log-requests]"}
    one.config(A)
    assert addresses(one.plan("--format", "json")) == {("delete", "setting[http-log-requests]")}
    assert one.run("recover").ended(Exit.OK).out.startswith("Nothing was left half done")


def test_a_hand_edit_stays_drift_when_the_record_is_taken_over(one: ProjectFolder) -> None:
    apply(one, A)
    one.host.put(one.host.read().replace("a@", "hand@"))
    forget_state(one)
    one.run("recover").ended(Exit.OK)
    result = one.run("drift", "--detailed-exitcode").ended(Exit.CHANGES)
    assert "hand@example.com" in result.out


def test_what_the_record_of_another_stack_says_is_not_taken_over(one: ProjectFolder) -> None:
    apply(one, A)
    forget_state(one)
    left = one.host.at("/var/lib/pmtaform/generations/000001/left")
    document: dict[str, Any] = json.loads(left.read_text())
    left.write_text(json.dumps({**document, "stack": "other"}))
    one.run("recover").ended(Exit.OK)
    assert not one.state_file.exists() or one.state["hosts"] == {}


def test_a_host_that_was_forgotten_is_known_again_by_recover(one: ProjectFolder, tmp_path: Path) -> None:
    apply(one, A, B)
    one.run("state", "forget", "mta1", "fleet").ended(Exit.OK)
    one.config(A)
    result = one.plan().ended(Exit.OK)
    assert "[applied-elsewhere]" in result.words
    assert (
        "setting[http-log-requests], which this stack does not declare: an apply leaves them unchanged" in result.words
    )
    one.run("recover").ended(Exit.OK)
    assert addresses(one.plan("--format", "json")) == {("delete", "setting[http-log-requests]")}


@pytest.fixture
def stand_in(project: ProjectFolder) -> ProjectFolder:
    """A host whose PowerMTA takes what it is given, and that needs no confirmation."""
    project.add_host("mta1").stand_in()
    project.stack(f"config: {{{A}}}\nconfirm-within: 0\n")
    return project


def test_a_run_that_was_cut_leaves_a_state_without_drift(
    stand_in: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> None:
        raise Unreachable.of(CONNECTION_LOST, host="mta1")

    monkeypatch.setattr(changing, "probe", lost)
    stand_in.apply().ended(Exit.UNREACHABLE)
    monkeypatch.undo()
    stand_in.run("recover").ended(Exit.OK)
    assert ours(stand_in) == {"setting[postmaster]"}
    stand_in.run("drift", "--detailed-exitcode").ended(Exit.OK)
    stand_in.host.put(stand_in.host.read().replace("a@", "hand@"))
    stand_in.run("drift", "--detailed-exitcode").ended(Exit.CHANGES)


def test_an_edit_before_a_cut_run_is_settled_stays_drift(
    stand_in: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> None:
        raise Unreachable.of(CONNECTION_LOST, host="mta1")

    monkeypatch.setattr(changing, "probe", lost)
    stand_in.apply().ended(Exit.UNREACHABLE)
    monkeypatch.undo()
    stand_in.host.put(stand_in.host.read().replace("a@", "hand@"))
    result = stand_in.run("drift", "--detailed-exitcode").ended(Exit.CHANGES)
    assert "hand@example.com" in result.out


def test_an_apply_that_ends_rolled_back_is_not_taken_for_another_states(stand_in: ProjectFolder) -> None:
    stand_in.apply().ended(Exit.OK)
    bad = "confirm-within: 0\nchecks: {ours: {command: [/bin/false]}}\n"
    stand_in.stack(f"config: {{{A}, {B}}}\n{bad}")
    stand_in.apply().ended(Exit.SOME_FAILED)
    assert ours(stand_in) == {"setting[postmaster]"}
    row = stand_in.run("hosts", "--format", "json").json()["hosts"][0]
    assert row["generation"] == row["last_apply"]["generation"] == 3
    stand_in.run("drift", "--detailed-exitcode").ended(Exit.OK)
    forget_state(stand_in)
    stand_in.run("recover").ended(Exit.OK)
    assert ours(stand_in) == {"setting[postmaster]"}, "the host's record is restored too"
