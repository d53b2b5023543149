"""What PowerMTA has no longer, or not yet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.includes import include_path, is_url
from pmtaform.lang.lint.facts import Facts, Line
from pmtaform.lang.lint.hits import at, on
from pmtaform.lang.lint.line_fixes import rename_fix
from pmtaform.lang.lint.model import ERROR, INFO, WARNING, Family, Fix, Given, Hit, Rule
from pmtaform.lang.lint.reads import BLOCK, Reads
from pmtaform.lang.lint.version import Version

_LATER: Final = "5.0, a later 5.0"
_MILD: Final = frozenset({"spool", "deliver-local-dsn", "pickup-retry-interval", "spool-min-free-space"})
_PER_HOUR: Final = {"max-msg-per-hour": "max-msg-rate", "backoff-max-msg-per-hour": "backoff-max-msg-rate"}
_BRACKETED: Final = re.compile(r"\[[0-9.]+\](?::[0-9]+)?")


@Rule(
    code="deprecated-directive",
    severity=WARNING,
    family=Family.VERSIONS,
    summary="Deprecated directive",
    explanation="It has a newer name or form, and any release may remove it.",
    basis="guide, and the 4.5 release notes",
    reads=(*BLOCK, Reads(at=("spool",), others=("<spool",))),
    wrong="""
        <domain *>
          deliver-local-dsn no
        </domain>
    """,
    right="""
        <domain *>
          max-smtp-out 10
        </domain>
    """,
)
def deprecated_directive(facts: Facts) -> Iterator[Hit]:
    for line in _with_status(facts, "deprecated"):
        spec = line.spec
        if spec is None or spec.status != "deprecated" or (spec.name == "spool" and facts.top("spool")):
            continue
        if spec.until and facts.version is not None and facts.version.lacks(spec.until.rpartition(" ")[2]):
            continue  # not yet deprecated in that version
        instead = f"Write {spec.replaced_by} instead." if spec.replaced_by else "Remove it."
        severity = INFO if spec.name in _MILD else ERROR if spec.name == "auto-cold-virtual-mta" else None
        detail = f"{spec.name} is deprecated{_since(spec.until)}. {instead}"
        yield at(line, detail, mark=line.node.name, severity=severity, fix=_modern(facts, line))
    for line in facts.named("max-message-size"):
        if line.value.isascii() and line.value.isdecimal() and line.value != "0":
            detail = f"A size without a unit works and is deprecated. Write {line.value}b."
            yield at(line, detail, severity=INFO, fix=rename_fix(line, line.name, f"{line.value}b"))


def _with_status(facts: Facts, status: str) -> Iterator[Line]:
    """The lines of directives with a status that starts so."""
    for lines in facts.alike:
        if lines[0].spec is not None and lines[0].spec.status.startswith(status):
            yield from lines


def _since(until: str | None) -> str:
    last = Version.parse(until)
    return f" since {last}" if last else ""


def _modern(facts: Facts, line: Line) -> tuple[Fix, ...] | None:
    """The new name, where it means the same by the guide."""
    value = line.value.strip('"')
    if line.name in _PER_HOUR and value.isascii() and value.isdecimal() and 0 < len(value.lstrip("0")) < 19:
        return rename_fix(line, _PER_HOUR[line.name], f"{value}/h")
    lacks = facts.version.lacks("4.5") if facts.version else False
    if line.name == "route" and _BRACKETED.fullmatch(line.value) and not lacks:
        return rename_fix(line, "smtp-hosts")
    return None


@Rule(
    code="legacy-directive",
    severity=WARNING,
    family=Family.VERSIONS,
    summary="Directive of an older release",
    explanation=(
        "DomainKeys, Sender-ID and Goodmail no longer exist, and other words have successors; 5.0 documents none of "
        "them."
    ),
    basis="seen in published configurations; absent from the 5.0 guides",
    reads=BLOCK,
    wrong="acct-log-header yes",
    right="""
        <acct-file /var/log/pmta/acct.csv>
        </acct-file>
    """,
)
def legacy_directive(facts: Facts) -> Iterator[Hit]:
    for line in _with_status(facts, "legacy"):
        spec = line.spec
        if spec is not None:
            instead = f"Write {spec.replaced_by} instead." if spec.replaced_by else "Remove it."
            where = "is only mentioned in a 5.0 guide" if spec.is_in_guide else "is in no 5.0 guide"
            detail = (
                f"{spec.name} is from an older release and {where}; whether yours still accepts it is not documented. "
                f"{instead}"
            )
            yield at(line, detail, mark=line.node.name)


@Rule(
    code="removed-directive",
    severity=INFO,
    family=Family.VERSIONS,
    summary="Removed directive",
    explanation="It has no effect in later releases, or does not load.",
    basis="2020 guide; 4.5 release notes",
    reads=BLOCK,
    wrong="http-tls-allow-sslv3 no",
    right="http-tls-ciphers HIGH:!aNULL:!MD5",
)
def removed_directive(facts: Facts) -> Iterator[Hit]:
    for line in _with_status(facts, "removed"):
        spec = line.spec
        if spec is None:
            continue
        if spec.status == "removed":
            detail = f"{spec.name} is gone{f'; write {spec.replaced_by}' if spec.replaced_by else ''}."
            yield at(line, detail, mark=line.node.name, severity=ERROR)
        else:
            detail = f"{spec.name} is ignored in later 5.0 releases. Remove the line."
            yield at(line, detail, mark=line.node.name)


@Rule(
    code="not-in-version",
    severity=ERROR,
    family=Family.VERSIONS,
    summary="Directive of a later version",
    explanation="PowerMTA does not load a configuration with an unknown line.",
    basis="guides of 2019 and 2020, 4.5 release notes (docs/powermta/language.md section 14)",
    reads=(*BLOCK, Reads(at=("reroute-to-virtual-mta",), names=("virtual-mta", "virtual-mta-pool"))),
    wrong="""
        <domain *>
          use-mta-sts yes
        </domain>
    """,
    right="""
        <domain *>
          max-smtp-out 10
        </domain>
    """,
    given=Given(version="4.5"),
)
def not_in_version(facts: Facts) -> Iterator[Hit]:
    version = facts.version
    if version is None:
        return
    for lines in facts.alike:
        spec = lines[0].spec
        since = spec.since if spec is not None and _is_version(spec.since) else None
        for line in lines if version.lacks(since) else ():
            detail = f"{line.name} came with {_released(since)}, and PowerMTA {version} does not have it."
            yield at(line, detail, mark=line.node.name)
    yield from _new_sections(facts, version)
    yield from _new_forms(facts, version)


def _is_version(since: str | None) -> bool:
    return since is not None and since[:1].isdecimal()


def _released(since: str | None) -> str:
    if since and "later 5.0" in since:
        return "a later release of 5.0"
    first = Version.parse(since)
    return f"PowerMTA {first}" if first else "a later release"


def _new_sections(facts: Facts, version: Version) -> Iterator[Hit]:
    for part in facts.parts:
        spec = catalogue().section(part.tag)
        since = spec.since if spec is not None else None
        if part.tag == "domain" and part.within is not None and part.within.tag == "virtual-mta-pool":
            since = "4.5"
        if part.node.lead is not None:
            since = "4.5"
        if version.lacks(_LATER if since and "later 5.0" in since else since):
            detail = f"{part.title} here came with {_released(since)}, and PowerMTA {version} does not have it."
            yield on(part, detail, mark=part.node.tag)


def _new_forms(facts: Facts, version: Version) -> Iterator[Hit]:
    """Forms of values that came later than their directives."""
    for what, since, names, is_new in _FORMS:
        if not version.lacks(since):
            continue
        each = facts.named(*names) if names else (line for lines in facts.alike if is_new(lines[0]) for line in lines)
        for line in each:
            if is_new(line):
                yield _not_there(line, what, since, version)
    if version.lacks(_LATER):
        pools, vmtas = facts.defined("virtual-mta-pool"), facts.defined("virtual-mta")
        for line in facts.named("reroute-to-virtual-mta", "backoff-reroute-to-virtual-mta"):
            if line.value in pools and line.value not in vmtas:
                yield _not_there(line, "A reroute to a pool", _LATER, version)


def _many_units(line: Line) -> bool:
    kind = line.spec.type if line.spec is not None else ""
    return (
        kind in ("rate", "cidr-rate", "volume-rate") and re.search(r"/[0-9]", line.value.rpartition(" ")[2]) is not None
    )


_FORMS: Final[tuple[tuple[str, str, tuple[str, ...], Callable[[Line], bool]], ...]] = (
    ("A rate over several units, such as 83/10m,", "5.0", (), _many_units),
    ("A list of intervals", "4.5", ("retry-after", "backoff-retry-after"), lambda line: "," in line.value),
    ("The action defer-queue", "4.5", ("reply",), lambda line: "defer-queue" in line.value),
    ("The action backoff-to-normal-after", _LATER, ("reply",), lambda line: "backoff-to-normal-after=" in line.value),
    ("An include of a web address", _LATER, ("include",), lambda line: is_url(include_path(line.value))),
    ("A key from a vault", _LATER, ("domain-key",), lambda line: "{vault}" in line.value),
)


def _not_there(line: Line, what: str, since: str, version: Version) -> Hit:
    return at(line, f"{values.shown(what)} came with {_released(since)}, and PowerMTA {version} does not have it.")
