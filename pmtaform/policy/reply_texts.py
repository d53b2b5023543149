"""Replies out of texts: one a line, replies in several lines, and the records of an accounting file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

MOST_CHARACTERS: Final = 8192  # of one reply; an SMTP line has at most 512
DIAGNOSTIC: Final = "dsnDiag"
_CONTINUED: Final = re.compile(r"([2-5]\d\d)-")
_KIND: Final = re.compile(r"^\s*smtp;", re.IGNORECASE)
_LINE_END: Final = re.compile(r"\r\n|\n|\r")  # not the others of `str.splitlines`: they may be in a reply
_CODE: Final = re.compile(r"[2-5]\d\d(?![0-9])")


@dataclass(frozen=True, slots=True)
class SmtpReply:
    """A reply of a remote server. `lines` has more than one for a reply in several lines.

    `domain` is the recipient's domain, `queue` the domain of the queue and `vmta` its virtual MTA, where a record
    has them.
    """

    lines: tuple[str, ...]
    domain: str | None = None
    queue: str | None = None
    vmta: str | None = None

    @property
    def text(self) -> str:
        """The reply on one line."""
        return " ".join(self.lines)

    @property
    def forms(self) -> tuple[str, ...]:
        """The texts that a pattern may see: how PowerMTA joins the lines of a reply is not documented."""
        return (self.text, "\n".join(self.lines)) if len(self.lines) > 1 else (self.text,)

    @property
    def code(self) -> str | None:
        """Its code, as `421`; None: it has none."""
        return self.text[:3] if _CODE.match(self.text) else None


def looks_like_reply(text: str) -> bool:
    """Whether a text begins like a reply or contains several words, rather than naming a file."""
    text = text.strip()
    return bool(_CODE.match(text)) or text.lower().startswith("smtp;") or len(text.split()) > 1


def replies_in(text: str) -> Iterator[SmtpReply]:
    """The replies of a text: the records of an accounting file with a header, else one reply a line.

    Raises `csv.Error` for records that are not CSV.
    """
    text = text.removeprefix("\ufeff")
    first = text.partition("\n")[0]
    if DIAGNOSTIC in first and DIAGNOSTIC in next(csv.reader([first]), []):
        yield from _of_records(text)
    else:
        yield from _of_lines(_LINE_END.split(text))


def _of_records(text: str) -> Iterator[SmtpReply]:
    """The replies of records, columns by the names of the header; it is repeated where a program appended."""
    for row in csv.DictReader(io.StringIO(text, newline="")):
        diagnostic = row.get(DIAGNOSTIC) or ""
        kind, semicolon, reply = diagnostic.partition(";")
        if not semicolon or kind.strip().lower() != "smtp":
            continue  # a header again, no reply, or PowerMTA's own decision ("x-pmta;…")
        lines = tuple(_cut(line) for line in _LINE_END.split(reply) if line.strip())
        queue, _, vmta = (row.get("queue") or "").partition("/")
        domain = (row.get("rcpt") or "").rpartition("@")[2].lower()
        if lines:
            yield SmtpReply(lines, domain or None, queue or None, vmta or row.get("vmta") or None)


def _of_lines(lines: Iterable[str]) -> Iterator[SmtpReply]:
    pending: list[str] = []
    for raw in lines:
        line = _cut(_KIND.sub("", raw, count=1))
        if pending and not line.startswith(pending[0][:3]):
            yield SmtpReply(tuple(pending))
            pending = []
        if not line:
            continue
        pending.append(line)
        if not _CONTINUED.match(line):
            yield SmtpReply(tuple(pending))
            pending = []
    if pending:
        yield SmtpReply(tuple(pending))


def _cut(text: str) -> str:
    return text.strip()[:MOST_CHARACTERS]
