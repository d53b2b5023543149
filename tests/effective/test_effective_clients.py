"""What holds for a client, and where its message goes: row by row (`clients.toml`), and as a command."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from projects import ProjectFolder

from pmtaform.cli.effective_client import Asked, submission
from pmtaform.diagnostics import Exit
from pmtaform.lang.effective import DEFAULT_VMTA, Effective
from pmtaform.lang.includes import single
from pmtaform.lang.parsing import parse

CASES = tomllib.loads(Path(__file__).with_name("clients.toml").read_text(encoding="utf-8"))["case"]


def asked(case: dict) -> Asked:
    return Asked(
        client=case["client"],
        listener=case.get("listener"),
        user=case.get("user"),
        mail_from=case.get("mail_from"),
        rcpt_to=case.get("rcpt_to"),
        headers=tuple(case.get("headers", ())),
        virtual_mta_header=case.get("header"),
        merge_variable=case.get("merge"),
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_holds_for_a_client(case: dict) -> None:
    made = submission(Effective(single(parse(case["config"].lstrip("\n"), "c"))), asked(case))
    for name, (text, line) in case["values"].items():
        value = made.settings.values[name]
        assert (value.text, [each.number for each in value.lines]) == (text, [line])
        assert list(value.assumptions) == case.get("assumes", {}).get(name, [])
    route = made.route
    assert sorted(route.choices) == sorted(case["choices"])
    assert route.is_certain is case.get("certain", len(case["choices"]) == 1)
    assert (list(route.members), route.rejected) == (case.get("members", []), case.get("rejected", False))
    assert any(case.get("doubt", "") in doubt for doubt in (*route.doubts, *([] if "doubt" in case else [""])))
    assert any(case["note"] in note for note in (*made.settings.notes, *route.notes)) if "note" in case else True


def test_the_default_virtual_mta_is_named_as_elsewhere() -> None:
    assert submission(Effective(single(parse("", "c"))), Asked(client="::1")).route.choices == (DEFAULT_VMTA,)


CONFIG = next(case for case in CASES if case["name"].startswith("3.3.14"))["config"]


@pytest.fixture
def folder(project: ProjectFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectFolder:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.conf").write_text(CONFIG)
    return project


def test_as_text(folder: ProjectFolder) -> None:
    words = ["--client", "10.1.2.3", "--mail-from", "<a@x.example>", "--rcpt-to", "b@y.example"]
    result = folder.run("effective", "c.conf", *words).ended(Exit.OK)
    assert result.out.startswith("client 10.1.2.3\n  sources: <source 10/8>\n")
    assert "pattern-list  p: rcpt-to /@y\\.example$/ virtual-mta=vb\n    c.conf:3 in <pattern-list p>\n" in result.out
    assert "\n  Virtual MTA vb\n" in result.out


def test_what_cannot_be_told_is_no_success(folder: ProjectFolder) -> None:
    result = folder.run("effective", "c.conf", "--client", "10.1.2.3").ended(Exit.ERROR)
    assert "Not certain which: va or vb" in result.out
    document = folder.run("effective", "c.conf", "--client", "10.1.2.3", "--format", "json").ended(Exit.ERROR).json()
    assert (document["kind"], document["virtual_mta"]["certain"]) == ("pmtaform-effective-client", False)


def test_as_json(folder: ProjectFolder) -> None:
    words = ["--client", "10.1.2.3", "--mail-from", "a@z.example", "--format", "json"]
    document = folder.run("effective", "c.conf", *words).ended(Exit.OK).json()
    assert document["virtual_mta"]["choices"] == ["va"]
    assert document["virtual_mta"]["steps"][0]["line"] == {"file": "c.conf", "line": 2, "section": "<pattern-list p>"}
    assert document["values"]["pattern-list"]["values"] == ["p"]
    assert document["sources"] == ["<source 10/8>"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--mail-from", "a@x.example"], "add --client ADDRESS"),
        (["--client", "nobody"], "is no address"),
        (["--client", "10.1.2.3", "--user", "ann"], 'No SMTP user "ann". There is none.'),
        (["--client", "10.1.2.3", "--listener", "0/0:26"], "No listener"),
    ],
)
def test_what_is_not_there(folder: ProjectFolder, words: list[str], expected: str) -> None:
    result = folder.run("effective", "c.conf", *words).ended(Exit.USAGE)
    assert expected in result.err
