"""What is in a section's tag after its name."""

from __future__ import annotations

import re
from functools import lru_cache

from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.values.lines import domain_problem, listener_problem
from pmtaform.lang.values.normal import listener, pattern
from pmtaform.lang.values.numbers import parse_cidr, same_cidr
from pmtaform.lang.values.show import shown
from pmtaform.lang.values.text import BLANKS, balanced, quoted, squeezed, without_idle_quotes, words

_LISTENERS = frozenset({"smtp-listener", "transmissions-api-listener"})
_PATHS = frozenset({"acct-file", "spool"})
_LOOKS_LIKE_A_NETWORK = re.compile(r"[0-9.]+(?:/[0-9]*)?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:/[0-9]*)?")


@lru_cache(maxsize=1 << 14)
def normalise_argument(tag: str, argument: str) -> str:
    """The spelling under which a section's argument is compared: domains without regard to case, networks in full.

    Names (of virtual MTAs, lists, users, sources) are exact: PowerMTA's rule for their case is not documented.
    """
    tag, text = tag.lower(), squeezed(argument)
    if tag == "domain":
        return pattern(text)
    if tag == "source":
        return same_cidr(text)
    if tag in _LISTENERS:
        return listener(text)
    return without_idle_quotes(text) if tag in _PATHS else text


@lru_cache(maxsize=1 << 14)  # a virtual MTA has the domains of all others
def argument_problem(tag: str, argument: str) -> str | None:
    """One sentence on what is wrong with a section's argument, or None."""
    tag, text = tag.lower(), argument.strip(BLANKS)
    spec = catalogue().section(tag)
    if spec is None:
        return None
    if not text:
        nested = tag in ("pattern-list", "address-list")
        wanted = spec.argument_required and not nested
        return f"<{tag}> needs its argument: <{tag} {spec.argument}>." if wanted else None
    if spec.argument is None:
        return f"<{tag}> has no argument; write <{tag}>."
    if not balanced(text):
        return "A double quote is opened and not closed."
    if tag == "domain":
        return _domain(text)
    if tag in _LISTENERS:
        return listener_problem(text)
    if tag == "source":
        return _source(text)
    return _file(tag, text) if tag in _PATHS else _one_name(tag, text)


def _domain(text: str) -> str | None:
    if len(words(text)) > 1 or "," in text:
        return (
            f'"{shown(text)}" is more than one domain, and a <domain> section is for one: name them in a '
            "domain-macro (domain-macro mine a.example, b.example) and write <domain $mine>."
        )
    return domain_problem(text)


def _source(text: str) -> str | None:
    if len(words(text)) > 1 or "," in text:
        return f'"{shown(text)}" is more than one source; write one <source> section for each.'
    if _LOOKS_LIKE_A_NETWORK.fullmatch(text) and parse_cidr(text) is None:
        return f'"{shown(text)}" is no IP address and no network such as 192.0.2.0/24, 10/8 or 0/0.'
    return None


def _file(tag: str, text: str) -> str | None:
    if text.startswith("|") or quoted(text) is not None or len(words(text)) == 1:
        return None
    return f'A path with blanks must be quoted: <{tag} "{shown(text)}">.'


def _one_name(tag: str, text: str) -> str | None:
    if len(words(text)) == 1:
        return None
    return f'"{shown(text)}" is more than one name; a <{tag}> section has one.'
