"""`pmtaform explain` as a command."""

from __future__ import annotations

import pytest
from projects import ProjectFolder

from pmtaform.diagnostics import Exit


def test_a_directive(project: ProjectFolder) -> None:
    result = project.run("explain", "max-msg-rate").ended(Exit.OK)
    assert result.out.startswith("max-msg-rate, in <domain>\n")
    assert "backoff-max-msg-rate: used instead of max-msg-rate in back-off mode" in result.words


def test_as_json(project: ProjectFolder) -> None:
    result = project.run("explain", "max-msg-rate", "--format", "json").ended(Exit.OK)
    assert result.json()["kind"] == "pmtaform-explanation"
    assert result.json()["meanings"][0]["scopes"] == ["domain"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["explain", "max-msg-raet"], 'Did you mean "max-msg-rate"?'),
        (["explain", "dkim-sign", "--scope", "source"], "it belongs in <domain>"),
        (["explain"], "--search WORDS"),
    ],
)
def test_what_cannot_be_explained(project: ProjectFolder, words, expected) -> None:
    result = project.run(*words).ended(Exit.USAGE)
    assert expected in result.words
    assert result.out == ""


def test_search(project: ProjectFolder) -> None:
    result = project.run("explain", "--search", "backoff rate").ended(Exit.OK)
    assert "backoff-max-msg-rate" in result.out
    document = project.run("explain", "--search", "backoff rate", "--format", "json").json()
    assert document["kind"] == "pmtaform-search"
    assert "backoff-max-msg-rate" in [hit["name"] for hit in document["hits"]]


LAYERS = """
config:
  postmaster: a@example.com
  domain:
    x.example: {max-smtp-out: 5, retry-after: 5m}
groups:
  fast:
    config:
      domain: {x.example: {max-smtp-out: 50}}
    native: ["files/${who}.conf"]
vars: {who: us}
"""
NATIVE = "<domain y.example>\n    auth-password geheim\n</domain>\n"


@pytest.fixture
def layered(one: ProjectFolder) -> ProjectFolder:
    one.add_file("files/us.conf", NATIVE)
    one.stack(
        LAYERS,
        {"mta1": {"groups": ["fast"], "config": {"domain": {"x.example": {"bounce-after": "1d"}}}}},
        activation="none",
    )
    return one


def test_where_the_values_of_a_block_were_written(layered: ProjectFolder) -> None:
    result = layered.run("explain", "mta1", "domain[x.example]", "--format", "json").ended(Exit.OK)
    rows = {row["name"]: (row["value"], row["layer"]) for row in result.json()["blocks"][0]["values"]}
    assert rows == {
        "max-smtp-out": ("50", "group fast"),
        "retry-after": ("5m", "stack"),
        "bounce-after": ("1d", "host mta1"),
    }
    lines = {row["name"]: row["line"] for row in result.json()["blocks"][0]["values"]}
    text = (layered.folder / "stack.yaml").read_text().split("\n")
    assert all(name in text[line - 1] for name, line in lines.items())


def test_the_same_with_why_for_people_and_secrets_masked(layered: ProjectFolder) -> None:
    result = layered.run("explain", "--why", "mta1:domain[**]").ended(Exit.OK)
    assert "mta1:domain[y.example]" in result.out
    assert "group fast: stacks/fleet/files/us.conf:2" in result.words
    assert "(sensitive)" in result.out
    assert "geheim" not in result.all


def test_a_block_that_is_not_declared(layered: ProjectFolder) -> None:
    result = layered.run("explain", "mta1", "domain[x.exampel]").ended(Exit.USAGE)
    assert "domain[x.example]" in result.words
