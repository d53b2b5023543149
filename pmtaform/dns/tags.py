"""Lists of `tag=value` pairs, as DKIM and DMARC records have them (RFC 6376, section 3.2)."""

from __future__ import annotations

import re
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class TagError(ValueError):
    """A record is not a list of tags, or lacks one."""


def tags_of(text: str) -> dict[str, str]:
    """The tags in their order, trimmed. Raises `TagError`."""
    tags: dict[str, str] = {}
    pairs = text.split(";")
    if not pairs[-1].strip():
        pairs.pop()
    for pair in pairs:
        name, equals, value = pair.partition("=")
        name = name.strip()
        if not equals or not _NAME.fullmatch(name):
            raise TagError(f"{pair.strip()[:40]!r} is not tag=value")
        if name in tags:
            raise TagError(f"the tag {name} appears twice")
        tags[name] = value.strip()
    if not tags:
        raise TagError("it is empty")
    return tags
