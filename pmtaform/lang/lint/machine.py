"""What the machine needs: paths, permissions, accounting files and the disk."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.lint.facts import Facts
from pmtaform.lang.lint.hits import at, on
from pmtaform.lang.lint.model import INFO, WARNING, Family, Hit, Rule
from pmtaform.lang.lint.reads import BLOCK, Reads
from pmtaform.lang.lint.references import named_file

_ELSEWHERE: Final = ("/etc/powermta", "/usr/local/pmta", "/opt/pmta/etc")


@Rule(
    code="wrong-path",
    severity=WARNING,
    family=Family.COMPLETE,
    summary="Path of another product",
    explanation="PowerMTA does not find files in other folders.",
    basis="guide 2.1",
    reads=BLOCK,
    wrong="include /usr/local/pmta/config",
    right="include /etc/pmta/extra.conf",
)
def wrong_path(facts: Facts) -> Iterator[Hit]:
    detail = "PowerMTA's configuration is in /etc/pmta. It does not use {}."
    known = (line for lines in facts.alike if _elsewhere(lines[0].value) for line in lines)
    for line in (*facts.unknown, *known):
        path = _elsewhere(line.value)
        if path and (line.spec is None or not line.spec.sensitive):
            yield at(line, detail.format(path), mark=path)
    for part in facts.parts:
        path = _elsewhere(part.node.argument)
        if path:
            yield on(part, detail.format(path), mark=path)


def _elsewhere(text: str) -> str:
    """The path in a text that is none of PowerMTA's; empty without one."""
    return next((path for path in _ELSEWHERE if path in text), "") if "/" in text else ""


@Rule(
    code="vendor-file",
    severity=WARNING,
    family=Family.COMPLETE,
    summary="Vendor's file changed or included",
    explanation="Every upgrade overwrites config-defaults, and PowerMTA loads it by itself.",
    basis="guide 5.8, 10.8",
    reads=BLOCK,
    wrong="include /etc/pmta/config-defaults",
    right="include /etc/pmta/extra.conf",
)
def vendor_file(facts: Facts) -> Iterator[Hit]:
    for path, tree in facts.configuration.trees.items():
        if posixpath.basename(path) == "config-defaults":
            detail = (
                "config-defaults is the vendor's: it is overwritten with every upgrade. Leave it as it was "
                "installed, and write other values into the main configuration."
            )
            yield Hit(tree=tree, line=None, detail=detail)
    for line in facts.named("include"):
        if posixpath.basename(line.value.strip('"')) == "config-defaults":
            yield at(line, "config-defaults is loaded by itself; do not include it.")


@Rule(
    code="unreadable-key",
    severity=WARNING,
    family=Family.COMPLETE,
    summary="File that PowerMTA may not read",
    explanation="With `run-as-root no` the user pmta must be able to read every file that the configuration names.",
    basis="inferred from guide 3.3.1.8",
    reads=(Reads(at=("/root/",), others=("run-as-root",)),),
    wrong="""
        run-as-root no
        domain-key s1,*,/root/s1.pem
    """,
    right="""
        run-as-root no
        domain-key s1,*,/etc/pmta/s1.pem
    """,
)
def unreadable_key(facts: Facts) -> Iterator[Hit]:
    """Files in root's home, for a daemon that is not root."""
    line = facts.setting("run-as-root")
    if line is None or not line.is_false:
        return
    for user in facts.named("domain-key", "smtp-server-tls-certificate", "tls-certificate", "smtp-client-certificate"):
        path = named_file(user)
        if path.startswith("/root/"):
            detail = (
                f"{values.shown(path)} is in root's home, and with `run-as-root no` PowerMTA runs as user pmta, who "
                "may not read it. Move the file to /etc/pmta."
            )
            yield at(user, detail, mark=path, related=(line.place,))


@Rule(
    code="move-interval-without-move-to",
    severity=INFO,
    family=Family.COMPLETE,
    summary="Interval without move-to",
    explanation="Without move-to, move-interval does nothing.",
    basis="guide 3.3.11.2",
    reads=BLOCK,
    wrong="""
        <acct-file /var/log/pmta/acct.csv>
          move-interval 5m
        </acct-file>
    """,
    right="""
        <acct-file /var/log/pmta/acct.csv>
          move-to /var/log/pmta/old
          move-interval 5m
        </acct-file>
    """,
)
def move_interval_without_move_to(facts: Facts) -> Iterator[Hit]:
    for part in facts.top("acct-file"):
        line = part.last("move-interval")
        if line is not None and not part.named("move-to"):
            detail = (
                "Without move-to PowerMTA moves no files, and ignores the interval. Add move-to, or use max-size and "
                "delete-after."
            )
            yield at(line, detail, mark=line.node.name)


@Rule(
    code="delete-after-with-move-to",
    severity=INFO,
    family=Family.COMPLETE,
    summary="Retention time beside move-to",
    explanation="delete-after applies only without move-to.",
    basis="guide 3.3.11.1",
    reads=BLOCK,
    wrong="""
        <acct-file /var/log/pmta/acct.csv>
          move-to /var/log/pmta/old
          delete-after 8d
        </acct-file>
    """,
    right="""
        <acct-file /var/log/pmta/acct.csv>
          delete-after 8d
        </acct-file>
    """,
)
def delete_after_with_move_to(facts: Facts) -> Iterator[Hit]:
    for part in facts.top("acct-file"):
        line, other = part.last("delete-after"), part.last("move-to")
        if line is not None and other is not None:
            detail = (
                "delete-after applies to files that are not moved; with move-to it has no effect. Choose one of them."
            )
            yield at(line, detail, mark=line.node.name, related=(other.place,))


@Rule(
    code="delivery-assumed",
    severity=WARNING,
    family=Family.COMPLETE,
    summary="Mail lost or sent twice",
    explanation=(
        "The reply to the end of a message decides whether the receiver accepted it; without waiting for the reply "
        "PowerMTA guesses."
    ),
    basis="guide 3.3.10; seen in published configurations",
    reads=BLOCK,
    wrong="""
        <domain *>
          assume-delivery-upon-data-termination-timeout yes
        </domain>
    """,
    right="""
        <domain *>
          assume-delivery-upon-data-termination-timeout no
        </domain>
    """,
)
def delivery_assumed(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("assume-delivery-upon-data-termination-timeout"):
        if line.is_true:
            detail = (
                "Mail counts as delivered although the receiver did not answer, so some of it is lost. Remove the line."
            )
            yield at(line, detail, mark=line.node.name)
    for line in facts.named("smtp-data-termination-timeout"):
        seconds = values.parse_duration(line.value.strip('"'))
        if seconds is not None and seconds < 120:
            detail = (
                f"Receivers that scan mail before they answer take longer than {values.shown(line.value)}; the "
                f"message is "
                "sent again, and arrives twice. The default is 10m."
            )
            yield at(line, detail)


@Rule(
    code="mail-not-synced",
    severity=INFO,
    family=Family.COMPLETE,
    summary="Accepted mail not synced to disk",
    explanation="A crash of the machine loses mail that was accepted.",
    basis="comments in published samples; undocumented",
    reads=BLOCK,
    wrong="sync-msg-create false",
    right="sync-msg-create true",
)
def mail_not_synced(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("sync-msg-create"):
        if line.is_false:
            detail = "Mail that was accepted can be lost in a crash of the machine. Set it to true where loss matters."
            yield at(line, detail, mark=line.node.name)
