"""Who owns what: blocks that are adopted, made, changed, taken away, left alone; and why each change is planned."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from projects import RUNS, ProjectFolder, addresses

from pmtaform.diagnostics import Exit
from pmtaform.model.selection import ALL_DOMAINS, exactly, matches

GMAIL = "<domain gmail.com>\n    max-smtp-out 20\n</domain>\n"
YAHOO = "<domain yahoo.com>\n    max-smtp-out 10\n</domain>\n"
OURS = "domain:\n  gmail.com: {max-smtp-out: 20}\n"


def reasons(project: ProjectFolder, *arguments: str) -> dict[str, str]:
    document = project.plan("--format", "json", *arguments).json()["hosts"]
    return {c["address"]: c["reason"] for host in document for c in host["changes"]}


# -- adoption ----


def test_what_is_already_as_declared_is_adopted_and_not_a_byte_is_touched(one: ProjectFolder) -> None:
    one.host.put("\tpostmaster   A@example.com # mine\r\n<domain gmail.com>\nMax-SMTP-out 20\n</domain>")
    one.config(f"postmaster: A@example.com\n{OURS}")
    before, times = one.host.tree(), one.host.config.stat().st_mtime_ns
    result = one.apply().ended(Exit.OK)
    assert "2 blocks on mta1 are already as declared and become pmtaform's." in result.words
    assert "mta1 unchanged" in result.words
    assert (one.host.tree(), one.host.config.stat().st_mtime_ns) == (before, times)
    made = one.host.at("/var/lib/pmtaform/generations/000001")
    assert sorted(p.name for p in made.iterdir()) == ["base", "info", "left", "manifest"], "a record, and no old file"
    assert one.host.leftovers() == []
    assert one.state["hosts"]["mta1"]["blocks"].keys() == {"setting[postmaster]", "domain[gmail.com]"}
    serial = one.state["serial"]
    one.apply().ended(Exit.OK)
    assert one.state["serial"] == serial, "nothing was learnt, so nothing is written"


def test_what_is_adopted_is_deleted_once_it_is_no_longer_declared(one: ProjectFolder) -> None:
    one.host.put(RUNS + GMAIL + YAHOO)
    one.config(OURS)
    one.apply().ended(Exit.OK)
    one.config("log-file: /var/log/pmta/log")
    assert reasons(one) == {"domain[gmail.com]": "removed"}
    one.apply().ended(Exit.OK)
    assert one.host.read() == RUNS + YAHOO


# -- create, update, delete ----


def test_create_update_delete(one: ProjectFolder) -> None:
    one.host.put(RUNS + "# kept\n" + YAHOO)
    one.config(OURS)
    assert addresses(one.plan("--format", "json")) == {("create", "domain[gmail.com]")}
    one.apply().ended(Exit.OK)
    one.settled()
    assert one.host.read().replace("\n\n", "\n") == RUNS + "# kept\n" + YAHOO + GMAIL
    one.config(OURS.replace("20", "10"))
    assert addresses(one.plan("--format", "json")) == {("update", "domain[gmail.com]")}
    one.apply().ended(Exit.OK)
    one.settled()
    one.config("log-file: /var/log/pmta/log")
    assert addresses(one.plan("--format", "json")) == {("delete", "domain[gmail.com]")}
    one.apply().ended(Exit.OK)
    one.settled()
    assert YAHOO in one.host.read()
    assert "gmail" not in one.host.read()
    assert "# kept\n" in one.host.read()


def test_what_was_never_declared_is_counted_and_left_alone(one: ProjectFolder) -> None:
    one.host.put(RUNS + YAHOO)
    one.config(OURS)
    result = one.apply().ended(Exit.OK)
    assert "2 blocks on mta1 are not declared and stay unchanged." in result.words
    assert YAHOO in one.host.read()


def test_unmanaged_remove_deletes_what_was_never_declared(one: ProjectFolder) -> None:
    one.host.put(RUNS + "# a word\n" + GMAIL + YAHOO)
    one.config(f"log-file: /var/log/pmta/log\n{OURS}", "unmanaged: remove\n")
    assert reasons(one) == {"domain[yahoo.com]": "unmanaged"}
    one.apply().ended(Exit.OK)
    assert one.host.read() == RUNS + "# a word\n" + GMAIL
    one.settled()
    one.host.put(one.host.read() + YAHOO)
    assert reasons(one) == {"domain[yahoo.com]": "unmanaged"}


def test_unmanaged_remove_begins_to_hold_when_it_is_stated(one: ProjectFolder) -> None:
    one.host.put(RUNS + YAHOO)
    one.config(f"log-file: /var/log/pmta/log\n{OURS}")
    one.apply().ended(Exit.OK)
    one.settled()
    one.config(f"log-file: /var/log/pmta/log\n{OURS}", "unmanaged: remove\n")
    assert reasons(one) == {"domain[yahoo.com]": "unmanaged"}


def test_what_is_no_longer_declared_and_already_gone_is_forgotten(one: ProjectFolder) -> None:
    one.config(OURS)
    one.apply().ended(Exit.OK)
    one.host.put(RUNS)
    one.config("log-file: /var/log/pmta/log")
    assert "is already gone, and is forgotten" in one.apply().ended(Exit.OK).words
    assert one.state["hosts"]["mta1"]["blocks"].keys() == {"setting[log-file]"}
    one.settled()


def test_a_host_without_a_configuration_gets_a_whole_one(project: ProjectFolder) -> None:
    host = project.add_host("mta1", config=None)
    project.config(f"postmaster: a@example.com\n{OURS}")
    project.apply().ended(Exit.OK)
    assert host.mode() == 0o640
    assert "postmaster a@example.com\n" in host.read()
    project.settled()
    project.run("rollback", "mta1", "--auto-approve").ended(Exit.OK)
    assert not host.config.exists()


# -- why ----

APPLIED, STACK, HAND = "20", "10", "99"


@pytest.mark.parametrize(
    ("stack", "live", "reason"),
    [
        (APPLIED, APPLIED, None),
        (STACK, APPLIED, "changed"),
        (APPLIED, HAND, "drift"),
        (STACK, HAND, "both"),
        (STACK, STACK, None),
        (APPLIED, None, "missing"),
        (STACK, None, "new"),
        (None, APPLIED, "removed"),
        (None, HAND, "removed"),
        (None, None, None),
    ],
    ids=lambda value: str(value),
)
def test_drift_is_kept_apart_from_what_the_stack_changed(
    one: ProjectFolder, stack: str | None, live: str | None, reason: str | None
) -> None:
    """Applied with 20; then the stack and the host go their ways."""
    one.config(OURS)
    one.apply().ended(Exit.OK)
    result = one.host.read()
    one.host.put(result.replace("20", live) if live else result.replace(GMAIL, ""))
    one.config(OURS.replace("20", stack) if stack else "log-file: /var/log/pmta/log")
    assert reasons(one).get("domain[gmail.com]") == reason


def test_a_change_of_layout_and_comments_alone_is_no_change(one: ProjectFolder) -> None:
    one.config(OURS)
    one.apply().ended(Exit.OK)
    one.host.put("# a new comment\n" + one.host.read().replace("    max-smtp-out 20", "\tMAX-SMTP-OUT  20  # same"))
    one.settled()
    result = one.run("drift", "--detailed-exitcode").ended(Exit.CHANGES)
    assert "No value changed: what differs is layout, comments" in result.words
    before = one.host.tree()
    one.apply().ended(Exit.OK)
    assert one.host.tree() == before
    one.run("drift", "--detailed-exitcode").ended(Exit.OK)


# -- exceptions ----


def test_ignored_blocks_are_left_as_they_are(one: ProjectFolder) -> None:
    one.host.put(RUNS + GMAIL + YAHOO)
    ignore = "lifecycle: {ignore: ['domain[**]', 'setting[log-file]']}"
    one.config(OURS.replace("20", "10"), f"unmanaged: remove\n{ignore}\n")
    assert reasons(one) == {}
    one.apply().ended(Exit.OK)
    assert one.host.read() == RUNS + GMAIL + YAHOO


def test_what_is_ignored_from_now_on_is_no_longer_ours(one: ProjectFolder) -> None:
    one.config(OURS)
    one.apply().ended(Exit.OK)
    one.config(OURS.replace("20", "10"), "lifecycle: {ignore: ['domain[gmail.com]']}\n")
    one.apply().ended(Exit.OK)
    assert GMAIL in one.host.read()
    assert one.state["hosts"]["mta1"]["blocks"] == {}


@pytest.mark.parametrize("config", [OURS.replace("20", "10"), "log-file: /var/log/pmta/log"], ids=["change", "delete"])
def test_protected_blocks_stop_the_run(one: ProjectFolder, config: str) -> None:
    one.config(OURS)
    one.apply().ended(Exit.OK)
    before = one.host.tree()
    one.config(f"{config}\npostmaster: a@example.com", "lifecycle: {protect: ['domain[**]']}\n")
    plan = one.plan().ended(Exit.OK)
    assert "domain[gmail.com] would be" in plan.words
    result = one.apply().ended(Exit.BLOCKED)
    assert "lifecycle.protect" in result.words
    assert one.host.tree() == before
    one.apply("--target", "setting[postmaster]").ended(Exit.OK)


def test_a_protected_block_that_stays_stops_nothing(one: ProjectFolder) -> None:
    one.config(f"{OURS}\npostmaster: a@example.com", "lifecycle: {protect: ['domain[**]']}\n")
    one.apply().ended(Exit.OK)
    one.settled()


# -- a choice of blocks and hosts ----


@pytest.fixture
def two(project: ProjectFolder) -> ProjectFolder:
    for name in ("mta1", "mta2"):
        project.add_host(name)
    project.stack(
        "config: {postmaster: a@example.com, domain: {gmail.com: {max-smtp-out: 20}, yahoo.com: {max-smtp-out: 10}}}",
        hosts={"mta1": {"groups": ["fra"]}, "mta2": {}},
        activation="none",
    )
    with (project.folder / "stack.yaml").open("a") as stack:
        stack.write("\ngroups: {fra: {}}\n")
    return project


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--target", "domain[**]"], {"1g", "1y", "2g", "2y"}),
        (["--target", "domain[gmail.com]"], {"1g", "2g"}),
        (["--target", "mta1:*"], {"1p", "1g", "1y"}),
        (["--target", "mta2:domain[y*]", "--target", "mta1:setting[*]"], {"2y", "1p"}),
        (["--exclude", "domain[**]"], {"1p", "2p"}),
        (["--target", "domain[**]", "--exclude", "*gmail*"], {"1y", "2y"}),
        (["--host", "mta1"], {"1p", "1g", "1y"}),
        (["--host", "mta*"], {"1p", "1g", "1y", "2p", "2g", "2y"}),
        (["--host", "fra"], {"1p", "1g", "1y"}),
        (["--host", "mta2", "--target", "setting[postmaster]"], {"2p"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_choice_of_hosts_and_blocks(two: ProjectFolder, options: list[str], expected: set[str]) -> None:
    short = {"setting[postmaster]": "p", "domain[gmail.com]": "g", "domain[yahoo.com]": "y"}
    document = two.plan("--format", "json", *options).ended(Exit.OK).json()["hosts"]
    assert {h["host"][-1] + short[c["address"]] for h in document for c in h["changes"]} == expected


@pytest.fixture
def wild(project: ProjectFolder) -> ProjectFolder:
    """A host with a catch-all, a domain whose name has a star, and one that these stars would match."""
    project.add_host("mta1").put(RUNS)
    wild = "'*': {max-smtp-out: 7}, '*.com': {max-smtp-out: 8}, a.com: {max-smtp-out: 9}"
    project.config(f"domain: {{{wild}}}\nlog-file: /var/log/pmta/log\n")
    return project


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--target", "domain[*]"], {"domain[*]"}),
        (["--target", "mta1:domain[*]"], {"domain[*]"}),
        (["--target", "mta*:domain[*]"], {"domain[*]"}),
        (["--target", r"domain[\*]"], {"domain[*]"}),
        (["--target", r"domain[\*.com]"], {"domain[*.com]"}),
        (["--target", "domain[*.com]"], {"domain[*.com]", "domain[a.com]"}),
        (["--target", "domain[**]"], {"domain[*]", "domain[*.com]", "domain[a.com]"}),
        (["--target", "*[*]"], {"domain[*]", "domain[*.com]", "domain[a.com]"}),
        (["--exclude", "domain[*]"], {"domain[*.com]", "domain[a.com]"}),
        (["--exclude", r"mta1:domain[\*.com]"], {"domain[*]", "domain[a.com]"}),
        (["--exclude", "domain[**]"], set()),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_star_itself_can_be_named(wild: ProjectFolder, options: list[str], expected: set[str]) -> None:
    document = wild.plan("--format", "json", *options).ended(Exit.OK).json()["hosts"]
    assert {c["address"] for host in document for c in host["changes"]} == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("domain[*]", {"domain[*]"}),
        (r"domain[\*.com]", {"domain[*.com]"}),
        ("domain[*.com]", {"domain[*.com]", "domain[a.com]"}),
        ("domain[**]", {"domain[*]", "domain[*.com]", "domain[a.com]"}),
    ],
)
def test_protect_ignore_and_explain_know_the_same_addresses(
    wild: ProjectFolder, pattern: str, expected: set[str]
) -> None:
    wild.apply().ended(Exit.OK)
    result = wild.run("explain", "mta1", pattern, "--format", "json").ended(Exit.OK)
    assert {block["address"] for block in result.json()["blocks"]} == expected
    wild.config("log-file: /var/log/pmta/log", f"lifecycle: {{protect: ['{pattern}']}}\n")
    notes = wild.plan("--format", "json").json()["hosts"][0]["notes"]
    assert {note["address"] for note in notes if note["code"] == "protected"} == expected
    wild.config("log-file: /var/log/pmta/log", f"lifecycle: {{ignore: ['{pattern}']}}\n")
    deleted = {"domain[*]", "domain[*.com]", "domain[a.com]"} - expected
    assert set(reasons(wild)) == deleted


@pytest.mark.parametrize("option", ["--target", "--exclude"])
@pytest.mark.parametrize("name", ["domain[*]", "domain[gmial.com]", r"domain[gmail.com\*]"])
def test_a_choice_that_names_nothing_is_refused(two: ProjectFolder, option: str, name: str) -> None:
    result = two.plan(option, name).ended(Exit.USAGE)
    assert "Unknown block address" in result.words
    assert (ALL_DOMAINS in result.words) is (name == "domain[*]")


@given(st.text("ab*\\[]:.", max_size=8), st.text("ab*\\[]:.", max_size=8))
def test_every_address_can_be_named_alone(one: str, other: str) -> None:
    for address in (f"domain[{one}]", f"file[{one}]", one):
        assert matches(exactly(address), address)
        assert matches(exactly(address), other) is (address == other)


@pytest.mark.parametrize("target", ["domain[?mail.com]", "domain"])
def test_only_a_star_is_a_wildcard(two: ProjectFolder, target: str) -> None:
    assert "Unknown block address" in two.plan("--target", target).ended(Exit.USAGE).words


def test_what_is_not_chosen_is_not_touched_and_stays_ours(two: ProjectFolder) -> None:
    two.apply().ended(Exit.OK)
    text = (two.folder / "stack.yaml").read_text()
    (two.folder / "stack.yaml").write_text(text.replace("max-smtp-out: 20", "max-smtp-out: 10").replace("yahoo", "y"))
    before = two.hosts["mta2"].tree()
    owned = two.state["hosts"]["mta1"]["blocks"]
    two.apply("--host", "mta1", "--target", "domain[gmail.com]").ended(Exit.OK)
    assert "max-smtp-out 10" in two.hosts["mta1"].read()
    assert "y.com" not in two.hosts["mta1"].read().replace("yahoo.com", "")
    assert two.hosts["mta2"].tree() == before
    assert two.state["hosts"]["mta1"]["blocks"].keys() == owned.keys()
    assert reasons(two, "--host", "mta1") == {"domain[y.com]": "new", "domain[yahoo.com]": "removed"}


# -- layers of one host ----


def test_each_host_gets_its_own(project: ProjectFolder) -> None:
    for name in ("mta1", "mta2"):
        project.add_host(name)
    project.stack(
        "config: {host-name: '${me}.example.com'}",
        hosts={"mta1": {"vars": {"me": "one"}}, "mta2": {"vars": {"me": "two"}, "config": {"postmaster": "b@x.org"}}},
        activation="none",
    )
    project.apply().ended(Exit.OK)
    assert project.hosts["mta1"].read() == RUNS + "host-name one.example.com\n"
    assert "host-name two.example.com\n" in project.hosts["mta2"].read()
    assert "postmaster b@x.org\n" in project.hosts["mta2"].read()
    result = project.plan("--format", "json").json()
    assert list(itertools.chain.from_iterable(host["changes"] for host in result["hosts"])) == []
