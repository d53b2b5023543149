"""What a plan knows of PowerMTA: what lint finds in the blocks that it changes, and what it does to queues."""

from __future__ import annotations

from projects import RUNS, ProjectFolder

from pmtaform.diagnostics import Exit

LAYERS = RUNS + (
    "<domain *>\n    max-smtp-out 5\n</domain>\n"
    "<domain gmail.com>\n    max-smtp-out 20\n</domain>\n"
    "<virtual-mta v1>\n    smtp-source-host 192.0.2.1 v1.example.com\n</virtual-mta>\n"
)


def test_a_plan_tells_what_lint_finds_in_the_blocks_that_it_changes(one: ProjectFolder) -> None:
    one.stack("native: [n.conf]\n", activation="none")
    one.add_file("n.conf", "<domain a.example>\n    retry-after 2d\n    bounce-after 1d\n</domain>\n")
    result = one.plan().ended(Exit.OK)
    assert "[retry-after-bounce]" in result.out
    assert "stacks/fleet/n.conf:2" in result.out
    assert "bounce-after" in result.out


def test_an_error_that_a_plan_does_not_touch_is_for_lint_and_stops_nothing(one: ProjectFolder) -> None:
    one.stack("native: [n.conf]\n", activation="none")
    one.add_file("n.conf", "<domain a.example>\n    max-conn 80\n</domain>\n")
    one.apply().ended(Exit.INVALID)
    one.apply("--allow", "invented-directive").ended(Exit.OK)
    one.stack("native: [n.conf]\nconfig:\n  postmaster: a@example.com\n", activation="none")
    result = one.plan().ended(Exit.OK)
    assert "setting[postmaster]" in result.out
    assert "invented-directive" not in result.words
    assert "invented-directive" in one.run("lint", "--host", "mta1").words
    one.apply().ended(Exit.OK)


def test_a_finding_with_a_reason_is_suppressed(one: ProjectFolder) -> None:
    one.stack("native: [n.conf]\n", activation="none")
    reason = "# pmtaform: ignore invented-directive because our build has it"
    one.add_file("n.conf", f"<domain a.example>\n    {reason}\n    max-conn 80\n</domain>\n")
    assert "invented-directive" not in one.plan().ended(Exit.OK).all


def test_the_queues_that_a_layered_change_moves_are_shown(one: ProjectFolder) -> None:
    one.host.put(LAYERS)
    one.config('domain: {"*": {max-smtp-out: 9}}')
    result = one.plan("--effective").ended(Exit.OK)
    effect = result.out.partition("Effect on the queues of mta1:")[2]
    assert "*/{default}, v1" in effect
    assert "max-smtp-out  5 -> 9" in effect
    assert "gmail.com" not in effect  # the exact domain has its own value


def test_a_change_of_text_that_moves_no_queue_says_so(one: ProjectFolder) -> None:
    one.host.put(LAYERS)
    one.config('domain: {"*": {max-smtp-out: 5}, mail.gmail.com: {max-smtp-out: 5}}')
    result = one.plan("--effective").ended(Exit.OK)
    assert "+ domain[mail.gmail.com]" in result.out
    assert "None: every queue and virtual MTA uses the values that it used before." in result.out


def test_effects_are_in_the_json_plan_which_still_can_be_applied(one: ProjectFolder) -> None:
    one.host.put(LAYERS)
    one.config("domain: {gmail.com: {max-smtp-out: 30}}")
    result = one.plan("--effective", "--format", "json").ended(Exit.OK)
    (host,) = result.json()["effects"]
    assert host["host"] == "mta1"
    assert {pair["domain"] for pair in host["pairs"]} == {"gmail.com"}
    path = one.root / "plan.json"
    path.write_text(result.out)
    one.run("apply", str(path)).ended(Exit.OK)
    assert "max-smtp-out 30" in one.host.read()


def test_a_misspelt_target_is_not_taken_for_nothing_to_do(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    result = one.plan("--target", "seting[postmaster]").ended(Exit.USAGE)
    assert 'Did you mean "setting[postmaster]"?' in result.words
    one.plan("--target", "setting[*]").ended(Exit.OK)


def test_a_host_that_left_the_stack_is_reported_until_it_is_forgotten(project: ProjectFolder) -> None:
    project.add_host("mta1")
    project.add_host("mta2")
    project.config("postmaster: a@example.com")
    project.apply().ended(Exit.OK)
    project.stack("config:\n  postmaster: a@example.com\n", {"mta1": {}}, activation="none")
    assert "pmtaform state forget mta2 fleet" in project.plan().ended(Exit.OK).words
    project.run("state", "forget", "mta2").ended(Exit.OK)
    assert "mta2" not in project.plan().ended(Exit.OK).all
    project.run("state", "forget", "mta2").ended(Exit.USAGE)
