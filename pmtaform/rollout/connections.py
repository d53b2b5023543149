"""The connections of a run to one host."""

from __future__ import annotations

from types import TracebackType

from pmtaform.host import HostSpec, Session


class Connections:
    """Opens sessions to a host, and closes all of them at the end: close it, or use it as a context."""

    def __init__(self, spec: HostSpec, session: Session | None = None) -> None:
        self._spec = spec
        self._sessions = [] if session is None else [session]

    def __enter__(self) -> Connections:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def reopen(self) -> Session:
        """A new session. Raises `Unreachable`."""
        self._sessions.append(self._spec.open())
        return self._sessions[-1]

    @property
    def newest(self) -> Session:
        """The session that was opened last, open or not."""
        return self._sessions[-1]

    def current(self) -> Session:
        """The newest session, or a new one where that is closed: reading back over another connection closes it."""
        if not self._sessions or not getattr(self.newest, "is_open", True):
            return self.reopen()
        return self.newest

    def close(self) -> None:
        """Close every session."""
        for session in self._sessions:
            session.close()
