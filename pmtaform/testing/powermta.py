"""A PowerMTA in memory: enough of `pmta` for a transaction, and ways to have it fail."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pmtaform.host.model import Answer

if TYPE_CHECKING:
    from pmtaform.testing.host import MemoryHost

TIMED_OUT = 124


class MemoryPmta:
    """What `pmta` answers on a host. A test can override `answer`, or set what fails.

    `failing` counts how many more times something happens: a command exits with 1 (`fail-test`, `fail-reload`,
    `fail-status`, `fail-restart`) or does not end (`hang-reload`), PowerMTA is stopped (`stopped`), answers a
    reload and does nothing (`silent`), or dies of one (`dies-of-reload`, `mute-after-reload`).
    """

    def __init__(self, version: str = "PowerMTA v5.0r1 (2019-02-12, 64-bit; in memory).") -> None:
        self.version = version
        self.calls: list[str] = []
        self.failing: Counter[str] = Counter()

    def answer(self, host: MemoryHost, words: tuple[str, ...]) -> Answer:
        """What `pmta WORDS` answers on `host`, and does."""
        self.calls.append(" ".join(words))
        word = words[1] if words[:1] == ("show",) and len(words) > 1 else words[0]
        if self._takes(f"hang-{word}"):
            return Answer(TIMED_OUT, "")
        if self._takes(f"fail-{word}"):
            return Answer(1, "Error in line 1 of /etc/pmta/config: \x1b[31mmade to fail\n")
        return self._do(host, word)

    def _do(self, host: MemoryHost, word: str) -> Answer:
        if word == "version":
            return Answer(0, f"{self.version}\n")
        if word == "status":
            return Answer(0, "status stopped\n" if self._takes("stopped") else "status running\n")
        if word == "reload" and not self._takes("silent"):
            self.failing["stopped"] += self._takes("dies-of-reload")
            self.failing["fail-status"] += self._takes("mute-after-reload")
            host.take_configuration()
            return Answer(0, "Configuration reloaded.\n")
        if word == "restart":
            host.take_configuration()
        return Answer(0, "")

    def _takes(self, what: str) -> int:
        """1, and one time fewer, where `what` is still to happen."""
        if self.failing[what] <= 0:
            return 0
        self.failing[what] -= 1
        return 1
