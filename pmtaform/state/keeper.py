"""The state while a run changes it: every host is noted, and on the disk, as soon as it is done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace

from pmtaform.state.backend import StateBackend
from pmtaform.state.document import HostState, Intent, StateDocument
from pmtaform.state.encoding import pack_host, pack_intent


class StateKeeper:
    """Changes one stack's state during a run. Safe to use from many threads; hold the backend's lock meanwhile.

    A call returns when its change is on the disk. Changes that arrive while a save is under way go out together
    with the next, so a wide rollout does not wait for one save a host.
    """

    def __init__(self, backend: StateBackend, *, key_id: str = "") -> None:
        """Begin from what `backend` has, or from a new state. Raises `StateDamaged`."""
        loaded = backend.load()
        self._backend = backend
        self._document = loaded or StateDocument.new(backend.stack, key_id=key_id)
        self._saved = loaded.version if loaded else None
        self._changing = threading.Lock()
        self._saving = threading.Lock()

    @property
    def document(self) -> StateDocument:
        """The state as it is now."""
        return self._document

    def update_host(self, name: str, state: HostState) -> None:
        """Note `state` for host `name`, and save.

        Raises what `StateBackend.save` raises; the change then stays in `document`, and goes out with the next
        save that succeeds.
        """
        packed = pack_host(state)  # as text: a run that changes 10,000 hosts keeps them all here
        self._change(lambda document: document.with_host(name, packed))

    def note_generation(self, name: str, generation: int) -> None:
        """Note that host `name` is as it was, though by another generation, and save. Raises as `update_host`."""
        state = self._document.hosts.get(name)
        if state is not None:
            self.update_host(name, replace(state, generation=generation))

    def rekey(self, key_id: str) -> None:
        """Start again under another key, and save: digests of the old key cannot be compared under it."""
        if self._document.key_id != key_id:
            self._change(
                lambda document: replace(document, serial=document.serial + 1, key_id=key_id, hosts={}, intents={})
            )

    def intend(self, intents: Mapping[str, Intent]) -> None:
        """Record the intended changes of hosts, and save. Raises as `update_host`."""
        if intents:
            packed = {name: pack_intent(intent) for name, intent in intents.items()}
            self._change(lambda document: document.with_intents(packed))

    def settle(self, name: str) -> None:
        """Note that nothing is under way on host `name` any more, and save. Raises as `update_host`."""
        if name in self._document.intents:
            self._change(lambda document: document.without_intent(name))

    def remove_host(self, name: str) -> None:
        """Forget host `name`, and save. Raises as `update_host`."""
        self._change(lambda document: document.without_host(name))

    def save(self) -> None:
        """Save what an earlier call could not. Raises as `update_host`."""
        self._change(lambda document: document)

    def _change(self, make: Callable[[StateDocument], StateDocument]) -> None:
        with self._changing:
            self._document = make(self._document)
            serial = self._document.serial
        with self._saving:
            if self._saved is not None and self._saved.serial >= serial:
                return
            document = self._document
            self._backend.save(document, over=self._saved)
            self._saved = document.version
