"""Write the pages and the schema that are made from the code: `make docs` runs this."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from pmtaform.report.codes import errors_page
from pmtaform.report.dangers import danger_table
from pmtaform.report.events import events_schema
from pmtaform.report.rules_page import rules_page

DOCS = Path(__file__).parent.parent / "docs"
REMEDY = "it is older than the code; run\n    make docs"
_TABLE = re.compile(r"^\| code \| what it costs \|.*?\n(?!\|)", re.MULTILINE | re.DOTALL)


def generated() -> Mapping[Path, str]:
    """Every generated file, and its content."""
    dangers = DOCS / "dangers.md"
    return {
        DOCS / "errors.md": errors_page(),
        DOCS / "rules.md": rules_page(),
        dangers: _TABLE.sub(lambda _: danger_table().rstrip("\n") + "\n", dangers.read_text("utf-8"), count=1),
        DOCS / "events.schema.json": json.dumps(events_schema(), indent=1, ensure_ascii=False) + "\n",
    }


if __name__ == "__main__":
    for path, content in generated().items():
        path.write_text(content, "utf-8")
