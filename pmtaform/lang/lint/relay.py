"""Who may send what through the server: open relays in all their forms, and what strangers may do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.diagnostics import Severity
from pmtaform.lang import values
from pmtaform.lang.lint.facts import Facts, Line, Part
from pmtaform.lang.lint.hits import at, on
from pmtaform.lang.lint.model import ERROR, WARNING, Check, Hit, Rule
from pmtaform.lang.lint.networks import is_everyone, is_inside, network
from pmtaform.lang.lint.regex import matches_every_text, split_regex

_WIDE_V4: Final = 8  # bits of a network that is nobody's own
_WIDE_V6: Final = 19


def for_everyone(facts: Facts) -> list[Part]:
    """The sources that every client belongs to and is served in.

    Where <source 0/0> has `smtp-service no`, what else it says is only what more special sources begin with.
    """
    every = _every(facts)
    closed = {part.key for part in every if part.says("smtp-service", False)}
    return [part for part in every if part.key not in closed]


def _every(facts: Facts) -> list[Part]:
    return [part for part in facts.by_tag.get("source", ()) if is_everyone(part.key)]


def _relaying(part: Part) -> Line | None:
    line = part.last("always-allow-relaying")
    return line if line is not None and line.is_true else None


def _open_relay(facts: Facts) -> Iterator[Hit]:
    for part in for_everyone(facts):
        line = _relaying(part)
        if line is not None and not part.says("require-auth", True):
            detail = (
                f"{part.title} lets everyone send to any recipient. An open relay is found within the hour, and its "
                "addresses are blocked for weeks. Set it to no here; allow it in sources for trusted networks, or in "
                "those of authenticated users."
            )
            yield at(line, detail, mark=line.node.name)
    yield from _global_relaying(facts)


def _global_relaying(facts: Facts) -> Iterator[Hit]:
    """`always-allow-relaying yes` at top level: the guide describes it there, and shows it in sources."""
    line = facts.setting("always-allow-relaying")
    if line is None or not line.is_true:
        return
    refused = bool(_every(facts)) and all(part.says(line.name, False) for part in for_everyone(facts))
    detail = (
        "Whether this counts at top level is not settled: the guide describes it among the global directives, and "
        "shows it in sources. If it counts, every source that does not say no is an open relay. Take the line out, and "
        "write `always-allow-relaying yes` into the sources of trusted clients."
    )
    yield at(line, detail, mark=line.node.name, severity=WARNING if refused else None)


def _relay_behind_auth(facts: Facts) -> Iterator[Hit]:
    for part in for_everyone(facts):
        line = _relaying(part)
        if line is not None and part.says("require-auth", True):
            detail = (
                f"Only require-auth keeps {part.title} from being an open relay, and every client gets to guess "
                "passwords. Put always-allow-relaying into <source {auth}> or a named source of the users instead."
            )
            yield at(line, detail, mark=line.node.name)


def _listeners(facts: Facts) -> Iterator[tuple[Line, str, str]]:
    """Every listener that gives its clients a named source: (line, address, source)."""
    for line in facts.settings("smtp-listener"):
        address, *rest = line.value.split() or [""]
        for word in rest:
            if word.startswith("source="):
                yield line, address.rpartition(":")[0], word[7:]
    for part in facts.top("smtp-listener"):
        source = part.last("source")
        if source is not None:
            yield source, part.node.argument.rpartition(":")[0], source.value


def _open_listener(facts: Facts) -> Iterator[Hit]:
    sources = facts.defined("source")
    for line, address, name in _listeners(facts):
        part = sources.get(name)
        if part is None or is_inside(address) or network(address) is None:
            continue
        relaying = _relaying(part)
        if relaying is not None:
            auth = part.says("require-auth", True)
            detail = (
                f"Everyone who can reach {values.shown(address)} becomes {part.title}, which may relay to any recipient"
                + (", if only a login succeeds" if auth else "")
                + ". Listen on an inner address, or let the client's address or its login decide who may relay."
            )
            yield at(line, detail, mark=name, related=(relaying.place,), severity=WARNING if auth else None)


def _open_recipients(facts: Facts) -> Iterator[Hit]:
    for line in facts.settings("relay-domain"):
        domain = line.value.strip('"').lower()
        bare = domain.removeprefix("[*.]").removeprefix("*.")
        if domain == "*" or (bare != domain and "." not in bare and "$" not in bare):
            yield at(line, _recipients("every domain" if domain == "*" else f"every domain under {values.shown(bare)}"))
    for line in facts.settings("relay-address"):
        parts = split_regex(line.value)
        if parts is not None and not parts[0] and (matches_every_text(parts[1]) or parts[1] in ("@", ".*@.*", ".+@.+")):
            yield at(line, _recipients("every address"))


def _recipients(what: str) -> str:
    return (
        f"The server accepts mail for {what} from everyone, which makes it an open relay. List the domains that you "
        "receive mail for."
    )


def _wide_relay(facts: Facts) -> Iterator[Hit]:
    for part in facts.by_tag.get("source", ()):
        found = network(part.key)
        line = _relaying(part)
        if line is None or found is None or found.prefixlen == 0 or is_inside(part.key):
            continue
        if found.prefixlen <= (_WIDE_V4 if found.version == 4 else _WIDE_V6):
            detail = (
                f"{part.title} takes in {found.num_addresses} addresses, and all of them may relay. Name the "
                f"networks that are yours."
            )
            yield at(line, detail, mark=line.node.name)


def _everyone_says(name: str, detail: str) -> Check:
    """A switch that must not be on in a source that every client belongs to."""

    def check(facts: Facts) -> Iterator[Hit]:
        for part in for_everyone(facts):
            line = part.last(name)
            if line is not None and line.is_true:
                yield at(line, f"{part.title} is every client. {detail}", mark=line.node.name)

    return check


def is_closed(facts: Facts) -> bool:
    """Whether strangers are not served."""
    return any(part.says("smtp-service", False) for part in _every(facts))


def _everywhere(facts: Facts) -> Iterator[Hit]:
    if is_closed(facts):
        return
    detail = (
        "The listener is open on every address of the machine, to the whole world. Bind it to the address that mail is "
        "fed through, or write `smtp-service no` in <source 0/0>."
    )
    for line in facts.settings("smtp-listener"):
        address = line.value.split()[0].rpartition(":")[0] if line.value else ""
        if _is_any(address):
            yield at(line, detail)
    for part in facts.top("smtp-listener"):
        if _is_any(part.node.argument.rpartition(":")[0]):
            yield on(part, detail)


def _is_any(address: str) -> bool:
    return is_everyone(address) or address.strip("[]") in ("0.0.0.0", "::")  # noqa: S104 - what is looked for


def _dummy(facts: Facts) -> Iterator[Hit]:
    port, ip = facts.setting("dummy-smtp-port"), facts.setting("dummy-smtp-ip")
    if port is None or not port.value.isascii() or not port.value.isdecimal() or int(port.value[:9]) == 0:
        return
    if ip is not None and is_inside(ip.value):
        return
    where = values.shown(ip.value) if ip else "an address that is not given"
    detail = (
        f"The dummy listener on {where} takes mail from whoever connects, says that all is well, and throws it away. "
        f"Put "
        "it on 127.0.0.1 (`dummy-smtp-ip 127.0.0.1`), or on test hosts only."
    )
    yield at(ip or port, detail)


def _reserved(facts: Facts) -> Iterator[Hit]:
    for part in facts.top("source"):
        key = part.key
        if (
            key.startswith("{")
            and key not in ("{auth}", "{pickup}", "{transmissions-api}")
            and not key.startswith("{{")
        ):
            detail = (
                f"Names in braces are PowerMTA's own, and {values.shown(key)} is none that the guide knows. It seems "
                f"to "
                "work; a later release may give it a meaning. Take a name without braces."
            )
            yield on(part, detail)


def _rule(name: str, severity: Severity, summary: str, why: str, basis: str, check: Check) -> Rule:
    return Rule(id=name, severity=severity, summary=summary, why=why, basis=basis, check=check, security=True)


RULES: Final = (
    _rule(
        "open-relay",
        ERROR,
        "Everyone may relay",
        "Anyone can send any mail through the server; its addresses end up on every block list.",
        "guide 3.3.1.32.1 and its warning",
        _open_relay,
    ),
    _rule(
        "open-relay-listener",
        ERROR,
        "A listener lets everyone relay",
        "A source that a listener gives to its clients holds for everyone who reaches the listener.",
        "guide 3.3.1.20, warning",
        _open_listener,
    ),
    _rule(
        "open-relay-recipients",
        ERROR,
        "Mail for every domain is accepted",
        "relay-domain and relay-address open their recipients to everyone.",
        "inferred from guide 3.3.2",
        _open_recipients,
    ),
    _rule(
        "relay-behind-auth",
        WARNING,
        "Only a login stands before an open relay",
        "One line less, or one account guessed, and everyone may relay.",
        "seen in published configurations",
        _relay_behind_auth,
    ),
    _rule(
        "relay-wide-network",
        WARNING,
        "A very wide network may relay",
        "No organisation has so many addresses; strangers are among them.",
        "inferred",
        _wide_relay,
    ),
    _rule(
        "plain-auth-for-everyone",
        ERROR,
        "Passwords cross the Internet in clear",
        "Who listens on the way has the account.",
        "guide, allow-unencrypted-plain-auth; seen in published configurations",
        _everyone_says(
            "allow-unencrypted-plain-auth",
            "Logins without TLS show the password on the way. Set it to no, with `allow-starttls yes` and "
            "`require-starttls-before-auth yes`.",
        ),
    ),
    _rule(
        "dkim-keys-from-everyone",
        WARNING,
        "Strangers may hand in signing keys",
        "The header is taken from everyone, and goes on to recipients where it is not processed.",
        "guide 3.3.7.42",
        _everyone_says("process-x-dkim-key", "Process X-DKIM-Key from trusted sources only."),
    ),
    _rule(
        "virtual-mta-from-everyone",
        WARNING,
        "Strangers may choose the virtual MTA",
        "Whoever may submit mail picks the addresses that it goes out from.",
        "guide, scope of the example",
        _everyone_says("process-x-virtual-mta", "Process X-Virtual-MTA from trusted sources only."),
    ),
    _rule(
        "listener-everywhere",
        WARNING,
        "A listener is open to the world",
        "Whatever a source allows by mistake, everyone can use.",
        "guide 3.3.1.20; seen in published configurations",
        _everywhere,
    ),
    _rule(
        "dummy-listener-exposed",
        WARNING,
        "The dummy listener is open to the world",
        "Mail that reaches it by mistake is accepted, and gone.",
        "inferred",
        _dummy,
    ),
    Rule(
        id="reserved-source-name",
        severity=WARNING,
        summary="A source has a reserved name",
        why="Names in braces are reserved for PowerMTA.",
        basis="guide 3.3.7; common in published configurations all the same",
        check=_reserved,
    ),
)
