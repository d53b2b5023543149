"""`pmtaform drift`: by value, three ways, and from any checkout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from projects import RUNS, ProjectFolder, addresses

from pmtaform.diagnostics import Exit

STACK = "domain:\n  gmail.com: {max-smtp-out: %s, max-msg-rate: %s}"
LEFT = STACK % ("20", "20/h")
SECRET = "hunter2-canary"


def block(out: str, rate: str) -> str:
    return f"<domain gmail.com>\n    max-smtp-out {out}\n    max-msg-rate {rate}\n</domain>\n"


def forget_state(project: ProjectFolder) -> None:
    """A checkout as every pipeline has it: no state and no key."""
    for path in (project.root / "state").iterdir():
        path.unlink()


def lose_record(project: ProjectFolder) -> None:
    """A host as an earlier pmtaform left it: its generations have no record."""
    for path in project.host.at("/var/lib/pmtaform/generations").glob("*/[bl]*"):
        path.unlink()


def report(project: ProjectFolder, code: int = Exit.CHANGES) -> dict[str, Any]:
    result = project.run("drift", "--format", "json", "--detailed-exitcode").ended(code)
    (item,) = result.json()["hosts"]
    return dict(item)


@pytest.fixture
def applied(one: ProjectFolder) -> ProjectFolder:
    one.host.put(RUNS + block("15", "15/h"))
    one.config(LEFT)
    one.apply().ended(Exit.OK)
    return one


# -- by value ----

# Applied with 20 and 20/h. What someone made of it on the host, what the stack says now, and what drift then tells.
THREE_WAYS = [
    pytest.param(("20", "20/h"), ("20", "20/h"), {}, id="nothing"),
    pytest.param(("20", "20/h"), ("10", "20/h"), {}, id="the-stack-alone"),
    pytest.param(("99", "20/h"), ("20", "20/h"), {"max-smtp-out": "host"}, id="the-host-alone"),
    pytest.param(("99", "20/h"), ("20", "30/h"), {"max-smtp-out": "host"}, id="each-another-value"),
    pytest.param(("99", "20/h"), ("10", "20/h"), {"max-smtp-out": "both"}, id="both-the-same-value"),
    pytest.param(
        ("99", "99/h"), ("10", "20/h"), {"max-smtp-out": "both", "max-msg-rate": "host"}, id="one-both-one-host"
    ),
    pytest.param(("10", "20/h"), ("10", "20/h"), {"max-smtp-out": "both"}, id="to-the-same"),
]


@pytest.mark.parametrize(("host", "stack", "expected"), THREE_WAYS)
@pytest.mark.parametrize("with_state", [True, False], ids=["state", "no-state"])
def test_each_value_says_who_changed_it(
    applied: ProjectFolder,
    host: tuple[str, str],
    stack: tuple[str, str],
    expected: dict[str, str],
    with_state: bool,
) -> None:
    applied.host.put(RUNS + block(*host))
    applied.config(STACK % stack)
    if not with_state:
        forget_state(applied)
    reported = report(applied, Exit.CHANGES if expected else Exit.OK)
    values = {v["name"]: v for b in reported["blocks"] for v in b["values"]}
    assert {name: value["cause"] for name, value in values.items()} == expected
    assert reported["drifted"] is bool(expected)
    columns = dict(zip(("max-smtp-out", "max-msg-rate"), zip(("20", "20/h"), host, stack, strict=True), strict=True))
    for name, value in values.items():
        assert (value["applied"], value["now"], value["stack"]) == tuple([each] for each in columns[name])


def test_the_text_says_what_was_left_what_is_there_and_what_the_stack_says(applied: ProjectFolder) -> None:
    applied.host.put(RUNS + block("99", "99/h"))
    applied.config(STACK % ("10", "20/h"))
    result = applied.run("drift").ended(Exit.OK)
    assert "~ max-smtp-out 20 -> 99 (the stack now declares 10)" in result.words
    assert "~ max-msg-rate 20/h -> 99/h" in result.words
    applied.config(STACK % ("99", "20/h"))
    assert "20 -> 99 (the stack now declares the same)" in applied.run("drift").words


def test_a_plan_says_it_value_by_value_too(applied: ProjectFolder) -> None:
    applied.host.put(RUNS + block("99", "99/h"))
    applied.config(STACK % ("10", "20/h") + "\n  yahoo.com: {max-smtp-out: 3}")
    document = applied.plan("--format", "json").json()["hosts"][0]["changes"]
    values = {
        v["name"]: (v["cause"], v["applied"])
        for c in document
        if c["address"] == "domain[gmail.com]"
        for v in c["values"]
    }
    assert values == {"max-smtp-out": ("both", ["20"]), "max-msg-rate": ("host", ["20/h"])}
    others = [v["cause"] for c in document if c["address"] != "domain[gmail.com]" for v in c["values"]]
    assert set(others) == {None}, "the reason alone explains a file that no one touched"
    words = applied.plan().words
    assert "changed on the host and in the stack; the last apply left 20" in words
    assert "changed on the host; the last apply left 20/h" in words


def test_only_what_the_stack_changed_needs_no_word(applied: ProjectFolder) -> None:
    applied.config(STACK % ("10", "20/h"))
    assert "the last apply left" not in applied.plan().words


def test_a_block_that_is_gone_is_reported_with_all_its_values(applied: ProjectFolder) -> None:
    applied.host.put(RUNS)
    reported = report(applied)
    (gone,) = reported["blocks"]
    assert gone["address"] == "domain[gmail.com]"
    assert gone["reason"] == "gone from the host since the last apply"
    assert {v["name"]: v["now"] for v in gone["values"]} == {"max-smtp-out": [], "max-msg-rate": []}


def test_what_is_not_ours_and_changed_is_kept_apart(applied: ProjectFolder) -> None:
    applied.host.put(RUNS.replace("log/pmta", "log/other") + block("20", "20/h") + "postmaster x@example.com\n")
    reported = report(applied)
    assert reported["blocks"] == []
    assert reported["others"] == {"setting[log-file]": "changed", "setting[postmaster]": "is new"}
    assert "Not ours, and changed too: setting[log-file] (changed)" in applied.run("drift").words


def test_a_secret_that_changed_is_reported_and_not_shown(one: ProjectFolder) -> None:
    one.add_file("password", "first-canary\n")
    one.config("domain:\n  gmail.com: {auth-username: a, auth-password: {secret: 'file:password'}}")
    one.apply().ended(Exit.OK)
    one.host.put(one.host.read().replace("first-canary", SECRET))
    for arguments in ((), ("--format", "json")):
        result = one.run("drift", *arguments).ended(Exit.OK)
        assert "auth-password" in result.out
        assert SECRET not in result.all
        assert "first-canary" not in result.all
    for path in (one.root / "state").iterdir():
        assert SECRET not in path.read_text()


@pytest.mark.parametrize("damage", ["missing", "cut", "another"])
def test_without_a_whole_copy_blocks_are_reported_without_values(applied: ProjectFolder, damage: str) -> None:
    copy = applied.host.at("/var/lib/pmtaform/generations/000001/base")
    if damage == "missing":
        copy.unlink()
    else:
        copy.write_text(copy.read_text()[:-3] if damage == "cut" else copy.read_text().replace("20", "21"))
    applied.host.put(RUNS + block("99", "20/h"))
    (told,) = report(applied)["blocks"]
    assert (told["address"], told["values"]) == ("domain[gmail.com]", [])
    assert "the changed values are not known here" in applied.run("drift").words


def test_an_include_is_compared_too(one: ProjectFolder) -> None:
    one.host.put(RUNS + "include /etc/pmta/conf.d/*.conf\n")
    one.host.put(block("15", "15/h"), "/etc/pmta/conf.d/limits.conf")
    one.config(LEFT)
    one.apply().ended(Exit.OK)
    one.host.put(one.host.read("/etc/pmta/conf.d/limits.conf").replace("20/h", "40/h"), "/etc/pmta/conf.d/limits.conf")
    forget_state(one)
    (changed,) = report(one)["blocks"]
    assert [(v["name"], v["applied"], v["now"]) for v in changed["values"]] == [("max-msg-rate", ["20/h"], ["40/h"])]


# -- from any checkout ----


def test_a_fresh_checkout_sees_a_hand_edit(applied: ProjectFolder) -> None:
    forget_state(applied)
    result = applied.run("drift", "--detailed-exitcode").ended(Exit.OK)
    assert result.out.startswith("No drift.")
    assert "compared with the host's own record" in result.words
    applied.host.put(RUNS + block("99", "20/h"))
    reported = report(applied)
    assert (reported["compared_with"]["generation"], reported["compared_with"]["what"]) == (1, "apply")
    assert not applied.state_file.exists(), "drift writes no state"


def test_a_hand_edit_of_a_host_that_was_only_adopted_is_seen(one: ProjectFolder) -> None:
    one.host.put(RUNS + block("20", "20/h"))
    one.config(LEFT)
    assert "mta1 unchanged" in one.apply().ended(Exit.OK).words
    forget_state(one)
    one.run("drift", "--detailed-exitcode").ended(Exit.OK)
    one.host.put(RUNS + block("20", "99/h"))
    (changed,) = report(one)["blocks"]
    assert [v["name"] for v in changed["values"]] == ["max-msg-rate"]


def test_an_older_state_is_not_taken_for_the_last_apply(applied: ProjectFolder) -> None:
    """Someone applied from another checkout: what they changed is no hand edit."""
    before = applied.state_file.read_bytes()
    applied.config(STACK % ("10", "20/h"))
    applied.apply().ended(Exit.OK)
    applied.state_file.write_bytes(before)
    applied.config(LEFT)
    reported = report(applied, Exit.OK)
    assert (reported["drifted"], reported["compared_with"]["generation"]) == (False, 2)
    plan = applied.plan("--format", "json").json()["hosts"][0]
    assert [c["reason"] for c in plan["changes"]] == ["changed"]
    assert "applied-elsewhere" in [note["code"] for note in plan["notes"]]
    applied.host.put(applied.host.read().replace("20/h", "99/h"))
    (changed,) = report(applied)["blocks"]
    assert [v["name"] for v in changed["values"]] == ["max-msg-rate"]


def test_another_key_is_stated_to_be_that_and_the_host_is_compared_all_the_same(applied: ProjectFolder) -> None:
    (applied.root / "state/fleet.key").unlink()
    result = applied.run("drift", "--detailed-exitcode").ended(Exit.OK)
    assert result.out.startswith("No drift.")
    assert "does not know" not in result.words
    assert "another state" not in applied.plan().words + applied.run("hosts").words
    applied.host.put(RUNS + block("99", "20/h"))
    assert [b["address"] for b in report(applied)["blocks"]] == ["domain[gmail.com]"]


@pytest.mark.parametrize("edited", [False, True], ids=["as-left", "edited"])
def test_what_cannot_be_known_is_never_fine(applied: ProjectFolder, edited: bool) -> None:
    forget_state(applied)
    lose_record(applied)
    if edited:
        applied.host.put(RUNS + block("99", "20/h"))
    for arguments in ((), ("--detailed-exitcode",)):
        result = applied.run("drift", *arguments).ended(Exit.ERROR)
        assert result.out.startswith("Nothing to compare with.")
        assert "What changed on mta1 is not known: generation 1 was made by" in result.words
    reported = report(applied, Exit.ERROR)
    assert (reported["drifted"], bool(reported["unknown"])) == (None, True)
    result = applied.run("hosts").ended(Exit.ERROR)
    assert "what changed since is not known" in result.words
    assert "as the stack declares" not in result.words


def test_the_record_of_another_stack_is_nothing_to_compare_with(applied: ProjectFolder) -> None:
    left = applied.host.at("/var/lib/pmtaform/generations/000001/left")
    left.write_text(json.dumps({**json.loads(left.read_text()), "stack": "other"}))
    applied.run("drift").ended(Exit.OK)
    forget_state(applied)
    assert 'for the stack "other"' in applied.run("drift").ended(Exit.ERROR).words


def test_one_unknown_host_does_not_hide_the_drift_of_another(applied: ProjectFolder) -> None:
    applied.add_host("mta2")
    applied.config(LEFT)
    applied.host.put(RUNS + block("99", "20/h"))
    result = applied.run("drift", "--detailed-exitcode").ended(Exit.ERROR)
    assert "Drift on 1 of 1 host. What changed on 1 host is not known." in result.words


def test_hosts_say_that_another_state_applied(applied: ProjectFolder) -> None:
    forget_state(applied)
    (row,) = applied.run("hosts", "--format", "json").ended(Exit.OK).json()["hosts"]
    assert row["last_apply"] is None
    assert row["applied_elsewhere"]["generation"] == 1
    assert row["drift"] == {"blocks": 0, "files": 0}
    result = applied.run("hosts").ended(Exit.OK)
    assert "the state has no generation: another state was used to apply or roll back" in result.words
    assert "1 applied to with another state" in result.words
    applied.host.put(RUNS + block("99", "20/h"))
    assert applied.run("hosts", "--format", "json").json()["hosts"][0]["drift"] == {"blocks": 1, "files": 1}


def test_an_apply_from_a_fresh_checkout_leaves_the_host_alone_and_knows_it_again(applied: ProjectFolder) -> None:
    forget_state(applied)
    before = sorted(p.name for p in applied.host.at("/var/lib/pmtaform/generations").iterdir())
    assert "mta1 unchanged (generation 1)" in applied.apply().ended(Exit.OK).words
    assert sorted(p.name for p in applied.host.at("/var/lib/pmtaform/generations").iterdir()) == before
    assert applied.run("hosts").ended(Exit.OK).out.endswith("1 host: all as the stack declares.\n")


def test_a_plan_from_a_fresh_checkout_tells_drift_from_the_stack(applied: ProjectFolder) -> None:
    applied.host.put(RUNS + block("99", "20/h"))
    forget_state(applied)
    (change,) = applied.plan("--format", "json").json()["hosts"][0]["changes"]
    assert change["reason"] == "drift"
    applied.config("log-file: /var/log/pmta/log")
    assert addresses(applied.plan("--format", "json")) == set(), "nothing is deleted that the state does not know"


def test_the_record_holds_no_content(one: ProjectFolder, tmp_path: Path) -> None:
    one.add_file("password", f"{SECRET}\n")
    one.config("domain:\n  gmail.com: {auth-username: a, auth-password: {secret: 'file:password'}}")
    one.apply().ended(Exit.OK)
    folder = one.host.at("/var/lib/pmtaform/generations/000001")
    assert SECRET not in (folder / "left").read_text()
    assert SECRET in (folder / "base").read_text(), "beside the old files, for root alone"
    assert (folder / "base").stat().st_mode & 0o077 == 0
