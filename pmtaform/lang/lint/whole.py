"""What a whole configuration must have, and where its files must be."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.lint.facts import Facts, Line
from pmtaform.lang.lint.hits import at, on, whole
from pmtaform.lang.lint.model import ERROR, INFO, WARNING, Check, Family, Hit, Rule
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


@Rule(
    code="wrong-path",
    severity=WARNING,
    family=Family.COMPLETE,
    summary="Path of another product",
    explanation="PowerMTA does not find files in other folders.",
    basis="guide 2.1",
    wrong="include /usr/local/pmta/config",
    right="include /etc/pmta/extra.conf",
)
def wrong_path(facts: Facts) -> Iterator[Hit]:
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


@Rule(
    code="vendor-file",
    severity=WARNING,
    family=Family.COMPLETE,
    summary="Vendor's file changed or included",
    explanation="Every upgrade overwrites config-defaults, and PowerMTA loads it by itself.",
    basis="guide 5.8, 10.8",
    wrong="include /etc/pmta/config-defaults",
    right="include /etc/pmta/extra.conf",
)
def vendor_file(facts: Facts) -> Iterator[Hit]:
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


@Rule(
    code="unreadable-key",
    severity=WARNING,
    family=Family.COMPLETE,
    summary="File that PowerMTA may not read",
    explanation="With `run-as-root no` the user pmta must be able to read every file that the configuration names.",
    basis="inferred from guide 3.3.1.8",
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
                f"may not look "
                "there. Move the file to /etc/pmta."
            )
            yield at(user, detail, mark=path, related=(line.place,))


@Rule(
    code="complaints-not-recorded",
    severity=INFO,
    family=Family.COMPLETE,
    summary="Complaints not recorded",
    explanation="People who complain should get no more mail, and no one learns about them.",
    basis="guide 12.6 (acct-file records f)",
    whole=True,
    wrong="""
        <feedback-loop-processor>
        </feedback-loop-processor>
    """,
    right="""
        <feedback-loop-processor>
        </feedback-loop-processor>
        <acct-file /var/log/pmta/fbl.csv>
          records f
        </acct-file>
    """,
)
def complaints_not_recorded(facts: Facts) -> Iterator[Hit]:
    """Complaints that are read and not recorded."""
    for part in facts.top("feedback-loop-processor"):
        if (
            not any(_records(p.named("records"), ("f", "feedback-loop")) for p in facts.top("acct-file"))
            and facts.complete
        ):
            detail = "Complaints are read, and no <acct-file> has `records f`: nobody learns who complained."
            yield on(part, detail)


@Rule(
    code="processor-mail-refused",
    severity=WARNING,
    family=Family.COMPLETE,
    summary="Mail of a processor rejected",
    explanation="PowerMTA does not count bounces and complaints that it rejects, and those addresses get more mail.",
    basis="guide 3.3.3, 12.6",
    whole=True,
    wrong="""
        <bounce-processor>
          <address-list>
            domain bounce.example.com
          </address-list>
        </bounce-processor>
    """,
    right="""
        relay-domain bounce.example.com
        <bounce-processor>
          <address-list>
            domain bounce.example.com
          </address-list>
        </bounce-processor>
    """,
)
def processor_mail_refused(facts: Facts) -> Iterator[Hit]:
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


@Rule(
    code="move-interval-without-move-to",
    severity=INFO,
    family=Family.COMPLETE,
    summary="Interval without move-to",
    explanation="Without move-to, move-interval does nothing.",
    basis="guide 3.3.11.2",
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
                "Without move-to nothing is moved, and the interval is ignored. Add move-to, or use max-size and "
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
                "delete-after holds for files that are not moved; with move-to it has no effect. Choose one of them."
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


@Rule(
    code="mail-not-synced",
    severity=INFO,
    family=Family.COMPLETE,
    summary="Accepted mail not synced to disk",
    explanation="A crash of the machine loses mail that was accepted.",
    basis="comments in published samples; undocumented",
    wrong="sync-msg-create false",
    right="sync-msg-create true",
)
def mail_not_synced(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("sync-msg-create"):
        if line.is_false:
            detail = "Mail that was accepted can be lost in a crash of the machine. Set it to true where loss matters."
            yield at(line, detail, mark=line.node.name)


no_log_file: Final = Rule(
    code="no-log-file",
    severity=ERROR,
    family=Family.COMPLETE,
    summary="No log file",
    explanation="PowerMTA does not start without: `Startup error: No logging file specified`.",
    basis="guide 4.2.1, 3.3.1.37.2",
    whole=True,
    wrong="postmaster admin@example.com",
    right="""
        postmaster admin@example.com
        log-file /var/log/pmta/log
    """,
    check=_missing(("log-file",), "PowerMTA does not start without a log file. Write `log-file /var/log/pmta/log`."),
)

no_spool: Final = Rule(
    code="no-spool",
    severity=ERROR,
    family=Family.COMPLETE,
    summary="No spool",
    explanation="PowerMTA has no folder for its mail; every working configuration has a spool.",
    basis="guide 2.3",
    whole=True,
    wrong="log-file /var/log/pmta/log",
    right="""
        log-file /var/log/pmta/log
        <spool /var/spool/pmta>
        </spool>
    """,
    check=_missing(
        ("spool",), "A working configuration has at least one spool. Write <spool /var/spool/pmta> and </spool>."
    ),
)

no_postmaster: Final = Rule(
    code="no-postmaster",
    severity=WARNING,
    family=Family.COMPLETE,
    summary="No postmaster",
    explanation="No one gets reports of crashes and mail for postmaster.",
    basis="guide 2.3",
    whole=True,
    wrong="log-file /var/log/pmta/log",
    right="""
        log-file /var/log/pmta/log
        postmaster admin@example.com
    """,
    check=_missing(("postmaster",), "Nobody gets the server's own mail. Write `postmaster you@example.com`."),
)

no_listener: Final = Rule(
    code="no-listener",
    severity=WARNING,
    family=Family.COMPLETE,
    summary="No listener",
    explanation="Without a listener, port 25 is open on every address.",
    basis="guide 3.3.1.20",
    security=True,
    whole=True,
    wrong="log-file /var/log/pmta/log",
    right="""
        log-file /var/log/pmta/log
        smtp-listener 127.0.0.1:25
    """,
    check=_missing(
        _LISTENERS,
        "Without an smtp-listener PowerMTA listens on port 25 of every address. Write one for the address that "
        "mail is "
        "fed through, such as `smtp-listener 127.0.0.1:25`.",
    ),
)
