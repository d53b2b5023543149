"""The distribution that `docs/extending.md` shows, installed as it is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from distributions import install

PAGE = Path(__file__).parent.parent / "docs" / "extending.md"
_BLOCK = re.compile(r"^```(?:python|toml)\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> dict[str, str]:
    """The files of the distribution, by their names."""
    return {match[1]: match[2] for match in _BLOCK.finditer(PAGE.read_text(encoding="utf-8"))}


def install_page(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Put the distribution on `sys.path` until the test ends."""
    files = blocks()
    project = tomllib.loads(files.pop("pyproject.toml"))["project"]
    lines = []
    for group, entries in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())]
    entry_points = "\n".join(lines) + "\n"
    install(
        monkeypatch, folder, name=project["name"], version=project["version"], entry_points=entry_points, modules=files
    )
