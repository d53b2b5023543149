"""The web monitor: who may look, and who may change."""

from __future__ import annotations

from collections.abc import Iterator

from pmtaform.lang import values
from pmtaform.lang.lint.facts import Facts, Line
from pmtaform.lang.lint.hits import at
from pmtaform.lang.lint.model import ERROR, WARNING, Family, Hit, Rule
from pmtaform.lang.lint.reads import BLOCK, on_words
from pmtaform.lang.values.networks import is_everyone


def _grants(facts: Facts) -> Iterator[tuple[Line, str]]:
    """Lines that let everyone in, with the level."""
    closed: set[str] = set()
    for line in facts.settings("http-access"):
        words = line.value.split(None, 1)
        if len(words) != 2 or not is_everyone(words[0]):
            continue
        network = values.parse_cidr(words[0]) or ""
        level = words[1].replace(" ", "").lower()
        if network not in closed and level != "none":
            yield line, level
        closed.add(network)


@Rule(
    code="http-admin-for-everyone",
    severity=ERROR,
    family=Family.WEB_MONITOR,
    summary="Web monitor administered by everyone",
    explanation="Anyone who reaches the port can change the configuration, or delete the queues.",
    basis="guide 3.3.1.36.3",
    security=True,
    reads=on_words("http-access"),
    wrong="http-access 0/0 admin",
    right="http-access 127.0.0.1 admin",
)
def http_admin_for_everyone(facts: Facts) -> Iterator[Hit]:
    for line, level in _grants(facts):
        if level in ("admin", "operator"):
            can = (
                "change the configuration and every queue"
                if level == "admin"
                else "read the configuration and run commands"
            )
            yield at(
                line,
                (
                    f"Everyone who reaches the web monitor can {can}. Allow 127.0.0.1 only, and connect through SSH "
                    "or a VPN."
                ),
            )


@Rule(
    code="http-monitor-for-everyone",
    severity=WARNING,
    family=Family.WEB_MONITOR,
    summary="Web monitor open to everyone",
    explanation="Queues, recipients' addresses and logs are open; the guide recommends that for tests only.",
    basis="guide 3.3.1.36.3",
    security=True,
    reads=on_words("http-access"),
    wrong="http-access 0/0 monitor",
    right="http-access 192.0.2.0/24 monitor",
)
def http_monitor_for_everyone(facts: Facts) -> Iterator[Hit]:
    for line, level in _grants(facts):
        if level.startswith("monitor"):
            what = "queues and addresses" if "deny-logs" in level else "queues, addresses and logs"
            yield at(line, f"Everyone who reaches the web monitor sees {what}. Limit it to the networks of your staff.")


@Rule(
    code="http-protection-off",
    severity=WARNING,
    family=Family.WEB_MONITOR,
    summary="Protection of the web monitor off",
    explanation="Both protections are on by default in 5.0.",
    basis="guide 3.3.1.36",
    security=True,
    reads=BLOCK,
    wrong="http-csrf-protection false",
    right="http-csrf-protection true",
)
def http_protection_off(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("http-redirect-to-https", "http-csrf-protection"):
        if line.is_false:
            what = (
                "API keys and pages cross the network in clear text"
                if line.name == "http-redirect-to-https"
                else "a page that an administrator visits can send commands to the monitor"
            )
            yield at(line, f"Without it, {what}. Remove the line: the default of 5.0 is true.", mark=line.node.name)
