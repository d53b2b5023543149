"""No finding holds a secret: every sensitive directive, wherever it may be, coming, going and changing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pmtaform.lang.catalogue import GLOBAL, catalogue
from pmtaform.lang.includes import Configuration, read_configuration
from pmtaform.plan.dangers import find_dangers

MAIN = "/etc/pmta/config"
CANARY, OTHER = "cafe0canary0one0word0that0is0secret", "cafe0canary0two0word0that0is0secret"
BASE = "log-file /l\n<spool /s>\n</spool>\n<source 0/0>\n  require-auth yes\n  always-allow-relaying yes\n</source>\n"
ARGUMENTS = {"source": "10.0.0.0/8", "smtp-listener": "0.0.0.0:25", "acct-file": "/a.csv", "spool": "/s2"}


def places() -> Iterator[tuple[str, str]]:
    for spec in catalogue().directives:
        if spec.sensitive is not None:
            yield from ((scope, spec.name) for scope in spec.scopes)
    yield from ((GLOBAL, "http-access"), ("domain", "auth-token"), (GLOBAL, "admin-password"))


def text(scope: str, name: str, secret: str) -> str:
    spec = catalogue().directive(scope, name)
    first = "/etc/pmta/one.pem " if spec is not None and spec.sensitive == "second" else ""
    line = f"{name} {first}{secret}" + (" admin" if name == "http-access" else "")
    if scope == GLOBAL:
        return f"{BASE}{line}\n"
    return f"{BASE}<{scope} {ARGUMENTS.get(scope, 'one.example')}>\n  {line}\n</{scope}>\n"


def read(content: str) -> Configuration:
    return read_configuration(MAIN, {MAIN: content.encode()})


@pytest.mark.parametrize(("scope", "name"), sorted(set(places())))
def test_no_finding_holds_a_secret(scope: str, name: str) -> None:
    one, two, none = text(scope, name, CANARY), text(scope, name, OTHER), BASE
    for before, after in ((one, none), (none, one), (one, two)):
        for finding in find_dangers(read(before), read(after)):
            assert "canary" not in finding.detail
            assert "canary" not in str(finding.cause)
