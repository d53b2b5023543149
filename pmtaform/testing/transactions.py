"""What a host in memory keeps: transactions, generations and records, each as the answer that tells of it needs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from pmtaform.host.model import ABSENT, digest
from pmtaform.testing.requests import MemoryRequest, said

if TYPE_CHECKING:
    from pmtaform.testing.session import MemorySession


@dataclass(frozen=True, slots=True)
class MemoryFile:
    """A file of a host."""

    content: bytes
    mode: int = 0o640
    owner: str = "pmta"
    group: str = "pmta"

    @property
    def digest(self) -> str:
        """As `sha256sum` tells it."""
        return digest(self.content)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a transaction: as it was (`old`) and as it will be (`new`); None: it is not there."""

    number: str
    kind: str
    path: str
    old: MemoryFile | None
    new: MemoryFile | None
    expected: str

    def line(self) -> str:
        """As a generation's manifest tells it."""
        old = self.old
        had = [ABSENT, "-", "-", "-"] if old is None else [old.digest, f"{old.mode:o}", old.owner, old.group]
        action = "remove" if self.new is None else "write"
        new = ABSENT if self.new is None else self.new.digest
        return "entry " + "\t".join([self.number, self.kind, action, *had, new, self.path])


class Life(StrEnum):
    """Where a transaction stands: `WORKING` after a request means that its program died."""

    WORKING = "working"
    STAGED = "staged"
    PENDING = "pending"


@dataclass(eq=False, slots=True)
class MemoryTransaction:
    """A transaction that is not settled."""

    request: MemoryRequest
    session: MemorySession | None = None
    life: Life = Life.WORKING
    step: str = "receive"
    deadline: float = 0.0
    entries: list[Entry] = field(default_factory=list)
    is_begun: bool = False  # a file may be changed
    is_activated: bool = False  # PowerMTA may have loaded the new files
    is_proved: bool = False  # `pmta test config` passed
    is_confirmed: bool = False
    recovered: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    output: str = ""

    @property
    def id(self) -> str:
        """Its name."""
        return self.request["id"]

    def owner(self) -> list[str]:
        """Whose it is, as the answer to a refused request names it."""
        request = self.request
        return [
            f"lock-id {self.id}",
            f"lock-since {request['since']}",
            f"lock-who {request['who']}",
            f"lock-what {request['what']}",
        ]


@dataclass(frozen=True, slots=True)
class KeptGeneration:
    """What an applied transaction replaced."""

    number: int
    request: MemoryRequest
    entries: tuple[Entry, ...]
    base: bytes

    @property
    def name(self) -> str:
        """As copies are named by."""
        return f"{self.number:06d}"

    def info(self) -> Iterator[str]:
        """Who made it."""
        request = self.request
        yield f"transaction {request['id']}"
        yield from (f"{name} {request[name]}" for name in ("who", "what", "plan", "commit"))
        yield f"started {request['since']}"
        yield "status applied"

    def copy(self, number: str) -> bytes | None:
        """What the file with this number was."""
        return next((e.old.content for e in self.entries if e.number == number and e.old is not None), None)


@dataclass(frozen=True, slots=True)
class TransactionResult:
    """What became of a transaction."""

    status: str
    step: str = ""
    reason: str = ""
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Settled:
    """A record: what the host answers about a transaction for as long as it keeps it."""

    verdict: TransactionResult
    request: MemoryRequest
    more: tuple[str, ...]
    output: str

    def facts(self) -> Iterator[str]:
        """Its first lines."""
        verdict, request = self.verdict, self.request
        yield f"status {verdict.status}"
        yield f"step {verdict.step}"
        yield f"generation {verdict.generation}"
        yield f"reason {verdict.reason}"
        yield f"id {request['id']}"
        yield from (f"{name} {request[name]}" for name in ("since", "who", "what", "plan", "commit"))

    def told(self, request: MemoryRequest) -> bytes:
        """The whole of it, in the answer to `request`."""
        output = "" if self.verdict.status == "applied" else self.output
        return said(*self.facts(), *self.more) + request.framed(b"output", output.encode())


@dataclass(slots=True)
class Kept:
    """Everything under /var/lib/pmtaform. `untaken`: what PowerMTA has yet to load again, and why."""

    open: dict[str, MemoryTransaction] = field(default_factory=dict)
    settled: dict[str, Settled] = field(default_factory=dict)
    generations: list[KeptGeneration] = field(default_factory=list)
    untaken: tuple[MemoryTransaction, str] | None = None

    @property
    def newest(self) -> int:
        """The number of the newest generation, 0 without one."""
        return self.generations[-1].number if self.generations else 0

    def copy(self, name: str) -> bytes | None:
        """A kept copy, by GENERATION/NUMBER."""
        generation, _, number = name.partition("/")
        return next((g.copy(number) for g in self.generations if g.name == generation), None)
