"""Hosts that do harm, or to which harm is done."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "host"))  # the host that is a folder, and the ways to it
