"""Rotation of DKIM keys."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics.definition import Definition
from pmtaform.diagnostics.kinds import Kind
from pmtaform.diagnostics.model import Severity

ROTATION_TIMES: Final = Definition(
    code="rotation-times",
    summary="Conflicting times of a rotation",
    kind=Kind.INVALID,
    explanation=(
        "publish-for is not shorter than every, so the next key would be due before its record has been published "
        "long enough. Make every longer."
    ),
)
ROTATION_NAME: Final = Definition(
    code="rotation-name",
    summary="Key cannot be rotated",
    kind=Kind.INVALID,
    explanation=(
        "A key for all domains has no record in DNS, and a long name leaves no room for a date in the selector. "
        "Remove rotation, or choose a shorter selector."
    ),
)
ROTATION_SELECTOR: Final = Definition(
    code="rotation-selector",
    summary="Rotated key without ${selector}",
    kind=Kind.INVALID,
    explanation=(
        "Each selector of a rotated key needs its own private key and path, and the value is the same for all of "
        "them. Write ${selector} into private-key and path."
    ),
)
ROTATION_REFERENCE: Final = Definition(
    code="rotation-reference",
    summary="New keys not storable at the reference",
    kind=Kind.INVALID,
    explanation=(
        "Rotation makes new keys, and pmtaform writes keyring: and file: references only. Write private-key: "
        "keyring:NAME-${selector} or a file: reference."
    ),
)
ROTATION_DIFFERS: Final = Definition(
    code="rotation-differs",
    summary="Contradictory rotations of a key",
    kind=Kind.INVALID,
    explanation=(
        "Two hosts have different private-key or rotation settings for one key. A selector has one record in DNS, "
        "so give all its hosts the same settings."
    ),
)
ROTATION_DAMAGED: Final = Definition(
    code="rotation-damaged",
    summary="History of a rotation not readable",
    kind=Kind.STATE_DAMAGED,
    explanation=(
        "The file with the history of rotated keys is damaged or belongs to another stack. Restore it from Git, "
        "or move it away: keys then stay longer than necessary, and none is removed too early."
    ),
)
ROTATION_TOO_NEW: Final = Definition(
    code="rotation-too-new",
    summary="History of a rotation in a later format",
    kind=Kind.STATE_DAMAGED,
    explanation=("A later version of pmtaform wrote the history of rotated keys. Upgrade pmtaform on this machine."),
)
DKIM_SWITCH_WAITING: Final = Definition(
    code="dkim-switch-waiting",
    summary="Selector switch waits for all hosts",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "All hosts of a selector switch together, and one of them cannot switch now, so none does. The other "
        "changes continue; correct what the detail names and apply again."
    ),
)
DKIM_NOT_PUBLISHED: Final = Definition(
    code="dkim-not-published",
    summary="Selector switch blocked",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "A key should sign with its next selector, and DNS does not show the record of that selector long enough. "
        "Publish the record that pmtaform dkim rotate prints, or apply with --allow dkim-not-published."
    ),
)
DKIM_RECORD_MISSING: Final = Definition(
    code="dkim-record-missing",
    summary="Record of a signing key missing or wrong",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "Hosts sign with a selector whose record in DNS is missing or does not match the key, so receivers reject "
        "the signatures. Publish the record that pmtaform dkim rotate prints."
    ),
)
DKIM_RECORD_EARLY: Final = Definition(
    code="dkim-record-early",
    summary="Record of a retiring key removed too early",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "Mail that was signed with the key is still on its way, and its record is gone. Publish the record again "
        "until pmtaform dkim rotate lists it for removal."
    ),
)
DKIM_OVERRULED: Final = Definition(
    code="dkim-overruled",
    summary="Another key signs first",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "PowerMTA uses the first domain-key line that matches, and that is not the line of the rotated key. "
        "Remove the other line, or move it below."
    ),
)
DKIM_UNEXPECTED_SELECTOR: Final = Definition(
    code="dkim-unexpected-selector",
    summary="Unexpected selector on a host",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "A host signs with another selector than the rotation expects, because someone changed it or rolled it "
        "back. The next apply corrects it and keeps the file of the other key while mail may need it."
    ),
)
DKIM_NEXT_KEY_UNAVAILABLE: Final = Definition(
    code="dkim-next-key-unavailable",
    summary="Key of the next selector not available",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "The private key of a selector that should sign next is not where the stack keeps it. Restore the key, or "
        "let pmtaform dkim rotate make another."
    ),
)
DKIM_RETIRING_KEY_UNAVAILABLE: Final = Definition(
    code="dkim-retiring-key-unavailable",
    summary="Key of a retiring selector not available",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "The private key of a selector that no longer signs is not available, and mail may still need its file on "
        "the host. The file stays there unchanged; it cannot be written again if it is lost."
    ),
)
DKIM_KEY_IN_USE: Final = Definition(
    code="dkim-key-in-use",
    summary="Key file still named by the configuration",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "The stack no longer has the key, and a domain-key line still names its file, so pmtaform keeps the file. "
        "Remove the line; the next apply then removes the file."
    ),
)
