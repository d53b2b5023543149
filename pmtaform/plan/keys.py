"""Changes of key files."""

from __future__ import annotations

from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.rotation import DKIM_KEY_IN_USE
from pmtaform.lang.blocks import Address
from pmtaform.model.desired import KeyFile
from pmtaform.plan.dangers.kinds import SIGNING_KEY_REMOVED, SIGNING_KEY_REPLACED
from pmtaform.plan.inputs import LiveKey
from pmtaform.plan.model import Action, Change, Danger, Reason, ValueChange


def key_removed(path: str) -> Danger:
    """The danger of deleting the key file `path`."""
    return Danger(
        SIGNING_KEY_REMOVED.code,
        f"The key file {path} is deleted. Mail that still waits in a queue under this selector is "
        "signed when it is sent, and then has no key.",
    )


def key_in_use(host: str, address: Address, path: str) -> Diagnostic:
    """Why a key file that the stack no longer has stays on the host."""
    return DKIM_KEY_IN_USE.diagnostic(
        f"{address} is no longer in the stack, and a domain-key line still names {path}: without the file "
        "PowerMTA may refuse the configuration, or sign nothing with that line. The file stays. Take the line out "
        "where it is written; the next apply removes the file then.",
        host=host,
        address=str(address),
    )


def key_change(key: KeyFile, live: LiveKey, *, ours: bool, wrong_mode: bool) -> Change:
    """The change of one key file; `ours`: the last apply put it there. Nothing of the key is in it."""
    replaced = live.exists and not live.same
    values = []
    if not live.exists or replaced:
        which = "this key, in a form that PowerMTA may not read" if live.unread else "another key"
        before = (_shown(live.description, which),) if replaced else ()
        values.append(ValueChange((), "private-key", before, (_shown(key.description, key.reference),), key.place))
    if wrong_mode:
        values.append(ValueChange((), "mode", (f"{live.mode:04o}",), (f"{key.mode:04o}",), key.place))
    if live.exists and (key.owner not in (None, live.owner) or key.group not in (None, live.group)):
        wanted = f"{key.owner or live.owner}:{key.group or live.group}"
        values.append(ValueChange((), "owner", (f"{live.owner}:{live.group}",), (wanted,), key.place))
    dangers: tuple[Danger, ...] = ()
    if replaced and not live.unread:
        dangers = (
            Danger(
                SIGNING_KEY_REPLACED.code,
                f"{key.path} holds another key than {key.reference}. Signatures under selector {key.selector} fail "
                f"until DNS shows the new key at {key.selector}._domainkey.{key.domain}. A new key wants a new "
                "selector.",
            ),
        )
    if live.exists:
        reason = Reason.DRIFT if ours and not live.as_left else Reason.CHANGED
    else:
        reason = Reason.MISSING if ours else Reason.NEW
    return Change(
        address=str(key.address),
        action=Action.UPDATE if live.exists else Action.CREATE,
        reason=reason,
        values=tuple(values),
        file=key.path,
        place=key.place,
        dangers=dangers,
    )


def _shown(description: str, which: str) -> str:
    """A key's type and size, and which key it is; never anything of the key."""
    return f"{description} ({which})" if description else which if ":" in which else f"({which})"
