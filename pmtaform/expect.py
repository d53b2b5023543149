"""Known answers of `pmta` to a command that worked or failed, as data.

An answer is yes, no or unsure. The host's program (`host/agent/powermta.sh`) judges it by this table, top row first:

    exit code   the answer holds …        test config   reload   show status
    not 0       anything                  no            no       no
    0           a text of failure         no            no       no
    0           a text of success         yes           yes      yes
    0           nothing at all            yes           unsure   unsure
    0           any other text            unsure        unsure   unsure

What unsure leads to:

    test config   The change continues: the reload decides. The run reports the answer.
    reload        Settings of queues that the change moves are read back. New values: the change is kept. Old values, or
                  none that tell: the host rolls back. The run reports what was answered.
    show status   Asked again in JSON and XML. Still unsure before a change: the reload decides. After it: as `reload`.

The guides document neither exit codes nor most texts (docs/powermta/operations.md sections 2, 5 and 6), so a
stack may add those of its version.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Command(StrEnum):
    """A command of `pmta` whose answer decides on a change. The value is its key in a stack and in a request."""

    TEST_CONFIG = "test-config"
    RELOAD = "reload"
    STATUS = "status"

    @property
    def words(self) -> str:
        """The command as an operator types it."""
        return _WORDS[self]


_WORDS: Final = {
    Command.TEST_CONFIG: "pmta test config",
    Command.RELOAD: "pmta reload",
    Command.STATUS: "pmta show status",
}


@dataclass(frozen=True, slots=True)
class Texts:
    """Parts of answers that mean success and failure."""

    success: tuple[str, ...] = ()
    failure: tuple[str, ...] = ()


_DOWN: Final = ("is the powermta service running?", "not running")
_BROKEN: Final = ("error in line ", "startup error")

DOCUMENTED: Final[Mapping[Command, Texts]] = MappingProxyType(
    {
        Command.TEST_CONFIG: Texts(failure=_BROKEN),
        Command.RELOAD: Texts(success=("configuration reloaded.",), failure=(*_BROKEN, *_DOWN)),
        # `data.status.status` is documented as `running`; any other value of it is a server that does not run (yet).
        Command.STATUS: Texts(
            success=(
                "status running",
                "status: running",
                '"status": "running"',
                '"status":"running"',
                "<status>running<",
            ),
            failure=(*_BROKEN, *_DOWN, *(f"status {word}" for word in ("starting", "stopping", "stopped"))),
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Expect:
    """The texts of one host's version, besides the documented ones."""

    own: Mapping[Command, Texts] = field(default_factory=dict)

    def rows(self) -> Iterator[tuple[str, Command, str]]:
        """Every known text as (success or failure, command, text): spaces are one, letters small."""
        for command in Command:
            for known in (DOCUMENTED[command], self.own.get(command, Texts())):
                for meaning, texts in (("failure", known.failure), ("success", known.success)):
                    yield from ((meaning, command, normal(text)) for text in texts)


NOTHING_OWN: Final = Expect()


def normal(text: str) -> str:
    """A text in the form that is compared: runs of blanks are one space, ASCII letters small. A final space counts."""
    squeezed = " ".join(text.split()) + (" " if text[-1:].isspace() else "")
    return "".join(c.lower() if c.isascii() else c for c in squeezed)
