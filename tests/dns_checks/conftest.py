from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from dns_server import NameServer, Start, Zone


@pytest.fixture
def name_server() -> Iterator[Start]:
    """Starts name servers; all of them end with the test."""
    started: list[NameServer] = []

    def start(zone: Zone, **more: Any) -> NameServer:
        started.append(NameServer(zone, **more).start())
        return started[-1]

    yield start
    for server in started:
        server.stop()
