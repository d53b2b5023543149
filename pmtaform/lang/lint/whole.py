"""What a whole configuration must have, and where its files must be."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Final

from pmtaform.diagnostics import Severity
from pmtaform.lang import values
from pmtaform.lang.lint.facts import Facts, Line
from pmtaform.lang.lint.hits import at, on, whole
from pmtaform.lang.lint.model import ERROR, INFO, WARNING, Check, Hit, Rule
from pmtaform.lang.lint.references import named_file

_LISTENERS: Final = ("smtp-listener", "smtp-ip", "smtp-port")
_ELSEWHERE: Final = ("/etc/powermta", "/usr/local/pmta", "/opt/pmta/etc")


def _missing(names: tuple[str, ...], detail: str) -> Check:
    """Nothing says any of these, as a setting or as a section."""

    def check(facts: Facts) -> Iterator[Hit]:
        found = any(facts.settings(name) or facts.top(name) for name in names)
        if not found and facts.complete:
            yield whole(facts, detail)

    return check


def _wrong_path(facts: Facts) -> Iterator[Hit]:
    for line in facts.lines:
        for path in _ELSEWHERE:
            if path in line.value and (line.spec is None or not line.spec.sensitive):
                yield at(line, f"PowerMTA's configuration is in /etc/pmta; {path} is no path of its own.", mark=path)
                break
    for part in facts.parts:
        for path in _ELSEWHERE:
            if path in part.node.argument:
                yield on(part, f"PowerMTA's configuration is in /etc/pmta; {path} is no path of its own.", mark=path)
                break


def _vendor_file(facts: Facts) -> Iterator[Hit]:
    for path, tree in facts.configuration.trees.items():
        if posixpath.basename(path) == "config-defaults":
            detail = (
                "config-defaults is the vendor's: it is overwritten with every upgrade. Leave it as it was "
                "installed, and "
                "say what should differ in the main configuration."
            )
            yield Hit(tree=tree, line=None, detail=detail)
    for line in facts.named("include"):
        if posixpath.basename(line.value.strip('"')) == "config-defaults":
            yield at(line, "config-defaults is loaded by itself; do not include it.")


def _unreadable(facts: Facts) -> Iterator[Hit]:
    """Files in root's home, for a daemon that is not root."""
    line = facts.setting("run-as-root")
    if line is None or not line.is_false:
        return
    for user in facts.named("domain-key", "smtp-server-tls-certificate", "tls-certificate", "smtp-client-certificate"):
        path = named_file(user)
        if path.startswith("/root/"):
            detail = (
                f"{values.shown(path)} is in root's home, and with `run-as-root no` PowerMTA runs as user pmta, who "
                f"may not look "
                "there. Move the file to /etc/pmta."
            )
            yield at(user, detail, mark=path, related=(line.place,))


def _fbl(facts: Facts) -> Iterator[Hit]:
    """Complaints that are read and not recorded."""
    for part in facts.top("feedback-loop-processor"):
        if (
            not any(_records(p.named("records"), ("f", "feedback-loop")) for p in facts.top("acct-file"))
            and facts.complete
        ):
            detail = "Complaints are read, and no <acct-file> has `records f`: nobody learns who complained."
            yield on(part, detail)


def _not_accepted(facts: Facts) -> Iterator[Hit]:
    """Processors whose mail is refused: it has to be accepted first, as any mail."""
    if not facts.complete or any(facts.settings(name) for name in ("relay-domain", "relay-address", "host-name")):
        return
    if any(line.is_true for line in facts.named("always-allow-relaying")):
        return  # mail may be handed in by a source of one's own
    for tag in ("bounce-processor", "feedback-loop-processor"):
        for part in facts.top(tag):
            if any(inner.tag == "address-list" and inner.lines for inner in part.parts):
                detail = (
                    "Its mail has to be accepted first, and nothing accepts any: there is no relay-domain, no "
                    "relay-address and no host-name. Add `relay-domain` with the domain of its addresses."
                )
                yield on(part, detail)


def _records(lines: list[Line], wanted: tuple[str, ...]) -> bool:
    return any(item.strip().lower() in wanted for line in lines for item in line.value.strip('"').split(","))


def _move_interval(facts: Facts) -> Iterator[Hit]:
    for part in facts.top("acct-file"):
        line = part.last("move-interval")
        if line is not None and not part.named("move-to"):
            detail = (
                "Without move-to nothing is moved, and the interval is ignored. Add move-to, or use max-size and "
                "delete-after."
            )
            yield at(line, detail, mark=line.node.name)


def _delete_after(facts: Facts) -> Iterator[Hit]:
    for part in facts.top("acct-file"):
        line, other = part.last("delete-after"), part.last("move-to")
        if line is not None and other is not None:
            detail = (
                "delete-after holds for files that are not moved; with move-to it has no effect. Choose one of them."
            )
            yield at(line, detail, mark=line.node.name, related=(other.place,))


def _assumes(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("assume-delivery-upon-data-termination-timeout"):
        if line.is_true:
            detail = (
                "Mail counts as delivered when the receiver did not answer, so some of it is lost. Remove the line."
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


def _sync(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("sync-msg-create"):
        if line.is_false:
            detail = "Mail that was accepted can be lost in a crash of the machine. Set it to true where loss matters."
            yield at(line, detail, mark=line.node.name)


def _required(name: str, severity: Severity, summary: str, why: str, basis: str, check: Check) -> Rule:
    return Rule(id=name, severity=severity, summary=summary, why=why, basis=basis, check=check, whole=True)


RULES: Final = (
    _required(
        "no-log-file",
        ERROR,
        "There is no log file",
        "PowerMTA does not start without: `Startup error: No logging file specified`.",
        "guide 4.2.1, 3.3.1.37.2",
        _missing(("log-file",), "PowerMTA does not start without a log file. Write `log-file /var/log/pmta/log`."),
    ),
    _required(
        "no-spool",
        ERROR,
        "There is no spool",
        "Mail has nowhere to be kept; at least one spool belongs to every working configuration.",
        "guide 2.3",
        _missing(
            ("spool",), "A working configuration has at least one spool. Write <spool /var/spool/pmta> and </spool>."
        ),
    ),
    _required(
        "no-postmaster",
        WARNING,
        "There is no postmaster",
        "Reports of crashes and mail for postmaster go nowhere.",
        "guide 2.3",
        _missing(("postmaster",), "Nobody gets the server's own mail. Write `postmaster you@example.com`."),
    ),
    Rule(
        id="no-listener",
        severity=WARNING,
        summary="There is no listener",
        why="With none configured, port 25 is open on every address.",
        basis="guide 3.3.1.20",
        check=_missing(
            _LISTENERS,
            "Without an smtp-listener PowerMTA listens on port 25 of every address. Write one for the address that "
            "mail is "
            "fed through, such as `smtp-listener 127.0.0.1:25`.",
        ),
        security=True,
        whole=True,
    ),
    Rule(
        id="wrong-path",
        severity=WARNING,
        summary="The path is not PowerMTA's",
        why="Files that are looked for in the wrong place are not found.",
        basis="guide 2.1",
        check=_wrong_path,
    ),
    Rule(
        id="vendor-file",
        severity=WARNING,
        summary="The vendor's file is changed or included",
        why="config-defaults is overwritten with every upgrade, and loaded by itself.",
        basis="guide 5.8, 10.8",
        check=_vendor_file,
    ),
    Rule(
        id="unreadable-key",
        severity=WARNING,
        summary="PowerMTA may not read a file",
        why="With run-as-root no the user pmta must be able to read every file that is named.",
        basis="inferred from guide 3.3.1.8",
        check=_unreadable,
    ),
    _required(
        "complaints-not-recorded",
        INFO,
        "Complaints are not recorded",
        "Who complains should get no more mail, and nobody learns of it.",
        "guide 12.6 (acct-file records f)",
        _fbl,
    ),
    _required(
        "processor-mail-refused",
        WARNING,
        "The mail of a processor is not accepted",
        "Bounces and complaints that are refused are not counted, and those addresses get more mail.",
        "guide 3.3.3, 12.6",
        _not_accepted,
    ),
    Rule(
        id="move-interval-without-move-to",
        severity=INFO,
        summary="An interval is ignored",
        why="Without move-to, move-interval does nothing.",
        basis="guide 3.3.11.2",
        check=_move_interval,
    ),
    Rule(
        id="delete-after-with-move-to",
        severity=INFO,
        summary="A time to keep files is ignored",
        why="It applies only without move-to.",
        basis="guide 3.3.11.1",
        check=_delete_after,
    ),
    Rule(
        id="delivery-assumed",
        severity=WARNING,
        summary="Mail is lost, or sent twice",
        why="The answer to the end of a message decides whether it was taken; not waiting for it is guessing.",
        basis="guide 3.3.10; seen in published configurations",
        check=_assumes,
    ),
    Rule(
        id="mail-not-synced",
        severity=INFO,
        summary="Accepted mail is not written through",
        why="A crash of the machine loses mail that was already accepted.",
        basis="comments in published samples; undocumented",
        check=_sync,
    ),
)
