"""What a whole configuration must have, and where its files must be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang.lint.facts import Facts, Line
from pmtaform.lang.lint.hits import on, whole
from pmtaform.lang.lint.model import ERROR, INFO, WARNING, Check, Family, Hit, Rule
from pmtaform.lang.lint.reads import Reads, if_missing

_LISTENERS: Final = ("smtp-listener", "smtp-ip", "smtp-port")


def _missing(names: tuple[str, ...], detail: str) -> Check:
    """Nothing says any of these, as a setting or as a section."""

    def check(facts: Facts) -> Iterator[Hit]:
        is_set = any(facts.settings(name) or facts.top(name) for name in names)
        if not is_set and facts.complete:
            yield whole(facts, detail)

    return check


@Rule(
    code="complaints-not-recorded",
    severity=INFO,
    family=Family.COMPLETE,
    summary="Complaints not recorded",
    explanation="People who complain should get no more mail, and no one learns about them.",
    basis="guide 12.6 (acct-file records f)",
    whole=True,
    reads=(Reads(at=("<feedback-loop-processor",), others=("<acct-file",)),),
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
            detail = "Complaints are read, and no <acct-file> has `records f`: no one learns who complained."
            yield on(part, detail)


@Rule(
    code="processor-mail-refused",
    severity=WARNING,
    family=Family.COMPLETE,
    summary="Mail of a processor rejected",
    explanation="PowerMTA does not count bounces and complaints that it rejects, and those addresses get more mail.",
    basis="guide 3.3.3, 12.6",
    whole=True,
    reads=(
        Reads(
            at=("<bounce-processor", "<feedback-loop-processor"),
            others=("relay-domain", "relay-address", "host-name", "always-allow-relaying"),
        ),
    ),
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
                    "The server has to accept its mail first, and accepts none: there is no relay-domain, no "
                    "relay-address and no host-name. Add `relay-domain` with the domain of its addresses."
                )
                yield on(part, detail)


def _records(lines: list[Line], wanted: tuple[str, ...]) -> bool:
    return any(item.strip().lower() in wanted for line in lines for item in line.value.strip('"').split(","))


no_log_file: Final = Rule(
    code="no-log-file",
    severity=ERROR,
    family=Family.COMPLETE,
    summary="No log file",
    explanation="PowerMTA does not start without a log file: `Startup error: No logging file specified`.",
    basis="guide 4.2.1, 3.3.1.37.2",
    whole=True,
    reads=if_missing("log-file"),
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
    reads=if_missing("spool"),
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
    reads=if_missing("postmaster"),
    wrong="log-file /var/log/pmta/log",
    right="""
        log-file /var/log/pmta/log
        postmaster admin@example.com
    """,
    check=_missing(("postmaster",), "No one gets the server's own mail. Write `postmaster you@example.com`."),
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
    reads=if_missing("smtp-listener", "smtp-ip", "smtp-port"),
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
