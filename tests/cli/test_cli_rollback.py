"""`pmtaform rollback` shows what it undoes, and asks."""

from __future__ import annotations

import pytest
from projects import ProjectFolder

from pmtaform.diagnostics import Exit


@pytest.fixture
def twice(one: ProjectFolder) -> ProjectFolder:
    """A host that was applied to two times."""
    for name in ("a", "b"):
        one.config(f"postmaster: {name}@example.com")
        one.apply().ended(Exit.OK)
    return one


def test_without_a_terminal_nothing_is_restored_that_no_one_approved(twice: ProjectFolder) -> None:
    before = twice.host.tree()
    result = twice.run("rollback", "mta1").ended(Exit.USAGE)
    assert "--auto-approve" in result.words
    assert twice.host.tree() == before


def test_it_shows_what_it_undoes(twice: ProjectFolder) -> None:
    result = twice.run("rollback", "mta1", "--to", "1", "--auto-approve").ended(Exit.OK)
    undone, _, _ = result.out.partition("applied (generation 3)")
    assert "This undoes on mta1:" in undone
    assert "    1  " in undone
    assert "    2  " in undone
    assert "/etc/pmta/config" in undone
    assert "postmaster" not in twice.host.read()


def test_an_unknown_generation_is_refused_with_those_that_are_kept(twice: ProjectFolder) -> None:
    result = twice.run("rollback", "mta1", "--to", "9", "--auto-approve").ended(Exit.USAGE)
    assert "it keeps: 1, 2" in result.words
