"""A project in a temporary folder, for tests that write their stacks as text."""

from __future__ import annotations

from pathlib import Path

from pmtaform.diagnostics import Diagnostic
from pmtaform.stack import check_stack

HOST = "hosts: {mta1: {transport: local, root: root}}\n"


class Project:
    """A project with one stack, `demo`, whose files are given as text."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "stacks" / "demo"
        self.folder.mkdir(parents=True)

    def write(self, text: str, name: str = "main.yaml") -> Project:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        return self

    def findings(self) -> tuple[Diagnostic, ...]:
        return check_stack(self.folder)[1]

    def codes(self) -> list[str]:
        return [finding.code for finding in self.findings()]
