"""Servers that are far away: a relay in between lets every byte arrive half a round trip later.

As a program: the round trip in milliseconds, then the ports to relay to; it prints its own ports, one a line.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sshd import Sshd


@contextmanager
def far(servers: list[Sshd], milliseconds: int) -> Iterator[list[Sshd]]:
    """The same servers, that many milliseconds of round trip away."""
    words = [sys.executable, __file__, str(milliseconds), *(str(server.port) for server in servers)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as relay:
        assert relay.stdout is not None
        try:
            yield [replace(server, port=int(relay.stdout.readline())) for server in servers]
        finally:
            relay.kill()


async def _relay(seconds: float, ports: list[int]) -> None:
    for port in ports:
        server = await asyncio.start_server(partial(_both, port=port, seconds=seconds), "127.0.0.1")
        print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


async def _both(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, port: int, seconds: float) -> None:
    # A connection is open when its first packet is answered.
    await asyncio.sleep(2 * seconds)
    there, back = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(_later(reader, back, seconds), _later(there, writer, seconds), return_exceptions=True)


async def _later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            loop.call_later(seconds, writer.write, data)
    loop.call_later(seconds, writer.close)


if __name__ == "__main__":
    asyncio.run(_relay(int(sys.argv[1]) / 2000, [int(port) for port in sys.argv[2:]]))
