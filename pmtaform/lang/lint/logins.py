"""Logins of those who submit mail: demanded, forbidden, guessed."""

from __future__ import annotations

from collections.abc import Iterator

from pmtaform.lang.lint.facts import Facts, Part
from pmtaform.lang.lint.hits import at, on
from pmtaform.lang.lint.model import WARNING, Family, Hit, Rule
from pmtaform.lang.lint.reads import BLOCK, Reads
from pmtaform.lang.lint.relay import for_everyone, is_closed
from pmtaform.lang.values.networks import Network, network


@Rule(
    code="no-auth-throttle",
    severity=WARNING,
    family=Family.RELAYING,
    summary="Unlimited password guessing",
    explanation="The default of smtp-max-auth-failure-rate is no limit.",
    basis="guide 3.3.7.7",
    security=True,
    whole=True,
    reads=(Reads(at=("<source ",), others=("<source ", "smtp-user")),),
    wrong="""
        <smtp-user feeder>
          password kx9QvLmT2rW8zPbA
        </smtp-user>
        <source 0/0>
        </source>
    """,
    right="""
        <smtp-user feeder>
          password kx9QvLmT2rW8zPbA
        </smtp-user>
        <source 0/0>
          require-auth yes
          smtp-max-auth-failure-rate 5/m
        </source>
    """,
)
def no_auth_throttle(facts: Facts) -> Iterator[Hit]:
    if not facts.top("smtp-user") or is_closed(facts):
        return
    reported: set[str] = set()
    throttled = {p.key for p in for_everyone(facts) if p.named("smtp-max-auth-failure-rate")}
    for part in for_everyone(facts):
        if part.key in throttled or part.key in reported or part.is_set_to("allow-auth", False):
            continue
        reported.add(part.key)
        detail = (
            f"There are smtp-users, and {part.title} sets no smtp-max-auth-failure-rate: by default passwords may be "
            "guessed without limit. Add `smtp-max-auth-failure-rate 5/m`"
            + ("." if _demands_login(facts, part) else ", with `require-auth yes`: without that it has no effect.")
        )
        yield on(part, detail)


@Rule(
    code="auth-throttle-without-auth",
    severity=WARNING,
    family=Family.RELAYING,
    summary="Limit on failed logins without effect",
    explanation="It counts only together with require-auth, so passwords can be guessed.",
    basis="guide 3.3.7.7",
    security=True,
    whole=True,
    reads=(Reads(at=("smtp-max-auth-failure-rate",), others=("<source ",)),),
    wrong="""
        <source 0/0>
          smtp-max-auth-failure-rate 5/m
        </source>
    """,
    right="""
        <source 0/0>
          require-auth yes
          smtp-max-auth-failure-rate 5/m
        </source>
    """,
)
def auth_throttle_without_auth(facts: Facts) -> Iterator[Hit]:
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
    demanding = [p for p in facts.by_tag.get("source", ()) if p.is_set_to("require-auth", True)]
    return any(
        p.key == part.key or mine is None or (theirs := network(p.key)) is None or _overlap(mine, theirs)
        for p in demanding
    )


def _overlap(first: Network, other: Network) -> bool:
    return first.version == other.version and first.overlaps(other)


@Rule(
    code="auth-contradiction",
    severity=WARNING,
    family=Family.RELAYING,
    summary="Login required and forbidden",
    explanation="No client can send mail.",
    basis="guide 3.3.7, require-auth and allow-auth",
    reads=BLOCK,
    wrong="""
        <source 192.0.2.0/24>
          require-auth yes
          allow-auth no
        </source>
    """,
    right="""
        <source 192.0.2.0/24>
          require-auth yes
          allow-auth yes
        </source>
    """,
)
def auth_contradiction(facts: Facts) -> Iterator[Hit]:
    for part in facts.by_tag.get("source", ()):
        line = part.last("require-auth")
        if line is not None and line.is_true and part.is_set_to("allow-auth", False):
            detail = (
                f"{part.title} demands a login and allows none, so its clients can send nothing. Remove one of the two."
            )
            yield at(line, detail, mark=line.node.name)
