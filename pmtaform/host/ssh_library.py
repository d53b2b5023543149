"""The SSH library, imported without invoke.

The library uses that for `Match exec` in ssh_config alone, and it takes as long to import as the rest: 40 ms for
asyncio, unittest.mock and a second YAML.
"""

from __future__ import annotations

import sys
from typing import Any, cast

if "paramiko" not in sys.modules and "invoke" not in sys.modules:
    # An import of it fails then, which paramiko provides for.
    cast("dict[str, Any]", sys.modules)["invoke"] = None
    try:
        import paramiko
    finally:
        del sys.modules["invoke"]
else:
    import paramiko

__all__ = ["load_match_exec", "paramiko"]


def load_match_exec() -> None:
    """Let paramiko run the programs of `Match exec`."""
    if paramiko.config.invoke is None:
        import invoke

        paramiko.config.invoke = invoke
