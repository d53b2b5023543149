"""`pmtaform schema`: the JSON Schema of stack files, for editors."""

from __future__ import annotations

import json


def schema() -> None:
    """Print the JSON Schema of stack files: every section and directive, with type, default and summary."""
    from pmtaform.stack.schema import json_schema

    print(json.dumps(json_schema(), indent=1, ensure_ascii=False))
