"""In which file of a host a new block is put, and whether PowerMTA reads that file."""

from __future__ import annotations

import pytest
from projects import RUNS, ProjectFolder

from pmtaform.diagnostics import Exit

OWN = "/etc/pmta/conf.d/own.conf"
NATIVE = f"native: [{{file: files/own.conf, path: {OWN}}}]\n"
LINE = "postmaster a@example.com\n"


@pytest.fixture
def apart(one: ProjectFolder) -> ProjectFolder:
    """A stack whose blocks belong in a separate file."""
    one.add_file("files/own.conf", LINE)
    one.stack(NATIVE, activation="none")
    return one


def test_a_file_that_nothing_includes_would_have_no_effect_and_is_not_made(apart: ProjectFolder) -> None:
    assert "File of the stack not included" in apart.plan().ended(Exit.OK).words
    result = apart.apply().ended(Exit.BLOCKED)
    assert f"config: {{include: [{OWN}]}}" in result.words
    assert apart.host.contents() == {"/etc/pmta/config": RUNS}


@pytest.mark.parametrize("include", [OWN, "/etc/pmta/conf.d/*.conf", "/etc/pmta/*/own.conf", f'"{OWN}"'])
def test_a_file_that_the_host_includes_already(apart: ProjectFolder, include: str) -> None:
    apart.host.put(f"{RUNS}include {include}\n")
    apart.apply().ended(Exit.OK)
    assert apart.host.contents() == {"/etc/pmta/config": f"{RUNS}include {include}\n", OWN: LINE}
    apart.settled()


@pytest.mark.parametrize("include", ["/etc/pmta/*.conf", "/etc/pmta/conf.d/*.cf", "/etc/*", "/etc/pmta/conf.d"])
def test_an_include_that_does_not_take_it_in(apart: ProjectFolder, include: str) -> None:
    apart.host.put(f"{RUNS}include {include}\n")
    before = apart.host.tree()
    assert apart.apply().code != Exit.OK
    assert apart.host.tree() == before


def test_an_include_inside_of_a_section_is_another_thing(apart: ProjectFolder) -> None:
    apart.host.put(f"{RUNS}<domain gmail.com>\n  include {OWN}\n</domain>\n")
    before = apart.host.tree()
    assert "misplaced-directive" in apart.apply().ended(Exit.INVALID).err  # it would be read inside of the section
    assert "file-not-included" in apart.apply("--allow", "misplaced-directive").ended(Exit.BLOCKED).err
    assert apart.host.tree() == before


def test_a_file_and_its_include_in_one_apply(apart: ProjectFolder) -> None:
    apart.stack(NATIVE + f"config: {{include: [{OWN}]}}\n", activation="none")
    apart.apply().ended(Exit.OK)
    assert apart.host.contents() == {"/etc/pmta/config": f"{RUNS}include {OWN}\n", OWN: LINE}
    apart.settled()
    apart.run("rollback", "mta1", "--auto-approve").ended(Exit.OK)
    assert apart.host.contents() == {"/etc/pmta/config": RUNS}


def test_a_file_that_is_there_and_not_read_is_not_written_over(apart: ProjectFolder) -> None:
    apart.host.put("# someone's notes\n", OWN)
    apart.stack(NATIVE + f"config: {{include: [{OWN}]}}\n", activation="none")
    result = apart.apply().ended(Exit.BLOCKED)
    assert "Existing file not included" in result.words
    assert apart.host.read(OWN) == "# someone's notes\n"
    apart.host.at(OWN).unlink()
    apart.apply().ended(Exit.OK)
    apart.settled()


def test_an_include_that_someone_takes_out_is_drift_and_not_no_change(apart: ProjectFolder) -> None:
    apart.host.put(f"{RUNS}include {OWN}\n")
    apart.apply().ended(Exit.OK)
    apart.host.put(RUNS)
    assert not apart.plan().out.startswith("No changes")
    assert "Existing file not included" in apart.apply().ended(Exit.BLOCKED).words
