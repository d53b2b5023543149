"""Compile the hosts of a plan; those whose inputs are as they were when they were last as declared, only if needed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial

from pmtaform.diagnostics import Diagnostics
from pmtaform.host_specs import host_spec
from pmtaform.inspection.survey import Target, Wanted
from pmtaform.planning.draft import Draft
from pmtaform.planning.inputs import AskedSecrets, StackInputs
from pmtaform.stack import compile_host
from pmtaform.stack.compile import check_hosts, compile_into, raise_errors
from pmtaform.state import HostInputs


def compile_targets(draft: Draft, names: Iterable[str], *, validate: bool) -> tuple[Target, ...]:
    """The hosts, with what each should have and what the last apply left there.

    With `validate`, an error in any host or layer of the stack counts, as in `pmtaform validate`: the stack is not what
    its authors mean. Raises `Invalid` with every error, and `SecretUnavailable`.
    """
    compiling = _Compiling(draft)
    wanted = {name: compiling.wanted(name) for name in names}
    if validate:
        check_hosts(draft.stack, compiling.problems, but=compiling.valid(wanted))
    raise_errors(compiling.problems)
    return tuple(compiling.target(name, made) for name, made in wanted.items())


class _Compiling:
    """The compilation of some hosts of one stack."""

    def __init__(self, draft: Draft) -> None:
        self.problems = Diagnostics()
        self._draft = draft
        self._inputs = StackInputs(draft.stack, draft.key, draft.resolve)
        self._may_trust = _may_trust(draft)
        self._of: dict[str, HostInputs | None] = {}
        self._same: set[str] = set()

    def wanted(self, name: str) -> Wanted:
        """What a host should have. What is wrong with it goes into `problems`."""
        draft = self._draft
        known = draft.state.hosts.get(name)
        if self._may_trust and name not in draft.state.intents and self._inputs.are_same(name, known):
            self._same.add(name)
            self._of[name] = known.inputs if known is not None else None
            return Wanted(partial(compile_host, draft.stack, name, draft.resolve))
        asked = AskedSecrets(draft.resolve)
        desired = compile_into(draft.stack, name, asked, self.problems)
        self._of[name] = self._inputs.of(name, desired, asked) if self._may_trust else None
        return Wanted.of(desired)

    def valid(self, compiled: Collection[str]) -> Collection[str]:
        """The hosts that need no check: those that are compiled, and those that are known to compile."""
        if not self._may_trust:
            return compiled
        hosts = self._draft.state.hosts
        others = (name for name in self._draft.stack.hosts if name not in compiled)
        return {*compiled, *(name for name in others if self._inputs.are_sources_same(name, hosts.get(name)))}

    def target(self, name: str, wanted: Wanted) -> Target:
        """The host as it is inspected. Raises `SecretUnavailable`."""
        draft = self._draft
        stack, known = draft.stack, draft.state
        return Target(
            spec=host_spec(stack, stack.hosts[name], draft.resolve),
            stack=stack.name,
            wanted=wanted,
            previous=known.hosts.get(name),
            operations=stack.operations[name],
            groups=stack.hosts[name].groups,
            intent=known.intents.get(name),
            generation=draft.saved.hosts[name].generation if name in draft.saved.hosts else None,
            now=draft.request.moment(),
            inputs=self._of[name],
            is_same=name in self._same,
        )


def _may_trust(draft: Draft) -> bool:
    """Whether inputs decide alone. Patterns name blocks, so the blocks of every host must be known."""
    choice = draft.request.choice
    return not (choice.targets or choice.excludes or any(step.reads_all for step in draft.steps))
