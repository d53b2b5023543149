"""What is wrong with the value of a directive, and which rule reports it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.catalogue import DirectiveSpec, catalogue
from pmtaform.lang.lint.facts import Line
from pmtaform.lang.lint.syntax import is_pair
from pmtaform.lang.lint.tags import tag_in
from pmtaform.lang.lint.unknown import UNSAFE_YES, is_inside_unknown

_TRUTHS: Final = {"on": "yes", "enabled": "yes", "1": "yes", "off": "no", "disabled": "no", "0": "no"}
_RATE: Final = re.compile(r"([0-9]{1,18})/([0-9]{0,9})([A-Za-z]+)")
_UNITS: Final = {
    "hour": "h", "hours": "h", "hrs": "h", "minute": "m", "minutes": "m", "mins": "m",
    "second": "s", "seconds": "s", "secs": "s", "days": "d",
}  # fmt: skip
_FLAGS: Final = re.compile(r"(/.*/)([a-z]{1,3})(?=[ \t])")
_HOST: Final = re.compile(r"([0-9.]+)(:[0-9]+)?")


class WrongForm(Enum):
    """The ways in which a value is wrong. Each has a rule."""

    BAD_BOOLEAN = auto()
    BAD_VALUE = auto()
    BARE_ADDRESS = auto()
    DOMAIN_KEY_FIELDS = auto()
    MISSING_VALUE = auto()
    RATE_UNIT = auto()
    RATE_UNIT_CASE = auto()
    REGEX_FLAG = auto()
    REMOVED_FORM = auto()
    ROLLUP_NAME = auto()
    WEAK_API_KEY = auto()


@dataclass(frozen=True, slots=True)
class WrongValue:
    """What is wrong with one value: in which way, the detail, and the value that is certainly meant."""

    form: WrongForm
    detail: str
    corrected: str | None = None


def wrong_value(line: Line) -> WrongValue | None:
    if is_pair(line):
        return None
    if line.spec is None:
        return _wrong_everywhere(line) if is_inside_unknown(line.within) else None
    if line.spec.sensitive:
        if line.value.startswith("(secret ") or " (secret " in line.value:
            return None  # a stack's reference that is not resolved
        return _judge(line.spec, line.value)
    return _remembered(line.spec.name, line.scope, line.node.name if line.name == "/REGEX/" else "", line.value)


def _wrong_everywhere(line: Line) -> WrongValue | None:
    """What is wrong with a value in an unknown section, if no meaning of its directive accepts it."""
    specs = catalogue().anywhere(line.node.name)
    verdicts = [_judge(spec, line.value) for spec in specs if not spec.sensitive]
    return verdicts[0] if verdicts and all(verdicts) else None


@lru_cache(maxsize=1 << 16)
def _remembered(name: str, scope: str, regex: str, value: str) -> WrongValue | None:
    spec = catalogue().directive(scope, regex or name)
    return None if spec is None else _judge(spec, f"{regex} {value}".strip() if regex else value)


def _judge(spec: DirectiveSpec, value: str) -> WrongValue | None:
    """The first thing that is wrong with a value. Two forms that `problem` lets pass or lumps together come first."""
    if tag_in(value):
        return None  # reported by tag-on-directive-line
    if spec.name == "cold-virtual-mta" and len(value.split()) == 2 and values.parse_cidr(value.split()[0]):
        return WrongValue(
            WrongForm.REMOVED_FORM,
            "PowerMTA 4.5 removed `cold-virtual-mta CIDR HOSTNAME`: define that address as a virtual MTA, and name it.",
        )
    detail = values.problem(spec, value)
    if detail is None:
        return None
    if not value:
        return WrongValue(WrongForm.MISSING_VALUE, detail)
    return _special(spec, value, detail) or WrongValue(WrongForm.BAD_VALUE, detail)


def _special(spec: DirectiveSpec, value: str, detail: str) -> WrongValue | None:
    """The kinds of wrong values that have their own rule, and often a fix."""
    if spec.type in ("rate", "cidr-rate"):
        return _rate(spec, value, detail)
    if spec.type == "bool":
        meant = _TRUTHS.get(value.lower())
        unsafe = meant == "yes" and spec.name in UNSAFE_YES
        return WrongValue(WrongForm.BAD_BOOLEAN, detail, None if unsafe else meant)
    if spec.name == "mx" and "must end in .rollup" in detail:
        return WrongValue(WrongForm.ROLLUP_NAME, detail)
    if spec.type == "rule":
        return _flag(spec, value, detail)
    if spec.type == "host-list" and "in brackets" in detail:
        return WrongValue(WrongForm.BARE_ADDRESS, detail, _bracketed(spec, value))
    if spec.type == "secret" and "characters" in (spec.format or ""):
        return WrongValue(
            WrongForm.WEAK_API_KEY, f"{detail} PowerMTA accepts no other. Anyone with the key is a full administrator."
        )
    if spec.name == "domain-key":
        return WrongValue(WrongForm.DOMAIN_KEY_FIELDS, detail)
    return None


def _rate(spec: DirectiveSpec, value: str, detail: str) -> WrongValue | None:
    head, blank, rate = value.rpartition(" ") if spec.type == "cidr-rate" else ("", "", value)
    match = _RATE.fullmatch(rate)
    if match is None:
        return None
    count, every, unit = match.groups()
    lower = unit.lower()
    corrected = f"{count}/{every}{_UNITS.get(lower, lower)}"
    certain = values.problem(spec, head + blank + corrected) is None
    form = (
        WrongForm.RATE_UNIT_CASE
        if unit != lower and values.parse_rate(f"{count}/{every}{lower}")
        else WrongForm.RATE_UNIT
    )
    return WrongValue(form, detail, head + blank + corrected if certain else None)


def _flag(spec: DirectiveSpec, value: str, detail: str) -> WrongValue | None:
    match = _FLAGS.search(value)
    if match is None or "flags" not in detail:
        return None
    corrected = value[: match.end(1)] + value[match.end(2) :]
    # Only reply patterns are documented to ignore case already; elsewhere the flag may have been meant.
    certain = spec.name == "reply" and match[2] == "i" and values.problem(spec, corrected) is None
    return WrongValue(WrongForm.REGEX_FLAG, detail, corrected if certain else None)


def _bracketed(spec: DirectiveSpec, value: str) -> str | None:
    """Every bare IPv4 address in brackets; blanks and separators stay."""

    def correct(match: re.Match[str]) -> str:
        address = _HOST.fullmatch(match[0])
        if address is None or values.parse_cidr(address[1]) is None:
            return match[0]
        return f"[{address[1]}]{address[2] or ''}"

    corrected = re.sub(r"[^,; \t\"]+", correct, value)
    return None if values.problem(spec, corrected) else corrected
