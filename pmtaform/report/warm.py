"""Kept connections, as text for people and JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pmtaform.report.style import clean
from pmtaform.report.views import Screen, json_document


@dataclass(frozen=True, slots=True)
class KeptConnection:
    """One host's connection: since when it is there, and the seconds since its last use."""

    host: str
    since: datetime
    idle: float


def kept_of(answer: Mapping[str, Any] | None) -> list[KeptConnection]:
    """The connections that the process names in its answer."""
    now = datetime.now(UTC)
    return [
        KeptConnection(
            each["name"],
            datetime.fromtimestamp(each["since"], UTC),
            max(now.timestamp() - each["used"], 0.0),
        )
        for each in (answer["hosts"] if answer is not None else ())
    ]


@dataclass(frozen=True, slots=True)
class WarmTable:
    """What the process keeps. `ends_after`: seconds without use after which it ends; None: no process runs."""

    kept: Sequence[KeptConnection]
    ends_after: float | None

    def text(self, screen: Screen) -> str:
        """One host a line."""
        if self.ends_after is None:
            return "No connection is kept.\n"
        lines = [
            f"{each.host}  since {each.since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}, idle for {each.idle:.0f} s"
            for each in self.kept
        ]
        lines.append(f"{len(self.kept)} kept; the process ends after {self.ends_after:.0f} s without use.")
        return "".join(clean(line) + "\n" for line in lines)

    def json(self) -> str:
        """A document of kind `pmtaform-warm`."""
        hosts = [{"host": each.host, "since": each.since.isoformat(), "idle": round(each.idle)} for each in self.kept]
        return json_document("pmtaform-warm", {"hosts": hosts, "ends_after": self.ends_after})
