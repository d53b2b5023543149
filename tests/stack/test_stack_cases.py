"""Golden cases: folders under `cases/` (see README.md)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pmtaform.diagnostics import Diagnostic
from pmtaform.stack import Stack, check_stack, compile_host, render

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
WRITE = bool(os.environ.get("PMTAFORM_WRITE_EXPECTED"))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_case(case: Path) -> None:
    stack, result = check_stack(case)
    expected: dict[Path, str] = {}
    if result:
        expected[case / "expected-errors.txt"] = "".join(_shown(item, stack) + "\n" for item in result)
    if not any(item.severity == "error" for item in result):
        for host in stack.hosts:
            expected[case / "expected" / f"{host}.conf"] = _rendered(stack, host)
    if WRITE:
        _write(expected)
    there = {*case.glob("expected/*"), *case.glob("expected-errors.txt")}
    assert there == set(expected)
    for path, text in expected.items():
        assert text == path.read_text(encoding="utf-8"), path


def _write(expected: dict[Path, str]) -> None:
    for path, text in expected.items():
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")


def _shown(item: Diagnostic, stack: Stack) -> str:
    place = str(item.place).removeprefix(f"{stack.shown}/")
    return f"{place}: {item.severity} {item.code} | {item.summary}: {item.detail}".replace(f"{stack.shown}/", "")


def _rendered(stack: Stack, host: str) -> str:
    desired = compile_host(stack, host)
    files = render(desired)
    text = files.pop(desired.config)
    for path, more in files.items():
        text += f"=== {path}\n{more}"
    for key in desired.keys:
        text += f"=== KEY {key.path} {key.mode:04o} {key.reference}\n"
    for file in desired.managed:
        mode = "as found" if file.mode is None else f"{file.mode:04o}"
        text += f"=== FILE {file.path} {mode} {file.owner}:{file.group} {file.role}: {file.source}\n"
    return text
