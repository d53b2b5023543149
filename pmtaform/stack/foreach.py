"""`for-each`: one section or key written once, for many names and addresses.

    for-each: {n: 1..16, ip: 203.0.113.1..203.0.113.16, name: [a, b], net: 203.0.113.0/28}

All variables are walked in step and have equally many values. `1..16` are numbers (`01..16` keeps the zeros), `A..B`
addresses (IPv4 or IPv6), a network in CIDR form stands for every address in it, the first and the last included.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence as SequenceType
from functools import lru_cache
from typing import Final

from pmtaform.diagnostics import Diagnostics
from pmtaform.diagnostics.codes.values import FOR_EACH, VARIABLE_NAME
from pmtaform.stack.nodes import Mapping, Node, Scalar, Sequence, kind_of
from pmtaform.stack.variables import HOST, NAME, Variables, substitute

KEY: Final = "for-each"
MOST: Final = 65_536
_NUMBER: Final = re.compile(r"[0-9]{1,12}")
_WHOLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_-]*)\}")
_FORMS: Final = "Write a range (1..16), an address range (192.0.2.1..192.0.2.16), a network (192.0.2.0/28) or a list."


class BadRangeError(ValueError):
    """A text that for-each cannot expand. Its message has the reason."""


def rounds(node: Node, variables: Variables, problems: Diagnostics) -> list[Variables] | None:
    """The variables of each round of a loop; None when it is invalid; errors go into `problems`."""
    if not isinstance(node, Mapping) or not node.entries:
        problems.report(FOR_EACH, f"It is {kind_of(node)}: write `n: 1..16`.", node.place)
        return None
    walked: dict[str, SequenceType[str]] = {}
    failed = False
    for key, value in node.items():
        if not NAME.fullmatch(key.text) or key.text == HOST:
            problems.report(VARIABLE_NAME, f"`{key.text}` is not a valid name.", key.place)
            failed = True
            continue
        values = _walk(value, variables, problems)
        if values is None:
            failed = True
        else:
            walked[key.text] = values
    if failed:
        return None
    lengths = {name: len(values) for name, values in walked.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} has {count}" for name, count in lengths.items())
        detail = f"They advance together, so each needs the same number of values: {shown}."
        problems.report(FOR_EACH, detail, node.place)
        return None
    names = list(walked)
    steps = zip(*walked.values(), strict=True)
    return [variables.with_values(dict(zip(names, step, strict=True))) for step in steps]


def _walk(node: Node, variables: Variables, problems: Diagnostics) -> SequenceType[str] | None:
    if isinstance(node, Sequence):
        return _walk_list(node, variables, problems)
    if not isinstance(node, Scalar) or node.is_null:
        problems.report(FOR_EACH, f"It is {kind_of(node)}. {_FORMS}", node.place)
        return None
    whole = _WHOLE.fullmatch(node.text)
    if whole and isinstance(listed := variables.values.get(whole[1]), tuple):
        return listed
    text = substitute(node, variables, problems)
    if text is None:
        return None
    try:
        return walk_text(text.strip())
    except BadRangeError as error:
        problems.report(FOR_EACH, str(error), node.place)
        return None


def _walk_list(node: Sequence, variables: Variables, problems: Diagnostics) -> list[str] | None:
    values: list[str] = []
    failed = False
    for item in node.items:
        if not isinstance(item, Scalar) or item.is_null:
            detail = f"An entry of the list is {kind_of(item)}; each is one value."
            problems.report(FOR_EACH, detail, item.place)
            failed = True
        elif (text := substitute(item, variables, problems)) is None:
            failed = True
        else:
            values.append(text)
    return None if failed else values


@lru_cache(maxsize=1024)
def walk_text(text: str) -> tuple[str, ...]:
    """The values that `1..16`, an address range or a network expands to. Raises `BadRangeError`."""
    first, dots, last = (part.strip() for part in text.partition(".."))
    if dots and _NUMBER.fullmatch(first) and _NUMBER.fullmatch(last):
        width = len(first) if first.startswith("0") and len(first) > 1 else 0
        _bounded(text, int(first), int(last))
        return tuple(str(n).zfill(width) for n in range(int(first), int(last) + 1))
    try:
        if dots:
            return _addresses(text, first, last)
        if "/" in text:
            network = ipaddress.ip_network(text)
            _bounded(text, 0, network.num_addresses - 1)
            return tuple(str(address) for address in network)
        return (str(ipaddress.ip_address(text)),)
    except ValueError as error:
        if isinstance(error, BadRangeError):
            raise
        hint = " (a network's address has zeros behind the mask)" if "host bits" in str(error) else ""
        raise BadRangeError(f"`{text}` is not a range that for-each knows{hint}. {_FORMS}") from None


def _addresses(text: str, first: str, last: str) -> tuple[str, ...]:
    low, high = ipaddress.ip_address(first), ipaddress.ip_address(last)
    if low.version != high.version:
        raise BadRangeError(f"`{text}` goes from IPv{low.version} to IPv{high.version}.")
    _bounded(text, int(low), int(high))
    kind = type(low)
    return tuple(str(kind(n)) for n in range(int(low), int(high) + 1))


def _bounded(text: str, low: int, high: int) -> None:
    if high < low:
        raise BadRangeError(f"`{text}` goes backwards: write the smaller end first.")
    if high - low >= MOST:
        raise BadRangeError(f"`{text}` has {high - low + 1} values; a loop has at most {MOST}.")
