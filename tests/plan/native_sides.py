"""Comparisons of native texts: what a host has, and what it should have."""

from __future__ import annotations

from collections.abc import Mapping

from pmtaform.lang.blocks import blocks_of
from pmtaform.lang.includes import Configuration, read_configuration, single
from pmtaform.lang.parsing import parse
from pmtaform.model.desired import Desired, Unmanaged
from pmtaform.plan.diff import Difference, difference
from pmtaform.plan.inputs import Live, Previous

MAIN = "/etc/pmta/config"


def live(files: Mapping[str, str], patterns: Mapping[str, list[str]] | None = None) -> Configuration:
    """The host's files, by path."""
    return read_configuration(MAIN, {path: text.encode() for path, text in files.items()}, patterns)


def compared(before: str | Mapping[str, str], after: str, **more: object) -> Difference:
    """What has to change on a host with `before`, so that it has `after` and nothing else."""
    files = {MAIN: before} if isinstance(before, str) else before
    return compared_with(live(files), after, **more)


def compared_with(configuration: Configuration, after: str, **more: object) -> Difference:
    """The same, for a configuration that is read already."""
    blocks = blocks_of(single(parse(after, "stack")))
    desired = Desired(host="mta1", blocks=blocks, **{"unmanaged": Unmanaged.REMOVE, **more})  # type: ignore[arg-type]
    return difference(desired, Live(configuration), Previous(), lambda content: content.decode("utf-8", "replace"))
