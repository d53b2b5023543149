"""`pmtaform diff`: files, folders, hosts and revisions, compared as PowerMTA would see them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from projects import RUNS, ProjectFolder

from pmtaform.diagnostics import Exit


def git(project: ProjectFolder, *words: str) -> None:
    name = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(project.root), *name, *words], check=True, capture_output=True)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.conf").write_text("run-as-root no\n<domain x.example>\n    max-smtp-out 5\n</domain>\n")
    return tmp_path


SAME = {
    "layout and comments": "# c\n\n<domain x.example>\nmax-smtp-out 5 # five\n</domain>\nrun-as-root no\n",
    "spelling": "run-as-root false\n<domain X.EXAMPLE>\nmax-smtp-out   5\n</domain>\n",
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_what_is_no_difference(project: ProjectFolder, files: Path, text: str) -> None:
    (files / "b.conf").write_text(text)
    result = project.run("diff", "a.conf", "b.conf", "--detailed-exitcode").ended(Exit.OK)
    assert result.out == "a.conf -> b.conf: no difference to PowerMTA.\n"


def test_how_a_configuration_is_cut_into_files_is_no_difference(project: ProjectFolder, files: Path) -> None:
    home = files / "pmta"
    home.mkdir()
    (home / "config").write_text("include /etc/pmta/*.inc\n<domain x.example>\ninclude /etc/pmta/d.conf\n</domain>\n")
    (home / "one.inc").write_text("run-as-root no\n")
    (home / "d.conf").write_text("max-smtp-out 5\n")
    project.run("diff", "a.conf", "pmta", "--detailed-exitcode").ended(Exit.OK)
    (home / "d.conf").write_text("\nmax-smtp-out 6\n")
    result = project.run("diff", "a.conf", "pmta", "--detailed-exitcode").ended(Exit.CHANGES)
    assert "~ max-smtp-out  5 -> 6" in result.out


URL = "include https://x.example/c"
UNSURE = {
    "http-access": ("http-access 10/8 admin\n{}\n", "{}\nhttp-access 10/8 admin\n"),
    "two addresses in either order": ("{}\n{}2\n", "{}2\n{}\n"),
    "keys": ("domain-key a,b.example,/k\n{}\n", "{}\ndomain-key a,b.example,/k\n"),
    "a section that may come again": ("<domain *>\n</domain>\n{}\n", "{}\n<domain *>\n</domain>\n"),
    "inside a section": (
        "<source 10/8>\nremove-header a\n{}\n</source>\n",
        "<source 10/8>\n{}\nremove-header a\n</source>\n",
    ),
}


@pytest.mark.parametrize(("left", "right"), UNSURE.values(), ids=UNSURE)
def test_what_cannot_be_told(project: ProjectFolder, files: Path, left: str, right: str) -> None:
    (files / "a.conf").write_text(left.replace("{}", URL))
    (files / "b.conf").write_text(right.replace("{}", URL))
    for words in ([], ["--detailed-exitcode"]):
        result = project.run("diff", "a.conf", "b.conf", "--effective", *words).ended(Exit.ERROR)
        assert result.out.startswith("a.conf -> b.conf: whether they differ to PowerMTA is not known.\n")
        assert "no difference" not in result.out
        assert result.out.endswith("Whether it changes a queue or a virtual MTA is not known.\n")
    result = project.run("diff", "a.conf", "b.conf", "--format", "json").ended(Exit.ERROR)
    document = result.json()["comparisons"][0]
    assert document["differ"] is None
    assert document["unseen_includes_moved"]


SURE = {
    "the same place": ("http-access 10/8 admin\n{}\n", "# c\nhttp-access 10.0.0.0/8 admin\n\n{}\n"),
    "what is above it is in another order": (
        "log-file /l\nrun-as-root no\n{}\n",
        "run-as-root no\nlog-file /l\n{}\n",
    ),
}


@pytest.mark.parametrize(("left", "right"), SURE.values(), ids=SURE)
def test_an_include_that_no_one_has_seen_in_the_same_place(
    project: ProjectFolder, files: Path, left: str, right: str
) -> None:
    (files / "a.conf").write_text(left.replace("{}", URL))
    (files / "b.conf").write_text(right.replace("{}", URL))
    result = project.run("diff", "a.conf", "b.conf", "--detailed-exitcode").ended(Exit.OK)
    assert result.out == "a.conf -> b.conf: no difference to PowerMTA.\n"


def test_a_difference_beside_an_include_that_moved_is_one(project: ProjectFolder, files: Path) -> None:
    (files / "a.conf").write_text(f"http-access 10/8 admin\n{URL}\nlog-file /a\n")
    (files / "b.conf").write_text(f"{URL}\nhttp-access 10/8 admin\nlog-file /b\n")
    result = project.run("diff", "a.conf", "b.conf", "--detailed-exitcode").ended(Exit.CHANGES)
    assert "1 block differs" in result.out
    assert f"`{URL}` is in another place." in result.out


def test_a_pattern_list_below_its_source_is_a_difference(project: ProjectFolder, files: Path) -> None:
    source, rules = "<source 0/0>\npattern-list p\n</source>\n", "<pattern-list p>\n* virtual-mta=v\n</pattern-list>\n"
    (files / "a.conf").write_text(source + rules)
    (files / "b.conf").write_text(rules + source)
    result = project.run("diff", "a.conf", "b.conf", "--detailed-exitcode").ended(Exit.CHANGES)
    assert "below source[0.0.0.0/0], which uses it" in result.out
    home = files / "pmta"
    home.mkdir()
    (home / "config").write_text(f"{source}include /etc/pmta/p.conf\n")
    (home / "p.conf").write_text(rules)
    project.run("diff", "pmta", "b.conf", "--detailed-exitcode").ended(Exit.CHANGES)
    project.run("diff", "pmta", "a.conf", "--detailed-exitcode").ended(Exit.OK)
    (home / "config").write_text(f"include /etc/pmta/p.conf\n{source}")
    project.run("diff", "pmta", "b.conf", "--detailed-exitcode").ended(Exit.OK)


def test_what_comes_goes_and_changes(project: ProjectFolder, files: Path) -> None:
    (files / "b.conf").write_text(
        "log-file /l\n<domain x.example>\nmax-smtp-out 6\nauth-password new\n</domain>\n"
        "<virtual-mta v>\n</virtual-mta>\n"
    )
    result = project.run("diff", "a.conf", "b.conf").ended(Exit.OK)
    assert result.out.startswith(
        "a.conf -> b.conf: 4 blocks differ (2 only in the second, 1 different, 1 only in the first)."
    )
    assert "~ domain[x.example]\n      a.conf:2 -> b.conf:2\n" in result.out
    assert "(sensitive)" in result.out
    document = project.run("diff", "a.conf", "b.conf", "--format", "json").json()["comparisons"][0]
    assert {b["address"]: b["action"] for b in document["blocks"]} == {
        "setting[log-file]": "create",
        "domain[x.example]": "update",
        "virtual-mta[v]": "create",
        "setting[run-as-root]": "delete",
    }
    assert document["effective"] is None


def test_what_it_does_to_queues(project: ProjectFolder, files: Path) -> None:
    (files / "b.conf").write_text((files / "a.conf").read_text().replace("5", "6"))
    result = project.run("diff", "a.conf", "b.conf", "--effective").ended(Exit.OK)
    assert "x.example/{default}\n      max-smtp-out  5 -> 6\n" in result.out
    (files / "b.conf").write_text((files / "a.conf").read_text() + "<domain y.example>\nmax-smtp-out 20\n</domain>\n")
    result = project.run("diff", "a.conf", "b.conf", "--effective").ended(Exit.OK)
    assert result.out.endswith("No queue and no virtual MTA is changed by it.\n")
    document = project.run("diff", "a.conf", "b.conf", "--effective", "--format", "json").json()
    assert document["comparisons"][0]["effective"] == []


def test_two_live_hosts(project: ProjectFolder) -> None:
    project.add_host("mta1", RUNS + "<domain *>\nmax-smtp-out 5\n</domain>\n")
    project.add_host("mta2", RUNS + "<domain *>\nmax-smtp-out 6\n</domain>\n")
    project.stack(activation="none")
    result = project.run("diff", "mta1", "mta2", "--detailed-exitcode").ended(Exit.CHANGES)
    assert "/etc/pmta/config:2 -> /etc/pmta/config:2" in result.out


@pytest.fixture
def revised(project: ProjectFolder) -> ProjectFolder:
    """A stack that was committed with one value, and now says another."""
    for name in ("mta1", "mta2"):
        project.add_host(name)
    project.config("domain: {x.example: {max-smtp-out: 5, auth-username: u, auth-password: {secret: 'env:PW'}}}")
    git(project, "init", "-q")
    git(project, "add", "stacks/fleet/stack.yaml")
    git(project, "commit", "-qm", "first")
    project.config("domain: {x.example: {max-smtp-out: 6, auth-username: u, auth-password: {secret: 'env:PW'}}}")
    return project


def test_a_stack_at_a_revision_and_as_it_is_now(revised: ProjectFolder) -> None:
    result = revised.run("diff", "HEAD:fleet", ":fleet", "--detailed-exitcode").ended(Exit.CHANGES)
    assert "HEAD:fleet:mta1 -> :fleet:mta1: 1 block differs" in result.out
    assert "HEAD:fleet:mta2 -> :fleet:mta2: 1 block differs" in result.out
    assert "HEAD:stacks/fleet/stack.yaml:" in result.out
    assert "max-smtp-out  5 -> 6" in result.out
    revised.run("diff", "HEAD:fleet", "HEAD:fleet", "--detailed-exitcode").ended(Exit.OK)


def test_a_link_in_a_revision_is_followed_inside_of_the_project(revised: ProjectFolder) -> None:
    """Also to a folder, and out of the stack's own folder: a stack may use every file of its project."""
    shared = revised.root / "shared"
    shared.mkdir()
    (shared / "more.conf").write_text("<domain y.example>\nmax-smtp-out 9\n</domain>\n")
    (revised.folder / "more").symlink_to("../../shared")
    (revised.folder / "linked.conf").symlink_to("more/more.conf")
    revised.stack("native: [linked.conf, ../../shared/again.conf]\n", activation="none")
    (shared / "again.conf").write_text("<domain z.example>\nmax-smtp-out 8\n</domain>\n")
    git(revised, "add", "-A")
    git(revised, "commit", "-qm", "links")
    result = revised.run("diff", "HEAD:fleet", ":fleet", "--detailed-exitcode").ended(Exit.OK)
    assert result.err == ""


@pytest.mark.parametrize("target", ["/etc/hostname", "../../../outside.conf"])
@pytest.mark.parametrize("name", ["linked.conf", "extra.yaml"])
def test_a_link_that_leads_out_is_refused_in_a_revision_as_in_a_folder(
    revised: ProjectFolder, target: str, name: str
) -> None:
    (revised.folder / name).symlink_to(target)
    (revised.root.parent / "outside.conf").write_text("<domain y.example>\nmax-smtp-out 99\n</domain>\n")
    revised.stack("native: [linked.conf]\n" if name == "linked.conf" else "", activation="none")
    git(revised, "add", "-A")
    git(revised, "commit", "-qm", "links")
    for side in ("HEAD:fleet", ":fleet"):
        result = revised.run("diff", side, side).ended(Exit.INVALID)
        assert "leads out of the project" in result.words
        assert "99" not in result.all


def test_a_revision_whose_stack_is_a_link_to_another_place_has_no_such_stack(
    revised: ProjectFolder, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    revised.folder.rename(elsewhere)
    revised.folder.symlink_to(elsewhere)
    git(revised, "add", "-A")
    git(revised, "commit", "-qm", "a stack elsewhere")
    revised.run("diff", "HEAD:fleet", "HEAD:fleet").ended(Exit.USAGE)


def test_a_revision_cannot_allow_programs(revised: ProjectFolder) -> None:
    (revised.root / "pmtaform.yaml").write_text("not: [valid\n")
    git(revised, "add", "-A")
    git(revised, "commit", "-qm", "a project file")
    revised.run("diff", "HEAD:fleet", "HEAD:fleet").ended(Exit.OK)


def test_a_damaged_project_file_is_not_hidden(revised: ProjectFolder) -> None:
    (revised.root / "pmtaform.yaml").write_text("not: [valid\n")
    for words in (["diff", "mta1", "mta1"], ["effective", "mta1"]):
        assert "pmtaform.yaml" in revised.run(*words).ended(Exit.INVALID).err


def test_a_stack_and_a_live_host(revised: ProjectFolder) -> None:
    revised.hosts["mta1"].put("<domain x.example>\nmax-smtp-out 5\nauth-username u\nauth-password geheim\n</domain>\n")
    result = revised.run("diff", "HEAD:fleet:mta1", "mta1", "--detailed-exitcode").ended(Exit.OK)
    assert "1 secret of a stack could not be compared" in result.out
    assert "geheim" not in result.all
    revised.run("diff", "HEAD:fleet", "mta1", "--detailed-exitcode").ended(Exit.OK)


SOURCE = "<source 0/0>\npattern-list p\n</source>\n"
LIST = "<pattern-list p>\nmail-from /a/ virtual-mta=v\n</pattern-list>\n"
IN_YAML = """\
config:
  pattern-list: {p: ["mail-from /a/ virtual-mta=v"]}
  source: {"0/0": {pattern-list: p}}
"""


@pytest.mark.parametrize(
    ("stack", "natives", "end"),
    [
        (IN_YAML, [], Exit.CHANGES),
        ("native: [a]\n", [LIST + SOURCE], Exit.CHANGES),
        ("native: [a]\n", [SOURCE + LIST], Exit.OK),
        ("native: [a, b]\n", [LIST, SOURCE], Exit.OK),
    ],
    ids=["in YAML", "above in a native file", "below in a native file", "in another native file"],
)
def test_a_list_below_its_source_differs_from_what_the_stack_has_above(
    project: ProjectFolder, stack: str, natives: list[str], end: Exit
) -> None:
    """What a plan would not move is no difference between a stack and a host."""
    project.add_host("mta1", SOURCE + LIST)
    for name, text in zip("ab", natives, strict=False):
        project.add_file(name, text)
    project.stack(stack, activation="none")
    result = project.run("diff", ":fleet:mta1", "mta1", "--detailed-exitcode").ended(end)
    assert ("below source[0.0.0.0/0]" in result.out) is (end is Exit.CHANGES)
    planned = project.plan("--detailed-exitcode").ended(end)
    assert ("above source[0.0.0.0/0]" in planned.out) is (end is Exit.CHANGES)


def test_a_host_that_only_one_revision_has(revised: ProjectFolder) -> None:
    revised.add_host("mta3")
    revised.config("domain: {x.example: {max-smtp-out: 5}}")
    result = revised.run("diff", "HEAD:fleet", ":fleet").ended(Exit.OK)
    assert "nothing -> :fleet:mta3: 1 block differs" in result.out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["HEAD~9:fleet", ":fleet"], "git says"),
        (["--", "-x:fleet", ":fleet"], "does not start with a dash"),
        (["HEAD:fleet:mta9", ":fleet"], "is not a host"),
        (["HEAD:fleet", "mta1", "--stack", "fleat"], "fleat"),
        (["HEAD:fleet", "a.conf"], "is not a host"),
    ],
)
def test_what_cannot_be_compared(revised: ProjectFolder, words: list[str], expected: str) -> None:
    result = revised.run("diff", *words).ended(Exit.USAGE)
    assert expected in result.words


def test_which_host_is_meant_must_be_clear(revised: ProjectFolder, tmp_path: Path) -> None:
    (tmp_path / "x.conf").write_text("run-as-root no\n")
    result = revised.run("diff", ":fleet", str(tmp_path / "x.conf")).ended(Exit.USAGE)
    assert "STACK:HOST" in result.words


def test_a_revision_that_is_not_valid_is_reported_as_such(revised: ProjectFolder) -> None:
    (revised.folder / "stack.yaml").write_text("stack: fleet\nconfig: {no-such-thing: 1}\nhosts: {mta1: {}}\n")
    git(revised, "commit", "-qam", "broken")
    result = revised.run("diff", "HEAD:fleet", "HEAD~1:fleet").ended(Exit.INVALID)
    assert "no-such-thing" in result.words
