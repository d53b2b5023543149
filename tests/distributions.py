"""Distributions with entry points, made in a folder and put on `sys.path`, as pip would have installed them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest


def install(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    *,
    name: str,
    version: str = "1.0",
    entry_points: str,
    modules: Mapping[str, str],
) -> None:
    """Put a distribution into `folder` and the folder on `sys.path`, until the test ends.

    `entry_points` is the text of its `entry_points.txt`; `modules` are texts by file.
    """
    metadata = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (metadata / "entry_points.txt").write_text(entry_points)
    for file, text in modules.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        monkeypatch.delitem(sys.modules, path.stem, raising=False)
    monkeypatch.syspath_prepend(str(folder))
