"""What PowerMTA would read and no one has seen: configuration from the web, files that could not be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from pmtaform.diagnostics.codes.language import INCLUDE_LOOP, MISSING_INCLUDE, RELATIVE_INCLUDE
from pmtaform.lang import values
from pmtaform.lang.blocks import Address
from pmtaform.lang.includes import Configuration, is_url
from pmtaform.lang.tree import Directive
from pmtaform.lang.values.text import unquoted
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.kind import DangerKind
from pmtaform.plan.dangers.sides import Sides

UNSEEN_CONTENTS: Final = DangerKind(
    code="unseen-contents",
    rank=260,
    summary="PowerMTA reads a file that pmtaform did not read, so its effect is unknown",
    explanation=(
        "PowerMTA reads a file or URL that pmtaform did not read, so its effect is unknown. Include files that are "
        "part of the stack or on the host."
    ),
)

_ROUTES: Final = "routing-file"
_UNREAD: Final = (MISSING_INCLUDE, RELATIVE_INCLUDE, INCLUDE_LOOP)
# Blocks whose order among what an include brings decides what holds.
_ORDERED: Final = ("http-access", "domain-key", "smtp-pattern-list", "pattern-list", "source")

_Where = tuple[str, str]  # the scope that it is in, and the URL


@reports(UNSEEN_CONTENTS)
def contents_unseen(sides: Sides) -> Iterator[DangerFinding]:
    """Includes whose content was not seen, that are new or are elsewhere among what depends on order."""
    before, after = sides.configurations
    was, now = Counter(_urls(before)), Counter(_urls(after))
    for (scope, url), number in now.items():
        if number > was[scope, url]:
            yield _added(sides, scope, url)
    yield from _moved(sides, before, after, {url for _, url in was & now})
    yield from _unread(sides, before, after)
    yield from _routing_file(sides)


def _urls(configuration: Configuration) -> Iterator[_Where]:
    for tree in configuration.trees.values():
        if "://" in str(tree):
            for scope, node in tree.walk():
                if isinstance(node, Directive) and node.name.lower() == "include" and is_url(unquoted(node.value)):
                    yield scope, unquoted(node.value)


def _added(sides: Sides, scope: str, url: str) -> DangerFinding:
    cause = _cause(sides, url)
    where = "" if scope == "global" else f" in a <{scope}>"
    detail = (
        f"PowerMTA reads {values.shown(url)}{where}. pmtaform did not read its content, which may change at any time, "
        "and may open the server, lift limits or direct mail elsewhere"
    )
    return DangerFinding(kind=UNSEEN_CONTENTS, detail=f"{detail}{sides.because(cause)}.", cause=cause)


def _cause(sides: Sides, argument: str) -> Address | None:
    named = (a for a in sides.changed if a.kind == "include" and unquoted(a.key) == argument)
    return next(named, None) or sides.cause_of_lines(())


def _moved(sides: Sides, before: Configuration, after: Configuration, urls: set[str]) -> Iterator[DangerFinding]:
    """URLs that are above something on one side and below it on the other, where order decides."""
    if not urls:
        return
    was, now = _above(before, urls), _above(after, urls)
    for url in urls:
        common = was[url][1] & now[url][1]
        crossed = sorted((was[url][0] ^ now[url][0]) & common)
        if crossed:
            shown = words.several([f"`{values.shown(line)}`" for line in crossed])
            side = "below" if crossed[0] in now[url][0] else "above"
            yield DangerFinding(
                kind=UNSEEN_CONTENTS,
                detail=(
                    f"include {values.shown(url)} is now {side} {shown}. pmtaform did not read its content, and the "
                    "order decides which of such lines applies."
                ),
                cause=_cause(sides, url) if len(sides.changed) == 1 else None,
            )


def _above(configuration: Configuration, urls: set[str]) -> dict[str, tuple[set[str], set[str]]]:
    """For each URL the ordered lines above it, and all that there are."""
    every: set[str] = set()
    above: dict[str, set[str]] = {url: set() for url in urls}
    for _, node in configuration.top_level():
        name = getattr(node, "tag", getattr(node, "name", "")).lower()
        if name in _ORDERED:
            every.add(f"{name} {getattr(node, 'argument', getattr(node, 'value', ''))}".strip())
        elif name == "include" and unquoted(getattr(node, "value", "")) in urls:
            above[unquoted(getattr(node, "value", ""))] = set(every)
    return {url: (lines, every) for url, lines in above.items()}


def _unread(sides: Sides, before: Configuration, after: Configuration) -> Iterator[DangerFinding]:
    known = {(problem.code, problem.detail) for problem in before.diagnostics}
    for problem in after.diagnostics:
        if problem.is_any_of(*_UNREAD) and (problem.code, problem.detail) not in known:
            place = f" ({problem.place})" if problem.place else ""
            cause = next((a for a in sides.changed if a.kind == "include" and a.key in problem.detail), None)
            yield DangerFinding(
                kind=UNSEEN_CONTENTS,
                detail=f"{problem.detail}{place}",
                cause=cause,
            )


def _routing_file(sides: Sides) -> Iterator[DangerFinding]:
    """A table of routes. No guide describes its effect together with other directives."""
    was, now = ([line.value for line in side.reading.lines.get(_ROUTES, ())] for side in (sides.before, sides.after))
    if was != now:
        cause = sides.cause_named("setting", _ROUTES)
        detail = (
            f"Mail may go elsewhere: `{_ROUTES}` names a table that pmtaform did not read, and the guides do not "
            "describe it"
        )
        yield DangerFinding(kind=UNSEEN_CONTENTS, detail=f"{detail}{sides.because(cause)}.", cause=cause)
