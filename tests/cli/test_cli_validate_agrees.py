"""What `validate` refuses, `plan` and `apply` refuse, with the same exit code; what was there before blocks nothing."""

from __future__ import annotations

import pytest
from projects import RUNS, ProjectFolder

from pmtaform.diagnostics import Exit

# Text of a native file that is written to a host, and the rule that refuses it.
REFUSED = {
    "a regex without its end": ("<smtp-pattern-list p>\n    reply /421/(? mode=backoff\n</smtp-pattern-list>\n", ""),
    "a regex that is none": ("<smtp-pattern-list p>\n    reply /^421 (/ mode=backoff\n</smtp-pattern-list>\n", ""),
    "an invented directive": ("<domain a.example>\n    max-conn 80\n</domain>\n", "invented-directive"),
    "a directive at the wrong place": (
        "<domain a.example>\n    log-file /var/log/x\n</domain>\n",
        "misplaced-directive",
    ),
    "no boolean": ("<domain a.example>\n    dkim-sign perhaps\n</domain>\n", ""),
    "no rate": ("<domain a.example>\n    max-msg-rate 100/fortnight\n</domain>\n", ""),
    "no duration": ("<domain a.example>\n    retry-after 10 monkeys\n</domain>\n", ""),
    "a value that is missing": ("<domain a.example>\n    max-smtp-out\n</domain>\n", ""),
    "an equals sign": ("<domain a.example>\n    max-smtp-out = 20\n</domain>\n", ""),
    "braces": ("domain a.example {\n    max-smtp-out 20\n}\n", ""),
    "a macro that contains itself": ("domain-macro a $a\n", ""),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_as_a_whole_is_not_written(one: ProjectFolder, case: str) -> None:
    text, code = REFUSED[case]
    one.stack("native: [n.conf]", activation="none")
    one.add_file("n.conf", text)
    before = one.host.tree()
    refused = one.run("validate").ended(Exit.INVALID)
    assert code in refused.all
    for command in (["plan"], ["apply", "--auto-approve"], ["plan", "--out", str(one.root / "p.json")]):
        result = one.run(*command).ended(Exit.INVALID)
        assert code in result.all
        assert "n.conf:" in result.all
    assert one.host.tree() == before
    assert not (one.root / "p.json").exists()
    if code:
        one.apply("--allow", code).ended(Exit.OK)


IN_YAML = {
    "a regex": "smtp-pattern-list: {p: ['reply /^421 (/ mode=backoff']}",
    "an invented directive": "domain: {a.example: {max-conn: 80}}",
    "no rate": "domain: {a.example: {max-msg-rate: 100/fortnight}}",
}


@pytest.mark.parametrize("case", IN_YAML)
def test_in_yaml_as_in_native_text(one: ProjectFolder, case: str) -> None:
    one.config(IN_YAML[case])
    one.run("validate").ended(Exit.INVALID)
    one.plan().ended(Exit.INVALID)
    one.apply().ended(Exit.INVALID)


@pytest.mark.parametrize(
    "more",
    [
        "groups: {spare: {config: {domain: {a.example: {max-conn: 80}}}}}",
        "groups: {spare: {config: {no-such: 1}}}",
        "groups: {spare: {dkim-keys: {nonsense: {}}}}",
        "groups: {spare: {files: {relative: {file: x}}}}",
    ],
)
def test_layers_that_no_host_uses_count(one: ProjectFolder, more: str) -> None:
    one.config("postmaster: a@example.com", f"{more}\n")
    same = one.run("validate").code
    assert one.plan().code == same
    assert one.apply().code == same


def test_hosts_that_are_not_chosen_count(project: ProjectFolder) -> None:
    for name in ("mta1", "mta2"):
        project.add_host(name)
    hosts = {"mta1": {}, "mta2": {"config": {"domain": {"a.example": {"max-msg-rate": "${none}"}}}}}
    project.stack("config:\n  postmaster: a@example.com\n", hosts, activation="none")
    project.run("validate").ended(Exit.INVALID)
    project.plan("--host", "mta1").ended(Exit.INVALID)
    project.apply("--host", "mta1").ended(Exit.INVALID)


# -- guards ----


def test_a_fault_that_was_there_before_blocks_nothing(one: ProjectFolder) -> None:
    """An adopted server with a fault: the stack is refused by `validate`, and its other blocks change."""
    fault = "<domain a.example>\n    max-conn 80\n</domain>\n"
    one.host.put(RUNS + fault)
    one.stack("native: [n.conf]\nconfig: {postmaster: a@example.com}", activation="none")
    one.add_file("n.conf", fault)
    assert "postmaster" in one.apply().ended(Exit.OK).out
    one.plan().ended(Exit.OK)


def test_a_suppression_with_its_reason_holds_everywhere(one: ProjectFolder) -> None:
    one.stack("native: [n.conf]", activation="none")
    reason = "# pmtaform: ignore invented-directive because our build has it"
    one.add_file("n.conf", f"<domain a.example>\n    {reason}\n    max-conn 80\n</domain>\n")
    one.run("validate").ended(Exit.OK)
    one.apply().ended(Exit.OK)


def test_drift_and_hosts_look_all_the_same(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    one.apply().ended(Exit.OK)
    one.config("smtp-pattern-list: {p: ['reply /^421 (/ mode=backoff']}", "groups: {spare: {config: {no-such: 1}}}\n")
    one.plan().ended(Exit.INVALID)
    one.run("drift").ended(Exit.OK)
    one.run("hosts").ended(Exit.OK)
