"""Dask as an engine. Only this module imports `distributed`."""

from __future__ import annotations

import logging
import re
import threading
import uuid
import warnings
from collections.abc import Callable
from concurrent.futures import CancelledError
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pmtaform.diagnostics.codes.execution import (
    BAD_EXECUTOR,
    EXECUTOR_NOT_ENCRYPTED,
    EXECUTOR_NOT_INSTALLED,
    EXECUTOR_UNREACHABLE,
    NO_WORKER,
    WORKER_LOST,
)
from pmtaform.errors import Invalid, Unreachable, UsageError
from pmtaform.execution.engine import EngineKind, EngineSettings, TaskLost, lost
from pmtaform.execution.worker import work
from pmtaform.programs import PROJECT_FILE

if TYPE_CHECKING:
    from distributed import Client, Security

_OPTIONS: Final = ("address", "ca", "cert", "key")
_ADDRESS: Final = re.compile(r"tls://([^\s:/]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}")
_EXAMPLE: Final = "{dask: tls://scheduler:8786}"
_TICK: Final = 1.0  # seconds between two looks whether the scheduler and a worker are still there
_PATIENCE: Final = 10  # looks without a scheduler or a worker before a task is given up
_CONNECT: Final = 15.0


class DaskEngine:
    """A client of a Dask scheduler, over TLS with certificates of both sides."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._sources: dict[str, Any] = {}
        self._turn = threading.Lock()
        self._problem = ""

    @property
    def width(self) -> int:
        """The threads of all workers."""
        return max(1, sum(int(worker["nthreads"]) for worker in self._workers().values()))

    def run(self, task: str, sources: str, *, host: str, via: str, stop: threading.Event) -> str:
        """Have a worker do the task, and return its report. Raises `TaskLost`."""
        workers = self._able(host, via)
        key = f"pmtaform-{uuid.uuid4().hex}"  # equal tasks are different work: nothing is answered from a cache
        future = self._client.submit(
            work,
            task,
            self._held(sources),
            key=key,
            pure=False,
            retries=0,
            workers=workers if via else None,
            allow_other_workers=False,
        )
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        try:
            self._wait(done, host, via, stop)
            return _report_of(future, host)
        finally:
            # The scheduler forgets the task now: it does not run it again when that worker is lost later.
            if not done.is_set():
                _quietly(future.cancel)
            _quietly(future.release)

    def close(self) -> None:
        """End the connection."""
        self._sources.clear()
        _quietly(self._client.close)

    def _wait(self, done: threading.Event, host: str, via: str, stop: threading.Event) -> None:
        """Wait for the end of a task. Raises `TaskLost` where there is no worker for it any more."""
        missing = 0
        while not done.wait(_TICK):
            if stop.is_set():
                raise lost(WORKER_LOST, "The run was interrupted before a report arrived.", host)
            try:
                self._able(host, via)
                missing = 0
            except TaskLost as problem:
                missing += 1  # a worker that is started again needs a moment
                if missing == _PATIENCE:
                    raise lost(WORKER_LOST, problem.diagnostics[0].detail, host) from None

    def _held(self, sources: str) -> Any:
        """The sources on the workers: sent to the scheduler once, and from there to each worker once."""
        with self._turn:
            if sources not in self._sources:
                self._sources[sources] = self._client.submit(
                    str, sources, key=f"pmtaform-{uuid.uuid4().hex}", pure=False
                )
            return self._sources[sources]

    def _able(self, host: str, via: str) -> list[str]:
        """The workers that may work on a host. Raises `TaskLost` when there is none."""
        workers = self._workers(host)
        able = [address for address, worker in workers.items() if not via or via in worker.get("resources", {})]
        if not able:
            has = f"None of {len(workers)} workers has the tag {via}" if via else "The scheduler has no worker"
            raise lost(NO_WORKER, f"{has}. To start one:\n    dask worker ... --resources {via or 'TAG'}=1", host)
        return able

    def _workers(self, host: str | None = None) -> dict[str, Any]:
        try:
            if self._client.status != "running":
                raise OSError("the connection was lost")
            # Not `scheduler_info`: it returns what the client refreshes for itself meanwhile, which has no workers.
            identity: dict[str, Any] = self._client.sync(self._client.scheduler.identity, n_workers=-1)
            return dict(identity["workers"])
        except Exception as problem:
            raise lost(EXECUTOR_UNREACHABLE, f"The scheduler does not answer: {_first_line(problem)}", host) from None


def _report_of(future: Any, host: str) -> str:
    """The report of a task that is done. Waiting for it with a timeout fails in Dask now and then."""
    try:
        return str(future.result(timeout=_CONNECT))
    except CancelledError:
        raise lost(WORKER_LOST, "The scheduler has dropped the task.", host) from None
    except Exception as problem:
        detail = f"The engine reports {type(problem).__name__}: {_first_line(problem)}"
        raise lost(WORKER_LOST, detail, host) from None


def _connect(settings: EngineSettings) -> DaskEngine:
    address = _address(settings)
    try:
        from distributed import Client
    except ImportError:
        detail = "The engine dask needs the library distributed.\n    pip install 'pmtaform[dask]'"
        raise UsageError.of(EXECUTOR_NOT_INSTALLED, detail) from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what it would say is reported by us
    security = _security(settings)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            client = Client(address, security=security, timeout=_CONNECT, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as problem:
        detail = f"{address}: {_first_line(problem)}. To work in this process:\n    --executor local"
        raise Unreachable.of(EXECUTOR_UNREACHABLE, detail) from None
    return DaskEngine(client)


def _address(settings: EngineSettings) -> str:
    for name in settings.options:
        if name not in _OPTIONS:
            raise _invalid(f'dask has no option "{name}". It has {", ".join(_OPTIONS)}.')
    address = settings.options.get("address", "")
    if not address:
        raise _invalid(f"dask needs an address.\n    executors: {_EXAMPLE}")
    if not address.startswith("tls://"):
        raise Invalid.of(
            EXECUTOR_NOT_ENCRYPTED,
            f"{PROJECT_FILE}: {address}: any peer of a scheduler without TLS can run code on its workers. "
            "Write tls://, with `ca`, `cert` and `key`.",
        )
    if _ADDRESS.fullmatch(address) is None:
        raise _invalid(f'"{address}" is not tls://HOST:PORT.\n    executors: {_EXAMPLE}')
    return address


def _security(settings: EngineSettings) -> Security:
    """The certificates of this client. Without options, those of Dask's own configuration."""
    from distributed import Security

    files = {name: settings.options[name] for name in ("ca", "cert", "key") if name in settings.options}
    if files and len(files) < 3:
        missing = ", ".join(name for name in ("ca", "cert", "key") if name not in files)
        raise _invalid(f"dask needs `ca`, `cert` and `key` together; there is no {missing}.")
    paths = {name: str(settings.root / Path(value).expanduser()) for name, value in files.items()}
    for name, path in paths.items():
        if not Path(path).is_file():
            raise _invalid(f"`{name}` of dask: there is no file {path}.")
    if not paths:
        security = Security(require_encryption=True)
        if security.get_connection_args("client").get("ssl_context") is None:
            detail = "dask needs certificates. Write `ca`, `cert` and `key`, or set tls in the configuration of Dask."
            raise _invalid(detail)
        return security
    security = Security(
        require_encryption=True,
        tls_ca_file=paths["ca"],
        tls_client_cert=paths["cert"],
        tls_client_key=paths["key"],
    )
    try:
        security.get_connection_args("client")
    except OSError as problem:
        names = ", ".join(paths.values())
        raise _invalid(f"the certificates of dask cannot be used: {problem}. They are {names}.") from None
    return security


def _invalid(detail: str) -> Invalid:
    return Invalid.of(BAD_EXECUTOR, f"{PROJECT_FILE}: {detail}")


def _first_line(problem: BaseException) -> str:
    lines = str(problem).splitlines()
    return lines[0] if lines else type(problem).__name__


def _quietly(action: Callable[[], object]) -> None:
    """Tidy up. What the engine cannot do any more is not a problem."""
    try:
        action()
    except Exception as problem:
        logging.getLogger(__name__).debug("%s", problem)


DASK: Final = EngineKind(_connect)
