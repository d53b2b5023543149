"""The hosts of a plan, and what each should have: compiled by the worker that looks at the host, if it is needed."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from typing import Final

from pmtaform.diagnostics import Diagnostics
from pmtaform.errors import PmtaformError
from pmtaform.host_specs import host_spec
from pmtaform.inspection.survey import Compiled, NotCompiled, Target, Wanted
from pmtaform.planning.draft import Draft
from pmtaform.planning.inputs import AskedSecrets, KnownSecrets, StackInputs
from pmtaform.secrets import Secret
from pmtaform.stack import Stack
from pmtaform.stack.compile import check_hosts, compile_into, raise_errors
from pmtaform.stack.resolve import Resolve
from pmtaform.state import HostInputs

_BLOCK: Final = 500  # bytes of an average block


def targets_of(draft: Draft, names: Iterable[str]) -> tuple[Target, ...]:
    """The hosts, with what each should have and what the last apply left there. Raises `SecretUnavailable`."""
    inputs = StackInputs(draft.stack, draft.key, draft.resolve)
    trust = _may_trust(draft)
    return tuple(_target(draft, name, inputs, trust=trust) for name in names)


def _target(draft: Draft, name: str, inputs: StackInputs, *, trust: bool) -> Target:
    stack, known = draft.stack, draft.state
    previous, intent = known.hosts.get(name), known.intents.get(name)

    return Target(
        spec=host_spec(stack, stack.hosts[name], draft.resolve),
        stack=stack.name,
        wanted=Wanted(HostCompiler(stack, name, draft.resolve, inputs if trust else None)),
        previous=previous,
        operations=stack.operations[name],
        groups=stack.hosts[name].groups,
        intent=intent,
        generation=draft.saved.hosts[name].generation if name in draft.saved.hosts else None,
        now=draft.request.moment(),
        size=max(stack.size(name), _BLOCK * len(previous.blocks) if previous is not None else 0),
        is_same=trust and intent is None and inputs.are_same(name, previous, draft.request.moment()),
    )


class HostCompiler:
    """Compiles one host. It can be pickled for a worker process, with its part of the stack and the secrets it uses."""

    def __init__(self, stack: Stack, host: str, resolve: Resolve, inputs: StackInputs | None) -> None:
        self._stack, self._host, self._resolve, self._inputs = stack, host, resolve, inputs
        self._secrets: dict[str, Secret] = {}  # that it has asked for
        self._made: HostInputs | None = None

    def __call__(self) -> Compiled:
        """What the host should have. Raises `Invalid` and `SecretUnavailable`."""
        asked, problems = AskedSecrets(self._resolve), Diagnostics(only_errors=True)
        desired = compile_into(self._stack, self._host, asked, problems)
        raise_errors(problems)
        self._secrets = asked.secrets
        if self._inputs is not None:
            self._made = self._inputs.of(self._host, desired, asked)
        return Compiled(desired, self._made)

    def __getstate__(self) -> tuple[Stack, str, dict[str, Secret], HostInputs | None]:
        return self._stack.only(self._host), self._host, self._secrets, self._made

    def __setstate__(self, state: tuple[Stack, str, dict[str, Secret], HostInputs | None]) -> None:
        self._stack, self._host, self._secrets, self._made = state
        self._resolve, self._inputs = KnownSecrets(self._secrets), None


def _may_trust(draft: Draft) -> bool:
    """Whether inputs decide alone. Patterns name blocks, so the blocks of every host must be known."""
    choice = draft.request.choice
    return not (choice.targets or choice.excludes or any(step.reads_all for step in draft.steps))


def check_others(draft: Draft) -> None:
    """Raise for an error in a host that is not chosen, or in a layer that no host uses.

    As in `pmtaform validate`, the stack is then not what its authors mean. Hosts whose sources are those of their last
    apply compile without an error.
    """
    problems = Diagnostics()
    valid: Collection[str] = draft.names
    if _may_trust(draft):
        inputs, hosts = StackInputs(draft.stack, draft.key, draft.resolve), draft.state.hosts
        others = (name for name in draft.stack.hosts if name not in draft.names)
        valid = {*draft.names, *(name for name in others if inputs.are_sources_same(name, hosts.get(name)))}
    check_hosts(draft.stack, problems, but=valid)
    if problems.has_errors:
        refuse(draft)


def refuse(draft: Draft) -> None:
    """Raise `Invalid` with all that is wrong with the stack, or `SecretUnavailable`, if anything is.

    Every chosen host is compiled, one after the other: an error is reported with those of all other hosts.
    """
    problems = Diagnostics()
    for name in draft.names:
        compile_into(draft.stack, name, draft.resolve, problems)
    if draft.request.validate and not draft.request.is_part:
        check_hosts(draft.stack, problems, but=draft.names)
    raise_errors(problems)


class RefusalCheck:
    """Refuses a stack with an error in any host, before a host is changed. It compiles them once, when first called."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._lock = threading.Lock()
        self._is_checked = False
        self._problem: PmtaformError | None = None

    def __call__(self) -> None:
        """Raise `NotCompiled` if the stack is refused."""
        with self._lock:
            if not self._is_checked:
                self._problem, self._is_checked = self._found(), True
        if self._problem is not None:
            raise NotCompiled(self._problem)

    def _found(self) -> PmtaformError | None:
        try:
            refuse(self._draft)
        except PmtaformError as problem:
            return problem
        return None


def checked_targets(draft: Draft) -> tuple[Target, ...]:
    """The chosen hosts. Raises `Invalid` before `SecretUnavailable`, as `refuse` does."""
    if draft.request.validate and not draft.request.is_part:
        check_others(draft)
    try:
        return targets_of(draft, draft.names)
    except PmtaformError:
        refuse(draft)
        raise


def require_compiled(draft: Draft) -> None:
    """Raise `Invalid` or `SecretUnavailable` if a host that was looked at could not be compiled."""
    invalid: dict[str, NotCompiled] = draft.fleet.invalid
    if invalid:
        refuse(draft)
        raise next(iter(invalid.values())).problem
