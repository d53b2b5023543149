"""The content of each accounting file, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.values.text import split, unquoted
from pmtaform.plan.dangers.sections import MergedSection, Sections

TAG: Final = "acct-file"
# Each record type in words; the long names are those of the guide.
TYPES: Final = {
    "d": "delivery",
    "b": "bounce",
    "t": "transient",
    "tq": "transient-queue",
    "r": "receipt",
    "f": "feedback-loop",
    "rb": "remote-bounce",
    "rs": "remote-status",
}
_SHORT: Final = {name: short for short, name in TYPES.items()}
_DEFAULT_TYPES: Final = "d,b"
_DEFAULT_KEPT: Final = "8d"
_ALL: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFile:
    """One accounting file. `kept`: seconds until PowerMTA deletes a finished file, infinite: never.

    `fields` has for each type the fields that are written and those that are left out; a type without an entry has all.
    `place` is where finished records go beyond the file itself.
    """

    name: str
    types: tuple[str, ...]
    fields: dict[str, tuple[frozenset[str], frozenset[str]]]
    mapped: frozenset[tuple[str, str]]
    filters: tuple[str, ...]
    place: tuple[str, str]
    kept: float
    privacy: str

    @property
    def shown(self) -> str:
        """Its path."""
        return values.shown(self.name)

    @property
    def goes(self) -> str:
        """Where its records go, in words."""
        url, folder = self.place
        if url:
            return f"records are posted to {values.shown(url)}"
        return f"finished files are moved to {values.shown(folder)}" if folder else "finished files stay where they are"

    def is_narrower_than(self, other: RecordFile) -> bool:
        """Whether its filter may leave out queues that the other's lets through; more items at the end only add."""
        if not self.filters or self.filters == other.filters:
            return False
        added = self.filters[len(other.filters) :]
        only_adds = bool(other.filters) and self.filters[: len(other.filters)] == other.filters
        return not (only_adds and not any(item.startswith("!") for item in added))


def record_files(sections: Sections) -> dict[str, RecordFile]:
    """The accounting files of a side by their path."""
    return {name: _read(name, body) for name, body in sections.of(TAG).items()}


def _read(name: str, body: MergedSection) -> RecordFile:
    return RecordFile(
        name=unquoted(name),
        types=types_of(body.value("records", _DEFAULT_TYPES)),
        fields=_fields(body),
        mapped=frozenset(_mapped(line.value) for line in body.lines("map-header-to-field")),
        filters=tuple(item.replace(" ", "").lower() for item in body.items("queue-filter")),
        place=(body.value("http-webhook-url"), body.value("move-to").rstrip("/")),
        kept=_retention(body),
        privacy=(body.value("privacy-policy").split() or ["retain"])[0].lower(),
    )


def types_of(text: str) -> tuple[str, ...]:
    """The record types of a list by their short names, those that PowerMTA has."""
    names = (_SHORT.get(item, item) for item in (unquoted(part).lower() for part in split(text)))
    return tuple(dict.fromkeys(name for name in names if name in TYPES))


def _fields(body: MergedSection) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    by_type: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
    for line in body.lines("record-fields"):
        kind, _, text = line.value.strip().partition(" ")
        items = [item for item in split(text) if item]
        wanted = frozenset(item.lower() for item in items if not item.startswith("!"))
        dropped = frozenset(item[1:].strip().lower() for item in items if item.startswith("!"))
        for short in types_of(kind):
            by_type[short] = wanted or frozenset({_ALL}), dropped
    return by_type


def _mapped(text: str) -> tuple[str, str]:
    words = text.split()
    short = types_of(words[0]) if words else ()
    return (short[0] if short else "", words[-1].lower() if words else "")


def _retention(body: MergedSection) -> float:
    """Files are deleted only where they are not moved (guide 3.3.11.1)."""
    seconds = values.parse_duration(body.value("delete-after", _DEFAULT_KEPT))
    return float("inf") if body.value("move-to") or seconds is None else float(seconds)


def lost_fields(was: RecordFile, now: RecordFile, kind: str) -> tuple[str, ...]:
    """The fields that records of a type had and no longer have; `all other fields` for those that are not named."""
    everything = frozenset({_ALL}), frozenset[str]()
    had, left_out = was.fields.get(kind, everything)
    has, leaves_out = now.fields.get(kind, everything)
    lost = sorted(leaves_out - left_out)
    if _ALL not in has:
        lost += sorted(had - has - {_ALL})
        lost += ["all other fields"] * (_ALL in had)
    mapped = {field for type_, field in was.mapped - now.mapped if type_ == kind}
    return (*lost, *sorted(mapped))
