"""Changes of key files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.rotation import DKIM_KEY_IN_USE, DKIM_RETIRING_KEY_UNAVAILABLE
from pmtaform.lang.blocks import Address
from pmtaform.model.desired import FILE, KeyFile
from pmtaform.plan.dangers.kinds import SIGNING_KEY_REMOVED, SIGNING_KEY_REPLACED
from pmtaform.plan.inputs import LiveKey
from pmtaform.plan.ledger import Ledger
from pmtaform.plan.model import Action, Change, Danger, LeftBy, Reason, ValueChange

if TYPE_CHECKING:
    from pmtaform.plan.reach import UsedNames


class KeyComparison:
    """Compares the key files of one host. Its decisions are in the ledger; the files to write and remove are here."""

    def __init__(self, ledger: Ledger, live: Mapping[str, LiveKey]) -> None:
        self.ledger = ledger
        self.live = live
        self.write: list[KeyFile] = []
        self.remove: list[str] = []  # paths

    def declared(self, key: KeyFile) -> None:
        """Compare a key that the stack declares."""
        name = str(key.address)
        if key.lost and not self.ledger.is_ignored(key.address):
            self._lost(key)
            return
        live = self.live.get(key.path, LiveKey(exists=False, same=False))
        wrong_mode = live.exists and live.mode & 0o077 & ~key.mode != 0
        wrong_owner = live.exists and (
            (key.owner is not None and key.owner != live.owner) or (key.group is not None and key.group != live.group)
        )
        settled = live.exists and live.same and not wrong_mode and not wrong_owner
        action = Action.UPDATE if live.exists else Action.CREATE
        if self.ledger.is_ignored(key.address):
            if not settled:
                self.ledger.leave(key.address, action, LeftBy.IGNORE)
            return
        if settled:
            self.ledger.owned_keys[name] = key.path
            if name not in self.ledger.previous.keys:
                self.ledger.adopted.append(name)
            return
        if self.ledger.is_left(key.address, action):
            if name in self.ledger.previous.keys:
                self.ledger.owned_keys[name] = self.ledger.previous.keys[name]
            return
        self.ledger.owned_keys[name] = key.path
        self.write.append(key)
        self.ledger.changes.append(key_change(key, live, ours=name in self.ledger.previous.keys, wrong_mode=wrong_mode))

    def _lost(self, key: KeyFile) -> None:
        """Keep the file of a retiring key whose secret is not available: what is ours stays ours, unchanged."""
        name = str(key.address)
        if name in self.ledger.previous.keys:
            self.ledger.owned_keys[name] = self.ledger.previous.keys[name]
        detail = f"{key.domain}/{key.selector} no longer signs, and mail that it signed may still wait: {key.lost} Its "
        detail += "file on the host stays as it is until no mail needs it, and cannot be written again if it is lost."
        self.ledger.notes.append(
            DKIM_RETIRING_KEY_UNAVAILABLE.diagnostic(detail, key.place, host=self.ledger.desired.host)
        )

    def undeclared(self, named: UsedNames) -> None:
        """Compare the keys that are ours and no longer declared; `named` are the files that the configuration uses."""
        wanted = {str(k.address): k.path for k in self.ledger.desired.keys}
        paths = {*wanted.values(), *(file.path for file in self.ledger.desired.managed)}
        for name, path in self.ledger.previous.keys.items():
            address = Address.parse(name)
            if address.kind == FILE:
                continue
            moved = name in wanted and wanted[name] != path and self.ledger.owned_keys.get(name) == wanted[name]
            if (name in wanted and not moved) or path in paths:
                continue
            if not self.live.get(path, LiveKey(exists=False, same=False)).exists:
                if name not in wanted and not self.ledger.is_ignored(address):
                    self.ledger.forgotten.append(name)
                continue
            if self.ledger.is_ignored(address):
                self.ledger.leave(address, Action.DELETE, LeftBy.IGNORE)
                continue
            if self.ledger.is_left(address, Action.DELETE):
                self.ledger.owned_keys.setdefault(name, path)
                continue
            if named.as_key(path):
                self.ledger.owned_keys.setdefault(name, path)
                self.ledger.leave(address, Action.DELETE, LeftBy.IN_USE)
                self.ledger.notes.append(key_in_use(self.ledger.desired.host, address, path))
                continue
            self.remove.append(path)
            self.ledger.changes.append(
                Change(
                    address=name,
                    action=Action.DELETE,
                    reason=Reason.REMOVED,
                    values=(ValueChange((), "file", (path,), ()),),
                    file=path,
                    dangers=() if name in self.ledger.desired.retired else (key_removed(path),),
                )
            )


def key_removed(path: str) -> Danger:
    """The danger of deleting the key file `path`."""
    return Danger(
        SIGNING_KEY_REMOVED.code,
        f"The key file {path} is deleted. Mail that still waits in a queue under this selector is "
        "signed when it is sent, and then has no key.",
    )


def key_in_use(host: str, address: Address, path: str) -> Diagnostic:
    """The reason why a key file that the stack no longer has stays on the host."""
    return DKIM_KEY_IN_USE.diagnostic(
        f"{address} is no longer in the stack, and a domain-key line still names {path}: without the file PowerMTA "
        "may refuse the configuration, or sign nothing with that line. The file stays. Remove the line; the next "
        "apply then removes the file.",
        host=host,
        address=str(address),
    )


def key_change(key: KeyFile, live: LiveKey, *, ours: bool, wrong_mode: bool) -> Change:
    """The change of one key file; `ours`: the last apply put it there. Nothing of the key is in it."""
    replaced = live.exists and not live.same
    values = []
    if not live.exists or replaced:
        which = "this key, in a form that PowerMTA may not be able to read" if live.unread else "another key"
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
                f"until DNS shows the new key at {key.selector}._domainkey.{key.domain}. A new key needs a new "
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
