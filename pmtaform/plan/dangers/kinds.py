"""The kinds of danger that no single check reports: those of files, keys, DNS and the plan as a whole."""

from __future__ import annotations

from typing import Final

from pmtaform.plan.dangers.kind import DangerKind

LICENCE_REMOVED: Final = DangerKind(
    code="licence-removed",
    rank=50,
    summary="PowerMTA's licence is deleted, and PowerMTA does not start again without it",
    explanation=(
        "The licence file is deleted. PowerMTA runs until its next restart, and does not start without the file. "
        "Keep the file in the stack."
    ),
)
SIGNING_KEY_REMOVED: Final = DangerKind(
    code="signing-key-removed",
    rank=80,
    summary="mail goes out unsigned",
    explanation=(
        "Mail that is signed now is unsigned after the change, and receivers treat it as less trustworthy. Keep the "
        "key, or remove `dkim-sign` on purpose."
    ),
)
SIGNING_KEY_REPLACED: Final = DangerKind(
    code="signing-key-replaced",
    rank=90,
    summary="signatures fail until DNS shows the new key",
    explanation=(
        "Receivers verify signatures with the key in DNS. Publish the new key under a new selector first, and change "
        "the selector afterwards."
    ),
)
DKIM_NOT_PUBLISHED: Final = DangerKind(
    code="dkim-not-published",
    rank=110,
    summary="mail is signed with a selector whose record receivers may not find",
    explanation=(
        "The plan uses a selector that was not verified in DNS. Publish the record, and verify it:\n    pmtaform dns "
        "check"
    ),
)
RESTART: Final = DangerKind(
    code="restart",
    rank=280,
    summary="PowerMTA or its web monitor must be restarted for the change to take effect",
    explanation=(
        "The change takes effect only after a restart of PowerMTA or of its web monitor. A restart ends connections "
        "and returns queues to normal mode."
    ),
)
MANY_DELETIONS: Final = DangerKind(
    code="many-deletions",
    rank=290,
    summary="a large part of a host's configuration is deleted",
    explanation=(
        "More blocks would be deleted than `limits.deletions` allows. Often a layer, a group or a file is missing in "
        "the stack."
    ),
)
DNS_WRONG: Final = DangerKind(
    code="dns-wrong",
    rank=300,
    summary="records that the change needs are missing in DNS, and the stack requires them",
    explanation=(
        "A record is missing or wrong, and the stack has `dns: require`. Publish the records, and check them:\n    "
        "pmtaform dns check"
    ),
)
DNS_UNKNOWN: Final = DangerKind(
    code="dns-unknown",
    rank=310,
    summary="no name server answered whether DNS has the records that the change needs, and the stack requires them",
    explanation=(
        "No name server answered, and the stack has `dns: require`. Try again, or check the network path to the name "
        "servers."
    ),
)
CERTIFICATE_EXPIRED: Final = DangerKind(
    code="certificate-expired",
    rank=320,
    summary="a certificate that is written to a host has expired",
    explanation=(
        "Clients and servers that verify certificates reject an expired one. Get a new certificate before you apply "
        "the plan."
    ),
)
NAMED_FILE_REMOVED: Final = DangerKind(
    code="named-file-removed",
    rank=330,
    summary="a deleted file is still named in the configuration",
    explanation=(
        "The configuration names a file that the plan deletes. PowerMTA's reaction is not documented: it may reject "
        "the configuration, or continue without TLS. Remove the line first."
    ),
)
UNDRAINED: Final = DangerKind(
    code="undrained",
    rank=340,
    summary="PowerMTA is restarted although its spool holds more than `drain-below` allows",
    explanation=(
        "More messages wait in the spool than `drain-below` allows, so a restart returns their queues to the start "
        "of their retry lists. Wait, or allow it."
    ),
)
FROZEN: Final = DangerKind(
    code="frozen",
    rank=350,
    summary="a host is changed although the stack has frozen it",
    explanation="The stack has frozen the host, so it is not changed. Thaw it in the stack, or allow it by name.",
)

KINDS: Final = (
    LICENCE_REMOVED,
    SIGNING_KEY_REMOVED,
    SIGNING_KEY_REPLACED,
    DKIM_NOT_PUBLISHED,
    RESTART,
    MANY_DELETIONS,
    DNS_WRONG,
    DNS_UNKNOWN,
    CERTIFICATE_EXPIRED,
    NAMED_FILE_REMOVED,
)
# These need consent by name as well, and are found only when hosts are to be changed.
RUN_KINDS: Final = (UNDRAINED, FROZEN)
