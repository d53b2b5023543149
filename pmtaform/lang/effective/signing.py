"""Which DKIM keys can sign anything: a `domain-key` line, and a domain with `dkim-sign` where the key is given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from pmtaform.lang.effective.deciding import decide, specs_of
from pmtaform.lang.effective.model import DEFAULT_VMTA, SourceLine
from pmtaform.lang.effective.patterns import DomainIndex
from pmtaform.lang.effective.reading import DOMAIN, EffectiveReading, SectionLines
from pmtaform.lang.effective.settings import Effective
from pmtaform.lang.values import parse_bool
from pmtaform.lang.values.text import split, unquoted, without_idle_quotes

_KEY: Final = "domain-key"
_LISTS: Final = "domain-key-list"
_SIGN: Final = ("dkim-sign", "second-dkim-sign")
_BY_HEADER: Final = "if-x-dkim-options-present"


class KeyLine(NamedTuple):
    """The fields of a `domain-key` line; the domain is in small letters."""

    selector: str
    domain: str
    path: str


def signing_keys(effective: Effective) -> dict[KeyLine, bool]:
    """Every key that a line gives to a virtual MTA, a pool or all, and whether mail to any domain is signed there.

    That is so where the effective `dkim-sign` (or `second-dkim-sign`) is yes, or up to a header of the message. Which
    of several keys signs depends on the message and is not looked at, nor are lists that messages choose.
    """
    reading = effective.reading
    for_all = _keys(reading.lines.get(_KEY, ()))
    keys = dict.fromkeys(for_all, False)
    for pool in reading.pools.values():
        keys |= dict.fromkeys(_keys(line for lines in pool.lines for line in lines), False)
    signs = _Signs(effective)
    for vmta in effective.virtual_mtas():
        owner = reading.virtual_mtas.get(vmta)
        given = [owner] if owner else []
        given += [reading.pools[pool] for pool in reading.pools_of.get(vmta, [])]
        own = _keys(line for layer in given for lines in layer.lines for line in lines)
        for key in own:
            keys.setdefault(key, False)
        pending = [key for key in (*for_all, *own) if not keys[key]]
        if pending and signs.anything(vmta):
            keys |= dict.fromkeys(pending, True)
    return keys


def first_matches(reading: EffectiveReading) -> dict[KeyLine, SourceLine | None]:
    """Every key that a line gives to a virtual MTA, and the line that signs all that is its; None: it signs itself.

    PowerMTA tries the keys of the virtual MTA, of its pools, then those at top level, each in their order, and takes
    the first whose domain is that of the message or above it (3.3.1.33.1; where pools come is our reading). What
    messages choose themselves (`domain-key-list`) signs.
    """
    list_by_key: dict[KeyLine, SourceLine | None] = {}
    for chain in _chains(reading):
        for at, (key, _) in enumerate(chain):
            before = next((line for other, line in chain[:at] if _covers(other.domain, key.domain)), None)
            if before is None or key not in list_by_key:
                list_by_key[key] = before
    for lists in reading.sections.get(_LISTS, ()):
        list_by_key |= dict.fromkeys(_keys(lists.lines(_LISTS, "")), None)
    return list_by_key


def _chains(reading: EffectiveReading) -> Iterator[list[tuple[KeyLine, SourceLine]]]:
    """The keys that each virtual MTA tries, in their order; those that try the same are reported once."""
    seen: set[tuple[int, ...]] = set()
    for vmta in dict.fromkeys((DEFAULT_VMTA, *reading.virtual_mtas)):
        owners = [reading.virtual_mtas[vmta]] if vmta in reading.virtual_mtas else []
        owners += [reading.pools[pool] for pool in reversed(reading.pools_of.get(vmta, []))]
        lists = [lines for owner in owners for lines in reversed(owner.lines)]
        lines = [line for group in (*lists, reading.lines.get(_KEY, [])) for line in group if line.name == _KEY]
        shape = tuple(id(line) for line in lines)
        if shape not in seen:
            seen.add(shape)
            yield [(key, line) for line in lines if (key := key_line(line.value)) is not None]


def _covers(domain: str, other: str) -> bool:
    """Whether a key for `domain` fits all mail of `other`. What a macro stands for is not looked up."""
    return domain in ("*", other) or ("$" not in domain + other and other.endswith(f".{domain}"))


def key_line(value: str) -> KeyLine | None:
    """The fields of a `domain-key` line's value, without quotes that do nothing; None when it has another form."""
    fields = [without_idle_quotes(part) for part in split(unquoted(value))]
    return KeyLine(fields[0], fields[1].lower(), fields[2]) if len(fields) == 3 else None


def _keys(lines: Iterable[SourceLine]) -> list[KeyLine]:
    key_lines = (key_line(line.value) for line in lines if line.name == _KEY)
    return [key for key in key_lines if key is not None]


class _Signs:
    """Whether anything is signed for a virtual MTA; those under the same sections are looked at once."""

    def __init__(self, effective: Effective) -> None:
        self._effective = effective
        self._known: dict[tuple[int, ...], bool] = {}

    def anything(self, vmta: str) -> bool:
        indexes = [index for _, index in self._effective.layers(vmta)]
        shape = tuple(id(index) for index in indexes if not index.is_empty)
        if shape not in self._known:
            asked = dict.fromkeys(name for index in indexes for name in self._asked(index))
            self._known[shape] = any(self._for(domain, vmta) for domain in asked)
        return self._known[shape]

    def _asked(self, index: DomainIndex) -> Iterator[str]:
        """A domain for each section that would have mail signed, were no other in its way."""
        yield from (name for name, bodies in index.exact.items() if _any(bodies))
        for name, pairs in index.suffix.items():
            if _any(body for _, body in pairs):
                yield f"*.{name}"
                yield name
        yield from (name for _, name, body in index.networks if _any([body]))
        if _any(index.local):
            yield from self._effective.reading.host_names
        if _any(index.every):
            yield "*"

    def _for(self, domain: str, vmta: str) -> bool:
        matches = self._effective.matches(domain, vmta)
        values = (decide(name, specs_of(DOMAIN).get(name), matches) for name in _SIGN)
        return any(value is not None and any(_is_yes(text) for text in value.values) for value in values)


def _any(bodies: Iterable[SectionLines]) -> bool:
    return any(_is_yes(line.value) for body in bodies for name in _SIGN for line in body.lines.get(name, ()))


def _is_yes(text: str) -> bool:
    value = unquoted(text)
    return bool(parse_bool(value)) or value.strip().lower() == _BY_HEADER
