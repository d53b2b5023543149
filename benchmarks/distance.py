"""Servers that are far away: a relay in between lets every byte arrive half a round trip later.

As a program: the round trip in milliseconds, then what to relay to, as ADDRESS:PORT; it prints its own ports of
127.0.0.1, one a line.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial


@contextmanager
def far(servers: Sequence[tuple[str, int]], milliseconds: int) -> Iterator[list[int]]:
    """A port of 127.0.0.1 for each server, by address and port, which is that many milliseconds of round trip away."""
    words = [sys.executable, __file__, str(milliseconds), *(f"{address}:{port}" for address, port in servers)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as relay:
        assert relay.stdout is not None
        try:
            yield [int(relay.stdout.readline()) for _ in servers]
        finally:
            relay.kill()


async def _relay(seconds: float, servers: Sequence[str]) -> None:
    for server in servers:
        address, _, port = server.rpartition(":")
        relay = await asyncio.start_server(partial(_both, to=(address, int(port)), seconds=seconds), "127.0.0.1")
        print(relay.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


async def _both(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, to: tuple[str, int], seconds: float
) -> None:
    # A connection is open when its first packet is answered.
    await asyncio.sleep(2 * seconds)
    there, back = await asyncio.open_connection(*to)
    await asyncio.gather(_later(reader, back, seconds), _later(there, writer, seconds), return_exceptions=True)


async def _later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            loop.call_later(seconds, writer.write, data)
    loop.call_later(seconds, writer.close)


if __name__ == "__main__":
    asyncio.run(_relay(int(sys.argv[1]) / 2000, sys.argv[2:]))
