"""The words of `pmta`'s commands: names, first versions and abbreviations (docs/powermta/operations.md section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pmtaform_emulator.layout import release


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its whole name, the release that it came with, its options, how many arguments it takes."""

    name: str
    since: str = "4.0"
    options: tuple[str, ...] = ()
    least: int = 0
    most: int = 0

    @property
    def words(self) -> list[str]:
        """Its words."""
        return self.name.split()


class UsageError(Exception):
    """A command line that `pmta` does not understand."""


_LIST = ("queue", "orig", "rcpt", "jobId", "envId", "older-than")
_TOP = ("connected", "maxitems", "errors", "sort")
_QUEUES = (*_TOP, "paused", "mode", "no-rcpt-events", "mode-events")

COMMANDS: Final = (
    Command("reload"),
    Command("test config", "5.0"),
    Command("show status"),
    Command("show version"),
    Command("show license"),
    Command("show settings", least=1, most=1),
    Command("show vmta-settings", "5.0", least=1, most=1),
    Command("show vmtas", options=("maxitems", "sort")),
    Command("show queues", options=_QUEUES, most=1),
    Command("show topqueues", options=_QUEUES, most=1),
    Command("show domains", options=("vmta", *_TOP), most=1),
    Command("show topdomains", options=("vmta", *_TOP), most=1),
    Command("show jobs", options=("maxitems",)),
    Command("show disabled sources", most=1),
    Command("show precache", "4.5"),
    Command("show registration"),
    Command("list", options=(*_LIST, "maxitems", "pause", "priority", "schedule")),
    Command("delete", options=(*_LIST, "dsn", "no-accounting")),
    Command("pause queue", least=1, most=1),
    Command("resume queue", least=1, most=1),
    Command("pause job", "4.5", least=1, most=1),
    Command("resume job", "4.5", least=1, most=1),
    Command("set queue", options=("mode",), least=1, most=1),
    Command("set priority", "4.5", options=_LIST, least=1, most=1),
    Command("schedule", options=("retry-recipients",), least=1, most=1),
    Command("trace", options=("log-data", "log-resolution", "to-log", "retry-recipients", "source-ip"), most=1),
    Command(
        "resolve",
        options=("connect", "tcp", "use-dane", "use-mta-sts", "dumppackets", "interactive", "server", "source"),
        most=1,
    ),
    Command("check spf", least=2, most=3),
    Command("disable source", options=("reenable-after",), least=1, most=2),
    Command("enable source", least=1, most=2),
    Command("clear dnscache", least=1, most=1),
    Command("clear secretscache", "5.0"),
    Command("rotate log"),
    Command("rotate acct", most=1),
    Command("reset counters"),
    Command("reset status"),
    Command("digest", options=("hmac-sha256", "siphash", "key", "hexkey"), most=1),
    Command("register", most=9),
    Command("deregister", most=9),
    Command("emulator inforce"),
)


@dataclass(frozen=True, slots=True)
class Call:
    """One command line, understood."""

    command: Command
    options: dict[str, str]
    arguments: list[str]


def understand(words: Sequence[str], version: str) -> Call:
    """The command that `words` mean in a version of PowerMTA. Raises `UsageError`."""
    here = [command for command in COMMANDS if release(command.since) <= release(version)]
    if not words:
        raise UsageError("No command given")
    command = _find(list(words), here)
    options: dict[str, str] = {}
    arguments: list[str] = []
    for word in words[len(command.words) :]:
        if not word.startswith("--"):
            arguments.append(word)
            continue
        name, _, value = word[2:].partition("=")
        if name not in command.options:
            raise UsageError(f"Unknown option for {command.name}: {word}")
        options[name] = value
    if len(arguments) > command.most:
        raise UsageError(f"{command.name}: unexpected argument: {arguments[command.most]}")
    if len(arguments) < command.least:
        raise UsageError(f"{command.name}: argument missing")
    return Call(command, options, arguments)


def _find(words: list[str], commands: Sequence[Command]) -> Command:
    suiting = [c for c in commands if len(words) >= len(c.words) and _begins(words, c.words)]
    exact = [c for c in suiting if words[: len(c.words)] == c.words]
    if len(exact) == 1 or len(suiting) == 1:
        return (exact or suiting)[0]
    if suiting:
        raise UsageError(f"Ambiguous command: {' '.join(words)}: {', '.join(c.name for c in suiting)}")
    raise UsageError(f"Unknown command: {' '.join(words)}")


def _begins(words: list[str], whole: list[str]) -> bool:
    return all(full.startswith(word) and word for word, full in zip(words, whole, strict=False))
