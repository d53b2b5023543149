"""Engines: work on hosts in other processes."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics.definition import Definition
from pmtaform.diagnostics.kinds import Kind
from pmtaform.diagnostics.model import Severity

BAD_EXECUTOR: Final = Definition(
    code="bad-executor",
    summary="Invalid executor",
    kind=Kind.INVALID,
    explanation=(
        "An engine under executors in pmtaform.yaml is unknown, has no address, or has an unknown option. "
        "Write executors: {dask: {address: tls://HOST:PORT, ca: FILE, cert: FILE, key: FILE}}."
    ),
)
EXECUTOR_NOT_ENCRYPTED: Final = Definition(
    code="executor-not-encrypted",
    summary="Executor without TLS",
    kind=Kind.INVALID,
    explanation=(
        "Without TLS any peer that reaches the scheduler can run code on every worker, and the workers reach the mail "
        "servers. Only tls:// is accepted, with certificates of both sides. Start the scheduler and the workers with "
        "--tls-ca-file, --tls-cert and --tls-key."
    ),
)
NO_SUCH_EXECUTOR: Final = Definition(
    code="no-such-executor",
    summary="Unknown executor",
    kind=Kind.USAGE,
    explanation=(
        "--executor names an engine that pmtaform.yaml does not configure, or several are configured, none named. "
        "--executor local works in this process."
    ),
)
EXECUTOR_NOT_INSTALLED: Final = Definition(
    code="executor-not-installed",
    summary="Executor not installed",
    kind=Kind.USAGE,
    explanation="The library of the engine is an extra of pmtaform. Install it with pip install 'pmtaform[dask]'.",
)
EXECUTOR_UNREACHABLE: Final = Definition(
    code="executor-unreachable",
    summary="Scheduler not reachable",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "There was no connection to the scheduler of the engine, it rejected the certificate, or the connection was "
        "lost. Check the address and the certificates in pmtaform.yaml, and that the scheduler runs. --executor local "
        "works in this process."
    ),
)
NO_WORKER: Final = Definition(
    code="no-worker",
    summary="No worker for the host",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "No worker of the engine may work on the host: there is none, or none has the tag that via of the host names. "
        "Start one with --resources TAG=1, or correct via."
    ),
)
WORKER_LOST: Final = Definition(
    code="worker-lost",
    summary="Worker lost",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "The worker or its scheduler was lost while it worked on the host, and there is no report. Nothing was changed "
        "where it only looked. A change that had started ends on the host by itself: it rolls back unless it was "
        "confirmed. pmtaform recover HOST reads the outcome, and corrects the state."
    ),
)
WORKER_VERSION: Final = Definition(
    code="worker-version",
    summary="Worker with another version",
    kind=Kind.HOST_FAILED,
    explanation=(
        "A worker refuses tasks of another version of pmtaform, because it could plan or change something else. "
        "Install the same version, with the same Python, on the client and on every worker."
    ),
)
WORKER_FAILED: Final = Definition(
    code="worker-failed",
    summary="Worker could not run the task",
    kind=Kind.HOST_FAILED,
    explanation=(
        "The worker has no pmtaform, or one that cannot read the task or write its report. Install the same version on "
        "the client and on every worker."
    ),
)
LOCAL_ON_WORKER: Final = Definition(
    code="local-on-worker",
    summary="Local host in the folder of its stack",
    kind=Kind.HOST_FAILED,
    explanation=(
        "A local host is a folder of the machine that works on it, and a worker has only a copy of the stack's own "
        "folder. Give the host an absolute root outside of the stack, or add --executor local."
    ),
)
NOT_OVER_EXECUTOR: Final = Definition(
    code="not-over-executor",
    summary="Not possible over an executor",
    kind=Kind.USAGE,
    explanation=(
        "Each worker works on one host alone, and this needs several hosts at once or the whole configuration in this "
        "process. Add --executor local."
    ),
)
NOT_ON_A_WORKER: Final = Definition(
    code="not-on-a-worker",
    summary="Not possible on a worker",
    kind=Kind.USAGE,
    explanation="State, lock and journal are with the client. This is a mistake in pmtaform, so please report it.",
)
SOURCES_DIFFER: Final = Definition(
    code="sources-differ",
    summary="Stack arrived differently",
    kind=Kind.INVALID,
    explanation=(
        "A worker read another stack from the files than the client has, so it did nothing. A file of the "
        "stack changed in this moment, or lies outside of the project. Run the command again."
    ),
)
ANSWERED_BY_FIRST: Final = Definition(
    code="answered-by-first",
    summary="Change made by an earlier attempt",
    kind=Kind.NOTE,
    explanation=(
        "The engine ran the task of the host again, because it lost the first worker. The change was made once: the "
        "host has the transaction of this name, and its record is the result."
    ),
    severity=Severity.INFO,
)
