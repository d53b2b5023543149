"""The web monitor: who may look, and who may change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.lint.facts import Facts, Line
from pmtaform.lang.lint.hits import at
from pmtaform.lang.lint.model import ERROR, WARNING, Hit, Rule
from pmtaform.lang.lint.networks import is_everyone


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


def _everyone_changes(facts: Facts) -> Iterator[Hit]:
    for line, level in _grants(facts):
        if level in ("admin", "operator"):
            can = (
                "change the configuration and every queue"
                if level == "admin"
                else "read the configuration and run commands"
            )
            yield at(
                line,
                f"Everyone who reaches the web monitor can {can}. Let in 127.0.0.1 alone, and come by SSH or a VPN.",
            )


def _everyone_looks(facts: Facts) -> Iterator[Hit]:
    for line, level in _grants(facts):
        if level.startswith("monitor"):
            what = "queues and addresses" if "deny-logs" in level else "queues, addresses and logs"
            yield at(line, f"Everyone who reaches the web monitor sees {what}. Limit it to the networks of your staff.")


def _protection(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("http-redirect-to-https", "http-csrf-protection"):
        if line.is_false:
            what = (
                "API keys and pages cross the network in clear"
                if line.name == "http-redirect-to-https"
                else "a page that an administrator visits can send commands to the monitor"
            )
            yield at(line, f"Without it, {what}. Remove the line: the default of 5.0 is true.", mark=line.node.name)


RULES: Final = (
    Rule(
        id="http-admin-for-everyone",
        severity=ERROR,
        summary="Everyone may administer the server",
        why="Who reaches the port rewrites the configuration, or empties the queues.",
        basis="guide 3.3.1.36.3",
        check=_everyone_changes,
        security=True,
    ),
    Rule(
        id="http-monitor-for-everyone",
        severity=WARNING,
        summary="Everyone may look at the web monitor",
        why="Queues, recipients' addresses and logs are open; the guide calls that fit for tests only.",
        basis="guide 3.3.1.36.3",
        check=_everyone_looks,
        security=True,
    ),
    Rule(
        id="http-protection-off",
        severity=WARNING,
        summary="A protection of the web monitor is switched off",
        why="Both protections are on by default in 5.0.",
        basis="guide 3.3.1.36",
        check=_protection,
        security=True,
    ),
)
