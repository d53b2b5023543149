"""What is linted: a configuration, and what is known beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pmtaform.lang.includes import Configuration


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known of a file beside its content. `mode` None: not known."""

    exists: bool = True
    mode: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is linted.

    `whole`: the configuration is all that PowerMTA would read. Only then is something missing, undefined or
    unused. `defaults` is the vendor's `/etc/pmta/config-defaults`, if available: its definitions count, and
    nothing in it is reported. `version` is PowerMTA's (`5.0`, `5.0r5`, `4.5`). `files` are facts on files that the
    configuration names, and on its own. `sources` are the lines of files that places point to but no tree holds
    (a stack's YAML), read for suppressions. `in_stack`: it comes from a repository, so secrets have no place in it.
    `elsewhere`: what it includes may define more. `all_read`: the machine was asked for every included file, so that
    one which is missing does not exist.
    """

    configuration: Configuration
    whole: bool = True
    defaults: Configuration | None = None
    version: str | None = None
    files: Mapping[str, FileFacts] | None = None
    sources: Mapping[str, Sequence[str]] = field(default_factory=dict)
    in_stack: bool = False
    all_read: bool = False
    elsewhere: bool = False
    host: str | None = None
