"""The stack that `pmtaform init` writes to start from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from pmtaform.diagnostics.codes.command_line import BAD_STACK_NAME, STACK_EXISTS
from pmtaform.errors import UsageError

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]*")
FILE: Final = "main.yaml"


def write_starter(folder: Path, name: str) -> list[Path]:
    """Write a commented stack called `name` into `folder`, and the folder that takes the place of its first host.

    Returns the files written. Raises `UsageError` when the name cannot be one, or when `folder` is not called so or
    holds anything: nothing is ever overwritten.
    """
    if not _NAME.fullmatch(name):
        detail = f"{name!r}: a stack's name has small letters, digits and dashes, and no dash at its start."
        raise UsageError.of(BAD_STACK_NAME, detail)
    if folder.name != name:
        detail = f"The folder is called `{folder.name}`, and a stack is called like its folder."
        raise UsageError.of(BAD_STACK_NAME, detail)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        detail = f"{folder} exists already and is not empty. Nothing was written. Choose another name."
        raise UsageError.of(STACK_EXISTS, detail)
    text = (Path(__file__).parent / "starter.yaml").read_text(encoding="utf-8")
    (folder / "hosts" / "mta1" / "etc" / "pmta").mkdir(parents=True)
    path = folder / FILE
    with path.open("x", encoding="utf-8") as file:
        file.write(text.replace("@NAME@", name))
    return [path]
