"""Directives that need another one: required beside a value, or without effect without it.

What the guides say of pairs is a table here. A domain inherits, so a pair counts as complete wherever another section
that may hold for the same recipients has the other half: the rules are silent rather than wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.lint.domains import Applies, domains
from pmtaform.lang.lint.facts import Facts, Line, Part
from pmtaform.lang.lint.hits import at, on
from pmtaform.lang.lint.model import ERROR, WARNING, Family, Hit, Rule
from pmtaform.lang.lint.reads import BLOCK, Reads

Test = Callable[[Line], bool]


def _any(_: Line) -> bool:
    return True


def _is(*words: str) -> Test:
    return lambda line: line.value.strip('"').strip().lower() in words


@dataclass(frozen=True, slots=True)
class Need:
    """What a directive with a value that `when` picks needs: one of `names` with a value that `has` picks."""

    name: str
    names: tuple[str, ...]
    basis: str
    remedy: str
    when: Test = _any
    has: Test = _any


def _of_type(kind: str, basis: str, *names: str) -> tuple[Need, ...]:
    """Directives that only one type of domain reads."""
    remedy = f"it is read in domains of `type {kind}` only. Add that line, or remove this one."
    return tuple(Need(name, ("type",), basis, remedy, has=_is(kind)) for name in names)


REQUIRED_IN_DOMAINS: Final = (
    Need("type", ("command",), "2020 guide 3.3.10.98.1", "Add `command`.", when=_is("pipe")),
    Need(
        "type", ("http-delivery-url",), "2020 guide 3.3.10.99.1", "Add `http-delivery-url`.", when=_is("http-delivery")
    ),
)
# (section, directive that must be there, when it must, basis)
REQUIRED_IN_SECTIONS: Final = (
    ("proxy", "server", None, "2020 guide 3.3.22"),
    ("proxy", "client", None, "2020 guide 3.3.22"),
    ("transmissions-api-listener", "tls-certificate", None, "guide 3.3.17.4, 10.19"),
    ("smtp-user", "tls-certificate", ("authentication-method", _is("certificate")), "guide 3.3.8.3"),
)
IDLE_IN_DOMAINS: Final = (
    Need(
        "dkim-identity-fallback",
        ("dkim-identity",),
        "guide 3.3.10.29",
        "it is tried after dkim-identity, which is not set. Set dkim-identity, or remove the line.",
    ),
    Need(
        "second-dkim-identity-fallback",
        ("second-dkim-identity",),
        "guide 3.3.10.29, 10.6.4",
        "it is tried after second-dkim-identity, which is not set. Set that, or remove the line.",
    ),
    *_of_type("pipe", "guide 3.3.10.97", "command", "macro-variables-preserve-case"),
    *_of_type("file", "guide 3.3.10.96", "file-format", "file-destination"),
    *_of_type("http-delivery", "guide 3.3.10.98", "http-delivery-url", "http-delivery-extra-headers"),
    *_of_type("discard", "guide 3.3.10.95", "discard-as-bounce"),
)
# Pairs inside one section: (section, need)
IDLE_IN_SECTIONS: Final = (
    (
        "smtp-user",
        Need(
            "tls-certificate",
            ("authentication-method",),
            "guide 3.3.8.3",
            "it counts for `authentication-method certificate` only. Add that line, or remove this one.",
            has=_is("certificate"),
        ),
    ),
)


_REQUIRED: Final = (
    *BLOCK,
    Reads(at=("pipe",), others=("command",)),
    Reads(at=("http-delivery",), others=("http-delivery-url",)),
    Reads(at=("{vault}",), others=("vault",)),
)
_OF_TYPES: Final = tuple(need.name for need in IDLE_IN_DOMAINS if need.names == ("type",))
_IDLE: Final = (
    *BLOCK,
    Reads(at=("dkim-identity-fallback",), others=("dkim-identity",)),
    Reads(at=_OF_TYPES, others=("type",)),
    Reads(at=("date-header-time",), others=("add-date-header",)),
    Reads(at=("proxy-protocol",), others=("smtp-proxy-source-host",)),
    Reads(at=("smtp-ip", "smtp-port"), others=("smtp-listener",)),
    Reads(at=("invalid-virtual-mta-fallback",), others=("reject-invalid-virtual-mta",)),
)


def _bases(rows: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(rows))


@Rule(
    code="required-setting",
    severity=ERROR,
    family=Family.DEPENDENT,
    summary="Required setting missing",
    explanation=(
        "Without it the section or the value does not work: mail is not delivered, or PowerMTA does not load the "
        "configuration."
    ),
    basis=_bases(
        [
            *(need.basis for need in REQUIRED_IN_DOMAINS),
            *(row[3] for row in REQUIRED_IN_SECTIONS),
            "2020 guide 3.3.23",
        ]
    ),
    reads=_REQUIRED,
    wrong="""
        <proxy gate>
        </proxy>
    """,
    right="""
        <proxy gate>
          server 192.0.2.1:5000
          client 192.0.2.2 a.example.com
        </proxy>
    """,
)
def required_setting(facts: Facts) -> Iterator[Hit]:
    for need in REQUIRED_IN_DOMAINS if facts.whole else ():
        for line in _without(facts, need):
            yield at(
                line, f"`{line.name} {values.shown(line.value)}` needs {need.names[0]}, and none is set. {need.remedy}"
            )
    for tag, name, when, _ in REQUIRED_IN_SECTIONS:
        for part in facts.by_tag.get(tag, ()):
            cause = part.last(when[0]) if when is not None else None
            if part.named(name) or (when is not None and (cause is None or not when[1](cause))):
                continue
            why = f"`{cause.name} {values.shown(cause.value)}` needs {name}" if cause else f"{part.title} needs {name}"
            yield _at_cause(part, cause, f"{why}, and none is set. Add `{name}`.")
    yield from _vault_missing(facts)


def _vault_missing(facts: Facts) -> Iterator[Hit]:
    """Keys that are in a vault that nothing describes."""
    if not facts.whole or not facts.complete or facts.top("vault"):
        return
    for line in facts.named("domain-key"):
        if "{vault}" in line.value:
            yield at(line, "A key in {vault} needs a <vault> section, and there is none. Add it.", mark="{vault}")


def _at_cause(part: Part, cause: Line | None, detail: str) -> Hit:
    return on(part, detail) if cause is None else at(cause, detail)


@Rule(
    code="setting-without-effect",
    severity=WARNING,
    family=Family.DEPENDENT,
    summary="Setting without effect",
    explanation="PowerMTA reads it only together with another setting, which is missing.",
    basis=_bases(
        [
            *(need.basis for need in IDLE_IN_DOMAINS),
            *(need.basis for _, need in IDLE_IN_SECTIONS),
            "guide 3.3.7.2, 3.3.10.50, 3.3.10.60, 3.3.11.2, 3.3.11.3, 3.3.11.8, 3.3.1.20, 3.3.1.33.2",
            "2020 guide 3.3.12.8",
        ]
    ),
    reads=_IDLE,
    wrong="""
        <virtual-mta mta-a>
          proxy-protocol 2
        </virtual-mta>
    """,
    right="""
        <virtual-mta mta-a>
          smtp-proxy-source-host 192.0.2.1 10.0.0.1:5000 192.0.2.2 a.example.com
          proxy-protocol 2
        </virtual-mta>
    """,
)
def setting_without_effect(facts: Facts) -> Iterator[Hit]:
    for need in IDLE_IN_DOMAINS if facts.whole else ():
        for line in _without(facts, need):
            yield _no_effect(line, need.remedy)
    for tag, need in IDLE_IN_SECTIONS:
        for part in facts.by_tag.get(tag, ()):
            own = part.last(need.name)
            if own is not None and not _met(part, need):
                yield _no_effect(own, need.remedy)
    yield from _in_sources(facts)
    yield from _in_acct_files(facts)
    yield from _limits_with_reroute(facts)
    yield from _proxy_protocol(facts)
    yield from _at_top(facts)
    yield from _without_mx(facts)


def _no_effect(line: Line, why: str, *, related: Line | None = None) -> Hit:
    places = (related.place,) if related is not None else ()
    return at(line, f"{line.name} has no effect: {why}", mark=line.node.name, related=places)


def _every_domain(facts: Facts) -> list[Part]:
    return [*domains(facts), *(domains(facts.defaults) if facts.defaults is not None else ())]


def _without(facts: Facts, need: Need) -> Iterator[Line]:
    """Lines whose need no section meets that may hold for the same recipients."""
    lines = [line for line in facts.named(need.name) if line.scope == "domain" and line.within and need.when(line)]
    if not lines or not facts.complete:
        return
    meeting = Applies(part for part in _every_domain(facts) if _met(part, need))
    yield from (line for line in lines if line.within is not None and not meeting.may_hold_with(line.within))


def _met(part: Part, need: Need) -> bool:
    return any(need.has(line) for name in need.names for line in part.named(name))


def _in_sources(facts: Facts) -> Iterator[Hit]:
    if not facts.whole or not facts.complete or any(_adds_date(line) for line in facts.named("add-date-header")):
        return
    for line in facts.named("date-header-time"):
        yield _no_effect(line, "it sets the time of a header that only `add-date-header yes` (or override) adds.")


def _adds_date(line: Line) -> bool:
    return line.value.strip('"').lower() != "no"


def _in_acct_files(facts: Facts) -> Iterator[Hit]:
    for part in facts.by_tag.get("acct-file", ()):
        hook = part.last("http-webhook-url")
        for name in ("move-to", "move-interval") if hook is not None else ():
            if (line := part.last(name)) is not None:
                instead = "; use http-webhook-max-interval" if name == "move-interval" else ""
                yield _no_effect(line, f"records that go to a webhook are not moved{instead}.", related=hook)
        text, fields = part.last("user-string"), part.named("record-fields")
        if text is not None and fields and not any(_lists_user_string(field) for field in fields):
            yield _no_effect(text, "no record-fields line lists the field userString. Add it there.", related=fields[0])


_BESIDE_REROUTE: Final = (
    "backoff-max-msg-rate",
    "backoff-max-connect-rate",
    "backoff-max-data-volume-rate",
    "backoff-max-smtp-out",
    "backoff-retry-after",
)


def _limits_with_reroute(facts: Facts) -> Iterator[Hit]:
    """Limits of back-off in a domain whose mail goes elsewhere in back-off."""
    for part in domains(facts):
        away = part.last("backoff-reroute-to-virtual-mta")
        if away is None or away.value in ("", '""'):
            continue
        for name in _BESIDE_REROUTE:
            if (line := part.last(name)) is not None:
                yield _no_effect(
                    line,
                    "in back-off this mail goes to another virtual MTA instead. Remove one of the two lines.",
                    related=away,
                )


def _proxy_protocol(facts: Facts) -> Iterator[Hit]:
    if facts.settings("smtp-proxy-source-host") or not facts.complete:
        return
    for part in facts.by_tag.get("virtual-mta", ()):
        line = part.last("proxy-protocol")
        if line is not None and not part.named("smtp-proxy-source-host"):
            yield _no_effect(
                line,
                "it sets the protocol of smtp-proxy-source-host, which is missing. Add that line, or remove this one.",
            )


def _lists_user_string(line: Line) -> bool:
    _, _, fields = line.value.strip('"').partition(" ")
    return not {"userstring", "*"}.isdisjoint(field.strip().lower() for field in fields.split(","))


def _at_top(facts: Facts) -> Iterator[Hit]:
    listeners: list[Line | Part] = [*facts.settings("smtp-listener"), *facts.top("smtp-listener")]
    for name in ("smtp-ip", "smtp-port") if listeners else ():
        for line in facts.settings(name):
            detail = f"{name} has no effect: it is ignored where there is an smtp-listener. Remove the line."
            yield at(line, detail, mark=line.node.name, related=(listeners[0].place,))
    fallback = facts.setting("invalid-virtual-mta-fallback")
    if fallback is not None and facts.whole and facts.complete and not _lets_invalid_in(facts):
        yield _no_effect(
            fallback, "every source rejects mail for an invalid virtual MTA. Set `reject-invalid-virtual-mta no`."
        )


def _lets_invalid_in(facts: Facts) -> bool:
    return any(line.is_false for line in facts.named("reject-invalid-virtual-mta"))


def _without_mx(facts: Facts) -> Iterator[Hit]:
    """bounce-upon-no-mx beside smtp-hosts: no MX is looked up."""
    for part in domains(facts):
        line, hosts = part.last("bounce-upon-no-mx"), part.last("smtp-hosts")
        if line is not None and hosts is not None and not line.is_false and hosts.value not in ("", '""'):
            yield _no_effect(line, "it is ignored where smtp-hosts is set. Remove one of the two.", related=hosts)
