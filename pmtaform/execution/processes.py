"""Worker processes on this machine as an engine. Each works on many hosts at once, in threads.

The processes come from a fork server that has loaded the program and has no threads. They ignore Ctrl-C, because the
client decides then, and they end with the client, whatever ends it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Final

from pmtaform.diagnostics.codes.execution import WORKER_LOST
from pmtaform.execution.engine import lost
from pmtaform.execution.worker import work_in

_THREADS: Final = 16  # hosts that one process works on at once: most of the time it waits for the network
_TICK: Final = 0.5
_ATTEMPTS: Final = 2
_LAST: Final = 5.0  # seconds in which a process may end by itself


class ProcessEngine:
    """`count` processes for the project in `root`. They are started with the first task."""

    def __init__(self, root: Path, count: int) -> None:
        self._root, self._count = root, count
        self._workers: list[_Worker] = []
        self._turn = threading.Lock()

    @property
    def width(self) -> int:
        """The threads of all processes."""
        return self._count * _THREADS

    def run(self, task: str, sources: str, *, host: str, via: str, stop: threading.Event) -> str:  # noqa: ARG002
        """Have a process do the task, and return its report. Raises `TaskLost`.

        `sources` and `via` do not matter: the processes have the project's folder, and all reach the same.
        """
        for _ in range(_ATTEMPTS):
            future = self._sent(task)
            while True:
                try:
                    return future.result(timeout=_TICK)
                except TimeoutError:
                    if stop.is_set():
                        raise lost(WORKER_LOST, "The run was interrupted before a report arrived.", host) from None
                except EOFError:
                    break  # the process was killed: another one does it, or is answered with what became of it
        raise lost(WORKER_LOST, f"{_ATTEMPTS} worker processes ended while they worked on it.", host)

    def close(self) -> None:
        """End the processes."""
        with self._turn:
            for worker in self._workers:
                worker.close()
            self._workers.clear()

    @property
    def pids(self) -> list[int]:
        """The processes that run now."""
        with self._turn:
            return [worker.process.pid or 0 for worker in self._workers]

    def _sent(self, task: str) -> Future[str]:
        with self._turn:
            self._workers = [worker for worker in self._workers if worker.is_open]
            while len(self._workers) < self._count:
                self._workers.append(_Worker(self._root))
            return min(self._workers, key=lambda worker: worker.load).send(task)


class _Worker:
    """One process, and the tasks that it has."""

    def __init__(self, root: Path) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([work_in.__module__])
        self._connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, str(root)), daemon=True)
        self.process.start()
        theirs.close()
        self.is_open = True
        self._tasks: dict[int, Future[str]] = {}
        self._number = 0
        self._turn = threading.Lock()
        threading.Thread(target=self._receive, name="worker", daemon=True).start()

    @property
    def load(self) -> int:
        """How many tasks it has."""
        return len(self._tasks)

    def send(self, task: str) -> Future[str]:
        """Give it a task. The result raises `EOFError` when the process has ended."""
        future: Future[str] = Future()
        with self._turn:
            self._number += 1
            self._tasks[self._number] = future
            try:
                self._connection.send((self._number, task))
            except OSError:
                del self._tasks[self._number]
                future.set_exception(EOFError())
        return future

    def close(self) -> None:
        """End it."""
        self.is_open = False
        with suppress(OSError):
            self._connection.send(None)
        self.process.join(_LAST)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()

    def _receive(self) -> None:
        with suppress(EOFError, OSError):
            while True:
                number, report = self._connection.recv()
                with self._turn:
                    future = self._tasks.pop(number)
                future.set_result(report)
        self.is_open = False
        with self._turn:
            left, self._tasks = list(self._tasks.values()), {}
        for future in left:
            future.set_exception(EOFError())
        self._connection.close()


# -- in the process ----------------------------------------------------------------------------------------------------


def _serve(connection: Connection, root: str) -> None:
    """Do tasks until the client ends, or says that there are no more. Never returns."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_client, daemon=True).start()
    sending = threading.Lock()

    def do(number: int, task: str) -> None:
        report = work_in(task, Path(root))
        with sending, suppress(OSError):
            connection.send((number, report))

    with suppress(EOFError, OSError):
        pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="host")
        while (item := connection.recv()) is not None:
            pool.submit(do, *item)
    os._exit(0)


def _end_with_client() -> None:
    """End this process when the client has ended. What a host does then is as if the connection was lost."""
    client = multiprocessing.parent_process()
    assert client is not None
    wait([client.sentinel])
    os._exit(0)
