"""`pmtaform dkim rotate`: the steps of a rotation that are the client's."""

from __future__ import annotations

from pmtaform.cli.context import Format, settings
from pmtaform.cli.moments import AsOf, moment_of
from pmtaform.cli.options import FormatOption, StackArgument
from pmtaform.diagnostics import Exit


def rotate(
    stack: StackArgument = None,
    as_of: AsOf = None,
    format: FormatOption = Format.TEXT,
) -> int:
    """Generate the DKIM keys that are due, check DNS, and show the state of each key with `rotation`.

    New keys go to `private-key`. Contacts no host: `apply` puts keys on hosts and switches. With
    --as-of nothing is generated or written down.
    """
    from pmtaform.api.rotation import rotate_keys
    from pmtaform.cli.output import show, tell
    from pmtaform.report.rotations import RotationView

    project = settings.project()
    loaded = project.load(stack)
    moment = moment_of(as_of)
    if moment is not None:
        show(RotationView(rotate_keys(project, loaded, as_of=moment), ahead=True), format)
        return Exit.OK
    with project.lock(loaded.name, f"rotate {loaded.name}") as held:
        tell(held.notices)
        rotated = rotate_keys(project, loaded)
    tell(rotated.warnings)
    show(RotationView(rotated), format)
    return Exit.OK
