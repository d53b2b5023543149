"""Processes of this machine that compute the verdicts on hosts. Sessions, waits and decisions stay with the client.

The processes come from a fork server that has loaded the program and has no threads. They ignore Ctrl-C, because the
client decides then, and they end with the client, whatever ends it. Work and results, which have secrets, go through
their pipes and never to a disk.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from io import BytesIO
from multiprocessing.connection import Connection, wait
from typing import Any, Final

from pmtaform.inspection.assess import HostWork
from pmtaform.secrets import Secret

_LAST: Final = 5.0  # seconds in which a process may end by itself
_ENOUGH: Final = 2_000_000  # bytes of configuration; comparing them takes longer than the start of a process


class WorkerPool(Executor):
    """At most `count` processes, started when there is work for them.

    `is_eager` False: only once there is so much work that a process pays. What a process cannot do, or did not live to
    do, is done in the client: work only looks, so doing it again is harmless.
    """

    def __init__(self, count: int, *, is_eager: bool = True) -> None:
        self._count = count
        self._wait_for = 0 if is_eager else _ENOUGH
        self._workers: list[_Worker] = []
        self._is_shut = False
        self._turn = threading.Lock()
        self._done_here = _Count()

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """Have a process call `work`."""
        task = _Task(work, arguments, named, self._done_here)
        worker = self._worker(task)
        if worker is None or not worker.send(task):
            task.do_here()
        return task.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002  (as the port has it)
        """End the processes."""
        with self._turn:
            self._is_shut = True
            workers, self._workers = self._workers, []
        for worker in workers:
            worker.close()

    @property
    def pids(self) -> list[int]:
        """The processes that run now."""
        with self._turn:
            return [worker.process.pid or 0 for worker in self._workers]

    @property
    def done_here(self) -> int:
        """How many tasks the client did."""
        return self._done_here.value

    def _worker(self, task: _Task) -> _Worker | None:
        """The process with the least to do; None: the client does it."""
        if task.is_small:
            return None
        with self._turn:
            self._wait_for -= task.size
            if self._is_shut or self._wait_for > 0:
                return None
            self._workers = [worker for worker in self._workers if worker.is_open]
            if len(self._workers) < self._count and all(worker.load for worker in self._workers):
                self._workers.append(_Worker())
            return min(self._workers, key=lambda worker: worker.load)


class _Count:
    """A number that many threads may raise."""

    def __init__(self) -> None:
        self.value = 0
        self._turn = threading.Lock()

    def add(self) -> None:
        """Add one."""
        with self._turn:
            self.value += 1


class _Task:
    """One call, and its result."""

    def __init__(
        self, work: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any], done_here: _Count
    ) -> None:
        self._done_here = done_here
        self.call = (work, arguments, named)
        self.future: Future[Any] = Future()
        host = arguments[0] if arguments and isinstance(arguments[0], HostWork) else None
        self.size = host.target.size if host is not None else 0
        # A host that is as it was left costs less than the way to a process and back.
        self.is_small = host is not None and host.is_as_left

    def do_here(self) -> None:
        """Do it in this process: the result, or the exception, is the same."""
        self._done_here.add()
        work, arguments, named = self.call
        try:
            self.future.set_result(work(*arguments, **named))
        except BaseException as problem:
            self.future.set_exception(problem)


class _Worker:
    """One process, and the tasks that it has."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["pmtaform.inspection.prepared", __name__])
        self._connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()
        self.is_open = True
        self._tasks: dict[int, _Task] = {}
        self._number = 0
        self._turn = threading.Lock()
        self._sending = threading.Lock()
        threading.Thread(target=self._receive, name="worker", daemon=True).start()

    @property
    def load(self) -> int:
        """How many tasks it has."""
        return len(self._tasks)

    def send(self, task: _Task) -> bool:
        """Give it a task. Return whether it has it."""
        try:
            content = _carried(task.call)
        except Exception:  # a transport of a plug-in may be a function that only this process has
            return False
        with self._turn:
            if not self.is_open:
                return False
            self._number += 1
            number = self._number
            self._tasks[number] = task
        try:
            with self._sending:  # not under `_turn`: a process that waits until its result is read does not read
                self._connection.send_bytes(b"%d " % number + content)
        except OSError:
            with self._turn:
                return self._tasks.pop(number, None) is None  # else it was done here when the end was noticed
        return True

    def close(self) -> None:
        """End it."""
        self.is_open = False
        with self._sending, suppress(OSError):
            self._connection.send_bytes(b"end")
        self.process.join(_LAST)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()

    def _receive(self) -> None:
        with suppress(Exception):  # its end, or what cannot be read: the client does what is left
            while True:
                number, is_done, result = pickle.loads(self._connection.recv_bytes())  # noqa: S301  (our own process)
                with self._turn:
                    task = self._tasks.pop(number)
                if is_done:
                    task.future.set_result(result)
                else:
                    task.do_here()
        with self._turn:
            self.is_open = False
            left, self._tasks = list(self._tasks.values()), {}
        for task in left:
            task.do_here()


class _Carrier(pickle.Pickler):
    """Writes what only the pipe to a process of our own may carry: secrets, too."""

    def reducer_override(self, value: Any) -> Any:
        return (Secret, (value.reveal(), value.reference)) if isinstance(value, Secret) else NotImplemented


def _carried(value: object) -> bytes:
    pipe = BytesIO()
    _Carrier(pipe, pickle.HIGHEST_PROTOCOL).dump(value)
    return pipe.getvalue()


# -- in the process ----------------------------------------------------------------------------------------------------


def _serve(connection: Connection) -> None:
    """Do tasks until the client ends, or sends the word. Never returns."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_client, daemon=True).start()
    with suppress(EOFError, OSError):
        while (content := connection.recv_bytes()) != b"end":
            number, _, call = content.partition(b" ")
            try:
                work, arguments, named = pickle.loads(call)  # noqa: S301  (our own client)
                answer = _carried((int(number), True, work(*arguments, **named)))
            except Exception:
                answer = _carried((int(number), False, None))  # the client does it again, and has the exception itself
            connection.send_bytes(answer)
    os._exit(0)


def _end_with_client() -> None:
    """End this process when the client has ended."""
    client = multiprocessing.parent_process()
    assert client is not None
    wait([client.sentinel])
    os._exit(0)
