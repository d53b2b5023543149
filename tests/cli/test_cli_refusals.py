"""A run that does not start says why once: on stderr as text, and as the last line of JSON."""

from __future__ import annotations

import json

from projects import ProjectFolder

from pmtaform.diagnostics import Exit
from pmtaform.report.events import events_schema

OPEN = "{source: {0/0: {always-allow-relaying: true}}}"


def last_line(text: str) -> dict[str, object]:
    document: dict[str, object] = json.loads(text.splitlines()[-1])
    return document


def test_a_blocked_apply_is_a_line_of_json(one: ProjectFolder) -> None:
    one.config(OPEN)
    result = one.run("apply", "--auto-approve", "--format", "json").ended(Exit.BLOCKED)
    line = last_line(result.out)
    assert line["kind"] == "pmtaform-refusal"
    assert line["exit_code"] == Exit.BLOCKED
    problems = line["problems"]
    assert isinstance(problems, list)
    assert {problem["kind"] for problem in problems} == {"blocked"}
    assert "open-relay" in {problem["code"] for problem in problems}
    assert "pmtaform-refusal" in events_schema()["$defs"]


def test_a_plan_that_is_allowed_has_no_such_line(one: ProjectFolder) -> None:
    one.config(OPEN)
    result = one.run("apply", "--auto-approve", "--allow", "open-relay", "--format", "json")
    assert last_line(result.out)["kind"] == "pmtaform-run"


def test_a_rollback_shows_the_sentence_of_a_danger_once(one: ProjectFolder) -> None:
    one.config(OPEN)
    one.apply("--allow", "open-relay").ended(Exit.OK)
    one.config("{postmaster: ops@example.com}")
    one.apply("--allow", "submission-cut-off").ended(Exit.OK)
    result = one.run("rollback", "mta1", "--auto-approve").ended(Exit.BLOCKED)
    document = json.loads(one.run("rollback", "mta1", "--auto-approve", "--format", "json").out.splitlines()[0])
    sentences = [danger["detail"] for danger in document["dangers"] if danger["code"] == "open-relay"]
    assert sentences
    both = " ".join(f"{result.out} {result.err}".split())
    assert [both.count(sentence) for sentence in sentences] == [1] * len(sentences)


def test_a_host_that_was_not_reached_is_so_in_text_json_and_exit_code(one: ProjectFolder) -> None:
    one.config("{}")
    root = one.host.root
    root.rename(root.with_name("moved"))
    result = one.plan().ended(Exit.UNREACHABLE)
    assert "1 host could not be reached." in result.words
    assert "could not be planned" not in result.words, "it was not reached, which is another thing"
    failures = one.plan("--format", "json").ended(Exit.UNREACHABLE).json()["failures"]
    assert [(problem["code"], problem["kind"]) for problem in failures.values()] == [
        ("root-missing", "host-unreachable")
    ]
    run = last_line(one.run("apply", "--auto-approve", "--format", "json").ended(Exit.UNREACHABLE).out)
    hosts = run["hosts"]
    assert isinstance(hosts, list)
    assert [(host["verdict"], host["problem"]["kind"]) for host in hosts] == [("unreachable", "host-unreachable")]
