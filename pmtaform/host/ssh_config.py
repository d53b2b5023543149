"""ssh_config as paramiko reads it, with an index: ten thousand `Host` lines cost nothing for each host."""

from __future__ import annotations

import io
from typing import Any

import paramiko

from pmtaform.host.name_patterns import NamePatterns

_USED = {
    *("hostname", "port", "user", "identityfile", "proxyjump", "proxycommand"),
    *("hostkeyalias", "userknownhostsfile", "globalknownhostsfile"),
    # What paramiko itself looks at while it looks up the others.
    *("addressfamily", "canonicalizehostname", "canonicaldomains"),
    *("canonicalizemaxdots", "canonicalizefallbacklocal"),
}


class SshConfig(paramiko.SSHConfig):  # type: ignore[misc]  # untyped library
    """As paramiko's. It looks at every block for every host; this one at those that may be meant."""

    def __init__(self, text: str) -> None:
        """Read `text`. Raises paramiko's `ConfigParseError`."""
        super().__init__()
        self.parse(io.StringIO(text))
        self._blocks: list[dict[str, Any]] = self._config
        for block in self._blocks:
            block["config"] = {key: value for key, value in block["config"].items() if key in _USED}
        # paramiko matches with `fnmatch`, where brackets are a set of characters.
        self._index = NamePatterns("*?[", "]")
        for number, block in enumerate(self._blocks):
            if "matches" in block:
                self._index.add_always(number)
            else:
                self._index.add(block["host"], number)

    def lookup(self, hostname: str) -> Any:
        """As paramiko's, of the options that are used."""
        if not any(block["config"] for block in self.candidates(hostname)):
            return {"hostname": hostname}  # the rest of a look-up takes 0.3 ms
        return _Selection(self, hostname).look_up()

    def candidates(self, hostname: str) -> list[dict[str, Any]]:
        """The blocks that may concern `hostname`, in their order."""
        return [self._blocks[number] for number in self._index.candidates(hostname)]

    def _get_hosts(self, host: str) -> list[str]:
        """As paramiko's; most lines need no shell syntax, which takes 30 µs to read."""
        if any(char in host for char in "\"'\\#"):
            hosts: list[str] = super()._get_hosts(host)
            return hosts
        return host.split()


class _Selection(paramiko.SSHConfig):  # type: ignore[misc]  # untyped library
    """paramiko's look-up over the blocks that may concern one host.

    It looks up twice, by another name the second time if the file has names canonicalized.
    """

    def __init__(self, config: SshConfig, hostname: str) -> None:
        super().__init__()
        self._source, self._hostname = config, hostname

    def look_up(self) -> Any:
        """The options of the host."""
        return super().lookup(self._hostname)

    def _lookup(self, hostname: str, *arguments: Any, **options: Any) -> Any:
        self._config = self._source.candidates(hostname)
        return super()._lookup(hostname, *arguments, **options)
