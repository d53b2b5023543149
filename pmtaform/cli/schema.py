"""`pmtaform schema`: the JSON Schemas of stack files, of plans, and of the events of a run."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any

import typer


class Of(StrEnum):
    """What there is a schema of."""

    STACK = "stack"
    EVENTS = "events"
    PLAN = "plan"


def schema(
    of: Annotated[
        Of,
        typer.Option(
            "--of", help="stack: its files, for editors; events: a line of apply --format json; plan: a plan file."
        ),
    ] = Of.STACK,
) -> None:
    """Print a JSON Schema, by default of stack files: every section and directive with type and summary."""
    print(json.dumps(_schema(of), indent=1, ensure_ascii=False))


def _schema(of: Of) -> dict[str, Any]:
    if of is Of.EVENTS:
        from pmtaform.report.events import events_schema

        return events_schema()
    if of is Of.PLAN:
        from pmtaform.plan.document import plan_schema

        return plan_schema()
    from pmtaform.stack.schema import json_schema

    return json_schema()
