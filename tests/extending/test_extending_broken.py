"""A plug-in that cannot be loaded is named, with its distribution, by the command that needs it."""

from __future__ import annotations

from pathlib import Path

import pytest
from distributions import install
from projects import ProjectFolder

from pmtaform.diagnostics import Exit

# What the stack or the project needs, and the command that needs it.
GROUPS = {
    "pmtaform.transports": ["plan", "fleet"],
    "pmtaform.secret_providers": ["plan", "fleet"],
    "pmtaform.state_backends": ["plan", "fleet"],
    "pmtaform.dangers": ["plan", "fleet"],
    "pmtaform.lint_rules": ["validate", "fleet"],
}
BROKEN = {
    "no such module": ("acme_gone:THING", "gone", "No module"),
    "no such name": ("acme_broken:MISSING", "", "MISSING"),
    "another type": ("acme_broken:THING", "THING = 5\n", "int"),
    "an error at import": ("acme_broken:THING", "raise RuntimeError('it is broken')\n", "it is broken"),
}


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("group", GROUPS)
def test_a_broken_plug_in_is_named(
    one: ProjectFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, group: str, case: str
) -> None:
    target, text, why = BROKEN[case]
    host = {"transport": "acme"} if group == "pmtaform.transports" else {}
    needs_secret = group == "pmtaform.secret_providers"
    line = "auth-username: u, auth-password: {secret: 'acme:x'}" if needs_secret else "max-msg-rate: 1/h"
    one.stack(f"config: {{domain: {{x.example: {{{line}}}}}}}", hosts={"mta1": host})
    if group == "pmtaform.state_backends":
        (one.root / "pmtaform.yaml").write_text("backend: acme\n")
    install(
        monkeypatch,
        tmp_path / "site",
        name="acme-things",
        version="1.2",
        entry_points=f"[{group}]\nacme = {target}\n",
        modules={"acme_broken.py": text},
    )
    result = one.run(*GROUPS[group])
    assert result.code not in (Exit.OK, Exit.CHANGES)
    assert "acme-things" in result.words
    assert why in result.words
    assert "this is a bug in pmtaform" not in result.words
