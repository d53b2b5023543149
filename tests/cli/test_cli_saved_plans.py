"""A saved plan is applied exactly as it was shown, or nothing is; and what it says of is named rightly."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from projects import RUNS, ProjectFolder

from pmtaform.diagnostics import Exit
from pmtaform.state import StackKey
from pmtaform.state.key_file import open_key

DOMAIN = "domain: {gmail.com: {max-msg-rate: 100/h}}"


def stale(project: ProjectFolder, path: str, *words: str, without: tuple[str, ...] = ()) -> None:
    """The plan is refused, the words are stated, and no host is touched."""
    before = {name: host.tree() for name, host in project.hosts.items()}
    result = project.run("apply", path).ended(Exit.STALE)
    for text in words:
        assert text in result.words, result.words
    for text in without:
        assert text not in result.words, result.words
    assert {name: host.tree() for name, host in project.hosts.items()} == before


def signed_again(path: Path, key: StackKey, edit: Callable[[Any], object]) -> None:
    """The plan, edited by someone who has the key: as one that another pmtaform would have made."""
    document = json.loads(path.read_text())
    edit(document)
    beside = ("checksum", "seal", "verdict", "summary", "dangers")
    body = {name: value for name, value in document.items() if name not in beside}
    document["checksum"] = hashlib.sha256(canonical(body)).hexdigest()
    del document["seal"]
    path.write_text(json.dumps({**document, "seal": key.seal_plan(canonical(document))}))


def canonical(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def change_of(document: Any) -> Any:
    return document["hosts"][0]["changes"][0]


EDITS: dict[str, tuple[Callable[[Any], object], str]] = {
    "a value": (
        lambda d: change_of(d)["values"][0].update(after=["50/h"]),
        "domain[gmail.com]: max-msg-rate: (nothing) -> 50/h in the saved plan, (nothing) -> 100/h now",
    ),
    "a value more": (
        lambda d: change_of(d)["values"].append({**change_of(d)["values"][0], "name": "max-smtp-out"}),
        "max-smtp-out: (nothing) -> 100/h in the saved plan, no change now",
    ),
    "what the last apply left": (
        lambda d: change_of(d)["values"][0].update(applied=["70/h"]),
        "(nothing) -> 100/h, left as 70/h in the saved plan, (nothing) -> 100/h now",
    ),
    "a reason": (lambda d: change_of(d).update(reason="drift"), "domain[gmail.com]: reason: changed on the host since"),
    "an impact": (lambda d: change_of(d).update(impact="restart"), "impact: restart in the saved plan, reload now"),
    "a danger": (
        lambda d: change_of(d).update(dangers=[{"code": "restart", "detail": "much"}]),
        "domain[gmail.com]: danger only in the saved plan: restart (much)",
    ),
    "a danger of the host": (
        lambda d: d["hosts"][0].update(dangers=[{"code": "many-deletions", "detail": "9"}]),
        "danger only in the saved plan: many-deletions (9)",
    ),
    "another action": (lambda d: change_of(d).update(action="update"), "action: update in the saved plan, create now"),
    "another address": (
        lambda d: change_of(d).update(address="domain[a.com]"),
        "only in the saved plan: create domain[a.com] only in the plan made now: create domain[gmail.com]",
    ),
    "a warning": (
        lambda d: d["hosts"][0]["notes"].append(note("made-up")),
        "warning only in the saved plan: warning made-up",
    ),
    "a warning of the run": (lambda d: d["notes"].append(note("made-up")), "warning only in the saved plan"),
    "what is left": (
        lambda d: d["hosts"][0].update(left=[{"address": "a", "action": "delete", "by": "--exclude"}]),
        "left different only in the saved plan: a (delete, --exclude)",
    ),
    "the version of PowerMTA": (
        lambda d: d["hosts"][0].update(version="PowerMTA v4.5"),
        "PowerMTA: PowerMTA v4.5 when the plan was made, none now",
    ),
    "what becomes ours": (
        lambda d: d["hosts"][0].update(adopted=["setting[x]"]),
        "becomes pmtaform's only in the saved plan: setting[x]",
    ),
    "what is not declared": (lambda d: d["hosts"][0].update(unmanaged=7), "unchanged: 7 in the saved plan, 1 now"),
    "what is written": (
        lambda d: d["hosts"][0]["result"].update({"/etc/pmta/config": "0"}),
        "other content would be written to /etc/pmta/config",
    ),
}


def note(code: str) -> dict[str, Any]:
    empty = dict.fromkeys(("place", "host", "address"))
    return {"severity": "warning", "code": code, "kind": "note", "summary": "s", "detail": "", "related": [], **empty}


@pytest.fixture
def planned(one: ProjectFolder) -> ProjectFolder:
    one.config(DOMAIN)
    one.save_plan()
    return one


@pytest.mark.parametrize("what", EDITS)
def test_every_difference_of_the_plans_is_shown_as_one(planned: ProjectFolder, what: str) -> None:
    path = Path(planned.save_plan())
    edit, words = EDITS[what]
    signed_again(path, open_key(planned.root / "state", "fleet"), edit)
    stale(planned, str(path), words, "Plan differs from the saved one", without=("on the host since the plan",))


def test_a_plan_that_is_the_same_is_applied_whoever_signed_it(planned: ProjectFolder) -> None:
    path = Path(planned.save_plan())
    signed_again(path, open_key(planned.root / "state", "fleet"), lambda _: None)
    planned.run("apply", str(path)).ended(Exit.OK)
    assert "max-msg-rate 100/h" in planned.host.read()


def test_a_host_that_moved_is_reported_with_what_that_changes(planned: ProjectFolder) -> None:
    path = planned.save_plan()
    planned.host.put(RUNS + "<domain gmail.com>\n    max-msg-rate 10/h\n</domain>\n")
    stale(
        planned,
        path,
        "Changed on the host since the plan was made: /etc/pmta/config.",
        "domain[gmail.com]: action: create in the saved plan, update now",
        "max-msg-rate: (nothing) -> 100/h in the saved plan, 10/h -> 100/h now",
        "domain[gmail.com]: danger only in the plan made now: rate-raised",
    )


@pytest.mark.parametrize("printed", [False, True])
def test_a_plan_that_someone_edited_is_refused_though_its_checksum_fits(
    planned: ProjectFolder, *, printed: bool
) -> None:
    path = Path(planned.save_plan())
    if printed:
        path.write_text(planned.plan("--format", "json").out)
    other = StackKey.ephemeral()
    signed_again(path, other, lambda d: d.update(created="2020-01-01T00:00:00Z"))
    before = planned.host.tree()
    result = planned.run("apply", str(path)).ended(Exit.ERROR)
    assert "Plan file not authentic" in result.words
    assert planned.host.tree() == before


def test_a_printed_verdict_is_sealed_too(planned: ProjectFolder) -> None:
    path = planned.root / "plan.json"
    document = planned.plan("--format", "json").json()
    document["verdict"] = "No changes."
    path.write_text(json.dumps(document))
    assert "plan-not-authentic" in planned.run("apply", str(path)).ended(Exit.ERROR).all


def test_what_show_prints_is_to_be_read(planned: ProjectFolder) -> None:
    path = planned.root / "shown.json"
    path.write_text(planned.run("show", planned.save_plan(), "--format", "json").ended(Exit.OK).out)
    assert "it has no seal" in planned.run("apply", str(path)).ended(Exit.ERROR).words


def test_another_key_is_stated_to_be_that(one: ProjectFolder) -> None:
    one.config(DOMAIN)
    one.apply().ended(Exit.OK)
    one.config(DOMAIN.replace("100", "50"))
    path = one.save_plan()
    (one.root / "state/fleet.key").unlink()
    stale(one, path, "Plan made with another key", without=("changed on the host", "Changed on the host"))


def test_another_state_is_stated_to_be_that(one: ProjectFolder) -> None:
    one.config(DOMAIN)
    one.apply().ended(Exit.OK)
    one.config(DOMAIN.replace("100", "50"))
    path = one.save_plan()
    one.state_file.unlink()
    stale(one, path, "Plan made from another state", "there is no state here", without=("Changed on the host",))


# -- what is named ----


def test_what_is_about_the_run_names_no_host(project: ProjectFolder) -> None:
    for name in ("mta1", "mta2", "mta3"):
        project.add_host(name)
    project.config("postmaster: a@example.com")
    project.apply().ended(Exit.OK)
    project.stack("config:\n  postmaster: a@example.com\n", {"mta1": {}, "mta3": {}}, activation="none")
    document = project.plan("--format", "json").json()
    assert [(note["code"], note["host"]) for note in document["notes"]] == [("host-not-in-stack", None)]
    assert [note["code"] for host in document["hosts"] for note in host["notes"]] == []
    lines = [line.strip() for line in project.plan().out.splitlines() if "[host-not-in-stack]" in line]
    assert lines == ["warning: Applied host no longer in the stack [host-not-in-stack]"]


def test_another_key_of_the_state_is_no_remark_about_the_first_host(project: ProjectFolder) -> None:
    for name in ("mta1", "mta2"):
        project.add_host(name)
    project.config("postmaster: a@example.com")
    project.apply().ended(Exit.OK)
    (project.root / "state/fleet.key").unlink()
    document = project.plan("--format", "json").json()
    assert [note["code"] for note in document["notes"]] == ["state-key-changed"]
    assert not any(host["notes"] for host in document["hosts"])


def test_a_finding_of_hosts_that_change_alike_names_each_of_them(project: ProjectFolder) -> None:
    for name in ("mta1", "mta2"):
        project.add_host(name)
    project.config("http-access: [0/0 admin]")
    document = project.plan("--format", "json").ended(Exit.OK).json()
    named = {host["host"]: {note["host"] for note in host["notes"]} for host in document["hosts"]}
    assert named == {"mta1": {"mta1"}, "mta2": {"mta2"}}


def test_a_pattern_for_the_catch_all_alone_says_so(one: ProjectFolder) -> None:
    one.config("domain: {'*': {max-smtp-out: 5}, a.com: {max-smtp-out: 6}}")
    for option, code in (("domain[*]", ["catch-all-only"]), ("domain[**]", []), (r"domain[\*]", [])):
        document = one.plan("--target", option, "--format", "json").ended(Exit.OK).json()["notes"]
        assert [each["code"] for each in document] == code


# -- what is left different ----

TWO = "postmaster: a@example.com\ndomain: {a.com: {max-smtp-out: 5}, '*': {max-smtp-out: 9}}"


@pytest.mark.parametrize(
    ("options", "more", "left"),
    [
        (["--target", "domain[**]"], "", {("setting[postmaster]", "create", "--target")}),
        (["--exclude", "domain[*]"], "", {("domain[*]", "create", "--exclude")}),
        (
            ["--target", "domain[a.com]", "--exclude", "*a.com*"],
            "",
            {
                ("setting[postmaster]", "create", "--target"),
                ("domain[*]", "create", "--target"),
                ("domain[a.com]", "create", "--exclude"),
            },
        ),
        ([], "lifecycle: {ignore: ['domain[*]']}", {("domain[*]", "create", "lifecycle.ignore")}),
        ([], "", set()),
    ],
    ids=["target", "exclude", "both", "ignore", "nothing"],
)
def test_what_stays_different_is_counted_and_named(
    one: ProjectFolder, options: list[str], more: str, left: set[tuple[str, str, str]]
) -> None:
    one.config(TWO, f"{more}\n")
    document = one.plan("--format", "json", *options).ended(Exit.OK).json()
    (host,) = document["hosts"]
    assert {(each["address"], each["action"], each["by"]) for each in host["left"]} == left
    assert document["summary"]["left_different"] == len(left)
    run = one.apply("--format", "json", *options).ended(Exit.OK).lines()[-1]
    assert {each["address"] for each in run["hosts"][0]["left"]} == {address for address, _, _ in left}
    again = one.plan(*options).ended(Exit.OK)
    assert ('as the stack "fleet" declares' in again.words) is (not left)
    assert all(address in again.words for address, _, _ in left)
    result = one.apply(*options).ended(Exit.OK)
    number = f"{len(left)} difference{'s stay' if len(left) > 1 else ' stays'} because of"
    assert (number in result.out.splitlines()[-1]) is bool(left)


def test_a_choice_that_leaves_nothing_is_as_the_stack_says(one: ProjectFolder) -> None:
    one.config(TWO)
    one.apply().ended(Exit.OK)
    assert 'No changes. 1 host is as the stack "fleet" declares.' in one.plan("--target", "domain[*]").out


def test_what_is_ignored_and_differs_is_seen_on_a_host_that_no_one_touched(one: ProjectFolder) -> None:
    """The quick look at a host that is as we left it knows nothing of ignored blocks."""
    one.host.put(RUNS + "<domain a.com>\n    max-smtp-out 1\n</domain>\n")
    one.config(TWO, "lifecycle: {ignore: ['domain[a.com]']}\n")
    one.apply().ended(Exit.OK)
    result = one.plan().ended(Exit.OK)
    assert result.out.startswith("No changes to make on 1 host. 1 difference stays because of lifecycle.ignore.\n")
    assert "mta1:domain[a.com]" in result.words
    row = one.run("hosts", "--format", "json").ended(Exit.OK).json()["hosts"][0]
    assert (row["changes"], row["left_different"]) == (0, 1)
    shown = one.run("hosts").ended(Exit.OK)
    assert "nothing, 1 left" in shown.words
    assert "1 host: 1 with differences that stay." in shown.words
    one.host.put(one.host.read().replace("max-smtp-out 1\n", "max-smtp-out 5\n"))
    assert 'as the stack "fleet" declares' in one.plan().out


def test_what_is_ignored_and_as_declared_is_no_difference(one: ProjectFolder) -> None:
    one.host.put(RUNS + "<domain a.com>\n    max-smtp-out 5\n</domain>\n")
    one.config(TWO, "lifecycle: {ignore: ['domain[a.com]']}\n")
    one.apply().ended(Exit.OK)
    one.settled()


def test_protected_blocks_are_left_by_name(one: ProjectFolder) -> None:
    one.config(TWO)
    one.apply().ended(Exit.OK)
    one.config(
        TWO.replace("5}", "6}").replace(", '*': {max-smtp-out: 9}", ""), "lifecycle: {protect: ['domain[**]']}\n"
    )
    (host,) = one.plan("--format", "json").json()["hosts"]
    assert {(each["address"], each["action"], each["by"]) for each in host["left"]} == {
        ("domain[a.com]", "update", "lifecycle.protect"),
        ("domain[*]", "delete", "lifecycle.protect"),
    }


def test_files_are_left_by_name_too(one: ProjectFolder) -> None:
    one.add_file("motd", "hello\n")
    one.config("postmaster: a@example.com", "files: {/etc/pmta/motd: {file: motd}}\n")
    (host,) = one.plan("--format", "json", "--exclude", "file[*]").ended(Exit.OK).json()["hosts"]
    assert [(each["address"], each["by"]) for each in host["left"]] == [("file[/etc/pmta/motd]", "--exclude")]


def test_a_frozen_host_is_counted_in_the_verdict(one: ProjectFolder) -> None:
    one.config(TWO, "freeze: {until: 2099-01-01, reason: holidays}\n")
    document = one.plan("--format", "json").ended(Exit.OK).json()
    assert document["summary"]["frozen_hosts"] == 1
    assert "1 host with changes is frozen." in document["verdict"]
    assert document["hosts"][0]["frozen"] is True


def test_a_plan_file_that_is_missing_is_no_unknown_stack(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    assert "[no-such-plan]" in one.run("apply", "missing.plan").ended(Exit.USAGE).err
    assert "[no-such-stack]" in one.run("apply", "missing").ended(Exit.USAGE).err
