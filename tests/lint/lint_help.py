"""What the tests of lint share."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pmtaform.lang.includes import Configuration, read_configuration, single
from pmtaform.lang.lint import Finding, Subject, lint
from pmtaform.lang.parsing import parse

MAIN = "/etc/pmta/config"
KINDS = [
    case
    for path in sorted((Path(__file__).parent / "cases" / "kinds").glob("*.toml"))
    for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]
]


def configuration(text: str) -> Configuration:
    return single(parse(text, MAIN))


def findings_of(text: str, *, whole: bool = False, enabled: tuple[str, ...] = (), **more: object) -> list[Finding]:
    subject = Subject(configuration=configuration(text), whole=whole, **more)  # type: ignore[arg-type]
    return lint(subject, enabled=enabled)


def findings_in(
    files: dict[str, str], *, whole: bool = True, patterns: dict[str, list[str]] | None = None
) -> list[Finding]:
    contents = {path: text.encode() for path, text in files.items()}
    return lint(Subject(configuration=read_configuration(MAIN, contents, patterns), whole=whole))


def told(findings: list[Finding]) -> list[tuple[str, int]]:
    """(rule, line) of every finding; line 0 for the file as a whole."""
    return [(finding.rule.code, finding.place.line or 0) for finding in findings]


def only(rule: str, findings: list[Finding]) -> list[int]:
    """The lines in which a rule found something."""
    return [line for name, line in told(findings) if name == rule]
