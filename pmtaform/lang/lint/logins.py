"""Logins of those who submit mail: demanded, forbidden, guessed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang.lint.facts import Facts, Part
from pmtaform.lang.lint.hits import at, on
from pmtaform.lang.lint.model import WARNING, Hit, Rule
from pmtaform.lang.lint.networks import Network, network
from pmtaform.lang.lint.relay import for_everyone, is_closed


def _no_throttle(facts: Facts) -> Iterator[Hit]:
    if not facts.top("smtp-user") or is_closed(facts):
        return
    told: set[str] = set()
    throttled = {p.key for p in for_everyone(facts) if p.named("smtp-max-auth-failure-rate")}
    for part in for_everyone(facts):
        if part.key in throttled or part.key in told or part.says("allow-auth", False):
            continue
        told.add(part.key)
        detail = (
            f"There are smtp-users, and {part.title} sets no smtp-max-auth-failure-rate: by default passwords may be "
            "guessed without limit. Add `smtp-max-auth-failure-rate 5/m`"
            + ("." if _demands_login(facts, part) else ", with `require-auth yes`: without that it has no effect.")
        )
        yield on(part, detail)


def _idle_throttle(facts: Facts) -> Iterator[Hit]:
    """A limit on failed logins where no login is demanded."""
    if not facts.complete:
        return
    for line in facts.named("smtp-max-auth-failure-rate"):
        part = line.within
        if part is None or line.scope != "source" or line.value in ("0", "unlimited") or _demands_login(facts, part):
            continue
        detail = (
            f"{line.name} has no effect in {part.title}: it counts only where `require-auth yes` demands a login. "
            "Add that line, or do not rely on this one."
        )
        yield at(line, detail, mark=line.node.name)


def _demands_login(facts: Facts, part: Part) -> bool:
    """Whether a source that may hold for the same clients demands a login."""
    mine = network(part.key)
    demanding = [p for p in facts.by_tag.get("source", ()) if p.says("require-auth", True)]
    return any(
        p.key == part.key or mine is None or (theirs := network(p.key)) is None or _overlap(mine, theirs)
        for p in demanding
    )


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def _auth_contradiction(facts: Facts) -> Iterator[Hit]:
    for part in facts.by_tag.get("source", ()):
        line = part.last("require-auth")
        if line is not None and line.is_true and part.says("allow-auth", False):
            detail = (
                f"{part.title} demands a login and allows none, so its clients can send nothing. Remove one of the two."
            )
            yield at(line, detail, mark=line.node.name)


RULES: Final = (
    Rule(
        id="no-auth-throttle",
        severity=WARNING,
        summary="Passwords may be guessed without limit",
        why="The default of smtp-max-auth-failure-rate is no limit.",
        basis="guide 3.3.7.7",
        check=_no_throttle,
        security=True,
        whole=True,
    ),
    Rule(
        id="auth-throttle-without-auth",
        severity=WARNING,
        summary="A limit on failed logins has no effect",
        why="It counts only in company of require-auth: readers believe that passwords cannot be guessed.",
        basis="guide 3.3.7.7",
        check=_idle_throttle,
        security=True,
        whole=True,
    ),
    Rule(
        id="auth-contradiction",
        severity=WARNING,
        summary="A login is demanded and forbidden",
        why="No client can send anything.",
        basis="guide 3.3.7, require-auth and allow-auth",
        check=_auth_contradiction,
    ),
)
