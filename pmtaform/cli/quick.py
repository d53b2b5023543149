"""Reading the command line without pydantic, which Typer 0.29 loads for every option and argument.

Text, paths, choices and lists of text need no library: what is plainly right is taken here, everything else is left to
Typer, with its messages. A Typer that does not work this way is left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

_NO: Any = object()


def quicken(command: Any) -> Any:
    """The command, and all below it, with values that are read the quick way."""
    typers_own = command.get_params
    # Not `params`: an option for help is added when it is first asked for.
    command.get_params = lambda ctx: [_quick(parameter) for parameter in typers_own(ctx)]
    for below in getattr(command, "commands", {}).values():
        quicken(below)
    return command


def _quick(parameter: Any) -> Any:
    read_by = getattr(parameter, "get_runtime_param", None)
    if read_by is not None and not isinstance(read_by, _Quick):
        described = getattr(parameter, "type_descriptor", None)
        read = _reader(getattr(described, "annotation", None))
        if read is not None:
            parameter.get_runtime_param = _Quick(read, read_by)
    return parameter


class _Quick:
    """Takes the place of Typer's parser of a value."""

    def __init__(self, read: Callable[[Any], Any], typers_own: Callable[[], Any]) -> None:
        self._read = read
        self._typers_own = typers_own

    def __call__(self) -> _Quick:
        return self

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value as the command wants it."""
        several = param.multiple or param.nargs == -1
        if value is None:
            return () if several else None
        chosen = self._read(value)
        return self._typers_own().coerce(value, param=param, ctx=ctx) if chosen is _NO else chosen


def _reader(kind: Any) -> Callable[[Any], Any] | None:
    """What reads values of a type; it returns `_NO` for what it cannot read."""
    if kind in (str, bool, int):
        return lambda value: value if type(value) is kind else _NO
    if kind is Path:
        return lambda value: Path(value) if isinstance(value, (str, Path)) else _NO
    if kind == list[str]:
        return lambda value: list(value) if isinstance(value, (list, tuple)) and _all_text(value) else _NO
    if isinstance(kind, type) and issubclass(kind, Enum):
        known = {member.value: member for member in kind}
        return lambda value: known.get(value, _NO)
    return None


def _all_text(values: Any) -> bool:
    return all(isinstance(value, str) for value in values)
