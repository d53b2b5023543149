"""What a fresh look found once, and must not find again."""

from __future__ import annotations

import pytest
from projects import RUNS, ProjectFolder

from pmtaform.diagnostics import Exit

TYPOS = (
    RUNS
    + "<smtp-user app>\n    passwrod CANARY-1\n</smtp-user>\n<domain a.example>\n    auth-pasword CANARY-2\n</domain>\n"
)


@pytest.mark.parametrize(
    "words", [("plan", "--diff"), ("plan", "--format", "json"), ("plan", "--effective"), ("lint", "--host", "mta1")]
)
def test_secrets_behind_misspelt_words_are_masked(one: ProjectFolder, words: tuple[str, ...]) -> None:
    one.host.put(TYPOS)
    one.config("smtp-user: {app: {source: '{auth}'}}\ndomain: {a.example: {max-smtp-out: 5}}")
    assert "CANARY" not in one.run(*words).all


def test_a_reference_is_not_taken_for_a_weak_api_key(one: ProjectFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "a1" * 20)
    one.config("postmaster: a@example.com\nhttp-api-key: {secret: env:KEY}")
    assert "weak-api-key" not in one.run("validate").ended(Exit.OK).all
    assert "weak-api-key" not in one.plan().ended(Exit.OK).all


def test_a_native_file_outside_the_project_is_not_read_out(one: ProjectFolder) -> None:
    secret = one.root.parent / "outside.conf"
    secret.write_text("CANARY-3\n")
    one.stack("native: [../../../outside.conf]\n", activation="none")
    result = one.run("validate").ended(Exit.INVALID)
    assert "native-outside" in result.all
    assert "CANARY" not in result.all


def test_a_file_changed_by_hand_to_what_is_wanted_may_not_be_in_force(live: ProjectFolder) -> None:
    live.stack("config: {domain: {a.example: {max-smtp-out: 2}}}")
    live.apply().ended(Exit.OK)
    live.host.put(live.host.read().replace("max-smtp-out 2", "max-smtp-out 5"))
    live.stack("config: {domain: {a.example: {max-smtp-out: 5}}}")
    result = live.plan().ended(Exit.OK)
    assert "Changed file perhaps not in force" in result.words
    assert "pmta reload" in result.words
