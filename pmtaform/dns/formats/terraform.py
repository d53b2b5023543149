"""What both Terraform formats need: names of resources, and texts in HCL."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Final

_MOST: Final = 64


class ResourceNames:
    """Names of resources: letters, digits and `_`, each once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def name(self, text: str) -> str:
        """A name like `text`. The same texts in the same order give the same names."""
        name = re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_") or "record"
        if not re.match(r"[A-Za-z_]", name):
            name = f"r_{name}"
        if name in self._taken or len(name) > _MOST:
            name = f"{name[:_MOST]}_{hashlib.sha256(text.encode()).hexdigest()[:8]}"
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name


def hcl(text: str) -> str:
    """`text` as an HCL string: JSON's escapes, and no templates in it."""
    return json.dumps(text, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
