"""Output of `pmta`: text for people, JSON, XML and `--dom` lines (docs/powermta/operations.md section 5)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

FORMS: Final = ("json", "xml", "dom")
# Not compiled here: that takes 7 ms, and only XML needs it.
_NOT_XML: Final = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"


@dataclass(slots=True)
class Reply:
    """The reply to a command: a message, its data, and the text for people."""

    message: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    ok: bool = True
    exit_code: int | None = None

    @property
    def code(self) -> int:
        """The exit code: 0 or 1, unless a fault sets it. PowerMTA's exit codes are not documented."""
        if self.exit_code is not None:
            return self.exit_code
        return 0 if self.ok else 1

    def render(self, form: str) -> str:
        """The reply in one form; "" is text."""
        if form == "json":
            document = {"status": "success" if self.ok else "error", "message": self.message, "data": self.data}
            return json.dumps(document, indent=2) + "\n"
        if form == "xml":
            body = f"<data>{_xml(self.data)}</data><succ/>" if self.ok else f"<error>{_escaped(self.message)}</error>"
            return f"<rsp>{body}</rsp>\n"
        if form == "dom":
            lines = list(_dom("", self.data)) if self.ok else []
            if self.message and not lines:
                lines.append(f'{"message" if self.ok else "error"}="{self.message}"')
            return "".join(line + "\n" for line in lines)
        return (self.text or self.message).rstrip("\n") + "\n"


def _xml(value: object) -> str:
    if isinstance(value, Mapping):
        return "".join(_element(str(name), inner) for name, inner in value.items())
    return _escaped(_plain(value))


def _element(name: str, value: object) -> str:
    if isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    return f"<{name}>{_xml(value)}</{name}>"


def _escaped(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(_NOT_XML, "\ufffd", text)


def _dom(path: str, value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _dom(f"{path}.{name}" if path else str(name), inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _dom(f"{path}[{number}]", inner)
    else:
        yield f'{path}="{_plain(value)}"'


def _plain(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)
