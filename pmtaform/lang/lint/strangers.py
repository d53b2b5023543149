"""What strangers may do at listeners and sources beside relaying."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.lint.facts import Facts
from pmtaform.lang.lint.hits import at, on
from pmtaform.lang.lint.model import ERROR, WARNING, Check, Family, Hit, Rule
from pmtaform.lang.lint.reads import BLOCK, Reads, on_words
from pmtaform.lang.lint.relay import for_everyone, is_closed
from pmtaform.lang.values.networks import EVERY_ADDRESS, is_everyone, is_inside


def _everyone_has(name: str, detail: str) -> Check:
    """A switch that must not be on in a source that every client belongs to."""

    def check(facts: Facts) -> Iterator[Hit]:
        for part in for_everyone(facts):
            line = part.last(name)
            if line is not None and line.is_true:
                yield at(line, f"{part.title} is every client. {detail}", mark=line.node.name)

    return check


@Rule(
    code="listener-everywhere",
    severity=WARNING,
    family=Family.RELAYING,
    summary="Listener open to the Internet",
    explanation="If a source allows something by mistake, everyone can use it.",
    basis="guide 3.3.1.20; seen in published configurations",
    security=True,
    reads=(Reads(at=("smtp-listener",), others=("<source ",)),),
    wrong="smtp-listener 0/0:25",
    right="smtp-listener 127.0.0.1:25",
)
def listener_everywhere(facts: Facts) -> Iterator[Hit]:
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
    return is_everyone(address) or address.strip("[]") in (EVERY_ADDRESS, "::")


@Rule(
    code="dummy-listener-exposed",
    severity=WARNING,
    family=Family.RELAYING,
    summary="Dummy listener open to the Internet",
    explanation="PowerMTA accepts mail that reaches it by mistake, and discards it.",
    basis="inferred",
    security=True,
    reads=on_words("dummy-smtp"),
    wrong="""
        dummy-smtp-ip 198.51.100.7
        dummy-smtp-port 2525
    """,
    right="""
        dummy-smtp-ip 127.0.0.1
        dummy-smtp-port 2525
    """,
)
def dummy_listener_exposed(facts: Facts) -> Iterator[Hit]:
    port, ip = facts.setting("dummy-smtp-port"), facts.setting("dummy-smtp-ip")
    if port is None or not port.value.isascii() or not port.value.isdecimal() or int(port.value[:9]) == 0:
        return
    if ip is not None and is_inside(ip.value):
        return
    where = values.shown(ip.value) if ip else "an unnamed address"
    detail = (
        f"The dummy listener on {where} accepts mail from everyone who connects, confirms it, and discards it. "
        f"Put "
        "it on 127.0.0.1 (`dummy-smtp-ip 127.0.0.1`), or on test hosts only."
    )
    yield at(ip or port, detail)


@Rule(
    code="reserved-source-name",
    severity=WARNING,
    family=Family.RELAYING,
    summary="Reserved name of a source",
    explanation="Names in braces are reserved for PowerMTA.",
    basis="guide 3.3.7; common in published configurations all the same",
    reads=BLOCK,
    wrong="""
        <source {partners}>
        </source>
    """,
    right="""
        <source partners>
        </source>
    """,
)
def reserved_source_name(facts: Facts) -> Iterator[Hit]:
    for part in facts.top("source"):
        key = part.key
        if (
            key.startswith("{")
            and key not in ("{auth}", "{pickup}", "{transmissions-api}")
            and not key.startswith("{{")
        ):
            detail = (
                f"Names in braces are reserved for PowerMTA, and the guide does not list {values.shown(key)}. It "
                "seems to work, but a later release may give it a meaning. Use a name without braces."
            )
            yield on(part, detail)


plain_auth_for_everyone: Final = Rule(
    code="plain-auth-for-everyone",
    severity=ERROR,
    family=Family.RELAYING,
    summary="Passwords in clear text on the Internet",
    explanation="Anyone on the network path can read the password.",
    basis="guide, allow-unencrypted-plain-auth; seen in published configurations",
    security=True,
    reads=BLOCK,
    wrong="""
        <source 0/0>
          allow-unencrypted-plain-auth yes
        </source>
    """,
    right="""
        <source 0/0>
          allow-unencrypted-plain-auth no
        </source>
    """,
    check=_everyone_has(
        "allow-unencrypted-plain-auth",
        "Logins without TLS reveal the password to the network. Set it to no, with `allow-starttls yes` and "
        "`require-starttls-before-auth yes`.",
    ),
)


dkim_keys_from_everyone: Final = Rule(
    code="dkim-keys-from-everyone",
    severity=WARNING,
    family=Family.RELAYING,
    summary="Signing keys from strangers",
    explanation="PowerMTA accepts the header from everyone, and passes it on to recipients where it is not processed.",
    basis="guide 3.3.7.42",
    security=True,
    reads=BLOCK,
    wrong="""
        <source 0/0>
          process-x-dkim-key yes
        </source>
    """,
    right="""
        <source 192.0.2.0/24>
          process-x-dkim-key yes
        </source>
    """,
    check=_everyone_has("process-x-dkim-key", "Process X-DKIM-Key from trusted sources only."),
)


virtual_mta_from_everyone: Final = Rule(
    code="virtual-mta-from-everyone",
    severity=WARNING,
    family=Family.RELAYING,
    summary="Virtual MTA chosen by strangers",
    explanation="Everyone who may submit mail chooses the addresses that it is sent from.",
    basis="guide, scope of the example",
    security=True,
    reads=BLOCK,
    wrong="""
        <source 0/0>
          process-x-virtual-mta yes
        </source>
    """,
    right="""
        <source 192.0.2.0/24>
          process-x-virtual-mta yes
        </source>
    """,
    check=_everyone_has("process-x-virtual-mta", "Process X-Virtual-MTA from trusted sources only."),
)
