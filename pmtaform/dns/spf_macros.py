"""Macros in SPF domains (RFC 7208, section 7): `%{ir}.%{v}._spf.%{d2}`."""

from __future__ import annotations

import ipaddress
import re
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

_MACRO: Final = re.compile(r"%(?:\{([slodiphcrtvSLODIPHCRTV])(\d*)([rR]?)([-.+,/_=]*)\}|([%_-])|)")
_LITERALS: Final = {"%": "%", "_": " ", "-": "%20"}


class MacroError(ValueError):
    """A macro breaks the grammar."""


@dataclass(frozen=True, slots=True)
class Macros:
    """The values of macros."""

    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    sender: str
    helo: str
    domain: str

    def value(self, letter: str) -> str:
        """The value of one letter; `p` is "unknown", as the RFC allows."""
        local, _, host = self.sender.rpartition("@")
        if letter == "i":
            if self.address.version == 4:
                return str(self.address)
            return ".".join(self.address.exploded.replace(":", ""))
        values = {
            "s": self.sender if local else f"postmaster@{host}",
            "l": local or "postmaster",
            "o": host,
            "d": self.domain,
            "h": self.helo,
            "v": "in-addr" if self.address.version == 4 else "ip6",
            "c": str(self.address),
            "t": str(int(time.time())),
        }
        return values.get(letter, "unknown")


def check(text: str) -> None:
    """Raises `MacroError` when `text` is not a macro string of visible ASCII."""
    for match in _MACRO.finditer(text):
        if match[0] == "%" or match[2] == "0" or (match[1] or "").lower() in ("c", "r", "t"):
            raise MacroError(f"{match[0]} is not a macro for a domain")
    if not all("!" <= c <= "~" for c in text):
        raise MacroError("it has characters that are not visible ASCII")


def expand(text: str, macros: Macros) -> str:
    """The domain after expansion of `text`; labels on its left go when it is longer than 253 characters."""
    check(text)
    name = _MACRO.sub(lambda match: _one(match, macros), text).rstrip(".").lower()
    while len(name) > 253 and "." in name:
        name = name.partition(".")[2]
    return name


def _one(match: re.Match[str], macros: Macros) -> str:
    if match[5]:
        return _LITERALS[match[5]]
    parts = re.split("[" + re.escape(match[4] or ".") + "]", macros.value(match[1].lower()))
    if match[3]:
        parts.reverse()
    if match[2]:
        parts = parts[-int(match[2]) :]
    value = ".".join(parts)
    return quote(value, safe="") if match[1].isupper() else value
