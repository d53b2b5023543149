"""Virtual MTAs that hand mail to each other in a circle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.effective import Effective, SourceLine
from pmtaform.lang.effective.deciding import decide, specs_of
from pmtaform.lang.effective.reading import DOMAIN
from pmtaform.lang.lint.domains import domains
from pmtaform.lang.lint.facts import Facts
from pmtaform.lang.lint.model import ERROR, Family, Hit, Rule
from pmtaform.lang.lint.reads import Reads
from pmtaform.lang.values.text import unquoted

_ROUTES: Final = ("backoff-reroute-to-virtual-mta", "reroute-to-virtual-mta")
_MOST_LOOKED_AT: Final = 20_000  # queues


@Rule(
    code="reroute-loop",
    severity=ERROR,
    family=Family.VIRTUAL_MTAS,
    summary="Loop of reroutes",
    explanation="Queues in a circle get no mail; PowerMTA writes one line to the log.",
    basis="guide 3.3.10.50 (2020: 3.3.10.51); of reroute-to-virtual-mta inferred from it",
    reads=(
        Reads(
            at=("reroute-to-virtual-mta",),
            others=("reroute-to-virtual-mta", "domain-macro", "<virtual-mta-pool"),
            names=("virtual-mta",),
        ),
    ),
    wrong="""
        <virtual-mta mta-a>
          <domain *>
            backoff-reroute-to-virtual-mta mta-a
          </domain>
        </virtual-mta>
    """,
    right="""
        <virtual-mta mta-a>
          <domain *>
            backoff-reroute-to-virtual-mta slow
          </domain>
        </virtual-mta>
        <virtual-mta slow>
        </virtual-mta>
    """,
)
def reroute_loop(facts: Facts) -> Iterator[Hit]:
    for name in _ROUTES:
        lines = [line for line in facts.named(name) if line.scope == "domain"]
        if not lines:
            continue
        walk = _Walk(Effective(facts.configuration, facts.subject.defaults), name)
        keys = dict.fromkeys(part.key for part in domains(facts) if part.named(name))
        reported: set[tuple[str, int]] = set()
        for domain in dict.fromkeys(domain_name for key in keys for domain_name in walk.effective.names.of(key)):
            for circle in walk.circles(domain, {unquoted(line.value) for line in lines}):
                first = circle[0][1]
                if (first.tree.path, first.number) not in reported and first.tree.path in facts.configuration.trees:
                    reported.add((first.tree.path, first.number))
                    yield _hit(name, domain, circle)


_Step = tuple[str, SourceLine]  # a virtual MTA, and the line that leads on from it


def _hit(name: str, domain: str, circle: list[_Step]) -> Hit:
    way = " -> ".join([*(vmta for vmta, _ in circle), circle[0][0]])
    first = circle[0][1]
    detail = (
        f"{name} sends mail for {values.shown(domain)} in a circle: {values.shown(way)}. Such queues get no mail, and "
        "PowerMTA only writes a line to the log. Remove one of the reroutes."
    )
    return Hit(
        tree=first.tree,
        line=first.number,
        detail=detail,
        mark=first.value,
        related=tuple(line.place for _, line in circle[1:5]),
    )


class _Walk:
    """Follows one directive from virtual MTA to virtual MTA."""

    def __init__(self, effective: Effective, name: str) -> None:
        self.effective = effective
        self._name = name
        self._spec = specs_of(DOMAIN).get(name)
        self._looked_at = 0

    def circles(self, domain: str, targets: set[str]) -> Iterator[list[_Step]]:
        """The circles for a domain, each once. Only what is a target can be part of one."""
        visited: set[str] = set()
        for start in sorted(targets):
            way: list[_Step] = []
            vmta = start
            while vmta not in visited and vmta in self.effective.reading.virtual_mtas:
                visited.add(vmta)
                line = self._line(domain, vmta)
                if line is None:
                    break
                way.append((vmta, line))
                vmta = unquoted(line.value)
                names = [name for name, _ in way]
                if vmta in names:
                    yield from self._worth_telling(way[names.index(vmta) :])

    def _worth_telling(self, circle: list[_Step]) -> Iterator[list[_Step]]:
        """A general line that leads a virtual MTA to itself is not reported: the guide does not call it a circle."""
        if len(circle) > 1 or f"<virtual-mta {circle[0][0]}>" in circle[0][1].section:
            yield circle

    def _line(self, domain: str, vmta: str) -> SourceLine | None:
        self._looked_at += 1
        if self._looked_at > _MOST_LOOKED_AT:
            return None
        value = decide(self._name, self._spec, self.effective.matches(domain, vmta))
        return value.lines[0] if value is not None and value.values else None
