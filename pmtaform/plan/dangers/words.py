"""How findings name blocks, domains and virtual MTAs."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.blocks import SETTING, Address
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.effective import DEFAULT_VMTA, Value
from pmtaform.lang.effective.model import Source

_MOST_NAMED: Final = 4
_NUMBERED: Final = re.compile(r"(.*?)([0-9]+)")


def block(address: Address) -> str:
    """A block as it is written in a configuration: `<domain gmail.com>`, `http-access`, `domain-macro isps`."""
    if address.kind == SETTING:
        return f"`{values.shown(address.key)}`"
    shown = values.shown(f"{address.kind} {address.key}".strip())
    return f"<{shown}>" if catalogue().section(address.kind) is not None else f"`{shown}`"


def several(names: Sequence[str]) -> str:
    """A few names in words: `a, b and 7 more`."""
    if len(names) <= _MOST_NAMED:
        return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
    return f"{', '.join(names[: _MOST_NAMED - 1])} and {len(names) - _MOST_NAMED + 1} more"


def domains(names: Iterable[str], *, mx: bool = False) -> str:
    """Destinations in words; `*` is what no closer section names."""
    plain = [values.shown(name) for name in dict.fromkeys(names)]
    if mx:
        return f"domains with MX {several(plain)}"
    closest = [name for name in plain if name != "*"]
    if "*" not in plain:
        return several(closest)
    if not closest:
        return "every domain that <domain *> covers"
    # They are the most, so that they are never among those that are only counted.
    few = closest if len(closest) < _MOST_NAMED else [*closest[:2], f"{len(closest) - 2} more"]
    return f"{', '.join(few)} and all other domains"


def virtual_mtas(names: Iterable[str], every: Collection[str] = ()) -> str:
    """Virtual MTAs in words, numbered ones as a range (`mkt-01..mkt-16`).

    `every`: all virtual MTAs that there are; if the names are all of them, the answer is "every virtual MTA".
    """
    chosen = list(dict.fromkeys(names))
    if len(chosen) > 1 and len(chosen) >= len(every) and set(every) <= set(chosen):
        return "every virtual MTA"
    ranges = list(_ranges([name for name in chosen if name != DEFAULT_VMTA]))
    return several(ranges + ["mail without a virtual MTA"] * (DEFAULT_VMTA in chosen))


def _ranges(names: list[str]) -> Iterator[str]:
    run: list[str] = []
    for name in names:
        if run and not _follows(run[-1], name):
            yield _range(run)
            run = []
        run.append(name)
    if run:
        yield _range(run)


def _follows(last: str, name: str) -> bool:
    left, right = _NUMBERED.fullmatch(last), _NUMBERED.fullmatch(name)
    return bool(left and right and left[1] == right[1] and _number(left[2]) + 1 == _number(right[2]))


def _number(digits: str) -> int:
    return int(digits[-18:])


def _range(run: list[str]) -> str:
    first, last = values.shown(run[0]), values.shown(run[-1])
    return first if len(run) == 1 else f"{first}..{last}"


def value(decided: Value | None) -> str:
    """An effective value: what it is, secrets masked, and whether it is only the default."""
    if decided is None or (not decided.values and decided.source is Source.NONE):
        return "not set"
    masked = [values.mask(decided.spec, decided.name, text) for text in decided.values]
    text = values.shown(", ".join(masked) if masked else decided.text)
    return f"{text} (the default)" if decided.source is Source.DEFAULT else text
