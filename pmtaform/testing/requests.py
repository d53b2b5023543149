"""Requests to a host in memory: the bytes that a session sends, read as the host's program reads them."""

from __future__ import annotations

from dataclasses import dataclass, field

from pmtaform.host.text import decode, encode


@dataclass(slots=True)
class MemoryRequest:
    """One request. `settings` are by name, the values of those that may be repeated in their order."""

    nonce: bytes
    op: str
    settings: dict[str, list[str]] = field(default_factory=dict)
    lines: list[list[str]] = field(default_factory=list)  # what follows, in fields
    contents: dict[str, bytes] = field(default_factory=dict)  # of files to write, by their numbers
    record: bytes = b""

    def __getitem__(self, name: str) -> str:
        """The last value of a setting; the empty string where it is not given."""
        return self.settings.get(name, [""])[-1]

    def all(self, name: str) -> list[str]:
        """Every value of a setting."""
        return self.settings.get(name, [])

    def number(self, name: str) -> int:
        """A setting that is a number; 0 where it is not given."""
        return int(self[name] or 0)

    def framed(self, name: bytes, content: bytes) -> bytes:
        """`content` in an answer, under `name`."""
        return name + b"\n" + content + b"\n" + self.nonce + b"\n"


def read_request(data: bytes) -> MemoryRequest:
    """The request in `data`, which may come behind parts of the host's program, each between two seals."""
    stream = _Stream(data)
    line = stream.line()
    if line.startswith(b"more "):
        line = stream.line()
    if line.startswith(b"#"):
        stream.skip_past(line)
        line = stream.line()
    request = MemoryRequest(line, stream.line().decode("ascii"))
    for setting in iter(stream.line, b"end"):
        name, _, value = decode(setting).partition(" ")
        request.settings.setdefault(name, []).append(value)
    if request.op in ("apply", "recover"):
        _read_change(request, stream)
    else:
        for more in iter(stream.line, request.nonce):
            request.lines.append(decode(more).split("\t"))
    return request


def _read_change(request: MemoryRequest, stream: _Stream) -> None:
    text = stream.take(request.number("size"))
    request.lines = [decode(line).split("\t") for line in text.split(b"\n") if line]
    for line in request.lines:
        if line[0] == "write" and line[7].isdigit():
            request.contents[line[1]] = stream.take(int(line[7]))
    request.record = stream.take(request.number("record"))


def said(*lines: str) -> bytes:
    """Lines of an answer."""
    return b"".join(encode(line) + b"\n" for line in lines)


class _Stream:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def line(self) -> bytes:
        end = self._data.index(b"\n", self._at)
        line, self._at = self._data[self._at : end], end + 1
        return line

    def take(self, size: int) -> bytes:
        piece = self._data[self._at : self._at + size]
        self._at += size
        return piece

    def skip_past(self, seal: bytes) -> None:
        self._at = self._data.index(seal + b"\n", self._at) + len(seal) + 1
