"""Short ways to make a hit at a line, a section or a file."""

from __future__ import annotations

from pmtaform.diagnostics import Place, Severity
from pmtaform.lang.lint.facts import Facts, Line, Part
from pmtaform.lang.lint.model import Fix, Hit


def at(
    line: Line,
    detail: str,
    *,
    mark: str = "",
    severity: Severity | None = None,
    related: tuple[Place, ...] = (),
    fix: tuple[Fix, ...] | None = None,
) -> Hit:
    """A hit at a directive; its value is marked if nothing else is."""
    return Hit(
        tree=line.tree,
        line=line.node.line,
        detail=detail,
        mark=mark or line.node.value or line.node.name,
        severity=severity,
        related=related,
        fix=fix,
    )


def on(
    part: Part,
    detail: str,
    *,
    mark: str = "",
    severity: Severity | None = None,
    related: tuple[Place, ...] = (),
    fix: tuple[Fix, ...] | None = None,
) -> Hit:
    """A hit at a section's opening line."""
    return Hit(
        tree=part.tree,
        line=part.node.line,
        detail=detail,
        mark=mark or part.node.argument or part.node.tag,
        severity=severity,
        related=related,
        fix=fix,
    )


def whole(facts: Facts, detail: str, *, severity: Severity | None = None) -> Hit:
    """A hit on the configuration as a whole."""
    return Hit(tree=facts.tree, line=None, detail=detail, severity=severity)


def few(names: list[str], most: int = 4) -> str:
    """`a, b, c and 12 more`."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"
