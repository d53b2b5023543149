"""`env:NAME`: an environment variable of this process."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final

from pmtaform.secrets.provider import ProviderKind, Unresolved

_PLACE: Final = "the environment of this process"
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class EnvironmentSecrets:
    """`env:NAME`. `environ` None: that of this process, at the time of each look-up."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = environ

    def fetch(self, name: str, *, deadline: float) -> bytes:  # noqa: ARG002 - never waits
        """The variable's value."""
        value = (os.environ if self._environ is None else self._environ).get(name)
        if value is None:
            raise Unresolved(_PLACE, f"{name} is not set", f"Set it before pmtaform runs:\n    export {name}=…")
        return os.fsencode(value)


def _problem(name: str) -> str:
    if _VARIABLE.fullmatch(name):
        return ""
    return "The name of an environment variable has letters, digits and underscores only."


ENVIRONMENT: Final = ProviderKind(
    argument="NAME", place=_PLACE, open=lambda _surroundings: EnvironmentSecrets(), problem=_problem
)
