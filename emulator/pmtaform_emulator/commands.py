"""The commands of `pmta` (docs/powermta/operations.md section 4): names, first releases and abbreviations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pmtaform_emulator.layout import release


@dataclass(frozen=True, slots=True)
class PmtaCommand:
    """One command: its full name, its first release, its options, how many arguments it takes."""

    name: str
    since: str = "4.0"
    options: tuple[str, ...] = ()
    least: int = 0
    most: int = 0

    @property
    def words(self) -> list[str]:
        """Its words."""
        return self.name.split()


class CommandLineError(Exception):
    """A command line that `pmta` rejects."""


_LIST = ("queue", "orig", "rcpt", "jobId", "envId", "older-than")
_TOP = ("connected", "maxitems", "errors", "sort")
_QUEUES = (*_TOP, "paused", "mode", "no-rcpt-events", "mode-events")

COMMANDS: Final = (
    PmtaCommand("reload"),
    PmtaCommand("test config", "5.0"),
    PmtaCommand("show status"),
    PmtaCommand("show version"),
    PmtaCommand("show license"),
    PmtaCommand("show settings", least=1, most=1),
    PmtaCommand("show vmta-settings", "5.0", least=1, most=1),
    PmtaCommand("show vmtas", options=("maxitems", "sort")),
    PmtaCommand("show queues", options=_QUEUES, most=1),
    PmtaCommand("show topqueues", options=_QUEUES, most=1),
    PmtaCommand("show domains", options=("vmta", *_TOP), most=1),
    PmtaCommand("show topdomains", options=("vmta", *_TOP), most=1),
    PmtaCommand("show jobs", options=("maxitems",)),
    PmtaCommand("show disabled sources", most=1),
    PmtaCommand("show precache", "4.5"),
    PmtaCommand("show registration"),
    PmtaCommand("list", options=(*_LIST, "maxitems", "pause", "priority", "schedule")),
    PmtaCommand("delete", options=(*_LIST, "dsn", "no-accounting")),
    PmtaCommand("pause queue", least=1, most=1),
    PmtaCommand("resume queue", least=1, most=1),
    PmtaCommand("pause job", "4.5", least=1, most=1),
    PmtaCommand("resume job", "4.5", least=1, most=1),
    PmtaCommand("set queue", options=("mode",), least=1, most=1),
    PmtaCommand("set priority", "4.5", options=_LIST, least=1, most=1),
    PmtaCommand("schedule", options=("retry-recipients",), least=1, most=1),
    PmtaCommand("trace", options=("log-data", "log-resolution", "to-log", "retry-recipients", "source-ip"), most=1),
    PmtaCommand(
        "resolve",
        options=("connect", "tcp", "use-dane", "use-mta-sts", "dumppackets", "interactive", "server", "source"),
        most=1,
    ),
    PmtaCommand("check spf", least=2, most=3),
    PmtaCommand("disable source", options=("reenable-after",), least=1, most=2),
    PmtaCommand("enable source", least=1, most=2),
    PmtaCommand("clear dnscache", least=1, most=1),
    PmtaCommand("clear secretscache", "5.0"),
    PmtaCommand("rotate log"),
    PmtaCommand("rotate acct", most=1),
    PmtaCommand("reset counters"),
    PmtaCommand("reset status"),
    PmtaCommand("digest", options=("hmac-sha256", "siphash", "key", "hexkey"), most=1),
    PmtaCommand("register", most=9),
    PmtaCommand("deregister", most=9),
    PmtaCommand("emulator inforce"),
)


@dataclass(frozen=True, slots=True)
class Call:
    """One parsed command line."""

    command: PmtaCommand
    options: dict[str, str]
    arguments: list[str]


def parse(words: Sequence[str], version: str) -> Call:
    """The call that `words` make in a version of PowerMTA. Raises `CommandLineError`."""
    here = [command for command in COMMANDS if release(command.since) <= release(version)]
    if not words:
        raise CommandLineError("No command given")
    command = _find(list(words), here)
    options: dict[str, str] = {}
    arguments: list[str] = []
    for word in words[len(command.words) :]:
        if not word.startswith("--"):
            arguments.append(word)
            continue
        name, _, value = word[2:].partition("=")
        if name not in command.options:
            raise CommandLineError(f"Unknown option for {command.name}: {word}")
        options[name] = value
    if len(arguments) > command.most:
        raise CommandLineError(f"{command.name}: unexpected argument: {arguments[command.most]}")
    if len(arguments) < command.least:
        raise CommandLineError(f"{command.name}: argument missing")
    return Call(command, options, arguments)


def _find(words: list[str], commands: Sequence[PmtaCommand]) -> PmtaCommand:
    matching = [c for c in commands if len(words) >= len(c.words) and _abbreviates(words, c.words)]
    exact = [c for c in matching if words[: len(c.words)] == c.words]
    if len(exact) == 1 or len(matching) == 1:
        return (exact or matching)[0]
    if matching:
        raise CommandLineError(f"Ambiguous command: {' '.join(words)}: {', '.join(c.name for c in matching)}")
    raise CommandLineError(f"Unknown command: {' '.join(words)}")


def _abbreviates(words: list[str], whole: list[str]) -> bool:
    return all(full.startswith(word) and word for word, full in zip(words, whole, strict=False))
