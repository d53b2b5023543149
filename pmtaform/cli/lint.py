"""`pmtaform lint`: what in configurations is wrong, unsafe, or without effect."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pmtaform.cli.context import Format, settings
from pmtaform.cli.options import choice_of
from pmtaform.diagnostics import Exit, Severity, did_you_mean, some_of
from pmtaform.diagnostics.codes.command_line import (
    CONTRADICTORY_OPTIONS,
    FIX_NEEDS_FILES,
    NO_SUCH_FILE,
    NO_SUCH_HOST,
    NO_SUCH_RULE,
)

if TYPE_CHECKING:
    from pmtaform.api.linting import Linted, RuleChoice
    from pmtaform.diagnostics import Place
    from pmtaform.lang.lint import Finding
    from pmtaform.stack import Stack


class LintFormat(StrEnum):
    """The output format of findings."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"


class Level(StrEnum):
    """From which severity on the command fails."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


_ROUNDS = 10  # a fix may lay the next one open


_Paths = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATH...|STACK", help="Configuration files or folders, or a stack; its name, or nothing."),
]
_Host = Annotated[str | None, typer.Option("--host", help="Lint what this host of the stack has now. Changes nothing.")]
_Shard = Annotated[
    str | None,
    typer.Option("--shard", metavar="I/N", help="Only part I of N of the stack's hosts, by a hash of their names."),
]
_Format = Annotated[LintFormat, typer.Option("--format", help="Output format.")]
_Fix = Annotated[bool, typer.Option("--fix", help="Correct what is certain in the files, and show it.")]
_FailOn = Annotated[Level, typer.Option("--fail-on", help="Exit 1 at findings of this severity or above.")]
_Version = Annotated[str | None, typer.Option("--powermta", help="PowerMTA's version, for example 5.0r5.")]
_Only = Annotated[list[str] | None, typer.Option("--only", metavar="RULE", help="Apply only this rule. Repeatable.")]
_Disable = Annotated[
    list[str] | None, typer.Option("--disable", metavar="RULE", help="Do not apply this rule. Repeatable.")
]
_Enable = Annotated[
    list[str] | None, typer.Option("--enable", metavar="RULE", help="Also apply this optional rule. Repeatable.")
]
_Rules = Annotated[bool, typer.Option("--rules", help="List all rules and exit.")]


def lint(
    paths: _Paths = None,
    host: _Host = None,
    shard: _Shard = None,
    format: _Format = LintFormat.TEXT,
    fix: _Fix = False,
    fail_on: _FailOn = Level.ERROR,
    powermta: _Version = None,
    only: _Only = None,
    disable: _Disable = None,
    enable: _Enable = None,
    rules: _Rules = False,
) -> int:
    """Find what is wrong, unsafe or without effect in PowerMTA configurations: native files, a stack, or a live host.

    To ignore a finding, comment its line or the line above: # pmtaform: ignore RULE because REASON.
    """
    from pmtaform.cli.output import out, tell
    from pmtaform.lang.lint import rules_text

    if rules:
        out(rules_text())
        return Exit.OK
    choice = _choice(only, disable, enable, ignored=format is LintFormat.SARIF)
    results = _gather(paths or [], _Where(host, shard), choice, powermta, fix=fix)
    tell(note for linted in results for note in linted.notes)
    full = format in (LintFormat.JSON, LintFormat.SARIF)
    findings = [finding for linted in results for finding in (linted.every if full else linted.findings)]
    _print(findings, results, format)
    return Exit.ERROR if any(_fails(finding, fail_on) for finding in findings) else Exit.OK


def _choice(
    only: list[str] | None, disable: list[str] | None, enable: list[str] | None, *, ignored: bool = False
) -> RuleChoice:
    from pmtaform.api.linting import RuleChoice
    from pmtaform.errors import UsageError
    from pmtaform.lang.lint import rules

    for name in (*(only or ()), *(disable or ()), *(enable or ())):
        if name not in rules():
            detail = f'There is no rule "{name}".{did_you_mean(name, rules())} `pmtaform lint --rules` lists them.'
            raise UsageError.of(NO_SUCH_RULE, detail)
    return RuleChoice(only=only or None, disabled=disable or (), enabled=enable or (), ignored=ignored)


@dataclass(frozen=True, slots=True)
class _Where:
    """The hosts of a stack that are linted: one live host, or those of a shard."""

    host: str | None
    shard: str | None


def _gather(paths: list[str], where: _Where, choice: RuleChoice, version: str | None, *, fix: bool) -> list[Linted]:
    """Lint what the arguments name. Raises `UsageError`."""
    from pmtaform.api.linting import lint_host
    from pmtaform.errors import UsageError

    host = where.host
    files = [path for path in paths if _is_native(path)]
    if host is None and files and len(files) == len(paths):
        if where.shard is not None:
            raise UsageError.of(
                CONTRADICTORY_OPTIONS,
                "--shard divides the hosts of a stack, and these are files. Omit it, or name a stack.",
            )
        return [_lint_path(Path(path), choice, version, fix=fix) for path in paths]
    if len(paths) > 1:
        missing = next(path for path in paths if path not in files)
        raise UsageError.of(NO_SUCH_FILE, f'"{missing}" is neither a configuration file nor a folder with one.')
    if fix:
        raise UsageError.of(FIX_NEEDS_FILES, "--fix is for configuration files; correct a stack by hand.")
    stack = settings.project().load(paths[0] if paths else None)
    if host is None:
        return [_lint_hosts(stack, where, choice, version)]
    if where.shard is not None:
        raise UsageError.of(CONTRADICTORY_OPTIONS, "--host names one host, and --shard divides all of them.")
    if host not in stack.hosts:
        near = did_you_mean(host, stack.hosts) or f" Its hosts are: {some_of(stack.hosts)}."
        raise UsageError.of(NO_SUCH_HOST, f'"{host}" is not a host of stack "{stack.name}".{near}')
    return [lint_host(stack, host, choice, version=version)]


def _lint_hosts(stack: Stack, where: _Where, choice: RuleChoice, version: str | None) -> Linted:
    """Lint what the hosts of a stack, or those of a shard, would have."""
    from pmtaform.api.linting import lint_stack
    from pmtaform.planning.notes import of_shard

    chosen = choice_of((), where.shard)
    names = chosen.select(stack)
    linted = lint_stack(stack, choice, hosts=names, version=version)
    return replace(linted, notes=(*of_shard(chosen, stack, names), *linted.notes))


def _is_native(text: str) -> bool:
    """Whether a path is a native file or a folder of them, rather than a stack."""
    path = Path(text)
    if path.is_dir():
        return (path / "etc/pmta/config").exists() or (path / "config").exists()
    return path.exists() and path.suffix not in (".yaml", ".yml")


def _lint_path(path: Path, choice: RuleChoice, version: str | None, *, fix: bool) -> Linted:
    from pmtaform.api.linting import lint_path
    from pmtaform.cli.output import write
    from pmtaform.lang.lint import applied, apply_fixes
    from pmtaform.report.masking import masked_line
    from pmtaform.sources import replace_native

    result = lint_path(path, choice, version=version)
    for _ in range(_ROUNDS if fix else 0):
        configuration = result.subjects[0].configuration
        edits = apply_fixes(configuration, result.findings)
        if not edits:
            break
        for name, edit in edits.items():
            before = "".join(edit.before).encode("utf-8", "surrogateescape")
            replace_native(Path(result.files[name]), edit.content, expected=before)
            write(sys.stderr, "\n".join(edit.diff(masked_line)) + "\n")
        write(sys.stderr, f"Fixed: {', '.join(sorted({f.rule.code for f in applied(result.findings, edits)}))}.\n")
        result = lint_path(path, choice, version=version)
    return result


def _fails(finding: Finding, level: Level) -> bool:
    if finding.ignored is not None:
        return False
    ranks = [Severity.ERROR, Severity.WARNING, Severity.INFO]
    return ranks.index(finding.severity) <= ranks.index(Severity(level.value))


def _print(findings: list[Finding], results: list[Linted], format: LintFormat) -> None:
    from pmtaform.cli.output import out, show
    from pmtaform.report.lint_documents import LintView, github_lint, junit_lint
    from pmtaform.report.lint_sarif import sarif_lint

    def source(place: Place) -> str | None:
        return next((line for linted in results if (line := linted.line(place)) is not None), None)

    if format is LintFormat.JUNIT:
        out(junit_lint(findings, [name for linted in results for name in linted.files.values()]))
    elif format is LintFormat.SARIF:
        out(sarif_lint(findings, {path: name for linted in results for path, name in linted.files.items()}))
    elif format is LintFormat.GITHUB:
        out(github_lint(findings), exact=True)  # commands, of which each text is escaped
    else:
        show(LintView(findings, source), Format(format.value))
