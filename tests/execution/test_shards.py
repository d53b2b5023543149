"""Shards: each host in exactly one, and a new host moves no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from projects import ProjectFolder

from pmtaform.api import Project, resumable
from pmtaform.diagnostics import Exit
from pmtaform.errors import UsageError
from pmtaform.model.choice import Choice
from pmtaform.model.shard import Shard

NAMES = st.lists(st.text(min_size=1, max_size=12), unique=True, max_size=30)
COUNTS = st.integers(1, 12)
SIX = [f"mta{number}" for number in range(1, 7)]


@given(NAMES, COUNTS)
def test_each_host_is_in_exactly_one_shard(names: list[str], count: int) -> None:
    parts = [Shard(number, count).of(names) for number in range(1, count + 1)]
    assert sorted(name for part in parts for name in part) == sorted(names)


@given(NAMES, COUNTS, st.text(min_size=1))
def test_a_new_host_moves_no_other(names: list[str], count: int, new: str) -> None:
    for number in range(1, count + 1):
        shard = Shard(number, count)
        assert [name for name in shard.of([*names, new]) if name != new] == [n for n in shard.of(names) if n != new]


def test_shards_are_of_about_the_same_size() -> None:
    names = [f"mta{number}.example.com" for number in range(4000)]
    assert all(900 < len(Shard(number, 4).of(names)) < 1100 for number in range(1, 5))


@given(COUNTS, st.data())
def test_a_choice_is_read_back_as_it_was_written(count: int, data: st.DataObject) -> None:
    choice = Choice(hosts=("a*",), excludes=("x",), shard=Shard(data.draw(st.integers(1, count)), count))
    assert Choice.of_patterns(json.loads(json.dumps(choice.patterns))) == choice
    assert Choice.of_patterns(Choice().patterns) == Choice()


@pytest.mark.parametrize("text", ["", "1", "0/3", "4/3", "1/0", "-1/3", "1/3/5", "a/b", "1 /3", "١/٣", "1/100000"])
def test_what_is_no_shard_is_rejected_with_the_form(text: str) -> None:
    with pytest.raises(UsageError) as wrong:
        Shard.parse(text)
    assert "parts are" in (detail := wrong.value.diagnostics[0].detail) or "--shard 2/4" in detail


@pytest.fixture
def six(tmp_path: Path) -> ProjectFolder:
    project = ProjectFolder(tmp_path)
    for name in SIX:
        project.add_host(name)
    project.config("postmaster: a@example.com")
    return project


def of_shard(text: str) -> list[str]:
    return Shard.parse(text).of(SIX)


def test_the_shards_of_a_stack_are_all_of_it(six: ProjectFolder) -> None:
    planned = [
        [host["host"] for host in six.plan("--shard", f"{number}/3", "--format", "json").json()["hosts"]]
        for number in (1, 2, 3)
    ]
    assert planned == [of_shard(f"{number}/3") for number in (1, 2, 3)]
    assert sorted(name for part in planned for name in part) == SIX


def test_an_apply_changes_its_shard_and_loses_no_state(six: ProjectFolder) -> None:
    six.apply("--shard", "1/2").ended(Exit.OK)
    assert list(six.state["hosts"]) == of_shard("1/2")
    result = six.apply("--shard", "2/2").ended(Exit.OK)
    assert "Shard 2/2 has" in result.words
    assert sorted(six.state["hosts"]) == SIX
    six.settled()


def test_an_empty_shard_says_so_and_does_nothing(six: ProjectFolder) -> None:
    part = next(f"{number}/50" for number in range(1, 51) if not of_shard(f"{number}/50"))
    for command in ("plan", "apply", "drift", "hosts", "lint"):
        words = six.run(command, "fleet", "--shard", part).ended(Exit.OK).words
        assert f"Shard {part} has none of 6 hosts" in words, command
    assert "has none of 6 hosts" in six.run("recover", "--shard", part).ended(Exit.OK).words
    assert not six.state_file.exists()


@pytest.mark.parametrize("command", ["plan", "apply", "drift", "hosts", "lint"])
def test_a_wrong_shard_is_a_usage_error(six: ProjectFolder, command: str) -> None:
    assert "The parts are from 1/2 to 2/2" in six.run(command, "fleet", "--shard", "3/2").ended(Exit.USAGE).words


def test_a_saved_plan_keeps_its_shard(six: ProjectFolder) -> None:
    six.run("apply", six.save_plan("--shard", "2/3")).ended(Exit.OK)
    assert list(six.state["hosts"]) == of_shard("2/3")
    assert "--shard" in six.run("apply", six.save_plan("--shard", "1/3"), "--shard", "1/3").ended(Exit.USAGE).words


def test_a_resumed_run_keeps_its_shard(six: ProjectFolder) -> None:
    six.apply("--shard", "1/3").ended(Exit.OK)
    run = json.loads((six.root / "state/fleet.journal").read_text().splitlines()[0])["run"]
    assert resumable(Project.find(six.root), "fleet", run).choice == Choice(shard=Shard(1, 3))


def test_a_target_may_be_on_a_host_of_another_shard(six: ProjectFolder) -> None:
    six.stack(hosts={n: {"activation": "none", "config": {"domain": {f"{n}.org": {"max-smtp-out": 2}}}} for n in SIX})
    elsewhere = next(name for name in SIX if name not in of_shard("1/2"))
    six.plan("--shard", "1/2", "--target", f"domain[{elsewhere}.org]").ended(Exit.OK)
    six.plan("--shard", "1/2", "--target", "domain[nowhere.org]").ended(Exit.USAGE)


def test_a_rotated_key_is_not_divided(six: ProjectFolder) -> None:
    key = "{private-key: 'file:keys/${selector}.pem', path: '/etc/pmta/${selector}.pem', rotation: {every: 90d}}"
    six.config("postmaster: a@example.com", f"dkim-keys: {{example.com/s: {key}}}")
    six.folder.joinpath("keys").mkdir()
    assert "plan without --shard" in six.plan("--shard", "1/2").ended(Exit.USAGE).words
    six.run("hosts", "fleet", "--shard", "1/2").ended(Exit.OK)
