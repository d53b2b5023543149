"""Check the secrets of a stack: whether each is available and fit for what it is for."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.diagnostics.codes.connections import KEY_MISSING, KEY_PASSPHRASE_WRONG
from pmtaform.diagnostics.codes.secrets import BAD_SECRET, PASSPHRASE_UNUSED, UNSAFE_SECRET
from pmtaform.errors import Invalid, SecretUnavailable
from pmtaform.parallel import run_all
from pmtaform.reading import read_regular
from pmtaform.secrets import Reference, Resolver, Secret, require_reference
from pmtaform.stack import Purpose, SecretUse, Stack
from pmtaform.stack.emit import unsafe
from pmtaform.stack.project_file import allowed_programs
from pmtaform.stack.values import secret_text, value_problem

_PARALLEL = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSecret:
    """The result for one use of a secret. `facts` may be shown: a key's type and size, a file's mode.

    The secret is usable when no finding is an error.
    """

    use: SecretUse
    facts: tuple[str, ...] = ()
    findings: tuple[Diagnostic, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the secret is available and fits its use."""
        return not any(finding.severity is Severity.ERROR for finding in self.findings)


def check_secrets(
    stack: Stack, uses: Iterable[SecretUse], resolver: Resolver | None = None
) -> tuple[CheckedSecret, ...]:
    """Look up every secret once, and check whether it fits its purpose. No host is read."""
    lookups = resolver or Resolver(stack.folder, allowed=allowed_programs(stack.folder))
    listed = list(uses)
    checked: dict[int, CheckedSecret] = {}

    def check(number: int) -> None:
        checked[number] = _check(listed[number], listed, lookups)

    run_all(range(len(listed)), check, parallel=min(_PARALLEL, max(1, len(listed))))
    return tuple(checked[number] for number in range(len(listed)))


def _check(use: SecretUse, uses: list[SecretUse], resolver: Resolver) -> CheckedSecret:
    reference = require_reference(use.reference, place=use.place)
    try:
        secret = resolver.resolve(reference, place=use.place)
        mode = _mode(reference, resolver)
        if use.purpose is Purpose.DIRECTIVE:
            return CheckedSecret(use=use, facts=mode, findings=_directive(use, secret))
        if use.purpose is Purpose.PRIVATE_KEY:
            return _private_key(use, secret, _passphrase_of(use, uses, resolver), mode)
        if use.purpose is Purpose.PASSPHRASE and use.identity_files:
            return _ssh_passphrase(use, secret, mode)
        return CheckedSecret(use=use, facts=mode)
    except SecretUnavailable as problem:
        return CheckedSecret(use=use, findings=problem.diagnostics)


def _mode(reference: Reference, resolver: Resolver) -> tuple[str, ...]:
    path = resolver.file_of(reference)
    if path is None:
        return ()
    with suppress(OSError):
        return (f"mode {stat.S_IMODE(path.stat().st_mode):04o}",)
    return ()


def _directive(use: SecretUse, secret: Secret) -> tuple[Diagnostic, ...]:
    text = secret_text(use.directive, secret.reveal())
    if text is None:
        return (UNSAFE_SECRET.diagnostic(unsafe(use.reference), use.place),)
    # Without the cache: it would keep the text for as long as the process runs.
    problem = value_problem.__wrapped__(use.scope, use.directive, f"{use.before} {text}".strip())
    if problem is None:
        return ()
    detail = f"What {use.reference} holds may not be taken by PowerMTA: {problem}"
    return (BAD_SECRET.diagnostic(detail, use.place),)


# -- keys ----


def _passphrase_of(use: SecretUse, uses: Iterable[SecretUse], resolver: Resolver) -> bytes | None:
    """The passphrase that the stack gives for a DKIM key on these hosts, or None if none is available."""
    stem = use.what.rpartition(": ")[0]
    for other in uses:
        is_its = other.what == f"{stem}: passphrase" and not set(other.hosts).isdisjoint(use.hosts)
        if other.purpose is Purpose.PASSPHRASE and is_its:
            with suppress(SecretUnavailable):
                return resolver.resolve(require_reference(other.reference)).reveal()
    return None


def _private_key(use: SecretUse, secret: Secret, passphrase: bytes | None, facts: tuple[str, ...]) -> CheckedSecret:
    """Read the key as a plan does, so that both accept the same keys."""
    from pmtaform.dkim.keys import load_private_key

    try:
        key = load_private_key(secret.reveal(), passphrase, reference=use.reference)
    except Invalid as problem:
        return CheckedSecret(
            use=use, facts=facts, findings=tuple(replace(d, place=use.place) for d in problem.diagnostics)
        )
    return CheckedSecret(
        use=use, facts=(key.describe, *facts), findings=tuple(replace(d, place=use.place) for d in key.warnings)
    )


def _ssh_passphrase(use: SecretUse, secret: Secret, facts: tuple[str, ...]) -> CheckedSecret:
    """Whether a passphrase opens every key that it is for and that can be read here."""
    from pmtaform.pem import is_locked, is_pem
    from pmtaform.secrets.material import passphrase_problem

    findings: list[Diagnostic] = []
    for name in use.identity_files:
        path = Path(name).expanduser()
        try:
            content = read_regular(path)
        except OSError as problem:
            detail = f"{name}, which {use.reference} is for: {(problem.strerror or 'it cannot be read').lower()}."
            findings.append(KEY_MISSING.diagnostic(detail, use.place))
            continue
        if not (is_pem(content) and is_locked(content)):
            detail = f"{name} has no passphrase, and {use.reference} is given for it. Omit `passphrase`, or lock "
            detail += f"the key:\n    ssh-keygen -p -f {name}"
            findings.append(PASSPHRASE_UNUSED.diagnostic(detail, use.place))
            continue
        mismatch = passphrase_problem(content, secret.reveal())
        if mismatch is not None:
            detail = f"{name}: {mismatch.why}. {use.reference} is given for it. {mismatch.fix}"
            findings.append(KEY_PASSPHRASE_WRONG.diagnostic(detail, use.place))
        else:
            facts = (f"opens {path.name}", *facts)
    return CheckedSecret(use=use, facts=facts, findings=tuple(findings))
