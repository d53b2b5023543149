"""A host in memory with the face that tests know of a folder that stands for a host (`hostroot.HostRoot`)."""

from __future__ import annotations

from hostroot import CONFIG, OLD, spec_of
from ways import Host

from pmtaform.testing.host import MemoryHost, memory_transport
from pmtaform.testing.powermta import MemoryPmta


class MemoryRoot:
    """The host, and what tests want to know of it."""

    def __init__(self, config: bytes = OLD) -> None:
        self.host = MemoryHost(
            {CONFIG: config},
            machine_id="0123456789abcdef" * 2,
            pmta=MemoryPmta("PowerMTA v5.0r1 (2019-02-12, 64-bit; stand-in)."),
        )
        assert self.host.pmta is not None
        self.pmta = self.host.pmta

    def put(self, path: str, content: bytes, mode: int = 0o640) -> None:
        self.host.put(path, content, mode)

    def read(self, path: str) -> bytes:
        return self.host.files[path].content

    def mode(self, path: str) -> int:
        return self.host.files[path].mode

    def exists(self, path: str) -> bool:
        return path in self.host.files

    def remove(self, path: str) -> None:
        if path == "/usr/sbin/pmta":
            self.host.pmta = None
        else:
            del self.host.files[path]

    def tell(self, what: str, times: int = 1) -> None:
        self.pmta.failing[what] = times

    def forget_calls(self) -> None:
        self.pmta.calls.clear()

    def expire(self, *, sooner: int = 10_000) -> None:
        self.host.advance(sooner)

    rehearsal_tests = 1  # a rehearsal needs no control here

    @property
    def running(self) -> bytes:
        return self.host.running[CONFIG]

    @property
    def calls(self) -> list[str]:
        return [call for call in self.pmta.calls if call != "show version"]

    def tree(self) -> object:
        return {path.lstrip("/"): file for path, file in self.host.files.items()}

    def made_folders(self, *paths: str) -> list[str]:
        """In memory there are none."""
        del paths
        return []

    def strays(self) -> list[str]:
        """Files that a shell would have made of a name that it took for a command."""
        return [path for path in self.host.files if path.endswith("/x")]

    def leftovers(self) -> list[str]:
        return sorted(self.host.kept.open)


def in_memory(root: MemoryRoot) -> Host:
    spec = spec_of(root, transport=memory_transport({"mta1": root.host}))
    return Host(root, spec, spec.open)
